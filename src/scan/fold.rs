//! Characters as terms compare them: decoded from bytes, folded by Unicode's simple case folding.
//!
//! Simple folding maps one character to one: `K` (U+212A, Kelvin) is `k`, `ſ` is `s`, `ẞ` is `ß`,
//! `Σ` is `ς` and `σ`. What would change the count of characters stays apart: `ß` is not `ss`, and
//! `İ` is neither `i` nor `ı`. Nothing is normalised: `é` is not `e` with a combining accent.

use std::collections::HashMap;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// The folding of the characters that a list of terms holds; every other stays itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Folding {
    // From the non-ASCII members of the terms' case classes to the character that stands for each.
    folds: HashMap<char, char>,
}

impl Folding {
    /// Learns the case class of `c`.
    pub(super) fn learn(&mut self, c: char) {
        let members = variants(c);
        let Some(canonical) = members
            .iter()
            .copied()
            .map(|c| c.to_ascii_lowercase())
            .min()
        else {
            return;
        };
        for member in members {
            if !member.is_ascii() {
                self.folds.insert(member, canonical);
            }
        }
    }

    /// The folding that was learned before.
    pub(super) fn of(folds: impl Iterator<Item = (char, char)>) -> Self {
        Self {
            folds: folds.collect(),
        }
    }

    /// What was learned, in order.
    pub(super) fn learned(&self) -> Vec<(char, char)> {
        let mut folds: Vec<_> = self.folds.iter().map(|(from, to)| (*from, *to)).collect();
        folds.sort_unstable();
        folds
    }

    /// The character that stands for the case class of `c`.
    #[inline]
    pub(super) fn fold(&self, c: char) -> char {
        if c.is_ascii() {
            c.to_ascii_lowercase()
        } else {
            self.folds.get(&c).copied().unwrap_or(c)
        }
    }
}

/// Every character that folds to what `c` folds to.
pub(super) fn variants(c: char) -> Vec<char> {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
    if class.try_case_fold_simple().is_err() {
        return vec![c];
    }
    let ranges = class.ranges().iter();
    ranges
        .flat_map(|range| range.start()..=range.end())
        .collect()
}

/// The character at `at` and its length; none at the end and where the bytes aren't UTF-8.
#[inline]
pub(super) fn char_at(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let first = *bytes.get(at)?;
    let length = match first {
        0x00..=0x7f => return Some((char::from(first), 1)),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let text = std::str::from_utf8(bytes.get(at..at + length)?).ok()?;
    Some((text.chars().next()?, length))
}

/// The character that ends right before `at`.
#[inline]
pub(super) fn char_before(bytes: &[u8], at: usize) -> Option<char> {
    (1..=4).find_map(|length| {
        let (c, found) = char_at(bytes, at.checked_sub(length)?)?;
        (found == length).then_some(c)
    })
}

/// A letter or digit of any script, or `_`.
#[inline]
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::{is_word, variants};

    /// Lists are found word by word: folding must not turn what ends a word into what doesn't.
    #[test]
    fn keeps_word_characters_word_characters() {
        for c in '\u{80}'..=char::MAX {
            for variant in variants(c) {
                assert_eq!(is_word(c), is_word(variant), "{c:?} and {variant:?}");
            }
        }
    }
}
