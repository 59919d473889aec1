//! One body through the filter, push by push: codings undone, read as its kind, what may pass given out.
//!
//! Synchronous and free of HTTP: the body adaptor, `redact`, benches and fuzz targets drive the same engine.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::filter::charset::Charset;
use crate::filter::coding::{Coding, Decoding};
use crate::filter::decode::Language;
use crate::filter::events::Events;
use crate::filter::form::Form;
use crate::filter::grpc::Grpc;
use crate::filter::html::Html;
use crate::filter::json::{Json, Lines, Sequence};
use crate::filter::opaque::Opaque;
use crate::filter::owned::Owned;
use crate::filter::parts::Parts;
use crate::filter::raw::Raw;
use crate::filter::rows::Rows;
use crate::filter::text::Text;
use crate::filter::{Format, Inspector, Output, Plan, Report, Side};
use crate::policy::treatment::Kind;
use crate::types::{ReasonCode, Refusal, Reservation};

/// The filter of one body.
pub struct Stream {
    inspector: Inspector,
    decoding: Decoding,
    format: Box<dyn Format>,
    output: Output,
    is_verbatim: bool,
    /// Its messages are gRPC's, and so are the fields around them.
    is_grpc: bool,
    reservation: Reservation,
    refused: Option<Refusal>,
}

impl Stream {
    /// A filter for a body of `kind`, coded with `codings` in the order they were applied.
    ///
    /// # Errors
    /// Refuses kinds that the route's rules do not cover.
    pub fn new(
        plan: &Arc<Plan>,
        side: Side,
        kind: Option<Kind>,
        codings: &[Coding],
    ) -> Result<Self, Refusal> {
        Self::with(Inspector::new(plan, side), kind, codings)
    }

    /// The same, going on with an inspector that has looked at the message's head.
    pub(crate) fn with(
        inspector: Inspector,
        kind: Option<Kind>,
        codings: &[Coding],
    ) -> Result<Self, Refusal> {
        let format: Box<dyn Format> = match inspector.side() {
            Side::Request => match inspector.plan().treatment.request.clone() {
                Some(rule) => Box::new(Owned::new(&inspector, rule, kind)?),
                None => unchanged(kind, &inspector),
            },
            Side::Response => part(kind, &inspector)?,
        };
        Self::over(inspector, format, codings)
    }

    /// The same for an answer in `charset`.
    pub(super) fn of_answer(
        inspector: Inspector,
        kind: Option<Kind>,
        charset: Charset,
        codings: &[Coding],
    ) -> Result<Self, Refusal> {
        let format = charset.over(part(kind, &inspector)?, &inspector);
        Self::over(inspector, format, codings)
    }

    /// The same for a type that the route lets pass unscanned: only its codings are undone.
    pub(crate) fn unscanned(mut inspector: Inspector, codings: &[Coding]) -> Result<Self, Refusal> {
        let origin = inspector.plan().treatment.origin.clone();
        inspector.report_mut().pass_unscanned(&origin);
        let mut stream = Self::over(inspector, Box::new(Opaque), codings)?;
        stream.is_verbatim = codings.is_empty();
        Ok(stream)
    }

    /// The same for an answer of several parts between lines of `boundary`.
    pub(super) fn of_parts(
        inspector: Inspector,
        boundary: &str,
        codings: &[Coding],
    ) -> Result<Self, Refusal> {
        let format = Box::new(Parts::new(&inspector, boundary));
        Self::over(inspector, format, codings)
    }

    /// The same for messages of gRPC.
    pub(super) fn of_messages(
        inspector: Inspector,
        messages: Grpc,
        codings: &[Coding],
    ) -> Result<Self, Refusal> {
        let mut stream = Self::over(inspector, Box::new(messages), codings)?;
        stream.is_grpc = true;
        Ok(stream)
    }

    /// The same, for a body that `format` reads.
    pub(super) fn over(
        inspector: Inspector,
        format: Box<dyn Format>,
        codings: &[Coding],
    ) -> Result<Self, Refusal> {
        let context = &inspector.plan().context;
        Ok(Self {
            is_verbatim: false,
            is_grpc: false,
            decoding: Decoding::new(codings, &context.limits)?,
            reservation: context.budget.reserve(),
            format,
            inspector,
            output: Output::default(),
            refused: None,
        })
    }

