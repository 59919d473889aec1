//! Values that change while the program runs: the last good one with its generation, and a watch
//! on the files it was made from.
//!
//! INVARIANT: a reader takes one snapshot per request; a new value is seen whole or not at all.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::StreamExt as _;
use inotify::{EventMask, EventOwned, EventStream, Inotify, WatchMask};
use tokio::sync::watch;
use tokio::time::timeout;

/// Files are often written in several steps: a change counts once nothing has moved for this long.
const QUIET: Duration = Duration::from_millis(100);

/// …and at the latest after this long.
const PATIENCE: Duration = Duration::from_secs(2);

/// A value and how many came before it.
#[derive(Debug)]
pub struct Versioned<T> {
    /// Counted from 1.
    pub generation: u64,
    /// The value itself.
    pub value: T,
}

/// The last good value; clones share it.
#[derive(Debug)]
pub struct Live<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    value: ArcSwap<Versioned<T>>,
    generation: watch::Sender<u64>,
    writing: Mutex<()>,
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Live<T> {
    /// The first generation.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Arc::new(Shared {
            value: ArcSwap::from_pointee(Versioned {
                generation: 1,
                value,
            }),
            generation: watch::Sender::new(1),
            writing: Mutex::new(()),
        }))
    }

    /// The value of this moment.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Versioned<T>> {
        self.0.value.load_full()
    }

    /// Puts `value` in place for every later snapshot and says its generation.
    pub fn replace(&self, value: T) -> u64 {
        self.renew(|_| value)
    }

    /// Puts what `next` makes of the value of this moment in its place and says its generation; nobody else can
    /// put another one there in between.
    pub fn renew(&self, next: impl FnOnce(&T) -> T) -> u64 {
        let _writing = self
            .0
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let value = next(&self.0.value.load().value);
        let generation = self.0.value.load().generation + 1;
        let next = Arc::new(Versioned { generation, value });
        self.0.value.store(next);
        self.0.generation.send_replace(generation);
        generation
    }

    /// Waits until a value of a later generation is in place.
    pub async fn changed_since(&self, generation: u64) {
        let mut changes = self.0.generation.subscribe();
        // The sender lives as long as `self` does.
        let _ = changes.wait_for(|latest| *latest > generation).await;
    }
}

/// What is told of a directory: which names in it lead elsewhere. Not what is written to its files: the audit log may be
/// one of them, and grows with every request.
const NAMES: WatchMask = WatchMask::ATTRIB
    .union(WatchMask::CLOSE_WRITE)
    .union(WatchMask::CREATE)
    .union(WatchMask::DELETE)
    .union(WatchMask::DELETE_SELF)
    .union(WatchMask::MOVE)
    .union(WatchMask::MOVE_SELF)
    .union(WatchMask::ONLYDIR);

/// What is told of a watched file.
const CONTENT: WatchMask = WatchMask::ATTRIB
    .union(WatchMask::CLOSE_WRITE)
    .union(WatchMask::DELETE_SELF)
    .union(WatchMask::MODIFY)
    .union(WatchMask::MOVE_SELF);

/// A watch on files and on their directories: an editor's rename and a ConfigMap's symlink swap are seen, too.
#[derive(Debug)]
pub struct Watch {
    events: EventStream<Vec<u8>>,
    directories: BTreeSet<PathBuf>,
    files: BTreeSet<PathBuf>,
    names: BTreeSet<OsString>,
}

impl Watch {
    /// Watches `files`. Called where the executor runs.
    ///
    /// # Errors
    /// Fails when the operating system can't watch one of their directories.
    pub fn new(files: impl IntoIterator<Item = PathBuf>) -> io::Result<Self> {
        let mut watch = Self {
            events: Inotify::init()?.into_event_stream(vec![0; 4 << 10])?,
            directories: BTreeSet::new(),
            files: BTreeSet::new(),
            names: BTreeSet::new(),
        };
        watch.cover(files)?;
        Ok(watch)
    }

