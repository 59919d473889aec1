//! The only place where tasks begin: each has a name in the log, and a panic ends that task alone.

#![expect(
    clippy::disallowed_methods,
    reason = "every other room spawns through this file"
)]

use std::future::Future;

use tokio::task::JoinHandle;
use tracing::Instrument as _;

/// Starts `future` beside the caller; nobody waits for it unless the handle is awaited.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    tokio::spawn(future)
}

/// Starts `future` under the name that its log lines carry.
pub fn spawn_named<F>(name: &'static str, future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    tokio::spawn(future.instrument(tracing::info_span!("task", name)))
}

/// Runs `work`, which blocks or computes for long, off the executor's own threads.
pub fn spawn_blocking<F, T>(work: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    tokio::task::spawn_blocking(work)
}
