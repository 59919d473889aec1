//! Capabilities that no longer hold: a list of ids, signed where the policy names a key for it.
//!
//! A line is the revocation id of a Biscuit's block, in hexadecimal digits, or `jti:` and the id of a JSON Web
//! Token. A token with any revoked block is revoked, and with it every token that was narrowed from it.

use std::collections::HashSet;

use thiserror::Error;

use super::mint::{MintError, SigningKey};
use super::{RootKey, Verified};
use crate::types::{ReasonCode, Refusal};

/// The first line of a signed list.
const SIGNATURE: &str = "# signature: ";
/// What else a signature could be for is kept apart by this.
const CONTEXT: &str = "chaperone 2026-11 revocation list\n";

/// The ids of what no longer holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    ids: HashSet<Box<str>>,
}

impl Revoked {
    /// Reads a list; with a `key`, only one that this key signed.
    ///
    /// # Errors
    /// Refuses a list whose signature is missing or does not hold, and lines that are no ids: what
    /// was meant to be revoked would go on.
    pub fn parse(text: &str, key: Option<&RootKey>) -> Result<Self, RevokedError> {
        if let Some(key) = key {
            let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
            let signature = first
                .strip_prefix(SIGNATURE)
                .ok_or(RevokedError::Unsigned)?;
            if !key.verifies(&signed(rest), signature.trim_end()) {
                return Err(RevokedError::Signature);
            }
        }
        let mut ids = HashSet::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // What stands behind an id explains it.
            let id = line.split_whitespace().next().unwrap_or_default();
            let id = normal(id).ok_or(RevokedError::Line(number + 1))?;
            ids.insert(id.into());
        }
        Ok(Self { ids })
    }

    /// Refuses a token of which any part is on the list.
    ///
    /// # Errors
    /// The token was revoked.
    pub fn refuse(&self, verified: &Verified) -> Result<(), Refusal> {
        let mut ids = verified.revocation_ids().iter();
        if ids.any(|id| self.ids.contains(id)) {
            return Err(Refusal::new(ReasonCode::CapabilityRevoked));
        }
        Ok(())
    }

    /// How many ids are listed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Nothing is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// The list in `text` with `ids` more, signed anew where there is a `key`.
///
/// # Errors
/// Refuses what is no id, a list that can't be read, and a key that can't sign.
pub fn extend(
    text: &str,
    ids: &[String],
    key: Option<&SigningKey>,
) -> Result<String, RevokedError> {
    let kept = match text.split_once('\n') {
        Some((first, rest)) if first.starts_with(SIGNATURE) => rest,
        _ if text.starts_with(SIGNATURE) => "",
        _ => text,
    };
    let mut list = kept.to_owned();
    if !list.is_empty() && !list.ends_with('\n') {
        list.push('\n');
    }
    for id in ids {
        list.push_str(&normal(id).ok_or_else(|| RevokedError::Id(id.clone()))?);
        list.push('\n');
    }
    Revoked::parse(&list, None)?;
    match key {
        None => Ok(list),
        Some(key) => {
            let signature = key.sign(&signed(&list)).map_err(RevokedError::Key)?;
            Ok(format!("{SIGNATURE}{signature}\n{list}"))
        }
    }
}

/// Whether the list in `text` is signed, by whomever.
#[must_use]
pub fn is_signed(text: &str) -> bool {
    text.starts_with(SIGNATURE)
}

fn signed(list: &str) -> Vec<u8> {
    format!("{CONTEXT}{list}").into_bytes()
}

/// The one form of an id.
fn normal(id: &str) -> Option<String> {
    if let Some(jti) = id.strip_prefix("jti:") {
        return super::binding::is_name(jti).then(|| id.to_owned());
    }
    let is_hex = id.len() >= 64 && id.len() <= 512 && id.bytes().all(|c| c.is_ascii_hexdigit());
    is_hex.then(|| id.to_ascii_lowercase())
}

