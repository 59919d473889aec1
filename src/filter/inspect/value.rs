//! One matched value: its spellings, and what stands in its place.

use crate::policy::treatment::{Action, DetectRule};

/// Whether a match is one of the subject's own values, as people write it.
pub(super) fn is_same(rule: &DetectRule, value: &[u8], own: &str) -> bool {
    if value.eq_ignore_ascii_case(own.as_bytes()) {
        return true;
    }
    is_spaced(rule) && !value.is_empty() && bare(value) == bare(own.as_bytes())
}

/// People write these with spaces and signs, or without.
fn is_spaced(rule: &DetectRule) -> bool {
    matches!(&*rule.detector, "iban" | "payment-card" | "phone")
}

fn bare(text: &[u8]) -> Vec<u8> {
    let kept = |byte: &u8| !matches!(byte, b' ' | b'.' | b'-' | b'(' | b')');
    text.iter()
        .copied()
        .filter(kept)
        .map(|byte| byte.to_ascii_lowercase())
        .collect()
}

/// `value` as every spelling of it is written: two spellings have one pseudonym.
pub(super) fn canonical(rule: &DetectRule, value: &[u8]) -> Vec<u8> {
    if is_spaced(rule) {
        bare(value)
    } else {
        value.to_ascii_lowercase()
    }
}

/// Whether `value` is one e-mail address, as far as its shape goes.
pub(super) fn is_address(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b'@');
    let (Some(local), Some(domain), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_fit = |byte: &u8| !byte.is_ascii_whitespace() && !b"<>()[],;:\\\"".contains(byte);
    !local.is_empty()
        && domain.contains(&b'.')
        && value.iter().all(|byte| *byte == b'@' || is_fit(byte))
}

/// Letters and digits become `sign`, but for the last `keep_last`, of which at most half of all stay.
pub(super) fn mask(value: &str, keep_last: usize, sign: char) -> Box<str> {
    let total = letters(value);
    let hidden = total - keep_last.min(total / 2);
    let mut seen = 0;
    let masked: String = value
        .chars()
        .map(|character| {
            if !character.is_alphanumeric() {
                return character;
            }
            seen += 1;
            if seen <= hidden { sign } else { character }
        })
        .collect();
    masked.into()
}

/// What stands in a number's place under a mask that keeps numbers: ones, which overflow no type that held the
/// digits before. None for what is not written in digits alone, as an exponent could make it infinite.
pub(super) fn number(action: Action, value: &[u8]) -> Option<Box<str>> {
    let Action::Mask {
        keep_last,
        number: true,
    } = action
    else {
        return None;
    };
    let text = std::str::from_utf8(value).ok()?;
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b".-".contains(&byte));
    is_plain.then(|| mask(text, keep_last.into(), '1'))
}

pub(super) fn letters(value: &str) -> usize {
    value.chars().filter(|c| c.is_alphanumeric()).count()
}
