//! The record filter: reads JSON as it streams, and lets the subject's own records pass, byte for byte.
//!
//! The outer layer streams; a value that has to be judged whole (a record, a filter's candidate) is
//! collected, up to the limit, judged, and leaves or stays behind. Without an owner rule everything
//! passes, validated and scrubbed by the detectors.
//!
//! INVARIANT: what is held is bounded by the limits and does not depend on the length of the body;
//! after a refusal nothing more comes out.

mod desk;
mod documents;
mod fate;
mod lines;
mod message;
mod number;
mod owner;
mod run;
mod sequence;
mod walker;
mod way;

use std::ops::Range;
use std::sync::Arc;

use self::desk::Desk;
use self::walker::{Next, Walker};
use crate::filter::{Format, Inspector, Limits, Output, Plan};
use crate::json::{Event, LexError, LexErrorKind, Lexer, LexerLimits, Tape};
use crate::policy::treatment::RecordRule;
use crate::types::{ReasonCode, Refusal};

pub(crate) use self::documents::{Documents, is_document};
pub(crate) use self::lines::Lines;
pub(crate) use self::message::Message;
pub(crate) use self::sequence::Sequence;

/// Input is taken in pieces of at most this many bytes.
const PIECE: usize = 64 << 10;
/// Memory that is kept for the next record; what a large one took beyond it is given back.
const KEPT: usize = 256 << 10;

/// One JSON document.
#[derive(Debug)]
pub(crate) struct Json {
    lexer: Lexer,
    walker: Walker,
    tape: Tape,
    limits: Limits,
    mode: Mode,
    window: Vec<u8>,
    /// The offset of the window's first byte, and of the first byte that is not settled.
    base: u64,
    cursor: u64,
    /// Where the last token ended.
    token_end: u64,
    refusal: Option<Refusal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Walk,
    /// A value that begins there is collected.
    Collect(u64),
    /// What is in a container that was opened at this depth is passed over.
    Skip(usize),
}

impl Json {
    /// A filter for one document under `rule`, or one that only looks for what detectors find.
    pub(crate) fn new(plan: &Plan, rule: Option<Arc<RecordRule>>) -> Self {
        Self::build(plan, rule, false)
    }

    /// A filter for one document of a request: one in which all is the subject's passes, any other is refused.
    pub(crate) fn strict(plan: &Plan, rule: Arc<RecordRule>) -> Self {
        let mut json = Self::new(plan, Some(rule));
        json.walker.make_strict();
        json
    }

    fn build(plan: &Plan, rule: Option<Arc<RecordRule>>, drops_root: bool) -> Self {
        let limits = plan.context.limits;
        Self {
            lexer: Lexer::new(LexerLimits {
                depth: limits.depth,
                string: limits.string,
            }),
            walker: Walker::new(rule, plan.subject.clone(), drops_root),
            tape: Tape::default(),
            limits,
            mode: Mode::Walk,
            window: Vec::new(),
            base: 0,
            cursor: 0,
            token_end: 0,
            refusal: None,
        }
    }

    /// Begins another document of the same body.
    fn restart(&mut self) {
        self.lexer.restart();
        self.walker.restart();
        self.mode = Mode::Walk;
        self.window.clear();
        (self.base, self.cursor, self.token_end) = (0, 0, 0);
    }

    /// Input that is neither kept nor left out yet.
    fn unsettled(&self) -> &[u8] {
        &self.window
    }

    fn is_holding(&self) -> bool {
        self.walker.judge().is_holding()
    }

    /// The root of a document that ended was left out.
    fn is_dropped(&self) -> bool {
        self.walker.root_kept() == Some(false)
    }

    /// Takes a part of `buffer`, which the inspector has been restarted for.
    fn part(
        &mut self,
        buffer: &[u8],
        part: Range<usize>,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        let mut at = part.start;
        while at < part.end {
            let to = part.end.min(at + PIECE);
            if let Err(refusal) = self.piece(buffer, at..to, inspector, out) {
                self.refusal = Some(refusal.clone());
                return Err(refusal);
            }
            at = to;
        }
        out.held = self.is_holding();
        Ok(())
    }

    fn piece(
        &mut self,
        buffer: &[u8],
        part: Range<usize>,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let piece = buffer.get(part.clone()).unwrap_or_default();
        out.bytes.reserve(piece.len());
        // A piece that follows nothing unsettled is not copied.
        let mut window = std::mem::take(&mut self.window);
        let held = window.len();
        let (around, part) = if held > 0 {
            window.extend_from_slice(piece);
            inspector.restart();
            (window.as_slice(), 0..window.len())
        } else {
            (buffer, part)
        };
        let position = (self.base, self.cursor);
        let mut desk = Desk::new(around, part, position, inspector, out);
        let taken = self.take(piece, &mut desk);
        self.cursor = desk.cursor;
        let settled = usize::try_from(self.cursor.saturating_sub(self.base)).unwrap_or_default();
        if held > 0 {
            window.drain(..settled.min(window.len()));
        } else {
            window.extend_from_slice(piece.get(settled..).unwrap_or_default());
        }
        self.base = self.cursor;
        if window.capacity() > KEPT && window.len() < KEPT {
            window.shrink_to(KEPT);
        }
        self.window = window;
        taken
    }

