//! Addresses: e-mail and IP.

use std::net::Ipv6Addr;

use super::Candidate;

/// A local part that begins with a letter, digit, `_` or `+` and has no misplaced dots; labels
/// without hyphens at their edges; at most 253 bytes of domain. A `_` behind it joins it to a longer
/// name, and is left out.
pub(super) fn email(text: &[u8]) -> Option<usize> {
    let text = text.strip_suffix(b"_").unwrap_or(text);
    let mut halves = text.split(|byte| *byte == b'@');
    let (Some(local), Some(domain), None) = (halves.next(), halves.next(), halves.next()) else {
        return None;
    };
    let begins_well = local
        .first()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+'));
    let has_good_dots = !local.ends_with(b".") && !local.windows(2).any(|pair| pair == b"..");
    let mut labels = domain.split(|byte| *byte == b'.');
    let is_good = begins_well
        && has_good_dots
        && domain.len() <= 253
        && labels.all(|label| !label.starts_with(b"-") && !label.ends_with(b"-"));
    is_good.then_some(text.len())
}

/// Four numbers up to 255 without leading zeros, and no fifth: that is a version or an OID.
pub(super) fn ipv4(candidate: &Candidate<'_>) -> bool {
    let is_octet = |octet: &[u8]| match octet {
        [] | [b'0', _, ..] => false,
        [_] | [_, _] => true,
        [b'1', _, _] | [b'2', b'0'..=b'4', _] | [b'2', b'5', b'0'..=b'5'] => true,
        _ => false,
    };
    let follows_number = matches!(candidate.before, [.., b'0'..=b'9', b'.']);
    let precedes_number = matches!(candidate.after, [b'.', b'0'..=b'9', ..]);
    !follows_number && !precedes_number && candidate.text.split(|byte| *byte == b'.').all(is_octet)
}

/// What the standard library's parser accepts, with a digit in it (`a::b` is more often a path in
/// a program); a colon at the end belongs to the sentence.
pub(super) fn ipv6(candidate: &Candidate<'_>) -> Option<usize> {
    let text = match candidate.text {
        [text @ .., b':'] if !text.ends_with(b":") => text,
        text => text,
    };
    let is_joined = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    let continues =
        text.len() == candidate.text.len() && candidate.after.first().is_some_and(is_joined);
    if candidate.before.last().is_some_and(is_joined) || continues {
        return None;
    }
    let has_digit = text.iter().any(u8::is_ascii_digit);
    let address = std::str::from_utf8(text).ok()?.parse::<Ipv6Addr>();
    (has_digit && address.is_ok()).then_some(text.len())
}
