//! What the sidecar itself does for its users: its minting key, its tickets.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_saphyr::Spanned;

use super::Desk;
use crate::capability::mint::SigningKey;
use crate::capability::{JwtAlgorithm, JwtSettings};
use crate::config::file::{self, File};
use crate::config::{Length, Mint, Own};
use crate::proxy::ProviderSettings;
use crate::types::Secret;

/// How long capabilities hold that the sidecar makes, in seconds: unless said, at least, at most.
const LIFETIME: (i64, i64, i64) = (3600, 60, 24 * 3600);

impl Desk<'_> {
    pub(super) fn own(&mut self, file: &File, is_bound: bool) -> Own {
        let mint = file.mint.as_ref().and_then(|mint| self.mint(mint));
        let tickets = file.tickets.as_ref();
        if let (Some(tickets), None) = (tickets, &file.mint) {
            let message =
                "`tickets` without `mint`: a ticket becomes a capability that the sidecar makes";
            self.complain(tickets.referenced, message, MINT);
        }
        let spent = tickets.map(|tickets| self.relative(&tickets.value.spent.value));
        let login = file.login.as_ref().and_then(|login| {
            if file.mint.is_none() {
                let message = "`login` without `mint`: who has logged in gets a capability that the sidecar makes";
                self.complain(login.referenced, message, MINT);
            }
            self.login(login)
        });
        let callback = file.login.as_ref();
        let callback = callback.and_then(|login| login.value.callback.as_ref());
        let callback = callback.and_then(|callback| self.callback(callback, is_bound));
        let host = file.callback.as_ref();
        let callback_host = host.and_then(|host| self.callback_host(host));
        let proofs = file.proofs.as_ref().map(|proofs| {
            let folder = self.relative(&proofs.value.spent.value);
            if spent.as_ref() == Some(&folder) {
                let message = "`proofs.spent` and `tickets.spent` are one folder";
                self.complain(proofs.referenced, message, "give each a folder of its own");
            }
            folder
        });
        Own {
            mint,
            spent,
            login,
            callback,
            callback_host,
            proofs,
        }
    }

    fn login(&mut self, login: &Spanned<file::Login>) -> Option<ProviderSettings> {
        let before = self.mistakes.len();
        let form = &login.value;
        let issuer = &form.issuer;
        if !is_issuer(&issuer.value) {
            let message = format!("`{}` is no address of an OpenID provider", issuer.value);
            let remedy = "write `issuer: https://id.example`; without TLS on the loopback alone";
            self.complain(issuer.referenced, message, remedy);
        }
        let is_word = |text: &str| {
            !text.is_empty()
                && text.len() <= 256
                && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let scopes = form.scopes.as_deref().unwrap_or_default();
        for word in scopes.iter().chain([&form.client_id]) {
            if !is_word(&word.value) {
                let message = format!("`{}` is not a name", word.value);
                self.complain(
                    word.referenced,
                    message,
                    "write letters, digits and signs, without spaces",
                );
            }
        }
        let claims = form.claims.as_ref();
        for (claim, attribute) in claims.iter().flat_map(|claims| &claims.value) {
            if let Err(error) = JwtSettings::check_claim(claim, attribute) {
                let place = claims.map_or(login.referenced, |claims| claims.referenced);
                self.complain(place, error.to_string(), "name another attribute");
            }
        }
        if form.algorithms.as_ref().is_some_and(Vec::is_empty) {
            let message = "`login.algorithms` is empty";
            self.complain(
                login.referenced,
                message,
                "list some, or leave it out for all",
            );
        }
        let client_secret = match (&form.client_secret, &form.client_secret_file) {
            (Some(_), Some(both)) => {
                let message = "`login.client_secret` and `login.client_secret_file` are both given";
                self.complain(both.referenced, message, "keep `client_secret_file`");
                None
            }
            (Some(secret), None) => Some(Secret::new(secret.value.clone())),
            (None, Some(path)) => self.text(path).map(Secret::new),
            (None, None) => None,
        };
        let ca = form.ca_file.as_ref().and_then(|path| self.text(path));
        let words = scopes.iter().map(|scope| scope.value.clone());
        let default = || ["email", "profile"].map(str::to_owned).to_vec();
        let settings = ProviderSettings {
            issuer: issuer.value.clone(),
            client_id: form.client_id.value.clone(),
            client_secret,
            scopes: form
                .scopes
                .as_ref()
                .map_or_else(default, |_| words.collect()),
            algorithms: form
                .algorithms
                .clone()
                .unwrap_or(JwtAlgorithm::ALL.to_vec()),
            claims: claims
                .map(|claims| claims.value.clone())
                .unwrap_or_default(),
            ca,
        };
        (self.mistakes.len() == before).then_some(settings)
    }

    fn text(&mut self, path: &Spanned<String>) -> Option<String> {
        let text = String::from_utf8(self.secret(path)?).ok();
        if text.is_none() {
            let message = format!("`{}` is not text", path.value);
            self.complain(path.referenced, message, "name a text file");
        }
        text
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

/// Whether `text` is an issuer (OpenID Connect Core 1.0 section 2): an address over TLS, or of this machine.
fn is_issuer(text: &str) -> bool {
    let uri = text.parse::<http::Uri>();
    uri.is_ok_and(|uri| is_secure(&uri) && uri.query().is_none() && !text.contains('#'))
}

/// Whether what is asked there stays between the two: over TLS, or on this machine.
pub(super) fn is_secure(uri: &http::Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let is_loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    let is_kept = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => is_loopback,
        _ => false,
    };
    let has_user = uri.authority().is_some_and(|it| it.as_str().contains('@'));
    is_kept && !host.is_empty() && !has_user
}

const MINT: &str =
    "write `mint: { key_file: secrets/mint.key }`; `chaperone token keygen` makes one";
