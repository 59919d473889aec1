//! The one thread that writes the log: batches of whole lines, sequence numbers, health.
//!
//! Whoever appends waits until the line has been handed to the kernel. After a failed write the
//! writer is unhealthy: appends fail at once, and the thread tries to open and probe the sink
//! until it can be written again. The disk is synced on [`Writer::flush`] and at the end, not for
//! each record: a crash of the machine (not of the process) may lose the last moments.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use super::Record;
use super::file::Opened;
use super::gather::{Gather, Reply, Waiting};

/// The most bytes of one batch; a batch ends after the line that reaches it.
const BATCH: usize = 256 << 10;

/// Where the log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sink {
    /// A file that is appended to, made with mode 0600.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

/// How the log is written.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it goes.
    pub sink: Sink,
    /// Records that may wait for the thread before appenders wait, too.
    pub queue: usize,
    /// How often an unwritable sink is tried again.
    pub retry: Duration,
}

impl Settings {
    /// The log in `sink`, with 1,024 waiting records and a try each second.
    #[must_use]
    pub fn new(sink: Sink) -> Self {
        Self {
            sink,
            queue: 1024,
            retry: Duration::from_secs(1),
        }
    }
}

/// Why a record is not in the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuditError {
    /// The writer has ended.
    #[error("the audit log is closed")]
    Closed,
    /// The record can't be put into words.
    #[error("the audit record can't be encoded")]
    Encode(#[source] Arc<serde_json::Error>),
    /// The thread can't be started.
    #[error("the audit writer can't be started")]
    Start(#[source] Arc<io::Error>),
    /// The last attempt to write failed and no later one has succeeded.
    #[error("the audit log can't be written")]
    Unavailable,
    /// This write failed.
    #[error("the audit log can't be written")]
    Write(#[source] Arc<io::Error>),
}

/// A handle on the log; clones share one thread, which ends when the last is dropped.
#[derive(Clone, Debug)]
pub struct Writer {
    orders: Sender<Order>,
    gather: Gather,
    room: Arc<Semaphore>,
    is_healthy: Arc<AtomicBool>,
}

/// What the thread is asked for.
#[derive(Debug)]
pub(super) enum Order {
    Append(Vec<Waiting>),
    Sync(Reply),
}

impl Writer {
    /// Starts the thread and opens the sink. A sink that can't be opened leaves the writer
    /// unhealthy and is tried again, so that a volume that comes late does no harm.
    ///
    /// # Errors
    /// Fails when the thread can't be started.
    pub fn open(settings: Settings) -> Result<Self, AuditError> {
        let (orders, inbox) = channel();
        let is_healthy = Arc::new(AtomicBool::new(false));
        let room = Arc::new(Semaphore::new(settings.queue.max(1)));
        let mut desk = Desk {
            settings,
            is_healthy: Arc::clone(&is_healthy),
            opened: None,
            sequence: 0,
            failed: false,
        };
        desk.recover();
        thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || desk.run(&inbox))
            .map_err(|error| AuditError::Start(Arc::new(error)))?;
        Ok(Self {
            gather: Gather::new(orders.clone()),
            orders,
            room,
            is_healthy,
        })
    }

    /// Whether the log could be written when it last was. Requests are refused while it can't.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.is_healthy.load(Ordering::Acquire)
    }

    /// Appends `record` and waits until its line is written. The line is also written when the
    /// caller stops waiting.
    ///
    /// # Errors
    /// Fails when the record is not in the log.
    pub async fn append(&self, record: Record) -> Result<(), AuditError> {
        if !self.is_healthy() {
            return Err(AuditError::Unavailable);
        }
        let room = Arc::clone(&self.room);
        let permit = room
            .acquire_owned()
            .await
            .map_err(|_closed| AuditError::Closed)?;
        let (reply, answer) = oneshot::channel();
        self.gather.take(Waiting {
            record: Box::new(record),
            reply: Some(reply),
            permit: Some(permit),
        });
        answer.await.unwrap_or(Err(AuditError::Closed))
    }

    /// Appends `record` without waiting, for exchanges that end by being dropped. It is not
    /// bounded by the queue: an exchange ends once.
    pub fn append_detached(&self, record: Record) {
        self.gather.take(Waiting {
            record: Box::new(record),
            reply: None,
            permit: None,
        });
    }

    /// Waits until everything appended so far is on the disk.
    ///
    /// # Errors
    /// Fails when the log can't be written or synced.
    pub async fn flush(&self) -> Result<(), AuditError> {
        let (reply, answer) = oneshot::channel();
        self.gather.send();
        self.orders
            .send(Order::Sync(reply))
            .map_err(|_ended| AuditError::Closed)?;
        answer.await.unwrap_or(Err(AuditError::Closed))
    }
}

