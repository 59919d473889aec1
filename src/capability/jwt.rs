//! JSON Web Tokens: one signature, one issuer of those that are known, its audience, and claims that become the subject's attributes.
//!
//! The crate checks signatures; everything it leaves to its caller is checked here: the exact form of the
//! three parts, `crit` and its kin, duplicate names, the key's fitness (see `jwks`), and the claims.
//! Header members that bring a key along (`jwk`, `jku`, `x5c`, `x5u`) are refused: the key set alone says who signs.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use super::possession::Confirmation;
use super::published::Published;
use super::settings::{JwtAlgorithm, JwtSettings, Keys};
use super::verified::Period;
use super::{KeySet, Verified, json, jwks};
use crate::types::{ReasonCode, Refusal, Subject};

/// The parts of a token in compact form.
#[derive(Clone, Copy)]
pub(super) struct Compact<'t> {
    signed: &'t str,
    header: &'t str,
    payload: &'t str,
    signature: &'t str,
}

impl<'t> Compact<'t> {
    /// Exactly three parts; five would be an encrypted token.
    pub(super) fn split(text: &'t str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if payload.contains('.') {
            return None;
        }
        Some(Self {
            signed,
            header,
            payload,
            signature,
        })
    }

    /// Whether `key` signed it by `algorithm`.
    pub(super) fn is_signed_by(&self, key: &DecodingKey, algorithm: JwtAlgorithm) -> bool {
        let (signature, message) = (self.signature, self.signed.as_bytes());
        let algorithm = jwks::algorithm(algorithm);
        jsonwebtoken::crypto::verify(signature, message, key, algorithm).unwrap_or(false)
    }

    /// The unverified header and payload, for those who only look.
    pub(super) fn members(&self) -> Option<(Map<String, Value>, Map<String, Value>)> {
        let header = json::object(&base64url(self.header)?)?;
        let payload = json::object(&base64url(self.payload)?)?;
        Some((header, payload))
    }
}

/// A token's subject and times, once everything about it holds except the clock.
pub(super) fn prove(
    token: &Compact<'_>,
    issuers: &[JwtSettings],
    hash: &blake3::Hash,
    now: Timestamp,
) -> Result<Verified, Refusal> {
    let settings = issuer(token, issuers)?;
    let (keys, source) = match &settings.keys {
        Keys::Fixed(keys) => (Arc::clone(keys), None),
        Keys::Published(source) => {
            let keys = source.current(now);
            let keys = keys.ok_or_else(|| Refusal::new(ReasonCode::IssuerKeysStale))?;
            (keys, Some(Arc::clone(source)))
        }
    };
    let payload = verify(token, &keys, &settings.algorithms).map_err(invalid)?;
    let claims =
        json::object(&payload).ok_or_else(|| invalid("its claims are not one JSON object"))?;
    let demands = Demands {
        issuer: Some(&settings.issuer),
        audience: Some(&settings.audience),
    };
    let times = demands.hold(&claims).map_err(invalid)?;
    let bound = match claims.get("cnf") {
        None => None,
        Some(claim) => {
            let bound = Confirmation::of_claim(claim);
            Some(bound.ok_or_else(|| invalid("it is bound in a way that can't be checked here"))?)
        }
    };
    let nameless = "its `sub` is missing, empty or holds control characters";
    let id = text(&claims, "sub").filter(|id| !id.is_empty());
    let id = format!(
        "{}{}",
        settings.prefix,
        id.ok_or_else(|| invalid(nameless))?
    );
    let subject = Subject::new(&id, attributes(&id, &claims, settings));
    let subject = subject.ok_or_else(|| invalid(nameless))?;
    Ok(Verified::jwt(
        hash,
        subject,
        Period {
            not_before: times.not_before,
            expires: Some(times.expires),
            leeway: settings.leeway,
        },
        text(&claims, "jti"),
        source,
        bound,
    ))
}

/// The one of `issuers` that the token says it is from, which its signature has yet to prove.
fn issuer<'i>(token: &Compact<'_>, issuers: &'i [JwtSettings]) -> Result<&'i JwtSettings, Refusal> {
    if let [only] = issuers {
        return Ok(only);
    }
    let claims = base64url(token.payload)
        .and_then(|payload| json::object(&payload))
        .ok_or_else(|| invalid("its claims are not one JSON object"))?;
    let named = text(&claims, "iss");
    let known = issuers.iter().find(|issuer| Some(&*issuer.issuer) == named);
    known.ok_or_else(|| invalid("it is from another issuer"))
}

/// The key set in which a refused token's key may stand by now.
pub(super) fn awaited(
    token: &Compact<'_>,
    issuers: &[JwtSettings],
    now: Timestamp,
) -> Option<Arc<Published<KeySet>>> {
    let Keys::Published(source) = &issuer(token, issuers).ok()?.keys else {
        return None;
    };
    let header = json::object(&base64url(token.header)?)?;
    let id = text(&header, "kid")?;
    let is_unknown = source.current(now).is_none_or(|keys| !keys.names(id));
    is_unknown.then(|| Arc::clone(source))
}

