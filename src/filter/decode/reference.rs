//! Character references of pages, which are those of XML and more.

use super::{DIGITS, Step, too_long};
use crate::types::Refusal;

/// The longest name has 31 letters (`CounterClockwiseContourIntegral`).
const NAME: usize = 40;

/// The character reference at the front of `text`.
pub(super) fn reference(
    text: &[u8],
    is_attribute: bool,
    is_last: bool,
    out: &mut Vec<u8>,
) -> Result<Step, Refusal> {
    match text.get(1) {
        None if is_last => Ok(Step::Plain(1)),
        None => Ok(Step::More),
        Some(b'#') => numeric(text, is_last, out),
        Some(_) => Ok(named(text, is_attribute, is_last, out)),
    }
}

fn numeric(text: &[u8], is_last: bool, out: &mut Vec<u8>) -> Result<Step, Refusal> {
    let is_hex = matches!(text.get(2), Some(b'x' | b'X'));
    let from = if is_hex { 3 } else { 2 };
    let is_digit = |byte: &&u8| {
        if is_hex {
            byte.is_ascii_hexdigit()
        } else {
            byte.is_ascii_digit()
        }
    };
    let digits = text.iter().skip(from).take(DIGITS).take_while(is_digit);
    let digits = digits.count();
    let end = from + digits;
    let next = text.get(end);
    if digits == DIGITS {
        return Err(too_long());
    }
    if next.is_none() && !is_last {
        return Ok(Step::More);
    }
    if digits == 0 {
        return Ok(Step::Plain(2));
    }
    let digits = text.get(from..end).unwrap_or_default();
    let digits = String::from_utf8_lossy(digits);
    let digits = digits.trim_start_matches('0');
    // Beyond all characters, however many digits there are.
    let digits = digits.get(..8).unwrap_or(digits);
    let mark = if is_hex { "x" } else { "" };
    let zero = if digits.is_empty() { "0" } else { "" };
    let plain = format!("&#{mark}{zero}{digits};");
    out.extend_from_slice(htmlize::unescape(&*plain).as_bytes());
    Ok(Step::Escape(end + usize::from(next == Some(&b';'))))
}

fn named(text: &[u8], is_attribute: bool, is_last: bool, out: &mut Vec<u8>) -> Step {
    let name = text.iter().skip(1).take(NAME);
    let name = name.take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let mut length = 1 + name;
    let next = text.get(length);
    if next.is_none() && name < NAME && !is_last {
        return Step::More;
    }
    let has_end = next == Some(&b';');
    length += usize::from(has_end);
    let raw = text.get(..length).map(std::str::from_utf8);
    let Some(Ok(raw)) = raw.filter(|_| name > 0) else {
        return Step::Plain(1);
    };
    // What follows decides whether a name without its semicolon counts in an attribute.
    let is_assigned = is_attribute && !has_end && next == Some(&b'=');
    let followed = format!("{raw}=");
    let decoded = match (is_attribute && !has_end, is_assigned) {
        (true, true) => htmlize::unescape_attribute(&*followed),
        (true, false) => htmlize::unescape_attribute(raw),
        _ => htmlize::unescape(raw),
    };
    let decoded = if is_assigned {
        decoded.strip_suffix('=').unwrap_or(raw)
    } else {
        &*decoded
    };
    if decoded == raw {
        return Step::Plain(length);
    }
    out.extend_from_slice(decoded.as_bytes());
    Step::Escape(length)
}
