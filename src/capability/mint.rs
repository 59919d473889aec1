//! Making tokens: an issuer's key, and what it vouches for. The demo and the tests mint through here, too.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use biscuit_auth::builder::{BiscuitBuilder, Fact, Term, string};
use biscuit_auth::{KeyPair, PrivateKey};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::{RootKey, biscuit};
use crate::types::Secret;

/// An issuer's Ed25519 key, good for Biscuits and JSON Web Tokens alike.
#[derive(Debug)]
pub struct SigningKey {
    pem: Secret<String>,
    public: RootKey,
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// Fails when the key can't be written down.
    pub fn generate() -> Result<Self, MintError> {
        Self::of(&KeyPair::new())
    }

    /// Reads a private key in PEM (PKCS#8).
    ///
    /// # Errors
    /// Refuses anything else.
    pub fn parse(pem: &str) -> Result<Self, MintError> {
        let key = PrivateKey::from_pem(pem.trim()).map_err(|_| MintError::Key)?;
        Self::of(&KeyPair::from(&key))
    }

    fn of(pair: &KeyPair) -> Result<Self, MintError> {
        let pem = pair.to_private_key_pem().map_err(|_| MintError::Key)?;
        let public = RootKey::of(pair.public());
        if !public.is_ed25519() {
            return Err(MintError::Key);
        }
        Ok(Self {
            pem: Secret::new(pem.as_str().to_owned()),
            public,
        })
    }

    /// The private key in PEM; it belongs into a file that only its owner can read.
    #[must_use]
    pub fn pem(&self) -> &Secret<String> {
        &self.pem
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> RootKey {
        self.public
    }

    /// A short name for the key, the same for whoever has the public key: 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        blake3::hash(&self.public.key().to_bytes())
            .to_hex()
            .chars()
            .take(16)
            .collect()
    }

    /// The public key as a JSON Web Key set of one.
    #[must_use]
    pub fn jwks(&self, id: Option<&str>) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.public.key().to_bytes());
        let kid = id.map_or_else(|| self.id(), str::to_owned);
        let key = json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x});
        format!("{:#}", json!({"keys": [key]}))
    }

    /// The signature (Ed25519, URL-safe base64) of `message`.
    ///
    /// # Errors
    /// Fails when the key can't sign.
    pub fn sign(&self, message: &[u8]) -> Result<String, MintError> {
        let private = jsonwebtoken::EncodingKey::from_ed_pem(self.pem.expose().as_bytes())
            .map_err(MintError::Jwt)?;
        jsonwebtoken::crypto::sign(message, &private, jsonwebtoken::Algorithm::EdDSA)
            .map_err(MintError::Jwt)
    }

    pub(super) fn pair(&self) -> Result<KeyPair, MintError> {
        let key = PrivateKey::from_pem(self.pem.expose()).map_err(|_| MintError::Key)?;
        Ok(KeyPair::from(&key))
    }
}

/// What a token says of its user.
#[derive(Clone, Debug, Default)]
pub struct Grant {
    /// The user's id.
    pub user: String,
    /// Attributes and their values: `email`, `phone`, `group`, ...
    pub attributes: Vec<(String, String)>,
    /// When the token ends; a JSON Web Token must.
    pub expires: Option<Timestamp>,
    /// The preview it is made for; the token is refused elsewhere.
    pub preview: Option<String>,
    /// The thumbprint (RFC 7638, base64url) of the key that its sender must prove to have.
    pub bound_key: Option<String>,
    /// The SHA-256 hash (base64url) of the client certificate that its sender must show.
    pub bound_certificate: Option<String>,
}

impl Grant {
    /// A token for `user`.
    #[must_use]
    pub fn new(user: &str) -> Self {
        Self {
            user: user.to_owned(),
            ..Self::default()
        }
    }

    /// The same, with an attribute more.
    #[must_use]
    pub fn with(mut self, attribute: &str, value: &str) -> Self {
        self.attributes
            .push((attribute.to_owned(), value.to_owned()));
        self
    }

    /// The same, good only for who proves to have a key: its thumbprint (RFC 7638), in base64url.
    #[must_use]
    pub fn bound_to_key(mut self, thumbprint: &str) -> Self {
        self.bound_key = Some(thumbprint.to_owned());
        self
    }

