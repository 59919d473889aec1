//! Compiles a list: folds its entries, and files each under the word that fewest of them share, its
//! anchor, or under as many of the words from there on as it takes.

use std::collections::HashMap;

use super::super::fold::{Folding, char_at, is_word, variants};
use super::super::program::CONTEXT;
use super::super::terms::{MAX_SPACE, spaced};
use super::super::{BuildError, BuildErrorKind};
use super::anchor::{Counts, anchor, first_word, words};
use super::entry::{self, Entry};
use super::layout::Parts;
use super::search::{bits, place, tag};
use super::word::{MAX_WORD, Word, next_word, word_at};

/// A node with more entries than this is split by their next words.
pub(super) const FEW: usize = 4;
/// A node with more entries than this is split by words before its anchor.
const MANY: usize = 32;
/// Bits of the filter for each anchor.
const FILTER_BITS: usize = 12;
/// Slots for each ten nodes.
const SLOTS: usize = 14;
/// The most bytes of a character, for each byte of its folded form.
const WIDENING: usize = 4;
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
}

/// An entry, as a range of the list's text; its anchor is the word that it is filed under.
#[derive(Clone, Copy)]
struct Placed {
    start: u32,
    length: u32,
    /// Bytes before its first word; before its anchor once that is chosen.
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
        let start = self.text.len();
        for c in entry.chars() {
            self.learn(c);
            let mut buffer = [0; 4];
            let folded = self.folding.fold(c).encode_utf8(&mut buffer);
            self.text.extend_from_slice(folded.as_bytes());
        }
        let lead = first_word(self.text.get(start..).unwrap_or_default());
        let number = |number| u32::try_from(number).map_err(|_| BuildErrorKind::TooLarge);
        self.entries.push(Placed {
            start: number(start)?,
            length: number(self.text.len() - start)?,
            lead: number(lead)?,
        });
        Ok(())
    }

    /// Learns the folding of `c`; returns the most bytes that it can have in another case.
    fn learn(&mut self, c: char) -> usize {
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

    /// `most`, or the most bytes that an occurrence of folded `text` can have.
    fn wider(&mut self, most: usize, text: &[u8]) -> usize {
        let spaces = text.iter().filter(|byte| **byte == b' ').count();
        if text.len() * WIDENING + spaces * MAX_SPACE * WIDEST_SPACE <= most {
            most
        } else {
            most.max(self.width(text))
        }
    }

    /// The most bytes that an occurrence of folded `text` can have.
    fn width(&mut self, text: &[u8]) -> usize {
        let (mut width, mut at) = (0, 0);
        while let Some((c, size)) = char_at(text, at) {
            at += size;
            width += match c {
                ' ' => MAX_SPACE * WIDEST_SPACE,
                c => self.learn(c),
            };
        }
        width
    }

    /// Chooses each entry's anchor: the longest of the words that few entries have, or the one that
    /// fewest have.
    /// Returns the most bytes that an occurrence can have before its anchor, and from there on.
    fn anchors(&mut self, seed: u64) -> (usize, usize) {
        let mut counts = Counts::new(self.entries.len());
        for index in 0..self.entries.len() as u32 {
            if let Some(entry) = self.entry(index) {
                words(&self.folding, seed, entry).for_each(|(_, word)| counts.add(word.key));
            }
        }
        let (mut back, mut ahead) = (0, 0);
        let text = std::mem::take(&mut self.text);
        for index in 0..self.entries.len() {
            let Some(placed) = self.entries.get(index).copied() else {
                break;
            };
            let Some(entry) = placed.of(&text) else {
                continue;
            };
            let lead = anchor(&self.folding, seed, &counts, entry);
            let (before, after) = entry.text.split_at_checked(lead).unwrap_or_default();
            back = self.wider(back, before);
            ahead = self.wider(ahead, after);
            if let Some(placed) = self.entries.get_mut(index) {
                // An entry has at most 256 characters.
                placed.lead = lead as u32;
            }
        }
        self.text = text;
        (back, ahead)
    }

    fn entry(&self, index: u32) -> Option<Entry<'_>> {
        self.entries.get(index as usize)?.of(&self.text)
    }

    fn compile(mut self) -> Result<Parts, BuildError> {
        let seed = seed(&self.text);
        let (back, ahead) = self.anchors(seed);
        let folds = self.folding.learned().into_iter();
        let mut parts = Parts {
            seed,
            back: back + CONTEXT,
            ahead: ahead + CONTEXT,
            lengths: vec![0; 256],
            folds: folds.map(|(from, to)| (from.into(), to.into())).collect(),
            ..Parts::default()
        };
        let mut nodes = Vec::with_capacity(self.entries.len());
        let mut firsts = Vec::with_capacity(self.entries.len());
        let mut begun: Vec<u32> = (0..self.entries.len() as u32).collect();
        while !begun.is_empty() {
            let mut filings = self.begin(&begun, &mut parts);
            firsts.extend(filings.iter().map(|filing| filing.key));
            begun.clear();
            while !filings.is_empty() {
                filings.sort_unstable_by_key(|filing| (filing.key, filing.entry));
                filings = self.file(&filings, &mut nodes, &mut begun, &mut parts)?;
            }
            for index in &begun {
                parts.ahead = parts.ahead.max(self.anchor_at_first(*index) + CONTEXT);
            }
        }
        firsts.sort_unstable();
        firsts.dedup();
        parts.filter = filter(&firsts);
        parts.slots = slots(&nodes);
        Ok(parts)
    }

    /// Has an entry begin with its first word; returns the most bytes that it can have from there on.
    fn anchor_at_first(&mut self, index: u32) -> usize {
        let text = std::mem::take(&mut self.text);
        let mut ahead = 0;
        if let Some(placed) = self.entries.get_mut(index as usize)
            && let Some(entry) = placed.of(&text)
        {
            let lead = first_word(entry.text);
            placed.lead = lead as u32;
            ahead = self.width(entry.text.get(lead..).unwrap_or_default());
        }
        self.text = text;
        ahead
    }

    /// The entries of these indices, under their anchors.
    fn begin(&self, indices: &[u32], parts: &mut Parts) -> Vec<Filing> {
        let mut filings = Vec::with_capacity(indices.len());
        for index in indices.iter().copied() {
            let Some(entry) = self.entry(index) else {
                continue;
            };
            let at = entry.lead;
            let Some(anchor) = word_at(&self.folding, parts.seed, entry.text, at, MAX_WORD) else {
                continue;
            };
            let word = entry.text.get(at..anchor.end).unwrap_or_default();
            parts.longest = parts.longest.max(word.len());
            if let Some(byte) = word.first().filter(|_| word.is_ascii()) {
                for byte in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
                    if let Some(lengths) = parts.lengths.get_mut(usize::from(byte)) {
                        *lengths |= 1 << word.len().min(63);
                    }
                }
            }
            filings.push(Filing::new(index, anchor));
        }
        filings
    }

    /// Makes a node for each key; returns the entries that go on to longer ones. Those that are too
    /// many to be compared one by one, and could be filed under more words, become `crowded`.
    fn file(
        &self,
        filings: &[Filing],
        nodes: &mut Vec<(u64, u32)>,
        crowded: &mut Vec<u32>,
        parts: &mut Parts,
    ) -> Result<Vec<Filing>, BuildError> {
        let mut deeper = Vec::new();
        let mut here: Vec<(Entry<'_>, u32)> = Vec::new();
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
                    None => here.push((entry, filing.entry)),
                }
            }
            if here.len() > MANY {
                here.retain(|(entry, index)| {
                    let stays = entry.lead == first_word(entry.text);
                    crowded.extend((!stays).then_some(*index));
                    stays
                });
            }
            here.sort_unstable();
            here.dedup_by_key(|(entry, _)| *entry);
            parts.entries += here.len() as u64;
            let offset = u32::try_from(parts.arena.len()).map_err(|_| BuildErrorKind::TooLarge)?;
            entry::push(
                &mut parts.arena,
                here.iter().map(|(entry, _)| *entry),
                deeper.len() > known,
            );
            nodes.push((key, offset));
        }
        Ok(deeper)
    }
}

impl Placed {
    fn of(self, text: &[u8]) -> Option<Entry<'_>> {
        let text = text.get(self.start as usize..)?;
        Some(Entry {
            text: text.get(..self.length as usize)?,
            lead: self.lead as usize,
        })
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

fn filter(firsts: &[u64]) -> Vec<u64> {
    let mut filter = vec![0; (firsts.len() * FILTER_BITS).div_ceil(64).max(8)];
    let count = filter.len();
    for key in firsts {
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
