//! Requests and answers that are on their way are judged again whenever what they were judged by changes: policy, keys,
//! revocations, binding, and the ends of capability, binding and approvals.
//!
//! What still may pass goes on under the rules that it began with; what may not is reset.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::{SignedDuration, Timestamp};

use super::judge::{Asked, Judge};
use super::pin::Pin;
use crate::capability::Facts;
use crate::runtime::Live;
use crate::types::{Level, ReasonCode, Refusal, Secret, Target};

/// The longest sleep: clocks are set, and a sleep knows nothing of that.
const LONGEST: Duration = Duration::from_secs(60);
/// The shortest: what has ended may have some leeway left.
const SHORTEST: Duration = Duration::from_secs(1);

/// What ends an answer whose request would be refused now.
#[derive(Debug)]
pub(super) struct Leash {
    judge: Live<Judge>,
    generation: u64,
    changes: Option<Timestamp>,
    held: Held,
}

/// What it takes to judge one request again.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) token: Arc<Secret<String>>,
    pub(super) method: Method,
    pub(super) target: Target,
    pub(super) destination: Option<Target>,
    pub(super) facts: Facts,
    /// How far reviewers trusted the code when the rules of its answer were chosen.
    pub(super) level: Level,
    pub(super) pin: Arc<Pin>,
    /// It is a WebSocket.
    pub(super) switches: bool,
    /// The name that the connection was opened for.
    pub(super) server_name: Option<Arc<str>>,
}

impl Leash {
    /// A leash on the request that `judge` let pass at `generation`.
    pub(super) fn new(judge: &Live<Judge>, generation: u64, held: Held) -> Self {
        Self {
            judge: judge.clone(),
            generation,
            // The first look, which the first wait asks for, says when the next one is due.
            changes: Some(held.facts.now),
            held,
        }
    }

    /// Waits until the request may go no further, and says why.
    pub(super) async fn torn(mut self) -> Refusal {
        self.tears().await
    }

    /// The same for a while: who stops waiting has the leash still.
    pub(super) async fn tears(&mut self) -> Refusal {
        loop {
            self.change().await;
            if let Err(refusal) = Box::pin(self.judge_again(Timestamp::now())).await {
                return refusal;
            }
        }
    }

    /// Judges again, if anything may have changed since.
    pub(super) async fn hold(&mut self) -> Result<(), Refusal> {
        let now = Timestamp::now();
        let waited = Duration::try_from(now.duration_since(self.held.facts.now));
        let is_fresh = waited.is_ok_and(|waited| waited < SHORTEST);
        if is_fresh && self.judge.snapshot().generation == self.generation {
            return Ok(());
        }
        Box::pin(self.judge_again(now)).await
    }

    /// Waits until another judgement may differ.
    async fn change(&self) {
        let due = self.changes.map_or(LONGEST, |end| {
            let left = end.duration_since(Timestamp::now());
            Duration::try_from(left.max(SignedDuration::ZERO))
                .unwrap_or(Duration::ZERO)
                .clamp(SHORTEST, LONGEST)
        });
        tokio::select! {
            () = self.judge.changed_since(self.generation) => {}
            () = tokio::time::sleep(due) => {}
        }
    }

    async fn judge_again(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let snapshot = self.judge.snapshot();
        let judge = &snapshot.value;
        let (policy, verifier, gate) = (&judge.policy, &judge.verifier, &judge.gate);
        let held = &self.held;
        let facts = Facts {
            now,
            ..held.facts.clone()
        };
        gate.serve(&held.facts.host, held.server_name.as_deref())?;
        let verified = verifier.verify(&held.token, now)?;
        let expires = verified.expires();
        let level = gate.admit(policy, &verified, now)?;
        let asked = Asked {
            verified: &verified,
            method: &held.method,
            facts: &facts,
            level,
            switches: held.switches,
        };
        let judged = judge.judged(asked, &held.method, &held.target).await;
        let permit = judged.map_err(|refusal| gate.explain(refusal, policy, now))?;
        if level < held.level {
            // The rules that its answer goes on under may have been chosen for the trust there was.
            let why = "reviewers no longer trust it as far as when the answer began";
            return Err(Refusal::new(ReasonCode::ApprovalMissing).because(why));
        }
        if let Some(destination) = &held.destination {
            judge.reaches(asked, destination).await?;
        }
        if gate.is_bound() {
            let may_share = policy.sharing().is_some() && level == Level::Cleared;
            held.pin.admit(permit.subject(), may_share).await?;
        }
        let ends = [expires, gate.changes(policy, now)];
        // Not before: who stops waiting in the middle of a judgement has none.
        self.generation = snapshot.generation;
        self.held.facts.now = now;
        self.changes = ends.into_iter().flatten().min();
        Ok(())
    }
}
