//! The ticket: a secret that its user spends once, within minutes, for a capability.
//!
//! An issuer's key signs it, as it signs capabilities, over bytes of another form: a ticket never passes for a
//! capability, nor a capability for a ticket. That it is spent once is for whoever takes it to remember, by [`Ticket::id`].

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::mint::{Grant, MintError, SigningKey};
use super::{BiscuitSettings, jwt};
use crate::types::{Secret, Target};

/// What else a signature could be for is kept apart by this.
const CONTEXT: &str = "chaperone 2026-11 ticket\n";
/// Bytes of a ticket's text.
const BYTES: usize = 8 * 1024;

/// A ticket whose signature holds, or that is about to be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// Random, 32 hexadecimal digits.
    id: String,
    preview: String,
    user: String,
    attributes: Vec<(String, String)>,
    /// Seconds since 1970.
    expires: i64,
    /// Where it leads.
    path: String,
}

impl Ticket {
    /// The longest that a ticket may still hold when it is opened.
    pub const LONGEST: SignedDuration = SignedDuration::from_hours(1);

    /// A ticket that becomes what `grant` says, and leads to `path`.
    ///
    /// # Errors
    /// Refuses a grant that no verifier would read or that names no preview or end, a path that is none of the
    /// preview's own, and fails without random bytes.
    pub fn new(grant: &Grant, path: &str) -> Result<Self, TicketError> {
        grant.check().map_err(TicketError::Grant)?;
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|_| TicketError::Random)?;
        let ticket = Self {
            id: hex::encode(id),
            preview: grant.preview.clone().ok_or(TicketError::Preview)?,
            user: grant.user.clone(),
            attributes: grant.attributes.clone(),
            expires: grant.expires.ok_or(TicketError::Ended)?.as_second(),
            path: path.to_owned(),
        };
        ticket.check(Timestamp::now())?;
        Ok(ticket)
    }

    /// The ticket's text, signed with `key`.
    ///
    /// # Errors
    /// Fails when the key can't sign, and for a ticket that is larger than any that is read.
    pub fn sign(&self, key: &SigningKey) -> Result<Secret<String>, TicketError> {
        let payload = serde_json::to_vec(self).map_err(|_| TicketError::Form)?;
        let payload = URL_SAFE_NO_PAD.encode(payload);
        let message = format!("{CONTEXT}{payload}");
        let signature = key.sign(message.as_bytes()).map_err(TicketError::Grant)?;
        let text = Secret::new(format!("{payload}.{signature}"));
        if text.expose().len() > BYTES {
            return Err(TicketError::Form);
        }
        Ok(text)
    }

    /// Reads a ticket that one of `issuers` signed and whose time is not over.
    ///
    /// # Errors
    /// Refuses everything else.
    pub fn open(
        text: &str,
        issuers: &BiscuitSettings,
        now: Timestamp,
    ) -> Result<Self, TicketError> {
        if text.len() > BYTES {
            return Err(TicketError::Form);
        }
        let (payload, signature) = text.trim().split_once('.').ok_or(TicketError::Form)?;
        let message = format!("{CONTEXT}{payload}");
        let is_signed = |key: &super::RootKey| key.verifies(message.as_bytes(), signature);
        if !issuers.root_keys().iter().any(is_signed) {
            return Err(TicketError::Signature);
        }
        let payload = jwt::base64url(payload).ok_or(TicketError::Form)?;
        let ticket: Self = serde_json::from_slice(&payload).map_err(|_| TicketError::Form)?;
        ticket.check(now)?;
        Ok(ticket)
    }

    /// What it becomes; the end of that is for its minter to say.
    #[must_use]
    pub fn grant(&self) -> Grant {
        Grant {
            attributes: self.attributes.clone(),
            preview: Some(self.preview.clone()),
            ..Grant::new(&self.user)
        }
    }

    /// Its own name, under which it is remembered once it is spent: 32 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The preview that it is for.
    #[must_use]
    pub fn preview(&self) -> &str {
        &self.preview
    }

    /// The user that it is for.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// When it ends unspent.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        Timestamp::from_second(self.expires).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Where it leads: a path of the preview's own.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    fn check(&self, now: Timestamp) -> Result<(), TicketError> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if self.id.len() != 32 || !self.id.bytes().all(is_digit) {
            return Err(TicketError::Form);
        }
        if !is_own_path(&self.path) {
            return Err(TicketError::Path);
        }
        if now >= self.expires() {
            return Err(TicketError::Ended);
        }
        if self.expires().duration_since(now) > Self::LONGEST {
            return Err(TicketError::Long);
        }
        Ok(())
    }
}

/// Whether `path` is a target of the same host, to every browser: no scheme, no host, nothing that is read in two ways.
#[must_use]
pub fn is_own_path(path: &str) -> bool {
    path.len() <= 2048 && !path.starts_with("//") && Target::parse(path).is_ok()
}

