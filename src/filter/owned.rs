//! A request's body under an owner rule: kept back whole, and let go as it came once every record in it is the subject's.

use std::sync::Arc;

use bytes::BytesMut;

use crate::filter::json::{Json, Lines};
use crate::filter::{Format, Inspector, Output};
use crate::policy::treatment::{Kind, RecordRule};
use crate::types::{ReasonCode, Refusal};

/// A body of records that are all to be the subject's.
pub(super) struct Owned {
    records: Box<dyn Format>,
    /// What passes of the records; all of it, or the body is refused.
    passed: Output,
    body: BytesMut,
}

impl Owned {
    /// A body of `kind` under `rule`.
    ///
    /// # Errors
    /// Refuses kinds in which the rule finds no records.
    pub(super) fn new(
        inspector: &Inspector,
        rule: Arc<RecordRule>,
        kind: Option<Kind>,
    ) -> Result<Self, Refusal> {
        let plan = inspector.plan();
        let records: Box<dyn Format> = match kind {
            Some(Kind::Json) => Box::new(Json::strict(plan, rule)),
            Some(Kind::Ndjson) => Box::new(Lines::strict(plan, rule)),
            _ => {
                return Err(Refusal::new(ReasonCode::RequestUnreadable)
                    .by(&rule.origin)
                    .because("the route's `request` rule reads JSON and NDJSON alone"));
            }
        };
        Ok(Self {
            records,
            passed: Output::default(),
            body: BytesMut::new(),
        })
    }
}

impl Format for Owned {
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        out.held = true;
        self.records.write(chunk, inspector, &mut self.passed)?;
        self.passed.bytes.clear();
        self.body.extend_from_slice(chunk);
        if self.body.len() > inspector.plan().context.limits.record {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        Ok(())
    }

    fn finish(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        self.records.finish(inspector, &mut self.passed)?;
        self.passed.bytes.clear();
        out.bytes.extend_from_slice(&self.body.split());
        out.held = false;
        Ok(())
    }

    fn buffered(&self) -> usize {
        self.body.capacity() + self.records.buffered()
    }
}
