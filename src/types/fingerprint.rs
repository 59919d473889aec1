//! Keyed one-way names for values that must not be written down.
//!
//! The audit log names subjects and matched values by fingerprint, the filter makes pseudonyms of
//! them: the same value gives the same name under one key, and without the key a name can't be
//! tried against a list of guesses.

use std::fmt;

use crate::types::Secret;

/// A key from which the keys for single purposes are derived (BLAKE3 `derive_key`).
#[derive(Clone, Debug)]
pub struct FingerprintKey(Secret<[u8; 32]>);

impl FingerprintKey {
    /// A key of key material of any length.
    #[must_use]
    pub fn from_material(material: &[u8]) -> Self {
        Self(Secret::new(blake3::derive_key(
            "chaperone 2026-11 fingerprint key",
            material,
        )))
    }

    /// A key that lives as long as this process.
    ///
    /// # Errors
    /// Fails when the operating system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self(Secret::new(key)))
    }

    /// The name of `parts` for `purpose`: 16 hexadecimal digits (64 bits).
    ///
    /// Parts are framed by their lengths, so that `["ab", "c"]` and `["a", "bc"]` differ.
    #[must_use]
    pub fn name(&self, purpose: &str, parts: &[&[u8]]) -> Fingerprint {
        let mut name = [0; 8];
        self.hash(purpose, parts).finalize_xof().fill(&mut name);
        Fingerprint(u64::from_be_bytes(name))
    }

    /// The key for `purpose`, bound to `parts`, which are framed as in [`FingerprintKey::name`].
    #[must_use]
    pub fn derive(&self, purpose: &str, parts: &[&[u8]]) -> Secret<[u8; 32]> {
        // Names are the beginnings of such hashes: none may begin a key.
        let own = Self(Secret::new(blake3::derive_key(
            "chaperone 2026-11 derived keys",
            self.0.expose(),
        )));
        Secret::new(own.hash(purpose, parts).finalize().into())
    }

    fn hash(&self, purpose: &str, parts: &[&[u8]]) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(self.0.expose());
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher
    }
}

/// A keyed one-way name; prints as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
