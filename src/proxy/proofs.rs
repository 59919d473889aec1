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

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::Proofs;
    use crate::capability::possession::Used;
    use crate::types::ReasonCode;

    #[tokio::test]
    async fn forgets_what_no_clock_takes_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Proofs::open(folder.path().to_owned()).unwrap();
        let kept = || std::fs::read_dir(folder.path()).unwrap().count();
        let start = Timestamp::now();
        let later = |seconds| start + SignedDuration::from_secs(seconds);
        let proofs = open();
        let used = |name: &str, seconds| Used::for_test(name, later(seconds).as_second() + 60);
        proofs.spend(used("a", 0), later(0)).await.unwrap();
        proofs.spend(used("b", 170), later(170)).await.unwrap();
        assert_eq!(kept(), 2, "a clock that is behind may take the first still");
        // It has just been looked at: not again within the minute.
        proofs.spend(used("c", 200), later(200)).await.unwrap();
        assert_eq!(kept(), 3);
        proofs.spend(used("d", 240), later(240)).await.unwrap();
        assert_eq!(kept(), 3, "the first is gone, the others are not");
        for (name, seconds) in [("b", 170), ("c", 200), ("d", 240)] {
            let again = open().spend(used(name, seconds), later(241)).await;
            assert_eq!(again.unwrap_err().code, ReasonCode::ProofInvalid, "{name}");
        }
    }

    #[tokio::test]
    async fn takes_none_where_it_can_not_remember() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proofs");
        Proofs::open(path.clone()).unwrap_err();
        std::fs::create_dir(&path).unwrap();
        let proofs = Proofs::open(path.clone()).unwrap();
        std::fs::remove_dir(&path).unwrap();
        let now = Timestamp::now();
        let used = Used::for_test("a", now.as_second() + 60);
        let refused = proofs.spend(used, now).await;
        assert_eq!(refused.unwrap_err().code, ReasonCode::Overloaded);
        std::fs::create_dir(&path).unwrap();
        proofs.spend(used, now).await.unwrap();
    }
}
