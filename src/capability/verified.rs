//! A proven token, and the capability that it becomes for one request.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::KeySet;
use super::biscuit::Proven;
use super::possession::Confirmation;
use super::published::Published;
use crate::types::{ReasonCode, Refusal, Subject};

/// A token whose signature and shape are proven; it may still have expired or forbid the request.
#[derive(Clone)]
pub struct Verified(Arc<Token>);

struct Token {
    id: Box<str>,
    subject: Arc<Subject>,
    period: Period,
    /// Where its issuer's keys are published, which must not be too old when it is used.
    keys: Option<Arc<Published<KeySet>>>,
    revocation_ids: Vec<Box<str>>,
    /// What its sender must prove to have.
    bound: Option<Confirmation>,
    biscuit: Option<Proven>,
}

/// When a token holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Period {
    pub(super) not_before: Option<Timestamp>,
    pub(super) expires: Option<Timestamp>,
    /// Seconds by which clocks may differ.
    pub(super) leeway: u16,
}

impl Verified {
    /// The user that it speaks for.
    #[must_use]
    pub fn subject(&self) -> &Arc<Subject> {
        &self.0.subject
    }

    /// A name for the token that does not lead back to it: 16 hexadecimal digits.
    #[must_use]
    pub fn token_id(&self) -> &str {
        &self.0.id
    }

    /// When it stops to hold, where it says so.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.0.period.expires
    }

    /// The revocation ids of a Biscuit's blocks, in hexadecimal digits, or `jti:` and a JSON Web Token's id.
    #[must_use]
    pub fn revocation_ids(&self) -> &[Box<str>] {
        &self.0.revocation_ids
    }

    /// The preview that its issuer made it for; a JSON Web Token names none.
    #[must_use]
    pub fn preview(&self) -> Option<&str> {
        self.0.biscuit.as_ref()?.preview.as_deref()
    }

    /// Whether it is a Biscuit.
    #[must_use]
    pub fn is_biscuit(&self) -> bool {
        self.0.biscuit.is_some()
    }

    pub(super) fn jwt(
        hash: &blake3::Hash,
        subject: Subject,
        period: Period,
        id: Option<&str>,
        keys: Option<Arc<Published<KeySet>>>,
        bound: Option<Confirmation>,
    ) -> Self {
        Self(Arc::new(Token {
            id: token_id(hash),
            subject: Arc::new(subject),
            period,
            keys,
            revocation_ids: id
                .map(|id| format!("jti:{id}").into())
                .into_iter()
                .collect(),
            bound,
            biscuit: None,
        }))
    }

    pub(super) fn of_biscuit(
        hash: &blake3::Hash,
        subject: Subject,
        expires: Option<Timestamp>,
        revocation_ids: Vec<Box<str>>,
        bound: Option<Confirmation>,
        biscuit: Proven,
    ) -> Self {
        Self(Arc::new(Token {
            id: token_id(hash),
            subject: Arc::new(subject),
            period: Period {
                expires,
                ..Period::default()
            },
            keys: None,
            revocation_ids,
            bound,
            biscuit: Some(biscuit),
        }))
    }

    pub(super) fn confirmation(&self) -> Option<&Confirmation> {
        self.0.bound.as_ref()
    }

    pub(super) fn biscuit(&self) -> Option<&Proven> {
        self.0.biscuit.as_ref()
    }

    /// Refuses a token before or after its time, and when its issuer's keys are too old.
    pub(super) fn within_time(&self, now: Timestamp) -> Result<(), Refusal> {
        let period = &self.0.period;
        let leeway = SignedDuration::from_secs(period.leeway.into());
        let is_over = |expires: Timestamp| expires.checked_add(leeway).is_ok_and(|end| now >= end);
        let is_early =
            |start: Timestamp| now.checked_add(leeway).is_ok_and(|latest| latest < start);
        if period.expires.is_some_and(is_over) {
            return Err(Refusal::new(ReasonCode::CapabilityExpired));
        }
        if period.not_before.is_some_and(is_early) {
            return Err(Refusal::new(ReasonCode::CapabilityInvalid).because("it is not valid yet"));
        }
        if self.0.keys.as_ref().is_some_and(|keys| !keys.is_fresh(now)) {
            return Err(Refusal::new(ReasonCode::IssuerKeysStale));
        }
        Ok(())
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("id", &self.0.id)
            .finish_non_exhaustive()
    }
}

fn token_id(hash: &blake3::Hash) -> Box<str> {
    hash.to_hex().chars().take(16).collect::<String>().into()
}

/// The proof that a request's token holds for this request; only [`super::Verifier::authorize`] makes one.
#[derive(Clone, Debug)]
pub struct Capability(Verified);

impl Capability {
    pub(super) fn new(verified: Verified) -> Self {
        Self(verified)
    }

    /// The user that the request acts for.
    #[must_use]
    pub fn subject(&self) -> &Arc<Subject> {
        self.0.subject()
    }

    /// A name for the token that does not lead back to it: 16 hexadecimal digits.
    #[must_use]
    pub fn token_id(&self) -> &str {
        self.0.token_id()
    }

    /// When the token stops to hold, where it says so.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.0.expires()
    }

    /// A capability of `subject`, for tests of the rooms below.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn for_test(subject: Subject) -> Self {
        let end = Timestamp::MAX;
        Self(Verified::jwt(
            &blake3::hash(b"test"),
            subject,
            Period {
                expires: Some(end),
                ..Period::default()
            },
            None,
            None,
            None,
        ))
    }
}
