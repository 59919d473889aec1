//! The tickets that were spent: one empty file each, made by whoever comes first, in a folder that replicas share.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use jiff::Timestamp;

use crate::capability::ticket::Ticket;
use crate::runtime::task;
use crate::types::{ReasonCode, Refusal};

/// Seconds for which a spent ticket is remembered after its end: clocks differ, and are set.
const GRACE: i64 = 3600;

/// Remembers the tickets that were spent.
#[derive(Clone, Debug)]
pub struct Spent {
    folder: PathBuf,
}

impl Spent {
    /// Remembers them in `folder`, which must be there: one that is made anew has forgotten.
    ///
    /// # Errors
    /// Fails when it is no folder.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        if fs::metadata(&folder)?.is_dir() {
            Ok(Self { folder })
        } else {
            Err(ErrorKind::NotADirectory.into())
        }
    }

    /// Spends `ticket`: once, among everybody who shares the folder, also after a restart.
    ///
    /// # Errors
    /// Refuses a ticket that was spent; and each, where that can't be told.
    pub(super) async fn spend(&self, ticket: &Ticket, now: Timestamp) -> Result<(), Refusal> {
        let this = self.clone();
        let name = format!("{}-{}", ticket.expires().as_second(), ticket.id());
        let made = task::spawn_blocking(move || {
            let made = this.make(&name);
            if made.is_ok() {
                this.forget(now, GRACE);
            }
            made
        });
        let made = made.await.map_err(|_| Refusal::new(ReasonCode::Internal))?;
        made.map_err(|error| {
            if error.kind() == ErrorKind::AlreadyExists {
                return Refusal::new(ReasonCode::TicketSpent);
            }
            tracing::error!(%error, "spent tickets can't be remembered: none is taken");
            Refusal::new(ReasonCode::TicketUnavailable)
        })
    }

    fn make(&self, name: &str) -> io::Result<()> {
        self.note(name)?.sync_all()?;
        // The name itself stands in the folder.
        File::open(&self.folder)?.sync_all()
    }

    /// Makes the file `name` (`END-ID`, the end in seconds since 1970), which fails where it is.
    pub(in crate::proxy) fn note(&self, name: &str) -> io::Result<File> {
        let path = self.folder.join(name);
        OpenOptions::new().write(true).create_new(true).open(path)
    }

    /// Takes out those that ended `grace` seconds ago, by their names: nobody would take them any more.
    pub(in crate::proxy) fn forget(&self, now: Timestamp, grace: i64) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let end = name.to_str().and_then(|name| name.split_once('-'));
            let end = end.and_then(|(end, _)| end.parse::<i64>().ok());
            if end.is_some_and(|end| end.saturating_add(grace) < now.as_second()) {
                // One that stays is tried again the next time.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::Spent;
    use crate::capability::mint::Grant;
    use crate::capability::ticket::Ticket;
    use crate::types::ReasonCode;

    fn ticket() -> Ticket {
        let end = Timestamp::now() + SignedDuration::from_mins(5);
        let grant = Grant {
            preview: Some("pr-1".to_owned()),
            ..Grant::new("alice").until(end)
        };
        Ticket::new(&grant, "/").unwrap()
    }

    #[tokio::test]
    async fn spends_once_among_all_who_share_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::now();
        let (one, other) = (ticket(), ticket());
        let open = || Spent::open(folder.path().to_owned()).unwrap();
        let first = [open(), open(), open(), open()];
        let tries = first.iter().map(|spent| spent.spend(&one, now));
        let mut passed = 0;
        for tried in tries {
            match tried.await {
                Ok(()) => passed += 1,
                Err(refusal) => assert_eq!(refusal.code, ReasonCode::TicketSpent),
            }
        }
        assert_eq!(passed, 1);
        open().spend(&other, now).await.unwrap();
        assert!(open().spend(&one, now).await.is_err());
        let kept = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(kept, 2);
        let late = now + SignedDuration::from_hours(2);
        open().spend(&ticket(), late).await.unwrap();
        let kept = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(kept, 0, "all of them have long ended by then");
    }

    #[tokio::test]
    async fn takes_none_where_it_can_not_remember() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spent");
        Spent::open(path.clone()).unwrap_err();
        std::fs::create_dir(&path).unwrap();
        let spent = Spent::open(path.clone()).unwrap();
        std::fs::remove_dir(&path).unwrap();
        let refused = spent.spend(&ticket(), Timestamp::now()).await;
        assert_eq!(refused.unwrap_err().code, ReasonCode::TicketUnavailable);
        std::fs::write(&path, "").unwrap();
        Spent::open(path).unwrap_err();
    }
}
