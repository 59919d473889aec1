//! The answers on one connection to the app, each to the request that was sent before it.

use super::body::Body;
use super::chunks::Chunks;
use super::fields::{Fields, Framing};
use super::line::Line;
use super::{Bounds, Malformed, Writer};

/// Interim answers (1xx) that may come before an answer.
const INTERIM: usize = 32;

/// Reads answers.
#[derive(Debug)]
pub(in crate::transport) struct Answers {
    bounds: Bounds,
    state: State,
    line: Line,
    room: usize,
    fields: Fields,
    status: u16,
    is_old: bool,
    is_head: bool,
    /// The request asks for another protocol.
    may_switch: bool,
    interim: usize,
}

#[derive(Debug)]
enum State {
    /// No answer is due.
    Between,
    StatusLine,
    Fields,
    Body(Body),
    /// The app speaks another protocol from here on, which was asked for: whoever asked looks at its bytes.
    Switched,
}

impl Answers {
    pub(in crate::transport) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            state: State::Between,
            line: Line::default(),
            room: bounds.head,
            fields: Fields::new(Writer::App),
            status: 0,
            is_old: false,
            is_head: false,
            may_switch: false,
            interim: 0,
        }
    }

    /// Whether no answer is due: bytes that come now are nobody's.
    pub(in crate::transport) fn is_between(&self) -> bool {
        matches!(self.state, State::Between)
    }

    /// A request was sent; `is_head` when its answer has no body, `may_switch` when it asks for another protocol.
    pub(in crate::transport) fn expect(&mut self, is_head: bool, may_switch: bool) {
        self.is_head = is_head;
        self.may_switch = may_switch;
        self.interim = 0;
        self.begin();
    }

    /// Looks at the next bytes: how many of them belong to the answer that is due.
    pub(in crate::transport) fn check(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.is_between() {
                break;
            }
            at += self.step(rest)?;
        }
        Ok(at)
    }

    fn begin(&mut self) {
        self.room = self.bounds.head;
        self.fields = Fields::new(Writer::App);
        self.state = State::StatusLine;
    }

    fn step(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let too_long = Malformed::HeadTooLarge;
        match &mut self.state {
            State::Between => Err(Malformed::Spare),
            State::StatusLine => {
                let Some((line, used)) = self.line.read(bytes, &mut self.room, too_long)? else {
                    return Ok(bytes.len());
                };
                (self.status, self.is_old) = status(line)?;
                self.state = State::Fields;
                Ok(used)
            }
            State::Fields => {
                let Some((line, used)) = self.line.read(bytes, &mut self.room, too_long)? else {
                    return Ok(bytes.len());
                };
                if line.is_empty() {
                    self.end_head()?;
                } else {
                    self.fields.take(line, self.bounds.fields, None)?;
                }
                Ok(used)
            }
            State::Body(body) => {
                let (used, is_over) = body.read(bytes)?;
                if is_over {
                    self.state = State::Between;
                }
                Ok(used)
            }
            State::Switched => Ok(bytes.len()),
        }
    }

    /// The head is whole: what comes next (RFC 9112 section 6.3)?
    fn end_head(&mut self) -> Result<(), Malformed> {
        let framing = self.fields.framing(self.is_old)?;
        let is_empty = matches!(framing, None | Some(Framing::Length(0)));
        match self.status {
            100..=199 if framing.is_some() => return Err(Malformed::Bodiless),
            100 | 102..=199 => {
                self.interim += 1;
                if self.interim > INTERIM {
                    return Err(Malformed::Interim);
                }
                self.begin();
                return Ok(());
            }
            204 if !is_empty => return Err(Malformed::Bodiless),
            // It has none either (RFC 9110 section 15.3.6), but it may say so as any answer does.
            205 if matches!(framing, Some(Framing::Length(1..))) => {
                return Err(Malformed::Bodiless);
            }
            _ => {}
        }
        // Who asks for no other protocol refuses one; what comes in it is nobody's.
        let has_body = !self.is_head && !matches!(self.status, 101 | 204 | 304);
        self.state = match framing {
            _ if self.status == 101 && self.may_switch => State::Switched,
            _ if !has_body => State::Between,
            Some(Framing::Length(0)) => State::Between,
            Some(Framing::Length(length)) => State::Body(Body::Length(length)),
            Some(Framing::Chunked) => {
                let chunks = Chunks::new(Writer::App, self.bounds);
                State::Body(Body::Chunked(Box::new(chunks)))
            }
            None => State::Body(Body::Endless),
        };
        Ok(())
    }
}

/// The status of an answer, and whether its version is 1.0. The reason may be missing with its space.
fn status(line: &[u8]) -> Result<(u16, bool), Malformed> {
    let is_old = match line.get(..9) {
        Some(b"HTTP/1.1 ") => false,
        Some(b"HTTP/1.0 ") => true,
        _ => return Err(Malformed::StatusLine),
    };
    let code = line
        .get(9..12)
        .filter(|code| code.iter().all(u8::is_ascii_digit));
    let code = code.and_then(|code| std::str::from_utf8(code).ok());
    let code = code.and_then(|code| code.parse().ok());
    let code = code.filter(|code| (100..=599).contains(code));
    match line.get(12) {
        None | Some(b' ') => Ok((code.ok_or(Malformed::StatusLine)?, is_old)),
        Some(_) => Err(Malformed::StatusLine),
    }
}
