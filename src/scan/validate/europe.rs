//! Numbers that European states give to people: their check digits and the dates in them.

use super::Check;
use super::digits::{
    characters, digits, is_date, is_uniform, luhn, mod_11_10, rank, value, verhoeff, weigh,
};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("at-svnr", |candidate| {
        candidate.when(at_svnr(candidate.text))
    }),
    ("be-nn", |candidate| candidate.when(be_nn(candidate.text))),
    ("bg-egn", |candidate| candidate.when(bg_egn(candidate.text))),
    ("ch-ahv", |candidate| candidate.when(ch_ahv(candidate.text))),
    ("cz-birth-number", |candidate| {
        candidate.when(cz_birth_number(candidate.text))
    }),
    ("de-document", |candidate| {
        candidate.when(de_document(candidate.text))
    }),
    ("de-pension", |candidate| {
        candidate.when(de_pension(candidate.text))
    }),
    ("de-tax-id", |candidate| {
        candidate.when(de_tax_id(candidate.text))
    }),
    ("dk-cpr", |candidate| candidate.when(dk_cpr(candidate.text))),
    ("ee-lt-code", |candidate| {
        candidate.when(ee_lt_code(candidate.text))
    }),
    ("es-dni", |candidate| candidate.when(es_dni(candidate.text))),
    ("fi-hetu", |candidate| {
        candidate.when(fi_hetu(candidate.text))
    }),
    ("fr-nir", |candidate| candidate.when(fr_nir(candidate.text))),
    ("gb-licence", |candidate| {
        candidate.when(gb_licence(candidate.text))
    }),
    ("gb-nhs", |candidate| candidate.when(gb_nhs(candidate.text))),
    ("gb-nino", |candidate| {
        candidate.when(gb_nino(candidate.text))
    }),
    ("gr-amka", |candidate| {
        candidate.when(gr_amka(candidate.text))
    }),
    ("hr-oib", |candidate| {
        candidate.when(digits::<11>(candidate.text).is_some_and(|digits| mod_11_10(&digits)))
    }),
    ("ie-pps", |candidate| candidate.when(ie_pps(candidate.text))),
    ("is-kennitala", |candidate| {
        candidate.when(is_kennitala(candidate.text))
    }),
    ("it-fiscal-code", |candidate| {
        candidate.when(it_fiscal_code(candidate.text))
    }),
    ("lu-nin", |candidate| candidate.when(lu_nin(candidate.text))),
    ("lv-code", |candidate| {
        candidate.when(lv_code(candidate.text))
    }),
    ("nl-bsn", |candidate| candidate.when(nl_bsn(candidate.text))),
    ("no-birth-number", |candidate| {
        candidate.when(no_birth_number(candidate.text))
    }),
    ("pl-pesel", |candidate| {
        candidate.when(pl_pesel(candidate.text))
    }),
    ("pt-nif", |candidate| candidate.when(pt_nif(candidate.text))),
    ("ro-cnp", |candidate| candidate.when(ro_cnp(candidate.text))),
    ("se-personnummer", |candidate| {
        candidate.when(se_personnummer(candidate.text))
    }),
];

/// The letters of Spanish and Irish checks, by remainder.
const DNI: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
const PPS: &[u8; 23] = b"WABCDEFGHIJKLMNOPQRSTUV";
const HETU: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";

fn at_svnr(text: &[u8]) -> bool {
    let Some([a, b, c, check, rest @ ..]) = digits::<10>(text) else {
        return false;
    };
    let [d1, d2, m1, m2, y1, y2] = rest;
    let (day, month) = (d1 * 10 + d2, m1 * 10 + m2);
    // Months 13 to 15 are given when a day's numbers have run out.
    let is_day = is_date(y1 * 10 + y2, if month > 12 { 1 } else { month }, day) && month <= 15;
    let sum = weigh(&[a, b, c], &[3, 7, 9]) + weigh(&rest, &[5, 8, 4, 2, 1, 6]);
    is_day && sum % 11 == check
}

