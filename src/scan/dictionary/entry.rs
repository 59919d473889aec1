//! Nodes and their entries, as the arena holds them, and the comparison of an entry with a text.
//!
//! A node is a byte (1: longer keys go on from here), the count of its entries, and for each the
//! length of what is before its anchor (the word by which it is filed), its whole length, and its
//! text: folded, white space as single spaces. Counts and lengths are LEB128.

use super::super::fold::{Folding, char_at, char_before, is_word};
use super::super::terms::{MAX_SPACE, skip_space};

const CONTINUES: u8 = 1;

/// An entry's text, folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry<'a> {
    pub(super) text: &'a [u8],
    /// How many bytes of it are before its anchor.
    pub(super) lead: usize,
}

/// What is filed under a key.
#[derive(Debug)]
pub(super) struct Node<'a> {
    /// Longer keys begin with this one.
    pub(super) continues: bool,
    left: u64,
    rest: &'a [u8],
}

impl<'a> Node<'a> {
    /// The node at `offset`; none where there can't be one.
    pub(super) fn at(arena: &'a [u8], offset: usize) -> Option<Self> {
        let (flags, rest) = arena.get(offset..)?.split_first()?;
        let (left, rest) = number(rest)?;
        Some(Self {
            continues: flags & CONTINUES != 0,
            left,
            rest,
        })
    }
}

impl<'a> Iterator for Node<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (lead, rest) = number(self.rest)?;
        let (length, rest) = number(rest)?;
        let (text, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        let lead = usize::try_from(lead).ok()?;
        self.rest = rest;
        Some(Entry { text, lead })
    }
}

/// Adds a node to the arena.
pub(super) fn push<'e>(
    arena: &mut Vec<u8>,
    entries: impl ExactSizeIterator<Item = Entry<'e>>,
    continues: bool,
) {
    arena.push(if continues { CONTINUES } else { 0 });
    push_number(arena, entries.len());
    for entry in entries {
        push_number(arena, entry.lead);
        push_number(arena, entry.text.len());
        arena.extend_from_slice(entry.text);
    }
}

fn push_number(arena: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        arena.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    arena.push(number as u8);
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(index + 1..)?));
        }
    }
    None
}

impl Entry<'_> {
    /// Where it occurs, when its anchor begins at `at`, which is where a word begins.
    pub(super) fn occurs(
        &self,
        folding: &Folding,
        bytes: &[u8],
        at: usize,
    ) -> Option<(usize, usize)> {
        let (lead, words) = self.text.split_at_checked(self.lead)?;
        let end = forward(folding, words, bytes, at)?;
        let is_open = |c: Option<char>| c.is_some_and(is_word);
        if is_open(char_before(words, words.len())) && is_open(char_at(bytes, end).map(|(c, _)| c))
        {
            return None;
        }
        let start = backward(folding, lead, bytes, at)?;
        if is_open(char_at(lead, 0).map(|(c, _)| c)) && is_open(char_before(bytes, start)) {
            return None;
        }
        Some((start, end))
    }
}

/// The end of `words`, which begin at `at`.
fn forward(folding: &Folding, words: &[u8], bytes: &[u8], at: usize) -> Option<usize> {
    let (mut next, mut at) = (0, at);
    while let Some(wanted) = words.get(next) {
        let byte = *bytes.get(at)?;
        if wanted.is_ascii() && byte.is_ascii() && *wanted != b' ' {
            if byte.to_ascii_lowercase() != *wanted {
                return None;
            }
            next += 1;
            at += 1;
            continue;
        }
        let (wanted, length) = char_at(words, next)?;
        let (c, size) = char_at(bytes, at)?;
        next += length;
        at += size;
        if wanted == ' ' && c.is_whitespace() {
            at = skip_space(bytes, at);
        } else if c.is_whitespace() || folding.fold(c) != wanted {
            return None;
        }
    }
    Some(at)
}

/// The start of `lead`, which ends at `at`.
fn backward(folding: &Folding, lead: &[u8], bytes: &[u8], at: usize) -> Option<usize> {
    let (mut left, mut at) = (lead.len(), at);
    while left > 0 {
        let wanted = char_before(lead, left)?;
        left -= wanted.len_utf8();
        let c = char_before(bytes, at)?;
        at -= c.len_utf8();
        if wanted == ' ' && c.is_whitespace() {
            for _ in 1..MAX_SPACE {
                let Some(c) = char_before(bytes, at).filter(|c| c.is_whitespace()) else {
                    break;
                };
                at -= c.len_utf8();
            }
        } else if c.is_whitespace() || folding.fold(c) != wanted {
            return None;
        }
    }
    Some(at)
}
