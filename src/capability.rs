//! The capability: the token that says for whom a request acts, and what it may do.
//!
//! What a client presents is [`claimed`] text. [`Verifier::verify`] proves who signed it and reads
//! the subject from it; [`Verifier::authorize`] holds it against one request: its expiry, every check
//! in it, and the route's own rule. Only the first half is cached, so that time and revocation of a
//! right take effect at once.
//!
//! INVARIANT: [`Capability`] has one maker, `Verifier::authorize`; nothing here logs a token or puts
//! one into an error.

pub mod attenuate;
pub mod binding;
mod biscuit;
mod cache;
mod claim;
pub mod claimed;
mod evaluation;
mod facts;
pub mod id_token;
pub mod inspect;
mod json;
pub mod judge;
mod jwks;
mod jwt;
mod keys;
pub mod mint;
mod minter;
mod pod;
pub mod possession;
pub mod published;
pub mod revoked;
mod rule;
mod settings;
pub mod ticket;
mod verified;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;

use crate::types::{ReasonCode, Refusal, Secret};

pub use facts::Facts;
pub use jwks::{KeySet, KeySetError};
pub use keys::{KeyError, RootKey};
pub use minter::{Minted, Minter};
pub use pod::{Acting, PodKey};
pub use published::{Address, Published, Source};
pub use revoked::{Revocations, Revoked, RevokedError};
pub use rule::{Rule, RuleError};
pub use settings::{BiscuitSettings, JwtAlgorithm, JwtSettings, Keys, Settings, SettingsError};
pub use verified::{Capability, Verified};

use cache::Cache;
use claimed::Claimed;
use evaluation::Pool;

/// How much one token may be and cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the token's text.
    pub token: usize,
    /// Tokens whose parse and signature are remembered.
    pub cached: usize,
    /// Threads that judge costly tokens.
    pub threads: usize,
    /// How long a costly token may be judged.
    pub deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            token: 8 * 1024,
            cached: 4096,
            threads: 2,
            deadline: Duration::from_millis(250),
        }
    }
}

/// Why no verifier could be made of the settings.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CapabilityError {
    /// The settings accept no kind of token.
    #[error("no kind of capability is accepted; configure `biscuit`, `jwt` or both")]
    NothingAccepted,
    /// The operating system gave no thread.
    #[error("can't start a thread that judges capabilities")]
    Thread(#[source] std::io::Error),
}

/// Proves tokens and holds them against requests; cheap to clone and shared by all exchanges.
#[derive(Clone, Debug)]
pub struct Verifier {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    limits: Limits,
    cache: Cache,
    pool: Pool,
}

impl Verifier {
    /// A verifier for the keys and demands of `settings`.
    ///
    /// # Errors
    /// Fails when the settings accept nothing or no thread can be started.
    pub fn new(settings: Settings, limits: Limits) -> Result<Self, CapabilityError> {
        if settings.biscuit.is_none() && settings.jwt.is_empty() {
            return Err(CapabilityError::NothingAccepted);
        }
        let pool = Pool::new(limits.threads, limits.deadline).map_err(CapabilityError::Thread)?;
        Ok(Self {
            inner: Arc::new(Inner {
                settings,
                cache: Cache::new(limits.cached),
                limits,
                pool,
            }),
        })
    }

    /// Proves who signed `presented` and reads its subject.
    ///
    /// # Errors
    /// Refuses what is too large, unreadable, signed by a key that is not ours, or past its time.
    pub fn verify(&self, presented: &Secret<String>, now: Timestamp) -> Result<Verified, Refusal> {
        let text = presented.expose();
        if text.len() > self.inner.limits.token {
            return Err(Refusal::new(ReasonCode::CapabilityTooLarge));
        }
        let hash = blake3::hash(text.as_bytes());
        let epoch = self.epoch();
        let known = match self.inner.cache.find(&hash, epoch) {
            Some(known) => known,
            None => {
                let known = self.prove_contained(text, &hash, now);
                let entry = cache::Entry::new(text.len(), epoch, known.clone());
                self.inner.cache.insert(hash, entry);
                known
            }
        };
        let verified = known?;
        verified.within_time(now)?;
        Ok(verified)
    }

    /// Where the key may have been published by now that a refused token names and its issuer's key set lacks.
    #[must_use]
    pub fn awaited(
        &self,
        presented: &Secret<String>,
        now: Timestamp,
    ) -> Option<Arc<Published<KeySet>>> {
        let text = presented.expose();
        if text.len() > self.inner.limits.token {
            return None;
        }
        match Claimed::read(text) {
            Some(Claimed::Jwt(token)) => jwt::awaited(&token, &self.inner.settings.jwt, now),
            _ => None,
        }
    }

    /// Whether `presented` was proven before, under the keys of now: to look at it again costs next to nothing.
    #[must_use]
    pub fn knows(&self, presented: &Secret<String>) -> bool {
        let text = presented.expose();
        let hash = blake3::hash(text.as_bytes());
        let known = self.inner.cache.find(&hash, self.epoch());
        text.len() <= self.inner.limits.token && known.is_some_and(|known| known.is_ok())
    }

    /// How many tokens are remembered.
    #[cfg(test)]
    fn remembered(&self) -> usize {
        self.inner.cache.len()
    }

    /// Counts the key sets that were in use: what was found out under others is forgotten.
    fn epoch(&self) -> u64 {
        let issuers = self.inner.settings.jwt.iter();
        let numbers = issuers.map(|issuer| match &issuer.keys {
            Keys::Fixed(_) => 0,
            Keys::Published(keys) => keys.number(),
        });
        numbers.sum()
    }

    /// Holds a proven token against one request: its expiry, every check in it, and `rule`.
    ///
    /// # Errors
    /// Refuses what has expired, forbids itself this request, does not satisfy the rule, or can't
    /// be judged in bounded time.
    pub async fn authorize(
        &self,
        verified: Verified,
        facts: &Facts,
        rule: Option<&Rule>,
    ) -> Result<Capability, Refusal> {
        verified.within_time(facts.now)?;
        let case = evaluation::Case::new(&verified, facts, rule)?;
        if let Some(case) = case {
            if case.is_cheap() {
                case.judge()?;
            } else {
                self.inner.pool.judge(case).await?;
            }
        }
        Ok(Capability::new(verified))
    }

    /// A decoder that panics has met a token that is not to be trusted.
    fn prove_contained(
        &self,
        text: &str,
        hash: &blake3::Hash,
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        catch_unwind(AssertUnwindSafe(|| self.prove(text, hash, now))).unwrap_or_else(|_| {
            Err(Refusal::new(ReasonCode::CapabilityInvalid).because("it can't be decoded"))
        })
    }

    fn prove(&self, text: &str, hash: &blake3::Hash, now: Timestamp) -> Result<Verified, Refusal> {
        let settings = &self.inner.settings;
        match Claimed::read(text) {
            Some(Claimed::Biscuit(bytes)) => match &settings.biscuit {
                Some(accepted) => biscuit::prove(&bytes, accepted, hash),
                None => Err(Refusal::new(ReasonCode::CapabilityInvalid)
                    .because("Biscuit tokens are not accepted here")),
            },
            Some(Claimed::Jwt(token)) => match settings.jwt.as_slice() {
                [] => Err(Refusal::new(ReasonCode::CapabilityInvalid)
                    .because("JSON Web Tokens are not accepted here")),
                issuers => jwt::prove(&token, issuers, hash, now),
            },
            None => Err(Refusal::new(ReasonCode::CapabilityInvalid)
                .because("it is neither a Biscuit nor a JSON Web Token")),
        }
    }
}

#[cfg(test)]
mod tests;
