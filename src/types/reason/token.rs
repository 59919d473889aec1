//! The texts of reasons that have to do with how capabilities are proven.

use super::Text;
use crate::types::Control::Credential;

pub(super) const ISSUER_KEYS_STALE: Text = Text(
    "issuer-keys-stale",
    Credential,
    "the capability's issuer has published no keys that could be read for too long",
    "look into the sidecar's log: the address of `capability.jwt.jwks` must answer again",
);

pub(super) const PROOF_INVALID: Text = Text(
    "proof-invalid",
    Credential,
    "the request does not prove that its sender has the key that the capability is bound to",
    "send `Authorization: DPoP` with a fresh `DPoP` proof for this request (RFC 9449), or the client certificate that the capability names (RFC 8705)",
);

pub(super) const REVOCATIONS_STALE: Text = Text(
    "revocations-stale",
    Credential,
    "the list of revoked capabilities is too old to tell who may still come in",
    "look into the sidecar's log: the list of `capability.revoked` must be read or signed anew",
);

pub(super) const TOO_MANY_FAILURES: Text = Text(
    "too-many-failures",
    Credential,
    "too many capabilities that do not hold came from this address",
    "wait a moment, then send a capability that holds",
);
