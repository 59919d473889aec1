//! Who is let to prove a capability, and what the proof takes beside the token: bounded work on what does not hold,
//! another look at an issuer's keys, and the key or certificate that a token is bound to.

use std::net::IpAddr;

use jiff::Timestamp;

use super::hops::Hops;
use super::proofs::Proofs;
use super::throttle::Throttle;
use crate::capability::possession::{self, Shown, Spent};
use crate::capability::{Verified, Verifier};
use crate::types::{ReasonCode, Refusal, Secret};

/// What outlives the policy of the moment.
#[derive(Debug)]
pub struct Admission {
    /// Who says where clients are.
    pub hops: Hops,
    /// Whose capabilities failed.
    pub throttle: Throttle,
    /// DPoP proofs that were used here.
    pub spent: Spent,
    /// Those that were used by whoever shares the folder.
    pub proofs: Option<Proofs>,
}

impl Admission {
    /// Proves `token`, which `client` sent with what is `shown`.
    ///
    /// A client that sent too many that do not hold is refused without a look at a new one; what was proven before passes.
    pub(super) async fn prove(
        &self,
        verifier: &Verifier,
        token: &Secret<String>,
        shown: &Shown<'_>,
        client: IpAddr,
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        if let Err(refusal) = self.throttle.may_try(client)
            && !verifier.knows(token)
        {
            return Err(refusal);
        }
        let proven = match verify(verifier, token, now).await {
            Ok(verified) => self
                .hold(&verified, token, shown, now)
                .await
                .map(|()| verified),
            Err(refusal) => Err(refusal),
        };
        if proven.as_ref().is_err_and(is_failure) {
            self.throttle.failed(client);
        }
        proven
    }

    /// Holds a bound token against what is shown with it.
    async fn hold(
        &self,
        verified: &Verified,
        token: &Secret<String>,
        shown: &Shown<'_>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let used = possession::hold(verified, token, shown, &self.spent, now)?;
        match (used, &self.proofs) {
            (Some(used), Some(proofs)) => proofs.spend(used, now).await,
            _ => Ok(()),
        }
    }
}

/// Whether a refusal says that somebody tries what was never good; an honest token may expire.
fn is_failure(refusal: &Refusal) -> bool {
    matches!(
        refusal.code,
        ReasonCode::CapabilityInvalid | ReasonCode::CapabilityTooLarge | ReasonCode::ProofInvalid
    )
}

/// Proves `token`; when its issuer signs with a key that is not known yet, after a look at the issuer's key set.
async fn verify(
    verifier: &Verifier,
    token: &Secret<String>,
    now: Timestamp,
) -> Result<Verified, Refusal> {
    let refusal = match verifier.verify(token, now) {
        Ok(verified) => return Ok(verified),
        Err(refusal) => refusal,
    };
    match verifier.awaited(token, now) {
        Some(keys) if keys.refreshed().await => verifier.verify(token, now),
        _ => Err(refusal),
    }
}
