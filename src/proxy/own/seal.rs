//! What a login must remember until the browser comes back, kept by the browser itself: sealed, so that it can neither
//! read nor change it, and good for one host and ten minutes.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize as _;

use crate::capability::Minter;
use crate::types::{ReasonCode, Refusal, Secret};

/// Seconds for which a login may go on.
pub(super) const AGE: i64 = 600;

/// What one login must remember.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pending {
    /// Comes back in the address.
    pub(super) state: String,
    /// Comes back in the ID token.
    pub(super) nonce: String,
    /// What the code is redeemed with (PKCE, RFC 7636).
    pub(super) verifier: String,
    /// Where the user was on the way to.
    pub(super) to: String,
    /// Seconds since 1970.
    pub(super) ends: i64,
}

impl Pending {
    /// A login that begins at `now`, with secrets of its own.
    pub(super) fn begin(to: &str, now: Timestamp) -> Result<Self, Refusal> {
        Ok(Self {
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            to: to.to_owned(),
            ends: now.as_second().saturating_add(AGE),
        })
    }

    /// What the provider is shown of the verifier (RFC 7636 section 4.2).
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier))
    }

    /// Sealed for `host`.
    pub(super) fn seal(&self, minter: &Minter, host: &str) -> Result<Secret<String>, Refusal> {
        let failed = || Refusal::new(ReasonCode::Internal);
        let mut text = serde_json::to_vec(self).map_err(|_| failed())?;
        let key = key(minter).ok_or_else(failed)?;
        let nonce = key.seal_in_place_append_tag(about(host), &mut text);
        let nonce = nonce.map_err(|_| failed())?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut text);
        Ok(Secret::new(URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Opens what was sealed for `host` and has not ended.
    pub(super) fn open(sealed: &[u8], minter: &Minter, host: &str, now: Timestamp) -> Option<Self> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = key(minter)?.open_in_place(nonce, about(host), text).ok()?;
        let pending: Option<Self> = serde_json::from_slice(text).ok();
        bytes.zeroize();
        pending.filter(|pending| now.as_second() < pending.ends)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        for secret in [&mut self.state, &mut self.nonce, &mut self.verifier] {
            secret.zeroize();
        }
    }
}

fn key(minter: &Minter) -> Option<RandomizedNonceKey> {
    RandomizedNonceKey::new(&AES_256_GCM, &minter.derived("login")).ok()
}

fn about(host: &str) -> Aad<String> {
    Aad::from(host.to_ascii_lowercase())
}

/// 256 random bits, as addresses hold them.
fn random() -> Result<String, Refusal> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| Refusal::new(ReasonCode::Internal))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::{SignedDuration, Timestamp};

    use super::Pending;
    use crate::capability::Minter;
    use crate::capability::mint::SigningKey;

    fn minter() -> Minter {
        let key = Arc::new(SigningKey::generate().unwrap());
        Minter::new(key, Arc::from("pr-1"), SignedDuration::from_hours(1))
    }

    #[test]
    fn opens_what_it_sealed_for_the_same_host_and_in_time() {
        let (minter, now) = (minter(), Timestamp::now());
        let pending = Pending::begin("/orders", now).unwrap();
        let sealed = pending.seal(&minter, "PR-1.example").unwrap();
        let sealed = sealed.expose().as_bytes();
        assert!(Pending::open(sealed, &minter, "pr-1.example", now).as_ref() == Some(&pending));
        assert!(Pending::open(sealed, &minter, "pr-2.example", now).is_none());
        let other = self::minter();
        assert!(Pending::open(sealed, &other, "pr-1.example", now).is_none());
        let late = now + SignedDuration::from_secs(601);
        assert!(Pending::open(sealed, &minter, "pr-1.example", late).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(Pending::open(&changed, &minter, "pr-1.example", now).is_none());
        }
        assert!(Pending::open(b"", &minter, "pr-1.example", now).is_none());
        assert!(pending.state != pending.nonce && pending.nonce != pending.verifier);
    }
}
