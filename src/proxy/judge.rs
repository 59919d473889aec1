//! The policy of the moment and the verifier that was made of it, and what they say about one more reading of a request.

use std::sync::Arc;

use http::Method;

use super::gate::Gate;
use super::handshake;
use crate::capability::{Facts, Verified, Verifier};
use crate::policy::{Decision, Permit, Policy, Routed};
use crate::types::{Level, Refusal, Target};

/// The policy of the moment and the verifier that was made of it: taken together, once for each request.
#[derive(Clone, Debug)]
pub struct Judge {
    /// The rules.
    pub policy: Arc<Policy>,
    /// Proves the tokens that they accept.
    pub verifier: Verifier,
    /// The preview's binding.
    pub gate: Gate,
}

/// A request that was judged: who asks, and what the capability's checks know about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) verified: &'a Verified,
    pub(super) method: &'a Method,
    pub(super) facts: &'a Facts,
    pub(super) level: Level,
    /// It opens a WebSocket.
    pub(super) switches: bool,
}

impl Asked<'_> {
    /// The route as the request uses it.
    fn on(&self, routed: Option<Routed>) -> Option<Routed> {
        if self.switches {
            routed.map(Routed::as_write)
        } else {
            routed
        }
    }
}

impl Judge {
    /// Holds the second target of a request that copies or moves against the policy, as if it had been asked for alone.
    pub(super) async fn reaches(
        &self,
        asked: Asked<'_>,
        destination: &Target,
    ) -> Result<(), Refusal> {
        let judged = self.judged(asked, asked.method, destination).await;
        let about = |refusal: Refusal| refusal.because("about its `Destination`");
        judged.map(|_| ()).map_err(about)
    }

    /// The methods for which the policy would grant exactly what `permit` grants: apps may take any of them from a form.
    pub(super) async fn alike(
        &self,
        asked: Asked<'_>,
        target: &Target,
        permit: &Permit,
    ) -> Vec<Method> {
        const FORMS: [Method; 5] = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ];
        let mut alike = vec![asked.method.clone()];
        for method in FORMS.iter().filter(|method| *method != asked.method) {
            let routed = self.policy.route(method, target);
            // Looked at first: most routes name one method, and need no second look at the capability.
            let is_here = routed.is_some_and(|routed| routed.origin() == permit.origin());
            if is_here && self.judged(asked, method, target).await.is_ok() {
                alike.push(method.clone());
            }
        }
        alike
    }

    /// What the policy says of `method` and `target`, asked for by the same client.
    pub(super) async fn judged(
        &self,
        asked: Asked<'_>,
        method: &Method,
        target: &Target,
    ) -> Result<Permit, Refusal> {
        let routed = asked.on(self.policy.route(method, target));
        let facts = Facts {
            method: method.as_str().to_owned(),
            path: target.decoded_path(),
            ..asked.facts.clone()
        };
        let rule = routed.as_ref().and_then(|routed| routed.rule());
        let verified = asked.verified.clone();
        let capability = self.verifier.authorize(verified, &facts, rule).await?;
        match self.policy.decide(routed, &capability, asked.level) {
            Decision::Permit(permit) if asked.switches && !permit.treatment().websocket => {
                Err(handshake::unheard(&permit))
            }
            Decision::Permit(permit) => Ok(permit),
            Decision::Deny(refusal) => Err(refusal),
        }
    }
}