    fn take(&mut self, mut rest: &[u8], desk: &mut Desk<'_>) -> Result<(), Refusal> {
        while self.run(&mut rest, desk)? {}
        let end = self.lexer.offset();
        self.check_size(desk, end, self.lexer.token_start().unwrap_or(end))?;
        match self.mode {
            Mode::Skip(_) => desk.leave_out(end),
            Mode::Walk if self.walker.flows() => {
                desk.keep(self.lexer.token_start().unwrap_or(end));
            }
            Mode::Walk | Mode::Collect(_) => {}
        }
        Ok(())
    }

    /// Takes a token that is to be decided about.
    fn event(&mut self, event: Event, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        self.check_size(desk, event.end, event.start)?;
        self.token_end = event.end;
        match self.walker.event(desk, event)? {
            Next::Walk => {}
            Next::Skip => self.mode = Mode::Skip(self.lexer.depth()),
            Next::Collect => {
                self.tape.clear();
                self.mode = Mode::Collect(event.start);
                if self.tape.push(event, event.start) {
                    self.replay(event.end, event.start, desk)?;
                }
            }
        }
        Ok(())
    }

    /// Settles a value that was collected.
    fn replay(&mut self, end: u64, start: u64, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        self.mode = Mode::Walk;
        let document = self.tape.over(desk.bytes(start, end));
        self.walker.replay(desk, document, start)?;
        if self.tape.held() > KEPT {
            self.tape.clear();
            self.tape.shrink(KEPT / 64);
        }
        Ok(())
    }

    /// INVARIANT: judged by offsets of tokens alone, so that where pieces end changes nothing.
    ///
    /// `end` is how far the input was read, `token` where its last token begins.
    fn check_size(&self, desk: &Desk<'_>, end: u64, token: u64) -> Result<(), Refusal> {
        let held = match self.mode {
            Mode::Skip(_) => 0,
            Mode::Collect(start) => end.saturating_sub(start),
            Mode::Walk if self.walker.flows() => 0,
            Mode::Walk => token.saturating_sub(self.token_end),
        };
        let kept = if self.is_holding() {
            let flowing = match self.mode {
                Mode::Walk if self.walker.flows() => token.saturating_sub(desk.cursor),
                _ => 0,
            };
            desk.out.bytes.len() as u64 + flowing
        } else {
            0
        };
        let held = held.max(kept).max(self.walker.waiting() as u64);
        if held > self.limits.record as u64 {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        Ok(())
    }

    fn malformed(&self, desk: &Desk<'_>, error: LexError) -> Refusal {
        if let Err(refusal) = self.check_size(desk, error.offset, self.lexer.last_token()) {
            return refusal;
        }
        let code = match error.kind {
            LexErrorKind::TooLong => ReasonCode::StringTooLong,
            LexErrorKind::TooDeep => ReasonCode::AnswerTooDeep,
            LexErrorKind::Truncated => ReasonCode::AnswerTruncated,
            LexErrorKind::Expected(_) | LexErrorKind::Utf8 => ReasonCode::AnswerMalformed,
        };
        Refusal::new(code).because(error.to_string())
    }

    /// Ends the document: what is left of it passes or stays.
    fn end(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        let window = std::mem::take(&mut self.window);
        let position = (self.base, self.cursor);
        let mut desk = Desk::new(&window, 0..window.len(), position, inspector, out);
        let last = self.lexer.finish();
        let last = last.map_err(|error| self.malformed(&desk, error))?;
        if let Some(event) = last {
            desk.inspector.restart();
            self.event(event, &mut desk)?;
        }
        if self.walker.root_kept() == Some(true) {
            desk.keep(self.lexer.offset());
        }
        self.window = window;
        Ok(())
    }
}

impl Format for Json {
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        inspector.restart();
        self.part(chunk, 0..chunk.len(), inspector, out)
    }

    fn finish(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        let ended = self
            .end(inspector, out)
            .and_then(|()| self.walker.judge().conclude());
        if let Err(refusal) = &ended {
            self.refusal = Some(refusal.clone());
        }
        out.held = ended.is_err();
        ended
    }

    fn buffered(&self) -> usize {
        self.window.capacity() + self.tape.held() + self.walker.held()
    }
}

#[cfg(test)]
mod tests;
