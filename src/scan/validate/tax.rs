//! Numbers of taxes on trade and income in Europe.

use super::digits::{characters, digits, is_uniform, luhn, mod_11_10, value, weigh};
use super::{Candidate, Check};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("ch-uid", |candidate| candidate.when(ch_uid(candidate.text))),
    ("es-cif", |candidate| candidate.when(es_cif(candidate.text))),
    ("eu-vat", |candidate| candidate.when(eu_vat(candidate))),
    ("fr-tax", |candidate| candidate.when(fr_tax(candidate.text))),
    ("gb-utr", |candidate| candidate.when(gb_utr(candidate.text))),
    ("gr-afm", |candidate| candidate.when(gr_afm(candidate.text))),
    ("hu-tax", |candidate| candidate.when(hu_tax(candidate.text))),
];

fn ch_uid(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|number| {
        let [.., check] = number;
        let sum = weigh(&number, &[5, 4, 3, 2, 7, 6, 5, 4]) % 11;
        !is_uniform(&number) && (11 - sum) % 11 == check
    })
}

/// A letter for the kind, seven digits by Luhn, the check as a digit or a letter (A for 1, J for 0).
fn es_cif(text: &[u8]) -> bool {
    let Some([kind, body @ .., check]) = characters::<9>(text) else {
        return false;
    };
    let Some(body) = digits::<7>(&body) else {
        return false;
    };
    let sum: u32 = body
        .iter()
        .zip([2, 1].into_iter().cycle())
        .map(|(digit, weight)| digit * weight / 10 + digit * weight % 10)
        .sum();
    let expected = u8::try_from((10 - sum % 10) % 10).unwrap_or_default();
    let letter = if expected == 0 { b'J' } else { b'@' + expected };
    let is_letter = matches!(kind, b'N' | b'P' | b'Q' | b'R' | b'S' | b'W');
    !is_uniform(&body) && (check == letter || check == b'0' + expected && !is_letter)
}

/// A country's prefix, its form, and its check where it has one that is published.
fn eu_vat(candidate: &Candidate<'_>) -> bool {
    let text: Vec<u8> = candidate
        .text
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(u8::to_ascii_uppercase)
        .collect();
    let Some((country, rest)) = text.split_first_chunk::<2>() else {
        return false;
    };
    let numbers = rest.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_plain = numbers == rest.len();
    match country {
        b"AT" => rest.first() == Some(&b'U') && rest.len() == 9 && at(rest),
        b"BE" => {
            is_plain
                && digits::<10>(rest).is_some_and(|n| 97 - value(&n) / 100 % 97 == value(&n) % 100)
        }
        b"BG" => is_plain && matches!(numbers, 9 | 10),
        b"CY" => rest.len() == 9 && numbers == 8 && rest.last().is_some_and(u8::is_ascii_uppercase),
        b"CZ" => is_plain && matches!(numbers, 8..=10),
        b"DE" | b"HR" => is_plain && vat_11_10(rest),
        b"DK" => {
            is_plain
                && digits::<8>(rest)
                    .is_some_and(|n| remainder(&n, &[2, 7, 6, 5, 4, 3, 2, 1], 11) == 0)
        }
        b"EE" => {
            is_plain
                && digits::<9>(rest)
                    .is_some_and(|n| remainder(&n, &[3, 7, 1, 3, 7, 1, 3, 7, 1], 10) == 0)
        }
        b"EL" => is_plain && gr_afm(rest),
        b"ES" => rest.len() == 9 && numbers >= 7,
        b"FI" => {
            is_plain
                && digits::<8>(rest)
                    .is_some_and(|n| remainder(&n, &[7, 9, 10, 5, 8, 4, 2, 1], 11) == 0)
        }
        b"FR" => {
            rest.len() == 11
                && rest
                    .get(2..)
                    .is_some_and(|siren| digits::<9>(siren).is_some_and(|n| luhn(&n)))
        }
        b"HU" => {
            is_plain
                && digits::<8>(rest)
                    .is_some_and(|n| remainder(&n, &[9, 7, 3, 1, 9, 7, 3, 1], 10) == 0)
        }
        b"IE" => matches!(rest.len(), 8 | 9) && numbers >= 6,
        b"IT" => is_plain && digits::<11>(rest).is_some_and(|n| luhn(&n) && !is_uniform(&n)),
        b"LT" => is_plain && matches!(numbers, 9 | 12),
        b"LU" => {
            is_plain && digits::<8>(rest).is_some_and(|n| value(&n) / 100 % 89 == value(&n) % 100)
        }
        b"LV" => is_plain && numbers == 11,
        b"MT" => {
            is_plain
                && digits::<8>(rest)
                    .is_some_and(|n| remainder(&n, &[3, 4, 6, 7, 8, 9, 10, 1], 37) == 0)
        }
        b"NL" => rest.len() == 12 && numbers == 11 && rest.get(9) == Some(&b'B'),
        b"PL" => {
            is_plain
                && digits::<10>(rest).is_some_and(|n| {
                    let [.., check] = n;
                    remainder(&n, &[6, 5, 7, 2, 3, 4, 5, 6, 7], 11) == check
                })
        }
        b"PT" => {
            is_plain
                && digits::<9>(rest).is_some_and(|n| {
                    let [.., check] = n;
                    (11 - remainder(&n, &[9, 8, 7, 6, 5, 4, 3, 2], 11)) % 11 % 10 == check
                })
        }
        b"RO" => is_plain && matches!(numbers, 6..=10),
        b"SE" => {
            is_plain
                && rest.ends_with(b"01")
                && rest
                    .get(..10)
                    .is_some_and(|n| digits::<10>(n).is_some_and(|n| luhn(&n)))
        }
        b"SI" => {
            is_plain
                && digits::<8>(rest).is_some_and(|n| {
                    let [.., check] = n;
                    (11 - remainder(&n, &[8, 7, 6, 5, 4, 3, 2], 11)) % 10 == check
                })
        }
        b"SK" => is_plain && digits::<10>(rest).is_some_and(|n| value(&n).is_multiple_of(11)),
        b"GB" | b"XI" => is_plain && gb_vat(rest),
        _ => false,
    }
}

