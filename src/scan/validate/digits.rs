//! What checks of numbers are made of: digits, weights, checksums, dates.

/// The digits among these bytes, if they are exactly so many.
pub(super) fn digits<const N: usize>(text: &[u8]) -> Option<[u32; N]> {
    let mut digits = [0; N];
    let mut found = text.iter().filter(|byte| byte.is_ascii_digit());
    for digit in &mut digits {
        *digit = u32::from(found.next()? - b'0');
    }
    found.next().is_none().then_some(digits)
}

/// The letters and digits among these bytes, in upper case, if they are exactly so many.
pub(super) fn characters<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut characters = [0; N];
    let mut found = text.iter().filter(|byte| byte.is_ascii_alphanumeric());
    for character in &mut characters {
        *character = found.next()?.to_ascii_uppercase();
    }
    found.next().is_none().then_some(characters)
}

/// The sum of each digit times its weight, as far as both reach.
pub(super) fn weigh(digits: &[u32], weights: &[u32]) -> u32 {
    let pairs = digits.iter().zip(weights);
    pairs.map(|(digit, weight)| digit * weight).sum()
}

/// The number that the digits write.
pub(super) fn value(digits: &[u32]) -> u64 {
    let digits = digits.iter();
    digits.fold(0, |value, digit| value * 10 + u64::from(*digit))
}

/// The value of a digit, or of a letter from A = 10 on.
pub(super) fn rank(character: u8) -> u32 {
    u32::from(match character {
        b'0'..=b'9' => character - b'0',
        b'A'..=b'Z' => character - b'A' + 10,
        _ => 0,
    })
}

/// Luhn's formula (ISO/IEC 7812-1, annex B), the check digit last.
pub(super) fn luhn(digits: &[u32]) -> bool {
    let doubled = digits.iter().rev().zip([false, true].into_iter().cycle());
    let sum: u32 = doubled
        .map(|(digit, is_doubled)| match (is_doubled, digit) {
            (false, digit) => *digit,
            (true, digit) => 2 * digit - if *digit > 4 { 9 } else { 0 },
        })
        .sum();
    sum.is_multiple_of(10)
}

/// ISO 7064, mod 11,10, the check digit last.
pub(super) fn mod_11_10(digits: &[u32]) -> bool {
    let Some((check, digits)) = digits.split_last() else {
        return false;
    };
    let product = digits.iter().fold(10, |product, digit| {
        let sum = (product + digit) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == *check
}

/// Verhoeff's check over the dihedral group of ten elements, the check digit last.
pub(super) fn verhoeff(digits: &[u32]) -> bool {
    let mut check = 0;
    for (i, digit) in digits.iter().rev().enumerate() {
        let permuted = (0..i % 8).fold(*digit, |digit, _| {
            // The permutation (1 5 8 9 4 2 7 0)(3 6).
            match digit {
                0 => 1,
                1 => 5,
                2 => 7,
                3 => 6,
                4 => 2,
                5 => 8,
                6 => 3,
                7 => 0,
                8 => 9,
                _ => 4,
            }
        });
        check = match (check < 5, permuted < 5) {
            (true, true) => (check + permuted) % 5,
            (true, false) => (check + permuted - 5) % 5 + 5,
            (false, true) => (check + 5 - permuted) % 5 + 5,
            (false, false) => (check + 5 - permuted) % 5,
        };
    }
    check == 0
}

/// Such a day exists; a year of two digits counts as one that could be a leap year.
pub(super) fn is_date(year: u32, month: u32, day: u32) -> bool {
    let is_leap = year.is_multiple_of(4)
        && (!year.is_multiple_of(100) || year.is_multiple_of(400) || year < 100);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=last).contains(&day)
}

/// All digits are the same: a placeholder.
pub(super) fn is_uniform(digits: &[u32]) -> bool {
    digits
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if a == b))
}
