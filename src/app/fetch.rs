//! Reads what policies name by address, key sets and revocations: at the start, at their pace, and when somebody misses a key.
//!
//! INVARIANT: between two fetches of one address lies at least its pause, whoever asks and however often.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::admin::Readiness;
use crate::capability::Source;
use crate::proxy::{Inbound, Judge};
use crate::runtime::task;
use crate::transport::fetch::{Bounds, fetch};

/// The time and the size of one answer.
const BOUNDS: Bounds = Bounds {
    time: Duration::from_secs(10),
    body: 4 << 20,
};

/// The pause after a fetch that failed, unless the address is read more often anyway.
const RETRY: Duration = Duration::from_secs(10);

/// Keeps every address of the policy in force read.
#[derive(Debug)]
pub(super) struct Fetcher {
    shared: Arc<Inbound>,
    readiness: Readiness,
}

impl Fetcher {
    pub(super) fn new(shared: Arc<Inbound>, readiness: Readiness) -> Self {
        Self { shared, readiness }
    }

    /// Follows the policy: what it names is read, what it no longer names is not.
    pub(super) async fn run(self) {
        let mut reading: Vec<Reading> = Vec::new();
        loop {
            let snapshot = self.shared.judge.snapshot();
            let sources = snapshot.value.policy.published();
            let is_read = |source: &Arc<dyn Source>, reading: &[Reading]| {
                let mut known = reading.iter();
                known.any(|known| Arc::ptr_eq(&known.source, source))
            };
            reading.retain(|known| sources.iter().any(|it| Arc::ptr_eq(&known.source, it)));
            for source in sources {
                if !is_read(&source, &reading) {
                    reading.push(self.read(source));
                }
            }
            self.readiness_of(&reading);
            self.shared.judge.changed_since(snapshot.generation).await;
        }
    }

    /// Ready once everything has been read for the first time.
    fn readiness_of(&self, reading: &[Reading]) {
        let now = Timestamp::now();
        let mut sources = reading.iter().map(|reading| &reading.source);
        if sources.all(|source| source.last().is_some_and(|(_, read)| read <= now)) {
            self.readiness.fetched();
        }
    }

    fn read(&self, source: Arc<dyn Source>) -> Reading {
        let work = keep_read(Arc::clone(&source), Arc::clone(&self.shared));
        let task = task::spawn_named("fetch", work);
        Reading { source, task }
    }
}

/// One address, and the task that reads it until this is dropped.
#[derive(Debug)]
struct Reading {
    source: Arc<dyn Source>,
    task: JoinHandle<()>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep_read(source: Arc<dyn Source>, shared: Arc<Inbound>) {
    let address = source.address();
    let (every, what, url) = (address.every, source.what(), &address.url);
    // What stands behind a `?` may be a secret.
    let place = format!(
        "{}{}",
        url.authority().map_or("", |it| it.as_str()),
        url.path()
    );
    // What another policy has read from the same address is good for the rest of its time.
    let mut wait = source.last().map_or(Duration::ZERO, |(_, read)| {
        let age = Timestamp::now().duration_since(read);
        every.saturating_sub(Duration::try_from(age).unwrap_or(Duration::MAX))
    });
    let mut begun = Instant::now();
    loop {
        tokio::select! {
            () = sleep_until(begun + wait) => {}
            () = source.wanted() => {}
        }
        begun = Instant::now();
        let text = fetch(url, address.ca.as_deref(), BOUNDS).await;
        let taken = text.map_err(Into::into);
        let taken = taken.and_then(|text| source.take(&text, Timestamp::now()));
        let is_taken = taken.is_ok();
        wait = match taken {
            Ok(is_new) => {
                if is_new {
                    // Answers on their way are judged again under what is known now.
                    let generation = shared.judge.renew(Judge::clone);
                    shared.ledger.metrics.in_force(generation);
                    tracing::info!(generation, what, place, "another edition is in force");
                }
                every
            }
            Err(error) => {
                let cause = error.source().map(ToString::to_string);
                tracing::error!(%error, cause, what, place, "it can't be taken: the last good one stays until its age");
                every.min(RETRY)
            }
        };
        shared.ledger.metrics.reloaded(what, is_taken);
        source.attempted();
        sleep_until(begun + address.pause()).await;
    }
}
