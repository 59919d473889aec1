//! The configuration: what the user wrote ([`file`]) becomes what each room is given ([`Config`]).
//!
//! Flag > environment > file: the command line fills [`Overrides`] from both. Rooms never import this one.

mod error;
pub mod file;
mod resolve;
mod scalar;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

pub use error::ConfigError;
pub use scalar::{Length, Size};

use crate::capability::PodKey;
use crate::capability::binding::Running;
use crate::capability::mint::SigningKey;
use crate::proxy::{Callback, CallbackHost, Hops, ProviderSettings};
use crate::transport::Identification;
use crate::transport::upstream::Protocol;
use crate::types::Secret;
use crate::{audit, filter};

/// Everything that `chaperone run` needs to know, complete and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// The certificate of the inbound listener; plain HTTP without.
    pub tls: Option<Identification>,
    /// Whose word on clients' addresses is taken.
    pub hops: Hops,
    /// The app: `host:port`.
    pub upstream: Upstream,
    /// The policy file.
    pub policy: PathBuf,
    /// The name of this preview.
    pub preview: Arc<str>,
    /// The revision that runs in it.
    pub revision: Option<Arc<str>>,
    /// The preview's own token.
    pub binding: Option<Binding>,
    /// How the app is told of the user.
    pub identity: Identity,
    /// What the sidecar itself does for its users.
    pub own: Own,
    /// Where the audit log goes.
    pub audit: audit::Settings,
    /// How the audit log names people and paths.
    pub naming: audit::Naming,
    /// The key behind the audit log's names lives only as long as this process.
    pub is_key_ephemeral: bool,
    /// Every bound.
    pub limits: Limits,
}

/// The sockets of the sidecar.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Where clients come in.
    pub inbound: SocketAddr,
    /// `/livez` and `/readyz`.
    pub health: SocketAddr,
    /// The Unix socket of `/metrics`.
    pub admin: Option<PathBuf>,
}

/// The preview's own token, and what it is held against.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Where it is.
    pub source: BindingSource,
    /// What runs.
    pub running: Running,
    /// The file that remembers whom the pod serves; as long as the process lives without.
    pub pin: Option<PathBuf>,
}

/// How the app is told of the user, beside the identity headers.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The pod's own key.
    pub key: Arc<PodKey>,
    /// Whether it signs a capability for each exchange.
    pub attests: bool,
}

/// Where the preview's own token is.
#[derive(Clone, Debug)]
pub enum BindingSource {
    /// In a file, which is watched.
    File(PathBuf),
    /// Here.
    Text(Secret<String>),
}

/// What the sidecar itself does for its users.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// Its key for capabilities; without it, it makes none.
    pub mint: Option<Mint>,
    /// The folder that remembers spent tickets; without it, none is taken.
    pub spent: Option<PathBuf>,
    /// Where users log in; without it nobody does.
    pub login: Option<ProviderSettings>,
    /// Where the provider sends browsers back to, where that is no host of the preview's.
    pub callback: Option<Callback>,
    /// The host on which browsers are taken back for all previews.
    pub callback_host: Option<CallbackHost>,
    /// The folder that remembers used DPoP proofs; without it, this process alone does.
    pub proofs: Option<PathBuf>,
}

/// The sidecar's own key for capabilities.
#[derive(Clone, Debug)]
pub struct Mint {
    /// The private key.
    pub key: Arc<SigningKey>,
    /// How long a capability holds.
    pub lifetime: SignedDuration,
}

/// The app behind the sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Name or address.
    pub host: Box<str>,
    /// Port.
    pub port: u16,
    /// What it speaks.
    pub protocol: Protocol,
}

/// Every bound of `limits`.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request's head.
    pub head: usize,
    /// Header fields of a request.
    pub headers: usize,
    /// Time in which a request's head must arrive.
    pub head_time: Duration,
    /// The longest pause inside a request's body.
    pub body_time: Duration,
    /// How long a connection may stay without a request, or without taking what it is sent.
    pub idle: Duration,
    /// The longest wait for the app: to connect, for its head, between parts of its body.
    pub upstream_time: Duration,
    /// How long one WebSocket may stay open.
    pub websocket_time: Duration,
    /// How long answers in flight may take once the sidecar stops.
    pub drain: Duration,
    /// Requests at once.
    pub requests: usize,
    /// Bytes held back by all exchanges together.
    pub buffered: usize,
    /// Bytes of a capability.
    pub token: usize,
    /// Capabilities that do not hold, a second and client.
    pub failures: u32,
    /// The filter's own bounds.
    pub filter: filter::Limits,
}

/// What the command line and the environment put above the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `listen.inbound`
    pub inbound: Option<SocketAddr>,
    /// `listen.health`
    pub health: Option<SocketAddr>,
    /// `listen.admin`, as in the file
    pub admin: Option<String>,
    /// `upstream.url`
    pub upstream: Option<String>,
    /// `policy`, relative to the working directory
    pub policy: Option<PathBuf>,
    /// `preview`
    pub preview: Option<String>,
    /// `revision`
    pub revision: Option<String>,
    /// `images`
    pub images: Option<Vec<String>>,
    /// `binding.token`
    pub binding: Option<String>,
    /// `binding.token_file`, relative to the working directory
    pub binding_file: Option<PathBuf>,
    /// `audit.file`, relative to the working directory
    pub audit_file: Option<PathBuf>,
}

impl Config {
    /// Reads the file at `path` and puts `overrides` above it.
    ///
    /// # Errors
    /// Every mistake that can be told apart, each with its place and a remedy.
    pub fn load(path: &Path, overrides: &Overrides) -> Result<Self, Vec<ConfigError>> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| vec![ConfigError::unreadable(path, &error)])?;
        Self::parse(path, &text, overrides)
    }

    /// The same for a file's text; relative paths are taken from the folder of `path`.
    ///
    /// # Errors
    /// Every mistake that can be told apart, each with its place and a remedy.
    pub fn parse(path: &Path, text: &str, overrides: &Overrides) -> Result<Self, Vec<ConfigError>> {
        let file = file::File::parse(path, text).map_err(|error| vec![error])?;
        resolve::resolve(path, &file, overrides)
    }
}

#[cfg(test)]
mod tests;
