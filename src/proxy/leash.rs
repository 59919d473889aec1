//! Answers that are on their way are judged again whenever what they were judged by changes: policy, keys,
//! revocations, binding, and the ends of capability, binding and approvals.
//!
//! What still may pass goes on under the rules that it began with; what may not is reset.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;

use super::judge::Judge;
use crate::capability::Facts;
use crate::policy::Decision;
use crate::runtime::Live;
use crate::types::{Refusal, Secret, Target};

/// The longest sleep: clocks are set, and a sleep knows nothing of that.
const LONGEST: Duration = Duration::from_secs(60);
/// The shortest: what has ended may have some leeway left.
const SHORTEST: Duration = Duration::from_secs(1);

/// What it takes to judge one request again.
#[derive(Debug)]
pub(super) struct Leash {
    judge: Live<Judge>,
    generation: u64,
    changes: Option<Timestamp>,
    token: Arc<Secret<String>>,
    method: Method,
    target: Target,
    facts: Facts,
}

impl Leash {
    /// A leash on the request for which `judge` was asked at `generation`.
    pub(super) fn new(
        judge: &Live<Judge>,
        generation: u64,
        token: Secret<String>,
        method: &Method,
        target: &Target,
        facts: Facts,
    ) -> Self {
        Self {
            judge: judge.clone(),
            generation,
            // The first look, which the first wait asks for, says when the next one is due.
            changes: Some(facts.now),
            token: Arc::new(token),
            method: method.clone(),
            target: target.clone(),
            facts,
        }
    }

    /// Waits until the request may go no further, and says why.
    pub(super) async fn torn(mut self) -> Refusal {
        loop {
            self.change().await;
            if let Err(refusal) = self.judge_again(Timestamp::now()).await {
                return refusal;
            }
        }
    }

    /// Judges again, if anything may have changed since.
    pub(super) async fn hold(&mut self) -> Result<(), Refusal> {
        let now = Timestamp::now();
        let waited = Duration::try_from(now.duration_since(self.facts.now));
        let is_fresh = waited.is_ok_and(|waited| waited < SHORTEST);
        if is_fresh && self.judge.snapshot().generation == self.generation {
            return Ok(());
        }
        self.judge_again(now).await
    }

    /// Waits until another judgement may differ.
    async fn change(&self) {
        let due = self.changes.map_or(LONGEST, |end| {
            let left = end.duration_since(Timestamp::now());
            Duration::try_from(left)
                .unwrap_or(Duration::ZERO)
                .clamp(SHORTEST, LONGEST)
        });
        tokio::select! {
            () = self.judge.changed_since(self.generation) => {}
            () = tokio::time::sleep(due) => {}
        }
    }

    async fn judge_again(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let judge = self.judge.snapshot();
        self.generation = judge.generation;
        let Judge {
            policy,
            verifier,
            gate,
        } = &judge.value;
        self.facts.now = now;
        let verified = verifier.verify(&self.token, now)?;
        let expires = verified.expires();
        let level = gate.admit(policy, &verified, now)?;
        let routed = policy.route(&self.method, &self.target);
        let rule = routed.as_ref().and_then(|routed| routed.rule());
        let capability = verifier.authorize(verified, &self.facts, rule).await?;
        if let Decision::Deny(refusal) = policy.decide(routed, &capability, level) {
            return Err(gate.explain(refusal, policy, now));
        }
        let ends = [expires, gate.changes(policy, now)];
        self.changes = ends.into_iter().flatten().min();
        Ok(())
    }
}
