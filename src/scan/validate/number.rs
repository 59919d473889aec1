//! Numbers that people are known by: cards, accounts, phones, social security.

use std::iter;

use super::phone::is_dated;
use super::{Candidate, Check};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("card", |candidate| card(candidate.text)),
    ("digits", |candidate| {
        candidate.when(some_digits(candidate.text))
    }),
    ("licence", |candidate| {
        candidate.when(some_digits(candidate.text) && !is_locator(candidate))
    }),
    ("national-id", |candidate| {
        let count = candidate
            .text
            .iter()
            .filter(|byte| byte.is_ascii_digit())
            .count();
        let is_id = count >= 6 && some_digits(candidate.text) && !is_dated(candidate.text);
        candidate.when(is_id && !is_locator(candidate))
    }),
    ("plate", |candidate| {
        candidate.when(plate(candidate.text) && !is_next_line(candidate.before))
    }),
    ("iban", |candidate| iban(candidate.text)),
    ("us-ssn", |candidate| us_ssn(candidate.text)),
];

/// Luhn, over the digits; an issuer's prefix and length are in the pattern.
fn card(text: &[u8]) -> Option<usize> {
    let text = unjoined(text);
    let mut halves = text.splitn(2, |byte| matches!(byte, b'e' | b'E'));
    let mantissa = halves.next().unwrap_or_default();
    let zeros = match halves.next() {
        None => 0,
        Some(exponent) => zeros(mantissa, exponent)?,
    };
    let digits = mantissa.iter().filter(|byte| byte.is_ascii_digit());
    let digits = digits.chain(iter::repeat_n(&b'0', zeros)).rev();
    let sum: u32 = digits
        .zip([false, true].into_iter().cycle())
        .map(|(byte, is_doubled)| {
            let digit = u32::from(byte - b'0');
            match (is_doubled, digit) {
                (false, digit) => digit,
                (true, digit) if digit > 4 => 2 * digit - 9,
                (true, digit) => 2 * digit,
            }
        })
        .sum();
    sum.is_multiple_of(10).then_some(text.len())
}

/// How many zeros a number in scientific notation, of which one digit stands before the point, has
/// behind its mantissa; none unless it is whole and as long as a card's.
fn zeros(mantissa: &[u8], exponent: &[u8]) -> Option<usize> {
    let exponent = exponent.iter().filter(|byte| byte.is_ascii_digit());
    let length = exponent.fold(0, |value, byte| value * 10 + usize::from(byte - b'0')) + 1;
    let count = mantissa.iter().filter(|byte| byte.is_ascii_digit()).count();
    (13..=19)
        .contains(&length)
        .then(|| length.checked_sub(count))?
}

/// Without the `_` that joins it to a longer name.
fn unjoined(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"_").unwrap_or(text)
}

/// The country's length, then ISO 7064 mod 97-10. What follows the last group is left out.
fn iban(text: &[u8]) -> Option<usize> {
    let length = iban_length(text.first_chunk()?)?;
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric();
    let (mut end, mut count) = (0, 0);
    for (i, byte) in text.iter().enumerate() {
        if is_part(byte) {
            count += 1;
            end = i + 1;
        }
        if count == length {
            break;
        }
    }
    // The next character must not belong to the same group.
    if count != length || text.get(end).is_some_and(is_part) {
        return None;
    }
    let parts = || text.iter().take(end).filter(|byte| is_part(byte));
    let rest = parts()
        .skip(4)
        .chain(parts().take(4))
        .fold(0_u32, |rest, byte| {
            let value = match byte {
                b'0'..=b'9' => return (rest * 10 + u32::from(byte - b'0')) % 97,
                _ => u32::from(byte.to_ascii_uppercase() - b'A') + 10,
            };
            (rest * 100 + value) % 97
        });
    (rest == 1).then_some(end)
}

