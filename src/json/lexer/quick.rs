//! The short way through a token: all of it is at hand, and it is as tokens mostly are.
//!
//! INVARIANT: what is taken here is what the long way would take, with the same events and limits; whatever is
//! cut, wrong or beyond a limit is left to the long way, untouched.

use super::{Event, EventKind, Expect, Lexer};
use crate::json::ascii::{digits, plain_prefix};

impl Lexer {
    /// Reads up to the end of the next token, with `MARKS` counting commas and colons as tokens. None where that
    /// takes the long way: nothing has been read then.
    #[inline(always)]
    pub(super) fn quick<const MARKS: bool>(&mut self, input: &mut &[u8]) -> Option<Event> {
        let all = *input;
        let mut rest = all;
        let mut expect = self.expect;
        if let Expect::Mark(_) = expect {
            return None;
        }
        let (kind, after) = loop {
            let (&byte, after) = rest.split_first()?;
            let is_value = matches!(expect, Expect::Value | Expect::ValueOrEnd);
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => rest = after,
                b'"' if is_value => {
                    let (length, is_escaped) = text(after, self.limits.string)?;
                    expect = self.after_value();
                    break (EventKind::String { is_escaped }, after.get(length + 1..)?);
                }
                b'"' if matches!(expect, Expect::Key | Expect::KeyOrEnd) => {
                    let (length, is_escaped) = text(after, self.limits.string)?;
                    expect = Expect::Colon;
                    break (EventKind::Key { is_escaped }, after.get(length + 1..)?);
                }
                b':' if expect == Expect::Colon => {
                    expect = Expect::Value;
                    if MARKS {
                        break (EventKind::Colon, after);
                    }
                    rest = after;
                }
                b',' if expect == Expect::CommaOrEnd => {
                    expect = self.after_comma();
                    if MARKS {
                        break (EventKind::Comma, after);
                    }
                    rest = after;
                }
                b'-' | b'0'..=b'9' if is_value => {
                    let length = number(rest).filter(|length| *length <= self.limits.string)?;
                    expect = self.after_value();
                    break (EventKind::Number, rest.get(length..)?);
                }
                b'{' | b'[' if is_value => {
                    let is_object = byte == b'{';
                    if self.open.len() >= self.limits.depth {
                        return None;
                    }
                    self.open.push(is_object);
                    break if is_object {
                        expect = Expect::KeyOrEnd;
                        (EventKind::BeginObject, after)
                    } else {
                        expect = Expect::ValueOrEnd;
                        (EventKind::BeginArray, after)
                    };
                }
                b'}' if matches!(expect, Expect::CommaOrEnd | Expect::KeyOrEnd) => {
                    if self.open.last() != Some(&true) {
                        return None;
                    }
                    self.open.pop();
                    expect = self.after_value();
                    break (EventKind::EndObject, after);
                }
                b']' if matches!(expect, Expect::CommaOrEnd | Expect::ValueOrEnd) => {
                    if self.open.last() != Some(&false) {
                        return None;
                    }
                    self.open.pop();
                    expect = self.after_value();
                    break (EventKind::EndArray, after);
                }
                b't' if is_value => {
                    let after = after.strip_prefix(b"rue")?;
                    expect = self.after_value();
                    break (EventKind::Bool(true), after);
                }
                b'f' if is_value => {
                    let after = after.strip_prefix(b"alse")?;
                    expect = self.after_value();
                    break (EventKind::Bool(false), after);
                }
                b'n' if is_value => {
                    let after = after.strip_prefix(b"ull")?;
                    expect = self.after_value();
                    break (EventKind::Null, after);
                }
                _ => return None,
            }
        };
        self.expect = expect;
        self.token_start = self.offset + (all.len() - rest.len()) as u64;
        self.offset += (all.len() - after.len()) as u64;
        *input = after;
        Some(Event {
            kind,
            start: self.token_start,
            end: self.offset,
        })
    }
}

/// The length of the text at the front of `bytes`, up to its quote, of at most `limit` bytes, and whether it holds
/// escapes.
#[inline(always)]
fn text(bytes: &[u8], limit: usize) -> Option<(usize, bool)> {
    let plain = plain_prefix(bytes);
    let (length, is_escaped) = match bytes.get(plain)? {
        b'"' => (plain, false),
        _ => unusual(bytes, plain)?,
    };
    (length <= limit).then_some((length, is_escaped))
}

/// The same for a text of which only the first `plain` bytes are plain.
#[inline(never)]
fn unusual(bytes: &[u8], plain: usize) -> Option<(usize, bool)> {
    let mut at = plain;
    let mut is_escaped = false;
    loop {
        let rest = bytes.get(at..)?;
        at += match rest {
            [b'"', ..] => return Some((at, is_escaped)),
            [b'\\', b'u', digits @ ..] => {
                let digits = digits.first_chunk::<4>()?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(6)?
            }
            [
                b'\\',
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                ..,
            ] => 2,
            [0x80..=0xff, ..] => {
                let run = rest.get(..memchr::memchr2(b'"', b'\\', rest)?)?;
                let is_sound = run.iter().all(|byte| *byte >= 0x20);
                (is_sound && std::str::from_utf8(run).is_ok()).then_some(run.len())?
            }
            _ => return None,
        };
        is_escaped |= rest.first() == Some(&b'\\');
        at += plain_prefix(bytes.get(at..)?);
    }
}

/// The length of the number at the front of `bytes`, which something that is none must follow.
#[inline(always)]
fn number(bytes: &[u8]) -> Option<usize> {
    let sign = usize::from(bytes.first() == Some(&b'-'));
    let whole = bytes.get(sign..)?;
    let length = digits(whole);
    if length == 0 || length > 1 && whole.first() == Some(&b'0') {
        return None;
    }
    let mut end = sign + length;
    if bytes.get(end)? == &b'.' {
        let fraction = digits(bytes.get(end + 1..)?);
        if fraction == 0 {
            return None;
        }
        end += 1 + fraction;
    }
    (!matches!(bytes.get(end)?, b'e' | b'E')).then_some(end)
}
