//! The sidecar's own key, and the short capabilities for its preview that it makes: of tickets, other tokens and logins.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::mint::{Grant, MintError, SigningKey};
use super::{RootKey, Settings, Verified, biscuit};
use crate::types::{Secret, Subject};

/// Makes capabilities for one preview.
#[derive(Clone, Debug)]
pub struct Minter {
    key: Arc<SigningKey>,
    preview: Arc<str>,
    lifetime: SignedDuration,
}

/// A capability that was just made.
#[derive(Debug)]
pub struct Minted {
    /// Its text.
    pub token: Secret<String>,
    /// When it ends.
    pub expires: Timestamp,
}

impl Minter {
    /// Makes capabilities for `preview` that hold for `lifetime`.
    #[must_use]
    pub fn new(key: Arc<SigningKey>, preview: Arc<str>, lifetime: SignedDuration) -> Self {
        Self {
            key,
            preview,
            lifetime,
        }
    }

    /// The key that proves what it makes.
    #[must_use]
    pub fn public(&self) -> RootKey {
        self.key.public()
    }

    /// A secret for `purpose` that everybody with the same key has, and nobody else.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        let context = format!("chaperone 2026-11 {purpose}");
        blake3::derive_key(&context, self.key.pem().expose().as_bytes())
    }

    /// Whether `settings` accept what it makes.
    #[must_use]
    pub fn is_accepted(&self, settings: &Settings) -> bool {
        let accepted = settings.biscuit.as_ref();
        accepted.is_some_and(|accepted| accepted.root_keys().contains(&self.public()))
    }

    /// A capability of `subject`; it never holds longer than until `end`.
    ///
    /// # Errors
    /// Refuses what no verifier would read, and one that would be over at once.
    pub fn mint(
        &self,
        subject: &Subject,
        now: Timestamp,
        end: Option<Timestamp>,
    ) -> Result<Minted, MintError> {
        let own = now.checked_add(self.lifetime);
        let own = own.map_err(|_| MintError::Expires)?;
        let expires = end.map_or(own, |end| end.min(own));
        // A Biscuit counts in seconds.
        let expires = Timestamp::from_second(expires.as_second()).unwrap_or(expires);
        if expires <= now {
            return Err(MintError::Expires);
        }
        let grant = Grant {
            expires: Some(expires),
            preview: Some(self.preview.to_string()),
            ..grant(subject)
        };
        let token = grant.biscuit(&self.key)?;
        Ok(Minted { token, expires })
    }

    /// A capability for the user of another token that was proven; it never holds longer than that.
    ///
    /// # Errors
    /// Refuses Biscuits: what they forbid themselves would be lost. So would the key that a token is bound to.
    pub fn exchange(&self, verified: &Verified, now: Timestamp) -> Result<Minted, MintError> {
        if verified.is_biscuit() {
            return Err(MintError::Narrowed);
        }
        if verified.confirmation().is_some() {
            return Err(MintError::Possessed);
        }
        self.mint(verified.subject(), now, verified.expires())
    }
}

/// What is vouched for of `subject`.
fn grant(subject: &Subject) -> Grant {
    let vouched = subject.attributes();
    let vouched = vouched.filter(|(name, _)| !biscuit::is_reserved(name));
    let attributes = vouched.flat_map(|(name, values)| {
        let values = values.iter();
        values.map(move |value| (name.to_owned(), value.to_string()))
    });
    Grant {
        attributes: attributes.collect(),
        ..Grant::new(subject.id())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::{SignedDuration, Timestamp};

    use super::Minter;
    use crate::capability::mint::{MintError, SigningKey};
    use crate::capability::{BiscuitSettings, Limits, Settings, Verifier};
    use crate::types::Subject;

    fn subject() -> Subject {
        let attributes = [
            ("user", "alice"),
            ("email", "alice@shop.example"),
            ("group", "buyers"),
            ("group", "testers"),
        ];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Subject::new("alice", attributes).unwrap()
    }

    #[test]
    fn makes_what_a_verifier_reads_for_its_preview_alone() {
        let key = Arc::new(SigningKey::generate().unwrap());
        let minter = Minter::new(key, Arc::from("pr-1"), SignedDuration::from_hours(1));
        let settings = Settings {
            biscuit: Some(BiscuitSettings::new(vec![minter.public()]).unwrap()),
            ..Settings::default()
        };
        assert!(minter.is_accepted(&settings));
        assert!(!minter.is_accepted(&Settings::default()));
        let now = Timestamp::now();
        let minted = minter.mint(&subject(), now, None).unwrap();
        let verifier = Verifier::new(settings, Limits::default()).unwrap();
        let verified = verifier.verify(&minted.token, now).unwrap();
        assert_eq!(verified.preview(), Some("pr-1"));
        assert_eq!(verified.subject().id(), "alice");
        assert_eq!(verified.subject().values("group").len(), 2);
        assert_eq!(verified.expires(), Some(minted.expires));
        assert!(matches!(
            minter.exchange(&verified, now),
            Err(MintError::Narrowed)
        ));
        verifier.verify(&minted.token, minted.expires).unwrap_err();
    }

    #[test]
    fn holds_no_longer_than_what_it_was_made_of() {
        let key = Arc::new(SigningKey::generate().unwrap());
        let minter = Minter::new(key, Arc::from("pr-1"), SignedDuration::from_hours(1));
        let now = Timestamp::now();
        let ends = |end| {
            minter
                .mint(&subject(), now, end)
                .map(|minted| minted.expires)
        };
        let soon = Timestamp::from_second(now.as_second() + 90).unwrap();
        assert_eq!(ends(Some(soon)).unwrap(), soon);
        assert!(
            ends(Some(now + SignedDuration::from_hours(9))).unwrap()
                <= now + SignedDuration::from_hours(1)
        );
        assert!(matches!(ends(Some(now)), Err(MintError::Expires)));
        assert_ne!(minter.derived("a"), minter.derived("b"));
    }
}
