//! Text, whatever its grammar: valid UTF-8 without zero bytes, scanned as it is written and with its language's escapes undone.

mod opening;

use std::sync::Arc;

use self::opening::Opening;
use crate::filter::decode::Language;
use crate::filter::window::Window;
use crate::filter::{Format, Inspector, Output};
use crate::policy::treatment::{Kind, RowRule};
use crate::types::{Origin, ReasonCode, Refusal};

/// A text body.
#[derive(Debug)]
pub(super) struct Text {
    utf8: Utf8,
    window: Window,
    guard: Guard,
}

impl Text {
    /// A text in `language`, of the route that `inspector` works for.
    pub(super) fn new(inspector: &Inspector, language: Language) -> Self {
        Self {
            utf8: Utf8::default(),
            window: Window::in_language(inspector, language),
            guard: Guard::new(inspector),
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
        out.held = self.guard.read(chunk)?;
        self.window.write(chunk, inspector, &mut out.bytes)
    }

    fn finish(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        self.utf8.finish()?;
        self.guard.finish()?;
        self.window.finish(inspector, &mut out.bytes)
    }

    fn buffered(&self) -> usize {
        self.window.len()
    }
}

/// Refuses texts that begin as what the route has an owner rule for: frameworks that are handed a string
/// often call it a text or HTML, and its records would pass as that.
#[derive(Debug)]
pub(super) struct Guard {
    opening: Opening,
    /// The route, where it has an owner rule for JSON, and where it has one for pages.
    records: Option<Origin>,
    html: Option<Origin>,
    first_line: Option<FirstLine>,
}

impl Guard {
    pub(super) fn new(inspector: &Inspector) -> Self {
        let treatment = &inspector.plan().treatment;
        let is_on = treatment.read_as != Some(Kind::Text);
        let origin = |has_rule: bool| (has_rule && is_on).then(|| treatment.origin.clone());
        let rows = treatment.rows.clone().filter(|_| is_on);
        Self {
            opening: Opening::default(),
            records: origin(treatment.records.is_some()),
            html: origin(treatment.html.is_some()),
            first_line: rows.map(|rule| FirstLine {
                rule,
                bytes: Vec::new(),
            }),
        }
    }

    /// The same for a page, which may well begin as one.
    pub(super) fn of_page(inspector: &Inspector) -> Self {
        Self {
            html: None,
            ..Self::new(inspector)
        }
    }

    /// Whether it can't be told yet.
    pub(super) fn read(&mut self, chunk: &[u8]) -> Result<bool, Refusal> {
        let mut is_held = false;
        if self.records.is_some() || self.html.is_some() {
            self.opening = chunk.iter().copied().fold(self.opening, Opening::read);
            is_held = self.opening.is_open();
            let (origin, what) = match self.opening {
                Opening::Json => (&self.records, "a JSON document, on a route with records"),
                Opening::Page => (&self.html, "markup, on a route with pages"),
                _ => (&None, ""),
            };
            if let Some(origin) = origin {
                return Err(Refusal::new(ReasonCode::TypeUnsupported)
                    .by(origin)
                    .because(format!("a text that begins as {what}")));
            }
        }
        if let Some(first_line) = &mut self.first_line {
            if first_line.read(chunk)? {
                self.first_line = None;
            } else {
                is_held = true;
            }
        }
        Ok(is_held)
    }

    pub(super) fn finish(&self) -> Result<(), Refusal> {
        match &self.first_line {
            Some(first_line) => first_line.judge(),
            None => Ok(()),
        }
    }
}

/// The first line of a text on a route with rows: a table's names its columns.
#[derive(Debug)]
struct FirstLine {
    rule: Arc<RowRule>,
    bytes: Vec<u8>,
}

impl FirstLine {
    /// No header is looked for beyond.
    const LENGTH: usize = 64 << 10;

    /// True when the line is complete and no header. Blank lines say nothing, nor do those that spreadsheets
    /// read before the first (`sep=;`).
    fn read(&mut self, chunk: &[u8]) -> Result<bool, Refusal> {
        let mut rest = chunk;
        loop {
            let end = memchr::memchr2(b'\n', b'\r', rest);
            let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            let room = Self::LENGTH - self.bytes.len();
            self.bytes
                .extend_from_slice(line.get(..room).unwrap_or(line));
            if end.is_none() && self.bytes.len() < Self::LENGTH {
                return Ok(false);
            }
            self.judge()?;
            let is_mark = |byte: &u8| matches!(byte, b' ' | b'\t' | 0xef | 0xbb | 0xbf);
            let from = self.bytes.iter().position(|byte| !is_mark(byte));
            let text = from
                .and_then(|from| self.bytes.get(from..))
                .unwrap_or_default();
            if !text.is_empty() && !text.starts_with(b"sep=") {
                return Ok(true);
            }
            self.bytes.clear();
            let Some(end) = end else { return Ok(false) };
            rest = rest.get(end + 1..).unwrap_or_default();
        }
    }

    fn judge(&self) -> Result<(), Refusal> {
        let is_owner = |cell: &[u8]| {
            let is_around = |byte: &u8| matches!(byte, b' ' | b'"' | b'\'' | 0xef | 0xbb | 0xbf);
            let from = cell.iter().position(|byte| !is_around(byte)).unwrap_or(0);
            let to = cell
                .iter()
                .rposition(|byte| !is_around(byte))
                .map_or(0, |at| at + 1);
            let name = cell.get(from..to).unwrap_or_default();
            let mut owners = self.rule.owner.iter();
            owners.any(|column| column.name.as_bytes().eq_ignore_ascii_case(name))
        };
        let mut cells = self
            .bytes
            .split(|byte| matches!(byte, b',' | b';' | b'\t' | b'|'));
        if cells.any(is_owner) {
            return Err(Refusal::new(ReasonCode::TypeUnsupported)
                .by(&self.rule.origin)
                .because("a text that begins as a table, on a route with rows"));
        }
        Ok(())
    }
}

/// Validates UTF-8 across pieces. UTF-16 and UTF-32, with their marks or zero bytes, fail here.
#[derive(Debug, Default)]
pub(super) struct Utf8 {
    /// The bytes of a character that is not whole yet, and how many.
    open: [u8; 4],
    length: usize,
}

impl Utf8 {
    pub(super) fn check(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
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

    pub(super) fn finish(&self) -> Result<(), Refusal> {
        if self.length > 0 {
            return Err(malformed("not valid UTF-8"));
        }
        Ok(())
    }
}

fn malformed(what: &str) -> Refusal {
    Refusal::new(ReasonCode::AnswerMalformed).because(what)
}
