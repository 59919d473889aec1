//! One JSON document that is a message: let go whole, or not at all.

use std::sync::Arc;

use super::Json;
use crate::filter::{Format, Inspector, Output, Plan};
use crate::policy::treatment::RecordRule;
use crate::types::Refusal;

/// A message in JSON.
#[derive(Debug)]
pub(crate) struct Message {
    json: Json,
    kept: Output,
}

impl Message {
    /// A filter for a message under `rule`, or one that only looks for what detectors find.
    pub(crate) fn new(plan: &Plan, rule: Option<Arc<RecordRule>>) -> Self {
        Self {
            json: Json::build(plan, rule, true),
            kept: Output::default(),
        }
    }
}

impl Format for Message {
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        out.held = true;
        self.json.write(chunk, inspector, &mut self.kept)
    }

    /// Nothing comes out where the message is another's record.
    fn finish(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        self.json.finish(inspector, &mut self.kept)?;
        if !self.json.is_dropped() {
            out.bytes.extend_from_slice(&self.kept.bytes);
        }
        self.kept.bytes.clear();
        out.held = false;
        Ok(())
    }

    fn buffered(&self) -> usize {
        self.json.buffered() + self.kept.bytes.capacity()
    }
}
