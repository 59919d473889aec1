//! What the sidecar itself does for its users: its minting key, its tickets.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_saphyr::Spanned;

use super::Desk;
use crate::capability::mint::SigningKey;
use crate::config::file::{self, File};
use crate::config::{Length, Mint, Own};
use crate::types::Secret;

/// How long capabilities hold that the sidecar makes, in seconds: unless said, at least, at most.
const LIFETIME: (i64, i64, i64) = (3600, 60, 24 * 3600);

impl Desk<'_> {
    pub(super) fn own(&mut self, file: &File) -> Own {
        let mint = file.mint.as_ref().and_then(|mint| self.mint(mint));
        let tickets = file.tickets.as_ref();
        if let (Some(tickets), None) = (tickets, &file.mint) {
            let message =
                "`tickets` without `mint`: a ticket becomes a capability that the sidecar makes";
            self.complain(tickets.referenced, message, MINT);
        }
        let spent = tickets.map(|tickets| self.relative(&tickets.value.spent.value));
        Own { mint, spent }
    }

    fn mint(&mut self, mint: &Spanned<file::Mint>) -> Option<Mint> {
        let form = &mint.value;
        let pem = match (&form.key, &form.key_file) {
            (Some(key), None) => Secret::new(key.value.clone().into_bytes()),
            (None, Some(path)) => Secret::new(self.secret(path)?),
            (Some(_), Some(both)) => {
                let message = "`mint.key` and `mint.key_file` are both given";
                self.complain(both.referenced, message, "keep `key_file`");
                return None;
            }
            (None, None) => {
                self.complain(mint.referenced, "`mint` without a key", MINT);
                return None;
            }
        };
        let pem = std::str::from_utf8(pem.expose()).unwrap_or_default();
        let Ok(key) = SigningKey::parse(pem) else {
            let place = form.key.as_ref().or(form.key_file.as_ref());
            let place = place.map_or(mint.referenced, |it| it.referenced);
            let message = "the minting key is not an Ed25519 private key in PEM (PKCS#8)";
            self.complain(place, message, "make one with `chaperone token keygen`");
            return None;
        };
        let (default, least, most) = LIFETIME;
        let lifetime = form.lifetime.as_ref();
        let seconds = lifetime.map_or(
            Some(default),
            |Spanned {
                 value: Length(it), ..
             }| { i64::try_from(it.as_secs()).ok() },
        );
        let seconds = seconds.filter(|seconds| (least..=most).contains(seconds));
        let Some(seconds) = seconds else {
            let place = lifetime.map_or(mint.referenced, |it| it.referenced);
            let message = "`mint.lifetime` is no short time";
            self.complain(place, message, "write at least `1m` and at most `24h`");
            return None;
        };
        Some(Mint {
            key: Arc::new(key),
            lifetime: SignedDuration::from_secs(seconds),
        })
    }
}

const MINT: &str =
    "write `mint: { key_file: secrets/mint.key }`; `chaperone token keygen` makes one";
