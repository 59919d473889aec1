//! Backslashes in scripts and style sheets, and percent-encoding.

use super::{DIGITS, Step, put, too_long};
use crate::types::Refusal;

/// The escape of a JavaScript string at the front of `text`.
pub(super) fn script(text: &[u8], is_last: bool, out: &mut Vec<u8>) -> Result<Step, Refusal> {
    let more = |plain: Step| if is_last { plain } else { Step::More };
    let Some(letter) = text.get(1) else {
        return Ok(more(Step::Plain(1)));
    };
    let (length, code) = match letter {
        b'x' => match hex(text, 2, 2) {
            Digits::Number(code) => (4, code),
            Digits::Open => return Ok(more(letter_step(*letter, out, is_last))),
            Digits::None => (2, u32::from(*letter)),
        },
        b'u' if text.get(2) == Some(&b'{') => return braced(text, is_last, out),
        b'u' => match hex(text, 2, 4) {
            Digits::Number(high @ 0xd800..0xdc00) => {
                let low = match (text.get(6), text.get(7)) {
                    (Some(b'\\'), Some(b'u')) => hex(text, 8, 4),
                    (None, _) | (Some(b'\\'), None) => Digits::Open,
                    _ => Digits::None,
                };
                match low {
                    Digits::Number(low @ 0xdc00..0xe000) => {
                        (12, 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
                    }
                    Digits::Open if !is_last => return Ok(Step::More),
                    _ => (6, high),
                }
            }
            Digits::Number(code) => (6, code),
            Digits::Open => return Ok(more(letter_step(*letter, out, is_last))),
            Digits::None => (2, u32::from(*letter)),
        },
        // No escape of JavaScript, but of YAML (1.2.2 section 5.7), TOML and Python.
        b'U' => match hex(text, 2, 8) {
            Digits::Number(code) => (10, code),
            Digits::Open => return Ok(more(letter_step(*letter, out, is_last))),
            Digits::None => (2, u32::from(*letter)),
        },
        b'0'..=b'7' => {
            let most = if *letter <= b'3' { 3 } else { 2 };
            let digits = text.iter().skip(1).take(most);
            let digits = digits.take_while(|byte| (b'0'..=b'7').contains(byte));
            let (count, code) = digits.fold((0, 0), |(count, code), digit| {
                (count + 1, code * 8 + u32::from(digit - b'0'))
            });
            if count < most && text.len() == 1 + count && !is_last {
                return Ok(Step::More);
            }
            (1 + count, code)
        }
        b'\r' if text.len() == 2 && !is_last => return Ok(Step::More),
        b'\r' if text.get(2) == Some(&b'\n') => return Ok(Step::Escape(3)),
        b'\r' | b'\n' => return Ok(Step::Escape(2)),
        b'b' | b'f' | b'v' => (2, 0x20),
        b'n' | b'r' => (2, 0x0a),
        b't' => (2, 0x09),
        0xe2 if text.len() < 4 && !is_last => return Ok(Step::More),
        0xe2 if matches!(text.get(2..4), Some(&[0x80, 0xa8 | 0xa9])) => return Ok(Step::Escape(4)),
        letter if letter.is_ascii() => (2, u32::from(*letter)),
        _ => return Ok(Step::Escape(1)),
    };
    put(code, out);
    Ok(Step::Escape(length))
}

/// An `x` or `u` without its digits at the end of all stands for itself.
fn letter_step(letter: u8, out: &mut Vec<u8>, is_last: bool) -> Step {
    if is_last {
        out.push(letter);
    }
    Step::Escape(2)
}

/// `\u{…}`.
fn braced(text: &[u8], is_last: bool, out: &mut Vec<u8>) -> Result<Step, Refusal> {
    let digits = text.iter().skip(3).take(DIGITS);
    let digits = digits.take_while(|byte| byte.is_ascii_hexdigit()).count();
    match text.get(3 + digits) {
        Some(b'}') if digits > 0 => {
            put(number(text, 3, digits), out);
            Ok(Step::Escape(4 + digits))
        }
        _ if digits == DIGITS => Err(too_long()),
        None if !is_last => Ok(Step::More),
        _ => {
            out.push(b'u');
            Ok(Step::Escape(2))
        }
    }
}

/// The escape of a style sheet at the front of `text`.
pub(super) fn style(text: &[u8], is_last: bool, out: &mut Vec<u8>) -> Step {
    let digits = text.iter().skip(1).take(6);
    let digits = digits.take_while(|byte| byte.is_ascii_hexdigit()).count();
    let end = 1 + digits;
    let next = text.get(end);
    // A line break is one sign, however it is written.
    let length = |end: usize| match next {
        Some(b'\r') if text.get(end + 1) == Some(&b'\n') => end + 2,
        _ => end + 1,
    };
    let is_undecided = next.is_none() || (next == Some(&b'\r') && text.get(end + 1).is_none());
    if is_undecided && !is_last {
        return Step::More;
    }
    let is_space = next.is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c));
    if digits > 0 {
        put(number(text, 1, digits).max(1), out);
        return Step::Escape(if is_space { length(end) } else { end });
    }
    match next {
        None => Step::Plain(1),
        Some(b'\n' | b'\r' | 0x0c) => Step::Escape(length(end)),
        Some(letter) if letter.is_ascii() => {
            out.push(*letter);
            Step::Escape(2)
        }
        Some(_) => Step::Escape(1),
    }
}

/// The percent-encoded byte at the front of `text`.
pub(super) fn percent(text: &[u8], is_last: bool, out: &mut Vec<u8>) -> Step {
    match hex(text, 1, 2) {
        Digits::Number(code) => {
            out.push(u8::try_from(code).unwrap_or_default());
            Step::Escape(3)
        }
        Digits::Open if !is_last => Step::More,
        _ => Step::Plain(1),
    }
}

enum Digits {
    Number(u32),
    /// The text ends before it can be told.
    Open,
    None,
}

fn hex(text: &[u8], from: usize, digits: usize) -> Digits {
    let found = text.iter().skip(from).take(digits);
    let found = found.take_while(|byte| byte.is_ascii_hexdigit()).count();
    if found == digits {
        Digits::Number(number(text, from, digits))
    } else if from + found == text.len() {
        Digits::Open
    } else {
        Digits::None
    }
}

/// Hexadecimal digits as a number; far beyond all characters where they are too many.
fn number(text: &[u8], from: usize, digits: usize) -> u32 {
    let digits = text.get(from..from + digits).unwrap_or_default();
    digits.iter().fold(0_u32, |code, digit| {
        let digit = char::from(*digit).to_digit(16).unwrap_or_default();
        code.saturating_mul(16).saturating_add(digit)
    })
}
