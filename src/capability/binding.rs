//! The binding: the preview's own token, which says what runs, whose change it is and who may use it.
//!
//! A Biscuit of a form of its own. Its first block names the preview; blocks of third parties are
//! reviewers' approvals; a holder's own blocks can only end it earlier. Nothing in it is evaluated:
//! facts are read from the signed bytes, a check that is not an end voids the whole token, and so
//! does a fact that is not known. Capabilities have a `user` and bindings have none, so that neither
//! passes for the other even where one key signs both.

mod approve;
mod audience;
mod draft;
mod read;
mod review;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use biscuit_auth::UnverifiedBiscuit;
use jiff::Timestamp;
use serde::Serialize;
use thiserror::Error;

use super::{RootKey, Verified, claimed};
use crate::types::{Level, ReasonCode, Refusal, Subject};

pub use approve::{Approve, ApproveError};
pub use audience::Audience;
pub use draft::{Draft, DraftError, is_digest, is_name};
pub use review::{Review, ReviewError, Reviewer};

/// Bytes of a binding's text.
const BYTES: usize = 32 * 1024;
/// Blocks of a binding: each approval is one.
const BLOCKS: usize = 32;

/// A binding whose signatures hold. Whether it fits what runs is for [`Binding::fits`] to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Binding {
    preview: Box<str>,
    hosts: Vec<Box<str>>,
    revision: Box<str>,
    images: BTreeSet<Box<str>>,
    originator: Box<str>,
    audience: Vec<Audience>,
    #[serde(serialize_with = "rfc3339")]
    expires: Timestamp,
    approvals: Vec<Approval>,
}

/// One signed word on a revision. Whether its signer is a reviewer is for [`Review`] to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approval {
    #[serde(serialize_with = "text")]
    key: RootKey,
    level: Level,
    revision: Box<str>,
    #[serde(serialize_with = "rfc3339")]
    expires: Timestamp,
}

/// What runs in this pod, as the operator configured it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The preview's name.
    pub preview: Arc<str>,
    /// The commit.
    pub revision: Arc<str>,
    /// The digest of every container's image.
    pub images: BTreeSet<Box<str>>,
}

/// Why text is no binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct BindingError(pub(super) &'static str);

impl Binding {
    /// Proves that one of `keys` signed the binding in `text`, and reads it.
    ///
    /// # Errors
    /// Refuses what is too large, unreadable, signed by another key, or no binding.
    pub fn prove(text: &str, keys: &[RootKey]) -> Result<Self, BindingError> {
        Self::contained(text, Some(keys))
    }

    /// Reads the binding in `text` without proving who signed it.
    ///
    /// # Errors
    /// Refuses what is too large, unreadable or no binding.
    pub fn inspect(text: &str) -> Result<Self, BindingError> {
        Self::contained(text, None)
    }

    /// A decoder that panics has met a token that is not to be trusted.
    fn contained(text: &str, keys: Option<&[RootKey]>) -> Result<Self, BindingError> {
        catch_unwind(AssertUnwindSafe(|| Self::open(text, keys)))
            .unwrap_or(Err(BindingError("it can't be decoded")))
    }

    fn open(text: &str, keys: Option<&[RootKey]>) -> Result<Self, BindingError> {
        let text = text.trim();
        if text.len() > BYTES {
            return Err(BindingError("it is larger than 32 KiB"));
        }
        let bytes =
            claimed::biscuit_bytes(text).ok_or(BindingError("it is not a Biscuit in base64"))?;
        let token = UnverifiedBiscuit::from(&bytes)
            .map_err(|_| BindingError("it is not a well-formed Biscuit"))?;
        // Before the signatures: each block costs one or two verifications.
        if token.block_count() > BLOCKS {
            return Err(BindingError("it has more than 32 blocks"));
        }
        if let Some(keys) = keys {
            keys.iter()
                .find_map(|key| token.clone().verify(key.key()).ok())
                .ok_or(BindingError(
                    "none of the policy's keys for bindings signed it",
                ))?;
        }
        let signers = token.external_public_keys();
        let signers: Vec<_> = signers
            .into_iter()
            .map(|key| key.map(RootKey::of))
            .collect();
        read::binding(&bytes, &signers)
    }

    /// The preview's name.
    #[must_use]
    pub fn preview(&self) -> &str {
        &self.preview
    }

    /// The commit that it is for.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// Whose change it is.
    #[must_use]
    pub fn originator(&self) -> &str {
        &self.originator
    }

