//! Public keys of Biscuit issuers, as people write them: `ed25519/HEX` or PEM.

use std::fmt;

use biscuit_auth::PublicKey;
use biscuit_auth::builder::Algorithm;
use thiserror::Error;

/// The public key that a Biscuit's first block is signed with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RootKey(PublicKey);

impl RootKey {
    /// Reads `ed25519/HEX`, `secp256r1/HEX` or a PEM public key; blanks around it don't matter.
    ///
    /// # Errors
    /// Refuses anything else; a private key is named as such.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.contains("PRIVATE KEY") || text.contains("-private/") {
            return Err(KeyError::Private);
        }
        let key = if text.starts_with("-----BEGIN") {
            PublicKey::from_pem(text)
        } else {
            let (algorithm, digits) = text.split_once('/').ok_or(KeyError::Form)?;
            let algorithm = match algorithm {
                "ed25519" => Algorithm::Ed25519,
                "secp256r1" => Algorithm::Secp256r1,
                _ => return Err(KeyError::Form),
            };
            PublicKey::from_bytes_hex(digits, algorithm)
        };
        key.map(Self).map_err(|_| KeyError::Form)
    }

    /// Whether `signature` (Ed25519, URL-safe base64) is this key's of `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let key = jsonwebtoken::DecodingKey::from_ed_der(&self.0.to_bytes());
        let algorithm = jsonwebtoken::Algorithm::EdDSA;
        self.is_ed25519()
            && jsonwebtoken::crypto::verify(signature, message, &key, algorithm).unwrap_or(false)
    }

    pub(super) fn of(key: PublicKey) -> Self {
        Self(key)
    }

    pub(crate) fn is_ed25519(&self) -> bool {
        self.0.algorithm() == biscuit_auth::format::schema::public_key::Algorithm::Ed25519
    }

    pub(super) fn key(&self) -> PublicKey {
        self.0
    }
}

impl fmt::Display for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.algorithm_string(), self.0.to_bytes_hex())
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({self})")
    }
}

/// Why text is not a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It has another form, or the bytes are no key.
    #[error("not a public key; write `ed25519/` and 64 hexadecimal digits, or PEM")]
    Form,
    /// It is a private key, which has no place here.
    #[error("this is a private key; only the public key belongs here")]
    Private,
}

#[cfg(test)]
mod tests {
    use super::{KeyError, RootKey};

    const HEX: &str = "ed25519/1055c750b1a1505937af1537c626ba3263995c33a64758aaafb1275b0312e284";

    #[test]
    fn reads_both_forms() {
        let key = RootKey::parse(&format!("  {HEX}\n")).unwrap();
        assert_eq!(key.to_string(), HEX);
        let pem = key.key().to_pem().unwrap();
        assert_eq!(RootKey::parse(&pem).unwrap(), key);
    }

    #[test]
    fn refuses_what_is_no_public_key() {
        for text in [
            "",
            "ed25519/",
            "ed25519/zz",
            "rsa/00",
            "1055c750",
            "-----BEGIN X-----",
        ] {
            assert_eq!(RootKey::parse(text), Err(KeyError::Form), "{text}");
        }
        let private = biscuit_auth::KeyPair::new().to_private_key_pem().unwrap();
        assert_eq!(RootKey::parse(&private), Err(KeyError::Private));
    }
}
