//! Characters that nobody sees, and breaks that are taken out before a text is read.

use super::Step;

/// The bytes that such characters begin with, by how they are searched.
const COMMON: [u8; 3] = [0xc2, 0xe2, 0xef];
const RARE: [u8; 2] = [0xcd, 0xf3];

/// Where the next character may begin that nobody sees.
pub(super) fn mark(text: &[u8]) -> Option<usize> {
    let [a, b, c] = COMMON;
    let common = memchr::memchr3(a, b, c, text);
    // What stands behind is looked through when it is reached: the search stays linear.
    let before = text.get(..common.unwrap_or(text.len())).unwrap_or(text);
    let [a, b] = RARE;
    memchr::memchr2(a, b, before).or(common)
}

/// The character at the front of `text`, left out where nobody sees it: those with the property
/// `Default_Ignorable_Code_Point` (Unicode Standard Annex 44) that are common in texts.
pub(super) fn unseen(text: &[u8], is_last: bool) -> Step {
    let (length, is_unseen) = match text {
        // The soft hyphen.
        [0xc2, second, ..] => (2, *second == 0xad),
        // The combining grapheme joiner.
        [0xcd, second, ..] => (2, *second == 0x8f),
        // U+200B to U+200F, U+202A to U+202E, U+2060 to U+206F.
        [0xe2, 0x80, third, ..] => (3, matches!(third, 0x8b..=0x8f | 0xaa..=0xae)),
        [0xe2, 0x81, third, ..] => (3, matches!(third, 0xa0..=0xaf)),
        [0xe2, 0x80 | 0x81] | [0xc2 | 0xcd | 0xe2 | 0xef | 0xf3] if !is_last => return Step::More,
        // The variation selectors, and the byte order mark.
        [0xef, 0xb8, third, ..] => (3, matches!(third, 0x80..=0x8f)),
        [0xef, 0xbb, third, ..] => (3, *third == 0xbf),
        [0xef, 0xb8 | 0xbb] if !is_last => return Step::More,
        // Tags, and more variation selectors.
        [0xf3, 0xa0, _, _, ..] => (4, true),
        [0xf3, 0xa0] | [0xf3, 0xa0, _] if !is_last => return Step::More,
        _ => (1, false),
    };
    if is_unseen {
        Step::Escape(length)
    } else {
        Step::Plain(1)
    }
}

/// Whether a text holds what browsers take out of addresses.
pub(super) fn is_broken(text: &[u8]) -> bool {
    memchr::memchr3(b'\t', b'\n', b'\r', text).is_some()
}

/// The line break at the front of `text`, left out with the blank behind it, where there is one.
pub(super) fn fold(text: &[u8], is_last: bool) -> Step {
    let length = if text.starts_with(b"\r\n") { 2 } else { 1 };
    match text.get(length) {
        Some(b' ' | b'\t') => Step::Escape(length + 1),
        None if !is_last => Step::More,
        _ => Step::Plain(length),
    }
}
