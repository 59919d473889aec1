//! A bounded memory of which tokens were proven, or found to be none. Nothing that depends on time is in it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Verified;
use crate::types::Refusal;

type Known = Result<Verified, Refusal>;

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
    young: HashMap<[u8; 32], (usize, Known)>,
    old: HashMap<[u8; 32], (usize, Known)>,
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

    pub(super) fn find(&self, hash: &blake3::Hash) -> Option<Known> {
        [&self.good, &self.bad].into_iter().find_map(|side| {
            let mut side = side.lock().unwrap_or_else(PoisonError::into_inner);
            side.find(hash.as_bytes(), self.bound)
        })
    }

    /// Remembers what a text of `bytes` bytes turned out to be.
    pub(super) fn insert(&self, hash: blake3::Hash, bytes: usize, known: Known) {
        let side = if known.is_ok() { &self.good } else { &self.bad };
        let mut side = side.lock().unwrap_or_else(PoisonError::into_inner);
        side.insert(*hash.as_bytes(), (bytes, known), self.bound);
    }
}

impl Generations {
    fn find(&mut self, hash: &[u8; 32], bound: usize) -> Option<Known> {
        if let Some((_, known)) = self.young.get(hash) {
            return Some(known.clone());
        }
        let entry = self.old.remove(hash)?;
        let known = entry.1.clone();
        self.insert(*hash, entry, bound);
        Some(known)
    }

    fn insert(&mut self, hash: [u8; 32], entry: (usize, Known), bound: usize) {
        if self.young.len() >= bound || self.young_bytes >= BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += entry.0;
        if let Some((bytes, _)) = self.young.insert(hash, entry) {
            self.young_bytes -= bytes;
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
    use super::Cache;
    use crate::types::{ReasonCode, Refusal};

    #[test]
    fn forgets_what_nobody_asks_for_and_stays_bounded() {
        let cache = Cache::new(40);
        let name = |number: u32| blake3::hash(&number.to_le_bytes());
        let bad = Err(Refusal::new(ReasonCode::CapabilityInvalid));
        cache.insert(name(0), 9, bad.clone());
        for number in 1..1000 {
            cache.insert(name(number), 9, bad.clone());
            assert!(cache.find(&name(0)).is_some(), "in use after {number}");
        }
        assert!(cache.find(&name(1)).is_none());
        let side = cache.bad.lock().unwrap();
        assert!(side.young.len() + side.old.len() <= 20);
    }

    #[test]
    fn stays_bounded_in_bytes() {
        let cache = Cache::new(1_000_000);
        let bad = Err(Refusal::new(ReasonCode::CapabilityInvalid));
        for number in 0..1000_u32 {
            cache.insert(blake3::hash(&number.to_le_bytes()), 8192, bad.clone());
        }
        let side = cache.bad.lock().unwrap();
        assert!(side.young.len() + side.old.len() <= 256);
    }
}
