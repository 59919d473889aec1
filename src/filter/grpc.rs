//! gRPC: a stream of messages, each behind its length, under the rules of the route.
//!
//! A message is taken apart by the route's descriptor set and judged as the JSON document that it amounts to, by
//! the record filter: whose it is and what detectors find in it is decided there. A message in which nothing is
//! found leaves byte for byte; one in which something is, is put together again from what is left.
//!
//! INVARIANT: a message is let go whole or not at all, and no byte of it that the descriptors don't explain.

mod document;
mod message;
pub(super) mod metadata;
mod rebuilt;
mod scalar;
mod wire;

use std::sync::Arc;

use prost_reflect::MessageDescriptor;

use self::document::Writer;
use self::message::Decoder;
use self::metadata::Packing;
use self::rebuilt::Rebuilder;
use self::wire::malformed;
use crate::filter::coding::Decoding;
use crate::filter::json::Documents;
use crate::filter::{Edit, Format, Inspector, Limits, Output, Place, Side};
use crate::json::{Lexer, LexerLimits, Tape};
use crate::policy::treatment::{Call, Treatment};
use crate::types::{ReasonCode, Refusal};

/// A flag, and the length of the message that follows.
const PREFIX: usize = 5;

/// A message may hold a value for this many bytes of `limits.record`.
const BYTES_PER_VALUE: usize = 16;

/// Memory that is kept for the next message.
const KEPT: usize = 256 << 10;

/// The type of bytes that are no text, as `content` names it.
const BINARY: &str = "application/octet-stream";

/// The messages of one body.
pub(super) struct Grpc {
    descriptor: MessageDescriptor,
    side: Side,
    packing: Packing,
    documents: Documents,
    limits: Limits,
    /// There may be no second message.
    is_single: bool,
    has_rule: bool,
    /// Nothing leaves before the end (requests under an owner rule).
    is_strict: bool,
    /// A body without any message is no answer to the rule.
    needs_message: bool,
    count: u64,
    /// The prefix and the message, as far as they have come.
    frame: Vec<u8>,
    /// The message without its coding.
    plain: Vec<u8>,
    json: Vec<u8>,
    tape: Tape,
    refusal: Option<Refusal>,
}

impl Grpc {
    /// The messages of an answer.
    ///
    /// # Errors
    /// Refuses answers that no rule covers, and those to a method that the descriptor set lacks.
    pub(super) fn answer(inspector: &Inspector, packing: Packing) -> Result<Self, Refusal> {
        let plan = inspector.plan();
        let treatment = &plan.treatment;
        if treatment.public.is_none() && treatment.records.is_none() {
            return Err(unsupported(treatment));
        }
        let call = plan.call.as_deref().ok_or_else(|| {
            unsupported(treatment).because("the descriptor set has no method at this path")
        })?;
        let rule = treatment.records.clone();
        let has_rule = rule.is_some();
        // Where one message is the whole answer, it can't be left out.
        let documents = if call.streams_answers {
            Documents::new(plan, rule)
        } else {
            Documents::single(plan, rule)
        };
        let mut messages = Self::new(inspector, &call.answer, packing, documents);
        messages.is_single = !call.streams_answers;
        messages.has_rule = has_rule;
        Ok(messages)
    }

    /// The messages of a request.
    ///
    /// # Errors
    /// Refuses requests for a method that the descriptor set lacks.
    pub(super) fn request(inspector: &Inspector, packing: Packing) -> Result<Self, Refusal> {
        let plan = inspector.plan();
        let call = called(plan.call.as_ref(), &plan.treatment)?;
        let rule = plan.treatment.request.clone();
        let needs_message = rule.as_deref().is_some_and(|rule| !rule.is_optional);
        let has_rule = rule.is_some();
        let documents = match rule {
            Some(rule) => Documents::strict(plan, rule),
            None => Documents::new(plan, None),
        };
        let mut messages = Self::new(inspector, &call.request, packing, documents);
        messages.is_single = !call.streams_requests;
        messages.has_rule = has_rule;
        messages.is_strict = has_rule;
        messages.needs_message = needs_message;
        Ok(messages)
    }

