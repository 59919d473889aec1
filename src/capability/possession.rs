//! Tokens that are bound to a key: whoever sends one proves with each request that the key is theirs, by a DPoP proof
//! (RFC 9449) or by the client certificate of the connection (RFC 8705).
//!
//! A proof is good for one method, one address, one token and one use within a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::jwt::{self, Compact};
use super::{JwtAlgorithm, KeySet, Verified};
use crate::types::{ReasonCode, Refusal, Secret, Target};

/// What a token is bound to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmation {
    /// The SHA-256 thumbprint (RFC 7638) of a key.
    key: Option<[u8; 32]>,
    /// The SHA-256 hash of a client certificate (DER).
    certificate: Option<[u8; 32]>,
}

impl Confirmation {
    /// Reads the claim `cnf` (RFC 7800) with `jkt`, `x5t#S256` or both; anything else in it can't be checked here.
    pub(super) fn of_claim(claim: &Value) -> Option<Self> {
        let members = claim.as_object().filter(|members| !members.is_empty())?;
        let mut bound = Self::default();
        for (name, value) in members {
            let hash = Some(hash(value.as_str()?)?);
            match name.as_str() {
                "jkt" => bound.key = hash,
                "x5t#S256" => bound.certificate = hash,
                _ => return None,
            }
        }
        Some(bound)
    }

    /// The same from a Biscuit's facts.
    pub(super) fn of_facts(key: Option<&str>, certificate: Option<&str>) -> Option<Option<Self>> {
        if key.is_none() && certificate.is_none() {
            return Some(None);
        }
        let read = |text: Option<&str>| match text {
            None => Some(None),
            Some(text) => hash(text).map(Some),
        };
        Some(Some(Self {
            key: read(key)?,
            certificate: read(certificate)?,
        }))
    }
}

/// Whether this is a SHA-256 hash in base64url.
pub(super) fn is_hash(text: &str) -> bool {
    hash(text).is_some()
}

fn hash(text: &str) -> Option<[u8; 32]> {
    jwt::base64url(text)?.try_into().ok()
}

/// How a token was carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `Authorization: Bearer`, good for whoever has it.
    Bearer,
    /// `Authorization: DPoP`, good with a proof.
    Dpop,
    /// A field of its own.
    Named,
}

/// What a request shows beside its token.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'r> {
    /// How the token was carried.
    pub scheme: Scheme,
    /// The fields named `DPoP`.
    pub proofs: &'r [Box<str>],
    /// The request's method.
    pub method: &'r str,
    /// Its host, which is the preview's.
    pub host: &'r str,
    /// Its target.
    pub target: &'r Target,
    /// The SHA-256 hash of the connection's client certificate.
    pub certificate: Option<[u8; 32]>,
}

/// Holds a bound token against what its request shows; `spent` remembers proofs. Gives the proof that this has used, if any.
///
/// # Errors
/// Refuses a bound token whose binding is not proven, and a token that is none where a proof is promised.
pub fn hold(
    verified: &Verified,
    token: &Secret<String>,
    shown: &Shown<'_>,
    spent: &Spent,
    now: Timestamp,
) -> Result<Option<Used>, Refusal> {
    let Some(bound) = verified.confirmation() else {
        return match shown.scheme {
            Scheme::Dpop => Err(unproven(
                "the capability is bound to no key: send it as `Bearer`",
            )),
            Scheme::Bearer | Scheme::Named => Ok(None),
        };
    };
    if bound.certificate.is_some() && bound.certificate != shown.certificate {
        return Err(unproven(
            "the connection does not show the certificate that the capability names",
        ));
    }
    let Some(key) = &bound.key else {
        return match shown.scheme {
            Scheme::Dpop => Err(unproven(
                "the capability is bound to a certificate, not to a key",
            )),
            Scheme::Bearer | Scheme::Named => Ok(None),
        };
    };
    if shown.scheme == Scheme::Bearer {
        return Err(unproven(
            "a capability that is bound to a key is not sent as `Bearer`",
        ));
    }
    let [proof] = shown.proofs else {
        return Err(unproven("not exactly one `DPoP` field"));
    };
    let proof = Proof::read(proof).map_err(unproven)?;
    if proof.thumbprint != *key {
        return Err(unproven("another key signed its `DPoP` proof"));
    }
    let until = proof.fits(token.expose(), shown, now).map_err(unproven)?;
    spent.spend(key, &proof.id, until, now).map(Some)
}

