//! Documents that other formats carry, each whole in memory.

use std::sync::Arc;

use super::Json;
use crate::filter::{Format as _, Inspector, Output, Plan};
use crate::json::{LexErrorKind, Lexer, LexerLimits};
use crate::policy::treatment::RecordRule;
use crate::types::{ReasonCode, Refusal};

/// The documents of one body.
#[derive(Debug)]
pub(crate) struct Documents {
    json: Json,
    kept: Output,
    has_documents: bool,
}

impl Documents {
    /// A filter for documents under `rule`, or one that only looks for what detectors find.
    pub(crate) fn new(plan: &Plan, rule: Option<Arc<RecordRule>>) -> Self {
        Self {
            json: Json::build(plan, rule, true),
            kept: Output::default(),
            has_documents: false,
        }
    }

    /// The same for a body of one document, which can't be left out.
    pub(crate) fn single(plan: &Plan, rule: Option<Arc<RecordRule>>) -> Self {
        Self {
            json: Json::build(plan, rule, false),
            kept: Output::default(),
            has_documents: false,
        }
    }

    /// The same for documents of a request: all in them is the subject's, or they are refused.
    pub(crate) fn strict(plan: &Plan, rule: Arc<RecordRule>) -> Self {
        Self {
            json: Json::strict(plan, rule),
            kept: Output::default(),
            has_documents: false,
        }
    }

    /// What may pass of `document`; none where it is left out whole.
    pub(crate) fn filter(
        &mut self,
        document: &[u8],
        inspector: &mut Inspector,
    ) -> Result<Option<&[u8]>, Refusal> {
        self.has_documents = true;
        self.kept.bytes.clear();
        self.json.restart();
        self.json.write(document, inspector, &mut self.kept)?;
        self.json.end(inspector, &mut self.kept)?;
        Ok((!self.json.is_dropped()).then_some(&*self.kept.bytes))
    }

    /// Nothing may leave yet: a later document can still decide against all of them.
    pub(crate) fn is_holding(&self) -> bool {
        self.json.walker.judge().holds_whole() || self.has_documents && self.json.is_holding()
    }

    /// The refusal of documents among which nothing is what the selector names.
    pub(crate) fn conclude(&self) -> Result<(), Refusal> {
        // A stream without documents is an honest answer, like an empty list.
        if self.has_documents {
            self.json.walker.judge().conclude()?;
        }
        Ok(())
    }

    pub(crate) fn held(&self) -> usize {
        self.json.buffered() + self.kept.bytes.capacity()
    }
}

/// Whether `text` is one JSON document.
///
/// # Errors
/// Refuses what is beyond the limits: it may be one all the same.
pub(crate) fn is_document(text: &[u8], plan: &Plan) -> Result<bool, Refusal> {
    let limits = plan.context.limits;
    let mut lexer = Lexer::new(LexerLimits {
        depth: limits.depth,
        string: limits.string,
    });
    let mut rest = text;
    let error = loop {
        match lexer.next(&mut rest) {
            Ok(Some(_)) => {}
            Ok(None) => match lexer.finish() {
                Ok(_) => return Ok(true),
                Err(error) => break error,
            },
            Err(error) => break error,
        }
    };
    match error.kind {
        LexErrorKind::TooDeep => Err(Refusal::new(ReasonCode::AnswerTooDeep)),
        LexErrorKind::TooLong => Err(Refusal::new(ReasonCode::StringTooLong)),
        LexErrorKind::Expected(_) | LexErrorKind::Truncated | LexErrorKind::Utf8 => Ok(false),
    }
}
