//! Decodes strings, remembers which decoded byte came from where, and compares without decoding.

/// The content of a string or key as it stands between its quotes; the lexer has accepted it.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// The bytes as they came.
    pub raw: &'a [u8],
    /// They hold a backslash.
    pub is_escaped: bool,
}

impl<'a> Text<'a> {
    /// A text without escapes.
    #[must_use]
    pub fn plain(raw: &'a [u8]) -> Self {
        Self {
            raw,
            is_escaped: false,
        }
    }

    /// Equal to `other` once decoded, octet for octet.
    #[must_use]
    pub fn is(self, other: &[u8]) -> bool {
        if !self.is_escaped {
            return self.raw == other;
        }
        let mut rest = other;
        let mut buffer = [0; 4];
        for piece in Pieces(self.raw) {
            let expected = piece.bytes(&mut buffer);
            match rest.strip_prefix(expected) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        rest.is_empty()
    }

    /// The decoded bytes, appended to `out`.
    pub fn decode_into(self, out: &mut Vec<u8>) {
        if !self.is_escaped {
            out.extend_from_slice(self.raw);
            return;
        }
        let mut buffer = [0; 4];
        for piece in Pieces(self.raw) {
            out.extend_from_slice(piece.bytes(&mut buffer));
        }
    }

    /// Characters (Unicode scalar values) once decoded.
    #[must_use]
    pub fn characters(self) -> usize {
        let starts = |bytes: &[u8]| bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        if !self.is_escaped {
            return starts(self.raw);
        }
        Pieces(self.raw)
            .map(|piece| match piece {
                Piece::Plain(bytes) => starts(bytes),
                Piece::Escape(..) => 1,
            })
            .sum()
    }
}

/// A decoded string and the way back to its raw bytes. Reusable.
#[derive(Debug, Default)]
pub struct Decoded {
    text: Vec<u8>,
    escapes: Vec<Escape>,
}

/// Where one escape stands, in both countings.
#[derive(Clone, Copy, Debug)]
struct Escape {
    decoded: usize,
    decoded_length: usize,
    raw: usize,
    raw_length: usize,
}

impl Decoded {
    /// Decodes `raw`, forgetting what was decoded before. Half surrogate pairs read as U+FFFD.
    pub fn read(&mut self, raw: &[u8]) {
        self.text.clear();
        self.escapes.clear();
        let mut at = 0;
        for piece in Pieces(raw) {
            match piece {
                Piece::Plain(bytes) => {
                    self.text.extend_from_slice(bytes);
                    at += bytes.len();
                }
                Piece::Escape(letter, raw_length) => {
                    self.escapes.push(Escape {
                        decoded: self.text.len(),
                        decoded_length: letter.len_utf8(),
                        raw: at,
                        raw_length,
                    });
                    let mut buffer = [0; 4];
                    self.text
                        .extend_from_slice(letter.encode_utf8(&mut buffer).as_bytes());
                    at += raw_length;
                }
            }
        }
    }

    /// The decoded bytes.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The raw offset at which the decoded byte at `offset` begins; an escape counts as one.
    #[must_use]
    pub fn raw_start(&self, offset: usize) -> usize {
        let after = self
            .escapes
            .partition_point(|escape| escape.decoded <= offset);
        match after.checked_sub(1).and_then(|last| self.escapes.get(last)) {
            None => offset,
            Some(escape) if offset < escape.decoded + escape.decoded_length => escape.raw,
            Some(escape) => {
                escape.raw + escape.raw_length + (offset - escape.decoded - escape.decoded_length)
            }
        }
    }

