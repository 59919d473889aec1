//! Looks for a dictionary's entries: word starts, then the lengths of anchors, then the filter,
//! then the table, then the entries themselves.

use super::super::Strategy;
use super::super::fold::{char_at, char_before, is_word};
use super::Inner;
use super::entry::Node;
use super::token::{Tokens, is_ascii_word, is_part};
use super::word::{Word, ascii_key, next_word, word_at};

/// Haystacks shorter than this aren't worth a tile.
const FEWEST: usize = 256;
/// Words of this length and longer share a bit of the lengths.
const LONG: usize = 63;

/// One search: the dictionary's sections, the haystack, and where hits go.
struct Search<'s> {
    inner: &'s Inner,
    filter: &'s [[u8; 8]],
    slots: &'s [[u8; 8]],
    arena: &'s [u8],
    bytes: &'s [u8],
    to: usize,
    report: &'s mut dyn FnMut(usize, usize),
}

impl Inner {
    /// Reports the span of every occurrence whose anchor begins in `from..to`.
    pub(super) fn search(
        &self,
        strategy: Strategy,
        bytes: &[u8],
        from: usize,
        to: usize,
        report: &mut dyn FnMut(usize, usize),
    ) {
        let [filter, slots, arena] = self.layout.sections();
        let store = self.store.bytes();
        let section = |range| store.get(range).unwrap_or_default();
        let mut search = Search {
            inner: self,
            filter: section(filter).as_chunks().0,
            slots: section(slots).as_chunks().0,
            arena: section(arena),
            bytes,
            to: to.min(bytes.len()),
            report,
        };
        let rest = search.rest(from);
        if search.to.saturating_sub(rest) < FEWEST || !search.tiles(strategy, rest) {
            search.places(rest);
        }
    }
}

impl Search<'_> {
    /// Looks for words in what is left at `from` of a run that began before; returns its end.
    fn rest(&mut self, from: usize) -> usize {
        let part = |at: usize| self.bytes.get(at).is_some_and(|byte| is_part(*byte));
        if from > 0 && part(from - 1) && part(from) {
            self.run(from)
        } else {
            from
        }
    }

    /// Looks at every place by itself.
    fn places(&mut self, from: usize) {
        let mut at = from;
        while at < self.to {
            let run = self.bytes.get(at..).unwrap_or_default().iter();
            let length = run.take_while(|byte| is_part(**byte)).take(LONG).count();
            match length {
                0 => at += 1,
                1..LONG if self.is_ascii(at, length) => {
                    self.token(at, length);
                    at += length;
                }
                _ => at = self.run(at),
            }
        }
    }

    fn is_ascii(&self, at: usize, length: usize) -> bool {
        self.bytes
            .get(at..at + length)
            .is_some_and(<[u8]>::is_ascii)
    }

    fn token(&mut self, at: usize, length: usize) {
        let Some(byte) = self.bytes.get(at) else {
            return;
        };
        if self.inner.layout.lengths.of(*byte) >> length & 1 == 1 {
            let key = ascii_key(self.inner.layout.seed, self.bytes, at, length);
            if self.passes(key) {
                let end = at + length;
                self.walk(at, Word { key, end });
            }
        }
    }

    /// Looks at tiles of places with bitmaps; false, and nothing done, when the processor can't.
    fn tiles(&mut self, strategy: Strategy, from: usize) -> bool {
        let mut tokens = Tokens::new();
        let mut next = from;
        while next < self.to {
            let lengths = &self.inner.layout.lengths;
            let Some(after) = tokens.fill(strategy, self.bytes, next, self.to, lengths) else {
                return false;
            };
            let bytes = self.bytes;
            let tile = bytes.get(next..).unwrap_or_default();
            let seed = self.inner.layout.seed;
            let filter = self.filter;
            tokens.retain(|token| {
                let key = ascii_key(seed, tile, token.at(), token.length());
                let block = filter.get(place(key, filter.len()));
                let bits = bits(key);
                block.is_some_and(|block| u64::from_le_bytes(*block) & bits == bits)
            });
            for token in tokens.left() {
                let (at, length) = (next + token.at(), token.length());
                let key = ascii_key(seed, bytes, at, length);
                let end = at + length;
                self.walk(at, Word { key, end });
            }
            for at in tokens.runs() {
                self.run(next + usize::from(*at));
            }
            next = after;
        }
        true
    }

    /// Looks for the words of a run of word characters in ASCII and bytes beyond ASCII, of which a
    /// part is before `at` or none; returns the run's end, or where the search ends.
    fn run(&mut self, mut at: usize) -> usize {
        let mut is_inside = false;
        while at < self.to {
            let Some(byte) = self.bytes.get(at).filter(|byte| is_part(**byte)) else {
                break;
            };
            let Some((c, size)) = char_at(self.bytes, at) else {
                is_inside = false;
                at += 1;
                continue;
            };
            if !is_word(c) {
                is_inside = false;
                at += size;
                continue;
            }
            if !is_inside && !char_before(self.bytes, at).is_some_and(is_word) {
                self.word(at);
            }
            is_inside = true;
            at += size;
            if byte.is_ascii() {
                let rest = self.bytes.get(at..).unwrap_or_default().iter();
                at += rest.take_while(|byte| is_ascii_word(**byte)).count();
            }
        }
        at
    }

    fn word(&mut self, at: usize) {
        let layout = &self.inner.layout;
        let folding = &self.inner.folding;
        if let Some(word) = word_at(folding, layout.seed, self.bytes, at, layout.longest)
            && self.passes(word.key)
        {
            self.walk(at, word);
        }
    }

    fn passes(&self, key: u64) -> bool {
        let bits = bits(key);
        let block = self.filter.get(place(key, self.filter.len()));
        block.is_some_and(|block| u64::from_le_bytes(*block) & bits == bits)
    }

    /// Compares what is filed under `word`, which begins at `at`, and under longer keys.
    #[inline(never)]
    fn walk(&mut self, at: usize, mut word: Word) {
        while self.compare(at, word.key) {
            match next_word(&self.inner.folding, word.key, self.bytes, word.end) {
                Some(next) => word = next,
                None => break,
            }
        }
    }

    /// Compares the entries under `key`; true when longer keys go on from it.
    fn compare(&mut self, at: usize, key: u64) -> bool {
        let (count, tag) = (self.slots.len(), tag(key));
        let mut continues = false;
        let mut slot = place(key, count);
        for _ in 0..count {
            let Some([a, b, c, d, node @ ..]) = self.slots.get(slot) else {
                break;
            };
            let found = u32::from_le_bytes([*a, *b, *c, *d]);
            if found == 0 {
                break;
            }
            let offset = u32::from_le_bytes(*node) as usize;
            if found == tag
                && let Some(node) = Node::at(self.arena, offset)
            {
                continues |= node.continues;
                for entry in node {
                    if let Some((start, end)) = entry.occurs(&self.inner.folding, self.bytes, at) {
                        (self.report)(start, end);
                    }
                }
            }
            slot = if slot + 1 == count { 0 } else { slot + 1 };
        }
        continues
    }
}

/// Where among `count` places a key belongs.
#[inline(always)]
pub(super) fn place(key: u64, count: usize) -> usize {
    ((u128::from(key) * count as u128) >> 64) as usize
}

/// The bits of a filter's block that a key sets.
#[inline(always)]
pub(super) fn bits(key: u64) -> u64 {
    1 << (key & 63) | 1 << (key >> 6 & 63)
}

/// What a slot keeps of its key; never zero.
#[inline(always)]
pub(super) fn tag(key: u64) -> u32 {
    (key as u32).max(1)
}
