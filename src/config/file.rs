//! Exactly what the user wrote: the file's form, its keys, their places. No defaults here.

use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::{Location, Spanned};

use super::ConfigError;
use super::scalar::{Length, Size};

/// `chaperone.yaml`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where to listen.
    #[serde(default)]
    pub listen: Listen,
    /// The inbound listener's certificate.
    pub tls: Option<Tls>,
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

/// `tls`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The chain, PEM.
    pub certificate: Spanned<String>,
    /// The key, PEM.
    pub key: Spanned<String>,
}

/// `upstream`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// `http://host:port`
    pub url: Spanned<String>,
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