/// A proof that was used just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    name: [u8; 32],
    until: i64,
}

impl Used {
    /// Its name, which is that of this proof of this key wherever it is used: 64 hexadecimal digits.
    #[must_use]
    pub fn name(&self) -> String {
        hex::encode(self.name)
    }

    /// One that nobody sent, for tests of the rooms below.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn for_test(name: &str, until: i64) -> Self {
        let name = *blake3::hash(name.as_bytes()).as_bytes();
        Self { name, until }
    }

    /// The last second in which its own date lets it be used, by a right clock.
    #[must_use]
    pub fn until(&self) -> i64 {
        self.until
    }
}

fn unproven(detail: &'static str) -> Refusal {
    Refusal::new(ReasonCode::ProofInvalid).because(detail)
}

/// A proof whose signature holds.
struct Proof {
    thumbprint: [u8; 32],
    id: String,
    claims: Map<String, Value>,
}

impl Proof {
    fn read(text: &str) -> Result<Self, &'static str> {
        let form = "its `DPoP` proof is not a well-formed JSON Web Token";
        if text.len() > LONGEST {
            return Err(form);
        }
        let token = Compact::split(text).ok_or(form)?;
        let (header, claims) = token.members().ok_or(form)?;
        if header.get("typ").and_then(Value::as_str) != Some("dpop+jwt") {
            return Err("its `DPoP` proof is of another type");
        }
        const CLOSED: [&str; 7] = ["crit", "b64", "jku", "x5c", "x5u", "zip", "enc"];
        if CLOSED.iter().any(|name| header.contains_key(*name)) {
            return Err("the header of its `DPoP` proof asks for an extension");
        }
        let algorithm = header.get("alg").and_then(Value::as_str);
        let algorithm = algorithm.and_then(|name| name.parse::<JwtAlgorithm>().ok());
        let algorithm = algorithm.ok_or("the algorithm of its `DPoP` proof is not accepted")?;
        let jwk = header.get("jwk").and_then(Value::as_object);
        let jwk = jwk.ok_or("its `DPoP` proof brings no key")?;
        let unfit = "the key of its `DPoP` proof is no public key that is accepted";
        let keys = KeySet::of_one(jwk).ok_or(unfit)?;
        let key = keys.choose(None, algorithm).ok_or(unfit)?;
        if !token.is_signed_by(key, algorithm) {
            return Err("the signature of its `DPoP` proof does not hold");
        }
        let id = claims
            .get("jti")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if id.is_empty() || id.len() > 256 {
            return Err("its `DPoP` proof has no `jti`, or a very long one");
        }
        Ok(Self {
            thumbprint: thumbprint(jwk).ok_or(unfit)?,
            id: id.to_owned(),
            claims,
        })
    }

    /// Until when it must be remembered, if it is for this request and this moment.
    fn fits(&self, token: &str, shown: &Shown<'_>, now: Timestamp) -> Result<i64, &'static str> {
        let text = |name: &str| self.claims.get(name).and_then(Value::as_str);
        if text("htm") != Some(shown.method) {
            return Err("its `DPoP` proof is for another method");
        }
        if !text("htu").is_some_and(|htu| is_for(htu, shown)) {
            return Err("its `DPoP` proof is for another address");
        }
        let expected: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if text("ath").and_then(hash) != Some(expected) {
            return Err("its `DPoP` proof is for another capability");
        }
        let issued = self.claims.get("iat").and_then(Value::as_i64);
        let issued = issued.ok_or("its `DPoP` proof has no `iat`")?;
        let age = now.as_second().checked_sub(issued);
        if !age.is_some_and(|age| (-WINDOW..=WINDOW).contains(&age)) {
            return Err("its `DPoP` proof is too old, or from the future");
        }
        Ok(issued + WINDOW)
    }
}

