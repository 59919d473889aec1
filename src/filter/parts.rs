//! Parts answers (RFC 2046 section 5.1): each part is an answer of its own type, by the route's rules.
//!
//! Parsers disagree about sloppy multiparts, so only the strict form passes: CRLF, no preamble and no
//! epilogue, delimiters alone on their lines, one content type a part.

mod head;
mod transfer;

use crate::filter::stream;
use crate::filter::{Format, Inspector, Output};
use crate::types::{ReasonCode, Refusal};

/// A multipart answer.
pub(super) struct Parts {
    /// `--` and the boundary.
    delimiter: Vec<u8>,
    state: State,
    /// Bytes that came and are undecided.
    buffer: Vec<u8>,
    /// What may pass of the part at hand.
    part: Output,
    /// Nothing leaves before the end: any part may decide against all.
    holds_whole: bool,
    /// Parts begun.
    number: u64,
    limit: usize,
    refusal: Option<Refusal>,
}

enum State {
    /// Before the first delimiter.
    Start,
    /// Inside a part's head.
    Head,
    /// Inside a part's body, and whether nothing of it has come.
    Body(Box<dyn Format>, bool),
    /// Behind the last delimiter.
    End,
}

/// What stands behind a delimiter.
enum Tail {
    /// More bytes decide.
    Open,
    /// A part follows behind this many bytes.
    Part(usize),
    /// Nothing follows behind this many bytes.
    Last(usize),
}

impl Parts {
    /// A filter for parts between lines of `boundary`.
    pub(super) fn new(inspector: &Inspector, boundary: &str) -> Self {
        let plan = inspector.plan();
        Self {
            delimiter: [b"--", boundary.as_bytes()].concat(),
            state: State::Start,
            buffer: Vec::new(),
            part: Output::default(),
            holds_whole: plan.treatment.holds_whole(),
            number: 0,
            limit: plan.context.limits.record,
            refusal: None,
        }
    }

    /// Goes on as far as the buffer allows.
    fn advance(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        loop {
            let goes_on = match &self.state {
                State::Start => self.start(out)?,
                State::Head => self.head(inspector, out)?,
                State::Body(..) => self.body(inspector, out)?,
                State::End => {
                    let is_blank = self.buffer.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
                    if !is_blank {
                        return Err(malformed("bytes behind the last part"));
                    }
                    out.bytes.extend_from_slice(&self.buffer);
                    self.buffer.clear();
                    false
                }
            };
            if !goes_on {
                return Ok(());
            }
        }
    }

    fn start(&mut self, out: &mut Output) -> Result<bool, Refusal> {
        let from = if self.buffer.starts_with(b"\r\n") {
            2
        } else {
            0
        };
        let rest = self.buffer.get(from..).unwrap_or_default();
        let length = rest.len().min(self.delimiter.len());
        let is_like = rest.get(..length) == self.delimiter.get(..length);
        if !is_like && self.buffer != b"\r" {
            return Err(malformed("bytes before the first part"));
        }
        if rest.len() < self.delimiter.len() {
            return Ok(false);
        }
        self.delimited(from, out)
    }

    /// Takes everything up to the delimiter that begins at `at`, and its line.
    fn delimited(&mut self, at: usize, out: &mut Output) -> Result<bool, Refusal> {
        let behind = at + self.delimiter.len();
        let (end, state) = match tail(self.buffer.get(behind..).unwrap_or_default())? {
            Tail::Open => return Ok(false),
            Tail::Part(length) => (behind + length, State::Head),
            Tail::Last(length) => (behind + length, State::End),
        };
        if matches!(state, State::Head) {
            self.number += 1;
        }
        out.bytes
            .extend_from_slice(self.buffer.get(..end).unwrap_or_default());
        self.buffer.drain(..end);
        self.state = state;
        Ok(true)
    }

