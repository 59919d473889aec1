//! Numbers that states of America, Asia and the Pacific give to people, and those of devices.

use super::Check;
use super::digits::{characters, digits, is_date, is_uniform, luhn, rank, value, verhoeff, weigh};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("ar-cuil", |candidate| {
        candidate.when(ar_cuil(candidate.text))
    }),
    ("au-abn", |candidate| candidate.when(au_abn(candidate.text))),
    ("au-medicare", |candidate| {
        candidate.when(au_medicare(candidate.text))
    }),
    ("au-tfn", |candidate| candidate.when(au_tfn(candidate.text))),
    ("br-cnpj", |candidate| {
        candidate.when(super::america::br_cnpj(candidate.text))
    }),
    ("br-cpf", |candidate| candidate.when(br_cpf(candidate.text))),
    ("ca-sin", |candidate| candidate.when(ca_sin(candidate.text))),
    ("cl-rut", |candidate| candidate.when(cl_rut(candidate.text))),
    ("cn-resident-id", |candidate| {
        candidate.when(cn_resident_id(candidate.text))
    }),
    ("date", |candidate| candidate.when(date(candidate.text))),
    ("hk-id", |candidate| candidate.when(hk_id(candidate.text))),
    ("id-nik", |candidate| candidate.when(id_nik(candidate.text))),
    ("in-aadhaar", |candidate| {
        candidate.when(in_aadhaar(candidate.text))
    }),
    ("jp-my-number", |candidate| {
        candidate.when(jp_my_number(candidate.text))
    }),
    ("kr-rrn", |candidate| candidate.when(kr_rrn(candidate.text))),
    ("luhn", |candidate| candidate.when(any_luhn(candidate.text))),
    ("mrz", |candidate| candidate.when(mrz(candidate.text))),
    ("mx-curp", |candidate| {
        candidate.when(mx_curp(candidate.text))
    }),
    ("my-nric", |candidate| {
        candidate.when(my_nric(candidate.text))
    }),
    ("nz-ird", |candidate| candidate.when(nz_ird(candidate.text))),
    ("sg-nric", |candidate| {
        candidate.when(sg_nric(candidate.text))
    }),
    ("th-id", |candidate| candidate.when(th_id(candidate.text))),
    ("tw-id", |candidate| candidate.when(tw_id(candidate.text))),
    ("us-bank-route", |candidate| {
        candidate.when(us_bank_route(candidate.text))
    }),
    ("us-dea", |candidate| candidate.when(us_dea(candidate.text))),
    ("us-npi", |candidate| candidate.when(us_npi(candidate.text))),
    ("vin", |candidate| candidate.when(vin(candidate.text))),
];

fn ar_cuil(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|number| {
        let [.., check] = number;
        let sum = weigh(&number, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
        (11 - sum) % 11 == check
    })
}

/// The first digit less one, then the weighted sum is a multiple of 89.
fn au_abn(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|number| {
        let [first, ..] = number;
        let sum = weigh(&number, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
        let zeros = number.iter().filter(|digit| **digit == 0).count();
        first > 0 && zeros < 8 && (sum - 10).is_multiple_of(89)
    })
}

/// Eight digits, their check digit, the issue; perhaps the person on the card.
fn au_medicare(text: &[u8]) -> bool {
    let number = digits::<10>(text).or_else(|| {
        let [number @ .., _] = digits::<11>(text)?;
        Some(number)
    });
    number.is_some_and(|number| {
        let [first, _, _, _, _, _, _, _, check, issue] = number;
        let sum = weigh(&number, &[1, 3, 7, 9, 1, 3, 7, 9]);
        (2..=6).contains(&first) && sum % 10 == check && issue > 0
    })
}

fn au_tfn(text: &[u8]) -> bool {
    let long = digits::<9>(text);
    let long = long.is_some_and(|number| {
        weigh(&number, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11) && !is_uniform(&number)
    });
    let short = digits::<8>(text);
    long || short.is_some_and(|number| {
        weigh(&number, &[10, 7, 8, 4, 6, 3, 5, 1]).is_multiple_of(11) && !is_uniform(&number)
    })
}

fn br_cpf(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|number| {
        let [.., first, second] = number;
        let check = |weights: &[u32]| weigh(&number, weights) * 10 % 11 % 10;
        !is_uniform(&number)
            && check(&[10, 9, 8, 7, 6, 5, 4, 3, 2]) == first
            && check(&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) == second
    })
}