fn be_nn(text: &[u8]) -> bool {
    let Some(number) = digits::<11>(text) else {
        return false;
    };
    let [y1, y2, m1, m2, d1, d2, ..] = number;
    let (month, day) = (m1 * 10 + m2, d1 * 10 + d2);
    // Bis numbers add 20 or 40 to the month; an unknown month or day is 0.
    let month = month % 20;
    let is_day =
        is_date(y1 * 10 + y2, month, day) || (month <= 12 && (month == 0 || day == 0) && day <= 31);
    let (body, check) = (value(&number) / 100, value(&number) % 100);
    is_day && (97 - body % 97 == check || 97 - (2_000_000_000 + body) % 97 == check)
}

fn bg_egn(text: &[u8]) -> bool {
    let Some([y1, y2, m1, m2, d1, d2, .., check]) = digits::<10>(text) else {
        return false;
    };
    let month = m1 * 10 + m2;
    let sum = digits::<10>(text).map_or(0, |number| weigh(&number, &[2, 4, 8, 5, 10, 9, 7, 3, 6]));
    month <= 52 && is_date(y1 * 10 + y2, month % 20, d1 * 10 + d2) && sum % 11 % 10 == check
}

/// 13 digits from 756 on with the check digit of EAN-13.
fn ch_ahv(text: &[u8]) -> bool {
    digits::<13>(text).is_some_and(|number| {
        let sum = weigh(&number, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]);
        sum.is_multiple_of(10) && number.starts_with(&[7, 5, 6])
    })
}

/// Ten digits (given since 1954) that 11 divides; women's months count from 51, spare ones from 21 and 71.
fn cz_birth_number(text: &[u8]) -> bool {
    let Some(number) = digits::<10>(text) else {
        return false;
    };
    let [y1, y2, m1, m2, d1, d2, .., check] = number;
    let month = (m1 * 10 + m2) % 50;
    let month = if month > 20 { month - 20 } else { month };
    let body = value(&number) / 10;
    let is_checked = value(&number).is_multiple_of(11) || (body % 11 == 10 && check == 0);
    is_checked && is_date(y1 * 10 + y2, month, d1 * 10 + d2)
}

/// Nine characters and a check digit with weights 7, 3, 1, as on German passports and identity cards.
fn de_document(text: &[u8]) -> bool {
    let Some([body @ .., check]) = characters::<10>(text) else {
        return false;
    };
    let sum: u32 = body
        .iter()
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(byte, weight)| rank(*byte) * weight)
        .sum();
    check.is_ascii_digit() && sum % 10 == rank(check) && body.iter().any(u8::is_ascii_digit)
}

fn de_pension(text: &[u8]) -> bool {
    let Some(number) = characters::<12>(text) else {
        return false;
    };
    let Some((head, [letter, tail @ ..])) = number.split_at_checked(8) else {
        return false;
    };
    let letter = rank(*letter).saturating_sub(9);
    let head = head.iter().map(|byte| rank(*byte));
    let ranks: Vec<u32> = head
        .chain([letter / 10, letter % 10])
        .chain(tail.iter().map(|byte| rank(*byte)))
        .collect();
    let (Some([_, _, d1, d2, m1, m2, y1, y2]), Some(check)) = (ranks.first_chunk(), ranks.last())
    else {
        return false;
    };
    let weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let products = ranks
        .iter()
        .zip(weights)
        .map(|(digit, weight)| digit * weight);
    let sum: u32 = products.map(|product| product / 10 + product % 10).sum();
    // A second person born on the same day under the same letter gets a day from 51 on.
    sum % 10 == *check && is_date(y1 * 10 + y2, m1 * 10 + m2, (d1 * 10 + d2) % 50)
}

