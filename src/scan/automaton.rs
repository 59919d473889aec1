//! Finds every pattern of a set in one pass over a haystack or a window of it.

use std::sync::Arc;

use super::fingerprint::is_word;
use super::gate::Verdict;
use super::long_run::Stretch;
use super::plan::{Beginnings, Plan};
use super::program::{CONTEXT, Lead, Matcher, Program, Trigger};
use super::sieve::Sieve;
use super::simd::{FRAME, Maps, TILE, each};
use super::tail::{GAP, Tail};
use super::validate::Candidate;
use super::{Dictionary, Hit, PatternId, Scanner, Span, Strategy, Strength, Sweep};

/// A compiled [`PatternSet`](super::PatternSet): cheap to clone, shared between threads.
#[derive(Clone, Debug)]
pub struct Automaton {
    inner: Arc<Inner>,
    strategy: Strategy,
    // Fewer places than this are judged by the tables.
    fewest: usize,
}

#[derive(Debug)]
struct Inner {
    programs: Vec<Program>,
    dictionaries: Vec<(PatternId, Dictionary)>,
    sieve: Sieve,
    plan: Plan,
    back: usize,
    ahead: usize,
}

/// Haystacks shorter than this aren't worth a tile.
const FEWEST: usize = 256;
/// How many programs' memories fit on the stack of [`Automaton::find`]: short texts ask few.
const FEW: usize = 6;

/// What a search remembers of one program between windows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    /// Where its last match ended.
    pub(super) end: u64,
    /// What its long run has measured.
    pub(super) stretch: Stretch,
}

/// What a search remembers between windows: of each program, and the tails that go on.
#[derive(Debug, Default)]
pub(super) struct Progress {
    memories: Memories,
    pub(super) tails: Vec<Tail>,
}

/// The memories of the programs that were asked.
#[derive(Debug, Default)]
struct Memories {
    few: [(usize, Memory); FEW],
    /// How many of the few are in use.
    asked: usize,
    /// Of every program, once the few don't suffice.
    many: Vec<Memory>,
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
    pub(super) fn new(programs: Vec<Program>, dictionaries: Vec<(PatternId, Dictionary)>) -> Self {
        let sequences = programs.iter().map(|program| &*program.sequences);
        let sieve = Sieve::new(sequences.enumerate());
        let plan = Plan::new(programs.iter().map(|program| Beginnings {
            sequences: &program.sequences,
            distance: program.distance,
        }));
        let longest =
            |length: fn(&Program) -> usize| programs.iter().map(length).max().unwrap_or(0);
        let widest = |reach: fn(&Dictionary) -> usize| {
            let all = dictionaries.iter().map(|(_, dictionary)| reach(dictionary));
            all.max().unwrap_or(0)
        };
        let back = (longest(Program::back) + CONTEXT).max(widest(Dictionary::back));
        let has_tail = programs.iter().any(|program| program.tail.is_some());
        // INVARIANT: what a tail has not decided lies within `ahead` of what was fed, so no place
        // that is judged while a tail is open lies after its certain end.
        let gap = if has_tail {
            usize::try_from(GAP).unwrap_or(0) + 1
        } else {
            0
        };
        let ahead = (longest(|program| program.max_len) + CONTEXT).max(gap);
        let ahead = ahead.max(widest(Dictionary::ahead));
        Self {
            inner: Arc::new(Inner {
                programs,
                dictionaries,
                sieve,
                plan,
                back,
                ahead,
            }),
            strategy: Strategy::available().next().unwrap_or(Strategy::Tables),
            fewest: FEWEST,
        }
    }

    /// The same automaton with candidates found in this way, however short the haystack; none when
    /// the processor can't.
    #[must_use]
    pub fn with_strategy(&self, strategy: Strategy) -> Option<Self> {
        strategy.is_available().then(|| Self {
            inner: self.inner.clone(),
            strategy,
            fewest: 0,
        })
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
        let window = Window {
            bytes: haystack,
            base: 0,
            is_last: true,
        };
        self.search(window, 0, haystack.len(), &mut Progress::default(), sink);
    }

    /// Searches texts that lie in one buffer and are told one after another.
    #[must_use]
    pub fn sweep(&self) -> Sweep {
        Sweep::new(self.clone())
    }

    /// Searches a haystack that arrives in pieces.
    #[must_use]
    pub fn scanner(&self) -> Scanner {
        Scanner::new(self.clone())
    }

