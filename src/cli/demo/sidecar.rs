//! The real sidecar, inside this process: the same configuration file, the same composition root as `run`.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, bail};
use tokio::task::JoinHandle;

use crate::app::{self, AppError, Handle};
use crate::config::{Config, Overrides};
use crate::runtime::task;

/// A sidecar that serves until it is stopped.
#[derive(Debug)]
pub(super) struct Sidecar {
    address: SocketAddr,
    handle: Handle,
    running: JoinHandle<bool>,
}

impl Sidecar {
    /// Starts one with the configuration in the file `config`.
    pub(super) async fn start(config: &Path) -> anyhow::Result<Self> {
        let config = match Config::load(config, &Overrides::default()) {
            Ok(config) => config,
            Err(mistakes) => bail!("the demo's configuration is refused: {}", all(mistakes)),
        };
        let bound = match app::build(config).await {
            Ok(bound) => bound,
            Err(AppError::Policy(mistakes)) => {
                bail!("the demo's policy is refused: {}", all(mistakes))
            }
            Err(error) => return Err(error).context("the sidecar does not start"),
        };
        Ok(Self {
            address: bound.inbound_addr(),
            handle: bound.handle(),
            running: task::spawn(bound.run()),
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it and waits until it has.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.handle.stop();
        self.running.await.context("the sidecar failed")?;
        Ok(())
    }
}

fn all(mistakes: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    let mut text = String::new();
    for mistake in mistakes {
        // Writing to a String does not fail.
        let _ = write!(text, "\n{mistake}");
    }
    text
}
