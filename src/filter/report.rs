//! What the filter did to one exchange: findings without their text, counts by rule, bytes.

use std::sync::Arc;

use crate::policy::treatment::{Action, Class, DetectRule, Others};
use crate::types::fingerprint::Fingerprint;
use crate::types::{Control, Origin, Refusal, Verdict};

/// What a rule did that lets pass.
const ALLOW: &str = "allow";

/// The kind of the rule that lets bodies pass unscanned.
const CONTENT: &str = "content";

/// One match that a rule acted on; never its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The detector, dictionary or embargo.
    pub detector: Arc<str>,
    /// The place in full, for the terminal.
    pub path: Box<str>,
    /// The place with names masked that could be data, for the log.
    pub masked: Box<str>,
    /// The first byte of the match in the decoded text at that place.
    pub start: u64,
    /// One past its last byte.
    pub end: u64,
    /// What became of it.
    pub action: Action,
    /// The keyed name of the matched value: the same value has the same name.
    pub fingerprint: Fingerprint,
}

/// How often one rule acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Where the rule stands.
    pub origin: Origin,
    /// The detector's name; the route's for an owner rule.
    pub rule: Arc<str>,
    /// The control it serves.
    pub control: Control,
    /// What it did: `allow`, `block`, `drop`, `hide`, `mask`, `pseudonymize`, `redact`.
    pub action: &'static str,
    /// The kind of rule, as `Chaperone-Filter` names it: `content`, `owner`, `detector`, `dictionary`, `embargo`.
    pub kind: &'static str,
    /// How often.
    pub count: u64,
}

/// What was done to one exchange so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many findings are kept in detail.
    listed: usize,
    findings: Vec<Finding>,
    unlisted: u64,
    counts: Vec<Count>,
    refusal: Option<Refusal>,
    bytes_in: u64,
    bytes_out: u64,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            listed: Self::LISTED,
            findings: Vec::new(),
            unlisted: 0,
            counts: Vec::new(),
            refusal: None,
            bytes_in: 0,
            bytes_out: 0,
        }
    }
}

impl Report {
    /// Findings kept in detail, unless more are asked for; the rest are counted.
    pub const LISTED: usize = 1000;

    /// The first [`Report::LISTED`] findings, in the order of the body.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Findings beyond those in the list.
    #[must_use]
    pub fn unlisted(&self) -> u64 {
        self.unlisted
    }

    /// Findings in all.
    pub(crate) fn found(&self) -> u64 {
        self.findings.len() as u64 + self.unlisted
    }

    /// How often each rule acted, in the order of their first time.
    #[must_use]
    pub fn counts(&self) -> &[Count] {
        &self.counts
    }

    /// Why the exchange was blocked, if it was (or, when observing, would have been).
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// Bytes of the body as it came, coded.
    #[must_use]
    pub fn bytes_in(&self) -> u64 {
        self.bytes_in
    }

    /// Bytes of the body that left.
    #[must_use]
    pub fn bytes_out(&self) -> u64 {
        self.bytes_out
    }

    /// What was decided about the exchange.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.refusal.is_some() {
            Verdict::Block
        } else if self.counts.iter().all(|count| count.action == ALLOW) {
            Verdict::Allow
        } else {
            Verdict::Redact
        }
    }

    /// Keeps this many findings in detail.
    pub(crate) fn list(&mut self, findings: usize) {
        self.listed = findings;
    }

    /// Counts a record that was not the subject's.
    pub(crate) fn withhold(&mut self, origin: &Origin, others: Others) {
        let action = match others {
            Others::Block => "block",
            Others::Drop => "drop",
            Others::Hide => "hide",
            Others::Redact => "redact",
        };
        self.count(origin, &origin.rule, Control::Leak, action, "owner");
    }

    /// Counts an answer that `content` lets pass unscanned.
    pub(crate) fn pass_unscanned(&mut self, origin: &Origin) {
        self.count(origin, &origin.rule, Control::Leak, ALLOW, CONTENT);
    }

    /// The body passes unscanned, because its type stands in the route's `content`.
    #[must_use]
    pub fn is_unscanned(&self) -> bool {
        self.counts.iter().any(|count| count.kind == CONTENT)
    }

    /// Counts a match, and lists it while there is room.
    pub(crate) fn find(
        &mut self,
        rule: &DetectRule,
        action: Action,
        finding: impl FnOnce() -> Finding,
    ) {
        self.count(
            &rule.origin,
            &rule.detector,
            rule.control,
            word(action),
            kind(rule.class),
        );
        if self.findings.len() < self.listed {
            self.findings.push(finding());
        } else {
            self.unlisted += 1;
        }
    }

    /// Notes the block that ends the exchange; the first one stays.
    pub(crate) fn refuse(&mut self, refusal: &Refusal) {
        self.refusal.get_or_insert_with(|| refusal.clone());
    }

    /// Counts bytes that came.
    pub(crate) fn came(&mut self, bytes: usize) {
        self.bytes_in += bytes as u64;
    }

    /// Counts bytes that left.
    pub(crate) fn left(&mut self, bytes: usize) {
        self.bytes_out += bytes as u64;
    }

    fn count(
        &mut self,
        origin: &Origin,
        rule: &Arc<str>,
        control: Control,
        action: &'static str,
        kind: &'static str,
    ) {
        let same = |count: &&mut Count| {
            count.action == action && count.rule == *rule && count.origin == *origin
        };
        if let Some(count) = self.counts.iter_mut().find(same) {
            count.count += 1;
        } else {
            self.counts.push(Count {
                origin: origin.clone(),
                rule: rule.clone(),
                control,
                action,
                kind,
                count: 1,
            });
        }
    }
}

/// The word for an action in log and report.
pub(crate) fn word(action: Action) -> &'static str {
    match action {
        Action::Block => "block",
        Action::Mask { .. } => "mask",
        Action::Pseudonymize => "pseudonymize",
        Action::Redact => "redact",
    }
}

fn kind(class: Class) -> &'static str {
    match class {
        Class::Detector => "detector",
        Class::Dictionary => "dictionary",
        Class::Embargo { .. } => "embargo",
    }
}