/// Whether `htu` is the request's address, whatever stands behind a `?` (RFC 9449 section 4.3).
///
/// The scheme may be either: whether something before us encrypts is not seen from here.
fn is_for(htu: &str, shown: &Shown<'_>) -> bool {
    let plain = htu.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = plain.split_once("://").unwrap_or_default();
    let port = match scheme.to_ascii_lowercase().as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return false,
    };
    let (authority, path) = match rest.find('/') {
        Some(place) => rest.split_at_checked(place).unwrap_or_default(),
        None => (rest, "/"),
    };
    let bare = |host: &str| host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase();
    let is_same_host = !authority.is_empty() && bare(authority) == bare(shown.host);
    is_same_host
        && Target::parse(path).is_ok_and(|target| target.segments() == shown.target.segments())
}

/// The thumbprint of a key (RFC 7638).
fn thumbprint(jwk: &Map<String, Value>) -> Option<[u8; 32]> {
    let names: &[&str] = match jwk.get("kty")?.as_str()? {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        _ => return None,
    };
    let mut text = String::new();
    for name in names {
        let value = Value::from(jwk.get(*name)?.as_str()?);
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(&format!("\"{name}\":{value}"));
    }
    text.push('}');
    Some(Sha256::digest(text.as_bytes()).into())
}

/// Proofs that were used, as long as they could be used again.
///
/// Only who holds a bound token's key can put one in. It is bounded, as a whole and for each key, and a full one
/// refuses: forgetting a proof before its time would let it be used twice.
#[derive(Debug)]
pub struct Spent {
    books: Mutex<Books>,
    most: usize,
    most_of_one: u32,
    /// When the remembering began: what was used before is not known.
    since: i64,
}

#[derive(Debug, Default)]
struct Books {
    until: HashMap<[u8; 32], ([u8; 32], i64)>,
    of_key: HashMap<[u8; 32], u32>,
    swept: i64,
}

impl Default for Spent {
    fn default() -> Self {
        Self::new(1 << 18, 1 << 14)
    }
}

impl Spent {
    /// Room for `most` proofs, `most_of_one` of one key.
    #[must_use]
    pub fn new(most: usize, most_of_one: u32) -> Self {
        Self {
            books: Mutex::default(),
            most,
            most_of_one,
            since: i64::MIN,
        }
    }

    /// Takes no proof that is dated before `start`: it may have been used at the process before this one.
    #[must_use]
    pub fn since(mut self, start: Timestamp) -> Self {
        self.since = start.as_second();
        self
    }

    /// How many proofs are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        let books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        books.until.len()
    }

    /// Nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn spend(&self, key: &[u8; 32], id: &str, until: i64, now: Timestamp) -> Result<Used, Refusal> {
        let now = now.as_second();
        if until.saturating_sub(WINDOW) < self.since {
            return Err(unproven(
                "its `DPoP` proof is from before the sidecar's start",
            ));
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(key).update(id.as_bytes());
        let name = *hasher.finalize().as_bytes();
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        books.sweep(now);
        // One that is over may still lie here until the next sweep; its own time has refused it before.
        if books.until.contains_key(&name) {
            return Err(unproven("its `DPoP` proof was used before"));
        }
        let of_key = books.of_key.get(key).copied().unwrap_or_default();
        if books.until.len() >= self.most || of_key >= self.most_of_one {
            let why = "too many `DPoP` proofs within a minute";
            return Err(Refusal::new(ReasonCode::Overloaded).because(why));
        }
        books.until.insert(name, (*key, until));
        books.of_key.insert(*key, of_key + 1);
        Ok(Used { name, until })
    }
}

impl Books {
    /// Forgets what its own time refuses by now; once a second at most.
    fn sweep(&mut self, now: i64) {
        if self.swept == now {
            return;
        }
        self.swept = now;
        let of_key = &mut self.of_key;
        self.until.retain(|_, (key, until)| {
            let is_kept = *until >= now;
            if !is_kept && let Some(count) = of_key.get_mut(key) {
                *count -= 1;
            }
            is_kept
        });
        of_key.retain(|_, count| *count > 0);
    }
}

/// Seconds that a proof's date may differ from the clock.
const WINDOW: i64 = 60;

/// Bytes of a proof.
const LONGEST: usize = 8 << 10;

#[cfg(test)]
mod tests;
