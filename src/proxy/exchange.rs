//! The guard of one exchange: opened first, closed last, and exactly one audit record either way.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;

use super::normalise::METHOD;
use crate::audit::{AuditError, Event, Naming, Record, RuleAction, RuleHit, Writer};
use crate::capability::claimed;
use crate::filter::{Count, End, Outcome, Report};
use crate::telemetry::Metrics;
use crate::types::{
    DecisionId, Direction, Ending, Level, Origin, ReasonCode, Refusal, Subject, Target, Verdict,
};

/// Where exchanges are written down.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// The audit log.
    pub writer: Writer,
    /// How it names people and paths.
    pub naming: Naming,
    /// The counters.
    pub metrics: Metrics,
    /// The preview's name.
    pub preview: Arc<str>,
    /// The revision that runs.
    pub revision: Option<Arc<str>>,
}

/// One exchange that has not been written down yet. Dropped before it is closed, it was aborted.
#[derive(Debug)]
pub(super) struct Exchange {
    ledger: Arc<Ledger>,
    began: Instant,
    route: Option<Arc<str>>,
    record: Option<Record>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Exchange {
    pub(super) fn open(
        ledger: &Arc<Ledger>,
        id: DecisionId,
        now: Timestamp,
        method: &http::Method,
    ) -> Self {
        ledger.metrics.begin();
        let mut record = Record::new(id, now, Direction::Inbound, &ledger.preview);
        record.revision = ledger.revision.as_deref().map(str::to_owned);
        // Nobody fills the log by the length of a method.
        let method = Some(method.as_str()).filter(|method| method.len() <= METHOD);
        record.method = method.unwrap_or("-").to_owned();
        Self {
            ledger: Arc::clone(ledger),
            began: Instant::now(),
            route: None,
            record: Some(record),
            permit: None,
        }
    }

    /// Keeps the exchange's place among those that may run at once.
    pub(super) fn hold(&mut self, permit: OwnedSemaphorePermit) {
        self.permit = Some(permit);
    }

    pub(super) fn judged_by(&mut self, generation: u64, policy: &str) {
        self.note(|record, _| {
            record.generation = generation;
            record.policy = Some(policy.to_owned());
        });
    }

    /// Before a capability is proven: without the query, in which one may stand that nobody knows as such.
    pub(super) fn asks_for(&mut self, target: &Target) {
        let path = target.as_str().split('?').next().unwrap_or_default();
        self.names(target, path);
    }

    /// The capability is proven, and no copy of it stands in the target.
    pub(super) fn asked_by_right(&mut self, target: &Target) {
        self.names(target, target.as_str());
    }

    /// What of the target the log may say: nothing, where another token stands in it.
    fn names(&mut self, target: &Target, said: &str) {
        let is_telling = || {
            let query = target.query().iter();
            let query = query.flat_map(|(name, value)| [name, value]);
            let mut parts = target.segments().iter().chain(query);
            parts.any(|part| claimed::is_within(part))
        };
        self.note(|record, naming| {
            record.path = naming.path(said).filter(|_| !is_telling());
        });
    }

    /// The target holds what no log may.
    pub(super) fn keeps_target(&mut self) {
        self.note(|record, _| record.path = None);
    }

    pub(super) fn acts_for(&mut self, subject: &Subject, token: &str) {
        self.note(|record, naming| {
            record.subject = Some(naming.subject(subject.id()));
            record.token = Some(token.to_owned());
        });
    }

    /// How far reviewers trust what answers.
    pub(super) fn stands_at(&mut self, level: Level) {
        self.note(|record, _| record.level = level);
    }

    pub(super) fn falls_under(&mut self, route: &Origin) {
        self.route = Some(Arc::clone(&route.rule));
        self.note(|record, _| record.route = Some(route.rule.to_string()));
    }

    /// The request is for one of the sidecar's own addresses.
    pub(super) fn serves(&mut self, address: String) {
        self.route = Some(Arc::from(&*address));
        self.note(|record, _| {
            record.route = Some(address);
            // What a provider sends a browser back with stands in the target.
            record.path = None;
        });
    }

    /// What the sidecar itself did.
    pub(super) fn did(&mut self, event: Option<Event>) {
        self.note(|record, _| record.event = event);
    }

    /// The request could not even be read.
    pub(super) fn has_no_request(&mut self) {
        self.note(|record, _| record.method = "-".to_owned());
    }

    /// Notes what was found in the request of an exchange whose answer is refused.
    pub(super) fn found(&mut self, report: &Report) {
        self.note(|record, _| record.bytes_in = report.bytes_in());
        self.count(report);
    }

    /// Closes an exchange that was refused before anything of an answer left.
    pub(super) async fn refused(
        mut self,
        refusal: &Refusal,
        report: Option<&Report>,
        status: u16,
    ) -> Result<(), AuditError> {
        self.note(|record, _| {
            record.status = Some(status);
            record.decision = Verdict::Block;
            record.reason = Some(refusal.code);
            record.ending = Ending::Complete;
        });
        if let Some(report) = report {
            self.count(report);
        }
        self.blame(refusal);
        self.write().await
    }

    /// Closes an exchange that the sidecar itself has answered.
    pub(super) async fn answered(mut self, status: u16) -> Result<(), AuditError> {
        self.note(|record, _| {
            record.status = Some(status);
            record.decision = Verdict::Allow;
            record.ending = Ending::Complete;
        });
        self.write().await
    }

