//! Places: latitude and longitude.

use super::{Candidate, Check};

pub(super) const CHECKS: &[(&str, Check)] = &[("coordinates", |candidate| {
    candidate.when(coordinates(candidate))
})];

/// Degrees that there are. Two numbers in a row of more, in a drawing's path, or both near zero (where
/// nobody lives) are none.
fn coordinates(candidate: &Candidate<'_>) -> bool {
    let text = candidate.text;
    let is_plain = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b' ' | b'-');
    if !text.iter().all(is_plain) {
        return true;
    }
    let mut numbers = text.split(|byte| *byte == b',').map(whole);
    match (numbers.next(), numbers.next()) {
        (Some(value), None) => value <= 180,
        (Some(first), Some(second)) => {
            (first, second) != (0, 0) && !is_in_row(candidate) && !is_drawn(candidate)
        }
        _ => false,
    }
}

/// The digits before the point.
fn whole(number: &[u8]) -> u32 {
    number
        .iter()
        .take_while(|byte| **byte != b'.')
        .filter(|byte| byte.is_ascii_digit())
        .fold(0, |value: u32, byte| {
            value
                .saturating_mul(10)
                .saturating_add(u32::from(byte - b'0'))
        })
}

/// Numbers stand before or behind them, with the separator that is between them.
fn is_in_row(candidate: &Candidate<'_>) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    let is_spaced = candidate.text.contains(&b' ');
    match (candidate.before, candidate.after) {
        ([.., digit, b',', b' '], _) if is_spaced && digit.is_ascii_digit() => true,
        (_, [b',', b' ', next, ..]) if is_spaced && is_sign(*next) => true,
        ([.., digit, b' '], _) if !is_spaced && digit.is_ascii_digit() => true,
        (_, [b' ', next, ..]) if !is_spaced && is_sign(*next) => true,
        _ => false,
    }
}

/// A letter alone stands before or behind them: a command of an SVG path.
fn is_drawn(candidate: &Candidate<'_>) -> bool {
    let is_command = |byte: u8| b"MmLlHhVvCcSsQqTtAaZz".contains(&byte);
    let before = match candidate.before {
        [mark, command, b' '] | [.., mark, command, b' '] | [.., mark, command] => {
            is_command(*command) && !mark.is_ascii_alphabetic()
        }
        _ => false,
    };
    let after = match candidate.after {
        [b' ', command, b' ' | b'"' | b'-' | b'0'..=b'9', ..] => is_command(*command),
        [command, b'-' | b'0'..=b'9' | b'.', ..] => is_command(*command),
        _ => false,
    };
    before || after
}