/// The payload of a token whose form, header and signature hold.
pub(super) fn verify(
    token: &Compact<'_>,
    keys: &KeySet,
    algorithms: &[JwtAlgorithm],
) -> Result<Vec<u8>, &'static str> {
    let form = "it is not a well-formed JSON Web Token";
    let header = base64url(token.header)
        .and_then(|bytes| json::object(&bytes))
        .ok_or(form)?;
    let payload = base64url(token.payload).ok_or(form)?;
    base64url(token.signature)
        .filter(|bytes| !bytes.is_empty())
        .ok_or(form)?;

    const CLOSED: [&str; 8] = ["crit", "b64", "jwk", "jku", "x5c", "x5u", "zip", "enc"];
    if CLOSED.iter().any(|name| header.contains_key(*name)) {
        return Err("its header asks for an extension or brings its own key");
    }
    let algorithm = text(&header, "alg")
        .and_then(|name| name.parse::<JwtAlgorithm>().ok())
        .filter(|algorithm| algorithms.contains(algorithm))
        .ok_or("its algorithm is not accepted here")?;
    let id = match header.get("kid") {
        None => None,
        Some(Value::String(id)) => Some(id.as_str()),
        Some(_) => return Err(form),
    };
    let key = keys
        .choose(id, algorithm)
        .ok_or("it names no key of the key set")?;
    if !token.is_signed_by(key, algorithm) {
        return Err("its signature does not hold");
    }
    Ok(payload)
}

/// What registered claims must say.
pub(super) struct Demands<'s> {
    pub(super) issuer: Option<&'s str>,
    pub(super) audience: Option<&'s str>,
}

/// When a token holds.
pub(super) struct Times {
    pub(super) not_before: Option<Timestamp>,
    pub(super) expires: Timestamp,
}

impl Demands<'_> {
    pub(super) fn hold(&self, claims: &Map<String, Value>) -> Result<Times, &'static str> {
        if self
            .issuer
            .is_some_and(|issuer| text(claims, "iss") != Some(issuer))
        {
            return Err("it is from another issuer");
        }
        if self
            .audience
            .is_some_and(|audience| !names(claims.get("aud"), audience))
        {
            return Err("it is for another audience");
        }
        if claims.contains_key("events") {
            return Err("it reports an event (RFC 8417), and is no user's token");
        }
        let expires = date(claims, "exp")?.ok_or("it never expires")?;
        let not_before = date(claims, "nbf")?;
        date(claims, "iat")?;
        Ok(Times {
            not_before,
            expires,
        })
    }
}

/// The attributes that the claims vouch for.
fn attributes(
    id: &str,
    claims: &Map<String, Value>,
    settings: &JwtSettings,
) -> Vec<(String, String)> {
    let is_true = |name: &str| claims.get(name) == Some(&Value::Bool(true));
    let mut attributes = Vec::new();
    let mut add = |attribute: &str, value: Option<&Value>| {
        attributes.extend(words(value).map(|word| (attribute.to_owned(), word)));
    };
    add("user", Some(&Value::from(id)));
    if is_true("email_verified") {
        add("email", claims.get("email"));
    }
    if is_true("phone_number_verified") {
        add("phone", claims.get("phone_number"));
    }
    add("preferred_username", claims.get("preferred_username"));
    add("name", claims.get("name"));
    add("group", claims.get("groups"));
    for (claim, attribute) in &settings.claims {
        // A mapping is no way round the issuer's word on whether these are the user's own.
        let is_vouched = match claim.top() {
            Some("email") => is_true("email_verified"),
            Some("phone_number") => is_true("phone_number_verified"),
            _ => true,
        };
        if is_vouched {
            add(attribute, claim.find(claims));
        }
    }
    attributes
}

/// The strings and whole numbers of a claim, alone or in an array.
fn words(value: Option<&Value>) -> impl Iterator<Item = String> {
    let items = match value {
        Some(Value::Array(items)) => items.as_slice(),
        Some(item) => std::slice::from_ref(item),
        None => &[],
    };
    items.iter().filter_map(|item| match item {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    })
}

fn names(audience: Option<&Value>, wanted: &str) -> bool {
    match audience {
        Some(Value::String(name)) => name == wanted,
        Some(Value::Array(list)) => {
            list.iter().all(Value::is_string) && list.iter().any(|name| name == wanted)
        }
        _ => false,
    }
}

/// A date in seconds since 1970; a fraction is cut off.
fn date(claims: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, &'static str> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            // 2^53: every whole number up to here is exact.
            (0.0..9_007_199_254_740_992.0)
                .contains(&float)
                .then_some(float as i64)
        }),
        _ => None,
    };
    seconds
        .filter(|seconds| *seconds >= 0)
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map(Some)
        .ok_or("a date in its claims is malformed")
}

fn text<'m>(members: &'m Map<String, Value>, name: &str) -> Option<&'m str> {
    members.get(name).and_then(Value::as_str)
}

/// Strict URL-safe base64: no padding, no blanks, no stray bits.
pub(super) fn base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn invalid(detail: &'static str) -> Refusal {
    Refusal::new(ReasonCode::CapabilityInvalid).because(detail)
}
