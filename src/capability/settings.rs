//! What a policy demands of tokens. Nothing here has a permissive default: whoever signs, for whom and how is said.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::claim::ClaimPath;
use super::published::{Published, Source};
use super::{KeySet, RootKey};

/// Leeway for clocks that differ, unless the policy says less.
const LEEWAY: u16 = 60;

/// Which tokens are accepted; at least one kind must be.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Biscuits, and the keys that may have signed them.
    pub biscuit: Option<BiscuitSettings>,
    /// JSON Web Tokens: the issuers they come from, each of another name.
    pub jwt: Vec<JwtSettings>,
}

impl Settings {
    /// What stands before the ids of the users that `issuer` vouches for; nothing where it is not named.
    #[must_use]
    pub fn prefix_of(&self, issuer: &str) -> &str {
        let known = self.jwt.iter().find(|known| *known.issuer == *issuer);
        known.map_or("", |known| &known.prefix)
    }

    /// The key sets that are read from addresses.
    pub fn published(&self) -> impl Iterator<Item = Arc<dyn Source>> {
        self.jwt.iter().filter_map(|issuer| match &issuer.keys {
            Keys::Published(keys) => Some(Arc::clone(keys) as Arc<dyn Source>),
            Keys::Fixed(_) => None,
        })
    }
}

/// The keys of one issuer of JSON Web Tokens.
#[derive(Clone, Debug)]
pub enum Keys {
    /// As they stood in a file.
    Fixed(Arc<KeySet>),
    /// As they stand at an address.
    Published(Arc<Published<KeySet>>),
}

impl From<KeySet> for Keys {
    fn from(keys: KeySet) -> Self {
        Self::Fixed(Arc::new(keys))
    }
}

impl From<Arc<Published<KeySet>>> for Keys {
    fn from(keys: Arc<Published<KeySet>>) -> Self {
        Self::Published(keys)
    }
}

/// The issuers of Biscuits.
#[derive(Clone, Debug)]
pub struct BiscuitSettings {
    root_keys: Vec<RootKey>,
}

impl BiscuitSettings {
    /// Accepts Biscuits whose first block one of `root_keys` signed.
    ///
    /// # Errors
    /// Refuses an empty or long list and keys that are not Ed25519.
    pub fn new(root_keys: Vec<RootKey>) -> Result<Self, SettingsError> {
        if root_keys.is_empty() {
            return Err(SettingsError::NoRootKey);
        }
        if root_keys.len() > 8 {
            return Err(SettingsError::RootKeys);
        }
        if !root_keys.iter().all(RootKey::is_ed25519) {
            return Err(SettingsError::RootKeyAlgorithm);
        }
        Ok(Self { root_keys })
    }

    pub(super) fn root_keys(&self) -> &[RootKey] {
        &self.root_keys
    }
}

/// The issuer of JSON Web Tokens, and what its tokens must say.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    pub(super) issuer: Box<str>,
    pub(super) audience: Box<str>,
    pub(super) algorithms: Vec<JwtAlgorithm>,
    pub(super) keys: Keys,
    pub(super) leeway: u16,
    pub(super) prefix: Box<str>,
    pub(super) claims: Vec<(ClaimPath, Box<str>)>,
}

impl JwtSettings {
    /// Accepts tokens of `issuer` for `audience`, signed by `algorithms` with a key of `keys`.
    ///
    /// # Errors
    /// Refuses an empty issuer, audience or list of algorithms, and keys of which none fits.
    pub fn new(
        issuer: &str,
        audience: &str,
        algorithms: Vec<JwtAlgorithm>,
        keys: impl Into<Keys>,
    ) -> Result<Self, SettingsError> {
        let keys = keys.into();
        if issuer.is_empty() {
            return Err(SettingsError::Issuer);
        }
        if audience.is_empty() {
            return Err(SettingsError::Audience);
        }
        if algorithms.is_empty() {
            return Err(SettingsError::Algorithms);
        }
        if let Keys::Fixed(keys) = &keys
            && !keys.covers_any(&algorithms)
        {
            return Err(SettingsError::Keys);
        }
        Ok(Self {
            issuer: issuer.into(),
            audience: audience.into(),
            algorithms,
            keys,
            leeway: LEEWAY,
            prefix: Box::default(),
            claims: Vec::new(),
        })
    }

    pub(super) fn audience(&self) -> &str {
        &self.audience
    }

