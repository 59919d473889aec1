//! Finds what is in texts that lie in one buffer and are told one after another.

use std::fmt;
use std::ops::Range;

use super::automaton::{Progress, Window};
use super::fingerprint::is_word;
use super::simd::{Maps, TILE, WORDS};
use super::{Automaton, Hit, Strategy};

/// Searches texts in one buffer, such as the strings of a JSON document.
///
/// For many short texts this is faster than [`Automaton::find`] on each: candidates are found for a
/// stretch of the buffer at once, whatever the texts in it turn out to be.
///
/// ```
/// use chaperone::scan::{PatternSet, Span};
///
/// let mut set = PatternSet::new();
/// set.terms(["ada", "byron"])?;
/// let automaton = set.build()?;
/// let record = br#"{"ada":"Byron","is":"x byron"}"#;
/// let mut sweep = automaton.sweep();
/// let mut spans = Vec::new();
/// for text in [8..13, 21..28] {
///     sweep.find(record, text, &mut |hit| spans.push(hit.span));
/// }
/// assert_eq!(spans, [Span::new(8, 13), Span::new(23, 28)]);
/// # Ok::<(), chaperone::scan::BuildError>(())
/// ```
pub struct Sweep {
    automaton: Automaton,
    /// Where the buffer lies in memory, and its length: another one is told by them.
    buffer: (usize, usize),
    /// Made when it is needed first.
    maps: Option<Box<Maps>>,
    /// The stretch of the buffer that the candidates are of: none when it is empty.
    stretch: Range<usize>,
    /// The places of the candidates, counted from the stretch's first: of what begins with few strings,
    /// and of what begins with classes of bytes.
    literal: [u64; WORDS],
    classes: [u64; WORDS],
    progress: Progress,
}

impl Sweep {
    pub(super) fn new(automaton: Automaton) -> Self {
        Self {
            automaton,
            buffer: (0, 0),
            maps: None,
            stretch: 0..0,
            literal: [0; WORDS],
            classes: [0; WORDS],
            progress: Progress::default(),
        }
    }

    /// Forgets the buffer: to be called when it may have changed.
    pub fn restart(&mut self) {
        self.stretch = 0..0;
    }

    /// Reports every hit in one text of `buffer`, as [`Automaton::find`] would in that text alone: no
    /// hit crosses its border, and its border ends words. Hits count their bytes from the buffer's
    /// first. Nothing is found in a text that isn't in the buffer.
    ///
    /// Texts that go forward through the buffer are found fast; any order is right.
    pub fn find(&mut self, buffer: &[u8], text: Range<usize>, sink: &mut dyn FnMut(Hit)) {
        let Some(bytes) = buffer.get(text.clone()) else {
            return;
        };
        let lies = (buffer.as_ptr().addr(), buffer.len());
        if self.buffer != lies {
            self.restart();
            self.buffer = lies;
        }
        let window = Window {
            bytes,
            base: text.start as u64,
            is_last: true,
        };
        // INVARIANT: bitmaps see the bytes beside a text. Where these are no word characters, they
        // say no to nothing that is there when the text ends at its borders.
        let before = text.start.checked_sub(1).and_then(|at| buffer.get(at));
        let mut beside = before.into_iter().chain(buffer.get(text.end));
        let is_known = self.stretch.contains(&text.start);
        if beside.any(|byte| is_word(*byte)) || !(is_known || self.is_worth(buffer, text.start)) {
            self.progress.restart();
            self.automaton
                .search(window, 0, bytes.len(), &mut self.progress, sink);
            return;
        }
        self.automaton.look_up(window, 0, bytes.len(), sink);
        self.progress.restart();
        let mut at = text.start;
        while at < text.end {
            if !self.stretch.contains(&at) {
                self.look_ahead(buffer, at);
            }
            let to = text.end.min(self.stretch.end);
            let (start, range) = (self.stretch.start, at..to);
            let (automaton, progress) = (&self.automaton, &mut self.progress);
            let mut ask = |program, place| {
                automaton.ask(program, window, place - text.start, progress, sink);
            };
            let relative = range.start - start..range.end - start;
            each(&self.literal, relative.clone(), |place| {
                automaton.literal_at(buffer, start + place, |program| ask(program, start + place));
            });
            each(&self.classes, relative, |place| {
                automaton.classes_at(buffer, start + place, |program| ask(program, start + place));
            });
            at = to;
        }
    }

    /// Enough of the buffer follows to look ahead.
    fn is_worth(&self, buffer: &[u8], at: usize) -> bool {
        self.automaton.strategy() != Strategy::Tables
            && buffer.len() - at >= self.automaton.fewest()
    }

    /// Finds the candidates of the stretch that begins at `from`.
    fn look_ahead(&mut self, buffer: &[u8], from: usize) {
        let maps = self.maps.get_or_insert_with(|| Box::new(Maps::new()));
        self.stretch = from..buffer.len().min(from + TILE);
        let words = self.stretch.len().div_ceil(64);
        self.automaton.scan(buffer, from, words, maps);
        (self.literal, self.classes) = (maps.literal, maps.classes);
    }
}

/// Visits those of `places` that are set.
#[inline]
fn each(bits: &[u64; WORDS], places: Range<usize>, mut visit: impl FnMut(usize)) {
    let mut from = places.start;
    while from < places.end {
        let Some(bits) = bits.get(from / 64) else {
            return;
        };
        let mut bits = bits >> (from % 64);
        while bits != 0 {
            let at = from + bits.trailing_zeros() as usize;
            if at >= places.end {
                return;
            }
            visit(at);
            bits &= bits - 1;
        }
        from = (from / 64 + 1) * 64;
    }
}

impl fmt::Debug for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweep")
            .field("stretch", &self.stretch)
            .finish_non_exhaustive()
    }
}
