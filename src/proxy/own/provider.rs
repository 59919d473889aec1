//! The OpenID provider that users log in at: what it says of itself (OpenID Connect Discovery 1.0), and its word on a user.
//!
//! Everything is asked for within bounds; what it says of itself is kept for a few minutes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::Serializer;
use http::Uri;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use super::seal::Pending;
use crate::capability::{JwtAlgorithm, JwtSettings, KeySet, Verified, id_token};
use crate::transport::fetch::{self, Bounds, FetchError, Form};
use crate::types::{ReasonCode, Refusal, Secret};

/// How long what the provider says of itself is believed.
const KEPT: Duration = Duration::from_secs(300);
/// The soonest that it is asked again because a key is not known.
const AGAIN: Duration = Duration::from_secs(10);
/// Questions to the provider at once.
const ROOM: usize = 8;
const BOUNDS: Bounds = Bounds {
    time: Duration::from_secs(10),
    body: 256 * 1024,
};

/// Who users log in at, and as which client they are sent there.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// Its name, which is the address that it describes itself under.
    pub issuer: String,
    /// The name of this client.
    pub client_id: String,
    /// Its secret, where it has one.
    pub client_secret: Option<Secret<String>>,
    /// What the client asks for; `openid` is always asked for.
    pub scopes: Vec<String>,
    /// The algorithms that its ID tokens may be signed with.
    pub algorithms: Vec<JwtAlgorithm>,
    /// Claims that become attributes, beside those that always do.
    pub claims: BTreeMap<String, String>,
    /// The authorities (PEM) that its certificate may lead to, instead of the public ones.
    pub ca: Option<String>,
}

/// The provider, and what is known of it.
#[derive(Debug)]
pub struct Provider {
    settings: ProviderSettings,
    known: Mutex<Option<Known>>,
    /// Held by whoever asks what it says of itself; when that last failed.
    asking: Mutex<Option<Instant>>,
    /// Those who wait for it.
    waiting: Semaphore,
    room: Semaphore,
}

#[derive(Clone, Debug)]
struct Known {
    since: Instant,
    metadata: Arc<Metadata>,
    accepted: Arc<JwtSettings>,
}

/// OpenID Connect Discovery 1.0 section 3, RFC 8414, RFC 9207.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// What the provider sent the browser back with.
pub(super) struct Returned<'r> {
    pub(super) code: &'r str,
    pub(super) issuer: Option<&'r str>,
    /// What the policy puts before every user's id of this provider.
    pub(super) prefix: &'r str,
    /// Where the browser was sent back to.
    pub(super) at: &'r str,
}

impl Provider {
    /// A provider of which nothing is known yet.
    #[must_use]
    pub fn new(settings: ProviderSettings) -> Self {
        Self {
            settings,
            known: Mutex::new(None),
            asking: Mutex::new(None),
            waiting: Semaphore::new(ROOM),
            room: Semaphore::new(ROOM),
        }
    }

