//! The long way through strings, numbers and words: byte by byte, with all that has to be known where a piece ends.

use super::{Event, EventKind, Inside, Lexer};
use crate::json::ascii::plain_prefix;
use crate::json::error::{LexError, LexErrorKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text {
    is_key: bool,
    is_escaped: bool,
    part: Part,
}

/// Where inside a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Plain,
    Escape,
    Hex(u8),
    /// Continuation bytes to come, and the range of the next one.
    Utf8(u8, u8, u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Minus,
    Zero,
    Whole,
    Point,
    Fraction,
    Exponent,
    Sign,
    Power,
}

impl Number {
    pub(super) fn is_whole(self) -> bool {
        matches!(
            self,
            Self::Zero | Self::Whole | Self::Fraction | Self::Power
        )
    }

    fn after(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Minus, b'0') => Self::Zero,
            (Self::Minus, b'1'..=b'9') | (Self::Whole, b'0'..=b'9') => Self::Whole,
            (Self::Zero | Self::Whole, b'.') => Self::Point,
            (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Zero | Self::Whole | Self::Fraction, b'e' | b'E') => Self::Exponent,
            (Self::Exponent, b'+' | b'-') => Self::Sign,
            (Self::Exponent | Self::Sign | Self::Power, b'0'..=b'9') => Self::Power,
            _ => return None,
        })
    }
}

impl Text {
    pub(super) fn new(is_key: bool) -> Self {
        Self {
            is_key,
            is_escaped: false,
            part: Part::Plain,
        }
    }
}

impl Lexer {
    pub(super) fn text(
        &mut self,
        input: &mut &[u8],
        mut text: Text,
    ) -> Result<Option<Event>, LexError> {
        loop {
            if text.part == Part::Plain {
                let plain = plain_prefix(input);
                let (_, rest) = input.split_at_checked(plain).unwrap_or_default();
                self.take(input, rest);
            }
            self.check_length(1)?;
            let Some((&byte, rest)) = input.split_first() else {
                self.inside = Inside::Text(text);
                return Ok(None);
            };
            match text.part {
                Part::Plain if byte == b'"' => {
                    self.take(input, rest);
                    let is_escaped = text.is_escaped;
                    return Ok(Some(self.end(if text.is_key {
                        EventKind::Key { is_escaped }
                    } else {
                        EventKind::String { is_escaped }
                    })));
                }
                part => text.part = self.part(part, byte)?,
            }
            text.is_escaped |= text.part == Part::Escape;
            self.take(input, rest);
        }
    }

    /// The part of a string after `byte`, which is not its closing quote.
    fn part(&self, part: Part, byte: u8) -> Result<Part, LexError> {
        match (part, byte) {
            (Part::Plain, b'\\') => Ok(Part::Escape),
            (Part::Plain, 0..=0x1F) => {
                Err(self.error(LexErrorKind::Expected("no control character in a string")))
            }
            (Part::Plain, 0xC2..=0xDF) => Ok(Part::Utf8(1, 0x80, 0xBF)),
            (Part::Plain, 0xE0) => Ok(Part::Utf8(2, 0xA0, 0xBF)),
            (Part::Plain, 0xE1..=0xEC | 0xEE..=0xEF) => Ok(Part::Utf8(2, 0x80, 0xBF)),
            (Part::Plain, 0xED) => Ok(Part::Utf8(2, 0x80, 0x9F)),
            (Part::Plain, 0xF0) => Ok(Part::Utf8(3, 0x90, 0xBF)),
            (Part::Plain, 0xF1..=0xF3) => Ok(Part::Utf8(3, 0x80, 0xBF)),
            (Part::Plain, 0xF4) => Ok(Part::Utf8(3, 0x80, 0x8F)),
            (Part::Utf8(1, low, high), _) if (low..=high).contains(&byte) => Ok(Part::Plain),
            (Part::Utf8(more, low, high), _) if (low..=high).contains(&byte) => {
                Ok(Part::Utf8(more - 1, 0x80, 0xBF))
            }
            (Part::Plain | Part::Utf8(..), _) => Err(self.error(LexErrorKind::Utf8)),
            (Part::Escape, b'u') => Ok(Part::Hex(4)),
            (Part::Escape, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                Ok(Part::Plain)
            }
            (Part::Hex(1), _) if byte.is_ascii_hexdigit() => Ok(Part::Plain),
            (Part::Hex(more), _) if byte.is_ascii_hexdigit() => Ok(Part::Hex(more - 1)),
            (Part::Escape, _) => Err(self.error(LexErrorKind::Expected("an escape"))),
            (Part::Hex(_), _) => Err(self.error(LexErrorKind::Expected("a hexadecimal digit"))),
        }
    }

    pub(super) fn number(
        &mut self,
        input: &mut &[u8],
        mut number: Number,
    ) -> Result<Option<Event>, LexError> {
        loop {
            self.check_length(0)?;
            let Some((&byte, rest)) = input.split_first() else {
                self.inside = Inside::Number(number);
                return Ok(None);
            };
            match number.after(byte) {
                Some(next) => number = next,
                None if number.is_whole() => return Ok(Some(self.end(EventKind::Number))),
                None => return Err(self.error(LexErrorKind::Expected("a digit"))),
            }
            self.take(input, rest);
        }
    }

    pub(super) fn literal(
        &mut self,
        input: &mut &[u8],
        mut wanted: &'static [u8],
        kind: EventKind,
    ) -> Result<Option<Event>, LexError> {
        while let Some((letter, later)) = wanted.split_first() {
            let Some((byte, rest)) = input.split_first() else {
                self.inside = Inside::Literal(wanted, kind);
                return Ok(None);
            };
            if byte != letter {
                return Err(self.error(LexErrorKind::Expected("`true`, `false` or `null`")));
            }
            wanted = later;
            self.take(input, rest);
        }
        Ok(Some(self.end(kind)))
    }
}