/// Why there is no ticket.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TicketError {
    /// Its time is over, or it has none.
    #[error("its time is over")]
    Ended,
    /// It has another form, or is too large.
    #[error("it is not a ticket, or not a whole one")]
    Form,
    /// What it should become can't be minted.
    #[error("it can't be minted")]
    Grant(#[source] MintError),
    /// It would hold too long.
    #[error("a ticket holds for an hour at most")]
    Long,
    /// It leads elsewhere.
    #[error(
        "it leads to an address that is none of the preview's own; write a path such as `/orders`"
    )]
    Path,
    /// It names no preview.
    #[error("it names no preview")]
    Preview,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
    /// No key of the policy's signed it.
    #[error("none of the policy's root keys signed it")]
    Signature,
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jiff::{SignedDuration, Timestamp};

    use super::{CONTEXT, Ticket, TicketError, is_own_path};
    use crate::capability::mint::{Grant, SigningKey};
    use crate::capability::{BiscuitSettings, Limits, Settings, Verifier};

    fn grant() -> Grant {
        Grant {
            preview: Some("pr-1".to_owned()),
            ..Grant::new("alice")
                .with("email", "alice@shop.example")
                .until(Timestamp::now() + SignedDuration::from_mins(10))
        }
    }

    fn issuers(key: &SigningKey) -> BiscuitSettings {
        BiscuitSettings::new(vec![key.public()]).unwrap()
    }

    #[test]
    fn reads_what_an_issuer_signed_until_its_end() {
        let key = SigningKey::generate().unwrap();
        let ticket = Ticket::new(&grant(), "/orders?page=2").unwrap();
        let text = ticket.sign(&key).unwrap();
        let now = Timestamp::now();
        let read = Ticket::open(text.expose(), &issuers(&key), now).unwrap();
        assert_eq!(read, ticket);
        assert_eq!(read.grant().attributes, grant().attributes);
        assert!(!format!("{text:?}").contains(text.expose().as_str()));
        for late in [10, 11, 600] {
            let then = now + SignedDuration::from_mins(late);
            let refused = Ticket::open(text.expose(), &issuers(&key), then);
            assert!(matches!(refused, Err(TicketError::Ended)));
        }
        let before = now - SignedDuration::from_mins(55);
        let refused = Ticket::open(text.expose(), &issuers(&key), before);
        assert!(matches!(refused, Err(TicketError::Long)));
    }

    #[test]
    fn refuses_what_no_issuer_signed_as_a_ticket() {
        let key = SigningKey::generate().unwrap();
        let stranger = SigningKey::generate().unwrap();
        let now = Timestamp::now();
        let ticket = Ticket::new(&grant(), "/").unwrap();
        let text = ticket.sign(&key).unwrap().expose().clone();
        let (payload, signature) = text.split_once('.').unwrap();
        let changed = URL_SAFE_NO_PAD.decode(payload).unwrap();
        let changed = String::from_utf8(changed)
            .unwrap()
            .replace("alice", "bobby");
        let bare = key.sign(payload.as_bytes()).unwrap();
        for forged in [
            ticket.sign(&stranger).unwrap().expose().clone(),
            format!("{}.{signature}", URL_SAFE_NO_PAD.encode(changed)),
            format!("{payload}.{bare}"),
            format!("{payload}."),
        ] {
            let refused = Ticket::open(&forged, &issuers(&key), now);
            assert!(matches!(refused, Err(TicketError::Signature)), "{forged}");
        }
        let biscuit = grant().biscuit(&key).unwrap().expose().clone();
        for other in [String::new(), biscuit, "x".repeat(9000)] {
            let refused = Ticket::open(&other, &issuers(&key), now);
            assert!(matches!(refused, Err(TicketError::Form)), "{other}");
        }
        for json in [
            "{}".to_owned(),
            format!(
                r#"{{"id":"../../../../../../../../etc/pass","preview":"pr-1","user":"a","attributes":[],"expires":{},"path":"/"}}"#,
                now.as_second() + 60
            ),
        ] {
            let payload = URL_SAFE_NO_PAD.encode(json);
            let signature = key.sign(format!("{CONTEXT}{payload}").as_bytes()).unwrap();
            let refused = Ticket::open(&format!("{payload}.{signature}"), &issuers(&key), now);
            assert!(matches!(refused, Err(TicketError::Form)));
        }
    }

    #[test]
    fn refuses_to_pass_for_a_capability() {
        let key = SigningKey::generate().unwrap();
        let text = Ticket::new(&grant(), "/").unwrap().sign(&key).unwrap();
        let settings = Settings {
            biscuit: Some(issuers(&key)),
            ..Settings::default()
        };
        let verifier = Verifier::new(settings, Limits::default()).unwrap();
        verifier.verify(&text, Timestamp::now()).unwrap_err();
    }

    #[test]
    fn refuses_to_lead_elsewhere() {
        for path in ["/", "/orders", "/a/b?c=d", "/%C3%A9"] {
            assert!(is_own_path(path), "{path}");
        }
        for path in [
            "",
            "orders",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "https://evil.example",
            "/a#b",
            "/a//b",
            "/../a",
            "/a b",
            "/\r\nset-cookie: a=1",
        ] {
            assert!(!is_own_path(path), "{path}");
            assert!(matches!(
                Ticket::new(&grant(), path),
                Err(TicketError::Path)
            ));
        }
    }
}