/// The length of a country's IBANs, of the SWIFT IBAN registry.
fn iban_length(country: &[u8; 2]) -> Option<usize> {
    Some(match &country.map(|byte| byte.to_ascii_uppercase()) {
        b"NO" => 15,
        b"BE" => 16,
        b"DK" | b"FI" | b"FK" | b"FO" | b"GL" | b"NL" | b"SD" => 18,
        b"MK" | b"SI" => 19,
        b"AT" | b"BA" | b"EE" | b"KZ" | b"LT" | b"LU" | b"MN" | b"XK" => 20,
        b"CH" | b"CR" | b"HR" | b"LI" | b"LV" => 21,
        b"BG" | b"BH" | b"DE" | b"GB" | b"GE" | b"IE" | b"ME" | b"RS" | b"VA" => 22,
        b"AE" | b"GI" | b"IL" | b"IQ" | b"OM" | b"SO" | b"TL" => 23,
        b"AD" | b"CZ" | b"ES" | b"MD" | b"PK" | b"RO" | b"SA" | b"SE" | b"SK" | b"TN" | b"VG" => 24,
        b"LY" | b"PT" | b"ST" => 25,
        b"IS" | b"TR" => 26,
        b"BI" | b"DJ" | b"FR" | b"GR" | b"IT" | b"MC" | b"MR" | b"SM" => 27,
        b"AL" | b"AZ" | b"BY" | b"CY" | b"DO" | b"GT" | b"HN" | b"HU" | b"LB" | b"NI" | b"PL"
        | b"SV" => 28,
        b"BR" | b"EG" | b"PS" | b"QA" | b"UA" => 29,
        b"JO" | b"KW" | b"MU" | b"YE" => 30,
        b"MT" | b"SC" => 31,
        b"LC" => 32,
        b"RU" => 33,
        _ => return None,
    })
}

/// No area 000, 666 or 9xx, no group 00, no serial 0000; nor the numbers known from advertising.
fn us_ssn(text: &[u8]) -> Option<usize> {
    let text = unjoined(text);
    let mut digits = [0; 9];
    let found = text.iter().filter(|byte| byte.is_ascii_digit());
    digits
        .iter_mut()
        .zip(found)
        .for_each(|(digit, byte)| *digit = *byte);
    let [area @ .., _, _, _, _, _, _] = &digits;
    let [_, _, _, group @ .., _, _, _, _] = &digits;
    let [_, _, _, _, _, serial @ ..] = &digits;
    let is_given = area != b"000"
        && area != b"666"
        && !area.starts_with(b"9")
        && group != b"00"
        && serial != b"0000"
        && !matches!(&digits, b"078051120" | b"219099999");
    is_given.then_some(text.len())
}

/// Four digits or more that aren't all the same, as placeholders are.
fn some_digits(text: &[u8]) -> bool {
    let mut digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let first = digits.next();
    let (mut count, mut is_uniform) = (first.iter().len(), true);
    for digit in digits {
        count += 1;
        is_uniform &= Some(digit) == first;
    }
    count >= 4 && !is_uniform
}

/// A number in an address or a constant's: behind a slash, a point or a query's first key.
fn is_locator(candidate: &Candidate<'_>) -> bool {
    matches!(
        candidate.before,
        [.., b'/' | b'.'] | [b'?', b'i', b'd', b'=']
    ) || matches!(candidate.after, [b'.', digit, ..] if digit.is_ascii_digit())
}

/// Letters and digits both, at least four in all; at most three letters before the digits, which names
/// of standards and types have more of, and no number of a standard.
fn plate(text: &[u8]) -> bool {
    const STANDARDS: [&[u8]; 12] = [
        b"RFC", b"ISO", b"DIN", b"IEC", b"UTF", b"SHA", b"MD5", b"X50", b"INT", b"I64", b"U64",
        b"V2X",
    ];
    let parts = || text.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let is_one = !text.iter().any(|byte| matches!(byte, b' ' | b'-'));
    let letters = parts().take_while(|byte| byte.is_ascii_uppercase()).count();
    let is_name =
        is_one && (letters > 3 || STANDARDS.iter().any(|standard| text.starts_with(standard)));
    parts().count() >= 4
        && text.iter().any(u8::is_ascii_digit)
        && text.iter().any(u8::is_ascii_uppercase)
        && !is_name
}

/// The word for it ended the line before, without a colon.
fn is_next_line(before: &[u8]) -> bool {
    let words = before.split(|byte| *byte == b'\n');
    let ends = words
        .clone()
        .next()
        .is_some_and(|word| word.ends_with(b":"));
    words.count() > 1 && !ends
}
