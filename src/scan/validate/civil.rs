//! Numbers by which states of Europe's edges, the Middle East, Asia and the Pacific know people.

use super::Check;
use super::digits::{characters, digits, is_date, is_uniform, luhn, rank, value, weigh};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("be-id-card", |candidate| {
        candidate.when(be_id_card(candidate.text))
    }),
    ("bg-lnch", |candidate| {
        candidate.when(bg_lnch(candidate.text))
    }),
    ("cn-uscc", |candidate| {
        candidate.when(cn_uscc(candidate.text))
    }),
    ("es-naf", |candidate| candidate.when(es_naf(candidate.text))),
    ("gb-chi", |candidate| candidate.when(gb_chi(candidate.text))),
    ("jp-licence", |candidate| {
        candidate.when(jp_licence(candidate.text))
    }),
    ("kz-iin", |candidate| candidate.when(kz_iin(candidate.text))),
    ("lk-nic", |candidate| candidate.when(lk_nic(candidate.text))),
    ("md-idnp", |candidate| {
        candidate.when(md_idnp(candidate.text))
    }),
    ("middle-east-id", |candidate| {
        candidate.when(middle_east(candidate.text))
    }),
    ("nz-nhi", |candidate| candidate.when(nz_nhi(candidate.text))),
    ("pt-card", |candidate| {
        candidate.when(pt_card(candidate.text))
    }),
    ("pt-niss", |candidate| {
        candidate.when(pt_niss(candidate.text))
    }),
    ("tw-ubn", |candidate| candidate.when(tw_ubn(candidate.text))),
    ("ua-rnokpp", |candidate| {
        candidate.when(ua_rnokpp(candidate.text))
    }),
    ("vn-tax", |candidate| candidate.when(vn_tax(candidate.text))),
];

/// The last two digits are the rest of the first ten by 97, or 97.
fn be_id_card(text: &[u8]) -> bool {
    digits::<12>(text).is_some_and(|number| {
        let all = value(&number);
        let rest = all / 100 % 97;
        !is_uniform(&number) && all % 100 == if rest == 0 { 97 } else { rest }
    })
}

fn bg_lnch(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|number| {
        let [.., check] = number;
        let sum = weigh(&number, &[21, 19, 17, 13, 11, 9, 7, 3, 1]);
        !is_uniform(&number) && sum % 10 == check
    })
}

/// Weights are the powers of 3 by 31, over an alphabet without I, O, S, V and Z.
fn cn_uscc(text: &[u8]) -> bool {
    const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let Some([body @ .., check]) = characters::<18>(text) else {
        return false;
    };
    let place = |byte: &u8| ALPHABET.iter().position(|one| one == byte);
    let weighed = body.iter().try_fold((0, 1), |(sum, weight), byte| {
        Some((sum + place(byte)? * weight, weight * 3 % 31))
    });
    weighed.is_some_and(|(sum, _)| Some((31 - sum % 31) % 31) == place(&check))
}

/// The rest of province and number by 97; numbers below ten million count as if right behind a province
/// of as many places.
fn es_naf(text: &[u8]) -> bool {
    digits::<12>(text).is_some_and(|number| {
        let all = value(&number);
        let (province, serial, check) = (all / 10_000_000_000, all / 100 % 100_000_000, all % 100);
        let joined = if serial < 10_000_000 {
            serial + province * 10_000_000
        } else {
            all / 100
        };
        (1..=66).contains(&province) && joined % 97 == check
    })
}

/// Scotland's: a date of birth, a serial, a check digit as the NHS number's.
fn gb_chi(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|number| {
        let [d1, d2, m1, m2, y1, y2, .., check] = number;
        let sum = weigh(&number, &[10, 9, 8, 7, 6, 5, 4, 3, 2]);
        is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2) && (11 - sum % 11) % 11 == check
    })
}

