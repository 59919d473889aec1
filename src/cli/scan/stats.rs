//! What each detector costs: the time that it takes to scan the same bytes for it alone.

use std::time::{Duration, Instant};

use crate::cli::scan::search::Search;
use crate::scan::Scanner;

/// The costs of one input, or of all.
#[derive(Debug)]
pub(super) struct Costs {
    /// All detectors in one pass.
    pub(super) together: Duration,
    /// Each by itself, in the order of the search.
    pub(super) alone: Vec<Cost>,
    scanners: Vec<Scanner>,
}

/// What one detector costs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) time: Duration,
    /// Hits of every strength, before any are merged or left out.
    pub(super) hits: u64,
}

impl Costs {
    /// None unless costs are to be measured.
    pub(super) fn new(search: &Search) -> Option<Self> {
        let detectors = search.detectors.iter();
        let scanners = detectors.map(|known| Some(known.alone.as_ref()?.scanner()));
        let scanners = scanners.collect::<Option<Vec<Scanner>>>()?;
        Some(Self {
            together: Duration::ZERO,
            alone: vec![Cost::default(); scanners.len()],
            scanners,
        })
    }

    pub(super) fn feed(&mut self, piece: &[u8], together: impl FnOnce()) {
        self.measure(together, |scanner, hits| {
            scanner.feed(piece, &mut |_| *hits += 1);
        });
    }

    pub(super) fn finish(&mut self, together: impl FnOnce()) {
        self.measure(together, |scanner, hits| {
            scanner.finish(&mut |_| *hits += 1);
        });
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.together += other.together;
        for (mine, theirs) in self.alone.iter_mut().zip(&other.alone) {
            mine.time += theirs.time;
            mine.hits += theirs.hits;
        }
    }

    fn measure(&mut self, together: impl FnOnce(), mut one: impl FnMut(&mut Scanner, &mut u64)) {
        let begin = Instant::now();
        together();
        self.together += begin.elapsed();
        for (scanner, cost) in self.scanners.iter_mut().zip(&mut self.alone) {
            let begin = Instant::now();
            one(scanner, &mut cost.hits);
            cost.time += begin.elapsed();
        }
    }
}

/// Millions of bytes a second.
pub(super) fn rate(bytes: u64, time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    if seconds > 0.0 {
        bytes as f64 / seconds / 1e6
    } else {
        0.0
    }
}
