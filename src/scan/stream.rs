//! Searches a haystack that arrives in pieces: the same hits at every cut.
//!
//! A place is judged once all the bytes that a judgement can depend on are at hand, or the stream
//! has ended; so each judgement sees what it would see in the whole haystack.

use super::automaton::{Progress, Window};
use super::{Automaton, Hit, Span};

/// One stream's search.
///
/// ```
/// use chaperone::scan::{PatternSet, Span};
///
/// let mut set = PatternSet::new();
/// set.regex("EMP-[0-9]{6}")?;
/// let mut scanner = set.build()?.scanner();
/// let mut spans = Vec::new();
/// scanner.feed(b"see EMP-12", &mut |hit| spans.push(hit.span));
/// assert!(scanner.settled() <= 4);
/// scanner.feed(b"3456.", &mut |hit| spans.push(hit.span));
/// scanner.finish(&mut |hit| spans.push(hit.span));
/// assert_eq!(spans, [Span::new(4, 14)]);
/// # Ok::<(), chaperone::scan::BuildError>(())
/// ```
#[derive(Debug)]
pub struct Scanner {
    automaton: Automaton,
    // The bytes from `base` on that are still looked at.
    buffer: Vec<u8>,
    base: u64,
    // The index in `buffer` of the first place that isn't judged.
    next: usize,
    progress: Progress,
}

/// How much of a piece is taken into the buffer at once.
const PIECE: usize = 32 << 10;
/// How many bytes that aren't needed any more may stay in the buffer.
const SLACK: usize = 8 << 10;

impl Scanner {
    pub(super) fn new(automaton: Automaton) -> Self {
        Self {
            automaton,
            buffer: Vec::new(),
            base: 0,
            next: 0,
            progress: Progress::default(),
        }
    }

    /// Takes the next piece and reports the hits that it settles.
    pub fn feed(&mut self, chunk: &[u8], sink: &mut dyn FnMut(Hit)) {
        for piece in chunk.chunks(PIECE) {
            self.follow(piece, sink);
            self.buffer.extend_from_slice(piece);
            let to = self.buffer.len().saturating_sub(self.automaton.ahead());
            self.search(to, false, sink);
            let needless = self.next.saturating_sub(self.automaton.back());
            if needless > SLACK {
                self.buffer.drain(..needless);
                self.base += needless as u64;
                self.next -= needless;
            }
        }
    }

    /// Ends the stream and reports what was still undecided.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Hit)) {
        let programs = self.automaton.programs();
        for tail in std::mem::take(&mut self.progress.tails) {
            sink(tail.hit());
            if let Some(memory) = self.progress.memory(programs, tail.program) {
                memory.end = tail.span.end;
            }
        }
        self.search(self.buffer.len(), true, sink);
    }

    /// The offset up to which everything is known: no hit that starts before it is still to come,
    /// and no reported one can still grow.
    #[must_use]
    pub fn settled(&self) -> u64 {
        let fed = self.base + self.buffer.len() as u64;
        let next = self.base + self.next as u64;
        let judged = if next == fed {
            fed
        } else {
            next.saturating_sub(self.automaton.back() as u64)
        };
        let open = self.progress.tails.iter().map(|tail| tail.span.start).min();
        open.map_or(judged, |open| open.min(judged))
    }

    /// The first hit that is certain but still grows (a PEM block, a long token), as far as it is
    /// known. Its bytes up to there will be part of one hit when it ends: they may be discarded
    /// before, though not released.
    #[must_use]
    pub fn open(&self) -> Option<Span> {
        self.opens().min_by_key(|span| span.start)
    }

    /// Every hit that is certain but still grows, as far as it is known, in no particular order.
    pub fn opens(&self) -> impl Iterator<Item = Span> {
        self.progress.tails.iter().map(|tail| tail.span)
    }

    fn search(&mut self, to: usize, is_last: bool, sink: &mut dyn FnMut(Hit)) {
        if to <= self.next {
            return;
        }
        let window = Window {
            bytes: &self.buffer,
            base: self.base,
            is_last,
        };
        self.automaton
            .search(window, self.next, to, &mut self.progress, sink);
        self.next = to;
    }

    fn follow(&mut self, piece: &[u8], sink: &mut dyn FnMut(Hit)) {
        if self.progress.tails.is_empty() {
            return;
        }
        let programs = self.automaton.programs();
        let mut tails = std::mem::take(&mut self.progress.tails);
        tails.retain_mut(|tail| {
            let has_ended = tail.follow(piece);
            if has_ended {
                sink(tail.hit());
                if let Some(memory) = self.progress.memory(programs, tail.program) {
                    memory.end = tail.span.end;
                }
            }
            !has_ended
        });
        self.progress.tails = tails;
    }
}
