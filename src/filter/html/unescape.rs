//! Text as a browser reads it, and the way back to the bytes it was written with.

use std::borrow::Cow;

/// What escapes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    /// Character references, as in text (WHATWG HTML section 13.2.5.72).
    Text,
    /// The same, as in the value of an attribute.
    Attribute,
    /// Backslashes, as in a JavaScript string.
    Script,
    /// None.
    Raw,
}

/// A decoded text; an escape and what it stands for are one piece.
#[derive(Debug, Default)]
pub(super) struct Unescaped {
    text: Vec<u8>,
    pieces: Vec<Piece>,
}

/// An escape: where it stands in both texts.
#[derive(Clone, Copy, Debug)]
struct Piece {
    decoded: usize,
    decoded_end: usize,
    raw: usize,
    raw_end: usize,
}

impl Unescaped {
    /// Reads `raw`, replacing what was read before.
    pub(super) fn read(&mut self, raw: &[u8], escapes: Escapes) {
        self.text.clear();
        self.pieces.clear();
        let mark = match escapes {
            Escapes::Text | Escapes::Attribute => b'&',
            Escapes::Script => b'\\',
            Escapes::Raw => {
                self.text.extend_from_slice(raw);
                return;
            }
        };
        let mut at = 0;
        while let Some(found) = raw.get(at..).and_then(|rest| memchr::memchr(mark, rest)) {
            let start = at + found;
            self.text
                .extend_from_slice(raw.get(at..start).unwrap_or_default());
            let rest = raw.get(start..).unwrap_or_default();
            let (length, decoded) = match escapes {
                Escapes::Script => script(rest),
                _ => reference(rest, escapes),
            };
            let decoded_start = self.text.len();
            match decoded {
                Some(decoded) => {
                    self.text.extend_from_slice(decoded.as_bytes());
                    self.pieces.push(Piece {
                        decoded: decoded_start,
                        decoded_end: self.text.len(),
                        raw: start,
                        raw_end: start + length,
                    });
                }
                None => self
                    .text
                    .extend_from_slice(rest.get(..length).unwrap_or_default()),
            }
            at = start + length;
        }
        self.text
            .extend_from_slice(raw.get(at..).unwrap_or_default());
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where the decoded byte at `offset` begins in the raw text.
    pub(super) fn raw_start(&self, offset: usize) -> usize {
        match self.before(offset) {
            None => offset,
            Some(piece) if offset < piece.decoded_end => piece.raw,
            Some(piece) => piece.raw_end + (offset - piece.decoded_end),
        }
    }

    /// Where the decoded bytes before `offset` end in the raw text.
    pub(super) fn raw_end(&self, offset: usize) -> usize {
        match offset.checked_sub(1).and_then(|last| self.before(last)) {
            None => offset,
            Some(piece) if offset <= piece.decoded_end => piece.raw_end,
            Some(piece) => piece.raw_end + (offset - piece.decoded_end),
        }
    }

    pub(super) fn held(&self) -> usize {
        self.text.capacity() + self.pieces.capacity() * size_of::<Piece>()
    }

    /// The last escape that begins at or before a decoded offset.
    fn before(&self, offset: usize) -> Option<&Piece> {
        let after = self.pieces.partition_point(|piece| piece.decoded <= offset);
        after.checked_sub(1).and_then(|last| self.pieces.get(last))
    }
}

/// The character reference at the front of `text`: its length, and what it stands for, if it is one.
fn reference(text: &[u8], escapes: Escapes) -> (usize, Option<String>) {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#';
    let name = text.iter().skip(1).take_while(|byte| is_part(byte)).count();
    let mut length = 1 + name;
    let has_end = text.get(length) == Some(&b';');
    length += usize::from(has_end);
    let Some(raw) = text
        .get(..length)
        .and_then(|raw| std::str::from_utf8(raw).ok())
        .filter(|_| name > 0)
    else {
        return (1, None);
    };
    let decoded = if escapes == Escapes::Attribute && !has_end {
        // What follows decides whether a name without its semicolon counts in an attribute.
        if text.get(length) == Some(&b'=') {
            let followed = format!("{raw}=");
            let decoded = htmlize::unescape_attribute(&followed).into_owned();
            Cow::Owned(decoded.strip_suffix('=').unwrap_or(raw).to_owned())
        } else {
            htmlize::unescape_attribute(raw)
        }
    } else {
        htmlize::unescape(raw)
    };
    if decoded == raw {
        (length, None)
    } else {
        (length, Some(decoded.into_owned()))
    }
}

/// The escape of a JavaScript string at the front of `text`.
fn script(text: &[u8]) -> (usize, Option<String>) {
    let hex = |from: usize, digits: usize| {
        let digits = text.get(from..from + digits)?;
        let digits = std::str::from_utf8(digits).ok()?;
        u32::from_str_radix(digits, 16).ok()
    };
    let letter = |code: u32, length: usize| {
        let letter = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        (length, Some(letter.to_string()))
    };
    match text.get(1) {
        Some(b'x') if let Some(code) = hex(2, 2) => letter(code, 4),
        Some(b'u') if let Some(high) = hex(2, 4) => {
            let low = match text.get(6..8) {
                Some(b"\\u") => hex(8, 4),
                _ => None,
            };
            match low {
                Some(low @ 0xdc00..=0xdfff) if (0xd800..0xdc00).contains(&high) => {
                    letter(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00), 12)
                }
                _ => letter(high, 6),
            }
        }
        Some(b'u') if text.get(2) == Some(&b'{') => {
            let digits = text
                .iter()
                .skip(3)
                .take(8)
                .take_while(|byte| byte.is_ascii_hexdigit())
                .count();
            match hex(3, digits) {
                Some(code) if text.get(3 + digits) == Some(&b'}') => letter(code, 4 + digits),
                _ => (2, None),
            }
        }
        Some(b'0'..=b'7') => {
            let digits = text
                .iter()
                .skip(1)
                .take(3)
                .take_while(|byte| (b'0'..=b'7').contains(byte))
                .count();
            let octal = text.get(1..1 + digits).unwrap_or_default();
            let code = octal
                .iter()
                .fold(0, |code, digit| code * 8 + u32::from(digit - b'0'));
            letter(code, 1 + digits)
        }
        Some(b'b' | b'f' | b'v') => letter(0x20, 2),
        Some(b'n' | b'r') => letter(0x0a, 2),
        Some(b't') => letter(0x09, 2),
        Some(byte) if byte.is_ascii() => letter(u32::from(*byte), 2),
        Some(_) | None => (1, None),
    }
}

