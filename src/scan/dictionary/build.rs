//! Compiles a list: folds its entries, files each under as many of its first words as it takes.

use std::collections::HashMap;

use super::super::fold::{Folding, is_word, variants};
use super::super::program::CONTEXT;
use super::super::terms::{MAX_SPACE, spaced};
use super::super::{BuildError, BuildErrorKind};
use super::entry::{self, Entry};
use super::layout::Parts;
use super::search::{bits, place, tag};
use super::word::{MAX_WORD, Word, next_word, word_at};

/// A node with more entries than this is split by their next words.
const FEW: usize = 4;
/// Bits of the filter for each first word.
const FILTER_BITS: usize = 12;
/// Slots for each ten nodes.
const SLOTS: usize = 14;
/// The most bytes of a white-space character.
const WIDEST_SPACE: usize = 3;

/// The entries, folded.
#[derive(Default)]
struct List {
    text: Vec<u8>,
    entries: Vec<Placed>,
    folding: Folding,
    /// The most bytes that a character's variants have.
    widths: HashMap<char, usize>,
    ascii: Vec<usize>,
    back: usize,
    ahead: usize,
}

/// An entry, as a range of the list's text.
#[derive(Clone, Copy)]
struct Placed {
    start: u32,
    length: u32,
    lead: u32,
}

/// An entry that is not filed yet, under a key that ends at a place in its text.
#[derive(Clone, Copy)]
struct Filing {
    key: u64,
    entry: u32,
    end: u32,
}

/// The compiled form of a list.
pub(super) fn build<'t>(entries: impl IntoIterator<Item = &'t str>) -> Result<Vec<u8>, BuildError> {
    let mut list = List {
        ascii: vec![0; 128],
        ..List::default()
    };
    for entry in entries {
        list.add(entry)?;
    }
    list.compile().map(|parts| parts.lay_out())
}

/// An entry with its white space as single spaces.
pub(super) fn normal(entry: &str) -> Result<String, BuildError> {
    let entry = spaced(entry)?;
    if !entry.chars().any(is_word) {
        return Err(BuildErrorKind::NoWord.into());
    }
    Ok(entry)
}

impl List {
    fn add(&mut self, entry: &str) -> Result<(), BuildError> {
        let entry = normal(entry)?;
        let (mut before, mut after) = (0, 0);
        let start = self.text.len();
        let mut lead = None;
        for c in entry.chars() {
            if lead.is_none() && is_word(c) {
                lead = Some(self.text.len() - start);
            }
            let width = if c == ' ' {
                MAX_SPACE * WIDEST_SPACE
            } else {
                self.width(c)
            };
            *(if lead.is_none() {
                &mut before
            } else {
                &mut after
            }) += width;
            let mut buffer = [0; 4];
            let folded = self.folding.fold(c).encode_utf8(&mut buffer);
            self.text.extend_from_slice(folded.as_bytes());
        }
        let lead = lead.unwrap_or(0);
        let number = |number| u32::try_from(number).map_err(|_| BuildErrorKind::TooLarge);
        self.entries.push(Placed {
            start: number(start)?,
            length: number(self.text.len() - start)?,
            lead: number(lead)?,
        });
        self.back = self.back.max(before);
        self.ahead = self.ahead.max(after);
        Ok(())
    }

    /// The most bytes that `c` can have in another case; learns its folding.
    fn width(&mut self, c: char) -> usize {
        let known = match self.ascii.get_mut(c as usize) {
            Some(known) => known,
            None => self.widths.entry(c).or_default(),
        };
        if *known == 0 {
            self.folding.learn(c);
            let widest = variants(c).iter().map(|c| c.len_utf8()).max();
            *known = widest.unwrap_or(0).max(c.len_utf8());
        }
        *known
    }