/// One digit occurs twice or three times among the first ten, the others once at most; ISO 7064.
fn de_tax_id(text: &[u8]) -> bool {
    let Some(number) = digits::<11>(text) else {
        return false;
    };
    let [body @ .., _] = number;
    let counts = (0..10).map(|digit| body.iter().filter(|one| **one == digit).count());
    let repeated: Vec<usize> = counts.filter(|count| *count > 1).collect();
    matches!(repeated.as_slice(), [2 | 3]) && !body.starts_with(&[0]) && mod_11_10(&number)
}

/// A date and four digits: since 2007 there need be no check digit.
fn dk_cpr(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|[d1, d2, m1, m2, y1, y2, ..]| {
        is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2)
    })
}

fn ee_lt_code(text: &[u8]) -> bool {
    let Some(number) = digits::<11>(text) else {
        return false;
    };
    let [century, y1, y2, m1, m2, d1, d2, .., check] = number;
    let sum = weigh(&number, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let sum = if sum == 10 {
        weigh(&number, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10
    } else {
        sum
    };
    (1..=8).contains(&century) && sum == check && is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2)
}

/// Eight digits (old ones without the leading zero), or X, Y or Z (0, 1, 2) and seven, and the letter
/// of the remainder by 23.
fn es_dni(text: &[u8]) -> bool {
    let old = || {
        let [a, b, c, d, e, f, g, letter] = characters::<8>(text)?;
        Some([b'0', a, b, c, d, e, f, g, letter])
    };
    let Some([first, body @ .., letter]) = characters::<9>(text).or_else(old) else {
        return false;
    };
    let first = match first {
        b'X' => 0,
        b'Y' => 1,
        b'Z' => 2,
        first => rank(first),
    };
    let number = body
        .iter()
        .fold(first, |number, byte| number * 10 + rank(*byte));
    let body_is_uniform = body.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
    let is_placeholder = body_is_uniform && first == 0 && body.starts_with(b"0");
    !is_placeholder && DNI.get(number as usize % 23) == Some(&letter)
}

fn fi_hetu(text: &[u8]) -> bool {
    let Some((date, [_, rest @ ..])) = text.split_at_checked(6) else {
        return false;
    };
    let (Some([d1, d2, m1, m2, y1, y2]), Some((check, serial))) =
        (digits::<6>(date), rest.split_last())
    else {
        return false;
    };
    let (Some(date_digits), Some(serial)) = (digits::<6>(date), digits::<3>(serial)) else {
        return false;
    };
    let rest = (value(&date_digits) * 1000 + value(&serial)) % 31;
    let letter = usize::try_from(rest).ok().and_then(|rest| HETU.get(rest));
    is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2)
        && value(&serial) >= 2
        && letter == Some(&check.to_ascii_uppercase())
}

/// Sex, year, month, department, commune, order, and 97 less the remainder by 97.
fn fr_nir(text: &[u8]) -> bool {
    let Some(mut number) = characters::<15>(text) else {
        return false;
    };
    let [_, _, _, m1, m2, _, department, ..] = number;
    let is_plain = text.len() == 15;
    let month = rank(m1) * 10 + rank(m2);
    // Corsica: 2A counts as 19, 2B as 18.
    if let [_, _, _, _, _, first @ b'2', second @ (b'A' | b'B'), ..] = &mut number {
        *first = b'1';
        *second = if department == b'A' { b'9' } else { b'8' };
    }
    let Some(number) = digits::<15>(&number) else {
        return false;
    };
    let (body, check) = (value(&number) / 100, value(&number) % 100);
    // Months of people whose birth isn't recorded: alone, too many other numbers look like them.
    let is_odd = (31..=42).contains(&month) || month >= 50;
    let has_month = matches!(month, 1..=12 | 20 | 30) || (is_odd && !is_plain);
    let [.., c1, c2, c3, o1, o2, o3, _, _] = number;
    let is_numbered = [c1, c2, c3] != [0; 3] && [o1, o2, o3] != [0; 3];
    has_month && is_numbered && 97 - body % 97 == check
}