    /// The most bytes at the end of a stream that can be undecided (open hits apart).
    #[must_use]
    pub fn max_len(&self) -> usize {
        self.inner.back + self.inner.ahead
    }

    pub(super) fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// How short a haystack isn't worth bitmaps, in places.
    pub(super) fn fewest(&self) -> usize {
        self.fewest
    }

    /// How many bytes before a place must be at hand to judge it.
    pub(super) fn back(&self) -> usize {
        self.inner.back
    }

    /// How many bytes from a place on must be at hand to judge it.
    pub(super) fn ahead(&self) -> usize {
        self.inner.ahead
    }

    pub(super) fn programs(&self) -> usize {
        self.inner.programs.len()
    }

    /// Judges the places `from..to` of `window`.
    pub(super) fn search(
        &self,
        window: Window<'_>,
        from: usize,
        to: usize,
        progress: &mut Progress,
        sink: &mut dyn FnMut(Hit),
    ) {
        self.look_up(window, from, to, sink);
        let mut at = from;
        if to - from >= self.fewest {
            at = self.tiles(window.bytes, from, to, |program, at| {
                self.ask(program, window, at, progress, sink);
            });
        }
        let bytes = window.bytes;
        for at in at..to {
            if self.inner.sieve.may_begin(bytes, at) {
                let mut ask = |program| self.ask(program, window, at, progress, sink);
                self.literal_at(bytes, at, &mut ask);
                self.classes_at(bytes, at, &mut ask);
            }
        }
    }

    /// Looks for the dictionaries' entries whose anchor begins at one of the places `from..to`.
    pub(super) fn look_up(
        &self,
        window: Window<'_>,
        from: usize,
        to: usize,
        sink: &mut dyn FnMut(Hit),
    ) {
        for (pattern, dictionary) in &self.inner.dictionaries {
            let strategy = self.strategy;
            dictionary.find(strategy, window.bytes, from, to, &mut |start, end| {
                sink(Hit {
                    pattern: *pattern,
                    span: Span::new(window.base + start as u64, window.base + end as u64),
                    strength: Strength::Certain,
                });
            });
        }
    }

    /// Visits the programs that may begin at one of the places `from..to`, with the place, told by bitmaps;
    /// returns where it stopped.
    fn tiles(
        &self,
        bytes: &[u8],
        from: usize,
        to: usize,
        mut visit: impl FnMut(usize, usize),
    ) -> usize {
        let mut maps = Maps::new();
        let mut base = from;
        while base < to {
            let places = TILE.min(to - base);
            if !self.scan(bytes, base, places.div_ceil(64), &mut maps) {
                break;
            }
            each(&maps.literal, places, |place| {
                self.literal_at(bytes, base + place, |program| visit(program, base + place));
            });
            each(&maps.classes, places, |place| {
                self.classes_at(bytes, base + place, |program| visit(program, base + place));
            });
            base += places;
        }
        base
    }

    /// Makes the bitmaps of the places from `base` on, in words of 64. False when the processor can't.
    pub(super) fn scan(&self, bytes: &[u8], base: usize, words: usize, maps: &mut Maps) -> bool {
        let before = base.checked_sub(1);
        let whole = before.and_then(|start| bytes.get(start..)?.first_chunk());
        let mut copy;
        let frame = match whole {
            Some(frame) => frame,
            None => {
                // INVARIANT: zeros stand for what is outside: they are no word characters, and
                // no match needs them, so they can only say yes too often.
                copy = [0; FRAME];
                let inside = bytes.get(before.unwrap_or(0)..).unwrap_or_default();
                let (_, places) = copy.split_at_mut(usize::from(before.is_none()));
                let inside = inside.get(..places.len()).unwrap_or(inside);
                if let Some((places, _)) = places.split_at_mut_checked(inside.len()) {
                    places.copy_from_slice(inside);
                }
                &copy
            }
        };
        self.strategy.scan(&self.inner.plan, frame, words, maps)
    }

    /// Visits the programs that begin with few strings and may begin at `at`.
    #[inline]
    pub(super) fn literal_at(&self, bytes: &[u8], at: usize, visit: impl FnMut(usize)) {
        self.inner.sieve.literal(bytes, at, visit);
    }

    /// Visits the programs that begin with classes of bytes and may begin at `at`.
    #[inline]
    pub(super) fn classes_at(&self, bytes: &[u8], at: usize, visit: impl FnMut(usize)) {
        self.inner.sieve.classes(bytes, at, visit);
    }