/// Luhn; none begins with 8, and 0 is for tax numbers that begin with 09 only.
fn ca_sin(text: &[u8]) -> bool {
    digits::<9>(text)
        .is_some_and(|number| luhn(&number) && !is_uniform(&number) && !number.starts_with(&[8]))
}

fn cl_rut(text: &[u8]) -> bool {
    let characters = text.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let mut reversed = characters.rev();
    let Some(check) = reversed.next() else {
        return false;
    };
    let weights = [2, 3, 4, 5, 6, 7].into_iter().cycle();
    let sum: u32 = reversed
        .zip(weights)
        .map(|(byte, weight)| rank(*byte) * weight)
        .sum();
    let expected = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        rest => b'0' + u8::try_from(rest).unwrap_or_default(),
    };
    check.to_ascii_uppercase() == expected
}

/// Region, date of birth, order, and ISO 7064 mod 11-2.
fn cn_resident_id(text: &[u8]) -> bool {
    let Some(id) = characters::<18>(text) else {
        return false;
    };
    let Some((body, [check])) = id.split_at_checked(17) else {
        return false;
    };
    let Some(number) = digits::<17>(body) else {
        return false;
    };
    let [_, _, _, _, _, _, y1, y2, y3, y4, m1, m2, d1, d2, ..] = number;
    let year = ((y1 * 10 + y2) * 10 + y3) * 10 + y4;
    let rest = number.iter().fold(0, |sum, digit| (sum + digit) * 2 % 11);
    let expected = match (12 - rest) % 11 {
        10 => b'X',
        rest => b'0' + u8::try_from(rest).unwrap_or_default(),
    };
    (1850..=2099).contains(&year) && is_date(year, m1 * 10 + m2, d1 * 10 + d2) && *check == expected
}

/// A day, month and year in any order, the month perhaps by name: such a day exists since 1880.
fn date(text: &[u8]) -> bool {
    let parts = text.split(|byte| !byte.is_ascii_alphanumeric());
    let mut numbers = Vec::new();
    let mut month = None;
    for part in parts.filter(|part| !part.is_empty()) {
        let count = part.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = part
            .iter()
            .take(count)
            .fold(0, |number, byte| number * 10 + rank(*byte));
        match (count, part.len()) {
            (8, 8) => {
                let (head, tail) = (number / 10_000, number % 10_000);
                return is_birth(head, tail / 100, tail % 100)
                    || is_birth(tail, head % 100, head / 100)
                    || is_birth(tail, head / 100, head % 100);
            }
            (0, _) => month = month.or_else(|| month_of(part)),
            _ => numbers.push((number, count)),
        }
    }
    match (numbers.as_slice(), month) {
        ([(a, _), (b, _)], Some(month)) => is_birth(*a, month, *b) || is_birth(*b, month, *a),
        ([(year, 4), (a, _), (b, _)], None) => is_birth(*year, *a, *b) || is_birth(*year, *b, *a),
        ([(a, _), (b, _), (year, 2 | 4)], None) => {
            is_birth(*year, *a, *b) || is_birth(*year, *b, *a)
        }
        _ => false,
    }
}

fn is_birth(year: u32, month: u32, day: u32) -> bool {
    (year < 100 || (1880..=2099).contains(&year)) && is_date(year, month, day)
}

/// The month whose name begins so, in English, German, French, Spanish, Italian or Portuguese.
fn month_of(name: &[u8]) -> Option<u32> {
    let start = name
        .first_chunk::<3>()?
        .map(|byte| byte.to_ascii_lowercase());
    Some(match &start {
        b"jan" | b"ene" | b"gen" => 1,
        b"feb" | b"fev" => 2,
        b"mar" => 3,
        b"apr" | b"avr" | b"abr" => 4,
        b"may" | b"mai" | b"mag" => 5,
        b"jun" | b"giu" => 6,
        b"jul" | b"lug" => 7,
        b"aug" | b"ago" => 8,
        b"sep" | b"set" => 9,
        b"oct" | b"okt" | b"ott" | b"out" => 10,
        b"nov" => 11,
        b"dec" | b"dez" | b"dic" => 12,
        _ => return None,
    })
}