/// Five of the surname, decade, month (51 to 62 for women), day, year, two initials, three more.
fn gb_licence(text: &[u8]) -> bool {
    let Some([_, _, _, _, _, _, m1, m2, d1, d2, _, ..]) = characters::<16>(text) else {
        return false;
    };
    let month = rank(m1) * 10 + rank(m2);
    let day = rank(d1) * 10 + rank(d2);
    !(13..=50).contains(&month) && is_date(0, month % 50, day)
}

fn gb_nhs(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|number| {
        let [.., check] = number;
        let sum = weigh(&number, &[10, 9, 8, 7, 6, 5, 4, 3, 2]);
        !is_uniform(&number) && (11 - sum % 11) % 11 == check
    })
}

/// No prefix that isn't given out.
fn gb_nino(text: &[u8]) -> bool {
    let Some([first, second, .., suffix]) = characters::<9>(text) else {
        return false;
    };
    let is_free = |letter: u8| !matches!(letter, b'D' | b'F' | b'I' | b'Q' | b'U' | b'V');
    is_free(first)
        && is_free(second)
        && second != b'O'
        && !matches!(
            &[first, second],
            b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ"
        )
        && matches!(suffix, b'A'..=b'D')
}

fn gr_amka(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|number| {
        let [d1, d2, m1, m2, y1, y2, ..] = number;
        luhn(&number) && is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2)
    })
}

/// Seven digits, the check letter, and perhaps one more letter that counts ninefold.
fn ie_pps(text: &[u8]) -> bool {
    let Some((number, letters)) = text.split_at_checked(7) else {
        return false;
    };
    let (Some(number), [check, second @ ..]) = (digits::<7>(number), letters) else {
        return false;
    };
    let second = match second {
        [] | [b'W' | b'w'] => 0,
        [letter] => rank(letter.to_ascii_uppercase()).saturating_sub(9),
        _ => return false,
    };
    let sum = weigh(&number, &[8, 7, 6, 5, 4, 3, 2]) + 9 * second;
    PPS.get(sum as usize % 23) == Some(&check.to_ascii_uppercase())
}

