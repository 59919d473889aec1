//! The preview's binding at the door: which hosts, which users, and how far what runs is trusted.
//!
//! INVARIANT: a preview that should be bound and whose binding does not hold lets nobody in. A
//! binding that was replaced by one that can't be read is no binding: the old one may have been
//! taken back.

use std::sync::Arc;

use jiff::Timestamp;

use crate::capability::Verified;
use crate::capability::binding::{Binding, Running};
use crate::policy::Policy;
use crate::types::{Level, ReasonCode, Refusal};

/// What the binding says, as far as it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate(State);

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Neither policy nor configuration asks for a binding.
    Open,
    /// Its signatures hold.
    Bound(Arc<Bound>),
    /// It is asked for, and there is none that holds.
    Closed(Refusal),
}

#[derive(Debug, PartialEq, Eq)]
struct Bound {
    binding: Binding,
    running: Running,
}

impl Gate {
    /// The gate for a binding's `text`, if one is configured, or the words on why it can't be read.
    #[must_use]
    pub fn of(
        policy: &Policy,
        text: Option<Result<&str, &str>>,
        running: Option<&Running>,
    ) -> Self {
        let closed = |why: String| {
            Self(State::Closed(
                Refusal::new(ReasonCode::BindingInvalid).because(why),
            ))
        };
        let text = match text {
            None if policy.is_bound() => {
                return closed("the sidecar is configured with none".to_owned());
            }
            None => return Self(State::Open),
            Some(Err(why)) => return closed(format!("it can't be read: {why}")),
            Some(Ok(text)) => text,
        };
        let Some(running) = running else {
            return closed("the sidecar does not know what runs".to_owned());
        };
        if policy.binding_keys().is_empty() {
            let why = "the policy names no key for bindings: add `review` or `binding`";
            return closed(why.to_owned());
        }
        match Binding::prove(text, policy.binding_keys()) {
            Ok(binding) => Self(State::Bound(Arc::new(Bound {
                binding,
                running: running.clone(),
            }))),
            Err(error) => closed(error.to_string()),
        }
    }

    /// Whether the preview has a binding, or should have one.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        !matches!(self.0, State::Open)
    }

    /// Why the binding lets nobody in just now, if it does not.
    ///
    /// # Errors
    /// Gives the refusal that every request meets.
    pub fn stands(&self, now: Timestamp) -> Result<(), Refusal> {
        match &self.0 {
            State::Open => Ok(()),
            State::Closed(refusal) => Err(refusal.clone()),
            State::Bound(bound) => bound.binding.fits(&bound.running, now),
        }
    }

    /// How far reviewers trust what runs.
    #[must_use]
    pub fn level(&self, policy: &Policy, now: Timestamp) -> Level {
        match (&self.0, policy.review()) {
            (State::Bound(bound), Some(review)) => review.level(&bound.binding, now),
            _ => Level::Unreviewed,
        }
    }

    /// When the binding or an approval ends next.
    #[must_use]
    pub fn changes(&self, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
        let State::Bound(bound) = &self.0 else {
            return None;
        };
        let review = policy.review();
        let approval = review.and_then(|review| review.changes(&bound.binding, now));
        [Some(bound.binding.expires()), approval]
            .into_iter()
            .flatten()
            .filter(|end| *end > now)
            .min()
    }

    /// Refuses hosts that are not the preview's: `Host`, or HTTP/2's `:authority`, of each request by itself, and the
    /// name, if any, that the connection's TLS began with (`server_name`).
    pub(super) fn serve(&self, host: &str, server_name: Option<&str>) -> Result<(), Refusal> {
        let State::Bound(bound) = &self.0 else {
            return Ok(());
        };
        if !bound.binding.serves(host) {
            return Err(Refusal::new(ReasonCode::Misdirected));
        }
        if server_name.is_some_and(|name| !bound.binding.is_named(name)) {
            let why = "its connection was opened for another name (SNI)";
            return Err(Refusal::new(ReasonCode::Misdirected).because(why));
        }
        Ok(())
    }

    /// Lets the user of `verified` in, and says how far what answers is trusted.
    pub(super) fn admit(
        &self,
        policy: &Policy,
        verified: &Verified,
        now: Timestamp,
    ) -> Result<Level, Refusal> {
        policy.revoked().refuse(verified, now)?;
        self.stands(now)?;
        if let State::Bound(bound) = &self.0 {
            bound.binding.admit(verified)?;
        }
        Ok(self.level(policy, now))
    }

    /// Adds to a refusal for want of approval what exactly is missing.
    pub(super) fn explain(&self, refusal: Refusal, policy: &Policy, now: Timestamp) -> Refusal {
        let (State::Bound(bound), Some(review)) = (&self.0, policy.review()) else {
            return refusal;
        };
        let level = match refusal.code {
            ReasonCode::ApprovalMissing if self.level(policy, now) >= review.require() => {
                Level::Cleared
            }
            ReasonCode::ApprovalMissing => review.require(),
            ReasonCode::WriteNotCleared => Level::Cleared,
            _ => return refusal,
        };
        let missing = review.missing(&bound.binding, level, now);
        refusal.because(missing)
    }
}
