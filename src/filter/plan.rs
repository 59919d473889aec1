//! What one exchange's filter works by: the permit's treatment, the subject, the moment and the limits.

use std::sync::Arc;

use crate::policy::Mode;
use crate::policy::permit::Permit;
use crate::policy::treatment::{Call, Class, Treatment};
use crate::types::{Budget, FingerprintKey, Level, Subject};

/// Everything the filter needs to know about one exchange.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is done on this route.
    pub treatment: Arc<Treatment>,
    /// Whom the request acts for.
    pub subject: Arc<Subject>,
    /// Findings are recorded, nothing is changed or blocked (`mode: observe`).
    pub is_observing: bool,
    /// How far reviewers trust what answers.
    pub level: Level,
    /// The method of gRPC that is called, where the route's descriptor set has it.
    pub call: Option<Arc<Call>>,
    /// The moment and the surroundings.
    pub context: Context,
}

impl Plan {
    /// The plan that a permit grants.
    #[must_use]
    pub fn of(permit: &Permit, context: &Context) -> Self {
        Self {
            treatment: permit.treatment().clone(),
            subject: permit.subject().clone(),
            is_observing: permit.mode() == Mode::Observe,
            level: permit.level(),
            call: permit.call().cloned(),
            context: context.clone(),
        }
    }

    /// The kinds of rules that run, as `Chaperone-Filter` names them.
    #[must_use]
    pub fn kinds(treatment: &Treatment) -> Vec<&'static str> {
        let rules = &treatment.detect.rules;
        let has = |wanted: fn(&Class) -> bool| rules.iter().any(|rule| wanted(&rule.class));
        [
            (
                "owner",
                treatment.has_owner_rule() || treatment.request.is_some(),
            ),
            ("detector", has(|class| matches!(class, Class::Detector))),
            (
                "dictionary",
                has(|class| matches!(class, Class::Dictionary)),
            ),
            (
                "embargo",
                has(|class| matches!(class, Class::Embargo { .. })),
            ),
        ]
        .into_iter()
        .filter_map(|(kind, runs)| runs.then_some(kind))
        .collect()
    }
}

/// The moment and the surroundings of one exchange.
#[derive(Clone, Debug)]
pub struct Context {
    /// When the exchange began: exceptions end and embargoes open against it.
    pub now: jiff::Timestamp,
    /// The preview's name, part of every pseudonym.
    pub preview: Arc<str>,
    /// The key of fingerprints and pseudonyms.
    pub key: FingerprintKey,
    /// The limits of one exchange.
    pub limits: Limits,
    /// The account of held bytes that all exchanges share.
    pub budget: Budget,
}

/// The limits of one exchange's bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one record, or of an answer that must be held whole.
    pub record: usize,
    /// Bytes of one string.
    pub string: usize,
    /// Levels of nesting.
    pub depth: usize,
    /// Content codings on top of each other.
    pub codings: usize,
    /// Decoded bytes for each coded one.
    pub ratio: u64,
    /// Bytes of a request's body.
    pub request_body: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record: 8 << 20,
            string: 1 << 20,
            depth: 128,
            codings: 2,
            ratio: 100,
            request_body: 64 << 20,
        }
    }
}

/// Which way a body goes: answers are changed, requests are refused or left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// From the client to the app.
    Request,
    /// From the app to the client.
    Response,
}