/// What is wrong with a list of revocations.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RevokedError {
    /// What is to be listed is no id.
    #[error(
        "`{0}` is no revocation id: hexadecimal digits as `token inspect` prints them, or `jti:ID`"
    )]
    Id(String),
    /// The key can't sign.
    #[error("the list can't be signed")]
    Key(#[source] MintError),
    /// A line that is no id.
    #[error("line {0} is no revocation id")]
    Line(usize),
    /// Another key signed it, or it was changed since.
    #[error("its signature does not hold")]
    Signature,
    /// It is not signed.
    #[error("it is not signed, and the policy names a key")]
    Unsigned,
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Revoked, RevokedError, extend};
    use crate::capability::mint::{Grant, JwtStamp, SigningKey};
    use crate::capability::{JwtAlgorithm, JwtSettings, KeySet, Limits, Settings, Verifier};
    use crate::types::ReasonCode;

    #[test]
    fn refuses_lists_that_are_none() {
        let id = "ab".repeat(64);
        for (text, count) in [
            (String::new(), Some(0)),
            ("# nobody\n\n".to_owned(), Some(0)),
            (id.clone(), Some(1)),
            (format!("{id} lost\n{}\n", id.to_uppercase()), Some(1)),
            (format!("  jti:t-1  \n{id}\n"), Some(2)),
            ("abcd".to_owned(), None),
            (id.replace('a', "x"), None),
            ("jti:".to_owned(), None),
            (format!("{id}\nhalf a li"), None),
        ] {
            let list = Revoked::parse(&text, None).ok();
            assert_eq!(list.map(|list| list.len()), count, "{text}");
        }
    }

    #[test]
    fn refuses_what_another_key_signed() {
        let key = SigningKey::generate().unwrap();
        let id = "ab".repeat(64);
        let list = extend("", &[id], Some(&key)).unwrap();
        let parse = |text: &str, key: &SigningKey| Revoked::parse(text, Some(&key.public()));
        assert_eq!(parse(&list, &key).unwrap().len(), 1);
        let other = SigningKey::generate().unwrap();
        assert!(matches!(parse(&list, &other), Err(RevokedError::Signature)));
        let plain = extend("", &[], None).unwrap();
        assert!(matches!(parse(&plain, &key), Err(RevokedError::Unsigned)));
        // What the key signed for another purpose is no list.
        let receipt = key.sign(b"chaperone 2026-11 receipt\n").unwrap();
        let forged = format!("# signature: {receipt}\n");
        assert!(matches!(parse(&forged, &key), Err(RevokedError::Signature)));
    }

    #[test]
    fn refuses_json_web_tokens_by_their_id() {
        let key = SigningKey::generate().unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let keys = KeySet::parse(&key.jwks(None)).unwrap();
        let jwt = JwtSettings::new("id", "shop", vec![JwtAlgorithm::EdDSA], keys).unwrap();
        let settings = Settings {
            biscuit: None,
            jwt: Some(jwt),
        };
        let verifier = Verifier::new(settings, Limits::default()).unwrap();
        let list = Revoked::parse("jti:t-1", None).unwrap();
        let refuse = |grant: Grant| {
            let stamp = JwtStamp {
                issuer: "id",
                audience: "shop",
                key_id: None,
                issued: now,
            };
            let grant = grant.until(now + SignedDuration::from_hours(1));
            let token = grant.jwt(&key, &stamp).unwrap();
            let verified = verifier.verify(&token, now).unwrap();
            list.refuse(&verified).map_err(|refusal| refusal.code)
        };
        let revoked = Err(ReasonCode::CapabilityRevoked);
        assert_eq!(refuse(Grant::new("a").with("jti", "t-1")), revoked);
        assert_eq!(refuse(Grant::new("a").with("jti", "t-2")), Ok(()));
        assert_eq!(refuse(Grant::new("a")), Ok(()));
    }
}
