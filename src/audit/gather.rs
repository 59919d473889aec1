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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use jiff::Timestamp;
    use tokio::runtime::Builder;

    use super::{Gather, Order, Record, Waiting, task};
    use crate::types::{DecisionId, Direction};

    fn waiting() -> Waiting {
        let id = DecisionId::random().unwrap();
        let record = Record::new(id, Timestamp::now(), Direction::Inbound, "pr-1");
        Waiting {
            record: Box::new(record),
            reply: None,
            permit: None,
        }
    }

    fn sizes(orders: &std::sync::mpsc::Receiver<Order>) -> Vec<usize> {
        let size = |order| match order {
            Order::Append(list) => list.len(),
            Order::Sync(_) => 0,
        };
        orders.try_iter().map(size).collect()
    }

    #[tokio::test]
    async fn sends_together_what_comes_in_one_turn() {
        let (send, orders) = channel();
        let gather = Gather::new(send);
        for turn in [10, 1, 3] {
            let tasks = (0..turn).map(|_| {
                let gather = gather.clone();
                task::spawn(async move { gather.take(waiting()) })
            });
            futures_util::future::join_all(tasks).await;
            while is_due(&gather) {
                tokio::task::yield_now().await;
            }
            assert_eq!(sizes(&orders), [turn]);
        }
    }

    fn is_due(gather: &Gather) -> bool {
        !gather.list.lock().unwrap().is_empty()
    }

    #[test]
    fn sends_at_once_where_nothing_runs_tasks() {
        let (send, orders) = channel();
        Gather::new(send).take(waiting());
        assert_eq!(sizes(&orders), [1]);
    }

    #[test]
    fn loses_nothing_when_the_executor_ends() {
        let (send, orders) = channel();
        let gather = Gather::new(send);
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { gather.take(waiting()) });
        gather.take(waiting());
        assert!(sizes(&orders).is_empty());
        drop(runtime);
        assert_eq!(sizes(&orders), [2]);
    }
}
