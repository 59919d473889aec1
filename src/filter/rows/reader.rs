//! Reads the grammar of RFC 4180, one reading or none: where parsers disagree, the table is refused.
//!
//! A row ends with CR LF or LF outside of quotes; a lone CR is no line break and no text. A quote
//! opens a cell at its first byte alone, is doubled inside, and ends the cell with the next delimiter
//! or line break. A backslash before a quote in a quoted cell is an escape to some, and refused.

use std::ops::Range;

use crate::filter::Limits;
use crate::types::{ReasonCode, Refusal};

/// More columns than any spreadsheet has.
const COLUMNS: usize = 16_384;

/// The row at hand.
#[derive(Debug)]
pub(super) struct Reader {
    delimiter: u8,
    limits: Limits,
    state: State,
    /// Its bytes, line break included.
    row: Vec<u8>,
    cells: Vec<Cell>,
    /// Where the cell at hand begins.
    start: usize,
    /// A backslash stands before the next byte of a quoted cell.
    is_escaping: bool,
}

/// One cell of the row, by its place in the row's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// Quotes included.
    pub(super) range: Range<usize>,
    pub(super) is_quoted: bool,
}

impl Cell {
    /// The text between the quotes.
    pub(super) fn content(&self) -> Range<usize> {
        if self.is_quoted {
            self.range.start + 1..self.range.end.saturating_sub(1)
        } else {
            self.range.clone()
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A cell begins.
    Start,
    Plain,
    Quoted,
    /// Behind a quote inside of a quoted cell: its end, or one half of a doubled one.
    Closed,
    /// Behind a CR outside of quotes.
    Return,
    /// The row is complete.
    Over,
}

impl Reader {
    pub(super) fn new(delimiter: u8, limits: Limits) -> Self {
        Self {
            delimiter,
            limits,
            state: State::Start,
            row: Vec::new(),
            cells: Vec::new(),
            start: 0,
            is_escaping: false,
        }
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// The complete row, line break included.
    pub(super) fn row(&self) -> &[u8] {
        &self.row
    }

    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Where the row's line break begins.
    pub(super) fn end(&self) -> usize {
        self.cells.last().map_or(0, |cell| cell.range.end)
    }

    pub(super) fn held(&self) -> usize {
        self.row.capacity() + self.cells.capacity() * size_of::<Cell>()
    }

    /// Passes over bytes at the front of the row (a byte order mark).
    pub(super) fn skip(&mut self, bytes: &[u8]) {
        self.row.extend_from_slice(bytes);
        self.start = self.row.len();
    }

    /// Begins the next row.
    pub(super) fn clear(&mut self) {
        self.row.clear();
        self.cells.clear();
        self.start = 0;
        self.state = State::Start;
    }

    /// Takes bytes from the front of `rest`, up to the end of the row; true when it is complete.
    ///
    /// INVARIANT: what is refused depends on the bytes of the row alone, not on where `rest` ends.
    pub(super) fn read(&mut self, rest: &mut &[u8]) -> Result<bool, Refusal> {
        while let Some(byte) = rest.first().copied() {
            let run = match self.state {
                State::Plain => rest.iter().position(|byte| self.is_special(*byte)),
                State::Quoted => rest
                    .iter()
                    .position(|byte| matches!(byte, b'"' | b'\\' | 0)),
                _ => Some(0),
            };
            let run = run.unwrap_or(rest.len());
            if run > 0 {
                self.take(rest, run)?;
                self.is_escaping = false;
                continue;
            }
            self.step(byte)?;
            self.take(rest, 1)?;
            match self.state {
                State::Over => {
                    let line_break = if self.row.ends_with(b"\r\n") { 2 } else { 1 };
                    self.end_cell(self.row.len() - line_break)?;
                    return Ok(true);
                }
                State::Start => self.end_cell(self.row.len() - 1)?,
                _ => {}
            }
        }
        Ok(false)
    }

    /// Takes the end of the table; true when it ends a row.
    pub(super) fn finish(&mut self) -> Result<bool, Refusal> {
        match self.state {
            State::Start if self.row.len() == self.start && self.cells.is_empty() => Ok(false),
            State::Quoted => {
                Err(Refusal::new(ReasonCode::AnswerTruncated)
                    .because("a quoted cell without an end"))
            }
            State::Return => Err(malformed("a carriage return that ends no line")),
            State::Start | State::Plain | State::Closed | State::Over => {
                self.state = State::Over;
                self.end_cell(self.row.len())?;
                Ok(true)
            }
        }
    }

    fn take(&mut self, rest: &mut &[u8], length: usize) -> Result<(), Refusal> {
        let (taken, after) = rest.split_at_checked(length).unwrap_or_default();
        let cell = self.row.len() - self.start;
        let (row, cell) = (
            self.limits.record.saturating_sub(self.row.len()),
            self.limits.string.saturating_sub(cell),
        );
        if length > row.min(cell) {
            let code = if row <= cell {
                ReasonCode::RecordTooLarge
            } else {
                ReasonCode::StringTooLong
            };
            return Err(Refusal::new(code));
        }
        self.row.extend_from_slice(taken);
        *rest = after;
        Ok(())
    }

    fn is_special(&self, byte: u8) -> bool {
        matches!(byte, b'"' | b'\r' | b'\n' | 0) || byte == self.delimiter
    }

    fn step(&mut self, byte: u8) -> Result<(), Refusal> {
        let is_escaping = std::mem::take(&mut self.is_escaping);
        self.state = match (self.state, byte) {
            (_, 0) => return Err(malformed("a zero byte")),
            (State::Start, b'"') => State::Quoted,
            (State::Quoted, b'"') if is_escaping => return Err(escaped()),
            (State::Quoted, b'"') => State::Closed,
            (State::Quoted, b'\\') => {
                self.is_escaping = true;
                State::Quoted
            }
            (State::Quoted, _) | (State::Closed, b'"') => State::Quoted,
            (State::Return, b'\n') => State::Over,
            (State::Return, _) => return Err(malformed("a carriage return that ends no line")),
            (State::Start | State::Plain | State::Closed, b'\r') => State::Return,
            (State::Start | State::Plain | State::Closed, b'\n') => State::Over,
            (State::Start | State::Plain | State::Closed, byte) if byte == self.delimiter => {
                State::Start
            }
            (State::Closed, _) => return Err(malformed("text behind a closing quote")),
            (State::Plain, b'"') => return Err(malformed("a quote inside a cell without quotes")),
            (State::Start | State::Plain, _) => State::Plain,
            (State::Over, _) => return Err(Refusal::new(ReasonCode::Internal)),
        };
        Ok(())
    }

    fn end_cell(&mut self, end: usize) -> Result<(), Refusal> {
        if self.cells.len() == COLUMNS {
            return Err(Refusal::new(ReasonCode::RecordTooLarge)
                .because(format!("more than {COLUMNS} columns")));
        }
        let is_quoted = self.row.get(self.start) == Some(&b'"');
        let range = self.start..end;
        self.cells.push(Cell { range, is_quoted });
        self.start = self.row.len();
        Ok(())
    }
}

fn escaped() -> Refusal {
    malformed("a backslash before a quote, which some read as an escape")
}

pub(super) fn malformed(what: &str) -> Refusal {
    Refusal::new(ReasonCode::AnswerMalformed).because(what)
}