    /// The same, good only on connections with a client certificate: the SHA-256 hash of its DER, in base64url.
    #[must_use]
    pub fn bound_to_certificate(mut self, hash: &str) -> Self {
        self.bound_certificate = Some(hash.to_owned());
        self
    }

    /// The same, ending at `end`.
    #[must_use]
    pub fn until(mut self, end: Timestamp) -> Self {
        self.expires = Some(end);
        self
    }

    pub(super) fn check(&self) -> Result<(), MintError> {
        let fits = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
        let names_fit = self.attributes.iter().all(|(name, _)| {
            name.starts_with(|first: char| first.is_ascii_alphabetic())
                && name
                    .chars()
                    .all(|rest| rest.is_ascii_alphanumeric() || rest == '_')
                && !biscuit::is_reserved(name)
        });
        let values_fit = self.attributes.iter().all(|(_, value)| fits(value));
        if !fits(&self.user) {
            return Err(MintError::User);
        }
        let mut bound = [&self.bound_key, &self.bound_certificate]
            .into_iter()
            .flatten();
        if !bound.all(|hash| super::possession::is_hash(hash)) {
            return Err(MintError::Bound);
        }
        if names_fit && values_fit {
            Ok(())
        } else {
            Err(MintError::Attribute)
        }
    }

    /// A Biscuit signed with `key`.
    ///
    /// # Errors
    /// Refuses an empty user and attributes that no verifier would read.
    pub fn biscuit(&self, key: &SigningKey) -> Result<Secret<String>, MintError> {
        self.check()?;
        let user = [("user".to_owned(), self.user.clone())];
        let preview = self
            .preview
            .iter()
            .map(|preview| ("preview".to_owned(), preview.clone()));
        let key_of =
            |(name, value): (&str, &Option<String>)| Some((name.to_owned(), value.clone()?));
        let bound = [
            (biscuit::KEY, &self.bound_key),
            (biscuit::CERTIFICATE, &self.bound_certificate),
        ];
        let mut builder = BiscuitBuilder::new();
        for (name, value) in user
            .into_iter()
            .chain(self.attributes.iter().cloned())
            .chain(preview)
            .chain(bound.into_iter().filter_map(key_of))
        {
            builder = builder
                .fact(Fact::new(name, vec![string(&value)]))
                .map_err(MintError::Biscuit)?;
        }
        if let Some(end) = self.expires {
            let end = u64::try_from(end.as_second()).map_err(|_| MintError::Expires)?;
            let end = HashMap::from([("end".to_owned(), Term::Date(end))]);
            builder = builder
                .code_with_params("check if time($time), $time < {end}", end, HashMap::new())
                .map_err(MintError::Biscuit)?;
        }
        let token = builder.build(&key.pair()?).map_err(MintError::Biscuit)?;
        token
            .to_base64()
            .map(Secret::new)
            .map_err(MintError::Biscuit)
    }