/// The thread's own state.
struct Desk {
    settings: Settings,
    is_healthy: Arc<AtomicBool>,
    opened: Option<Opened>,
    sequence: u64,
    /// The last attempt failed, and that has been logged.
    failed: bool,
}

impl Desk {
    fn run(mut self, inbox: &Receiver<Order>) {
        loop {
            let order = match inbox.recv_timeout(self.settings.retry) {
                Ok(order) => order,
                Err(RecvTimeoutError::Timeout) => {
                    if !self.is_healthy.load(Ordering::Acquire) {
                        self.recover();
                    }
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            self.take(order, inbox);
        }
        if let Err(error) = self.sync() {
            tracing::error!(%error, "the audit log could not be synced at the end");
        }
    }

    /// Takes `order` and whatever else waits, writes their lines at once and answers each.
    fn take(&mut self, order: Order, inbox: &Receiver<Order>) {
        let mut lines = Vec::new();
        let mut waiting = Vec::new();
        let before = self.sequence;
        let mut next = Some(order);
        let mut sync = None;
        while let Some(order) = next {
            match order {
                Order::Append(batch) => {
                    for mut one in batch {
                        match one.record.write_line(self.sequence + 1, &mut lines) {
                            Ok(()) => {
                                self.sequence += 1;
                                waiting.push((one.reply, one.permit));
                            }
                            Err(error) => {
                                answer(one.reply, Err(AuditError::Encode(Arc::new(error))));
                            }
                        }
                    }
                }
                Order::Sync(reply) => {
                    sync = Some(reply);
                    break;
                }
            }
            next = (lines.len() < BATCH)
                .then(|| inbox.try_recv().ok())
                .flatten();
        }
        let outcome = self.write(&lines);
        if outcome.is_err() {
            self.sequence = before;
        }
        for (reply, permit) in waiting {
            answer(reply, outcome.clone());
            drop(permit);
        }
        if let Some(reply) = sync {
            answer(Some(reply), self.sync());
        }
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), AuditError> {
        if lines.is_empty() {
            return Ok(());
        }
        if !self.is_healthy.load(Ordering::Acquire) {
            return Err(AuditError::Unavailable);
        }
        let Some(opened) = &mut self.opened else {
            return Err(AuditError::Unavailable);
        };
        opened.write(lines).map_err(|error| self.fail(error))
    }

    fn sync(&mut self) -> Result<(), AuditError> {
        match &mut self.opened {
            Some(opened) => opened.sync().map_err(|error| self.fail(error)),
            None => Err(AuditError::Unavailable),
        }
    }

    fn fail(&mut self, error: io::Error) -> AuditError {
        if !self.failed {
            tracing::error!(%error, "the audit log can't be written: requests are refused");
        }
        self.failed = true;
        self.is_healthy.store(false, Ordering::Release);
        AuditError::Write(Arc::new(error))
    }

    /// Opens the sink anew and probes it.
    fn recover(&mut self) {
        match self.reopen() {
            Ok(()) => {
                if self.failed {
                    tracing::warn!("the audit log can be written again");
                }
                self.failed = false;
                self.is_healthy.store(true, Ordering::Release);
            }
            Err(error) => {
                self.fail(error);
            }
        }
    }

    fn reopen(&mut self) -> io::Result<()> {
        let mut opened = match (&self.settings.sink, self.opened.take()) {
            (Sink::Stdout, Some(opened)) => opened,
            (Sink::Stdout, None) => {
                // Nothing has failed yet, and an empty line would be the first thing to be seen.
                self.opened = Some(Opened::stdout());
                return Ok(());
            }
            (Sink::File(path), old) => {
                // The old handle's lock must be gone before the file is locked again.
                drop(old);
                let (opened, last) = Opened::file(path)?;
                self.sequence = self.sequence.max(last.unwrap_or(0));
                opened
            }
        };
        let probed = opened.probe();
        self.opened = Some(opened);
        probed
    }
}

fn answer(reply: Option<Reply>, outcome: Result<(), AuditError>) {
    if let Some(reply) = reply {
        // An appender that stopped waiting does not need to know.
        reply.send(outcome).ok();
    }
}
