//! Key sets (RFC 7517) of JSON Web Token issuers: which public keys may have signed, and by which algorithm.
//!
//! Keys for other uses and of kinds that are not offered here are passed over, as the RFC asks.
//! A set that is ambiguous or weak is refused whole: two keys of one id, symmetric or private keys,
//! RSA below 2048 bits, an algorithm that its key can't have.

use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};
use thiserror::Error;

use super::settings::JwtAlgorithm;
use super::{json, jwt};

/// The public keys of one issuer.
#[derive(Clone)]
pub struct KeySet {
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: Option<Box<str>>,
    kind: Kind,
    algorithm: Option<JwtAlgorithm>,
    key: DecodingKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ed25519,
    P256,
    Rsa,
}

impl KeySet {
    /// Reads a JWK set, or one bare JWK.
    ///
    /// # Errors
    /// Refuses what is no key set, is ambiguous, weak, or holds what must stay secret.
    pub fn parse(text: &str) -> Result<Self, KeySetError> {
        let document = json::object(text.as_bytes()).ok_or(KeySetError::Form)?;
        let keys = match document.get("keys") {
            Some(Value::Array(keys)) => keys
                .iter()
                .map(|key| key.as_object().ok_or(KeySetError::Form))
                .collect::<Result<Vec<_>, _>>()?,
            Some(_) => return Err(KeySetError::Form),
            None => vec![&document],
        };
        if keys.len() > MOST {
            return Err(KeySetError::Many);
        }
        let mut ids: Vec<&str> = Vec::new();
        let mut set = Vec::new();
        for jwk in keys {
            if let Some(id) = text_of(jwk, "kid")? {
                if ids.contains(&id) {
                    return Err(KeySetError::Duplicate);
                }
                ids.push(id);
            }
            set.extend(Key::read(jwk)?);
        }
        if set.is_empty() {
            return Err(KeySetError::Empty);
        }
        Ok(Self { keys: set })
    }

    /// The one key of a JWK; none where it is no public key that can verify.
    pub(super) fn of_one(jwk: &Map<String, Value>) -> Option<Self> {
        let key = Key::read(jwk).ok().flatten()?;
        Some(Self { keys: vec![key] })
    }

    /// How many keys can verify.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can verify; a parsed set never is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a key of the set can have signed by one of `algorithms`.
    pub(crate) fn covers_any(&self, algorithms: &[JwtAlgorithm]) -> bool {
        let is_covered =
            |algorithm: &JwtAlgorithm| self.keys.iter().any(|key| key.fits(*algorithm));
        algorithms.iter().any(is_covered)
    }

    /// Whether a key has this id.
    pub(super) fn names(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id.as_deref() == Some(id))
    }

    /// The one key that a header names: by its id, or as the only one that fits.
    pub(super) fn choose(&self, id: Option<&str>, algorithm: JwtAlgorithm) -> Option<&DecodingKey> {
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| key.fits(algorithm) && id.is_none_or(|id| key.id.as_deref() == Some(id)));
        let key = fitting.next()?;
        fitting.next().is_none().then_some(&key.key)
    }
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(
                self.keys
                    .iter()
                    .map(|key| (&key.id, key.kind, key.algorithm)),
            )
            .finish()
    }
}

impl Key {
    /// The key that a JWK describes; none where it is for something else.
    fn read(jwk: &Map<String, Value>) -> Result<Option<Self>, KeySetError> {
        let kind = text_of(jwk, "kty")?.ok_or(KeySetError::Form)?;
        if kind == "oct" || jwk.contains_key("k") {
            return Err(KeySetError::Symmetric);
        }
        if ["d", "p", "q", "dp", "dq", "qi", "oth"]
            .iter()
            .any(|name| jwk.contains_key(*name))
        {
            return Err(KeySetError::Private);
        }
        if text_of(jwk, "use")?.is_some_and(|purpose| purpose != "sig") || !may_verify(jwk)? {
            return Ok(None);
        }
        let algorithm = match text_of(jwk, "alg")? {
            None => None,
            Some(name) => match name.parse::<JwtAlgorithm>() {
                Ok(algorithm) => Some(algorithm),
                Err(_) => return Ok(None),
            },
        };
        let (kind, key) = match kind {
            "RSA" => (Kind::Rsa, rsa(jwk)?),
            "EC" if text_of(jwk, "crv")? == Some("P-256") => (Kind::P256, p256(jwk)?),
            "OKP" if text_of(jwk, "crv")? == Some("Ed25519") => (Kind::Ed25519, ed25519(jwk)?),
            _ if algorithm.is_some() => return Err(KeySetError::Mismatch),
            _ => return Ok(None),
        };
        let key = Self {
            id: text_of(jwk, "kid")?.map(Into::into),
            kind,
            algorithm,
            key,
        };
        if algorithm.is_some_and(|algorithm| !key.fits(algorithm)) {
            return Err(KeySetError::Mismatch);
        }
        Ok(Some(key))
    }

