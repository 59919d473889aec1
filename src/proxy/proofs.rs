//! DPoP proofs that were used, written down for whoever shares the folder: replicas, and this one after a restart.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

use super::own::Spent;
use crate::capability::possession::Used;
use crate::runtime::task;
use crate::types::{ReasonCode, Refusal};

/// Seconds for which a proof is remembered after its end: replicas' clocks differ.
const GRACE: i64 = 120;
/// Seconds between two looks at what can be forgotten.
const PAUSE: i64 = 60;

/// Remembers the proofs that were used, beyond this process.
#[derive(Clone, Debug)]
pub struct Proofs {
    folder: Spent,
    swept: Arc<AtomicI64>,
}

impl Proofs {
    /// Remembers them in `folder`, which must be there.
    ///
    /// # Errors
    /// Fails when it is no folder.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        Ok(Self {
            folder: Spent::open(folder)?,
            swept: Arc::default(),
        })
    }

    /// Writes down that a proof was used: once, among everybody who shares the folder.
    ///
    /// The disk is not waited for: what is written is there for each process of this machine, and for others as their file
    /// system has it.
    ///
    /// # Errors
    /// Refuses a proof that was used elsewhere or before; and each, where that can't be told.
    pub(super) async fn spend(&self, used: Used, now: Timestamp) -> Result<(), Refusal> {
        let this = self.clone();
        let made = task::spawn_blocking(move || {
            let name = format!("{}-{}", used.until(), used.name());
            let made = this.folder.note(&name);
            if made.is_ok() && this.is_due(now.as_second()) {
                this.folder.forget(now, GRACE);
            }
            made
        });
        let made = made.await.map_err(|_| Refusal::new(ReasonCode::Internal))?;
        made.map(|_made| ()).map_err(|error| {
            if error.kind() == ErrorKind::AlreadyExists {
                let why = "its `DPoP` proof was used before";
                return Refusal::new(ReasonCode::ProofInvalid).because(why);
            }
            tracing::error!(%error, "used proofs can't be remembered: none is taken");
            let why = "used `DPoP` proofs can't be remembered";
            Refusal::new(ReasonCode::Overloaded).because(why)
        })
    }

    fn is_due(&self, now: i64) -> bool {
        let swept = self.swept.load(Ordering::Relaxed);
        let is_due = now >= swept.saturating_add(PAUSE);
        let order = Ordering::Relaxed;
        is_due
            && self
                .swept
                .compare_exchange(swept, now, order, order)
                .is_ok()
    }
}