    /// A JSON Web Token signed with `key` (EdDSA).
    ///
    /// # Errors
    /// Refuses an empty user, attributes that no verifier would read, and a token without an end.
    pub fn jwt(&self, key: &SigningKey, stamp: &JwtStamp<'_>) -> Result<Secret<String>, MintError> {
        self.check()?;
        let expires = self.expires.ok_or(MintError::Expires)?;
        if self.preview.is_some() {
            return Err(MintError::Preview);
        }
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), stamp.issuer.into());
        claims.insert("aud".to_owned(), stamp.audience.into());
        claims.insert("sub".to_owned(), self.user.as_str().into());
        claims.insert("iat".to_owned(), stamp.issued.as_second().into());
        claims.insert("exp".to_owned(), expires.as_second().into());
        let mut lists: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in &self.attributes {
            lists.entry(name).or_default().push(value);
        }
        for (name, values) in lists {
            let (claim, vouch) = match name {
                "email" => ("email", Some("email_verified")),
                "phone" => ("phone_number", Some("phone_number_verified")),
                "group" => ("groups", None),
                other => (other, None),
            };
            let value = match values.as_slice() {
                [one] if claim != "groups" => json!(one),
                many => json!(many),
            };
            if claims.insert(claim.to_owned(), value).is_some() {
                return Err(MintError::Attribute);
            }
            if let Some(vouch) = vouch {
                claims.insert(vouch.to_owned(), Value::Bool(true));
            }
        }
        let mut bound = Map::new();
        for (name, hash) in [
            ("jkt", &self.bound_key),
            ("x5t#S256", &self.bound_certificate),
        ] {
            bound.extend(hash.iter().map(|hash| (name.to_owned(), json!(hash))));
        }
        if !bound.is_empty() {
            claims.insert("cnf".to_owned(), Value::Object(bound));
        }
        let id = stamp.key_id.map_or_else(|| key.id(), str::to_owned);
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": id}).to_string();
        let claims = Value::Object(claims).to_string();
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let private = jsonwebtoken::EncodingKey::from_ed_pem(key.pem.expose().as_bytes())
            .map_err(MintError::Jwt)?;
        let signature =
            jsonwebtoken::crypto::sign(signed.as_bytes(), &private, jsonwebtoken::Algorithm::EdDSA)
                .map_err(MintError::Jwt)?;
        Ok(Secret::new(format!("{signed}.{signature}")))
    }
}

/// Who issues a JSON Web Token, for whom and when.
#[derive(Clone, Copy, Debug)]
pub struct JwtStamp<'s> {
    /// The issuer (`iss`).
    pub issuer: &'s str,
    /// The audience (`aud`).
    pub audience: &'s str,
    /// The key's id (`kid`); the key's own short name where none is given.
    pub key_id: Option<&'s str>,
    /// The time of issue (`iat`).
    pub issued: Timestamp,
}

/// Why no token was minted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MintError {
    /// An attribute that can't be vouched for.
    #[error(
        "an attribute is a name of letters, digits and `_`, not one of the request's own facts, and a value without control characters"
    )]
    Attribute,
    /// What it is to be bound to is no hash.
    #[error("a key's thumbprint and a certificate's hash are 43 characters of base64url")]
    Bound,
    /// The Biscuit can't be built.
    #[error("can't build the Biscuit")]
    Biscuit(#[source] biscuit_auth::error::Token),
    /// The token has no end.
    #[error("a JSON Web Token needs an end, and no token ends before 1970")]
    Expires,
    /// The JSON Web Token can't be signed.
    #[error("can't sign the JSON Web Token")]
    Jwt(#[source] jsonwebtoken::errors::Error),
    /// The key is not an Ed25519 private key.
    #[error("not an Ed25519 private key in PEM (PKCS#8)")]
    Key,
    /// A Biscuit would be exchanged.
    #[error(
        "a Biscuit is a capability already, and may be narrowed: only a JSON Web Token is exchanged"
    )]
    Narrowed,
    /// A token that is bound to a key would be exchanged.
    #[error("the token is bound to a key, which the capability would not be")]
    Possessed,
    /// A JSON Web Token for one preview.
    #[error("a JSON Web Token proves who the user is, not for which preview; mint a Biscuit")]
    Preview,
    /// The user has no id.
    #[error("the user is empty or holds control characters")]
    User,
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Grant, MintError, SigningKey};

    #[test]
    fn reads_back_its_own_key() {
        let key = SigningKey::generate().unwrap();
        let again = SigningKey::parse(key.pem().expose()).unwrap();
        assert_eq!(again.public(), key.public());
        assert_eq!(again.id(), key.id());
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }

    #[test]
    fn refuses_what_no_verifier_would_read() {
        let key = SigningKey::generate().unwrap();
        let mint = |grant: Grant| grant.biscuit(&key).map(|_| ());
        assert!(matches!(mint(Grant::new("")), Err(MintError::User)));
        assert!(matches!(mint(Grant::new("a\nb")), Err(MintError::User)));
        for name in ["", "time", "method", "user", "a b", "é"] {
            let grant = Grant::new("a").with(name, "x");
            assert!(matches!(mint(grant), Err(MintError::Attribute)), "{name}");
        }
        let early = Grant::new("a").until(Timestamp::from_second(-5).unwrap());
        assert!(matches!(mint(early), Err(MintError::Expires)));
    }
}