/// One or two letters, six digits, and a check that makes the weighted sum a multiple of 11.
fn hk_id(text: &[u8]) -> bool {
    let id: Vec<u8> = text
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(u8::to_ascii_uppercase)
        .collect();
    let (body, check) = match id.as_slice() {
        [body @ .., check] => (body, *check),
        [] => return false,
    };
    // A missing first letter counts as a space, 36.
    let missing = if body.len() == 7 { 36 * 9 } else { 0 };
    let weights = (2..).take(body.len());
    let sum: u32 = body
        .iter()
        .rev()
        .zip(weights)
        .map(|(byte, weight)| rank(*byte) * weight)
        .sum();
    let check = if check == b'A' { 10 } else { rank(check) };
    (sum + missing + check).is_multiple_of(11)
}

/// Region, day (women's from 41 on), month, year, serial.
fn id_nik(text: &[u8]) -> bool {
    digits::<16>(text).is_some_and(|number| {
        let [p1, p2, _, _, _, _, d1, d2, m1, m2, y1, y2, s1, s2, s3, s4] = number;
        let (province, day) = (p1 * 10 + p2, (d1 * 10 + d2) % 40);
        (11..=97).contains(&province)
            && is_date(y1 * 10 + y2, m1 * 10 + m2, day)
            && value(&[s1, s2, s3, s4]) > 0
    })
}

fn in_aadhaar(text: &[u8]) -> bool {
    digits::<12>(text).is_some_and(|number| {
        let is_palindrome = number.iter().eq(number.iter().rev());
        !is_palindrome && verhoeff(&number)
    })
}

fn jp_my_number(text: &[u8]) -> bool {
    digits::<12>(text).is_some_and(|number| {
        let [.., check] = number;
        let rest = weigh(&number, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
        let expected = if rest < 2 { 0 } else { 11 - rest };
        expected == check && !is_uniform(&number)
    })
}

/// A date and the digit of century and sex: since 2020 there need be no check digit.
fn kr_rrn(text: &[u8]) -> bool {
    digits::<13>(text).is_some_and(|[y1, y2, m1, m2, d1, d2, ..]| {
        is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2)
    })
}

fn any_luhn(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let digits: Vec<u32> = digits.map(|byte| rank(*byte)).collect();
    luhn(&digits) && !is_uniform(&digits)
}

/// A line with a name, or one with dates, whose check digits are right.
fn mrz(text: &[u8]) -> bool {
    let check = |from: usize, length: usize| {
        let field = text.get(from..from + length);
        let expected = text.get(from + length);
        let (Some(field), Some(expected)) = (field, expected) else {
            return false;
        };
        let weights = [7, 3, 1].into_iter().cycle();
        let sum: u32 = field
            .iter()
            .zip(weights)
            .map(|(byte, weight)| rank(*byte) * weight)
            .sum();
        let expected = if *expected == b'<' {
            0
        } else {
            rank(*expected)
        };
        sum % 10 == expected
    };
    match text.len() {
        44 | 36
            if text.windows(2).any(|pair| pair == b"<<")
                && text.iter().all(|byte| !byte.is_ascii_digit()) =>
        {
            true
        }
        44 | 36 => check(0, 9) && check(13, 6) && check(21, 6),
        30 if text.first().is_some_and(u8::is_ascii_digit) => check(0, 6) && check(8, 6),
        30 => check(5, 9),
        _ => false,
    }
}

fn mx_curp(text: &[u8]) -> bool {
    let Some(id) = characters::<18>(text) else {
        return false;
    };
    let Some((body, [check])) = id.split_at_checked(17) else {
        return false;
    };
    // Letters count from 10 on; Ñ, never written, would be 24, so those after N are one more.
    let rank = |byte: u8| rank(byte) + u32::from(byte > b'N');
    let sum: u32 = body
        .iter()
        .zip((2..=18).rev())
        .map(|(byte, weight)| rank(*byte) * weight)
        .sum();
    let Some([y1, y2, m1, m2, d1, d2]) = body.get(4..10).and_then(digits::<6>) else {
        return false;
    };
    let is_day = is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2);
    is_day && check.is_ascii_digit() && (10 - sum % 10) % 10 == rank(*check)
}

/// A date and a place of birth that is given out.
fn my_nric(text: &[u8]) -> bool {
    digits::<12>(text).is_some_and(|[y1, y2, m1, m2, d1, d2, p1, p2, ..]| {
        let place = p1 * 10 + p2;
        is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2)
            && !matches!(place, 0 | 17..=20 | 69 | 70 | 73 | 80 | 81 | 94..=97)
    })
}

