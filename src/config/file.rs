//! Exactly what the user wrote: the file's form, its keys, their places. No defaults here.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::{Location, Spanned};

use super::ConfigError;
use super::scalar::{Length, Size};
use crate::capability::JwtAlgorithm;

/// `chaperone.yaml`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where to listen.
    #[serde(default)]
    pub listen: Listen,
    /// The inbound listener's certificate.
    pub tls: Option<Tls>,
    /// Whose word on clients' addresses is taken.
    pub trusted_hops: Option<TrustedHops>,
    /// The app.
    pub upstream: Option<Upstream>,
    /// The policy file.
    pub policy: Option<Spanned<String>>,
    /// The preview's name.
    pub preview: Option<Spanned<String>>,
    /// The revision that runs.
    pub revision: Option<Spanned<String>>,
    /// The audit log.
    #[serde(default)]
    pub audit: Audit,
    /// Every bound.
    #[serde(default)]
    pub limits: Limits,
    /// The digests of the images that run.
    pub images: Option<Vec<Spanned<String>>>,
    /// The preview's own token.
    pub binding: Option<Spanned<Binding>>,
    /// What the app is told of the user.
    #[serde(default)]
    pub identity: Identity,
    /// The sidecar's own key for capabilities.
    pub mint: Option<Spanned<Mint>>,
    /// Links that become capabilities.
    pub tickets: Option<Spanned<Tickets>>,
    /// Where browsers get a capability.
    pub login: Option<Spanned<Login>>,
    /// The callback of all previews' logins.
    pub callback: Option<Spanned<CallbackHost>>,
    /// DPoP proofs.
    pub proofs: Option<Spanned<Proofs>>,
    /// What the app may reach: a later version.
    pub outbound: Option<Spanned<Later>>,
}

/// A key that a later version will know: whatever is written there.
#[derive(Debug)]
pub struct Later;

impl<'de> Deserialize<'de> for Later {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// `listen`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// Where clients come in.
    pub inbound: Option<Spanned<String>>,
    /// The probes.
    pub health: Option<Spanned<String>>,
    /// `unix:` and a path.
    pub admin: Option<Spanned<String>>,
    /// A later version.
    pub outbound: Option<Spanned<Later>>,
}

/// `binding`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The token itself.
    pub token: Option<Spanned<String>>,
    /// A file with the token.
    pub token_file: Option<Spanned<String>>,
    /// The file that remembers whom the pod serves.
    pub pin_file: Option<Spanned<String>>,
}

/// `identity`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Whether the app is told in a form that it can prove.
    pub capability: Option<bool>,
    /// The pod's private key, PEM.
    pub key: Option<Spanned<String>>,
    /// A file with that key.
    pub key_file: Option<Spanned<String>>,
}

/// `mint`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mint {
    /// The private key itself, PEM.
    pub key: Option<Spanned<String>>,
    /// A file with the private key.
    pub key_file: Option<Spanned<String>>,
    /// How long a capability holds.
    pub lifetime: Option<Spanned<Length>>,
}

/// `login`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The OpenID provider's name and address.
    pub issuer: Spanned<String>,
    /// The name of this client there.
    pub client_id: Spanned<String>,
    /// Its secret.
    pub client_secret: Option<Spanned<String>>,
    /// A file with its secret.
    pub client_secret_file: Option<Spanned<String>>,
    /// What it asks for beside `openid`.
    pub scopes: Option<Vec<Spanned<String>>>,
    /// The algorithms of ID tokens.
    pub algorithms: Option<Vec<JwtAlgorithm>>,
    /// Claims that become attributes.
    pub claims: Option<Spanned<BTreeMap<String, String>>>,
    /// A file with the authorities of the provider's certificate.
    pub ca_file: Option<Spanned<String>>,
    /// Where the provider sends browsers back to.
    pub callback: Option<Spanned<LoginCallback>>,
}

/// `login.callback`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginCallback {
    /// The address on a host for all previews.
    pub url: Spanned<String>,
    /// The key that this host has, too.
    pub key: Option<Spanned<String>>,
    /// A file with that key.
    pub key_file: Option<Spanned<String>>,
}

