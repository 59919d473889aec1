//! The end of the program, in order: nothing new is taken, what runs may finish, then everything stops.
//!
//! Three states, and only forward: serving → draining (`begin`) → over (`finish`, or its time is up).

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A handle on the program's end; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    draining: CancellationToken,
    over: CancellationToken,
    connections: TaskTracker,
}

impl Drain {
    /// A program that serves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle of one connection: waiting on it takes no lock that other connections hold.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            draining: self.draining.child_token(),
            over: self.over.child_token(),
            connections: self.connections.clone(),
        }
    }

    /// From now on nothing new is taken.
    pub fn begin(&self) {
        self.draining.cancel();
        self.connections.close();
    }

    /// Whether the drain has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Waits until the drain begins.
    pub async fn begun(&self) {
        self.draining.cancelled().await;
    }

    /// Waits until what still runs must stop.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Starts a task that the drain waits for.
    pub fn track<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        super::task::spawn(self.connections.track_future(future));
    }

    /// Begins the drain, waits at most `limit` for what runs, then stops the rest; true when nothing had to be stopped.
    pub async fn finish(&self, limit: Duration) -> bool {
        self.begin();
        let is_clean = tokio::time::timeout(limit, self.connections.wait())
            .await
            .is_ok();
        self.over.cancel();
        if !is_clean {
            // What was stopped still closes its books: its tasks end at once, but they have to run.
            let _ = tokio::time::timeout(Duration::from_secs(1), self.connections.wait()).await;
        }
        is_clean
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Drain;

    #[tokio::test]
    async fn waits_for_what_runs() {
        let drain = Drain::new();
        let (send, receive) = tokio::sync::oneshot::channel::<()>();
        drain.track(async move {
            let _ = receive.await;
        });
        let waiting = {
            let drain = drain.clone();
            super::super::task::spawn(async move { drain.finish(Duration::MAX).await })
        };
        drain.begun().await;
        assert!(drain.is_draining());
        drop(send);
        assert!(waiting.await.unwrap());
    }

    #[tokio::test]
    async fn stops_what_does_not_end() {
        let drain = Drain::new();
        let inner = drain.clone();
        drain.track(async move { inner.over().await });
        assert!(!drain.finish(Duration::from_millis(1)).await);
    }
}
