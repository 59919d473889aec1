//! Finds every pattern of a set in one pass over a haystack or a window of it.

use std::sync::Arc;

use super::fingerprint::{BLOCK, DEPTH, Tables};
use super::gate::Verdict;
use super::program::{CONTEXT, Matcher, Program, Trigger};
use super::tail::{GAP, Tail};
use super::validate::Candidate;
use super::{Hit, Scanner, Span};

/// A compiled [`PatternSet`](super::PatternSet): cheap to clone, shared between threads.
#[derive(Clone, Debug)]
pub struct Automaton(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    programs: Vec<Program>,
    tables: Box<Tables>,
    back: usize,
    ahead: usize,
}

/// How many programs' progress fits on the stack of [`Automaton::find`].
const FEW: usize = 64;

/// What a search remembers between windows: where each program's last match ended, and the tails
/// that go on.
pub(super) struct Progress<'p> {
    pub(super) ends: &'p mut [u64],
    pub(super) tails: &'p mut Vec<Tail>,
}

/// A stretch of a haystack, at an offset in it.
#[derive(Clone, Copy)]
pub(super) struct Window<'h> {
    pub(super) bytes: &'h [u8],
    pub(super) base: u64,
    /// The haystack ends where the window does.
    pub(super) is_last: bool,
}

impl Automaton {
    pub(super) fn new(programs: Vec<Program>) -> Self {
        let tables = Tables::new(programs.iter().map(|program| &program.fingerprint));
        let longest =
            |length: fn(&Program) -> usize| programs.iter().map(length).max().unwrap_or(0);
        let back = longest(Program::back) + CONTEXT;
        let has_tail = programs.iter().any(|program| program.tail.is_some());
        // INVARIANT: what a tail has not decided lies within `ahead` of what was fed, so no place
        // that is judged while a tail is open lies after its certain end.
        let gap = if has_tail {
            usize::try_from(GAP).unwrap_or(0) + 1
        } else {
            0
        };
        let ahead = (longest(|program| program.max_len) + CONTEXT).max(gap);
        Self(Arc::new(Inner {
            programs,
            tables,
            back,
            ahead,
        }))
    }

    /// Reports every hit in `haystack`, in no particular order.
    ///
    /// ```
    /// use chaperone::scan::{PatternSet, Span};
    ///
    /// let mut set = PatternSet::new();
    /// let names = set.terms(["Ada", "Ada Lovelace"])?;
    /// let mut spans = Vec::new();
    /// set.build()?.find("by ADA LOVELACE".as_bytes(), &mut |hit| spans.push(hit.span));
    /// assert_eq!(spans, [Span::new(3, 6), Span::new(3, 15)]);
    /// # Ok::<(), chaperone::scan::BuildError>(())
    /// ```
    pub fn find(&self, haystack: &[u8], sink: &mut dyn FnMut(Hit)) {
        let mut few = [0; FEW];
        let mut many = Vec::new();
        let ends = match few.get_mut(..self.0.programs.len()) {
            Some(few) => few,
            None => {
                many.resize(self.0.programs.len(), 0);
                many.as_mut_slice()
            }
        };
        let window = Window {
            bytes: haystack,
            base: 0,
            is_last: true,
        };
        let tails = &mut Vec::new();
        self.search(
            window,
            0,
            haystack.len(),
            &mut Progress { ends, tails },
            sink,
        );
    }

    /// Searches a haystack that arrives in pieces.
    #[must_use]
    pub fn scanner(&self) -> Scanner {
        Scanner::new(self.clone())
    }

    /// The most bytes at the end of a stream that can be undecided (open hits apart).
    #[must_use]
    pub fn max_len(&self) -> usize {
        self.0.back + self.0.ahead
    }

    /// How many bytes before a place must be at hand to judge it.
    pub(super) fn back(&self) -> usize {
        self.0.back
    }

    /// How many bytes from a place on must be at hand to judge it.
    pub(super) fn ahead(&self) -> usize {
        self.0.ahead
    }

    pub(super) fn programs(&self) -> usize {
        self.0.programs.len()
    }

