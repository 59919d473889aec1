//! Records that come at the same time go to the writer's thread together: waking it, and a look at the file before each write,
//! cost more than the line does.
//!
//! Whoever brings the first has a task started, which lets everything run that can run now, and then sends what has come by
//! then. That task is nobody's own: a client that takes nothing of its answer holds up no record of another's.

use std::future::poll_fn;
use std::mem;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::Record;
use super::writer::{AuditError, Order};
use crate::runtime::task;

pub(super) type Reply = oneshot::Sender<Result<(), AuditError>>;

/// A record on its way, whoever waits for its line, and its place in the queue.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) record: Box<Record>,
    pub(super) reply: Option<Reply>,
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

/// Records on their way to the writer's thread.
#[derive(Clone, Debug)]
pub(super) struct Gather {
    orders: Sender<Order>,
    list: Arc<Mutex<Vec<Waiting>>>,
}

impl Gather {
    pub(super) fn new(orders: Sender<Order>) -> Self {
        Self {
            orders,
            list: Arc::default(),
        }
    }

    /// Takes a record, which is sent whatever becomes of who brings it.
    pub(super) fn take(&self, waiting: Waiting) {
        let is_first = {
            let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
            list.push(waiting);
            list.len() == 1
        };
        if is_first {
            let batch = Batch(self.clone());
            if Handle::try_current().is_ok() {
                task::spawn(batch.wait());
            }
        }
    }

    /// Sends what has come so far.
    pub(super) fn send(&self) {
        let list = mem::take(&mut *self.list.lock().unwrap_or_else(PoisonError::into_inner));
        if !list.is_empty() && self.orders.send(Order::Append(list)).is_err() {
            tracing::error!("audit records came after the log was closed");
        }
    }
}

/// Sends what has come when it is dropped, in the middle of its wait, too.
#[derive(Debug)]
struct Batch(Gather);

impl Batch {
    async fn wait(self) {
        let mut has_waited = false;
        poll_fn(|cx| {
            if mem::replace(&mut has_waited, true) {
                return Poll::Ready(());
            }
            // Behind everything that is ready.
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.0.send();
    }
}
