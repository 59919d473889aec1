//! The metrics families and their text form. Labels come from closed lists and from policy files alone.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::types::{ReasonCode, Verdict};

/// Upper bounds of the duration histogram, in seconds.
const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
];

/// Every metric of the program; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Families>);

struct Families {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<VerdictLabels, Histogram, fn() -> Histogram>,
    findings: Family<FindingLabels, Counter>,
    reloads: Family<ReloadLabels, Counter>,
    in_flight: Gauge,
    messages: Family<MessageLabels, Counter>,
    audit_failures: Counter,
    generation: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    decision: &'static str,
    reason: &'static str,
    route: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabels {
    decision: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FindingLabels {
    rule: Arc<str>,
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MessageLabels {
    from: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReloadLabels {
    what: &'static str,
    outcome: &'static str,
}

impl Metrics {
    /// All families at zero.
    #[must_use]
    pub fn new() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let mut families = Families {
            registry: Registry::with_prefix("chaperone"),
            requests: Family::default(),
            durations: Family::new_with_constructor(histogram),
            findings: Family::default(),
            reloads: Family::default(),
            in_flight: Gauge::default(),
            messages: Family::default(),
            audit_failures: Counter::default(),
            generation: Gauge::default(),
        };
        let registry = &mut families.registry;
        registry.register(
            "requests",
            "Requests by decision, reason and route",
            families.requests.clone(),
        );
        registry.register(
            "request_duration_seconds",
            "From a request's arrival to its record",
            families.durations.clone(),
        );
        registry.register(
            "findings",
            "What rules took out or blocked",
            families.findings.clone(),
        );
        registry.register(
            "reloads",
            "Reloads of policy and certificates",
            families.reloads.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests that run now",
            families.in_flight.clone(),
        );
        registry.register(
            "websocket_messages",
            "Messages that came over WebSockets that have ended",
            families.messages.clone(),
        );
        registry.register(
            "audit_failures",
            "Records that could not be written",
            families.audit_failures.clone(),
        );
        registry.register(
            "policy_generation",
            "How many policies have been loaded",
            families.generation.clone(),
        );
        Self(Arc::new(families))
    }

    /// A WebSocket has ended over which so many messages came.
    pub fn carried(&self, from_client: u64, from_app: u64) {
        for (from, count) in [("client", from_client), ("app", from_app)] {
            let labels = MessageLabels { from };
            self.0.messages.get_or_create(&labels).inc_by(count);
        }
    }

    /// A request begins.
    pub fn begin(&self) {
        self.0.in_flight.inc();
    }

    /// A request has ended.
    pub fn end(
        &self,
        verdict: Verdict,
        reason: Option<ReasonCode>,
        route: &Arc<str>,
        took: Duration,
    ) {
        self.0.in_flight.dec();
        let decision = verdict.as_str();
        let labels = RequestLabels {
            decision,
            reason: reason.map_or("", ReasonCode::as_str),
            route: Arc::clone(route),
        };
        self.0.requests.get_or_create(&labels).inc();
        let labels = VerdictLabels { decision };
        self.0
            .durations
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// A rule did something `count` times.
    pub fn found(&self, rule: &Arc<str>, action: &'static str, count: u64) {
        let labels = FindingLabels {
            rule: Arc::clone(rule),
            action,
        };
        self.0.findings.get_or_create(&labels).inc_by(count);
    }

    /// A reload of `what` was taken or refused.
    pub fn reloaded(&self, what: &'static str, is_taken: bool) {
        let outcome = if is_taken { "taken" } else { "refused" };
        self.0
            .reloads
            .get_or_create(&ReloadLabels { what, outcome })
            .inc();
    }

    /// This generation of the policy is in force.
    pub fn in_force(&self, generation: u64) {
        self.0
            .generation
            .set(i64::try_from(generation).unwrap_or(i64::MAX));
    }

    /// A record could not be written.
    pub fn audit_failed(&self) {
        self.0.audit_failures.inc();
    }

    /// All metrics in the OpenMetrics text form.
    ///
    /// # Errors
    /// Fails when a metric can't be put into words.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Families {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Families").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::Metrics;
    use crate::types::{ReasonCode, Verdict};

    #[test]
    fn says_what_happened() {
        let metrics = Metrics::new();
        let route = Arc::from("GET /a");
        metrics.begin();
        metrics.end(
            Verdict::Block,
            Some(ReasonCode::NotOwner),
            &route,
            Duration::from_millis(1),
        );
        metrics.found(&Arc::from("iban"), "redact", 2);
        metrics.reloaded("policy", false);
        let text = metrics.text().unwrap();
        for line in [
            r#"chaperone_requests_total{decision="block",reason="not-owner",route="GET /a"} 1"#,
            r#"chaperone_findings_total{rule="iban",action="redact"} 2"#,
            r#"chaperone_reloads_total{what="policy",outcome="refused"} 1"#,
            "chaperone_requests_in_flight 0",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
