//! Idle connections to the app, by subject: the one that waited least is taken first.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Connection;

/// How long a connection that just ended its exchange may take to be ready for the next.
const SETTLE: Duration = Duration::from_millis(5);

/// Idle connections of all subjects.
#[derive(Debug)]
pub(super) struct Pool<B> {
    most: usize,
    idle: Duration,
    shelf: Mutex<Shelf<B>>,
}

#[derive(Debug)]
struct Shelf<B> {
    count: usize,
    subjects: HashMap<Box<str>, Vec<Waiting<B>>>,
}

#[derive(Debug)]
struct Waiting<B> {
    connection: Connection<B>,
    since: Instant,
}

impl<B> Pool<B> {
    pub(super) fn new(most: usize, idle: Duration) -> Self {
        Self {
            most,
            idle,
            shelf: Mutex::new(Shelf {
                count: 0,
                subjects: HashMap::new(),
            }),
        }
    }

    /// A connection of `subject` that can carry a request.
    pub(super) async fn take(&self, subject: &str) -> Option<Connection<B>> {
        loop {
            let mut connection = self.pop(subject)?;
            if connection.sender.is_ready() {
                return Some(connection);
            }
            if connection.sender.is_closed() {
                continue;
            }
            let ready = tokio::time::timeout(SETTLE, connection.sender.ready()).await;
            if matches!(ready, Ok(Ok(()))) {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection, unless too many are kept.
    pub(super) fn put(&self, subject: &str, connection: Connection<B>) {
        let mut shelf = self.shelf();
        if shelf.count >= self.most || connection.sender.is_closed() {
            return;
        }
        shelf.count += 1;
        let waiting = Waiting {
            connection,
            since: Instant::now(),
        };
        match shelf.subjects.get_mut(subject) {
            Some(line) => line.push(waiting),
            None => {
                shelf.subjects.insert(subject.into(), vec![waiting]);
            }
        }
    }

    /// Drops connections that are closed or have waited too long.
    pub(super) fn sweep(&self) {
        let mut shelf = self.shelf();
        let mut count = 0;
        shelf.subjects.retain(|_, line| {
            line.retain(|waiting| {
                !waiting.connection.sender.is_closed() && waiting.since.elapsed() < self.idle
            });
            count += line.len();
            !line.is_empty()
        });
        shelf.count = count;
    }

    fn pop(&self, subject: &str) -> Option<Connection<B>> {
        let mut shelf = self.shelf();
        let waiting = shelf.subjects.get_mut(subject)?.pop()?;
        shelf.count -= 1;
        Some(waiting.connection)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf<B>> {
        // Nothing that holds the lock can panic half-way.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
