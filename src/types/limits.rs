//! A shared bound on the bytes that all exchanges hold back at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that may be held in memory by all exchanges together; clones share one account.
#[derive(Clone, Debug)]
pub struct Budget {
    total: usize,
    used: Arc<AtomicUsize>,
}

impl Budget {
    /// An account of `total` bytes.
    #[must_use]
    pub fn new(total: usize) -> Self {
        Self {
            total,
            used: Arc::new(AtomicUsize::new(0)),
        }
    }

    /// An empty reservation on this account; it grows with what its owner holds.
    #[must_use]
    pub fn reserve(&self) -> Reservation {
        Reservation {
            budget: self.clone(),
            held: 0,
        }
    }

    /// Bytes reserved right now.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// One owner's share of a [`Budget`]; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    held: usize,
}

impl Reservation {
    /// Makes this share `bytes` large; false, and nothing changed, when the account can't cover it.
    #[must_use]
    pub fn resize(&mut self, bytes: usize) -> bool {
        if bytes > self.held {
            let more = bytes - self.held;
            let granted =
                self.budget
                    .used
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                        used.checked_add(more)
                            .filter(|sum| *sum <= self.budget.total)
                    });
            if granted.is_err() {
                return false;
            }
        } else {
            self.budget
                .used
                .fetch_sub(self.held - bytes, Ordering::Relaxed);
        }
        self.held = bytes;
        true
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;

    #[test]
    fn shares_one_account_and_gives_back() {
        let budget = Budget::new(10);
        let mut first = budget.reserve();
        let mut second = budget.clone().reserve();
        assert!(first.resize(6));
        assert!(!second.resize(5));
        assert_eq!(budget.used(), 6);
        assert!(first.resize(2));
        assert!(second.resize(8));
        drop(first);
        assert_eq!(budget.used(), 8);
        drop(second);
        assert_eq!(budget.used(), 0);
    }
}
