//! Plain text, whatever its grammar: valid UTF-8 without zero bytes, scanned as it is written.

use crate::filter::window::Window;
use crate::filter::{Format, Inspector, Output};
use crate::policy::treatment::Kind;
use crate::types::{Origin, ReasonCode, Refusal};

/// A text body.
#[derive(Debug)]
pub(super) struct Text {
    utf8: Utf8,
    window: Window,
    opening: Opening,
    /// The route whose records a JSON document called text would carry past their rule.
    records: Option<Origin>,
}

impl Text {
    /// A text of the route that `inspector` works for. Where the route has an owner rule, a text that
    /// begins as a JSON document is refused: frameworks that are handed a string often call it HTML.
    pub(super) fn new(inspector: &Inspector) -> Self {
        let treatment = &inspector.plan().treatment;
        Self {
            utf8: Utf8::default(),
            window: Window::new(inspector),
            opening: Opening::default(),
            records: (treatment.records.is_some() && treatment.read_as != Some(Kind::Text))
                .then(|| treatment.origin.clone()),
        }
    }
}

impl Format for Text {
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        self.utf8.check(chunk)?;
        if let Some(origin) = &self.records {
            self.opening = chunk.iter().copied().fold(self.opening, Opening::read);
            if self.opening == Opening::Json {
                return Err(Refusal::new(ReasonCode::TypeUnsupported)
                    .by(origin)
                    .because("a text that begins as a JSON document, on a route with records"));
            }
            out.held = self.opening != Opening::Other;
        }
        self.window.write(chunk, inspector, &mut out.bytes)
    }

    fn finish(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        self.utf8.finish()?;
        self.window.finish(inspector, &mut out.bytes)
    }

    fn buffered(&self) -> usize {
        self.window.len()
    }
}

/// What the first bytes of a text say it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Opening {
    /// White space and a byte order mark so far.
    #[default]
    Blank,
    /// `[`: log lines begin like that, too.
    Bracket,
    /// `{`: style sheets and templates hold it, too.
    Brace,
    /// An object, or an array of anything that could be a record.
    Json,
    /// Anything else.
    Other,
}

impl Opening {
    fn read(self, byte: u8) -> Self {
        let is_space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        match (self, byte) {
            (Self::Blank | Self::Bracket | Self::Brace, _) if is_space => self,
            // The byte order mark (U+FEFF) in UTF-8, and nothing else that could hide a document.
            (Self::Blank, 0xef | 0xbb | 0xbf) => self,
            (Self::Blank, b'[') => Self::Bracket,
            (Self::Blank, b'{') => Self::Brace,
            (Self::Bracket, b'{' | b'[' | b'"' | b']') | (Self::Brace, b'"' | b'}') => Self::Json,
            (Self::Json, _) => Self::Json,
            _ => Self::Other,
        }
    }
}

/// Validates UTF-8 across pieces. UTF-16 and UTF-32, with their marks or zero bytes, fail here.
#[derive(Debug, Default)]
struct Utf8 {
    /// The bytes of a character that is not whole yet, and how many.
    open: [u8; 4],
    length: usize,
}

impl Utf8 {
    fn check(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        if memchr::memchr(0, chunk).is_some() {
            return Err(malformed("a zero byte in a text"));
        }
        let mut rest = chunk;
        while self.length > 0 {
            let (Some(byte), Some(slot)) = (rest.split_off_first(), self.open.get_mut(self.length))
            else {
                break;
            };
            *slot = *byte;
            self.length += 1;
            let open = self.open.get(..self.length).unwrap_or(&self.open);
            match std::str::from_utf8(open) {
                Ok(_) => self.length = 0,
                Err(error) if error.error_len().is_none() && self.length < 4 => {}
                Err(_) => return Err(malformed("not valid UTF-8")),
            }
        }
        if self.length > 0 {
            return Ok(());
        }
        if let Err(error) = std::str::from_utf8(rest) {
            let tail = rest.get(error.valid_up_to()..).unwrap_or_default();
            if error.error_len().is_some() || tail.len() > 3 {
                return Err(malformed("not valid UTF-8"));
            }
            for (slot, byte) in self.open.iter_mut().zip(tail) {
                *slot = *byte;
            }
            self.length = tail.len();
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Refusal> {
        if self.length > 0 {
            return Err(malformed("not valid UTF-8"));
        }
        Ok(())
    }
}

fn malformed(what: &str) -> Refusal {
    Refusal::new(ReasonCode::AnswerMalformed).because(what)
}
