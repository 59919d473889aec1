//! The composition root: the only file that knows every room. build → [`Bound`] → run → drain.

mod fetch;
mod reload;

use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore};

use crate::admin::{self, Readiness, UnixSocket};
use crate::audit::{AuditError, Writer};
use crate::capability::possession;
use crate::capability::{self, CapabilityError, Minter, RevokedError, RootKey, Verifier};
use crate::config::{Binding, BindingSource, Config};
use crate::policy::{self, Diagnostic};
use crate::proxy::{
    Admission, Gate, Inbound, Judge, Ledger, Marker, Own, Pin, Proofs, Provider, Spent, Throttle,
    inbound,
};
use crate::runtime::{Drain, Live, task};
use crate::telemetry::Metrics;
use crate::transport::{self, Acceptor, Listener, Misread, Server, Upstream, upstream};
use crate::types::{Budget, DecisionId, Secret};

/// How long an idle connection to the app is kept: shorter than most servers keep theirs.
const KEPT_FOR: Duration = Duration::from_secs(4);

/// Why the sidecar does not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The audit log's writer can't be started.
    #[error("the audit log can't be started")]
    Audit(#[source] AuditError),
    /// A socket can't be had.
    #[error("can't listen on {place}")]
    Bind {
        /// The address or path.
        place: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The policy would refuse what the sidecar makes.
    #[error(
        "the policy does not take what the sidecar's own key signs: add `{0}` to `capability.biscuit.root_keys`"
    )]
    Mint(Box<RootKey>),
    /// Whom the pod serves can't be read.
    #[error("the file that remembers whom the pod serves can't be read")]
    Pin(#[source] std::io::Error),
    /// The policy has mistakes.
    #[error("the policy has mistakes")]
    Policy(Vec<Diagnostic>),
    /// The folder of used proofs can't be used.
    #[error("the folder that remembers used DPoP proofs can't be used")]
    Proofs(#[source] std::io::Error),
    /// The folder of spent tickets can't be used.
    #[error("the folder that remembers spent tickets can't be used")]
    Spent(#[source] std::io::Error),
    /// Certificate or key can't be used.
    #[error("TLS can't be set up")]
    Tls(#[source] transport::tls::TlsError),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Random(#[source] getrandom::Error),
    /// The policy's list of revocations is older than the one in force.
    #[error("the list of revocations can't follow the one in force")]
    Revoked(#[source] RevokedError),
    /// The policy's capabilities can't be verified.
    #[error("capabilities can't be verified")]
    Verifier(#[source] CapabilityError),
}

/// A sidecar with its sockets bound, that serves nothing yet.
#[derive(Debug)]
pub struct Bound {
    inbound: Listener,
    health: Listener,
    admin: Option<UnixSocket>,
    inbound_addr: SocketAddr,
    health_addr: SocketAddr,
    shared: Arc<Inbound>,
    server: Arc<Server>,
    readiness: Readiness,
    reloader: reload::Reloader,
    fetcher: fetch::Fetcher,
    handle: Handle,
    grace: Duration,
}

/// Steers a running sidecar; clones steer the same one.
#[derive(Clone, Debug)]
pub struct Handle {
    drain: Drain,
    reload: Arc<Notify>,
    metrics: Metrics,
}

impl Handle {
    /// Finishes what runs and ends.
    pub fn stop(&self) {
        self.drain.begin();
    }

    /// Reads policy, keys, lists and certificates again.
    pub fn reload(&self) {
        self.reload.notify_one();
    }

    /// The counters.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

/// Makes a sidecar of a configuration; must run inside the executor.
///
/// # Errors
/// Fails without a valid policy, usable keys and every socket: nothing serves then.
pub async fn build(config: Config) -> Result<Bound, AppError> {
    let drain = Drain::new();
    let metrics = Metrics::new();
    let sources = Sources::of(&config);
    let loaded = task::spawn_blocking(move || sources.judge()).await;
    // A panic in there is no valid policy either.
    let judge = loaded.unwrap_or_else(|_| Err(AppError::Policy(Vec::new())))?;
    let acceptor = match &config.tls {
        Some(files) => Some(Acceptor::load(files).map_err(AppError::Tls)?),
        None => None,
    };
    let own = own(&config, &judge)?;
    let (inbound, inbound_addr) = bind(config.listen.inbound)?;
    let (health, health_addr) = bind(config.listen.health)?;
    let admin = match &config.listen.admin {
        Some(path) => Some(UnixSocket::bind(path).map_err(|source| AppError::Bind {
            place: path.display().to_string(),
            source,
        })?),
        None => None,
    };
    let pin = config.binding.as_ref().and_then(|it| it.pin.clone());
    let pin = Arc::new(Pin::open(pin).map_err(AppError::Pin)?);
    let writer = Writer::open(config.audit.clone()).map_err(AppError::Audit)?;
    warn_of_gaps(&config, &judge);
    let readiness = Readiness::new(drain.clone(), writer.clone());
    readiness.policy_loaded();
    metrics.in_force(1);
    let handle = Handle {
        drain: drain.clone(),
        reload: Arc::new(Notify::new()),
        metrics: metrics.clone(),
    };
    let limits = &config.limits;
    let proofs = config.own.proofs.clone().map(Proofs::open).transpose();
    let shared = Arc::new(Inbound {
        judge: Live::new(judge),
        admission: Admission {
            hops: config.hops.clone(),
            throttle: Throttle::new(limits.failures),
            spent: possession::Spent::default().since(Timestamp::now()),
            proofs: proofs.map_err(AppError::Proofs)?,
        },
        pin,
        own,
        app: Upstream::new(upstream::Settings {
            host: config.upstream.host.clone(),
            port: config.upstream.port,
            protocol: config.upstream.protocol,
            time: limits.upstream_time,
            idle: limits.idle.min(KEPT_FOR),
            kept: limits.requests,
            head: limits.head,
            headers: limits.headers,
        }),
        ledger: Arc::new(Ledger {
            writer,
            naming: config.naming.clone(),
            metrics,
            preview: Arc::clone(&config.preview),
            revision: config.revision.clone(),
        }),
        marker: marker(&config)?,
        pod: Arc::clone(&config.identity.key),
        attests: config.identity.attests,
        drain: drain.clone(),
        room: Arc::new(Semaphore::new(limits.requests)),
        budget: Budget::new(limits.buffered),
        limits: inbound::Limits {
            head: limits.head,
            headers: limits.headers,
            body_time: limits.body_time,
            idle: limits.idle,
            websocket_time: limits.websocket_time,
            filter: limits.filter,
        },
    });
    let server = Server::new(
        transport::Limits {
            head: limits.head,
            headers: limits.headers,
            head_time: limits.head_time,
            idle: limits.idle,
            requests: limits.requests,
        },
        acceptor.clone(),
        drain,
        Misread::new({
            let shared = Arc::clone(&shared);
            move |malformed| Arc::clone(&shared).misread(malformed)
        }),
    );
    let reloader = reload::Reloader::new(&config, Arc::clone(&shared), acceptor, handle.clone());
    let fetcher = fetch::Fetcher::new(Arc::clone(&shared), readiness.clone());
    if shared.judge.snapshot().value.policy.published().is_empty() {
        readiness.fetched();
    }
    tracing::info!(
        inbound = %inbound_addr,
        health = %health_addr,
        admin = config.listen.admin.as_ref().map(|path| path.display().to_string()),
        upstream = format_args!("{}:{}", config.upstream.host, config.upstream.port),
        policy = shared.judge.snapshot().value.policy.name(),
        preview = &*config.preview,
        "chaperone {} is ready",
        env!("CARGO_PKG_VERSION"),
    );
    Ok(Bound {
        inbound,
        health,
        admin,
        inbound_addr,
        health_addr,
        shared,
        server,
        readiness,
        reloader,
        fetcher,
        handle,
        grace: config.limits.drain,
    })
}

impl Bound {
    /// Where clients come in.
    #[must_use]
    pub fn inbound_addr(&self) -> SocketAddr {
        self.inbound_addr
    }

    /// Where probes come in.
    #[must_use]
    pub fn health_addr(&self) -> SocketAddr {
        self.health_addr
    }

    /// Steers the sidecar once it runs.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves until the drain begins, then finishes; true when every exchange came to its own end.
    pub async fn run(self) -> bool {
        let drain = self.handle.drain.clone();
        let shared = Arc::clone(&self.shared);
        task::spawn_named(
            "health",
            admin::serve_health(self.health, self.readiness, drain.clone()),
        );
        if let Some(socket) = self.admin {
            let metrics = self.handle.metrics.clone();
            task::spawn_named(
                "metrics",
                admin::serve_metrics(socket, metrics, drain.clone()),
            );
        }
        let sweep = task::spawn_named("sweep", Arc::clone(&shared.app).sweep());
        let reload = task::spawn_named("reload", self.reloader.run());
        let fetch = task::spawn_named("fetch", self.fetcher.run());
        let answer = move |request, meter| Arc::clone(&self.shared).answer(request, meter);
        task::spawn_named("inbound", self.server.run(self.inbound, answer));
        drain.begun().await;
        tracing::info!(limit = ?self.grace, "draining: nothing new is taken");
        let is_clean = drain.finish(self.grace).await;
        sweep.abort();
        reload.abort();
        fetch.abort();
        if let Err(error) = shared.ledger.writer.flush().await {
            tracing::error!(%error, "the audit log's end may not be on the disk");
        }
        tracing::info!(is_clean, "stopped");
        is_clean
    }
}

/// The mark of browsers that were cleared for what runs: each start counts, where nobody says what that is.
fn marker(config: &Config) -> Result<Marker, AppError> {
    let start = match config.revision {
        Some(_) => String::new(),
        None => DecisionId::random().map_err(AppError::Random)?.to_string(),
    };
    let revision = config.revision.as_deref().unwrap_or(&start);
    let mut running: Vec<&[u8]> = vec![config.preview.as_bytes(), revision.as_bytes()];
    let images = config.binding.iter().flat_map(|it| &it.running.images);
    running.extend(images.map(|image| image.as_bytes()));
    Ok(Marker::of(config.naming.key(), &running))
}

/// What the sidecar itself does for its users, as far as the policy takes what it makes.
fn own(config: &Config, judge: &Judge) -> Result<Own, AppError> {
    let spent = config.own.spent.clone().map(Spent::open).transpose();
    let minter = config.own.mint.as_ref().map(|mint| {
        let preview = Arc::clone(&config.preview);
        Minter::new(Arc::clone(&mint.key), preview, mint.lifetime)
    });
    let accepted = judge.policy.capability();
    if let Some(minter) = minter.as_ref().filter(|it| !it.is_accepted(accepted)) {
        return Err(AppError::Mint(Box::new(minter.public())));
    }
    Ok(Own {
        minter,
        spent: spent.map_err(AppError::Spent)?,
        provider: config.own.login.clone().map(Provider::new),
        callback: config.own.callback.clone(),
        callback_host: config.own.callback_host.clone(),
        is_tls: config.tls.is_some(),
    })
}

fn bind(address: SocketAddr) -> Result<(Listener, SocketAddr), AppError> {
    let fail = |source| AppError::Bind {
        place: address.to_string(),
        source,
    };
    let listener = Listener::bind(address).map_err(fail)?;
    let bound = listener.address().map_err(fail)?;
    Ok((listener, bound))
}

/// Where a judge is made from.
#[derive(Clone, Debug)]
struct Sources {
    policy: PathBuf,
    binding: Option<Binding>,
    token: usize,
}

impl Sources {
    fn of(config: &Config) -> Self {
        Self {
            policy: config.policy.clone(),
            binding: config.binding.clone(),
            token: config.limits.token,
        }
    }

    /// The policy with its verifier and the binding of the moment.
    fn judge(&self) -> Result<Judge, AppError> {
        let policy = policy::load(&self.policy).map_err(AppError::Policy)?;
        let limits = capability::Limits {
            token: self.token,
            ..capability::Limits::default()
        };
        let verifier =
            Verifier::new(policy.capability().clone(), limits).map_err(AppError::Verifier)?;
        Ok(Judge {
            gate: self.gate(&policy),
            policy: Arc::new(policy),
            verifier,
        })
    }

    /// The gate of `policy` and the binding of the moment.
    fn gate(&self, policy: &policy::Policy) -> Gate {
        let text = self.binding.as_ref().map(|binding| match &binding.source {
            BindingSource::Text(text) => Ok(text.clone()),
            BindingSource::File(path) => read_binding(path).map(Secret::new),
        });
        let text = text.as_ref().map(|text| match text {
            Ok(text) => Ok(text.expose().as_str()),
            Err(why) => Err(why.as_str()),
        });
        let running = self.binding.as_ref().map(|binding| &binding.running);
        Gate::of(policy, text, running)
    }
}

/// A binding's text, bounded; what is longer is refused as such.
fn read_binding(path: &Path) -> Result<String, String> {
    let read = File::open(path).and_then(|file| {
        let mut text = String::new();
        file.take(BINDING).read_to_string(&mut text).map(|_| text)
    });
    read.map_err(|error| error.to_string())
}

/// Bytes of a binding's file that are read.
const BINDING: u64 = 256 << 10;

/// Says what the binding comes to.
fn tell_of_binding(judge: &Judge) {
    let now = Timestamp::now();
    if !judge.gate.is_bound() {
        tracing::warn!(
            "no binding: nothing proves which revision runs or that it was approved, \
             and one app serves several users, so it can carry data between them (promises 1 and 2)"
        );
        return;
    }
    match judge.gate.stands(now) {
        Ok(()) => {
            let level = judge.gate.level(&judge.policy, now).as_str();
            tracing::info!(level, "the preview's binding holds");
        }
        Err(refusal) => {
            let why = refusal.detail.as_deref().unwrap_or_default();
            tracing::error!(reason = %refusal.code, why, "the preview's binding lets nobody in");
        }
    }
    if judge.policy.review().is_none() {
        tracing::warn!("no `review` in the policy: code that nobody approved meets real data");
    }
    if let Some(reason) = judge.policy.sharing() {
        tracing::warn!(
            reason,
            "once cleared, one app serves several users: carrying data between them is then not prevented"
        );
    }
}

/// Says plainly what does not hold.
fn warn_of_gaps(config: &Config, judge: &Judge) {
    tracing::warn!(
        "no outbound side in this version: the app reaches whatever its network lets it reach, \
         so against hostile code promises 3, 5 and 6 of the threat model do not hold yet"
    );
    tell_of_binding(judge);
    if judge.policy.mode() == policy::Mode::Observe {
        tracing::warn!("the policy only observes: what it would take out passes");
    }
    if config.is_key_ephemeral {
        tracing::warn!(
            "no `audit.key_file`: the audit log names users under a key that ends with this process"
        );
    }
    if config.tls.is_none() && !config.listen.inbound.ip().is_loopback() {
        tracing::warn!(
            "no `tls`: capabilities cross the network in the clear unless something before us encrypts"
        );
    }
}