    /// How many programs are asked about the places of a haystack, all together.
    #[cfg(test)]
    pub(super) fn asked(&self, haystack: &[u8]) -> usize {
        let mut count = 0;
        self.tiles(haystack, 0, haystack.len(), |_, _| count += 1);
        count
    }

    pub(super) fn ask(
        &self,
        index: usize,
        window: Window<'_>,
        at: usize,
        progress: &mut Progress,
        sink: &mut dyn FnMut(Hit),
    ) {
        let Progress { memories, tails } = progress;
        if let Some(program) = self.inner.programs.get(index)
            && program.fingerprint.admits(window.bytes, at)
            && let Some(memory) = memories.of(self.programs(), index)
        {
            program.judge(index, window, at, memory, tails, sink);
        }
    }
}

impl Progress {
    /// Forgets what is remembered: another haystack follows.
    pub(super) fn restart(&mut self) {
        self.memories.asked = 0;
        self.memories.many.clear();
        self.tails.clear();
    }

    /// What is remembered of a program, of `count` in all.
    pub(super) fn memory(&mut self, count: usize, index: usize) -> Option<&mut Memory> {
        self.memories.of(count, index)
    }
}

impl Memories {
    fn of(&mut self, count: usize, index: usize) -> Option<&mut Memory> {
        if self.many.is_empty() {
            let known = self.few.iter().take(self.asked);
            let place = known
                .enumerate()
                .find_map(|(place, (of, _))| (*of == index).then_some(place));
            let place = place.unwrap_or(self.asked);
            if place < FEW {
                if place == self.asked {
                    self.asked += 1;
                    *self.few.get_mut(place)? = (index, Memory::default());
                }
                return self.few.get_mut(place).map(|(_, memory)| memory);
            }
            self.many.resize(count, Memory::default());
            for (of, memory) in self.few {
                *self.many.get_mut(of)? = memory;
            }
        }
        self.many.get_mut(index)
    }
}

impl Program {
    fn judge(
        &self,
        index: usize,
        window: Window<'_>,
        at: usize,
        memory: &mut Memory,
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
        let free = usize::try_from(memory.end.saturating_sub(window.base)).unwrap_or(usize::MAX);
        let mut shared_end = None;
        let starts = match &self.trigger {
            Trigger::Start if at < free => return,
            Trigger::Start => {
                if let Some(run) = &self.long_run
                    && !run.admits(window.bytes, window.base, at, &mut memory.stretch)
                {
                    return;
                }
                if let Some(gate) = &self.gate
                    && gate.is_hopeless(self.digits, window.bytes, at)
                {
                    return;
                }
                at..at + 1
            }
            Trigger::Run {
                class,
                max,
                rest,
                lead,
            } => {
                let Some(before) = window.bytes.get(at.saturating_sub(*max)..at) else {
                    return;
                };
                let run = before
                    .iter()
                    .rev()
                    .take_while(|byte| class.contains(**byte));
                let mut starts = (at - run.count()).max(free)..at;
                if let Some(gate) = &self.gate {
                    starts = gate.viable(window.bytes, starts);
                    // What stands from the trigger on is in every match, too.
                    if gate.is_hopeless(None, window.bytes, at) {
                        return;
                    }
                }
                if starts.is_empty() {
                    return;
                }
                let Some(end) = rest.end(window.bytes, at) else {
                    return;
                };
                shared_end = Some((*lead, end));
                starts
            }
        };
        for start in starts {
            let end = match shared_end {
                Some((Lead::Nothing, end)) => Some(end),
                Some((Lead::Boundary, end)) => {
                    let before = start.checked_sub(1).and_then(|at| window.bytes.get(at));
                    (!before.is_some_and(|byte| is_word(*byte))).then_some(end)
                }
                _ => matcher.end(window.bytes, start),
            };
            let Some(end) = end else {
                continue;
            };
            let Some(verdict) = self.accept(window.bytes, start, end) else {
                continue;
            };
            let hit = Hit {
                strength: verdict.strength,
                ..self.hit(window, start + verdict.start, start + verdict.end)
            };
            memory.end = hit.span.end;
            let Some(kind) = self.tail else {
                sink(hit);
                return;
            };
            let mut tail = Tail::new(index, self.id, hit.strength, kind, hit.span);
            let has_ended = tail.follow(window.bytes.get(end..).unwrap_or_default());
            if has_ended || window.is_last {
                memory.end = tail.span.end;
                sink(tail.hit());
            } else {
                memory.end = u64::MAX;
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