    fn entry(&self, index: u32) -> Option<Entry<'_>> {
        let placed = self.entries.get(index as usize)?;
        let text = self.text.get(placed.start as usize..)?;
        Some(Entry {
            text: text.get(..placed.length as usize)?,
            lead: placed.lead as usize,
        })
    }

    fn compile(self) -> Result<Parts, BuildError> {
        let seed = seed(&self.text);
        let folds = self.folding.learned().into_iter();
        let mut parts = Parts {
            seed,
            back: self.back + CONTEXT,
            ahead: self.ahead + CONTEXT,
            lengths: vec![0; 256],
            folds: folds.map(|(from, to)| (from.into(), to.into())).collect(),
            ..Parts::default()
        };
        let mut filings = Vec::with_capacity(self.entries.len());
        for index in 0..self.entries.len() as u32 {
            let Some(entry) = self.entry(index) else {
                continue;
            };
            let Some(first) = word_at(&self.folding, seed, entry.text, entry.lead, MAX_WORD) else {
                continue;
            };
            let word = entry.text.get(entry.lead..first.end).unwrap_or_default();
            parts.longest = parts.longest.max(word.len());
            if let Some(byte) = word.first().filter(|_| word.is_ascii()) {
                for byte in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
                    if let Some(lengths) = parts.lengths.get_mut(usize::from(byte)) {
                        *lengths |= 1 << word.len().min(63);
                    }
                }
            }
            filings.push(Filing::new(index, first));
        }
        let mut nodes = Vec::with_capacity(filings.len());
        let mut is_first = true;
        while !filings.is_empty() {
            filings.sort_unstable_by_key(|filing| (filing.key, filing.entry));
            let known = nodes.len();
            filings = self.file(&filings, &mut nodes, &mut parts)?;
            if is_first {
                parts.filter = filter(nodes.get(known..).unwrap_or_default());
                is_first = false;
            }
        }
        parts.slots = slots(&nodes);
        Ok(parts)
    }

    /// Makes a node for each key; returns the entries that go on to longer ones.
    fn file(
        &self,
        filings: &[Filing],
        nodes: &mut Vec<(u64, u32)>,
        parts: &mut Parts,
    ) -> Result<Vec<Filing>, BuildError> {
        let mut deeper = Vec::new();
        let mut here: Vec<Entry<'_>> = Vec::new();
        for group in filings.chunk_by(|one, other| one.key == other.key) {
            let Some(Filing { key, .. }) = group.first().copied() else {
                continue;
            };
            here.clear();
            let known = deeper.len();
            for filing in group {
                let Some(entry) = self.entry(filing.entry) else {
                    continue;
                };
                let next = (group.len() > FEW)
                    .then(|| next_word(&self.folding, key, entry.text, filing.end as usize))
                    .flatten();
                match next {
                    Some(word) => deeper.push(Filing::new(filing.entry, word)),
                    None => here.push(entry),
                }
            }
            here.sort_unstable();
            here.dedup();
            parts.entries += here.len() as u64;
            let offset = u32::try_from(parts.arena.len()).map_err(|_| BuildErrorKind::TooLarge)?;
            entry::push(&mut parts.arena, &here, deeper.len() > known);
            nodes.push((key, offset));
        }
        Ok(deeper)
    }
}

impl Filing {
    fn new(entry: u32, word: Word) -> Self {
        Self {
            key: word.key,
            entry,
            // An entry has at most 256 characters.
            end: word.end as u32,
        }
    }
}

/// What keys begin with: told by all entries, so that who knows one can't choose collisions.
fn seed(text: &[u8]) -> u64 {
    let hash = blake3::derive_key("chaperone 2026-11 dictionary seed", text);
    hash.first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn filter(firsts: &[(u64, u32)]) -> Vec<u64> {
    let mut filter = vec![0; (firsts.len() * FILTER_BITS).div_ceil(64).max(8)];
    let count = filter.len();
    for (key, _) in firsts {
        if let Some(block) = filter.get_mut(place(*key, count)) {
            *block |= bits(*key);
        }
    }
    filter
}

fn slots(nodes: &[(u64, u32)]) -> Vec<(u32, u32)> {
    let mut slots = vec![(0, 0); nodes.len() * SLOTS / 10 + 1];
    let count = slots.len();
    for (key, node) in nodes {
        let mut at = place(*key, count);
        while let Some(slot) = slots.get_mut(at) {
            if slot.0 == 0 {
                *slot = (tag(*key), *node);
                break;
            }
            at = (at + 1) % count;
        }
    }
    slots
}