/// `callback`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallbackHost {
    /// The host that takes browsers back.
    pub host: Spanned<String>,
    /// The previews' hosts.
    pub previews: Vec<Spanned<String>>,
    /// The key that the previews have, too.
    pub key: Option<Spanned<String>>,
    /// A file with that key.
    pub key_file: Option<Spanned<String>>,
}

/// `proofs`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proofs {
    /// The folder that remembers used ones.
    pub spent: Spanned<String>,
}

/// `tickets`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tickets {
    /// The folder that remembers spent ones.
    pub spent: Spanned<String>,
}

/// `tls`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The chain, PEM.
    pub certificate: Spanned<String>,
    /// The key, PEM.
    pub key: Spanned<String>,
    /// The authorities of client certificates, PEM.
    pub client_ca: Option<Spanned<String>>,
    /// Whether clients must show one.
    pub client_auth: Option<Spanned<ClientAuth>>,
}

/// `tls.client_auth`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuth {
    /// Clients may show a certificate
    Optional,
    /// Clients without one are not let in
    Required,
}

/// `trusted_hops`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedHops {
    /// Addresses and networks.
    pub addresses: Vec<Spanned<String>>,
    /// The field that they write.
    pub field: Option<HopWord>,
}

/// `trusted_hops.field`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HopWord {
    /// RFC 7239
    Forwarded,
    /// The older one
    XForwardedFor,
}

/// `upstream`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// `http://host:port`
    pub url: Spanned<String>,
    /// The version of HTTP
    pub protocol: Option<ProtocolWord>,
}

/// `upstream.protocol`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum ProtocolWord {
    /// HTTP/1.1
    #[serde(rename = "http/1.1")]
    Http1,
    /// HTTP/2 by prior knowledge
    #[serde(rename = "h2c")]
    H2c,
}

/// `audit`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// File or standard output.
    pub to: Option<Spanned<AuditSink>>,
    /// The file.
    pub file: Option<Spanned<String>>,
    /// What a record says about the path.
    pub path: Option<AuditPath>,
    /// How a record names the user.
    pub subject: Option<AuditSubject>,
    /// The key of the names.
    pub key: Option<Spanned<String>>,
    /// A file with that key.
    pub key_file: Option<Spanned<String>>,
}

/// `audit.to`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditSink {
    /// `audit.file`
    File,
    /// Standard output
    Stdout,
}

/// `audit.path`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditPath {
    /// The bytes that were forwarded
    Raw,
    /// The policy's route alone
    Route,
}

/// `audit.subject`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditSubject {
    /// A keyed one-way name
    Keyed,
    /// The id itself
    Plain,
}

/// `limits`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the meanings stand at `config::Limits`")]
pub struct Limits {
    pub head: Option<Spanned<Size>>,
    pub headers: Option<Spanned<usize>>,
    pub head_time: Option<Length>,
    pub body_time: Option<Length>,
    pub idle: Option<Length>,
    pub upstream_time: Option<Length>,
    pub drain: Option<Length>,
    pub requests: Option<Spanned<usize>>,
    pub request_body: Option<Size>,
    pub buffered: Option<Size>,
    pub record: Option<Spanned<Size>>,
    pub string: Option<Spanned<Size>>,
    pub depth: Option<Spanned<usize>>,
    pub token: Option<Spanned<Size>>,
    pub failures: Option<Spanned<usize>>,
    pub codings: Option<usize>,
    pub ratio: Option<Spanned<usize>>,
    pub websocket_time: Option<Length>,
}

impl File {
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        serde_saphyr::from_str(text).map_err(|error| {
            let plain = error.without_snippet();
            let location = plain.location().unwrap_or(Location::UNKNOWN);
            let formatted = plain.to_string();
            let message = formatted.lines().next().unwrap_or_default();
            let remedy = "the keys are listed in docs/operations.md, \"chaperone.yaml\"";
            ConfigError::at(path, location, message, remedy)
        })
    }
}