    /// Its name.
    pub(super) fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// The address that the browser is sent to, to come back to `at` (RFC 6749 section 4.1.1, RFC 7636).
    pub(super) async fn invitation(&self, pending: &Pending, at: &str) -> Result<String, Refusal> {
        let known = self.known(None).await?;
        let challenge = pending.challenge();
        let mut query = Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", at)
            .append_pair("scope", &self.scope())
            .append_pair("state", &pending.state)
            .append_pair("nonce", &pending.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        let place = &known.metadata.authorization_endpoint;
        let mark = if place.contains('?') { '&' } else { '?' };
        Ok(format!("{place}{mark}{}", query.finish()))
    }

    /// Redeems the code that the browser brought, and proves whom the provider says it is.
    pub(super) async fn redeem(
        &self,
        pending: &Pending,
        returned: Returned<'_>,
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        let known = self.known(None).await?;
        // RFC 9207: a code of another provider is not taken to this one.
        let is_owed = known
            .metadata
            .authorization_response_iss_parameter_supported;
        match returned.issuer {
            Some(issuer) if issuer != self.settings.issuer => {
                return Err(failed("another provider sent the browser back"));
            }
            None if is_owed => return Err(failed("the provider did not say who it is (`iss`)")),
            _ => {}
        }
        let form = self.form(&known.metadata, pending, &returned);
        let text = self.ask(&known.metadata.token_endpoint, Some(form)).await?;
        let text = Secret::new(text);
        let answer: Tokens = serde_json::from_str(text.expose())
            .map_err(|_| failed("the provider's answer holds no ID token"))?;
        let token = Secret::new(answer.id_token);
        let prove = |known: &Known| {
            let accepted = JwtSettings::clone(&known.accepted).with_prefix(returned.prefix);
            let accepted = accepted.map_err(|_| Refusal::new(ReasonCode::Internal))?;
            id_token::prove(&token, &accepted, &pending.nonce, now)
        };
        let proven = prove(&known);
        let Err(refusal) = proven else {
            return proven;
        };
        // Its keys may be newer than what is known of them.
        let newer = self.known(Some(known.since)).await?;
        if newer.since == known.since {
            return Err(refusal);
        }
        prove(&newer)
    }

    fn form(&self, metadata: &Metadata, pending: &Pending, returned: &Returned<'_>) -> Form {
        let settings = &self.settings;
        let mut body = Serializer::new(String::new());
        body.append_pair("grant_type", "authorization_code")
            .append_pair("code", returned.code)
            .append_pair("redirect_uri", returned.at)
            .append_pair("code_verifier", &pending.verifier);
        let methods = &metadata.token_endpoint_auth_methods_supported;
        let knows = |name: &str| methods.iter().any(|method| method == name);
        let mut authorization = None;
        match &settings.client_secret {
            // RFC 6749 section 2.3.1: both are encoded as in a form first. It is what holds where nothing is said.
            Some(secret) if methods.is_empty() || knows("client_secret_basic") => {
                let encoded = |text: &str| {
                    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
                };
                let pair = format!(
                    "{}:{}",
                    encoded(&settings.client_id),
                    encoded(secret.expose())
                );
                authorization = Some(Secret::new(format!("Basic {}", STANDARD.encode(pair))));
            }
            Some(secret) => {
                body.append_pair("client_id", &settings.client_id)
                    .append_pair("client_secret", secret.expose());
            }
            None => {
                body.append_pair("client_id", &settings.client_id);
            }
        }
        Form {
            body: Secret::new(body.finish()),
            authorization,
        }
    }

    fn scope(&self) -> String {
        let more = self.settings.scopes.iter().map(String::as_str);
        let more = more.filter(|scope| *scope != "openid");
        std::iter::once("openid")
            .chain(more)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// What is known of the provider, asked anew where it is old, or no newer than `stale`.
    async fn known(&self, stale: Option<Instant>) -> Result<Known, Refusal> {
        if let Some(known) = self.kept(stale).await {
            return Ok(known);
        }
        // Anybody may begin a login, and whoever waits has a place among all requests.
        let waits = self.waiting.try_acquire();
        let _waits = waits.map_err(|_| Refusal::new(ReasonCode::Overloaded))?;
        let began = Instant::now();
        let mut failed = self.asking.lock().await;
        if let Some(known) = self.kept(stale).await {
            return Ok(known);
        }
        if failed.is_some_and(|at| at >= began) {
            return Err(unavailable("it did not answer"));
        }
        let known = self.discover().await;
        match &known {
            Ok(known) => *self.known.lock().await = Some(known.clone()),
            Err(_) => *failed = Some(Instant::now()),
        }
        known
    }

    /// What is known and may be believed still.
    async fn kept(&self, stale: Option<Instant>) -> Option<Known> {
        let slot = self.known.lock().await;
        let known = slot.as_ref()?;
        let is_stale = stale == Some(known.since) && known.since.elapsed() >= AGAIN;
        (known.since.elapsed() < KEPT && !is_stale).then(|| known.clone())
    }

    async fn discover(&self) -> Result<Known, Refusal> {
        let issuer = &self.settings.issuer;
        let place = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let text = self.ask(&place, None).await?;
        let metadata: Metadata = serde_json::from_str(&text)
            .map_err(|_| unavailable("it does not describe itself as OpenID providers do"))?;
        if metadata.issuer != *issuer {
            return Err(unavailable("it describes another issuer"));
        }
        let places = [
            &metadata.authorization_endpoint,
            &metadata.token_endpoint,
            &metadata.jwks_uri,
        ];
        let is_tls = |place: &str| place.starts_with("https://");
        if is_tls(issuer) && !places.iter().all(|place| is_tls(place)) {
            return Err(unavailable("it has addresses without TLS"));
        }
        let keys = self.ask(&metadata.jwks_uri, None).await?;
        let keys = KeySet::parse(&keys).map_err(|error| unavailable(&error.to_string()))?;
        let settings = &self.settings;
        let accepted = JwtSettings::new(
            issuer,
            &settings.client_id,
            settings.algorithms.clone(),
            keys,
        );
        let accepted = accepted
            .and_then(|accepted| accepted.with_claims(settings.claims.clone()))
            .map_err(|error| unavailable(&error.to_string()))?;
        Ok(Known {
            since: Instant::now(),
            metadata: Arc::new(metadata),
            accepted: Arc::new(accepted),
        })
    }

    async fn ask(&self, place: &str, form: Option<Form>) -> Result<String, Refusal> {
        let _room = self
            .room
            .try_acquire()
            .map_err(|_| Refusal::new(ReasonCode::Overloaded))?;
        let place: Uri = place
            .parse()
            .map_err(|_| unavailable("an address of it can't be read"))?;
        let ca = self.settings.ca.as_deref();
        let is_code = form.is_some();
        let answered = match form {
            Some(form) => fetch::post(&place, form, ca, BOUNDS).await,
            None => fetch::fetch(&place, ca, BOUNDS).await,
        };
        answered.map_err(|error| match error {
            FetchError::Status(status) if is_code && status.is_client_error() => {
                tracing::warn!(%status, "the provider refused a login's code");
                failed("the provider does not take the code: it was redeemed before, or is over")
            }
            error => {
                tracing::warn!(%error, %place, "the login's provider can't be asked");
                unavailable(&error.to_string())
            }
        })
    }
}

/// The one part of the provider's answer that counts; the access token is nobody's here.
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

pub(super) fn failed(why: &str) -> Refusal {
    Refusal::new(ReasonCode::LoginFailed).because(why)
}

fn unavailable(why: &str) -> Refusal {
    Refusal::new(ReasonCode::LoginUnavailable).because(why)
}