fn is_kennitala(text: &[u8]) -> bool {
    let Some(number) = digits::<10>(text) else {
        return false;
    };
    let [d1, d2, m1, m2, y1, y2, .., check, century] = number;
    let sum = weigh(&number, &[3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    (11 - sum) % 11 == check
        && matches!(century, 0 | 8 | 9)
        && is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2)
}

/// Six letters, then digits (or the letters that stand for them where two people would share a
/// code) around the month's and the commune's letter, and the check letter.
fn it_fiscal_code(text: &[u8]) -> bool {
    let Some(code) = characters::<16>(text) else {
        return false;
    };
    let [body @ .., check] = code;
    // Odd places (from 1) count by the decree's table, even ones by rank.
    let odd = |byte: u8| match byte {
        b'0' | b'A' => 1,
        b'1' | b'B' => 0,
        b'2' | b'C' => 5,
        b'3' | b'D' => 7,
        b'4' | b'E' => 9,
        b'5' | b'F' => 13,
        b'6' | b'G' => 15,
        b'7' | b'H' => 17,
        b'8' | b'I' => 19,
        b'9' | b'J' => 21,
        b'K' => 2,
        b'L' => 4,
        b'M' => 18,
        b'N' => 20,
        b'O' => 11,
        b'P' => 3,
        b'Q' => 6,
        b'R' => 8,
        b'S' => 12,
        b'T' => 14,
        b'U' => 16,
        b'V' => 10,
        b'W' => 22,
        b'X' => 25,
        b'Y' => 24,
        _ => 23,
    };
    let even = |byte: u8| {
        if byte.is_ascii_digit() {
            rank(byte)
        } else {
            rank(byte) - 10
        }
    };
    let places = body.iter().zip([true, false].into_iter().cycle());
    let sum: u32 = places
        .map(|(byte, is_odd)| if is_odd { odd(*byte) } else { even(*byte) })
        .sum();
    sum % 26 == rank(check).saturating_sub(10)
}

/// Date, three digits, Luhn's digit and Verhoeff's, both over the first eleven.
fn lu_nin(text: &[u8]) -> bool {
    let Some(number) = digits::<13>(text) else {
        return false;
    };
    let [
        y1,
        y2,
        y3,
        y4,
        m1,
        m2,
        d1,
        d2,
        a,
        b,
        c,
        by_luhn,
        by_verhoeff,
    ] = number;
    let year = ((y1 * 10 + y2) * 10 + y3) * 10 + y4;
    let body = [y1, y2, y3, y4, m1, m2, d1, d2, a, b, c];
    let with = |check: u32| body.into_iter().chain([check]).collect::<Vec<u32>>();
    (1850..=2099).contains(&year)
        && is_date(year, m1 * 10 + m2, d1 * 10 + d2)
        && luhn(&with(by_luhn))
        && verhoeff(&with(by_verhoeff))
}

/// The form given until 2017, which begins with a date.
fn lv_code(text: &[u8]) -> bool {
    let Some(number) = digits::<11>(text) else {
        return false;
    };
    let [d1, d2, m1, m2, y1, y2, .., check] = number;
    let sum = weigh(&number, &[1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    (1101 - sum) % 11 % 10 == check && is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2)
}

/// The eleven test: weights 9 to 2, and the last digit less.
fn nl_bsn(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|number| {
        let [.., check] = number;
        weigh(&number, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == check && !is_uniform(&number)
    })
}

/// Two check digits; days from 41 on are D numbers, months from 41 or 65 on help numbers.
fn no_birth_number(text: &[u8]) -> bool {
    let Some(number) = digits::<11>(text) else {
        return false;
    };
    let [d1, d2, m1, m2, y1, y2, .., first, second] = number;
    let check = |weights: &[u32]| (11 - weigh(&number, weights) % 11) % 11;
    let (day, month) = ((d1 * 10 + d2) % 40, m1 * 10 + m2);
    let month = if month > 40 { month - 40 } else { month };
    check(&[3, 7, 6, 1, 8, 9, 4, 5, 2]) == first
        && check(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) == second
        && is_date(y1 * 10 + y2, month, day)
}

/// Months of other centuries than the twentieth count from 21, 41, 61 or 81.
fn pl_pesel(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|number| {
        let [y1, y2, m1, m2, d1, d2, ..] = number;
        let sum = weigh(&number, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
        sum.is_multiple_of(10) && is_date(y1 * 10 + y2, (m1 * 10 + m2) % 20, d1 * 10 + d2)
    })
}

fn pt_nif(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|number| {
        let [first, .., check] = number;
        let sum = weigh(&number, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
        let expected = if sum < 2 { 0 } else { 11 - sum };
        expected == check && !matches!(first, 0 | 4) && !is_uniform(&number)
    })
}

fn ro_cnp(text: &[u8]) -> bool {
    digits::<13>(text).is_some_and(|number| {
        let [sex, y1, y2, m1, m2, d1, d2, .., check] = number;
        let sum = weigh(&number, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
        let expected = if sum == 10 { 1 } else { sum };
        sex > 0 && expected == check && is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2)
    })
}

/// Ten or twelve digits: the last ten pass Luhn. Days from 61 on are coordination numbers.
fn se_personnummer(text: &[u8]) -> bool {
    let short = digits::<10>(text);
    let long = digits::<12>(text).and_then(|number| match number {
        [1, 8 | 9, rest @ ..] | [2, 0, rest @ ..] => Some(rest),
        _ => None,
    });
    short.or(long).is_some_and(|number| {
        let [y1, y2, m1, m2, d1, d2, ..] = number;
        luhn(&number) && is_date(y1 * 10 + y2, m1 * 10 + m2, (d1 * 10 + d2) % 60)
    })
}
