//! Cheap reasons why a place can't begin what a validator accepts, asked before the automaton runs.
//!
//! INVARIANT: a place that is rejected here has no match, or one that the validator rejects.

use std::ops::Range;

use super::validate::{Shape, Validator};

/// How many bytes the separators of a number can add to it.
const MOST: usize = 40;

/// The detector of this validator finds nothing that begins at `start`. `digits` is the count of
/// digits that each match has, where there is one count.
pub(super) fn is_hopeless(
    validator: Validator,
    digits: Option<usize>,
    bytes: &[u8],
    start: usize,
) -> bool {
    let Some(text) = bytes.get(start..) else {
        return true;
    };
    match (validator.shape, digits) {
        (Shape::Card, Some(count)) => !luhn(text, count),
        (Shape::Ipv6, _) => has_odd_colons(text),
        _ => false,
    }
}

/// Those of the places `starts`, all before the trigger, at which a hit can begin. What stands
/// between them and the trigger is of the class that the pattern begins with.
pub(super) fn viable(validator: Validator, bytes: &[u8], starts: Range<usize>) -> Range<usize> {
    let Some(local) = bytes.get(starts.clone()) else {
        return starts;
    };
    if validator.shape != Shape::Email {
        return starts;
    }
    if local.ends_with(b".") {
        return starts.end..starts.end;
    }
    let is_double = |pair: &[u8]| pair == b"..";
    let after_dots = local.windows(2).rposition(is_double).map_or(0, |at| at + 2);
    let begins = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+');
    let odd = local
        .iter()
        .skip(after_dots)
        .take_while(|byte| !begins(byte));
    starts.start + after_dots + odd.count()..starts.end
}

/// Luhn over the first `count` digits, whatever stands between them.
fn luhn(text: &[u8], count: usize) -> bool {
    const DOUBLED: [u8; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
    let (mut sum, mut left) = (0_u32, count);
    for byte in text.iter().take(MOST) {
        let digit = byte.wrapping_sub(b'0');
        let Some(doubled) = DOUBLED.get(usize::from(digit)) else {
            continue;
        };
        let value = if left.is_multiple_of(2) {
            *doubled
        } else {
            digit
        };
        sum += u32::from(value);
        left -= 1;
        if left == 0 {
            return sum.is_multiple_of(10);
        }
    }
    false
}

/// Colons as no address has them, in what any match covers: a second `::` or a ninth; or, in a run that
/// ends there, no `::` and fewer than six, as times have.
fn has_odd_colons(text: &[u8]) -> bool {
    // The shortest of the patterns' longest matches, less what their ends may leave out.
    const COVERED: usize = 32;
    let run = text.iter().take(COVERED);
    let (mut gaps, mut colons, mut all) = (0, 0, 0);
    for byte in run {
        if *byte == b':' {
            colons += 1;
            all += 1;
            gaps += u8::from(colons == 2);
            if gaps == 2 || all == 9 {
                return true;
            }
        } else if byte.is_ascii_hexdigit() {
            colons = 0;
        } else {
            return gaps == 0 && all < 6;
        }
    }
    false
}
