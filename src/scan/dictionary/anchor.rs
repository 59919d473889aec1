//! An entry's anchor: the word that it is filed under.

use std::cmp::Reverse;

use super::super::fold::{Folding, char_at, is_word};
use super::build::FEW;
use super::entry::Entry;
use super::search::place;
use super::word::{MAX_WORD, Word, word_at};

/// Shorter words stand in too many texts for an entry to be filed under them for their rarity.
const SHORTEST: usize = 3;
/// Places to count words in, for each entry.
const WORDS: usize = 4;

/// How often words occur in a list: by their keys, of which some share a count.
pub(super) struct Counts(Vec<u16>);

impl Counts {
    /// Of a list of `entries`.
    pub(super) fn new(entries: usize) -> Self {
        let places = (entries * WORDS).next_power_of_two().max(1 << 12);
        Self(vec![0; places])
    }

    pub(super) fn add(&mut self, key: u64) {
        let count = self.0.len();
        if let Some(known) = self.0.get_mut(place(key, count)) {
            *known = known.saturating_add(1);
        }
    }

    fn of(&self, key: u64) -> usize {
        let count = self.0.get(place(key, self.0.len())).copied();
        count.unwrap_or(u16::MAX).into()
    }
}

/// Where in an entry the word begins that is its anchor.
pub(super) fn anchor(folding: &Folding, seed: u64, counts: &Counts, entry: Entry<'_>) -> usize {
    let mut words = words(folding, seed, entry).peekable();
    let mut best = None;
    while let Some((at, word)) = words.next() {
        let (count, length) = (counts.of(word.key), word.end - at);
        // After the last word nothing is left that could tell many entries apart.
        if count <= FEW || words.peek().is_some() {
            let rank = (length < SHORTEST, count.max(FEW), Reverse(length), at);
            best = best.into_iter().chain([rank]).min();
        }
    }
    best.map_or(entry.lead, |(_, _, _, at)| at)
}

/// Where in an entry its first word begins.
pub(super) fn first_word(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some((_, size)) = char_at(text, at).filter(|(c, _)| !is_word(*c)) {
        at += size;
    }
    at
}

/// The words of an entry: where each begins, and its key by itself.
pub(super) fn words(
    folding: &Folding,
    seed: u64,
    entry: Entry<'_>,
) -> impl Iterator<Item = (usize, Word)> {
    let mut at = entry.lead;
    std::iter::from_fn(move || {
        loop {
            let (c, size) = char_at(entry.text, at)?;
            if !is_word(c) {
                at += size;
                continue;
            }
            let start = at;
            let word = word_at(folding, seed, entry.text, start, MAX_WORD)?;
            at = word.end;
            return Some((start, word));
        }
    })
}
