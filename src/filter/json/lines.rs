//! NDJSON: one document a line, each let go when its line is complete.
//!
//! Blank lines pass. A line whose root is another's record goes with its line break under `drop`.

use std::ops::Range;
use std::sync::Arc;

use super::Json;
use crate::filter::{Format, Inspector, Output, Plan};
use crate::policy::treatment::RecordRule;
use crate::types::{ReasonCode, Refusal};

/// A body of lines.
#[derive(Debug)]
pub(crate) struct Lines {
    json: Json,
    /// Bytes of a line under an owner rule; others are not held, but scrubbed as they come.
    limit: Option<u64>,
    /// What may pass of the line at hand, once it is complete.
    line: Output,
    /// Bytes of the line at hand.
    length: u64,
    /// Lines before it.
    number: u64,
    is_blank: bool,
    has_documents: bool,
    refusal: Option<Refusal>,
}

impl Lines {
    /// A filter for lines that are each a document under `rule`, or that are only scrubbed.
    pub(crate) fn new(plan: &Plan, rule: Option<Arc<RecordRule>>) -> Self {
        Self {
            limit: rule.as_ref().map(|_| plan.context.limits.record as u64),
            json: Json::build(plan, rule, true),
            line: Output::default(),
            length: 0,
            number: 0,
            is_blank: true,
            has_documents: false,
            refusal: None,
        }
    }

    /// A filter for the lines of a request: where all are the subject's, they pass, otherwise they are refused.
    pub(crate) fn strict(plan: &Plan, rule: Arc<RecordRule>) -> Self {
        let mut lines = Self::new(plan, Some(rule));
        lines.json.walker.make_strict();
        lines
    }

    /// Takes a part of `chunk`: bytes of one line, without its line break.
    fn part(
        &mut self,
        chunk: &[u8],
        range: Range<usize>,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        // What lies beyond the limit is not read: a mistake there does not change the answer.
        let room = self
            .limit
            .map_or(u64::MAX, |limit| limit.saturating_sub(self.length));
        let length = usize::try_from(room).map_or(range.len(), |room| room.min(range.len()));
        let is_over = length < range.len();
        let range = range.start..range.start + length;
        let part = chunk.get(range.clone()).unwrap_or_default();
        self.length += part.len() as u64;
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
        self.is_blank &= part.iter().all(is_blank);
        self.json.part(chunk, range, inspector, &mut self.line)?;
        if is_over {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        if self.limit.is_none() {
            self.release(out);
        }
        Ok(())
    }

    fn release(&mut self, out: &mut Output) {
        out.bytes.extend_from_slice(&self.line.bytes);
        self.line.bytes.clear();
    }

    /// Ends a line: what may pass of it is let go.
    fn end_line(
        &mut self,
        line_break: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        if self.is_blank {
            out.bytes.extend_from_slice(self.json.unsettled());
            out.bytes.extend_from_slice(line_break);
        } else {
            self.has_documents = true;
            self.json.end(inspector, &mut self.line)?;
            if !self.json.is_dropped() {
                self.release(out);
                out.bytes.extend_from_slice(line_break);
            }
        }
        self.line.bytes.clear();
        self.json.restart();
        if let Some(limit) = self.limit
            && self.is_holding()
            && out.bytes.len() as u64 > limit
        {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        self.length = 0;
        self.is_blank = true;
        self.number += 1;
        Ok(())
    }

    /// Nothing may leave yet: a later line can still decide against all of them. A stream in which no line has come
    /// waits for nothing but the app, so that its head and what keeps it alive leave.
    fn is_holding(&self) -> bool {
        self.json.walker.judge().holds_whole() || self.has_documents && self.json.is_holding()
    }

    fn pieces(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        inspector.restart();
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', chunk) {
            self.part(chunk, start..end, inspector, out)?;
            self.end_line(b"\n", inspector, out)?;
            start = end + 1;
        }
        self.part(chunk, start..chunk.len(), inspector, out)
    }

    /// The refusal, with the line it came from.
    fn place(&mut self, refusal: Refusal) -> Refusal {
        let refusal = refusal.placed(format_args!("of line {}", self.number + 1));
        self.refusal = Some(refusal.clone());
        refusal
    }
}

impl Format for Lines {
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        self.pieces(chunk, inspector, out)
            .map_err(|refusal| self.place(refusal))?;
        out.held = self.is_holding();
        Ok(())
    }

    fn finish(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        if self.length > 0 {
            self.end_line(b"", inspector, out)
                .map_err(|refusal| self.place(refusal))?;
        }
        // A stream without documents is an honest answer, like an empty list.
        if self.has_documents {
            self.json.walker.judge().conclude()?;
        }
        out.held = false;
        Ok(())
    }

    fn buffered(&self) -> usize {
        self.json.buffered() + self.line.bytes.capacity()
    }
}