    fn head(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<bool, Refusal> {
        let end = if self.buffer.starts_with(b"\r\n") {
            Some(2)
        } else {
            memchr::memmem::find(&self.buffer, b"\r\n\r\n").map(|at| at + 4)
        };
        if end.unwrap_or(self.buffer.len()) > head::LENGTH {
            return Err(Refusal::new(ReasonCode::RecordTooLarge).because("the head of a part"));
        }
        let Some(end) = end else {
            return Ok(false);
        };
        let head: Vec<u8> = self.buffer.drain(..end).collect();
        let head = head::Head::read(&head)?;
        let coding = head.coding(inspector)?;
        let (kind, charset) = head.kind(inspector)?;
        let mut format = charset.over(stream::part(kind, inspector)?, inspector);
        if let Some(coding) = coding {
            format = Box::new(transfer::Transfer::new(coding, format, self.limit));
        }
        head.write(inspector, out)?;
        self.state = State::Body(format, true);
        Ok(true)
    }

    fn body(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<bool, Refusal> {
        let State::Body(format, is_fresh) = &mut self.state else {
            return Ok(false);
        };
        if *is_fresh {
            let length = self.buffer.len().min(self.delimiter.len());
            if self.buffer.get(..length) == self.delimiter.get(..length) {
                if length < self.delimiter.len() {
                    return Ok(false);
                }
                return Err(malformed("a delimiter right behind a part's head"));
            }
        }
        let needle = [b"\n", self.delimiter.as_slice()].concat();
        let found = memchr::memmem::find(&self.buffer, &needle);
        // The line break before a delimiter belongs to it.
        let end = match found {
            Some(at) => at.saturating_sub(1),
            None => self.buffer.len().saturating_sub(needle.len()),
        };
        if end > 0 {
            *is_fresh = false;
            let body: Vec<u8> = self.buffer.drain(..end).collect();
            format.write(&body, inspector, &mut self.part)?;
        }
        let Some(at) = found.map(|at| at - end) else {
            self.release(out)?;
            return Ok(false);
        };
        if at == 0 || self.buffer.first() != Some(&b'\r') {
            return Err(malformed("a delimiter behind a bare line feed"));
        }
        let behind = self.buffer.get(at + needle.len()..).unwrap_or_default();
        if matches!(tail(behind)?, Tail::Open) {
            self.release(out)?;
            return Ok(false);
        }
        format.finish(inspector, &mut self.part)?;
        self.part.held = false;
        self.release(out)?;
        self.delimited(at + 1, out)
    }

    /// Lets go what may pass of the part at hand.
    fn release(&mut self, out: &mut Output) -> Result<(), Refusal> {
        if !self.part.held {
            out.bytes.extend_from_slice(&self.part.bytes);
            self.part.bytes.clear();
        } else if self.part.bytes.len() > self.limit {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        Ok(())
    }

    fn take(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        for piece in chunk.chunks(PIECE) {
            self.buffer.extend_from_slice(piece);
            self.advance(inspector, out)?;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Output) -> Result<(), Refusal> {
        if let State::Body(..) | State::Start | State::Head = &self.state {
            // The last delimiter may stand at the very end, without a line break.
            return Err(Refusal::new(ReasonCode::AnswerTruncated)
                .because("a multipart answer without its last delimiter"));
        }
        out.held = false;
        Ok(())
    }

    /// The refusal, with the part it came from.
    fn place(&mut self, refusal: Refusal) -> Refusal {
        let refusal = refusal.placed(format_args!("in part {}", self.number));
        self.refusal = Some(refusal.clone());
        refusal
    }
}

/// Input is taken in pieces of at most this many bytes.
const PIECE: usize = 16 << 10;

impl Format for Parts {
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        self.take(chunk, inspector, out)
            .map_err(|refusal| self.place(refusal))?;
        out.held = self.holds_whole || self.part.held;
        Ok(())
    }

    fn finish(&mut self, _: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        self.end(out).map_err(|refusal| self.place(refusal))
    }

    fn buffered(&self) -> usize {
        let part = match &self.state {
            State::Body(format, _) => format.buffered(),
            State::Start | State::Head | State::End => 0,
        };
        self.buffer.capacity() + self.part.bytes.capacity() + part
    }
}

/// Reads what stands behind a delimiter: nothing but white space up to the end of its line.
fn tail(text: &[u8]) -> Result<Tail, Refusal> {
    if text.starts_with(b"--") {
        return Ok(Tail::Last(2));
    }
    let blank = text
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    match text.get(blank..).unwrap_or_default() {
        [b'\r', b'\n', ..] => Ok(Tail::Part(blank + 2)),
        [] | [b'\r'] if blank < BLANK => Ok(Tail::Open),
        [b'-'] if blank == 0 => Ok(Tail::Open),
        _ => Err(malformed("a line that begins as a delimiter and is none")),
    }
}

/// White space behind a delimiter, at most.
const BLANK: usize = 256;

fn malformed(what: &str) -> Refusal {
    Refusal::new(ReasonCode::AnswerMalformed).because(what)
}

#[cfg(test)]
mod tests;
