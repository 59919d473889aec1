//! A bounded memory of which tokens were proven, or found to be none. Nothing that depends on time is in it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Verified;
use crate::types::{ReasonCode, Refusal};

type Known = Result<Verified, Refusal>;

/// What one token turned out to be.
pub(super) struct Entry {
    /// Bytes of its text.
    bytes: usize,
    /// The key sets under which that was found out.
    epoch: u64,
    known: Known,
}

impl Entry {
    pub(super) fn new(bytes: usize, epoch: u64, known: Known) -> Self {
        Self {
            bytes,
            epoch,
            known,
        }
    }
}

/// What the last few thousand tokens turned out to be, by the hash of their text.
///
/// Two generations, bounded in entries and in bytes of text: a decoded token takes some fifteen times its
/// text, and whoever holds one can make thousands. When the young one is full it becomes the old one, and what nobody asked for since is
/// forgotten. That bounds the memory and keeps what is in use without a list of uses. Good and bad tokens
/// are kept apart, so that a flood of bad ones can't push the good ones out.
pub(super) struct Cache {
    good: Mutex<Generations>,
    bad: Mutex<Generations>,
    bound: usize,
}

#[derive(Default)]
struct Generations {
    young: HashMap<[u8; 32], Entry>,
    old: HashMap<[u8; 32], Entry>,
    young_bytes: usize,
}

impl Cache {
    pub(super) fn new(entries: usize) -> Self {
        Self {
            good: Mutex::default(),
            bad: Mutex::default(),
            bound: (entries / 4).max(1),
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let sides = [&self.good, &self.bad].into_iter();
        sides
            .map(|side| {
                let side = side.lock().unwrap_or_else(PoisonError::into_inner);
                side.young.len() + side.old.len()
            })
            .sum()
    }

    /// What is known about a token since `epoch` began.
    pub(super) fn find(&self, hash: &blake3::Hash, epoch: u64) -> Option<Known> {
        [&self.good, &self.bad].into_iter().find_map(|side| {
            let mut side = side.lock().unwrap_or_else(PoisonError::into_inner);
            side.find(hash.as_bytes(), epoch, self.bound)
        })
    }

    /// Remembers what a token turned out to be.
    pub(super) fn insert(&self, hash: blake3::Hash, entry: Entry) {
        // Passes with time, not with other keys; and it cost next to nothing to find out.
        let is_passing = |refusal: &Refusal| refusal.code == ReasonCode::IssuerKeysStale;
        if entry.known.as_ref().is_err_and(is_passing) {
            return;
        }
        let is_good = entry.known.is_ok();
        let side = if is_good { &self.good } else { &self.bad };
        let mut side = side.lock().unwrap_or_else(PoisonError::into_inner);
        side.insert(*hash.as_bytes(), entry, self.bound);
    }
}

impl Generations {
    fn find(&mut self, hash: &[u8; 32], epoch: u64, bound: usize) -> Option<Known> {
        if let Some(entry) = self.young.get(hash) {
            return (entry.epoch == epoch).then(|| entry.known.clone());
        }
        let entry = self.old.remove(hash).filter(|entry| entry.epoch == epoch)?;
        let known = entry.known.clone();
        self.insert(*hash, entry, bound);
        Some(known)
    }

    fn insert(&mut self, hash: [u8; 32], entry: Entry, bound: usize) {
        if self.young.len() >= bound || self.young_bytes >= BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += entry.bytes;
        if let Some(replaced) = self.young.insert(hash, entry) {
            self.young_bytes -= replaced.bytes;
        }
    }
}

/// Bytes of token text in one generation.
const BYTES: usize = 1024 * 1024;

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Cache, Entry};
    use crate::types::{ReasonCode, Refusal};

    #[test]
    fn forgets_what_nobody_asks_for_and_stays_bounded() {
        let cache = Cache::new(40);
        let name = |number: u32| blake3::hash(&number.to_le_bytes());
        let bad = Err(Refusal::new(ReasonCode::CapabilityInvalid));
        cache.insert(name(0), Entry::new(9, 1, bad.clone()));
        for number in 1..1000 {
            cache.insert(name(number), Entry::new(9, 1, bad.clone()));
            assert!(cache.find(&name(0), 1).is_some(), "in use after {number}");
        }
        assert!(cache.find(&name(1), 1).is_none());
        assert!(cache.find(&name(0), 2).is_none(), "found under other keys");
        let side = cache.bad.lock().unwrap();
        assert!(side.young.len() + side.old.len() <= 20);
    }

    #[test]
    fn stays_bounded_in_bytes() {
        let cache = Cache::new(1_000_000);
        let bad = Err(Refusal::new(ReasonCode::CapabilityInvalid));
        for number in 0..1000_u32 {
            let entry = Entry::new(8192, 0, bad.clone());
            cache.insert(blake3::hash(&number.to_le_bytes()), entry);
        }
        let side = cache.bad.lock().unwrap();
        assert!(side.young.len() + side.old.len() <= 256);
    }
}
