//! JSON text sequences (RFC 7464): a record separator, a document, a line feed, and so on.
//!
//! Each document is let go with its line feed. One without it may have been cut off, and bytes
//! before the first separator or behind a document are none: both are refused.

use std::sync::Arc;

use super::Json;
use crate::filter::{Format, Inspector, Output, Plan};
use crate::policy::treatment::RecordRule;
use crate::types::{ReasonCode, Refusal};

/// The record separator.
const RS: u8 = 0x1e;

/// A body of separated documents.
#[derive(Debug)]
pub(crate) struct Sequence {
    json: Json,
    stage: Stage,
    /// What may pass of the text at hand, once it is complete.
    text: Output,
    /// Bytes of the text at hand, and the most of them.
    length: u64,
    limit: u64,
    /// Separators so far.
    number: u64,
    has_documents: bool,
    /// Bytes that wait for the documents to decide.
    waiting: u64,
    refusal: Option<Refusal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing has come.
    Start,
    /// Behind a separator, and white space.
    Blank,
    /// Inside a document.
    Document,
    /// Behind a document, and whether it was kept.
    Done(bool),
}

impl Sequence {
    /// A filter for texts that are each a document under `rule`, or that are only scrubbed.
    pub(crate) fn new(plan: &Plan, rule: Option<Arc<RecordRule>>) -> Self {
        Self {
            json: Json::build(plan, rule, true),
            stage: Stage::Start,
            text: Output::default(),
            length: 0,
            limit: plan.context.limits.record as u64,
            number: 0,
            has_documents: false,
            waiting: 0,
            refusal: None,
        }
    }

    /// Takes bytes without a separator that end with a line feed or hold none.
    fn part(
        &mut self,
        part: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        // What lies beyond the limit is not read: a mistake there does not change the answer.
        let room = usize::try_from(self.limit.saturating_sub(self.length)).unwrap_or(usize::MAX);
        let (part, is_over) = match part.split_at_checked(room) {
            Some((front, rest)) => (front, !rest.is_empty()),
            None => (part, false),
        };
        self.length += part.len() as u64;
        let is_blank = part.iter().all(|byte| is_space(*byte));
        match self.stage {
            Stage::Start if !part.is_empty() => {
                return Err(malformed("bytes before the first record separator"));
            }
            Stage::Done(_) if !is_blank => {
                return Err(malformed("bytes behind a text"));
            }
            Stage::Done(is_kept) => {
                if is_kept {
                    out.bytes.extend_from_slice(part);
                }
                self.length = 0;
                return Ok(());
            }
            Stage::Blank if !is_blank => self.stage = Stage::Document,
            Stage::Start | Stage::Blank | Stage::Document => {}
        }
        self.json.write(part, inspector, &mut self.text)?;
        if is_over {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        let is_settled = self.json.walker.root_kept().is_some();
        if self.stage == Stage::Document && is_settled && part.ends_with(b"\n") {
            self.end_document(inspector, out)?;
        }
        Ok(())
    }

    fn end_document(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        self.has_documents = true;
        self.json.end(inspector, &mut self.text)?;
        let is_kept = !self.json.is_dropped();
        if is_kept {
            out.bytes.extend_from_slice(&[RS]);
            out.bytes.extend_from_slice(&self.text.bytes);
            self.waiting += 1 + self.text.bytes.len() as u64;
        }
        self.text.bytes.clear();
        self.json.restart();
        self.length = 0;
        self.stage = Stage::Done(is_kept);
        if !self.json.is_holding() {
            self.waiting = 0;
        } else if self.waiting > self.limit {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        Ok(())
    }

    /// Ends what stands between two separators, or at the end.
    fn end_text(&mut self, out: &mut Output) -> Result<(), Refusal> {
        match self.stage {
            Stage::Start | Stage::Done(_) => {}
            Stage::Blank => {
                out.bytes.extend_from_slice(&[RS]);
                out.bytes.extend_from_slice(self.json.unsettled());
                self.json.restart();
            }
            Stage::Document => {
                return Err(Refusal::new(ReasonCode::AnswerTruncated)
                    .because("a text without its line feed"));
            }
        }
        self.length = 0;
        Ok(())
    }

    fn pieces(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let mut rest = chunk;
        while let Some(at) = memchr::memchr2(RS, b'\n', rest) {
            if rest.get(at) == Some(&RS) {
                let (part, after) = rest.split_at_checked(at).unwrap_or_default();
                self.part(part, inspector, out)?;
                self.end_text(out)?;
                self.stage = Stage::Blank;
                self.number += 1;
                rest = after.get(1..).unwrap_or_default();
            } else {
                let (part, after) = rest.split_at_checked(at + 1).unwrap_or_default();
                self.part(part, inspector, out)?;
                rest = after;
            }
        }
        self.part(rest, inspector, out)
    }

    /// The refusal, with the text it came from.
    fn place(&mut self, refusal: Refusal) -> Refusal {
        let refusal = refusal.placed(format_args!("in text {}", self.number));
        self.refusal = Some(refusal.clone());
        refusal
    }

    fn is_holding(&self) -> bool {
        self.json.walker.judge().holds_whole() || self.has_documents && self.json.is_holding()
    }
}

impl Format for Sequence {
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
        _ = inspector;
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        self.end_text(out).map_err(|refusal| self.place(refusal))?;
        if self.has_documents {
            self.json.walker.judge().conclude()?;
        }
        out.held = false;
        Ok(())
    }

    fn buffered(&self) -> usize {
        self.json.buffered() + self.text.bytes.capacity()
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn malformed(what: &str) -> Refusal {
    Refusal::new(ReasonCode::AnswerMalformed).because(what)
}
