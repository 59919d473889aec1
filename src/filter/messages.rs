//! The messages of one WebSocket, one way: each is looked at whole, by itself, and passes, is changed, or is refused.
//!
//! A text that is one JSON document is read as one: under the route's owner rule, or for what detectors find in its
//! strings. Any other text is read as text, on `public` routes alone. Binary messages pass where the route's
//! `content` says so. What stands in two messages is no text.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;

use crate::filter::decode::Language;
use crate::filter::json::{Message, is_document};
use crate::filter::opaque::Opaque;
use crate::filter::owned::Owned;
use crate::filter::raw::Raw;
use crate::filter::stream::unchanged;
use crate::filter::text::Text;
use crate::filter::{Blocked, Context, Format, Inspector, Plan, Report, Side, Stream, headers};
use crate::policy::permit::Permit;
use crate::policy::treatment::Kind;
use crate::types::{ReasonCode, Refusal};

/// The type of binary messages, as `content` names it.
const BINARY: &str = "application/octet-stream";

/// Looks through the messages that go one way.
pub struct Messages {
    plan: Arc<Plan>,
    side: Side,
    /// None only after a message that could not even be begun: nothing passes then.
    inspector: Option<Inspector>,
    report: Report,
    count: u64,
}

/// Chooses the filter of one message.
type Choose = fn(&Messages, &[u8], &mut Inspector) -> Result<Box<dyn Format>, Refusal>;

impl Messages {
    /// The messages that go to `side` under `permit`.
    #[must_use]
    pub fn new(permit: &Permit, context: &Context, side: Side) -> Self {
        Self::of(&Arc::new(Plan::of(permit, context)), side)
    }

    fn of(plan: &Arc<Plan>, side: Side) -> Self {
        Self {
            plan: Arc::clone(plan),
            side,
            inspector: Some(Inspector::new(plan, side)),
            report: Report::default(),
            count: 0,
        }
    }

    /// Filters the fields of the answer that the messages come behind.
    ///
    /// # Errors
    /// Refuses what a rule blocks.
    pub fn head(&mut self, fields: &mut HeaderMap) -> Result<(), Box<Blocked>> {
        let Some(inspector) = &mut self.inspector else {
            return Err(Blocked::by(
                Refusal::new(ReasonCode::Internal),
                &self.report,
            ));
        };
        let looked = headers::inspect(fields, inspector);
        self.report = inspector.report().clone();
        looked.map_err(|refusal| Blocked::by(refusal, &self.report))?;
        headers::drop_stale(fields);
        Ok(())
    }

    /// What may pass of a text: none where it is another's record.
    ///
    /// # Errors
    /// Refuses what must not pass and what can't be read: the socket must end then.
    pub fn text(&mut self, text: &Bytes) -> Result<Option<Bytes>, Refusal> {
        self.count += 1;
        if text.is_empty() {
            return Ok(Some(Bytes::new()));
        }
        let passed = self.pass(text, Self::text_format)?;
        Ok((!passed.is_empty()).then_some(passed))
    }

    /// What may pass of binary data: all of it.
    ///
    /// # Errors
    /// Refuses it unless the route lets it pass.
    pub fn binary(&mut self, data: &Bytes) -> Result<Bytes, Refusal> {
        self.count += 1;
        self.pass(data, Self::binary_format)
    }

    /// What may pass of the words of a farewell. They are in no record, so that without `public` nothing vouches for them.
    ///
    /// # Errors
    /// Refuses what must not pass.
    pub fn reason(&mut self, words: &str) -> Result<Option<String>, Refusal> {
        if words.is_empty() {
            return Ok(None);
        }
        let is_covered = match self.side {
            Side::Request => self.plan.treatment.request.is_none(),
            Side::Response => self.plan.treatment.public.is_some(),
        };
        if !is_covered && !self.plan.is_observing {
            return Ok(None);
        }
        let words = Bytes::copy_from_slice(words.as_bytes());
        let passed = self.pass(&words, Self::text_format)?;
        Ok(String::from_utf8(passed.into()).ok())
    }

    /// What was found and done so far.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// How many messages have come.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Runs `bytes` through the filter that `choose` names.
    fn pass(&mut self, bytes: &Bytes, choose: Choose) -> Result<Bytes, Refusal> {
        let internal = || Refusal::new(ReasonCode::Internal);
        let mut inspector = self.inspector.take().ok_or_else(internal)?;
        let format = match choose(self, bytes, &mut inspector) {
            Ok(format) => format,
            Err(refusal) => {
                let length = bytes.len();
                let report = inspector.report_mut();
                report.came(length);
                report.refuse(&refusal);
                if self.plan.is_observing {
                    report.left(length);
                }
                self.report = report.clone();
                self.inspector = Some(inspector);
                return if self.plan.is_observing {
                    Ok(bytes.clone())
                } else {
                    Err(refusal)
                };
            }
        };
        let mut stream = Stream::over(inspector, format, &[])?;
        let read = stream.write(bytes).and_then(|()| stream.finish());
        let passed = if read.is_ok() {
            stream.take()
        } else {
            Bytes::new()
        };
        let inspector = stream.into_inspector();
        self.report = inspector.report().clone();
        self.inspector = Some(inspector);
        read.map(|()| passed)
    }

    fn text_format(
        &self,
        text: &[u8],
        inspector: &mut Inspector,
    ) -> Result<Box<dyn Format>, Refusal> {
        let plan = &self.plan;
        // What is beyond the limits of a document is refused as one.
        let is_document = is_document(text, plan).unwrap_or(true);
        let treatment = &plan.treatment;
        Ok(match self.side {
            Side::Response if treatment.is_unread() => Box::new(Opaque),
            Side::Request if inspector.is_idle() && treatment.request.is_none() => Box::new(Opaque),
            Side::Request => match treatment.request.clone() {
                Some(rule) => Box::new(Owned::new(inspector, rule, Some(Kind::Json))?),
                None => unchanged(is_document.then_some(Kind::Json), inspector),
            },
            Side::Response => match treatment.records.clone() {
                Some(rule) if is_document || treatment.public.is_none() => {
                    Box::new(Message::new(plan, Some(rule)))
                }
                None if treatment.public.is_none() => {
                    return Err(Refusal::new(ReasonCode::TypeUnsupported)
                        .by(&treatment.origin)
                        .because("a message on a route without a rule for any"));
                }
                None if is_document => Box::new(Message::new(plan, None)),
                _ => Box::new(Text::new(inspector, Language::Text)),
            },
        })
    }

    fn binary_format(
        &self,
        _: &[u8],
        inspector: &mut Inspector,
    ) -> Result<Box<dyn Format>, Refusal> {
        let treatment = &self.plan.treatment;
        let mut ranges = treatment.content.iter();
        if !ranges.any(|range| range.covers(BINARY)) {
            let code = match self.side {
                Side::Request => ReasonCode::RequestUnreadable,
                Side::Response => ReasonCode::TypeUnsupported,
            };
            return Err(Refusal::new(code)
                .by(&treatment.origin)
                .because("a binary message, which the route's `content` does not name"));
        }
        match (self.side, &treatment.request) {
            (Side::Response, _) => {
                inspector.report_mut().pass_unscanned(&treatment.origin);
                Ok(Box::new(Opaque))
            }
            (Side::Request, None) => Ok(Box::new(Raw::new(inspector))),
            (Side::Request, Some(rule)) => Err(Refusal::new(ReasonCode::RequestUnreadable)
                .by(&rule.origin)
                .because("the route's `request` rule reads no binary message")),
        }
    }
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messages")
            .field("side", &self.side)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
