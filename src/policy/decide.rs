//! The decision about one request: pure, from the route and the capability alone.

use std::sync::Arc;

use crate::capability::Capability;
use crate::policy::Policy;
use crate::policy::permit::Permit;
use crate::policy::route::{Effect, Routed};
use crate::types::{Level, ReasonCode, Refusal, Subject};

/// What policy says about one request.
#[derive(Clone, Debug)]
pub enum Decision {
    /// It may pass, on the permit's terms.
    Permit(Permit),
    /// It may not.
    Deny(Refusal),
}

impl Policy {
    /// Decides about a request on `routed` that acts for the capability's subject.
    ///
    /// The route's own Datalog ([`Routed::rule`]) was held against the capability before: that is
    /// the verifier's work. `level` is how far reviewers trust what runs: the binding's word.
    #[must_use]
    pub fn decide(
        &self,
        routed: Option<Routed>,
        capability: &Capability,
        level: Level,
    ) -> Decision {
        if let Some(routed) = &routed
            && let Err(refusal) = self.clear(routed, level)
        {
            return Decision::Deny(refusal);
        }
        self.judge(routed, capability.subject(), level)
    }

    /// Refuses what runs at a level below the one that the route needs.
    fn clear(&self, routed: &Routed, level: Level) -> Result<(), Refusal> {
        let Some(review) = self.review() else {
            return Ok(());
        };
        let is_open = matches!(routed.effect(), Effect::Deny(..)) || routed.is_ambiguous();
        if is_open || level >= routed.needs(review.require()) {
            return Ok(());
        }
        let is_write = level >= review.require() && !routed.states_level();
        let code = if is_write {
            ReasonCode::WriteNotCleared
        } else {
            ReasonCode::ApprovalMissing
        };
        Err(Refusal::new(code).by(routed.origin()))
    }

    fn judge(&self, routed: Option<Routed>, subject: &Arc<Subject>, level: Level) -> Decision {
        let Some(routed) = routed else {
            return Decision::Deny(Refusal::new(ReasonCode::NoRoute));
        };
        let origin = routed.origin();
        if routed.is_ambiguous() {
            let refusal = Refusal::new(ReasonCode::AmbiguousRequest)
                .by(origin)
                .because("a query parameter that the policy looks at stands twice");
            return Decision::Deny(refusal);
        }
        match routed.effect() {
            Effect::Deny(reason, control) => Decision::Deny(
                Refusal::new(ReasonCode::DeniedRoute)
                    .by(origin)
                    .noting(reason.clone())
                    .serving(*control),
            ),
            Effect::Treat { treatment, .. } => {
                if !routed.is_about(subject.id()) {
                    return Decision::Deny(Refusal::new(ReasonCode::NotOwner).by(origin));
                }
                Decision::Permit(Permit::new(
                    Arc::clone(subject),
                    Arc::clone(treatment),
                    self.mode(),
                    level,
                    routed.call().cloned(),
                ))
            }
        }
    }

    /// The permit of the policy's only route (or `routed`) for `subject`, without a capability:
    /// for `redact`, which holds a body against a policy without any request.
    ///
    /// # Errors
    /// Refuses what [`Policy::decide`] refuses.
    pub(crate) fn rehearse(
        &self,
        routed: Option<Routed>,
        subject: &Arc<Subject>,
    ) -> Result<Permit, Refusal> {
        match self.judge(routed, subject, Level::Unreviewed) {
            Decision::Permit(permit) => Ok(permit),
            Decision::Deny(refusal) => Err(refusal),
        }
    }
}
