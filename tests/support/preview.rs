//! A sidecar before an app, in this process, on ports of its own.

use std::net::SocketAddr;
use std::path::Path;

use chaperone::app::{self, Handle};
use chaperone::capability::mint::{Grant, SigningKey};
use chaperone::config::{Config, Overrides};
use chaperone::runtime::task;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// What a preview is made of.
pub(crate) struct Builder {
    app: SocketAddr,
    capability: String,
    routes: String,
    files: Vec<(String, Vec<u8>)>,
    protocol: &'static str,
    limits: String,
    config: String,
    audit: String,
    has_log: bool,
}

/// A preview before `app` that lets everything under `/open` pass and filters `/orders`.
pub(crate) fn preview(app: SocketAddr) -> Builder {
    Builder {
        app,
        capability: "biscuit: { root_keys: [issuer.pub] }".to_owned(),
        routes: ROUTES.to_owned(),
        files: Vec::new(),
        protocol: "http/1.1",
        limits: String::new(),
        config: String::new(),
        audit: String::new(),
        has_log: true,
    }
}

const ROUTES: &str = r#"
  - match: "* /open/**"
    public: Nobody's data.
  - match: "* /orders"
    records: "$[*]"
    owner: "$.owner"
  - match: "* /admin/**"
    deny: Admin pages act on everybody's data.
"#;

impl Builder {
    pub(crate) fn limits(mut self, limits: &str) -> Self {
        self.limits = limits.to_owned();
        self
    }

    /// Other routes, and whatever sections of the policy stand behind them.
    pub(crate) fn routes(mut self, routes: &str) -> Self {
        self.routes = format!("\n{routes}");
        self
    }

    /// Another `capability` section, indented by two.
    pub(crate) fn capability(mut self, capability: &str) -> Self {
        self.capability = capability.to_owned();
        self
    }

    /// A file beside the policy.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        self.binary(name, text.as_bytes())
    }

    /// The same for a file that is no text.
    pub(crate) fn binary(mut self, name: &str, content: &[u8]) -> Self {
        self.files.push((name.to_owned(), content.to_owned()));
        self
    }

    /// The version of HTTP that the app speaks.
    pub(crate) fn protocol(mut self, protocol: &'static str) -> Self {
        self.protocol = protocol;
        self
    }

    pub(crate) fn config(mut self, config: &str) -> Self {
        self.config = config.to_owned();
        self
    }

    /// The key of names and pseudonyms.
    pub(crate) fn audit_key(mut self, key: &str) -> Self {
        self.audit = format!(", key: {key}");
        self
    }

    /// The folder of the audit log does not exist.
    pub(crate) fn without_log(mut self) -> Self {
        self.has_log = false;
        self
    }

    pub(crate) async fn start(self) -> Preview {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::generate().unwrap();
        std::fs::write(folder.path().join("issuer.pub"), key.public().to_string()).unwrap();
        std::fs::write(folder.path().join("issuer.key"), key.pem().expose()).unwrap();
        for (name, text) in &self.files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let policy = self.policy();
        std::fs::write(folder.path().join("policy.yaml"), policy).unwrap();
        self.start_in(folder, key).await
    }

    fn policy(&self) -> String {
        format!(
            "version: 1\npolicy: test\ncapability:\n  {}\n\
             subject: {{ id: user, own: [email] }}\nroutes:{}",
            self.capability, self.routes
        )
    }

    async fn start_in(self, folder: TempDir, key: SigningKey) -> Preview {
        let config = format!(
            "listen: {{ inbound: 127.0.0.1:0, health: 127.0.0.1:0, admin: unix:admin.sock }}\n\
             upstream: {{ url: 'http://{}', protocol: {} }}\npolicy: policy.yaml\npreview: test\n\
             audit: {{ to: file, file: log/audit.jsonl, path: raw, subject: plain{} }}\n\
             limits: {{ {} }}\n{}",
            self.app, self.protocol, self.audit, self.limits, self.config
        );
        if self.has_log {
            std::fs::create_dir(folder.path().join("log")).unwrap();
        }
        let path = folder.path().join("chaperone.yaml");
        let config = Config::parse(&path, &config, &Overrides::default()).unwrap();
        let bound = app::build(config).await.unwrap();
        let (address, health, handle) = (bound.inbound_addr(), bound.health_addr(), bound.handle());
        Preview {
            address,
            health,
            handle,
            running: task::spawn(bound.run()),
            folder,
            key,
        }
    }
}

/// A running sidecar.
pub(crate) struct Preview {
    pub(crate) address: SocketAddr,
    pub(crate) health: SocketAddr,
    pub(crate) handle: Handle,
    pub(crate) running: JoinHandle<bool>,
    folder: TempDir,
    key: SigningKey,
}

impl Preview {
    /// A capability for `user`.
    pub(crate) fn token(&self, user: &str) -> String {
        let email = format!("{user}@shop.example");
        self.mint(
            &Grant::new(user)
                .with("email", &email)
                .with("group", "buyers"),
        )
    }

    /// The issuer's key.
    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    pub(crate) fn mint(&self, grant: &Grant) -> String {
        grant.biscuit(&self.key).unwrap().expose().clone()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Puts `change` of the policy in its place.
    pub(crate) fn edit_policy(&self, change: impl FnOnce(String) -> String) {
        let path = self.folder().join("policy.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(self.folder().join("new"), change(text)).unwrap();
        std::fs::rename(self.folder().join("new"), path).unwrap();
    }

    /// The audit records so far.
    pub(crate) fn records(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.folder().join("log/audit.jsonl")).unwrap();
        log.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Waits until `count` exchanges are in the log.
    pub(crate) async fn recorded(&self, count: usize) -> Vec<Value> {
        until(|| self.records().len() >= count).await;
        self.records()
    }

    /// A metric's value: the line that begins with `name`.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        let text = self.handle.metrics().text().unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    }
}

/// Waits until something has become true.
pub(crate) async fn until(mut is_true: impl FnMut() -> bool) {
    while !is_true() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