    /// The raw offset at which a decoded range ends that ends at `offset`.
    #[must_use]
    pub fn raw_end(&self, offset: usize) -> usize {
        let Some(last) = offset.checked_sub(1) else {
            return 0;
        };
        let after = self
            .escapes
            .partition_point(|escape| escape.decoded <= last);
        match after
            .checked_sub(1)
            .and_then(|index| self.escapes.get(index))
        {
            None => offset,
            Some(escape) if last < escape.decoded + escape.decoded_length => {
                escape.raw + escape.raw_length
            }
            Some(escape) => {
                escape.raw + escape.raw_length + (offset - escape.decoded - escape.decoded_length)
            }
        }
    }
}

/// Appends `text` as it has to stand inside a JSON string.
pub fn escape_into(text: &str, out: &mut Vec<u8>) {
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend([b'\\', letter as u8]),
            control if u32::from(control) < 0x20 => {
                out.extend(format!("\\u{:04x}", u32::from(control)).bytes());
            }
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// The runs and escapes of an accepted string.
struct Pieces<'a>(&'a [u8]);

enum Piece<'a> {
    Plain(&'a [u8]),
    /// A decoded escape (or pair of them) and its raw length.
    Escape(char, usize),
}

impl Piece<'_> {
    fn bytes<'b>(&'b self, buffer: &'b mut [u8; 4]) -> &'b [u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Escape(letter, _) => letter.encode_utf8(buffer).as_bytes(),
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let plain = memchr::memchr(b'\\', self.0).unwrap_or(self.0.len());
        let piece = if plain == 0 {
            let (letter, length) = unescape(self.0);
            Piece::Escape(letter, length)
        } else {
            Piece::Plain(self.0.get(..plain).unwrap_or_default())
        };
        let length = match &piece {
            Piece::Plain(bytes) => bytes.len(),
            Piece::Escape(_, length) => *length,
        };
        self.0 = self.0.get(length..).unwrap_or_default();
        Some(piece)
    }
}

/// The escape at the front of `raw` and its length.
fn unescape(raw: &[u8]) -> (char, usize) {
    let letter = match raw.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unescape_unit(raw),
        Some(other) => char::from(*other),
        None => return (char::REPLACEMENT_CHARACTER, 1),
    };
    (letter, 2)
}

fn unescape_unit(raw: &[u8]) -> (char, usize) {
    let first = unit(raw);
    if (0xD800..0xDC00).contains(&first)
        && let Some(after) = raw.get(6..)
        && after.starts_with(b"\\u")
        && let low @ 0xDC00..=0xDFFF = unit(after)
    {
        let point = 0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00);
        return (
            char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER),
            12,
        );
    }
    (
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
        raw.len().min(6),
    )
}

/// The code unit of `\uXXXX` at the front of `raw`.
fn unit(raw: &[u8]) -> u32 {
    let digits = raw.iter().skip(2).take(4);
    digits.fold(0, |unit, digit| {
        unit << 4 | char::from(*digit).to_digit(16).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::{Decoded, Text, escape_into};

    #[test]
    fn decodes_and_finds_the_way_back() {
        let raw = br#"a\u00e9b\ud83d\ude00\n\ud800c"#;
        let mut decoded = Decoded::default();
        decoded.read(raw);
        assert_eq!(decoded.text(), "aéb😀\n\u{fffd}c".as_bytes());
        // é is the decoded bytes 1..3 and the raw bytes 1..7.
        assert_eq!((decoded.raw_start(1), decoded.raw_end(3)), (1, 7));
        assert_eq!((decoded.raw_start(2), decoded.raw_end(2)), (1, 7));
        assert_eq!((decoded.raw_start(3), decoded.raw_end(4)), (7, 8));
        assert_eq!((decoded.raw_start(4), decoded.raw_end(8)), (8, 20));
        assert_eq!((decoded.raw_start(8), decoded.raw_end(9)), (20, 22));
        let end = decoded.text().len();
        assert_eq!((decoded.raw_start(end - 1), decoded.raw_end(end)), (28, 29));
        let serde: String = serde_json::from_str(r#""a\u00e9b\ud83d\ude00\n""#).unwrap();
        let text = Text {
            raw: &raw[..22],
            is_escaped: true,
        };
        assert!(text.is(serde.as_bytes()));
        assert!(!text.is("aéb😀".as_bytes()));
        assert_eq!(text.characters(), 5);
    }

    #[test]
    fn escapes_what_a_string_can_not_hold() {
        let mut out = Vec::new();
        escape_into("a\"\\\n\u{1}é", &mut out);
        assert_eq!(out, "a\\\"\\\\\\u000a\\u0001é".as_bytes());
    }
}
