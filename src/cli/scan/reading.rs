//! One input's scan, in bounded memory: the window of the search and the findings.

use std::collections::BTreeMap;
use std::io::{self, Read as _};

use crate::cli::scan::finding::{Finding, settle};
use crate::cli::scan::input::Input;
use crate::cli::scan::lines::{Lines, Position};
use crate::cli::scan::search::Search;
use crate::cli::scan::stats::Costs;
use crate::scan::{Hit, Scanner, Strength};

/// Bytes read at a time.
const PIECE: usize = 64 << 10;
/// A file found in a folder that has a NUL in so many bytes is binary.
const HEAD: usize = 8 << 10;

/// What came of an input.
#[derive(Debug)]
pub(super) enum Outcome {
    /// A binary file that nobody named.
    Binary,
    /// It was read to its end.
    Read {
        findings: Vec<Finding>,
        bytes: u64,
        costs: Option<Costs>,
    },
    /// It could not be read to its end; what was found before.
    Failed {
        findings: Vec<Finding>,
        error: io::Error,
    },
}

impl Outcome {
    /// It says nothing by itself.
    pub(super) fn is_silent(&self) -> bool {
        match self {
            Self::Binary => true,
            Self::Read { findings, .. } => findings.is_empty(),
            Self::Failed { .. } => false,
        }
    }
}

/// Scans `input` for what is at least `least` strong. `progress` is told how many bytes were read.
pub(super) fn read(
    search: &Search,
    least: Strength,
    input: &Input,
    progress: impl Fn(u64),
) -> Outcome {
    let mut reading = Reading::new(search, least);
    let failed = |findings, error| Outcome::Failed { findings, error };
    let mut source = match input.open() {
        Ok(source) => source,
        Err(error) => return failed(Vec::new(), error),
    };
    let mut buffer = vec![0; PIECE];
    loop {
        // A piece is full but at the end: the head of a file is judged as a whole.
        let mut length = 0;
        while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match source.read(rest) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return failed(reading.finish().findings, error),
            }
        }
        let Some(piece) = buffer.get(..length).filter(|piece| !piece.is_empty()) else {
            break;
        };
        let head = piece.get(..HEAD).unwrap_or(piece);
        if reading.bytes == 0 && input.is_found && memchr::memchr(0, head).is_some() {
            return Outcome::Binary;
        }
        reading.feed(piece);
        progress(length as u64);
    }
    let done = reading.finish();
    Outcome::Read {
        findings: done.findings,
        bytes: done.bytes,
        costs: done.costs,
    }
}

struct Reading<'s> {
    search: &'s Search,
    least: Strength,
    scanner: Scanner,
    lines: Lines,
    bytes: u64,
    /// Where the hits begin that still grow.
    open: BTreeMap<u64, Position>,
    pending: Vec<Finding>,
    findings: Vec<Finding>,
    costs: Option<Costs>,
}

impl<'s> Reading<'s> {
    fn new(search: &'s Search, least: Strength) -> Self {
        Self {
            search,
            least,
            scanner: search.automaton.scanner(),
            lines: Lines::new(),
            bytes: 0,
            open: BTreeMap::new(),
            pending: Vec::new(),
            findings: Vec::new(),
            costs: Costs::new(search),
        }
    }

    fn feed(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        self.lines.feed(piece);
        let mut hits = Vec::new();
        let mut scan = || self.scanner.feed(piece, &mut |hit| hits.push(hit));
        match &mut self.costs {
            None => scan(),
            Some(costs) => costs.feed(piece, scan),
        }
        self.take(hits);
        let mut opens: Vec<u64> = self.scanner.opens().map(|span| span.start).collect();
        opens.sort_unstable();
        self.open
            .retain(|start, _| opens.binary_search(start).is_ok());
        for start in opens {
            let lines = &mut self.lines;
            self.open
                .entry(start)
                .or_insert_with(|| lines.position(start));
        }
        // No hit that starts before this is still to come, but those that are open.
        let judged = self.bytes.saturating_sub(self.scanner_reach());
        self.lines.forget(judged);
        self.settle(self.scanner.settled());
    }

    fn finish(mut self) -> Self {
        let mut hits = Vec::new();
        let mut scan = || self.scanner.finish(&mut |hit| hits.push(hit));
        match &mut self.costs {
            None => scan(),
            Some(costs) => costs.finish(scan),
        }
        self.take(hits);
        self.settle(u64::MAX);
        self
    }

    fn scanner_reach(&self) -> u64 {
        self.search.automaton.max_len() as u64
    }

    fn take(&mut self, mut hits: Vec<Hit>) {
        hits.retain(|hit| hit.strength >= self.least);
        hits.sort_unstable_by_key(|hit| hit.span.start);
        for hit in hits {
            let start = hit.span.start;
            let position = match self.open.get(&start) {
                Some(position) => *position,
                None => self.lines.position(start),
            };
            self.pending.push(Finding::new(hit, position));
        }
    }

    fn settle(&mut self, settled: u64) {
        let detectors = &self.search.detectors;
        let is_list = |index: usize| detectors.get(index).is_some_and(|known| known.is_list);
        settle(&mut self.pending, settled, is_list, &mut self.findings);
    }
}
