//! What the first bytes of a text say it is, to readers that pass over what may stand before a document.

/// What a text has begun as so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Opening {
    /// White space, a byte order mark, a record separator, what keeps scripts from being run (`)]}',`).
    #[default]
    Blank,
    /// `/`, and what it may begin.
    Slash,
    /// A comment, and whether its last byte may end it.
    Comment(bool),
    /// The rest of a line that says nothing (a field of an event, a comment).
    Line,
    /// A word: a field of an event, a loop or a call before a document.
    Word(Word),
    /// Inside the brackets of a loop that keeps a script from being run (`for(;;);`).
    Loop,
    /// `f(`.
    Call,
    /// `f([`.
    CallBracket,
    /// `"`: a document in a string.
    Quote,
    /// `[`: log lines begin like that, too.
    Bracket,
    /// A number or a word of JSON behind it.
    Scalar,
    /// `[1]`.
    Scalars,
    /// `{`: style sheets and templates hold it, too.
    Brace,
    /// A bare name behind it.
    Key,
    /// An object, or an array of anything that could be a record.
    Json,
    /// `<`.
    Page,
    /// Anything else.
    Other,
}

/// The first letters of a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    letters: [u8; 8],
    length: usize,
}

impl Word {
    fn with(mut self, letter: u8) -> Self {
        if let Some(slot) = self.letters.get_mut(self.length) {
            *slot = letter;
        }
        self.length = self.length.saturating_add(1);
        self
    }

    fn text(&self) -> &[u8] {
        self.letters.get(..self.length).unwrap_or_default()
    }
}

impl Opening {
    /// What it is with one byte more.
    pub(super) fn read(self, byte: u8) -> Self {
        let is_space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
        let is_word = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.');
        match (self, byte) {
            (Self::Json | Self::Page | Self::Other, _) => self,
            (Self::Blank, _) => self.begin(byte, is_space),
            (Self::Slash, b'*') => Self::Comment(false),
            (Self::Slash, b'/') => Self::Line,
            (Self::Comment(true), b'/') => Self::Blank,
            (Self::Comment(_), _) => Self::Comment(byte == b'*'),
            (Self::Line, b'\n' | b'\r') => Self::Blank,
            (Self::Line, _) => Self::Line,
            (Self::Word(word), b':') => match word.text() {
                b"data" => Self::Blank,
                b"event" | b"id" | b"retry" => Self::Line,
                _ => Self::Other,
            },
            (Self::Word(word), b'(') => match word.text() {
                b"for" | b"while" => Self::Loop,
                b"if" | b"switch" | b"function" => Self::Other,
                _ => Self::Call,
            },
            (Self::Word(word), _) if is_word => Self::Word(word.with(byte)),
            (Self::Loop, b'0'..=b'9' | b';' | b'(' | b')') => Self::Loop,
            (Self::Loop, b'{') => Self::Brace,
            (Self::Loop, b'[') => Self::Bracket,
            (Self::Call, b'{') => Self::Brace,
            (Self::Call, b'[') => Self::CallBracket,
            (Self::CallBracket, b'{') => Self::Json,
            (Self::Quote, b'{') => Self::Json,
            (Self::Quote | Self::Scalars, b'[') => Self::Bracket,
            (Self::Scalars, b'{') => Self::Brace,
            (Self::Bracket, b'{' | b'[' | b'"' | b']') => Self::Json,
            (Self::Bracket | Self::Scalar, _) if is_scalar(byte) => Self::Scalar,
            (Self::Scalar, b',') => Self::Json,
            (Self::Scalar, b']') => Self::Scalars,
            (Self::Brace, b'"' | b'\'' | b'}') | (Self::Key, b':') => Self::Json,
            (Self::Brace | Self::Key, _) if is_word => Self::Key,
            (
                Self::Bracket
                | Self::Scalar
                | Self::Scalars
                | Self::Brace
                | Self::Key
                | Self::Loop
                | Self::Call
                | Self::CallBracket,
                _,
            ) if is_space => self,
            _ => Self::Other,
        }
    }

    fn begin(self, byte: u8, is_space: bool) -> Self {
        match byte {
            _ if is_space => self,
            // The byte order mark (U+FEFF) in UTF-8, and nothing else that could hide a document.
            0xef | 0xbb | 0xbf => self,
            0x1e | b')' | b']' | b'}' | b'\'' | b',' | b';' | b'(' | b'&' => self,
            b'<' => Self::Page,
            b'[' => Self::Bracket,
            b'{' => Self::Brace,
            b'"' => Self::Quote,
            b'/' => Self::Slash,
            b':' => Self::Line,
            byte if byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$') => {
                Self::Word(Word::default().with(byte))
            }
            _ => Self::Other,
        }
    }

    /// Whether it can't be told yet.
    pub(super) fn is_open(self) -> bool {
        !matches!(self, Self::Json | Self::Page | Self::Other)
    }
}

/// What numbers, `true`, `false` and `null` are made of.
fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_digit() || b"+-.Eaeflnrstu".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::Opening;

    fn read(text: &str) -> Opening {
        text.bytes().fold(Opening::default(), Opening::read)
    }

    #[test]
    fn finds_documents_behind_what_readers_pass_over() {
        for text in [
            "{\"a\"",
            "\n\r\n \u{feff}[{",
            "[null, {\"a\":1}]",
            "[1.5e3,",
            "[true ,",
            "[[",
            "[\"a\"]",
            "[1] {\"a\":1}",
            ")]}',\n{\"a\"",
            ")]}'\n[{",
            "for(;;);{\"a\":1}",
            "while(1);[{",
            "data: {\"a\"",
            "data:[{",
            ": hello\n\ndata: {\"a\"",
            "event: x\nid: 7\ndata: {\"a\"",
            "\u{1e}{\"a\"",
            "\u{1e}\u{1e}[{",
            "callback({\"a\"",
            "a.b([{",
            "/**/f({'a'",
            "// a\n{\"a\"",
            "({a:",
            "{owner: 'bob'",
            "\"{\\\"a",
            "&&&{\"a\"",
        ] {
            assert_eq!(read(text), Opening::Json, "{text:?}");
        }
    }

    #[test]
    fn lets_other_texts_be() {
        for text in [
            "[INFO] {\"a\":1}",
            "[2026-11-25T10:00:00Z] {}",
            "[12:30] x",
            "[x, y]",
            "[1] x",
            "{{ a }}",
            "{% a %}",
            "{name} is",
            "body { \"a\" }",
            "define([\"a\"], f)",
            "(function(){",
            "/* a */ import {a} from 'b'",
            "id: 7\nname: x",
            "data are",
            "name: {\"a\":1}",
            "if({",
            "\"quoted\"",
            "# {\"a\"",
            "-----BEGIN",
        ] {
            assert_eq!(read(text), Opening::Other, "{text:?}");
        }
        assert_eq!(read(" \n<p>{"), Opening::Page);
        for text in ["", " ", "[1", "{", "{a", "/* {", "for(", "\""] {
            assert!(read(text).is_open(), "{text:?}");
        }
    }
}