fn remainder(digits: &[u32], weights: &[u32], modulus: u32) -> u32 {
    weigh(digits, weights) % modulus
}

/// Germany's and Croatia's: ISO 7064, mod 11,10.
fn vat_11_10(number: &[u8]) -> bool {
    digits::<9>(number).is_some_and(|n| mod_11_10(&n))
        || digits::<11>(number).is_some_and(|n| mod_11_10(&n))
}

/// Austria's, behind its `U`.
fn at(rest: &[u8]) -> bool {
    digits::<8>(rest).is_some_and(|number| {
        let [body @ .., check] = number;
        let sum: u32 = body
            .iter()
            .zip([1, 2].into_iter().cycle())
            .map(|(digit, weight)| digit * weight / 10 + digit * weight % 10)
            .sum();
        (10 - (sum + 4) % 10) % 10 == check
    })
}

/// The two check digits of the United Kingdom's, old and new (55 more).
fn gb_vat(rest: &[u8]) -> bool {
    let Some(number) = rest.get(..9).and_then(digits::<9>) else {
        return false;
    };
    let [body @ .., tens, ones] = number;
    let sum = weigh(&body, &[8, 7, 6, 5, 4, 3, 2]) + tens * 10 + ones;
    matches!(rest.len(), 9 | 12) && (sum.is_multiple_of(97) || (sum + 55).is_multiple_of(97))
}

/// The last three digits are the rest of the first ten by 511.
fn fr_tax(text: &[u8]) -> bool {
    digits::<13>(text).is_some_and(|number| {
        let all = value(&number);
        !is_uniform(&number) && all / 1000 % 511 == all % 1000
    })
}

/// The check digit stands first.
fn gb_utr(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|number| {
        let [check, body @ ..] = number;
        let rest = weigh(&body, &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
        let expected = [2, 1, 9, 8, 7, 6, 5, 4, 3, 2, 1];
        !is_uniform(&number) && expected.get(rest as usize) == Some(&check)
    })
}

fn gr_afm(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|number| {
        let [.., check] = number;
        let sum = weigh(&number, &[256, 128, 64, 32, 16, 8, 4, 2]);
        !is_uniform(&number) && sum % 11 % 10 == check
    })
}

/// Ten digits of a person's tax number, which begin with 8; nine of health insurance (TAJ).
fn hu_tax(text: &[u8]) -> bool {
    let person = digits::<10>(text).is_some_and(|number| {
        let [first, .., check] = number;
        first == 8 && weigh(&number, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 == check
    });
    person
        || digits::<9>(text).is_some_and(|number| {
            let [.., check] = number;
            !is_uniform(&number) && weigh(&number, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == check
        })
}