    /// Watches `files` as well: where they are named, and where their symlinks lead today.
    ///
    /// # Errors
    /// Fails when the operating system can't watch one of their directories.
    pub fn cover(&mut self, files: impl IntoIterator<Item = PathBuf>) -> io::Result<()> {
        for file in files {
            let target = file.canonicalize().ok();
            for file in std::iter::once(file).chain(target) {
                self.names.extend(file.file_name().map(OsString::from));
                let directory = match file.parent() {
                    Some(parent) if parent != Path::new("") => parent.to_path_buf(),
                    _ => PathBuf::from("."),
                };
                if !self.directories.contains(&directory) {
                    self.events.watches().add(&directory, NAMES)?;
                    self.directories.insert(directory);
                }
                self.files.insert(file);
            }
        }
        self.follow()
    }

    /// Waits until one of the files has changed and settled.
    pub async fn changed(&mut self) {
        self.news().await;
        let settle = async { while timeout(QUIET, self.news()).await.is_ok() {} };
        let _ = timeout(PATIENCE, settle).await;
        if let Err(error) = self.follow() {
            tracing::error!(%error, "some files can't be watched: send SIGHUP after a change");
        }
    }

    /// Watches what stands under the files' names now; what is watched already stays so.
    fn follow(&self) -> io::Result<()> {
        for file in &self.files {
            match self.events.watches().add(file, CONTENT) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Waits for an event that one of the files may have changed by. An error may have hidden one, so it is news, too.
    async fn news(&mut self) {
        loop {
            match self.events.next().await {
                Some(Ok(event)) if !self.concerns(&event) => {}
                Some(_) => return,
                None => std::future::pending().await,
            }
        }
    }

    /// Whether an event is about a watched file, or about a symlink that a ConfigMap volume swaps (`..data`).
    fn concerns(&self, event: &EventOwned) -> bool {
        let Some(name) = &event.name else {
            if event.mask.contains(EventMask::MOVE_SELF) {
                // It goes by another name, and whatever goes by its own is watched next. One that is gone has no watch.
                let _ = self.events.watches().remove(event.wd.clone());
            }
            return true;
        };
        self.names.contains(name) || name.as_encoded_bytes().starts_with(b"..")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::symlink;

    use futures_util::{FutureExt as _, StreamExt as _};

    use super::{Live, Watch};

    #[test]
    fn keeps_old_snapshots_whole() {
        let live = Live::new("old");
        let before = live.snapshot();
        assert_eq!(live.replace("new"), 2);
        assert_eq!((before.generation, before.value), (1, "old"));
        assert_eq!(live.clone().snapshot().value, "new");
    }

    #[tokio::test]
    async fn sees_writes_renames_and_symlink_swaps() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.yaml");
        std::fs::create_dir(folder.path().join("v1")).unwrap();
        std::fs::write(folder.path().join("v1/policy.yaml"), "1").unwrap();
        symlink("v1", folder.path().join("..data")).unwrap();
        symlink("..data/policy.yaml", &file).unwrap();
        let mut watch = Watch::new([file.clone()]).unwrap();

        std::fs::create_dir(folder.path().join("v2")).unwrap();
        std::fs::write(folder.path().join("v2/policy.yaml"), "2").unwrap();
        symlink("v2", folder.path().join("..new")).unwrap();
        std::fs::rename(folder.path().join("..new"), folder.path().join("..data")).unwrap();
        watch.changed().await;
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "2");

        std::fs::write(folder.path().join("new"), "3").unwrap();
        std::fs::rename(folder.path().join("new"), &file).unwrap();
        watch.changed().await;
    }

    #[tokio::test]
    async fn sees_what_is_written_to_a_file_that_stays_open() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("revoked.txt");
        let mut open = std::fs::File::create(&file).unwrap();
        let mut watch = Watch::new([file.clone()]).unwrap();
        open.write_all(b"a\n").unwrap();
        watch.changed().await;

        // Another one under the same name, too.
        let mut open = std::fs::File::create(folder.path().join("new")).unwrap();
        std::fs::rename(folder.path().join("new"), &file).unwrap();
        watch.changed().await;
        open.write_all(b"b\n").unwrap();
        watch.changed().await;
    }

    #[tokio::test]
    async fn hears_nothing_of_other_files_that_grow() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.yaml");
        std::fs::write(&file, "1").unwrap();
        let mut log = std::fs::File::create(folder.path().join("audit.jsonl")).unwrap();
        let mut watch = Watch::new([file.clone()]).unwrap();
        for _ in 0..3 {
            log.write_all(b"{}\n").unwrap();
        }
        assert!(watch.events.next().now_or_never().is_none());
        std::fs::write(&file, "2").unwrap();
        watch.changed().await;
    }
}
