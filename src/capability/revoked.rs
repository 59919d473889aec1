//! Capabilities that no longer hold: a list of ids, signed where the policy names a key for it.
//!
//! A line is the revocation id of a Biscuit's block, in hexadecimal digits, or `jti:` and the id of a JSON Web
//! Token. A token with any revoked block is revoked, and with it every token that was narrowed from it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use super::mint::{MintError, SigningKey};
use super::{Published, RootKey, Source, Verified};
use crate::types::{ReasonCode, Refusal};

/// The first line of a signed list.
const SIGNATURE: &str = "# signature: ";
/// What else a signature could be for is kept apart by this.
const CONTEXT: &str = "chaperone 2026-11 revocation list\n";

/// What says when the list was written, so that an older one can't be put in its place.
const ISSUED: &str = "# issued: ";

/// The ids of what no longer holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    ids: HashSet<Box<str>>,
    issued: Option<Timestamp>,
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
        let mut issued = None;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(date) = line.strip_prefix(ISSUED) {
                let date = date.trim().parse().ok().filter(|_| issued.is_none());
                issued = Some(date.ok_or(RevokedError::Issued(number + 1))?);
                continue;
            }
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // What stands behind an id explains it.
            let id = line.split_whitespace().next().unwrap_or_default();
            let id = normal(id).ok_or(RevokedError::Line(number + 1))?;
            ids.insert(id.into());
        }
        Ok(Self { ids, issued })
    }

    /// When the list was written, where it says so.
    #[must_use]
    pub fn issued(&self) -> Option<Timestamp> {
        self.issued
    }

    /// Refuses to take the place of a list that was written later.
    ///
    /// # Errors
    /// What the list of before revoked could hold again.
    pub fn replaces(self, before: &Self) -> Result<Self, RevokedError> {
        match (self.issued, before.issued) {
            (Some(now), Some(then)) if now < then => Err(RevokedError::Older),
            (None, Some(_)) => Err(RevokedError::Undated),
            _ => Ok(self),
        }
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

/// The list in `text` with `ids` more, dated `now` and signed anew where there is a `key`.
///
/// # Errors
/// Refuses what is no id, a list that can't be read, and a key that can't sign.
pub fn extend(
    text: &str,
    ids: &[String],
    key: Option<&SigningKey>,
    now: Timestamp,
) -> Result<String, RevokedError> {
    let kept = match text.split_once('\n') {
        Some((first, rest)) if first.starts_with(SIGNATURE) => rest,
        _ if text.starts_with(SIGNATURE) => "",
        _ => text,
    };
    // Not even on a clock that was set back does a list become older.
    let before = Revoked::parse(kept, None)?.issued;
    let issued = before.map_or(now, |before| before.max(now));
    let mut list = format!("{ISSUED}{issued}\n");
    for line in kept.lines() {
        if !line.trim().starts_with(ISSUED) {
            list.push_str(line);
            list.push('\n');
        }
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

/// The list in force: from a file, or from an address; and how old it may be.
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    list: List,
    max_age: Option<Duration>,
}

#[derive(Clone, Debug, Default)]
enum List {
    #[default]
    None,
    Fixed(Arc<Revoked>),
    Published(Arc<Published<Revoked>>),
}

impl Revocations {
    /// The list of a file; with `max_age` it closes once it is older than that.
    #[must_use]
    pub fn fixed(list: Revoked, max_age: Option<Duration>) -> Self {
        let list = List::Fixed(Arc::new(list));
        Self { list, max_age }
    }

    /// The list at an address, which closes once nobody could read it for too long; where `is_dated`, once it was
    /// written too long ago.
    #[must_use]
    pub fn published(list: Arc<Published<Revoked>>, is_dated: bool) -> Self {
        let max_age = is_dated.then(|| list.address().max_age);
        let list = List::Published(list);
        Self { list, max_age }
    }

    /// Where it is read, if at an address.
    #[must_use]
    pub fn source(&self) -> Option<Arc<dyn Source>> {
        match &self.list {
            List::Published(list) => Some(Arc::clone(list) as Arc<dyn Source>),
            List::None | List::Fixed(_) => None,
        }
    }

    /// The list of a file.
    #[must_use]
    pub fn fixed_list(&self) -> Option<&Revoked> {
        match &self.list {
            List::Fixed(list) => Some(list),
            List::None | List::Published(_) => None,
        }
    }

    /// Refuses a token of which any part is on the list, and every token where the list is too old.
    ///
    /// # Errors
    /// The token was revoked, or nobody can tell.
    pub fn refuse(&self, verified: &Verified, now: Timestamp) -> Result<(), Refusal> {
        let stale = || Refusal::new(ReasonCode::RevocationsStale);
        let list = match &self.list {
            List::None => return Ok(()),
            List::Fixed(list) => Arc::clone(list),
            List::Published(list) => list.current(now).ok_or_else(stale)?,
        };
        if let Some(max_age) = self.max_age {
            let issued = list.issued.ok_or_else(stale)?;
            let max_age = SignedDuration::try_from(max_age).unwrap_or(SignedDuration::MAX);
            if now.duration_since(issued) > max_age {
                return Err(stale());
            }
        }
        list.refuse(verified)
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
    /// A date that is none, or a second one.
    #[error("line {0} is no date, or a second one: `# issued: 2026-11-25T12:00:00Z` is expected")]
    Issued(usize),
    /// The key can't sign.
    #[error("the list can't be signed")]
    Key(#[source] MintError),
    /// A line that is no id.
    #[error("line {0} is no revocation id")]
    Line(usize),
    /// A list that was written later is in use.
    #[error("it was written before the list in use")]
    Older,
    /// Another key signed it, or it was changed since.
    #[error("its signature does not hold")]
    Signature,
    /// It does not say when it was written.
    #[error("it does not say when it was written (`# issued:`): it could be an old one")]
    Undated,
    /// It is not signed.
    #[error("it is not signed, and the policy names a key")]
    Unsigned,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};

    use super::{Revocations, Revoked, RevokedError, extend};
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
        let list = extend("", &[id], Some(&key), Timestamp::now()).unwrap();
        let parse = |text: &str, key: &SigningKey| Revoked::parse(text, Some(&key.public()));
        assert_eq!(parse(&list, &key).unwrap().len(), 1);
        let other = SigningKey::generate().unwrap();
        assert!(matches!(parse(&list, &other), Err(RevokedError::Signature)));
        let plain = extend("", &[], None, Timestamp::now()).unwrap();
        assert!(matches!(parse(&plain, &key), Err(RevokedError::Unsigned)));
        // What the key signed for another purpose is no list.
        let receipt = key.sign(b"chaperone 2026-11 receipt\n").unwrap();
        let forged = format!("# signature: {receipt}\n");
        assert!(matches!(parse(&forged, &key), Err(RevokedError::Signature)));
    }

    #[test]
    fn is_never_replaced_by_an_older_one() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let list = |text: &str, second| {
            let text = extend(text, &[], None, at(second)).unwrap();
            (Revoked::parse(&text, None).unwrap(), text)
        };
        let (old, text) = list("jti:a\n", 1_800_000_000);
        let (new, _) = list(&text, 1_800_000_060);
        assert_eq!((old.issued(), old.len()), (Some(at(1_800_000_000)), 1));
        assert!(new.clone().replaces(&old).is_ok());
        assert!(new.clone().replaces(&new).is_ok());
        assert!(matches!(
            old.clone().replaces(&new),
            Err(RevokedError::Older)
        ));
        let undated = Revoked::parse("jti:a\n", None).unwrap();
        assert!(matches!(
            undated.clone().replaces(&old),
            Err(RevokedError::Undated)
        ));
        assert!(old.clone().replaces(&undated).is_ok());
        // Written on a clock that was set back.
        let (again, _) = list(&text, 1_700_000_000);
        assert_eq!(again.issued(), old.issued());
        for twice in [
            "# issued: today\n",
            "# issued: 2026-11-25T12:00:00Z\n# issued: 2026-11-25T12:00:00Z\n",
        ] {
            assert!(Revoked::parse(twice, None).is_err(), "{twice}");
        }
    }

    #[test]
    fn closes_when_it_is_too_old() {
        let key = SigningKey::generate().unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let settings = Settings {
            biscuit: Some(crate::capability::BiscuitSettings::new(vec![key.public()]).unwrap()),
            jwt: Vec::new(),
        };
        let verifier = Verifier::new(settings, Limits::default()).unwrap();
        let token = Grant::new("a").biscuit(&key).unwrap();
        let verified = verifier.verify(&token, now).unwrap();
        let text = extend("", &[], None, now).unwrap();
        let list = Revoked::parse(&text, None).unwrap();
        let hour = Some(Duration::from_secs(3600));
        let refuse = |list: &Revoked, max_age, minutes| {
            let later = now + SignedDuration::from_mins(minutes);
            let revocations = Revocations::fixed(list.clone(), max_age);
            revocations
                .refuse(&verified, later)
                .map_err(|refusal| refusal.code)
        };
        assert_eq!(refuse(&list, hour, 60), Ok(()));
        assert_eq!(refuse(&list, hour, 61), Err(ReasonCode::RevocationsStale));
        assert_eq!(refuse(&list, None, 61), Ok(()));
        let undated = Revoked::parse("", None).unwrap();
        assert_eq!(refuse(&undated, hour, 0), Err(ReasonCode::RevocationsStale));
    }

    #[test]
    fn refuses_json_web_tokens_by_their_id() {
        let key = SigningKey::generate().unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let keys = KeySet::parse(&key.jwks(None)).unwrap();
        let jwt = JwtSettings::new("id", "shop", vec![JwtAlgorithm::EdDSA], keys).unwrap();
        let settings = Settings {
            biscuit: None,
            jwt: vec![jwt],
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
