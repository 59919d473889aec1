//! Where runs of word characters begin, from bitmaps of 64 places.
//!
//! A run is of letters, digits and `_` in ASCII, and of bytes beyond ASCII, whatever they are: where
//! it has none of these it is one word.

use super::super::Strategy;
use super::super::simd::words::{FRAME, TILE, WORDS, WordMaps};
use super::layout::Lengths;

/// A run in ASCII, shorter than 63 bytes: where in the tile it begins, and its length.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Token {
    at: u16,
    length: u16,
}

impl Token {
    #[inline(always)]
    pub(super) fn at(self) -> usize {
        self.at.into()
    }

    #[inline(always)]
    pub(super) fn length(self) -> usize {
        self.length.into()
    }
}

/// A run takes a byte, and one that ends it.
const MOST: usize = TILE / 2 + 1;
const LONG: u32 = 63;

/// The runs of one tile.
pub(super) struct Tokens {
    maps: WordMaps,
    tokens: [Token; MOST],
    count: usize,
    runs: Vec<u16>,
}

impl Tokens {
    pub(super) fn new() -> Self {
        Self {
            maps: WordMaps::new(),
            tokens: [Token::default(); MOST],
            count: 0,
            runs: Vec::new(),
        }
    }

    /// Finds the runs that begin in the tile from `from` on, before `to`, and have one of `lengths`,
    /// told by their first byte; returns where the next tile begins. None when the processor can't.
    pub(super) fn fill(
        &mut self,
        strategy: Strategy,
        bytes: &[u8],
        from: usize,
        to: usize,
        lengths: &Lengths,
    ) -> Option<usize> {
        let mut copy;
        let frame = match bytes.get(from..).and_then(|rest| rest.first_chunk()) {
            Some(frame) => frame,
            None => {
                copy = [0; FRAME];
                let rest = bytes.get(from..).unwrap_or_default();
                copy.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
                &copy
            }
        };
        if !strategy.words(frame, &mut self.maps) {
            return None;
        }
        let mut count = 0;
        self.runs.clear();
        let places = TILE.min(to - from);
        let before = from.checked_sub(1).and_then(|at| bytes.get(at));
        let mut carry = u64::from(before.is_some_and(|byte| is_part(*byte)));
        for word in 0..WORDS.min(places.div_ceil(64)) {
            let (part, high) = self.maps.at(word)?;
            let (next_part, next_high) = self.maps.at(word + 1)?;
            let mut starts = part & !(part << 1 | carry);
            carry = part >> 63;
            let left = places - word * 64;
            if left < 64 {
                starts &= (1 << left) - 1;
            }
            let has_high = high | next_high != 0;
            if !has_high {
                starts &= at_least(lengths.shortest, part, next_part);
            }
            let chunk = frame
                .get(word * 64..)
                .and_then(|rest| rest.first_chunk::<64>())?;
            while starts != 0 {
                let bit = starts.trailing_zeros() & 63;
                starts &= starts - 1;
                let ahead = |map: u64, next: u64| map >> bit | next << 1 << (63 - bit);
                let length = (!ahead(part, next_part)).trailing_zeros();
                let first = chunk.get(bit as usize).copied().unwrap_or(0);
                let at = (word * 64) as u16 + bit as u16;
                let inside = 1_u64.unbounded_shl(length).wrapping_sub(1);
                if length >= LONG || (has_high && ahead(high, next_high) & inside != 0) {
                    self.runs.push(at);
                } else if let Some(token) = self.tokens.get_mut(count) {
                    let is_known = lengths.of(first) >> length & 1 == 1;
                    let length = length as u16;
                    *token = Token { at, length };
                    count += usize::from(is_known);
                }
            }
        }
        self.count = count;
        Some(from + places)
    }

    /// Keeps the tokens of which `keep` says so.
    #[inline(always)]
    pub(super) fn retain(&mut self, keep: impl Fn(Token) -> bool) {
        let mut kept = 0;
        for index in 0..self.count {
            let Some(token) = self.tokens.get(index).copied() else {
                break;
            };
            if let Some(to) = self.tokens.get_mut(kept) {
                *to = token;
            }
            kept += usize::from(keep(token));
        }
        self.count = kept;
    }

    pub(super) fn left(&self) -> &[Token] {
        self.tokens.get(..self.count).unwrap_or_default()
    }

    /// Where the runs begin that are long, or hold bytes beyond ASCII.
    pub(super) fn runs(&self) -> &[u16] {
        &self.runs
    }
}

/// Where a run of at least `wanted` places begins or goes on, of a bitmap and the next one.
#[inline(always)]
fn at_least(wanted: u32, mut part: u64, mut next: u64) -> u64 {
    let mut have = 1;
    while have < wanted {
        let more = have.min(wanted - have) & 63;
        part &= part >> more | next << 1 << (63 - more);
        next &= next >> more | !(u64::MAX >> more);
        have += more;
    }
    part
}

/// A letter, digit or `_` in ASCII.
#[inline(always)]
pub(super) fn is_ascii_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A byte of a run.
#[inline(always)]
pub(super) fn is_part(byte: u8) -> bool {
    is_ascii_word(byte) || !byte.is_ascii()
}
