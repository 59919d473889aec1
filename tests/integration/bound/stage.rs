//! A bound preview: a deployer, reviewers, a binding in a file, and a sidecar before an app.

use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use chaperone::app::{self, Handle};
use chaperone::capability::binding::{Approve, Audience, Draft};
use chaperone::capability::mint::{Grant, SigningKey};
use chaperone::config::{Config, Overrides};
use chaperone::runtime::task;
use chaperone::types::{Level, Secret};
use http::{Method, Request};
use http_body_util::Empty;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

use crate::client::{self, Reply};
use crate::preview::until;

pub(super) const HOST: &str = "pr-1.preview.example";
pub(super) const IMAGE: &str =
    "sha256:1111111111111111111111111111111111111111111111111111111111111111";

/// Who signs what.
pub(super) struct Keys {
    pub(super) issuer: SigningKey,
    pub(super) deployer: SigningKey,
    pub(super) carol: SigningKey,
    pub(super) dave: SigningKey,
    /// The originator, who is a reviewer of others' changes.
    pub(super) alice: SigningKey,
    pub(super) stranger: SigningKey,
}

/// What a sidecar is started with.
pub(super) struct Setup {
    pub(super) draft: Draft,
    pub(super) policy: String,
    pub(super) config: String,
    pub(super) revision: String,
}

const ROUTES: &str = r#"
routes:
  - match: "* /tour/**"
    public: Made-up data.
    synthetic: true
  - match: "* /open/**"
    public: Nobody's data.
  - match: "* /form"
    public: Says ok and nothing else.
    level: ok-to-test
  - match: "* /reserved"
    public: For cleared code.
    level: cleared
  - match: "* /admin/**"
    deny: Admin pages act on everybody's data.
    control: redistribute
embargo:
  - id: falcon
    terms: [Falcon IX]
    except: { level: cleared, group: launch-team }
"#;

const HEAD: &str = "version: 1\npolicy: test\ncapability:\n  biscuit: { root_keys: [issuer.pub] }\n\
                    binding: { root_keys: [deployer.pub] }\n";

impl Default for Setup {
    fn default() -> Self {
        Self {
            draft: Draft {
                preview: "pr-1".to_owned(),
                hosts: vec![HOST.to_owned()],
                revision: "aaa".to_owned(),
                images: vec![IMAGE.to_owned()],
                originator: "alice".to_owned(),
                audience: vec![Audience::Originator],
                expires: Timestamp::now() + SignedDuration::from_hours(24),
            },
            policy: format!("{HEAD}review: {{ reviewers: [reviewers.pub] }}\n{ROUTES}"),
            config: format!("images: ['{IMAGE}']\nbinding: {{ token_file: binding.token }}\n"),
            revision: "aaa".to_owned(),
        }
    }
}

impl Setup {
    pub(super) fn audience(mut self, audience: &[&str]) -> Self {
        let audience = audience.iter().map(|it| it.parse().unwrap());
        self.draft.audience = audience.collect();
        self
    }

    pub(super) fn policy(mut self, from: &str, to: &str) -> Self {
        assert!(self.policy.contains(from), "{from}");
        self.policy = self.policy.replace(from, to);
        self
    }

    pub(super) async fn start(self, app: SocketAddr) -> Bound {
        let folder = tempfile::tempdir().unwrap();
        self.start_with(app, folder).await
    }

    /// The same in a folder that holds something already.
    pub(super) async fn start_with(self, app: SocketAddr, folder: TempDir) -> Bound {
        let key = || SigningKey::generate().unwrap();
        let keys = Keys {
            issuer: key(),
            deployer: key(),
            carol: key(),
            dave: key(),
            alice: key(),
            stranger: key(),
        };
        let at = folder.path();
        let write = |name: &str, text: &str| std::fs::write(at.join(name), text).unwrap();
        write("issuer.pub", &keys.issuer.public().to_string());
        write("deployer.pub", &keys.deployer.public().to_string());
        write(
            "reviewers.pub",
            &format!(
                "# who may say ok\n{} carol\n{} dave\n{} alice\n",
                keys.carol.public(),
                keys.dave.public(),
                keys.alice.public()
            ),
        );
        write("policy.yaml", &self.policy);
        let binding = self.draft.sign(&keys.deployer).unwrap();
        write("binding.token", binding.expose());
        let config = format!(
            "listen: {{ inbound: 127.0.0.1:0, health: 127.0.0.1:0 }}\n\
             upstream: {{ url: 'http://{app}' }}\npolicy: policy.yaml\npreview: pr-1\n\
             revision: {}\naudit: {{ to: file, file: audit.jsonl, subject: plain }}\n{}",
            self.revision, self.config
        );
        let config = Config::parse(&at.join("chaperone.yaml"), &config, &Overrides::default());
        let bound = app::build(config.unwrap()).await.unwrap();
        let (address, handle) = (bound.inbound_addr(), bound.handle());
        task::spawn(bound.run());
        Bound {
            address,
            handle,
            folder,
            keys,
            binding,
            draft: self.draft,
        }
    }
}

/// A running sidecar before a bound preview.
pub(super) struct Bound {
    pub(super) address: SocketAddr,
    pub(super) handle: Handle,
    pub(super) folder: TempDir,
    pub(super) keys: Keys,
    pub(super) binding: Secret<String>,
    pub(super) draft: Draft,
}

impl Bound {
    /// A capability of `user` for this preview.
    pub(super) fn token(&self, user: &str) -> String {
        self.mint(&grant(user, Some("pr-1")))
    }

    pub(super) fn mint(&self, grant: &Grant) -> String {
        grant.biscuit(&self.keys.issuer).unwrap().expose().clone()
    }

    /// The binding with an approval of `key`.
    pub(super) fn approved(&self, key: &SigningKey, level: Level) -> Secret<String> {
        let approve = Approve {
            revision: self.draft.revision.clone(),
            level,
            expires: Timestamp::now() + SignedDuration::from_hours(1),
        };
        approve.sign(&self.binding, key, Timestamp::now()).unwrap()
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a file in its place and waits until it counts.
    pub(super) async fn put(&self, name: &str, text: &str) {
        let before = self.generation();
        let new = self.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, self.path().join(name)).unwrap();
        until(|| self.generation() > before).await;
    }

    pub(super) async fn approve(&self, key: &SigningKey, level: Level) {
        let approved = self.approved(key, level);
        self.put("binding.token", approved.expose()).await;
    }

    pub(super) fn generation(&self) -> f64 {
        let text = self.handle.metrics().text().unwrap();
        let name = "chaperone_policy_generation";
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().parse().unwrap()
    }

    pub(super) fn records(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.path().join("audit.jsonl")).unwrap();
        log.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Asks as `token` under the preview's own host.
    pub(super) async fn ask(&self, method: &Method, path: &str, token: &str) -> Reply {
        self.ask_at(HOST, method, path, token).await
    }

    pub(super) async fn ask_at(
        &self,
        host: &str,
        method: &Method,
        path: &str,
        token: &str,
    ) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", host)
            .header("authorization", format!("Bearer {token}"));
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        client::send(self.address, request).await
    }
}

pub(super) fn grant(user: &str, preview: Option<&str>) -> Grant {
    Grant {
        preview: preview.map(str::to_owned),
        ..Grant::new(user).with("group", "buyers")
    }
}

/// Status and reason, `ok` where it passed.
pub(super) fn verdict(reply: &Reply) -> (u16, String) {
    let status = reply.status.as_u16();
    let code = if status == 200 {
        "ok".to_owned()
    } else {
        reply.code()
    };
    (status, code)
}
