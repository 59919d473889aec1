//! Words, folded and hashed: what entries are filed under.
//!
//! A key is the hash of an entry's beginning up to the end of one of its words. It goes on word by
//! word: what stands between two words is part of the key of the second.

use super::super::fold::{Folding, char_at, is_word};
use super::super::terms::{MAX_TERM, skip_space};
use super::token::is_ascii_word;

/// The longest word that any entry can have, folded.
pub(super) const MAX_WORD: usize = 4 * MAX_TERM;
/// Makes ASCII letters lower case, eight at a time; what else it changes, it changes alike everywhere.
const LOWER: u64 = 0x2020_2020_2020_2020;
const BETWEEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A word that stands in a text: its key, and where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) key: u64,
    pub(super) end: usize,
}

/// The key of an anchor in ASCII, which is the first `length` of the bytes from `at` on.
#[inline(always)]
pub(super) fn ascii_key(seed: u64, bytes: &[u8], at: usize, length: usize) -> u64 {
    let (mut key, mut at, mut left) = (seed, at, length);
    while left > 8 {
        key = mix(key, eight(bytes, at, 8) | LOWER);
        at += 8;
        left -= 8;
    }
    // No byte of a word is zero here, so the ones that are masked out tell its length.
    let ones = u64::MAX >> ((64 - 8 * left) & 63);
    mix(key, (eight(bytes, at, left) | LOWER) & ones)
}

/// The word that begins at `at`; `before` is the key of what is before it, `longest` the most folded
/// bytes that it may have. The key of a word that folds to ASCII is its [`ascii_key`].
pub(super) fn word_at(
    folding: &Folding,
    before: u64,
    bytes: &[u8],
    at: usize,
    longest: usize,
) -> Option<Word> {
    let rest = bytes.get(at..).unwrap_or_default();
    let ascii = rest
        .iter()
        .take_while(|byte| is_ascii_word(**byte))
        .take(longest + 1)
        .count();
    if ascii > 0 && rest.get(ascii).is_none_or(u8::is_ascii) {
        let key = ascii_key(before, bytes, at, ascii);
        let end = at + ascii;
        return (ascii <= longest).then_some(Word { key, end });
    }
    let (mut key, mut eight, mut length, mut end) = (before, [0; 8], 0, at);
    while let Some((c, size)) = char_at(bytes, end).filter(|(c, _)| is_word(*c)) {
        let mut buffer = [0; 4];
        for byte in folding.fold(c).encode_utf8(&mut buffer).bytes() {
            if length == longest {
                return None;
            }
            if length > 0 && length % 8 == 0 {
                key = mix(key, u64::from_le_bytes(eight));
                eight = [0; 8];
            }
            if let Some(place) = eight.get_mut(length % 8) {
                *place = byte | 0x20;
            }
            length += 1;
        }
        end += size;
    }
    let key = mix(key, u64::from_le_bytes(eight));
    (length > 0).then_some(Word { key, end })
}

/// The next word after one that ended at `at` with `key`.
pub(super) fn next_word(folding: &Folding, key: u64, bytes: &[u8], at: usize) -> Option<Word> {
    let (mut key, mut at) = (mix(key, BETWEEN), at);
    for _ in 0..MAX_TERM {
        let (c, size) = char_at(bytes, at)?;
        if is_word(c) {
            return word_at(folding, key, bytes, at, MAX_WORD);
        }
        at += size;
        if c.is_whitespace() {
            at = skip_space(bytes, at);
            key = mix(key, u64::from(b' '));
        } else {
            key = mix(key, u64::from(folding.fold(c)));
        }
    }
    None
}

/// Eight bytes from `at` on, of which the first `wanted` count.
#[inline(always)]
fn eight(bytes: &[u8], at: usize, wanted: usize) -> u64 {
    if let Some(bytes) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        return u64::from_le_bytes(*bytes);
    }
    let mut padded = [0; 8];
    let rest = bytes.get(at..).unwrap_or_default().iter().take(wanted);
    for (to, byte) in padded.iter_mut().zip(rest) {
        *to = *byte;
    }
    u64::from_le_bytes(padded)
}

#[inline(always)]
fn mix(key: u64, with: u64) -> u64 {
    let product = u128::from(key ^ with) * u128::from(BETWEEN);
    let [low, high] = [product as u64, (product >> 64) as u64];
    low ^ high
}