    fn new(
        inspector: &Inspector,
        descriptor: &MessageDescriptor,
        packing: Packing,
        documents: Documents,
    ) -> Self {
        Self {
            descriptor: descriptor.clone(),
            side: inspector.side(),
            packing,
            documents,
            limits: inspector.plan().context.limits,
            is_single: false,
            has_rule: false,
            is_strict: false,
            needs_message: false,
            count: 0,
            frame: Vec::new(),
            plain: Vec::new(),
            json: Vec::new(),
            tape: Tape::default(),
            refusal: None,
        }
    }

    fn read(
        &mut self,
        mut rest: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        while !rest.is_empty() {
            let length = self.length()?;
            let wanted = length.map_or(PREFIX, |length| PREFIX + length) - self.frame.len();
            let (part, after) = rest.split_at_checked(wanted).unwrap_or((rest, &[]));
            self.frame.extend_from_slice(part);
            rest = after;
            if let Some(length) = self.length()?
                && self.frame.len() == PREFIX + length
            {
                self.message(inspector, out)?;
                self.frame.clear();
                self.count += 1;
                for buffer in [&mut self.frame, &mut self.plain, &mut self.json] {
                    buffer.clear();
                    buffer.shrink_to(KEPT);
                }
                self.tape.clear();
                self.tape.shrink(KEPT / 64);
            }
            if self.is_strict && out.bytes.len() > self.limits.record {
                return Err(Refusal::new(ReasonCode::RecordTooLarge));
            }
        }
        Ok(())
    }

    /// The length of the message that has begun; none before its prefix is whole.
    fn length(&self) -> Result<Option<usize>, Refusal> {
        let Some(&[flag, a, b, c, d]) = self.frame.get(..PREFIX) else {
            return Ok(None);
        };
        if flag > 1 {
            return Err(malformed("the flag before a message is none"));
        }
        if self.is_single && self.count > 0 {
            return Err(malformed("more than one message where there is to be one"));
        }
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if length > self.limits.record {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        Ok(Some(length))
    }

    /// Judges the message that is whole.
    fn message(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        self.unpack()?;
        let plan = inspector.plan();
        let mut ranges = plan.treatment.content.iter();
        let is_open = ranges.any(|range| range.covers(BINARY));
        let mut edits: Vec<Edit> = Vec::new();
        let side = self.side;
        let mut opaque = |bytes: &[u8]| match side {
            Side::Request => inspector.inspect(bytes, &Place::Body(0), &mut edits),
            Side::Response if is_open => {
                let origin = inspector.plan().treatment.origin.clone();
                inspector.report_mut().pass_unscanned(&origin);
                Ok(())
            }
            Side::Response => Err(unsupported(&inspector.plan().treatment)
                .because("bytes that are no text, which the route's `content` does not name")),
        };
        let mut decoder = Decoder {
            bytes: &self.plain,
            depth: self.limits.depth,
            room: self.limits.record / BYTES_PER_VALUE,
            notes_lists: self.has_rule,
            opaque: &mut opaque,
        };
        let mut message = decoder.message(&self.descriptor, 0..self.plain.len(), 0)?;
        let mut writer = Writer {
            bytes: &self.plain,
            json: &mut self.json,
            limit: self.limits.record,
        };
        writer.message(&mut message)?;
        let Some(left) = self.documents.filter(&self.json, inspector)? else {
            return Ok(());
        };
        if left == self.json {
            if self.side == Side::Request {
                out.bytes.extend_from_slice(&self.frame);
            } else {
                put(&self.plain, out);
            }
            return Ok(());
        }
        // Requests are refused or left alone.
        if self.side == Side::Request {
            return Err(Refusal::new(ReasonCode::Internal));
        }
        read_back(left, &self.limits, &mut self.tape)?;
        let rebuilder = Rebuilder {
            bytes: &self.plain,
            before: &self.json,
            after: left,
            document: self.tape.over(left),
        };
        let mut rebuilt = Vec::new();
        rebuilder.message(&message, 0, &mut rebuilt)?;
        put(&rebuilt, out);
        Ok(())
    }

    /// Undoes the message's own coding.
    fn unpack(&mut self) -> Result<(), Refusal> {
        self.plain.clear();
        let (prefix, message) = self.frame.split_at_checked(PREFIX).unwrap_or_default();
        if prefix.first() == Some(&0) {
            self.plain.extend_from_slice(message);
            return Ok(());
        }
        let coding = match self.packing {
            Packing::Known(coding) => coding,
            Packing::None => return Err(malformed("a compressed message without its coding")),
            Packing::Unknown => {
                return Err(Refusal::new(match self.side {
                    Side::Request => ReasonCode::RequestUnreadable,
                    Side::Response => ReasonCode::CodingUnsupported,
                })
                .because("the coding of a message can't be undone"));
            }
        };
        let mut decoding = Decoding::new(&[coding], &self.limits)?;
        let (plain, limit) = (&mut self.plain, self.limits.record);
        decoding.write(message, &mut |bytes| {
            if plain.len() + bytes.len() > limit {
                return Err(Refusal::new(ReasonCode::RecordTooLarge));
            }
            plain.extend_from_slice(bytes);
            Ok(())
        })?;
        decoding.finish()
    }

    fn end(&mut self) -> Result<(), Refusal> {
        if !self.frame.is_empty() {
            return Err(Refusal::new(ReasonCode::AnswerTruncated)
                .because("the body ends inside of a message"));
        }
        if self.needs_message && self.count == 0 {
            return Err(Refusal::new(ReasonCode::NothingSelected));
        }
        self.documents.conclude()
    }

    /// The refusal, with the message it came from.
    fn place(&mut self, refusal: Refusal) -> Refusal {
        let refusal = match &refusal.detail {
            Some(detail) => {
                let detail = format!("{detail} in message {}", self.count + 1);
                refusal.because(detail)
            }
            None => refusal,
        };
        self.refusal = Some(refusal.clone());
        refusal
    }
}

impl Format for Grpc {
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        self.read(chunk, inspector, out)
            .map_err(|refusal| self.place(refusal))?;
        out.held = self.is_strict || self.documents.is_holding();
        Ok(())
    }