    /// Judges the places `from..to` of `window`.
    pub(super) fn search(
        &self,
        window: Window<'_>,
        from: usize,
        to: usize,
        progress: &mut Progress<'_>,
        sink: &mut dyn FnMut(Hit),
    ) {
        let tables = &*self.0.tables;
        let bytes = window.bytes;
        let mut at = from;
        while at < to {
            let block = (to - at >= BLOCK)
                .then(|| at.checked_sub(1))
                .flatten()
                .and_then(|start| bytes.get(start..)?.first_chunk::<{ BLOCK + DEPTH }>());
            let Some(block) = block else {
                let mask = tables.mask(bytes, at);
                if mask != 0 {
                    self.judge(window, at, mask, progress, sink);
                }
                at += 1;
                continue;
            };
            if tables.may_match(block) {
                for (i, mask) in tables.masks(block).into_iter().enumerate() {
                    if mask != 0 {
                        self.judge(window, at + i, mask, progress, sink);
                    }
                }
            }
            at += BLOCK;
        }
    }

    /// Asks the programs of the groups in `mask` about the place `at`.
    #[inline(never)]
    fn judge(
        &self,
        window: Window<'_>,
        at: usize,
        mut mask: u64,
        progress: &mut Progress<'_>,
        sink: &mut dyn FnMut(Hit),
    ) {
        while mask != 0 {
            for index in self.0.tables.group(mask.trailing_zeros()) {
                if let Some(program) = self.0.programs.get(*index)
                    && let Some(end) = progress.ends.get_mut(*index)
                {
                    program.judge(*index, window, at, end, progress.tails, sink);
                }
            }
            mask &= mask - 1;
        }
    }
}

impl Program {
    fn judge(
        &self,
        index: usize,
        window: Window<'_>,
        at: usize,
        last_end: &mut u64,
        tails: &mut Vec<Tail>,
        sink: &mut dyn FnMut(Hit),
    ) {
        let matcher = match &self.matcher {
            Matcher::Regex(matcher) => matcher,
            Matcher::Terms(terms) => {
                terms.find(window.bytes, at, |end| sink(self.hit(window, at, end)));
                return;
            }
        };
        // INVARIANT: starts come in ascending order, each is tried once, and none before the end of
        // the match before: that is the leftmost search of one pattern.
        let free = usize::try_from(last_end.saturating_sub(window.base)).unwrap_or(usize::MAX);
        let starts = match &self.trigger {
            Trigger::Start => at.max(free)..at + 1,
            Trigger::Run { class, max, rest } => {
                let Some(before) = window.bytes.get(at.saturating_sub(*max)..at) else {
                    return;
                };
                let run = before
                    .iter()
                    .rev()
                    .take_while(|byte| class.contains(**byte));
                let starts = (at - run.count()).max(free)..at;
                if starts.is_empty() || rest.end(window.bytes, at).is_none() {
                    return;
                }
                starts
            }
        };
        for start in starts {
            let Some(end) = matcher.end(window.bytes, start) else {
                continue;
            };
            let Some(verdict) = self.accept(window.bytes, start, end) else {
                continue;
            };
            let hit = Hit {
                strength: verdict.strength,
                ..self.hit(window, start + verdict.start, start + verdict.end)
            };
            *last_end = hit.span.end;
            let Some(kind) = self.tail else {
                sink(hit);
                return;
            };
            let mut tail = Tail::new(index, self.id, hit.strength, kind, hit.span);
            let has_ended = tail.follow(window.bytes.get(end..).unwrap_or_default());
            if has_ended || window.is_last {
                *last_end = tail.span.end;
                sink(tail.hit());
            } else {
                *last_end = u64::MAX;
                tails.push(tail);
            }
            return;
        }
    }

    /// What the gate says of a match; none when it rejects it.
    fn accept(&self, bytes: &[u8], start: usize, end: usize) -> Option<Verdict> {
        let text = bytes.get(start..end)?;
        let Some(gate) = &self.gate else {
            return Some(Verdict::whole(text, self.strength));
        };
        gate.judge(
            &Candidate {
                before: bytes.get(start.saturating_sub(self.reach())..start)?,
                text,
                after: bytes.get(end..bytes.len().min(end + CONTEXT))?,
            },
            self.strength,
        )
    }

    fn hit(&self, window: Window<'_>, start: usize, end: usize) -> Hit {
        Hit {
            pattern: self.id,
            span: Span::new(window.base + start as u64, window.base + end as u64),
            strength: self.strength,
        }
    }
}

impl Tail {
    /// The hit as far as it is known.
    pub(super) fn hit(&self) -> Hit {
        Hit {
            pattern: self.pattern,
            span: self.span,
            strength: self.strength,
        }
    }
}