    fn fits(&self, algorithm: JwtAlgorithm) -> bool {
        let kind = match algorithm {
            JwtAlgorithm::ES256 => Kind::P256,
            JwtAlgorithm::EdDSA => Kind::Ed25519,
            JwtAlgorithm::PS256 | JwtAlgorithm::RS256 => Kind::Rsa,
        };
        self.kind == kind && self.algorithm.is_none_or(|only| only == algorithm)
    }
}

/// The name that the JWT crate has for an algorithm.
pub(super) fn algorithm(algorithm: JwtAlgorithm) -> Algorithm {
    match algorithm {
        JwtAlgorithm::ES256 => Algorithm::ES256,
        JwtAlgorithm::EdDSA => Algorithm::EdDSA,
        JwtAlgorithm::PS256 => Algorithm::PS256,
        JwtAlgorithm::RS256 => Algorithm::RS256,
    }
}

fn rsa(jwk: &Map<String, Value>) -> Result<DecodingKey, KeySetError> {
    let modulus = bytes_of(jwk, "n")?;
    let exponent = bytes_of(jwk, "e")?;
    let modulus = strip_zeros(&modulus);
    let exponent = strip_zeros(&exponent);
    let Some(first) = modulus.first() else {
        return Err(KeySetError::Key);
    };
    let bits = modulus.len() * 8 - first.leading_zeros() as usize;
    // 65537 is 3 bytes; larger exponents only cost time. 1 and 3 have been forged.
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    if !(2048..=8192).contains(&bits) || is_roca(modulus) {
        return Err(KeySetError::Weak);
    }
    if exponent != [1, 0, 1] && (exponent.len() < 3 || exponent.len() > 4) {
        return Err(KeySetError::Weak);
    }
    if !is_odd(modulus) || !is_odd(exponent) {
        return Err(KeySetError::Key);
    }
    Ok(DecodingKey::from_rsa_raw_components(modulus, exponent))
}

fn p256(jwk: &Map<String, Value>) -> Result<DecodingKey, KeySetError> {
    let (x, y) = (bytes_of(jwk, "x")?, bytes_of(jwk, "y")?);
    if x.len() != 32 || y.len() != 32 {
        return Err(KeySetError::Key);
    }
    let mut point = vec![4];
    point.extend(&x);
    point.extend(&y);
    Ok(DecodingKey::from_ec_der(&point))
}

fn ed25519(jwk: &Map<String, Value>) -> Result<DecodingKey, KeySetError> {
    let x = bytes_of(jwk, "x")?;
    if x.len() != 32 {
        return Err(KeySetError::Key);
    }
    Ok(DecodingKey::from_ed_der(&x))
}

/// Whether `key_ops`, where given, lets the key verify.
fn may_verify(jwk: &Map<String, Value>) -> Result<bool, KeySetError> {
    match jwk.get("key_ops") {
        None => Ok(true),
        Some(Value::Array(operations)) => {
            Ok(operations.iter().any(|operation| operation == "verify"))
        }
        Some(_) => Err(KeySetError::Form),
    }
}

/// Whether a modulus bears the mark of the Infineon generator, whose keys can be factored (CVE-2017-15361):
/// modulo every one of these primes it is a power of 65537.
fn is_roca(modulus: &[u8]) -> bool {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89,
        97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    PRIMES.iter().all(|prime| {
        let rest = modulus
            .iter()
            .fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1 % prime;
        for _ in 0..*prime {
            if power == rest {
                return true;
            }
            power = power * (65537 % prime) % prime;
        }
        false
    })
}

fn strip_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn text_of<'k>(jwk: &'k Map<String, Value>, name: &str) -> Result<Option<&'k str>, KeySetError> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeySetError::Form),
    }
}

fn bytes_of(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, KeySetError> {
    text_of(jwk, name)?
        .and_then(jwt::base64url)
        .ok_or(KeySetError::Key)
}

/// Keys in one set, at most.
const MOST: usize = 100;

/// Why a key set is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Two keys have one id.
    #[error("two keys of the set have the same `kid`")]
    Duplicate,
    /// Nothing in it can verify.
    #[error("the set holds no key that can verify RS256, PS256, ES256 or EdDSA")]
    Empty,
    /// It is no JWK set.
    #[error("not a JSON Web Key set (RFC 7517)")]
    Form,
    /// A key's numbers are missing or malformed.
    #[error("a key of the set is missing numbers or has malformed ones")]
    Key,
    /// More keys than are read.
    #[error("the set holds more than 100 keys")]
    Many,
    /// A key names an algorithm that is not for its kind.
    #[error("a key of the set names an algorithm that does not go with its type or curve")]
    Mismatch,
    /// It holds a private key.
    #[error("the set holds a private key; publish only public keys")]
    Private,
    /// It holds a symmetric key.
    #[error("the set holds a symmetric key; whoever verifies with it could also sign")]
    Symmetric,
    /// A key is too weak.
    #[error("an RSA key of the set is weak: 2048 to 8192 bits and the exponent 65537 are expected")]
    Weak,
}