    fn finish(&mut self, _: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        self.end()
            .inspect_err(|refusal| self.refusal = Some(refusal.clone()))?;
        out.held = false;
        Ok(())
    }

    fn buffered(&self) -> usize {
        let own = self.frame.capacity() + self.plain.capacity() + self.json.capacity();
        own + self.tape.held() + self.documents.held()
    }
}

/// The method that a request calls.
///
/// # Errors
/// Refuses what the descriptor set lacks.
pub(super) fn called<'a>(
    call: Option<&'a Arc<Call>>,
    treatment: &Treatment,
) -> Result<&'a Arc<Call>, Refusal> {
    call.ok_or_else(|| {
        Refusal::new(ReasonCode::RequestUnreadable)
            .by(&treatment.origin)
            .because("the descriptor set has no method at this path")
    })
}

/// Writes a message behind its prefix.
fn put(message: &[u8], out: &mut Output) {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    out.bytes.extend_from_slice(&[0]);
    out.bytes.extend_from_slice(&length.to_be_bytes());
    out.bytes.extend_from_slice(message);
}

/// Reads what the record filter has left of a document.
fn read_back(left: &[u8], limits: &Limits, tape: &mut Tape) -> Result<(), Refusal> {
    let internal = |_| Refusal::new(ReasonCode::Internal);
    let mut lexer = Lexer::new(LexerLimits {
        depth: limits.depth,
        // A placeholder may be longer than what it stands for.
        string: usize::MAX,
    });
    tape.clear();
    let mut rest = left;
    while let Some(event) = lexer.next(&mut rest).map_err(internal)? {
        tape.push(event, 0);
    }
    if let Some(event) = lexer.finish().map_err(internal)? {
        tape.push(event, 0);
    }
    Ok(())
}

fn unsupported(treatment: &Treatment) -> Refusal {
    Refusal::new(ReasonCode::TypeUnsupported).by(&treatment.origin)
}

#[cfg(test)]
mod tests;
