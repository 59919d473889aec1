//! Everything the story needs, running: keys and policy in a folder of its own, the shop, the sidecar before it.

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::people::{Tokens, Who};
use super::shop::Shop;
use super::sidecar::Sidecar;
use crate::audit::Record;
use crate::types::DecisionId;

/// The policy that the demo shows.
pub(super) const POLICY: &str = include_str!("../../../policies/shop/policy.yaml");

/// The running demo; its folder goes when it ends.
#[derive(Debug)]
pub(super) struct Stage {
    shop: Shop,
    sidecar: Sidecar,
    tokens: Tokens,
    folder: Folder,
}

impl Stage {
    /// Sets everything up, with `policy` between the shop and whoever asks.
    pub(super) async fn set(policy: &str) -> anyhow::Result<Self> {
        let folder = Folder::make().context("no folder for the demo's keys")?;
        let tokens = Tokens::mint(folder.path())?;
        let shop = Shop::open().await.context("the shop can't listen")?;
        std::fs::write(folder.path().join("policy.yaml"), policy)?;
        let config = folder.path().join("chaperone.yaml");
        std::fs::write(&config, configuration(shop.address()))?;
        let sidecar = Sidecar::start(&config).await?;
        Ok(Self {
            shop,
            sidecar,
            tokens,
            folder,
        })
    }

    /// Where the shop itself listens.
    pub(super) fn app(&self) -> SocketAddr {
        self.shop.address()
    }

    /// Where the sidecar listens.
    pub(super) fn door(&self) -> SocketAddr {
        self.sidecar.address()
    }

    /// The token that `who` shows.
    pub(super) fn token(&self, who: Who) -> Option<&str> {
        self.tokens.of(who)
    }

    /// The folder with the policy, the keys and the log.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The audit log as it is in the file now.
    pub(super) fn log(&self) -> anyhow::Result<Vec<(String, Record)>> {
        let text = std::fs::read_to_string(self.folder.path().join(LOG))
            .context("the audit log can't be read")?;
        text.lines()
            .map(|line| {
                let record = serde_json::from_str(line)
                    .with_context(|| format!("not an audit record: {line}"))?;
                Ok((line.to_owned(), record))
            })
            .collect()
    }

    /// Stops the sidecar and waits until it has.
    pub(super) async fn strike(self) -> anyhow::Result<()> {
        self.sidecar.stop().await
    }
}

const LOG: &str = "audit.jsonl";

fn configuration(app: SocketAddr) -> String {
    format!(
        "listen: {{ inbound: \"127.0.0.1:0\", health: \"127.0.0.1:0\", admin: \"unix:admin.sock\" }}\n\
         upstream: {{ url: \"http://{app}\" }}\n\
         policy: policy.yaml\n\
         preview: pr-123\n\
         revision: 4f2c9e1\n\
         audit: {{ to: file, file: {LOG} }}\n"
    )
}

/// A folder that only this user can look into, removed at the end.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn make() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("chaperone-demo-{}", DecisionId::random()?));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "the demo's folder stays behind");
        }
    }
}
