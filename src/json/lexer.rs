//! The push lexer: strict RFC 8259 over bytes that come in any pieces.
//!
//! It holds no bytes: an event is the span of a token, and whoever needs the bytes keeps them from
//! [`Lexer::token_start`] on. One leading byte order mark passes. Everything between two events is
//! whitespace (and the order mark).

use super::ascii::plain_prefix;
use super::error::{LexError, LexErrorKind};

/// A whole token, by its absolute offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it is.
    pub kind: EventKind,
    /// Its first byte; strings and keys begin at their quote.
    pub start: u64,
    /// One past its last byte.
    pub end: u64,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// `{`
    BeginObject,
    /// `}`
    EndObject,
    /// `[`
    BeginArray,
    /// `]`
    EndArray,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// A member's name.
    Key {
        /// It holds a backslash.
        is_escaped: bool,
    },
    /// A string value.
    String {
        /// It holds a backslash.
        is_escaped: bool,
    },
    /// A number.
    Number,
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// Where the lexer stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexerLimits {
    /// Containers inside each other.
    pub depth: usize,
    /// Bytes of one string (between its quotes, as they stand) or number.
    pub string: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Mark(u8),
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    Nothing,
}

/// Inside which token the last piece ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Nothing,
    Text(Text),
    Number(Number),
    Literal(&'static [u8], EventKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Text {
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
enum Number {
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
    fn is_whole(self) -> bool {
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

/// The state between two pieces of one document.
#[derive(Clone, Debug)]
pub struct Lexer {
    limits: LexerLimits,
    offset: u64,
    token_start: u64,
    expect: Expect,
    inside: Inside,
    /// The open containers, outermost first; true for objects.
    open: Vec<bool>,
}

impl Lexer {
    /// A lexer before the first byte of a document.
    #[must_use]
    pub fn new(limits: LexerLimits) -> Self {
        Self {
            limits,
            offset: 0,
            token_start: 0,
            expect: Expect::Mark(0),
            inside: Inside::Nothing,
            open: Vec::new(),
        }
    }

    /// Starts again before the first byte of another document, in which no order mark may stand.
    pub fn restart(&mut self) {
        self.offset = 0;
        self.expect = Expect::Value;
        self.inside = Inside::Nothing;
        self.open.clear();
    }

    /// Bytes read so far.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Where the token that is being read begins; none between tokens.
    #[must_use]
    pub fn token_start(&self) -> Option<u64> {
        (self.inside != Inside::Nothing).then_some(self.token_start)
    }

    /// Where the last token that was begun begins, or the byte that can begin none.
    #[must_use]
    pub fn last_token(&self) -> u64 {
        self.token_start
    }

    /// Containers open right now.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    /// The root value is complete (a root number only ends with the document).
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.expect == Expect::Nothing && self.inside == Inside::Nothing
    }

    /// Reads from the front of `input` up to the end of the next token; none when `input` ended first.
    ///
    /// # Errors
    /// Where the bytes are not JSON or cross a limit. The lexer is of no use afterwards.
    #[inline]
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Event>, LexError> {
        match self.inside {
            Inside::Nothing => {}
            Inside::Text(text) => return self.text(input, text),
            Inside::Number(number) => return self.number(input, number),
            Inside::Literal(rest, kind) => return self.literal(input, rest, kind),
        }
        loop {
            let Some((&byte, rest)) = input.split_first() else {
                return Ok(None);
            };
            if let Expect::Mark(seen) = self.expect {
                self.mark(byte, seen)?;
                if self.expect == Expect::Value {
                    continue;
                }
            } else if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                break;
            }
            self.offset += 1;
            *input = rest;
        }
        self.token(input)
    }

    /// Ends the document; a root number ends here, too.
    ///
    /// # Errors
    /// Where the document breaks off.
    pub fn finish(&mut self) -> Result<Option<Event>, LexError> {
        let last = match self.inside {
            Inside::Number(number) if number.is_whole() => Some(self.end(EventKind::Number)),
            _ => None,
        };
        if self.is_done() {
            Ok(last)
        } else {
            Err(self.error(LexErrorKind::Truncated))
        }
    }

    fn mark(&mut self, byte: u8, seen: u8) -> Result<(), LexError> {
        self.expect = match (seen, byte) {
            (0, 0xEF) => Expect::Mark(1),
            (1, 0xBB) => Expect::Mark(2),
            (2, 0xBF) => Expect::Mark(3),
            (0 | 3, _) => Expect::Value,
            _ => return Err(self.error(LexErrorKind::Utf8)),
        };
        Ok(())
    }

    /// Reads a token from its first byte.
    #[inline]
    fn token(&mut self, input: &mut &[u8]) -> Result<Option<Event>, LexError> {
        let Some((&byte, rest)) = input.split_first() else {
            return Ok(None);
        };
        self.token_start = self.offset;
        let kind = match (self.expect, byte) {
            (Expect::Key | Expect::KeyOrEnd, b'"') => {
                self.take(input, rest);
                return self.text(input, Text::new(true));
            }
            (Expect::Value | Expect::ValueOrEnd, b'"') => {
                self.take(input, rest);
                return self.text(input, Text::new(false));
            }
            (Expect::Value | Expect::ValueOrEnd, b'{') => {
                self.begin(true, Expect::KeyOrEnd)?;
                EventKind::BeginObject
            }
            (Expect::Value | Expect::ValueOrEnd, b'[') => {
                self.begin(false, Expect::ValueOrEnd)?;
                EventKind::BeginArray
            }
            (Expect::Value | Expect::ValueOrEnd, b'-' | b'0'..=b'9') => {
                self.take(input, rest);
                let number = match byte {
                    b'-' => Number::Minus,
                    b'0' => Number::Zero,
                    _ => Number::Whole,
                };
                return self.number(input, number);
            }
            (Expect::Value | Expect::ValueOrEnd, b't') => {
                self.take(input, rest);
                return self.literal(input, b"rue", EventKind::Bool(true));
            }
            (Expect::Value | Expect::ValueOrEnd, b'f') => {
                self.take(input, rest);
                return self.literal(input, b"alse", EventKind::Bool(false));
            }
            (Expect::Value | Expect::ValueOrEnd, b'n') => {
                self.take(input, rest);
                return self.literal(input, b"ull", EventKind::Null);
            }
            (Expect::Colon, b':') => {
                self.expect = Expect::Value;
                EventKind::Colon
            }
            (Expect::CommaOrEnd, b',') => {
                let is_object = self.open.last() == Some(&true);
                self.expect = if is_object {
                    Expect::Key
                } else {
                    Expect::Value
                };
                EventKind::Comma
            }
            (Expect::CommaOrEnd | Expect::KeyOrEnd, b'}') if self.open.last() == Some(&true) => {
                self.close();
                EventKind::EndObject
            }
            (Expect::CommaOrEnd | Expect::ValueOrEnd, b']') if self.open.last() == Some(&false) => {
                self.close();
                EventKind::EndArray
            }
            (expect, _) => return Err(self.error(LexErrorKind::Expected(self.wanted(expect)))),
        };
        self.take(input, rest);
        Ok(Some(Event {
            kind,
            start: self.token_start,
            end: self.offset,
        }))
    }

    fn wanted(&self, expect: Expect) -> &'static str {
        match expect {
            Expect::Mark(_) | Expect::Value => "a value",
            Expect::ValueOrEnd => "a value or `]`",
            Expect::Key => "a quoted name",
            Expect::KeyOrEnd => "a quoted name or `}`",
            Expect::Colon => "`:`",
            Expect::CommaOrEnd if self.open.last() == Some(&true) => "`,` or `}`",
            Expect::CommaOrEnd => "`,` or `]`",
            Expect::Nothing => "the end of the document",
        }
    }

    #[inline]
    fn take<'a>(&mut self, input: &mut &'a [u8], rest: &'a [u8]) {
        self.offset += (input.len() - rest.len()) as u64;
        *input = rest;
    }

    fn begin(&mut self, is_object: bool, expect: Expect) -> Result<(), LexError> {
        if self.open.len() >= self.limits.depth {
            return Err(self.error(LexErrorKind::TooDeep));
        }
        self.open.push(is_object);
        self.expect = expect;
        Ok(())
    }

    fn close(&mut self) {
        self.open.pop();
        self.value_ended();
    }

    #[inline]
    fn value_ended(&mut self) {
        self.expect = if self.open.is_empty() {
            Expect::Nothing
        } else {
            Expect::CommaOrEnd
        };
    }

    /// Ends the token at the present offset.
    #[inline]
    fn end(&mut self, kind: EventKind) -> Event {
        self.inside = Inside::Nothing;
        if matches!(kind, EventKind::Key { .. }) {
            self.expect = Expect::Colon;
        } else {
            self.value_ended();
        }
        Event {
            kind,
            start: self.token_start,
            end: self.offset,
        }
    }

    fn error(&self, kind: LexErrorKind) -> LexError {
        LexError {
            offset: self.offset,
            kind,
        }
    }

    /// INVARIANT: judged at a byte's place before the byte itself, so that where pieces end changes nothing.
    #[inline]
    fn check_length(&self, quotes: u64) -> Result<(), LexError> {
        let length = self.offset - self.token_start - quotes;
        if length > self.limits.string as u64 {
            return Err(LexError {
                offset: self.token_start + quotes + self.limits.string as u64,
                kind: LexErrorKind::TooLong,
            });
        }
        Ok(())
    }

    #[inline]
    fn text(&mut self, input: &mut &[u8], mut text: Text) -> Result<Option<Event>, LexError> {
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

    #[inline]
    fn number(&mut self, input: &mut &[u8], mut number: Number) -> Result<Option<Event>, LexError> {
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

    fn literal(
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

impl Text {
    fn new(is_key: bool) -> Self {
        Self {
            is_key,
            is_escaped: false,
            part: Part::Plain,
        }
    }
}

#[cfg(test)]
mod tests;