    /// Writes down that a WebSocket begins; the exchange goes on.
    pub(super) async fn opened(&mut self, status: u16) -> Result<(), AuditError> {
        let Some(mut record) = self.record.clone() else {
            return Ok(());
        };
        record.status = Some(status);
        record.decision = Verdict::Allow;
        record.ending = Ending::Open;
        record.duration_us = microseconds(self.began);
        self.append(record).await
    }

    /// Notes how many messages of a WebSocket came from the client, and from the app.
    pub(super) fn carried(&mut self, from_client: u64, from_app: u64) {
        self.note(|record, _| {
            record.messages_in = Some(from_client);
            record.messages_out = Some(from_app);
        });
        self.ledger.metrics.carried(from_client, from_app);
    }

    /// Closes an exchange whose answer came to an end, whichever.
    pub(super) async fn ended(
        mut self,
        outcome: &Outcome,
        request: Option<&Report>,
        status: u16,
    ) -> Result<(), AuditError> {
        if let Some(report) = request {
            self.note(|record, _| {
                record.bytes_in = report.bytes_in();
                record.decision = report.verdict();
                record.reason = report.refusal().map(|refusal| refusal.code);
            });
            self.count(report);
        } else {
            self.note(|record, _| record.decision = Verdict::Allow);
        }
        self.note(|record, _| {
            record.status = Some(status);
            record.bytes_out = outcome.report.bytes_out();
            record.decision = record.decision.max(outcome.report.verdict());
            let observed = outcome.report.refusal().map(|refusal| refusal.code);
            record.reason = record.reason.or(observed);
            record.ending = match &outcome.end {
                End::Complete => Ending::Complete,
                End::Aborted => Ending::Aborted,
                End::Refused(_) => Ending::Reset,
            };
        });
        self.count(&outcome.report);
        if let End::Refused(refusal) = &outcome.end {
            self.note(|record, _| {
                record.decision = Verdict::Block;
                record.reason = Some(refusal.code);
            });
            self.blame(refusal);
        } else if let Some(refusal) = outcome.report.refusal() {
            self.blame(&refusal.clone());
        }
        self.write().await
    }

    async fn write(mut self) -> Result<(), AuditError> {
        let Some(record) = self.seal() else {
            return Ok(());
        };
        self.append(record).await
    }

    async fn append(&self, record: Record) -> Result<(), AuditError> {
        let written = self.ledger.writer.append(record).await;
        if let Err(error) = &written {
            self.ledger.metrics.audit_failed();
            tracing::error!(error = %Chain(error), "an audit record can't be written");
        }
        written
    }

    /// Fills in what is known at the end and counts the exchange, once.
    fn seal(&mut self) -> Option<Record> {
        let mut record = self.record.take()?;
        let took = self.began.elapsed();
        record.duration_us = microseconds(self.began);
        let route = self.route.take().unwrap_or_else(|| Arc::from(""));
        let metrics = &self.ledger.metrics;
        metrics.end(record.decision, record.reason, &route, took);
        for rule in &record.rules {
            metrics.found(
                &Arc::from(rule.rule.as_str()),
                rule.action.as_str(),
                rule.count,
            );
        }
        Some(record)
    }

    fn note(&mut self, fill: impl FnOnce(&mut Record, &Naming)) {
        if let Some(record) = &mut self.record {
            fill(record, &self.ledger.naming);
        }
    }

    fn count(&mut self, report: &Report) {
        let hits = report.counts().iter().map(|count| hit(count, report));
        if let Some(record) = &mut self.record {
            record.rules.extend(hits);
        }
    }

    /// Names the rule that blocked, unless it has been counted among the rules that acted.
    fn blame(&mut self, refusal: &Refusal) {
        let Some(origin) = &refusal.origin else {
            return;
        };
        self.note(|record, _| {
            let is_counted = |hit: &RuleHit| {
                *hit.rule == *origin.rule
                    && matches!(hit.action, RuleAction::Block | RuleAction::Hide)
            };
            if !record.rules.iter().any(is_counted) {
                record.rules.push(RuleHit {
                    rule: origin.rule.to_string(),
                    control: refusal.control(),
                    action: RuleAction::Block,
                    count: 1,
                    detector: None,
                    place: None,
                    fingerprint: None,
                });
            }
        });
    }
}

fn microseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.note(|record, _| {
                record.reason = Some(ReasonCode::Internal);
                record.status = Some(500);
            });
        }
        if let Some(record) = self.seal() {
            self.ledger.writer.append_detached(record);
        }
    }
}

fn hit(count: &Count, report: &Report) -> RuleHit {
    let is_detector = !matches!(count.kind, "content" | "owner");
    let first = report
        .findings()
        .iter()
        .find(|finding| is_detector && finding.detector == count.rule);
    RuleHit {
        rule: count.rule.to_string(),
        control: count.control,
        action: match count.action {
            "allow" => RuleAction::Allow,
            "drop" | "remove" => RuleAction::Drop,
            "hide" => RuleAction::Hide,
            "mask" => RuleAction::Mask,
            "pseudonymize" => RuleAction::Pseudonymize,
            "redact" => RuleAction::Redact,
            _ => RuleAction::Block,
        },
        count: count.count,
        detector: is_detector.then(|| count.rule.to_string()),
        place: first.map(|finding| finding.masked.to_string()),
        fingerprint: first.map(|finding| finding.fingerprint.to_string()),
    }
}

/// An error with its causes, on one line.
pub(super) struct Chain<'a>(pub(super) &'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