    /// Who may use the preview.
    #[must_use]
    pub fn audience(&self) -> &[Audience] {
        &self.audience
    }

    /// The hosts under which it is reached.
    #[must_use]
    pub fn hosts(&self) -> &[Box<str>] {
        &self.hosts
    }

    /// When it stops to hold.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// What was signed about it.
    #[must_use]
    pub fn approvals(&self) -> &[Approval] {
        &self.approvals
    }

    /// The images that it is for.
    #[must_use]
    pub fn images(&self) -> &BTreeSet<Box<str>> {
        &self.images
    }

    /// Whether it is about what runs, and holds at `now`.
    ///
    /// # Errors
    /// Refuses another preview, another revision, other images and a binding past its end.
    pub fn fits(&self, running: &Running, now: Timestamp) -> Result<(), Refusal> {
        let unavailable = |why: String| Refusal::new(ReasonCode::BindingInvalid).because(why);
        if *self.preview != *running.preview {
            let why = format!(
                "it is the binding of `{}`, and this is `{}`",
                self.preview, running.preview
            );
            return Err(unavailable(why));
        }
        if now >= self.expires {
            return Err(unavailable(format!("it ended at {:.0}", self.expires)));
        }
        let mismatch = |why: String| Refusal::new(ReasonCode::RevisionMismatch).because(why);
        if *self.revision != *running.revision {
            let why = format!(
                "revision {} runs, and the binding is for {}; deploy with a binding of what runs",
                running.revision, self.revision
            );
            return Err(mismatch(why));
        }
        if self.images != running.images {
            let other = self.images.symmetric_difference(&running.images).next();
            let image = other.map_or("", |image| image);
            let side = if running.images.contains(image) {
                "runs and is not in the binding"
            } else {
                "is in the binding and does not run"
            };
            let why = format!("image {image} {side}; deploy with a binding of what runs");
            return Err(mismatch(why));
        }
        Ok(())
    }

    /// Whether `host` (`name`, or `name:port`) is one of its hosts; letter case makes no difference.
    ///
    /// A host without a port stands for every port.
    #[must_use]
    pub fn serves(&self, host: &str) -> bool {
        let Ok(asked) = host.parse::<http::uri::Authority>() else {
            return false;
        };
        if asked.as_str().contains('@') {
            return false;
        }
        self.hosts.iter().any(|known| {
            known.eq_ignore_ascii_case(asked.as_str()) || known.eq_ignore_ascii_case(asked.host())
        })
    }

    /// Whether the preview is reached under the name that TLS gives, which has no port (SNI).
    #[must_use]
    pub fn is_named(&self, server_name: &str) -> bool {
        self.hosts.iter().any(|known| {
            let known = known.parse::<http::uri::Authority>();
            known.is_ok_and(|known| known.host().eq_ignore_ascii_case(server_name))
        })
    }

    /// Whether the user of `verified` belongs to the audience.
    ///
    /// # Errors
    /// Refuses a capability that is not for this preview, and users whom the binding does not let in.
    pub fn admit(&self, verified: &Verified) -> Result<(), Refusal> {
        let is_named = match verified.preview() {
            Some(preview) if *preview == *self.preview => true,
            Some(_) => {
                return Err(Refusal::new(ReasonCode::CapabilityForbids)
                    .because("it was made for another preview or revision"));
            }
            None if verified.is_biscuit() => {
                let why = "it names no preview, and here it must: mint it with `--preview`";
                return Err(Refusal::new(ReasonCode::CapabilityForbids).because(why));
            }
            None => false,
        };
        if self.is_for(verified.subject(), is_named) {
            return Ok(());
        }
        Err(Refusal::new(ReasonCode::NotInAudience))
    }

    fn is_for(&self, subject: &Subject, is_named: bool) -> bool {
        self.audience.iter().any(|audience| match audience {
            Audience::Originator => subject.id() == &*self.originator,
            Audience::User(id) => subject.id() == &**id,
            Audience::Group(group) => subject.values("group").contains(group),
            // Getting oneself a capability for this preview is the act of opting in; a JSON Web
            // Token names no preview, so having one is not.
            Audience::OptIn => is_named,
        })
    }
}

impl Approval {
    /// The key that signed it.
    #[must_use]
    pub fn key(&self) -> RootKey {
        self.key
    }

    /// What it grants.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// The commit that it is about.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// When it stops to hold.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.expires
    }
}

fn rfc3339<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.0}"))
}

fn text<S: serde::Serializer>(key: &RootKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(key)
}
