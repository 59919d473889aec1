//! The push lexer: strict RFC 8259 over bytes that come in any pieces.
//!
//! It holds no bytes: an event is the span of a token, and whoever needs the bytes keeps them from
//! [`Lexer::token_start`] on. One leading byte order mark passes. Everything between two events is
//! whitespace (and the order mark).

mod inside;
mod quick;

use self::inside::{Number, Text};
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
        if self.inside == Inside::Nothing
            && let Some(event) = self.quick::<true>(input)
        {
            return Ok(Some(event));
        }
        self.step(input)
    }

    /// The same without commas and colons: they are read and not told.
    ///
    /// # Errors
    /// As [`Lexer::next`].
    #[inline]
    pub fn next_item(&mut self, input: &mut &[u8]) -> Result<Option<Event>, LexError> {
        loop {
            if self.inside == Inside::Nothing
                && let Some(event) = self.quick::<false>(input)
            {
                return Ok(Some(event));
            }
            let event = self.step(input)?;
            let is_mark = |event: &Event| matches!(event.kind, EventKind::Comma | EventKind::Colon);
            if !event.as_ref().is_some_and(is_mark) {
                return Ok(event);
            }
        }
    }

    /// The long way, which knows what goes on from the last piece and what is wrong.
    #[inline(never)]
    fn step(&mut self, input: &mut &[u8]) -> Result<Option<Event>, LexError> {
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
                self.expect = self.after_comma();
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
        self.expect = self.after_value();
    }

    #[inline]
    fn after_value(&self) -> Expect {
        if self.open.is_empty() {
            Expect::Nothing
        } else {
            Expect::CommaOrEnd
        }
    }

    #[inline]
    fn after_comma(&self) -> Expect {
        if self.open.last() == Some(&true) {
            Expect::Key
        } else {
            Expect::Value
        }
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
}

#[cfg(test)]
mod tests;
