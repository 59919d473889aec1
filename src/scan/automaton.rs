//! Finds every pattern of a set in one pass.

use super::{Hit, Scanner};

/// A compiled [`PatternSet`](super::PatternSet): cheap to clone, shared between threads.
#[derive(Clone, Debug, Default)]
pub struct Automaton {}

impl Automaton {
    /// Reports every hit in `haystack`, in no particular order.
    pub fn find(&self, _haystack: &[u8], _sink: &mut dyn FnMut(Hit)) {}

    /// Searches a haystack that arrives in pieces.
    #[must_use]
    pub fn scanner(&self) -> Scanner {
        Scanner::default()
    }

    /// The most bytes of a stream that stay undecided at a time.
    #[must_use]
    pub fn max_len(&self) -> usize {
        0
    }
}