    /// Takes the next bytes of the body.
    ///
    /// # Errors
    /// Refuses what must not pass and what can't be read; from then on nothing more comes out.
    pub fn write(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        self.inspector.report_mut().came(chunk.len());
        self.step(chunk, |stream, chunk, output| {
            let limit = stream.inspector.plan().context.limits.record;
            let (format, inspector) = (&mut stream.format, &mut stream.inspector);
            stream.decoding.write(chunk, &mut |bytes| {
                format.write(bytes, inspector, output)?;
                if output.held && output.bytes.len() > limit {
                    return Err(Refusal::new(ReasonCode::RecordTooLarge));
                }
                Ok(())
            })
        })
    }

    /// Takes the end of the body.
    ///
    /// # Errors
    /// Refuses a body that is not whole, or whose end decides against it.
    pub fn finish(&mut self) -> Result<(), Refusal> {
        self.step(&[], |stream, _, output| {
            stream.decoding.finish()?;
            stream.format.finish(&mut stream.inspector, output)?;
            output.held = false;
            Ok(())
        })
    }

    /// Bytes that may leave now.
    #[must_use]
    pub fn ready(&self) -> usize {
        if self.output.held {
            0
        } else {
            self.output.bytes.len()
        }
    }

    /// A later part of the body still decides whether anything may leave.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.output.held
    }

    /// Everything leaves as it came; what would happen is only recorded.
    #[must_use]
    pub fn is_observing(&self) -> bool {
        self.inspector.plan().is_observing
    }

    /// The fields behind the body are gRPC's.
    pub(super) fn is_grpc(&self) -> bool {
        self.is_grpc
    }

    /// As many bytes leave as came.
    pub(crate) fn is_verbatim(&self) -> bool {
        self.is_verbatim
    }

    /// Takes the bytes that may leave now.
    pub fn take(&mut self) -> Bytes {
        let length = self.ready();
        self.inspector.report_mut().left(length);
        self.output.bytes.split_to(length).freeze()
    }

    /// What was found and done so far.
    #[must_use]
    pub fn report(&self) -> &Report {
        self.inspector.report()
    }

    /// Keeps this many findings in detail in the report.
    pub fn list_findings(&mut self, findings: usize) {
        self.inspector.report_mut().list(findings);
    }

    /// What has looked at the body, to look at another.
    pub(super) fn into_inspector(self) -> Inspector {
        self.inspector
    }

    pub(crate) fn inspector_mut(&mut self) -> &mut Inspector {
        &mut self.inspector
    }

    /// Runs one step; when observing, beside the untouched bytes.
    fn step(
        &mut self,
        chunk: &[u8],
        run: impl FnOnce(&mut Self, &[u8], &mut Output) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let is_observing = self.is_observing();
        if let Some(refusal) = &self.refused {
            if is_observing {
                self.output.bytes.extend_from_slice(chunk);
                return Ok(());
            }
            return Err(refusal.clone());
        }
        let mut output = if is_observing {
            self.output.bytes.extend_from_slice(chunk);
            Output::default()
        } else {
            std::mem::take(&mut self.output)
        };
        let result = run(self, chunk, &mut output).and_then(|()| {
            let held = if output.held { output.bytes.len() } else { 0 };
            if self.reservation.resize(held + self.format.buffered()) {
                Ok(())
            } else {
                Err(Refusal::new(ReasonCode::Overloaded))
            }
        });
        if let Err(refusal) = result {
            let mut refusal = for_side(refusal, self.inspector.side());
            // What a rule forbids names that rule, or none; what can't be read is the route's to mend.
            if refusal.origin.is_none() && is_unreadable(refusal.code) {
                refusal = refusal.by(&self.inspector.plan().treatment.origin);
            }
            self.inspector.report_mut().refuse(&refusal);
            self.refused = Some(refusal.clone());
            return if is_observing { Ok(()) } else { Err(refusal) };
        }
        if !is_observing {
            self.output = output;
        }
        Ok(())
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("inspector", &self.inspector)
            .field("decoding", &self.decoding)
            .finish_non_exhaustive()
    }
}

