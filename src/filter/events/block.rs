//! The lines of one event, up to its blank line: field and value of each, as the standard reads them.

use crate::types::{ReasonCode, Refusal};

/// The byte order mark in UTF-8: one may stand before the first line.
pub(super) const MARK: &[u8] = "\u{feff}".as_bytes();

/// The event at hand.
#[derive(Debug, Default)]
pub(super) struct Block {
    bytes: Vec<u8>,
    lines: Vec<Line>,
    /// Where the line at hand begins.
    start: usize,
    /// The last byte was a CR: an LF still belongs to its line.
    is_returned: bool,
    is_later: bool,
}

/// One line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) field: Field,
    pub(super) start: usize,
    /// Where the value begins, the colon and one space behind.
    pub(super) value: usize,
    /// Where the line break begins, and one past it.
    pub(super) end: usize,
    pub(super) next: usize,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Blank,
    Comment,
    Data,
    Event,
    Id,
    Retry,
    /// Browsers pass over it.
    Unknown,
}

impl Block {
    /// Takes bytes from the front of `rest`, up to the blank line; true when the event is complete.
    pub(super) fn read(&mut self, rest: &mut &[u8], limit: usize) -> Result<bool, Refusal> {
        loop {
            if std::mem::take(&mut self.is_returned) {
                match rest.first() {
                    None => {
                        self.is_returned = true;
                        return Ok(false);
                    }
                    Some(b'\n') => {
                        self.take(rest, 1, limit)?;
                        if let Some(line) = self.lines.last_mut() {
                            line.next = self.bytes.len();
                        }
                        self.start = self.bytes.len();
                    }
                    Some(_) => {}
                }
            }
            let Some(at) = memchr::memchr2(b'\r', b'\n', rest) else {
                let length = rest.len();
                if length > 0 {
                    self.take(rest, length, limit)?;
                }
                return Ok(false);
            };
            let is_return = rest.get(at) == Some(&b'\r');
            self.take(rest, at + 1, limit)?;
            let is_blank = self.end_line();
            if is_blank {
                return Ok(true);
            }
            self.is_returned = is_return;
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn part(&self, start: usize, end: usize) -> &[u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// A line with its line break.
    pub(super) fn whole(&self, line: &Line) -> &[u8] {
        self.part(line.start, line.next)
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The values of the data lines, joined by LF; none without such a line.
    pub(super) fn data(&self) -> Option<Vec<u8>> {
        let mut data: Option<Vec<u8>> = None;
        for line in self.lines.iter().filter(|line| line.field == Field::Data) {
            match &mut data {
                None => data = Some(self.part(line.value, line.end).to_vec()),
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(self.part(line.value, line.end));
                }
            }
        }
        data
    }

    pub(super) fn ends_with_return(&self) -> bool {
        self.bytes.ends_with(b"\r")
    }

    /// Begins the next event.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.lines.clear();
        self.start = 0;
        self.is_returned = false;
        self.is_later = true;
    }

    pub(super) fn held(&self) -> usize {
        self.bytes.capacity() + self.lines.capacity() * size_of::<Line>()
    }

    fn take(&mut self, rest: &mut &[u8], length: usize, limit: usize) -> Result<(), Refusal> {
        let (taken, after) = rest.split_at_checked(length).unwrap_or_default();
        // A line of few bytes takes many to be kept in mind.
        if self.bytes.len() + taken.len() > limit || self.lines.len() > LINES {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        self.bytes.extend_from_slice(taken);
        *rest = after;
        Ok(())
    }

    fn is_digits(&self, start: usize, end: usize) -> bool {
        let value = self.bytes.get(start..end).unwrap_or_default();
        value.iter().all(u8::is_ascii_digit)
    }

    /// Notes the line that ended with the last byte; whether it is blank.
    fn end_line(&mut self) -> bool {
        let (start, next) = (self.start, self.bytes.len());
        let end = next - 1;
        let mut content = self.bytes.get(start..end).unwrap_or_default();
        let mut front = start;
        if start == 0
            && !self.is_later
            && let Some(rest) = content.strip_prefix(MARK)
        {
            (content, front) = (rest, MARK.len());
        }
        let colon = memchr::memchr(b':', content);
        let (name, value) = match colon {
            None => (content, end),
            Some(at) => {
                let after = front + at + 1;
                let is_spaced = self.bytes.get(after) == Some(&b' ');
                let name = content.get(..at).unwrap_or_default();
                (name, after + usize::from(is_spaced))
            }
        };
        let field = match name {
            b"" if colon.is_some() => Field::Comment,
            b"" => Field::Blank,
            b"data" => Field::Data,
            b"event" => Field::Event,
            b"id" => Field::Id,
            // Anything but digits is passed over by browsers: no field at all.
            b"retry" if self.is_digits(value, end) => Field::Retry,
            _ => Field::Unknown,
        };
        self.lines.push(Line {
            field,
            start,
            value,
            end,
            next,
        });
        self.start = next;
        field == Field::Blank
    }
}

/// Lines of one event, at most.
const LINES: usize = 1 << 17;
