//! Numbers of registers: taxes on trade, companies, health insurance, and those that Russia, Turkey,
//! Yugoslavia's successors, South Africa and Vietnam give to people.

use super::Check;
use super::digits::{characters, digits, is_date, is_uniform, luhn, mod_11_10, rank, value, weigh};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("au-acn", |candidate| candidate.when(au_acn(candidate.text))),
    ("de-kvnr", |candidate| {
        candidate.when(de_kvnr(candidate.text))
    }),
    ("de-vat", |candidate| {
        candidate.when(digits::<9>(candidate.text).is_some_and(|number| mod_11_10(&number)))
    }),
    ("in-gstin", |candidate| {
        candidate.when(in_gstin(candidate.text))
    }),
    ("jmbg", |candidate| candidate.when(jmbg(candidate.text))),
    ("kr-brn", |candidate| candidate.when(kr_brn(candidate.text))),
    ("pl-id-card", |candidate| {
        candidate.when(pl_id_card(candidate.text))
    }),
    ("pl-nip", |candidate| candidate.when(pl_nip(candidate.text))),
    ("ru-inn", |candidate| candidate.when(ru_inn(candidate.text))),
    ("ru-snils", |candidate| {
        candidate.when(ru_snils(candidate.text))
    }),
    ("tr-id", |candidate| candidate.when(tr_id(candidate.text))),
    ("vn-cccd", |candidate| {
        candidate.when(vn_cccd(candidate.text))
    }),
    ("za-id", |candidate| candidate.when(za_id(candidate.text))),
];

fn au_acn(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|number| {
        let [.., check] = number;
        let sum = weigh(&number, &[8, 7, 6, 5, 4, 3, 2, 1]) % 10;
        (10 - sum) % 10 == check && !is_uniform(&number)
    })
}

/// A letter, by its place in the alphabet in two digits, then eight digits and Luhn's digit with the
/// weights from the left.
fn de_kvnr(text: &[u8]) -> bool {
    let Some([letter, body @ ..]) = characters::<10>(text) else {
        return false;
    };
    let Some([body @ .., check]) = digits::<9>(&body) else {
        return false;
    };
    let place = rank(letter).saturating_sub(9);
    let weighed = [place / 10, place % 10].into_iter().chain(body);
    let sum: u32 = weighed
        .zip([1, 2].into_iter().cycle())
        .map(|(digit, weight)| digit * weight / 10 + digit * weight % 10)
        .sum();
    letter.is_ascii_alphabetic() && sum % 10 == check
}

/// The state, a permanent account number, a count, `Z`, and a check over base 36.
fn in_gstin(text: &[u8]) -> bool {
    let Some([body @ .., check]) = characters::<15>(text) else {
        return false;
    };
    let [s1, s2, ..] = body;
    let sum: u32 = body
        .iter()
        .zip([1, 2].into_iter().cycle())
        .map(|(byte, weight)| rank(*byte) * weight / 36 + rank(*byte) * weight % 36)
        .sum();
    let state = rank(s1) * 10 + rank(s2);
    matches!(state, 1..=38 | 97 | 99) && (36 - sum % 36) % 36 == rank(check)
}

/// The unique number of the states that followed Yugoslavia.
fn jmbg(text: &[u8]) -> bool {
    let Some(number) = digits::<13>(text) else {
        return false;
    };
    let [d1, d2, m1, m2, y1, y2, y3, .., check] = number;
    let sum = weigh(&number, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    let year = y1 * 100 + y2 * 10 + y3;
    (11 - sum % 11) % 11 == check
        && (year >= 880 || year <= 50)
        && is_date(year % 100, m1 * 10 + m2, d1 * 10 + d2)
}

fn kr_brn(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|number| {
        let [.., ninth, check] = number;
        let sum = weigh(&number, &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + ninth * 5 / 10;
        (10 - sum % 10) % 10 == check && !is_uniform(&number)
    })
}

/// Three letters, a check digit, five digits.
fn pl_id_card(text: &[u8]) -> bool {
    characters::<9>(text).is_some_and(|id| {
        let [_, _, _, check, ..] = id;
        let sum: u32 = id
            .iter()
            .zip([7, 3, 1, 0, 7, 3, 1, 7, 3])
            .map(|(byte, weight)| rank(*byte) * weight)
            .sum();
        check.is_ascii_digit() && sum % 10 == rank(check)
    })
}

fn pl_nip(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|number| {
        let [.., check] = number;
        let sum = weigh(&number, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11;
        sum == check && !is_uniform(&number)
    })
}

/// Twelve digits with two check digits: those of people.
fn ru_inn(text: &[u8]) -> bool {
    digits::<12>(text).is_some_and(|number| {
        let [.., first, second] = number;
        let check = |weights: &[u32]| weigh(&number, weights) % 11 % 10;
        check(&[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) == first
            && check(&[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) == second
            && !is_uniform(&number)
    })
}

/// The province, then century and sex, then the year.
fn vn_cccd(text: &[u8]) -> bool {
    digits::<12>(text).is_some_and(|[p1, p2, p3, century, ..]| {
        (1..=96).contains(&value(&[p1, p2, p3])) && century <= 3
    })
}

/// A date, a serial, citizenship, and Luhn's digit.
fn za_id(text: &[u8]) -> bool {
    digits::<13>(text).is_some_and(|number| {
        let [y1, y2, m1, m2, d1, d2, _, _, _, _, citizenship, _, _] = number;
        is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2) && citizenship <= 2 && luhn(&number)
    })
}

fn ru_snils(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|number| {
        let check = value(&number) % 100;
        let sum = weigh(&number, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101;
        !is_uniform(&number) && u64::from(sum % 100) == check && value(&number) / 100 > 1_001_998
    })
}

fn tr_id(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|number| {
        let [a, b, c, d, e, f, g, h, i, tenth, last] = number;
        let (odd, even) = (a + c + e + g + i, b + d + f + h);
        a != 0 && (odd * 7 + 90 - even) % 10 == tenth && (odd + even + tenth) % 10 == last
    })
}
