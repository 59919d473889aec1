//! Numbers that American states give, beyond those in `world`.

use super::Check;
use super::digits::{characters, digits, is_date, is_uniform, luhn, rank, weigh};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("br-pis", |candidate| candidate.when(br_pis(candidate.text))),
    ("ca-health", |candidate| {
        candidate.when(ca_health(candidate.text))
    }),
    ("mx-clabe", |candidate| {
        candidate.when(mx_clabe(candidate.text))
    }),
    ("mx-rfc", |candidate| candidate.when(mx_rfc(candidate.text))),
    ("pe-ruc", |candidate| candidate.when(pe_ruc(candidate.text))),
];

fn br_pis(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|number| {
        let [.., check] = number;
        let sum = weigh(&number, &[3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
        let expected = if sum < 2 { 0 } else { 11 - sum };
        !is_uniform(&number) && expected == check
    })
}

/// Quebec's, which hold a date of birth (51 to 62 for women's months); Ontario's by Luhn; British
/// Columbia's, which begin with 9, by weights.
fn ca_health(text: &[u8]) -> bool {
    if text.first().is_some_and(u8::is_ascii_alphabetic) {
        return digits::<8>(text).is_some_and(|[y1, y2, m1, m2, d1, d2, ..]| {
            let month = m1 * 10 + m2;
            let month = if month > 50 { month - 50 } else { month };
            is_date(y1 * 10 + y2, month, d1 * 10 + d2)
        });
    }
    digits::<10>(text).is_some_and(|number| {
        let [first, body @ .., check] = number;
        let sum = weigh(&body, &[2, 4, 8, 5, 10, 9, 7, 3]) % 11;
        !is_uniform(&number) && (luhn(&number) || first == 9 && 11 - sum == check)
    })
}

/// Each digit's product by 3, 7, 1 counts with its last digit alone.
fn mx_clabe(text: &[u8]) -> bool {
    digits::<18>(text).is_some_and(|number| {
        let [body @ .., check] = number;
        let weights = [3, 7, 1].into_iter().cycle();
        let products = body.iter().zip(weights);
        let sum: u32 = products.map(|(digit, weight)| digit * weight % 10).sum();
        !is_uniform(&number) && (10 - sum % 10) % 10 == check
    })
}

/// Those of people: four letters, a date, two characters, and a check by weights over an alphabet in
/// which `&` stands between N and O.
fn mx_rfc(text: &[u8]) -> bool {
    let Ok(code) = <&[u8; 13]>::try_from(text) else {
        return false;
    };
    let place = |byte: u8| match byte {
        b'&' => 24,
        b'O'..=b'Z' => rank(byte) + 1,
        _ => rank(byte),
    };
    let sum: u32 = code
        .iter()
        .zip((2..=13).rev())
        .map(|(byte, weight)| place(*byte) * weight)
        .sum();
    let expected = match sum % 11 {
        0 => b'0',
        1 => b'A',
        rest => b'0' + u8::try_from(11 - rest).unwrap_or_default(),
    };
    let [_, _, _, _, y1, y2, m1, m2, d1, d2, _, _, check] = code.map(rank);
    is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2) && check == rank(expected)
}

/// Those of people begin with 10, 15 or 17, of companies with 20.
fn pe_ruc(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|number| {
        let [first, second, .., check] = number;
        let sum = weigh(&number, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
        matches!((first, second), (1, 0 | 5 | 7) | (2, 0)) && (11 - sum) % 10 == check
    })
}

/// Companies' numbers, letters too (from July 2026 on): each counts with its distance from `0` in ASCII.
pub(super) fn br_cnpj(text: &[u8]) -> bool {
    let Some(code) = characters::<14>(text) else {
        return false;
    };
    let [.., first, second] = code;
    let values = code.map(|byte| u32::from(byte - b'0'));
    let check = |weights: &[u32]| match weigh(&values, weights) % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    let is_one = code.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
    first.is_ascii_digit()
        && second.is_ascii_digit()
        && !is_one
        && check(&[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == rank(first)
        && check(&[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == rank(second)
}
