//! The cursor over a selector's text: blanks, names, integers, numbers and string literals.

use super::error::{SelectorError, SelectorErrorKind};

/// The largest integer that RFC 9535 lets an index or a slice bound have (I-JSON).
const MAX_INTEGER: i64 = 9_007_199_254_740_991;

/// A nesting of parentheses, filters and calls beyond this is refused.
const MAX_NESTING: usize = 64;

#[derive(Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    nesting: usize,
    unsupported: Option<SelectorError>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            nesting: 0,
            unsupported: None,
        }
    }

    pub(super) fn offset(&self) -> usize {
        self.at
    }

    pub(super) fn invalid(&self, reason: &'static str) -> SelectorError {
        Self::invalid_at(self.at, reason)
    }

    pub(super) fn invalid_at(offset: usize, reason: &'static str) -> SelectorError {
        SelectorError {
            kind: SelectorErrorKind::Invalid,
            offset,
            reason,
        }
    }

    /// Notes what can't stream; reading goes on, so that a later syntax error is still the answer.
    pub(super) fn unsupported(&mut self, offset: usize, reason: &'static str) {
        self.unsupported.get_or_insert(SelectorError {
            kind: SelectorErrorKind::Unsupported,
            offset,
            reason,
        });
    }

    pub(super) fn into_unsupported(self) -> Option<SelectorError> {
        self.unsupported
    }

    pub(super) fn enter(&mut self) -> Result<(), SelectorError> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(SelectorError {
                kind: SelectorErrorKind::Unsupported,
                offset: self.at,
                reason: "the expression nests deeper than 64 levels",
            });
        }
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.nesting -= 1;
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    pub(super) fn eat(&mut self, token: &str) -> bool {
        let is_there = self.rest().starts_with(token);
        if is_there {
            self.at += token.len();
        }
        is_there
    }

    pub(super) fn blanks(&mut self) {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.at += rest.len() - trimmed.len();
    }

    /// Takes what follows back to `offset`, an earlier place of this reader.
    pub(super) fn rewind(&mut self, offset: usize) {
        self.at = offset;
    }

    /// A member name in shorthand (`.name`).
    pub(super) fn shorthand(&mut self) -> Result<Box<str>, SelectorError> {
        let is_first =
            |letter: char| letter.is_ascii_alphabetic() || letter == '_' || !letter.is_ascii();
        let rest = self.rest();
        if !rest.starts_with(is_first) {
            return Err(self.invalid("expected a member name or `*`"));
        }
        let end = rest
            .find(|letter: char| !is_first(letter) && !letter.is_ascii_digit())
            .unwrap_or(rest.len());
        self.at += end;
        Ok(rest.get(..end).unwrap_or_default().into())
    }

    /// An index or slice bound; none where no integer stands here.
    pub(super) fn integer(&mut self) -> Result<Option<i64>, SelectorError> {
        let start = self.at;
        let is_negative = self.eat("-");
        let digits = self.digits();
        match digits {
            "" if !is_negative => return Ok(None),
            "" => return Err(self.invalid("expected a digit")),
            "0" if is_negative => return Err(Self::invalid_at(start, "-0 is not an index")),
            "0" => {}
            other if other.starts_with('0') => {
                return Err(Self::invalid_at(start, "an index has no leading zeros"));
            }
            _ => {}
        }
        match digits.parse::<i64>() {
            Ok(value) if value <= MAX_INTEGER => Ok(Some(if is_negative { -value } else { value })),
            _ => Err(Self::invalid_at(start, "an index is at most 2^53 - 1")),
        }
    }

    /// A number literal of a comparison; the cursor stands on a digit or a minus.
    pub(super) fn number(&mut self) -> Result<f64, SelectorError> {
        let start = self.at;
        self.eat("-");
        let whole = self.digits();
        if whole.is_empty() {
            return Err(self.invalid("expected a digit"));
        }
        if whole.len() > 1 && whole.starts_with('0') {
            return Err(Self::invalid_at(start, "a number has no leading zeros"));
        }
        if self.eat(".") && self.digits().is_empty() {
            return Err(self.invalid("expected a digit after the point"));
        }
        if self.eat("e") || self.eat("E") {
            if !self.eat("+") {
                self.eat("-");
            }
            if self.digits().is_empty() {
                return Err(self.invalid("expected a digit in the exponent"));
            }
        }
        self.text
            .get(start..self.at)
            .and_then(|literal| literal.parse().ok())
            .ok_or_else(|| Self::invalid_at(start, "not a number"))
    }

    fn digits(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// A string literal; the cursor stands on its opening quote.
    pub(super) fn string(&mut self) -> Result<Box<str>, SelectorError> {
        let mut out = String::new();
        let Some(quote @ ('\'' | '"')) = self.next() else {
            return Err(self.invalid("expected a string"));
        };
        loop {
            let start = self.at;
            match self.next() {
                None => return Err(self.invalid("the string does not end")),
                Some(letter) if letter == quote => return Ok(out.into()),
                Some('\\') => out.push(self.escape(start, quote)?),
                Some(letter) if u32::from(letter) < 0x20 => {
                    return Err(Self::invalid_at(
                        start,
                        "a control character in a string must be escaped",
                    ));
                }
                Some(letter) => out.push(letter),
            }
        }
    }

    fn escape(&mut self, start: usize, quote: char) -> Result<char, SelectorError> {
        Ok(match self.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(letter @ ('/' | '\\')) => letter,
            Some(letter) if letter == quote => letter,
            Some('u') => return self.code_point(start),
            _ => return Err(Self::invalid_at(start, "unknown escape")),
        })
    }

    fn code_point(&mut self, start: usize) -> Result<char, SelectorError> {
        let lone = Self::invalid_at(start, "half of a surrogate pair");
        let unit = self.unit(start)?;
        let point = match unit {
            0xD800..=0xDBFF => {
                if !self.eat("\\u") {
                    return Err(lone);
                }
                let low = self.unit(start)?;
                if !(0xDC00..=0xDFFF).contains(&low) {
                    return Err(lone);
                }
                0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
            }
            other => other,
        };
        char::from_u32(point).ok_or(lone)
    }

    fn unit(&mut self, start: usize) -> Result<u32, SelectorError> {
        let digits = self
            .rest()
            .get(..4)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| Self::invalid_at(start, "\\u needs four hexadecimal digits"))?;
        self.at += 4;
        Ok(digits)
    }
}
