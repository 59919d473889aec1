//! Which patterns can begin at a place, told by the bytes there. It may say yes too often, never no
//! wrongly.

use super::fingerprint::{ByteSet, is_word};
use super::ladder::Ladder;
use super::prefix::{Prefixes, keys};
use super::sequence::Sequence;

/// Tells the programs of a set apart by what their matches begin with.
#[derive(Debug)]
pub(super) struct Sieve {
    prefixes: Prefixes,
    ladder: Ladder,
    /// Those pairs of bytes with which some match begins: after a word character, and after anything else.
    pairs: [Pairs; 2],
}

/// A bit for each pair of bytes.
#[derive(Debug)]
struct Pairs(Box<[u64]>);

impl Sieve {
    /// A sieve for programs, each with its sequences.
    pub(super) fn new<'p>(all: impl Iterator<Item = (usize, &'p [Sequence])> + Clone) -> Self {
        let of_prefix = |of: &(usize, &[Sequence])| keys(of.1).is_some();
        let mut pairs = [Pairs::new(), Pairs::new()];
        for sequence in all.clone().flat_map(|(_, sequences)| sequences) {
            let mut places = sequence.places.iter();
            let before = places.next().copied().unwrap_or(ByteSet::ALL);
            let first = places.next().copied().unwrap_or(ByteSet::ALL);
            let second = places.next().copied().unwrap_or(ByteSet::ALL);
            let [after_word, after_other] = &mut pairs;
            if (0..=255).any(|byte| is_word(byte) && before.contains(byte)) {
                after_word.add(&first, &second);
            }
            if (0..=255).any(|byte| !is_word(byte) && before.contains(byte)) {
                after_other.add(&first, &second);
            }
        }
        Self {
            prefixes: Prefixes::new(all.clone().filter(of_prefix)),
            ladder: Ladder::new(all.filter(|of| !of_prefix(of))),
            pairs,
        }
    }

    /// Some match may begin at `at`, as far as two bytes and the one before tell.
    #[inline]
    pub(super) fn may_begin(&self, bytes: &[u8], at: usize) -> bool {
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        let is_after_word = at
            .checked_sub(1)
            .is_some_and(|before| is_word(byte(before)));
        let [after_word, after_other] = &self.pairs;
        let pairs = if is_after_word {
            after_word
        } else {
            after_other
        };
        pairs.contains(byte(at), byte(at + 1))
    }

    /// Visits the programs that can begin at `at`: those that begin with few strings.
    #[inline]
    pub(super) fn literal(&self, bytes: &[u8], at: usize, mut visit: impl FnMut(usize)) {
        self.prefixes.each(bytes, at, &mut visit);
    }

    /// Visits the programs that can begin at `at`: those that begin with classes of bytes.
    #[inline]
    pub(super) fn classes(&self, bytes: &[u8], at: usize, mut visit: impl FnMut(usize)) {
        self.ladder.each(bytes, at, &mut visit);
    }
}

impl Pairs {
    fn new() -> Self {
        Self(vec![0; 65_536 / 64].into())
    }

    fn add(&mut self, first: &ByteSet, second: &ByteSet) {
        // As many words as there are second bytes, by 64.
        let mut row = [0_u64; 4];
        for byte in (0..=255_u8).filter(|byte| second.contains(*byte)) {
            if let Some(word) = row.get_mut(usize::from(byte >> 6)) {
                *word |= 1 << (byte & 63);
            }
        }
        let rows = self.0.as_chunks_mut::<4>().0;
        for (byte, pairs) in (0..=255_u8).zip(rows) {
            if first.contains(byte) {
                pairs
                    .iter_mut()
                    .zip(row)
                    .for_each(|(pairs, row)| *pairs |= row);
            }
        }
    }

    #[inline]
    fn contains(&self, first: u8, second: u8) -> bool {
        let at = usize::from(first) << 2 | usize::from(second >> 6);
        self.0
            .get(at)
            .is_some_and(|word| word >> (second & 63) & 1 == 1)
    }
}
