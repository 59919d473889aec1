//! Signals: SIGTERM and SIGINT drain, SIGHUP reloads.

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// What the operator asks of the running program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Read policy, keys and lists again.
    Reload,
    /// Finish what runs and end.
    Stop,
}

/// The signals of this process, caught from the moment this exists.
#[derive(Debug)]
pub struct Signals {
    hangup: Stream,
    interrupt: Stream,
    terminate: Stream,
}

impl Signals {
    /// Catches the signals; must run inside the executor.
    ///
    /// # Errors
    /// Fails when a signal can't be caught.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hangup.recv() => Signal::Reload,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.terminate.recv() => Signal::Stop,
        }
    }
}