/// The eleventh digit checks the ten before it; the twelfth counts reissues.
fn jp_licence(text: &[u8]) -> bool {
    digits::<12>(text).is_some_and(|number| {
        let [.., check, _] = number;
        let rest = weigh(&number, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
        let expected = if rest < 2 { 0 } else { 11 - rest };
        !is_uniform(&number) && expected == check
    })
}

/// A date, century and sex, a serial; where the first weights leave ten, the second ones count.
fn kz_iin(text: &[u8]) -> bool {
    digits::<12>(text).is_some_and(|number| {
        let [y1, y2, m1, m2, d1, d2, century, .., check] = number;
        let first = weigh(&number, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11;
        let second = weigh(&number, &[3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11;
        let sum = if first == 10 { second } else { first };
        is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2) && century <= 6 && sum == check
    })
}

/// A year and a day of the year (500 more for women): of nine digits and a letter, or of twelve digits.
fn lk_nic(text: &[u8]) -> bool {
    let is_day = |day: u64| (1..=366).contains(&day) || (501..=866).contains(&day);
    let old = digits::<9>(text).is_some_and(|number| is_day(value(&number) / 10_000 % 1000));
    old || digits::<12>(text).is_some_and(|number| {
        let year = value(&number) / 100_000_000;
        (1900..2100).contains(&year) && is_day(value(&number) / 100_000 % 1000)
    })
}

fn md_idnp(text: &[u8]) -> bool {
    digits::<13>(text).is_some_and(|number| {
        let [first, .., check] = number;
        let sum = weigh(&number, &[7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1]);
        matches!(first, 0 | 2) && !is_uniform(&number) && sum % 10 == check
    })
}

/// Saudi Arabia's and Iran's of ten digits, Kuwait's of twelve, Egypt's of fourteen.
fn middle_east(text: &[u8]) -> bool {
    let saudi =
        digits::<10>(text).is_some_and(|number| matches!(number, [1 | 2, ..]) && luhn(&number));
    let iran = digits::<10>(text).is_some_and(|number| {
        let [.., check] = number;
        let rest = weigh(&number, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
        let expected = if rest < 2 { rest } else { 11 - rest };
        !is_uniform(&number) && expected == check
    });
    let kuwait = digits::<12>(text).is_some_and(|number| {
        let [century, y1, y2, m1, m2, d1, d2, .., check] = number;
        let sum = weigh(&number, &[2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11;
        let date = is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2);
        (1..=3).contains(&century) && date && 11 - sum == check
    });
    let egypt = digits::<14>(text).is_some_and(|number| {
        let [century, y1, y2, m1, m2, d1, d2, g1, g2, ..] = number;
        let date = is_date(y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2);
        matches!(century, 2 | 3) && date && matches!(g1 * 10 + g2, 1..=35 | 88)
    });
    saudi || iran || kuwait || egypt
}

/// Three letters without I and O, three digits, a check digit.
fn nz_nhi(text: &[u8]) -> bool {
    characters::<7>(text).is_some_and(|code| {
        let [body @ .., check] = code;
        let value = |byte: u8| match byte {
            b'P'..=b'Z' => rank(byte) - 11,
            b'J'..=b'N' => rank(byte) - 10,
            b'A'..=b'H' => rank(byte) - 9,
            _ => rank(byte),
        };
        let weighed = body.iter().zip((2..=7).rev());
        let rest = weighed
            .map(|(byte, weight)| value(*byte) * weight)
            .sum::<u32>()
            % 11;
        rest > 0 && (11 - rest) % 10 == rank(check)
    })
}

/// Luhn's formula over digits and letters from A = 10 on, the sum of a doubled letter's digits not taken twice.
fn pt_card(text: &[u8]) -> bool {
    characters::<12>(text).is_some_and(|code| {
        let doubled = code.iter().rev().zip([1, 2].into_iter().cycle());
        let sum: u32 = doubled
            .map(|(byte, weight)| match rank(*byte) * weight {
                value @ 10.. if weight == 2 => value - 9,
                value => value,
            })
            .sum();
        sum.is_multiple_of(10)
    })
}

fn pt_niss(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|number| {
        let [first, .., check] = number;
        let sum = weigh(&number, &[29, 23, 19, 17, 13, 11, 7, 5, 3, 2]);
        matches!(first, 1 | 2) && !is_uniform(&number) && 9 - sum % 10 == check
    })
}

/// The digits of the products add up to a multiple of five; a seven at the seventh place counts as one or
/// none.
fn tw_ubn(text: &[u8]) -> bool {
    digits::<8>(text).is_some_and(|number| {
        let [.., seventh, _] = number;
        let sum: u32 = number
            .iter()
            .zip([1, 2, 1, 2, 1, 2, 4, 1])
            .map(|(digit, weight)| digit * weight / 10 + digit * weight % 10)
            .sum();
        !is_uniform(&number)
            && (sum.is_multiple_of(5) || seventh == 7 && (sum + 1).is_multiple_of(5))
    })
}

/// The first weight is -1, which is 10 by 11.
fn ua_rnokpp(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|number| {
        let [.., check] = number;
        let sum = weigh(&number, &[10, 5, 7, 9, 4, 6, 10, 5, 7]) % 11;
        !is_uniform(&number) && sum % 10 == check
    })
}

/// Ten digits, the last a check; perhaps a branch of three.
fn vn_tax(text: &[u8]) -> bool {
    let number = text.get(..10).unwrap_or(text);
    digits::<10>(number).is_some_and(|number| {
        let [.., check] = number;
        let rest = weigh(&number, &[31, 29, 23, 19, 17, 13, 7, 5, 3]) % 11;
        !is_uniform(&number) && 10 - rest == check
    })
}