    /// Bears clocks that differ by `seconds`.
    ///
    /// # Errors
    /// Refuses more than 60 seconds.
    pub fn with_leeway(mut self, seconds: u16) -> Result<Self, SettingsError> {
        if seconds > LEEWAY {
            return Err(SettingsError::Leeway);
        }
        self.leeway = seconds;
        Ok(self)
    }

    /// Puts `prefix` before every `sub`, so that users of two issuers can't be one.
    ///
    /// # Errors
    /// Refuses control characters and more than 64 bytes.
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, SettingsError> {
        if prefix.len() > 64 || prefix.chars().any(char::is_control) {
            return Err(SettingsError::Prefix);
        }
        self.prefix = prefix.into();
        Ok(self)
    }

    /// Holds one pair of [`Self::with_claims`] against its rules.
    pub(crate) fn check_claim(claim: &str, attribute: &str) -> Result<(), SettingsError> {
        if claim.is_empty() || attribute.is_empty() {
            return Err(SettingsError::ClaimEmpty);
        }
        if ClaimPath::parse(claim).is_none() {
            return Err(SettingsError::ClaimPath);
        }
        let is_standard = ["email", "phone"].contains(&attribute);
        if is_standard || super::biscuit::is_reserved(attribute) {
            return Err(SettingsError::ClaimReserved(attribute.to_owned()));
        }
        Ok(())
    }

    /// Also reads these claims (a name or a path, `$.a.b`, to an attribute): strings, whole numbers, or arrays of them.
    ///
    /// # Errors
    /// Refuses empty names and attributes with a meaning of their own.
    pub fn with_claims(mut self, claims: BTreeMap<String, String>) -> Result<Self, SettingsError> {
        for (claim, attribute) in claims {
            Self::check_claim(&claim, &attribute)?;
            let path = ClaimPath::parse(&claim).ok_or(SettingsError::ClaimPath)?;
            self.claims.push((path, attribute.into()));
        }
        Ok(self)
    }
}

/// A signature algorithm that JSON Web Tokens may use.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum JwtAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
    /// RSA PSS with SHA-256.
    PS256,
    /// RSA PKCS#1 v1.5 with SHA-256.
    RS256,
}

impl JwtAlgorithm {
    /// Every algorithm, in the order of their names.
    pub const ALL: &'static [Self] = &[Self::ES256, Self::EdDSA, Self::PS256, Self::RS256];

    /// Its name in a token's header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
            Self::PS256 => "PS256",
            Self::RS256 => "RS256",
        }
    }
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for JwtAlgorithm {
    type Err = SettingsError;

    fn from_str(name: &str) -> Result<Self, SettingsError> {
        Self::ALL
            .iter()
            .copied()
            .find(|algorithm| algorithm.as_str() == name)
            .ok_or(SettingsError::Algorithm)
    }
}

/// What is wrong with the demands of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// An algorithm that is not offered.
    #[error("this algorithm is not offered; choose from RS256, PS256, ES256, EdDSA")]
    Algorithm,
    /// No algorithm.
    #[error("at least one algorithm must be listed: RS256, PS256, ES256, EdDSA")]
    Algorithms,
    /// No audience.
    #[error("an audience must be named")]
    Audience,
    /// A claim or attribute without a name.
    #[error("claims and attributes need a name")]
    ClaimEmpty,
    /// A path that is none.
    #[error("not the path of a claim: write `$.realm_access.roles`, names alone")]
    ClaimPath,
    /// An attribute that only a standard claim fills, or that means the request.
    #[error("the attribute `{0}` has a meaning of its own; choose another name")]
    ClaimReserved(String),
    /// No issuer.
    #[error("an issuer must be named")]
    Issuer,
    /// No key fits the algorithms.
    #[error("the key set holds no key for the listed algorithms")]
    Keys,
    /// Too much leeway.
    #[error("the leeway may be 60 seconds at most")]
    Leeway,
    /// A prefix that is too long or holds control characters.
    #[error("a prefix has at most 64 bytes and no control characters")]
    Prefix,
    /// No root key.
    #[error("at least one root key must be listed")]
    NoRootKey,
    /// A root key that is not Ed25519.
    #[error("root keys must be Ed25519")]
    RootKeyAlgorithm,
    /// More root keys than are tried.
    #[error("at most 8 root keys can be listed")]
    RootKeys,
}
