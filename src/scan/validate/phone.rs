//! Telephone numbers.

use super::digits::is_date;
use super::{Candidate, Check};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("phone", |candidate| {
        (!is_fraction(candidate) && !is_signed(candidate) && !is_mixed(candidate.text))
            .then(|| phone(candidate.text))?
    }),
    ("phone-national", |candidate| {
        (!is_fraction(candidate) && !is_dated(candidate.text) && !is_dump(candidate))
            .then(|| phone(candidate.text))?
    }),
];

/// Groups that bring it beyond the 15 digits of E.164 are left out; fewer than 7 are none.
fn phone(text: &[u8]) -> Option<usize> {
    const FEWEST: usize = 7;
    const MOST: usize = 15;
    let (mut digits, mut end) = (0, 0);
    for (i, byte) in text.iter().enumerate() {
        if !byte.is_ascii_digit() {
            continue;
        }
        digits += 1;
        let ends_group = !text.get(i + 1).is_some_and(u8::is_ascii_digit);
        if ends_group && digits <= MOST {
            end = i + 1;
        }
    }
    let kept = text.iter().take(end).filter(|byte| byte.is_ascii_digit());
    (kept.count() >= FEWEST).then_some(end)
}

/// Zeros behind a digit and a decimal point, such as the coordinates in a drawing's paths.
fn is_fraction(candidate: &Candidate<'_>) -> bool {
    candidate.text.starts_with(b"0")
        && matches!(candidate.before, [.., digit, b'.'] if digit.is_ascii_digit())
}

/// A number with a sign: without a country's code, or a decimal one, or a year of many digits.
fn is_signed(candidate: &Candidate<'_>) -> bool {
    let Some(text) = candidate.text.strip_prefix(b"+") else {
        return false;
    };
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let (mut code, mut count) = (0, 0);
    for digit in digits {
        code = if count < 3 {
            code * 10 + u32::from(digit - b'0')
        } else {
            code
        };
        count += 1;
    }
    let is_whole = text.iter().all(u8::is_ascii_digit);
    let is_decimal =
        is_whole && matches!(candidate.after, [b'.', digit, ..] if digit.is_ascii_digit());
    !has_country(code) || (text.starts_with(b"1") && count < 11) || is_decimal || is_year(text)
}

/// These three digits begin with the code of a country or a service (ITU-T E.164, list of assigned
/// country codes).
const fn has_country(code: u32) -> bool {
    match code / 10 {
        21 => matches!(code, 211..=213 | 216 | 218),
        25 => code != 259,
        28 => false,
        29 => matches!(code, 290 | 291 | 297..=299),
        38 => !matches!(code, 384 | 388),
        42 => matches!(code, 420 | 421 | 423),
        67 => code != 671,
        68 => code != 684,
        69 => matches!(code, 690..=692),
        80 => matches!(code, 800 | 808),
        83 | 89 => false,
        85 => matches!(code, 850 | 852 | 853 | 855 | 856),
        87 => matches!(code, 870 | 878),
        88 => matches!(code, 880..=883 | 886 | 888),
        96 => code != 969,
        97 => code != 978,
        99 => matches!(code, 992..=996 | 998),
        _ => true,
    }
}

/// A date whose year has more than four digits (ISO 8601-1, expanded representations).
fn is_year(text: &[u8]) -> bool {
    let mut parts = text.splitn(3, |byte| *byte == b'-');
    let is_number = |part: &[u8], lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.iter().all(u8::is_ascii_digit)
    };
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    is_number(year, 5..=6)
        && is_number(month, 2..=2)
        && is_number(day.get(..2).unwrap_or(day), 2..=2)
        && !day.get(2).is_some_and(u8::is_ascii_digit)
}

/// A point and then another separator, as in the clauses of regulations and the points of drawings.
fn is_mixed(text: &[u8]) -> bool {
    matches!(text, [a, _, _, b'.', _, _, _, b' ' | b'-', ..] if a.is_ascii_digit())
}

/// A span of years, or a date, whole or at the beginning.
pub(super) fn is_dated(text: &[u8]) -> bool {
    let number = |part: &[u8]| {
        let is_number = (1..9).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
        let value = |value: u32, byte: &u8| value * 10 + u32::from(byte - b'0');
        is_number.then(|| part.iter().fold(0, value))
    };
    let is_century = |year: u32| (1900..2100).contains(&year);
    let is_day = |year: u32, month: u32, day: u32| is_century(year) && is_date(year, month, day);
    let mut parts = text
        .split(|byte| matches!(byte, b'-' | b'.' | b'/' | b' '))
        .map(|part| (part.len(), number(part)));
    match (parts.next(), parts.next(), parts.next()) {
        (Some((4, Some(from))), Some((4, Some(to))), None) => is_century(from) && is_century(to),
        (Some((4, Some(year))), Some((2, Some(month))), Some((2, Some(day)))) => {
            is_day(year, month, day)
        }
        (Some((2, Some(a))), Some((2, Some(b))), Some((4, Some(year)))) => {
            is_day(year, a, b) || is_day(year, b, a)
        }
        (Some((8, Some(all))), None, None) => is_day(all / 10_000, all / 100 % 100, all % 100),
        _ => false,
    }
}

/// Pairs of digits in a row of pairs, some of them with letters: bytes in hexadecimal.
fn is_dump(candidate: &Candidate<'_>) -> bool {
    let is_byte = |pair: &[u8]| {
        pair.len() == 2
            && pair.iter().all(u8::is_ascii_hexdigit)
            && pair.iter().any(u8::is_ascii_alphabetic)
    };
    let before = match candidate.before {
        [mark, pair @ .., b' '] if !mark.is_ascii_alphanumeric() => pair,
        _ => &[],
    };
    let after = match candidate.after {
        [b' ', pair @ .., mark] if !mark.is_ascii_alphanumeric() => pair,
        _ => &[],
    };
    candidate.text.get(2) == Some(&b' ') && (is_byte(before) || is_byte(after))
}
