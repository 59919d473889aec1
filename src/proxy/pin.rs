//! One pod, one subject: a hostile app could keep one user's data and hand it to the next.
//!
//! The first user who is let in has the pod for its lifetime. The app's process can outlive the
//! sidecar's, so where a file is configured the pin outlives it, too.

use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::runtime::task;
use crate::types::{ReasonCode, Refusal, Subject};

/// Whom the pod serves.
#[derive(Debug)]
pub struct Pin {
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum State {
    /// Nobody yet.
    #[default]
    Free,
    /// This user.
    One(Box<str>),
    /// More than one has been here while that was allowed: the app may hold the data of each.
    Several,
}

impl Pin {
    /// The pin in `file`, or one that lives as long as this process.
    ///
    /// # Errors
    /// Fails when the file can't be read or holds something else: nobody then knows whom the pod has served.
    pub fn open(file: Option<PathBuf>) -> std::io::Result<Self> {
        let state = match file.as_ref().map(std::fs::read) {
            None => State::Free,
            Some(Ok(bytes)) => serde_json::from_slice(&bytes)?,
            Some(Err(error)) if error.kind() == ErrorKind::NotFound => State::Free,
            Some(Err(error)) => return Err(error),
        };
        Ok(Self {
            file,
            state: Mutex::new(state),
        })
    }

    /// Lets `subject` in: the first one, and later that one alone, or anyone while sharing is allowed.
    ///
    /// # Errors
    /// Refuses another subject than the pod's, and everyone when the pin can't be kept.
    pub(super) async fn admit(&self, subject: &Subject, may_share: bool) -> Result<(), Refusal> {
        let mut state = self.state.lock().await;
        let next = match &*state {
            State::Free => State::One(subject.id().into()),
            State::One(id) if **id == *subject.id() => return Ok(()),
            State::One(_) | State::Several if may_share => State::Several,
            State::One(_) => return Err(Refusal::new(ReasonCode::PodPinned)),
            State::Several => {
                let why = "it has served several users, and may no longer";
                return Err(Refusal::new(ReasonCode::PodPinned).because(why));
            }
        };
        if next == *state {
            return Ok(());
        }
        if let Some(file) = self.file.clone() {
            let bytes = serde_json::to_vec(&next).unwrap_or_default();
            let kept = task::spawn_blocking(move || keep(&file, &bytes)).await;
            if let Ok(Err(error)) = &kept {
                tracing::error!(%error, "whom the pod serves can't be written down");
            }
            if !matches!(kept, Ok(Ok(()))) {
                let why = "whom the pod serves can't be written down";
                return Err(Refusal::new(ReasonCode::Internal).because(why));
            }
        }
        *state = next;
        Ok(())
    }
}

/// Writes the file whole or not at all.
fn keep(file: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if folder != std::path::Path::new("") => folder,
        _ => std::path::Path::new("."),
    };
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(bytes)?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::Pin;
    use crate::types::{ReasonCode, Subject};

    fn user(id: &str) -> Subject {
        Subject::new(id, []).unwrap()
    }

    async fn ask(pin: &Pin, id: &str, may_share: bool) -> Result<(), ReasonCode> {
        let admitted = pin.admit(&user(id), may_share).await;
        admitted.map_err(|refusal| refusal.code)
    }

    #[tokio::test]
    async fn refuses_the_second_user_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pin");
        for id in ["alice", "alice"] {
            let pin = Pin::open(Some(file.clone())).unwrap();
            assert_eq!(ask(&pin, id, false).await, Ok(()));
            assert_eq!(ask(&pin, "bob", false).await, Err(ReasonCode::PodPinned));
            assert_eq!(ask(&pin, "Alice", false).await, Err(ReasonCode::PodPinned));
        }
        let pin = Pin::open(Some(file)).unwrap();
        assert_eq!(ask(&pin, "bob", false).await, Err(ReasonCode::PodPinned));
    }

    #[tokio::test]
    async fn refuses_everyone_once_sharing_ends() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pin");
        let pin = Pin::open(Some(file.clone())).unwrap();
        assert_eq!(ask(&pin, "alice", true).await, Ok(()));
        assert_eq!(ask(&pin, "alice", false).await, Ok(()));
        assert_eq!(ask(&pin, "bob", true).await, Ok(()));
        assert_eq!(ask(&pin, "alice", true).await, Ok(()));
        for pin in [pin, Pin::open(Some(file)).unwrap()] {
            for id in ["alice", "bob", "eve"] {
                assert_eq!(ask(&pin, id, false).await, Err(ReasonCode::PodPinned));
            }
        }
    }

    #[tokio::test]
    async fn refuses_to_serve_on_a_pin_that_can_not_be_kept() {
        let folder = tempfile::tempdir().unwrap();
        let pin = Pin::open(Some(folder.path().join("missing/pin"))).unwrap();
        assert_eq!(ask(&pin, "alice", false).await, Err(ReasonCode::Internal));
        std::fs::write(folder.path().join("pin"), "{\"one\":7}").unwrap();
        Pin::open(Some(folder.path().join("pin"))).unwrap_err();
    }

    #[tokio::test]
    async fn lets_one_of_many_at_once_in() {
        let pin = Pin::open(None).unwrap();
        let users: Vec<_> = (0..32).map(|number| user(&format!("u{number}"))).collect();
        let mut admitted = 0;
        let asked = users.iter().map(|user| pin.admit(user, false));
        for answer in asked {
            admitted += u32::from(answer.await.is_ok());
        }
        assert_eq!(admitted, 1);
    }
}
