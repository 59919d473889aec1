//! Takes changed policies, keys, lists and certificates: whole, for the next request, or not at all.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{AppError, Handle, Sources, tell_of_binding};
use crate::config::{BindingSource, Config};
use crate::proxy::{Inbound, Judge};
use crate::runtime::{Watch, task};
use crate::transport::{Acceptor, Identification};

/// How long after the start the policy is looked at once more.
const SETTLED: Duration = Duration::from_millis(500);

/// Watches the files behind a running sidecar.
#[derive(Debug)]
pub(super) struct Reloader {
    sources: Sources,
    tls: Option<(Identification, Acceptor)>,
    shared: Arc<Inbound>,
    handle: Handle,
    watch: Option<Watch>,
}

impl Reloader {
    pub(super) fn new(
        config: &Config,
        shared: Arc<Inbound>,
        acceptor: Option<Acceptor>,
        handle: Handle,
    ) -> Self {
        let mut reloader = Self {
            sources: Sources::of(config),
            tls: config.tls.clone().zip(acceptor),
            shared,
            handle,
            watch: None,
        };
        reloader.watch = match Watch::new(reloader.files()) {
            Ok(watch) => Some(watch),
            Err(error) => {
                tracing::error!(%error, "files can't be watched: send SIGHUP after a change");
                None
            }
        };
        reloader
    }

    pub(super) async fn run(mut self) {
        let mut watch = self.watch.take();
        // What changed between the first load and the first watch is found here.
        tokio::time::sleep(SETTLED).await;
        self.reload_policy().await;
        loop {
            let changed = async {
                match &mut watch {
                    Some(watch) => watch.changed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = changed => {}
                () = self.handle.reload.notified() => {}
            }
            self.reload_policy().await;
            self.reload_tls().await;
            if let Some(Err(error)) = watch.as_mut().map(|watch| watch.cover(self.files())) {
                tracing::error!(%error, "some files can't be watched: send SIGHUP after a change");
            }
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let judge = self.shared.judge.snapshot();
        let mut files = judge.value.policy.files().to_vec();
        files.push(self.sources.policy.clone());
        if let Some(BindingSource::File(path)) =
            self.sources.binding.as_ref().map(|binding| &binding.source)
        {
            files.push(path.clone());
        }
        if let Some((tls, _)) = &self.tls {
            files.extend([tls.certificate.clone(), tls.key.clone()]);
            files.extend(tls.client_ca.clone());
        }
        files
    }

    async fn reload_policy(&self) {
        let sources = self.sources.clone();
        let policy = Arc::clone(&self.shared.judge.snapshot().value.policy);
        // Two compiled policies at once take twice the memory, which the allocator keeps.
        let loaded = task::spawn_blocking(move || {
            let is_new = !policy.is_current(&sources.policy);
            is_new.then(|| sources.judge()).transpose()
        });
        let judge = match loaded.await {
            Ok(Ok(None)) => return self.reload_binding().await,
            Ok(Ok(Some(judge))) => judge,
            Ok(Err(error)) => {
                self.refuse(&error);
                return self.reload_binding().await;
            }
            Err(_) => {
                self.refuse(&AppError::Policy(Vec::new()));
                return self.reload_binding().await;
            }
        };
        if self.shared.judge.snapshot().value.policy.hash() == judge.policy.hash() {
            return self.reload_binding().await;
        }
        let before = Arc::clone(&self.shared.judge.snapshot().value.policy);
        if let Err(error) = judge.policy.follow(&before, Timestamp::now()) {
            self.refuse(&AppError::Revoked(error));
            return self.reload_binding().await;
        }
        let hash = judge.policy.hash().to_owned();
        let generation = self.shared.judge.replace(judge);
        let metrics = &self.shared.ledger.metrics;
        metrics.reloaded("policy", true);
        metrics.in_force(generation);
        tracing::info!(generation, hash, "a changed policy is in force");
    }

    /// Holds the binding of the moment against the policy in force.
    async fn reload_binding(&self) {
        let judge = self.shared.judge.snapshot();
        let (sources, policy) = (self.sources.clone(), Arc::clone(&judge.value.policy));
        let Ok(gate) = task::spawn_blocking(move || sources.gate(&policy)).await else {
            return;
        };
        if gate == judge.value.gate {
            return;
        }
        let changed = Judge {
            policy: Arc::clone(&judge.value.policy),
            verifier: judge.value.verifier.clone(),
            gate,
        };
        let is_sound = changed.gate.stands(Timestamp::now()).is_ok();
        tell_of_binding(&changed);
        let generation = self.shared.judge.replace(changed);
        let metrics = &self.shared.ledger.metrics;
        metrics.reloaded("binding", is_sound);
        metrics.in_force(generation);
        tracing::info!(generation, "a changed binding is in force");
    }

    fn refuse(&self, error: &AppError) {
        self.shared.ledger.metrics.reloaded("policy", false);
        if let AppError::Policy(mistakes) = error {
            for mistake in mistakes {
                tracing::error!(%mistake, "the changed policy is refused");
            }
        }
        let cause = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(%error, cause, "the changed policy is refused: the old one stays in force");
    }

    async fn reload_tls(&self) {
        let Some((files, acceptor)) = self.tls.clone() else {
            return;
        };
        let loading = task::spawn_blocking(move || acceptor.reload(&files));
        let is_taken = match loading.await {
            Ok(Ok(is_new)) if !is_new => return,
            Ok(Ok(_)) => true,
            Ok(Err(error)) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "the changed certificate is refused: the old one stays");
                false
            }
            Err(_) => false,
        };
        self.shared.ledger.metrics.reloaded("tls", is_taken);
    }
}
