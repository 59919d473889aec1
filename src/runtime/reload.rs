//! Values that change while the program runs: the last good one with its generation, and a watch
//! on the files it was made from.
//!
//! INVARIANT: a reader takes one snapshot per request; a new value is seen whole or not at all.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{mpsc, watch};
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

/// A watch on files, by their directories: an editor's rename and a ConfigMap's symlink swap are seen, too.
#[derive(Debug)]
pub struct Watch {
    watcher: RecommendedWatcher,
    directories: BTreeSet<PathBuf>,
    names: Arc<ArcSwap<BTreeSet<OsString>>>,
    changes: mpsc::Receiver<()>,
}

impl Watch {
    /// Watches `files`.
    ///
    /// # Errors
    /// Fails when the operating system can't watch one of their directories.
    pub fn new(files: impl IntoIterator<Item = PathBuf>) -> Result<Self, notify::Error> {
        let (send, changes) = mpsc::channel(1);
        let names = Arc::new(ArcSwap::from_pointee(BTreeSet::new()));
        let watched = Arc::clone(&names);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // An error may have hidden a change, so it is news, too; a full channel already holds the news.
            if event.map_or(true, |event| concerns(&event, &watched.load())) {
                let _ = send.try_send(());
            }
        })?;
        let mut watch = Self {
            watcher,
            directories: BTreeSet::new(),
            names,
            changes,
        };
        watch.cover(files)?;
        Ok(watch)
    }

    /// Watches `files` as well: where they are named, and where their symlinks lead today.
    ///
    /// # Errors
    /// Fails when the operating system can't watch one of their directories.
    pub fn cover(&mut self, files: impl IntoIterator<Item = PathBuf>) -> Result<(), notify::Error> {
        let mut names = BTreeSet::clone(&self.names.load());
        for file in files {
            let target = file.canonicalize().ok();
            for file in std::iter::once(file).chain(target) {
                names.extend(file.file_name().map(OsString::from));
                let directory = match file.parent() {
                    Some(parent) if parent != Path::new("") => parent.to_path_buf(),
                    _ => PathBuf::from("."),
                };
                if !self.directories.contains(&directory) {
                    let mode = RecursiveMode::NonRecursive;
                    self.watcher.watch(&directory, mode)?;
                    self.directories.insert(directory);
                }
            }
        }
        self.names.store(Arc::new(names));
        Ok(())
    }

    /// Waits until one of the files has changed and settled.
    pub async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        let settle =
            async { while let Ok(Some(())) = timeout(QUIET, self.changes.recv()).await {} };
        let _ = timeout(PATIENCE, settle).await;
    }
}

/// Whether an event is about a watched file, or about a symlink that a ConfigMap volume swaps (`..data`).
fn concerns(event: &notify::Event, names: &BTreeSet<OsString>) -> bool {
    let is_ours = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| names.contains(name) || name.as_encoded_bytes().starts_with(b".."))
    };
    !event.kind.is_access() && (event.paths.is_empty() || event.paths.iter().any(is_ours))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

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
}