#[cfg(test)]
mod tests {
    use super::{Escapes, Unescaped};

    fn read(raw: &str, escapes: Escapes) -> Unescaped {
        let mut unescaped = Unescaped::default();
        unescaped.read(raw.as_bytes(), escapes);
        unescaped
    }

    #[test]
    fn reads_references_as_browsers_do() {
        for (raw, text, attribute) in [
            ("a&amp;b", "a&b", "a&b"),
            ("a&#64;b&#x40;c&#X40", "a@b@c@", "a@b@c@"),
            ("a&commat;b", "a@b", "a@b"),
            ("a&ampb", "a&b", "a&ampb"),
            ("?a&copy=1", "?a\u{a9}=1", "?a&copy=1"),
            ("a&copy", "a\u{a9}", "a\u{a9}"),
            (
                "a&b & c &; &#; &#x;",
                "a&b & c &; &#; &#x;",
                "a&b & c &; &#; &#x;",
            ),
            ("&#128;", "\u{20ac}", "\u{20ac}"),
        ] {
            assert_eq!(read(raw, Escapes::Text).text(), text.as_bytes(), "{raw}");
            let read = read(raw, Escapes::Attribute);
            assert_eq!(read.text(), attribute.as_bytes(), "{raw}");
        }
    }

    #[test]
    fn reads_the_escapes_of_scripts() {
        for (raw, text) in [
            (r"a\x40b\u0040c\u{40}d\100e", "a@b@c@d@e"),
            (r"\ud83d\ude00 \ud83d", "\u{1f600} \u{fffd}"),
            (r#"\"\/\\\n\u{zz}"#, "\"/\\\n\\u{zz}"),
            ("\\", "\\"),
        ] {
            assert_eq!(read(raw, Escapes::Script).text(), text.as_bytes(), "{raw}");
        }
    }

    #[test]
    fn finds_the_way_back() {
        let read = read("x &#64; y&amp;z", Escapes::Text);
        assert_eq!(read.text(), b"x @ y&z");
        let raw: Vec<(usize, usize)> = (0..7)
            .map(|at| (read.raw_start(at), read.raw_end(at + 1)))
            .collect();
        let expected = [(0, 1), (1, 2), (2, 7), (7, 8), (8, 9), (9, 14), (14, 15)];
        assert_eq!(raw, expected);
    }
}