fn nz_ird(text: &[u8]) -> bool {
    let number = digits::<9>(text).or_else(|| {
        let [a, b, c, d, e, f, g, h] = digits::<8>(text)?;
        Some([0, a, b, c, d, e, f, g, h])
    });
    number.is_some_and(|number| {
        let [.., check] = number;
        let expected = |weights: &[u32]| (11 - weigh(&number, weights) % 11) % 11;
        let first = expected(&[3, 2, 7, 6, 5, 4, 3, 2]);
        let expected = if first == 10 {
            expected(&[7, 4, 3, 2, 5, 2, 7, 6])
        } else {
            first
        };
        (10_000_000..150_000_000).contains(&value(&number)) && expected == check
    })
}

fn sg_nric(text: &[u8]) -> bool {
    let Some([kind, body @ .., check]) = characters::<9>(text) else {
        return false;
    };
    let Some(number) = digits::<7>(&body) else {
        return false;
    };
    let offset = match kind {
        b'T' | b'G' => 4,
        b'M' => 3,
        _ => 0,
    };
    let letters = match kind {
        b'S' | b'T' => b"JZIHGFEDCBA",
        b'M' => b"KLJNPQRTUWX",
        _ => b"XWUTRQPNMLK",
    };
    let rest = (weigh(&number, &[2, 7, 6, 5, 4, 3, 2]) + offset) as usize % 11;
    let place = if kind == b'M' { 10 - rest } else { rest };
    letters.get(place) == Some(&check)
}

fn th_id(text: &[u8]) -> bool {
    digits::<13>(text).is_some_and(|number| {
        let [first, .., check] = number;
        let sum = weigh(&number, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
        first > 0 && (11 - sum % 11) % 10 == check
    })
}

fn tw_id(text: &[u8]) -> bool {
    let Some([letter, body @ ..]) = characters::<10>(text) else {
        return false;
    };
    let Some(number) = digits::<9>(&body) else {
        return false;
    };
    // The order of the regions isn't quite the alphabet's.
    let order = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let region = order.iter().position(|one| *one == letter);
    let Some(region) = region.and_then(|region| u32::try_from(region + 10).ok()) else {
        return false;
    };
    let sum = region / 10 + region % 10 * 9 + weigh(&number, &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    sum.is_multiple_of(10)
}

/// Weights 3, 7, 1, and a district of the Federal Reserve.
fn us_bank_route(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|number| {
        let [a, b, ..] = number;
        let sum = weigh(&number, &[3, 7, 1, 3, 7, 1, 3, 7, 1]);
        sum.is_multiple_of(10) && matches!(a * 10 + b, 1..=12 | 21..=32 | 61..=72 | 80)
    })
}

fn us_dea(text: &[u8]) -> bool {
    let number = text.get(2..).and_then(digits::<7>);
    number.is_some_and(|[a, b, c, d, e, f, check]| (a + c + e + 2 * (b + d + f)) % 10 == check)
}

/// Luhn with the prefix 80840 of health applications in the United States.
fn us_npi(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|number| {
        let prefixed: Vec<u32> = [8, 0, 8, 4, 0].into_iter().chain(number).collect();
        luhn(&prefixed)
    })
}

/// The check digit that North America and China ask for, at the ninth place.
fn vin(text: &[u8]) -> bool {
    let Some(vin) = characters::<17>(text) else {
        return false;
    };
    let value = |byte: u8| match byte {
        b'A' | b'J' => 1,
        b'B' | b'K' | b'S' => 2,
        b'C' | b'L' | b'T' => 3,
        b'D' | b'M' | b'U' => 4,
        b'E' | b'N' | b'V' => 5,
        b'F' | b'W' => 6,
        b'G' | b'P' | b'X' => 7,
        b'H' | b'Y' => 8,
        b'R' | b'Z' => 9,
        digit => rank(digit),
    };
    let weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let sum: u32 = vin
        .iter()
        .zip(weights)
        .map(|(byte, weight)| value(*byte) * weight)
        .sum();
    let [_, _, _, _, _, _, _, _, check, ..] = vin;
    let expected = if check == b'X' { 10 } else { rank(check) };
    // The tenth is the year, which some letters and zero never stand for.
    let [.., year, _, _, _, _, _, _, _] = vin;
    let letters = vin.iter().filter(|byte| byte.is_ascii_alphabetic());
    sum % 11 == expected
        && !matches!(year, b'U' | b'Z' | b'0')
        && letters.count() >= 3
        && vin.iter().any(u8::is_ascii_digit)
}