/// The format for a request's body without an owner rule: it is refused or left alone.
pub(super) fn unchanged(kind: Option<Kind>, inspector: &Inspector) -> Box<dyn Format> {
    match kind {
        None
        | Some(
            Kind::Csv
            | Kind::Events
            | Kind::Folded
            | Kind::Html
            | Kind::Multipart
            | Kind::Script
            | Kind::Style
            | Kind::Text
            | Kind::Tsv
            | Kind::Xml,
        ) => Box::new(Raw::new(inspector)),
        Some(Kind::Form) => Box::new(Form::new(inspector)),
        Some(Kind::Json) => Box::new(Json::new(inspector.plan(), None)),
        Some(Kind::JsonSequence) => Box::new(Sequence::new(inspector.plan(), None)),
        Some(Kind::Ndjson) => Box::new(Lines::new(inspector.plan(), None)),
    }
}

/// The format for an answer, or for a part of one, where the route's rules cover its kind.
pub(super) fn part(kind: Option<Kind>, inspector: &Inspector) -> Result<Box<dyn Format>, Refusal> {
    let treatment = &inspector.plan().treatment;
    let unsupported = Refusal::new(ReasonCode::TypeUnsupported).by(&treatment.origin);
    let rule = treatment.records.clone();
    let is_covered = treatment.public.is_some();
    match kind {
        Some(Kind::Json) if is_covered || rule.is_some() => {
            Ok(Box::new(Json::new(inspector.plan(), rule)))
        }
        Some(Kind::Events) if is_covered || rule.is_some() => {
            Ok(Box::new(Events::new(inspector, rule)))
        }
        Some(Kind::Html) if is_covered || treatment.html.is_some() => {
            Ok(Box::new(Html::new(inspector, treatment.html.clone())?))
        }
        Some(Kind::JsonSequence) if is_covered || rule.is_some() => {
            Ok(Box::new(Sequence::new(inspector.plan(), rule)))
        }
        Some(Kind::Ndjson) if is_covered || rule.is_some() => {
            Ok(Box::new(Lines::new(inspector.plan(), rule)))
        }
        Some(kind @ (Kind::Csv | Kind::Tsv)) if let Some(rule) = &treatment.rows => {
            Ok(Box::new(Rows::new(inspector, rule.clone(), kind)))
        }
        _ if !is_covered => Err(unsupported),
        Some(Kind::Csv | Kind::Text | Kind::Tsv) => {
            Ok(Box::new(Text::new(inspector, Language::Text)))
        }
        Some(Kind::Folded) => Ok(Box::new(Text::new(inspector, Language::Folded))),
        Some(Kind::Script) => Ok(Box::new(Text::new(inspector, Language::Script))),
        Some(Kind::Style) => Ok(Box::new(Text::new(inspector, Language::Style))),
        Some(Kind::Xml) => Ok(Box::new(Text::new(inspector, Language::Xml))),
        Some(Kind::Form) => Ok(Box::new(Form::of_answer(inspector))),
        Some(
            Kind::Events
            | Kind::Html
            | Kind::Json
            | Kind::JsonSequence
            | Kind::Multipart
            | Kind::Ndjson,
        )
        | None => Err(unsupported),
    }
}

fn is_unreadable(code: ReasonCode) -> bool {
    matches!(
        code,
        ReasonCode::AnswerMalformed
            | ReasonCode::AnswerTooDeep
            | ReasonCode::AnswerTruncated
            | ReasonCode::CodingBomb
            | ReasonCode::NothingSelected
            | ReasonCode::RecordTooLarge
            | ReasonCode::RequestMalformed
            | ReasonCode::StringTooLong
    )
}

/// The formats speak of answers; about a request the same is said in other codes.
fn for_side(refusal: Refusal, side: Side) -> Refusal {
    if side == Side::Response {
        return refusal;
    }
    let code = match refusal.code {
        ReasonCode::AnswerMalformed | ReasonCode::AnswerTooDeep | ReasonCode::AnswerTruncated => {
            ReasonCode::RequestMalformed
        }
        ReasonCode::RecordTooLarge | ReasonCode::StringTooLong => ReasonCode::RequestTooLarge,
        ReasonCode::ForeignRecord | ReasonCode::NothingSelected => ReasonCode::RequestForeignRecord,
        code => code,
    };
    let refusal = if refusal.code == ReasonCode::NothingSelected {
        refusal.because("it holds none of the route's records")
    } else {
        refusal
    };
    Refusal { code, ..refusal }
}

#[cfg(test)]
mod tests;
