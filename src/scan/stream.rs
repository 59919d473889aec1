//! Searches a haystack that arrives in pieces: the same hits at every cut.

use super::{Hit, Span};

/// One stream's search.
#[derive(Debug, Default)]
pub struct Scanner {
    fed: u64,
}

impl Scanner {
    /// Takes the next piece and reports the hits that it settles.
    pub fn feed(&mut self, chunk: &[u8], _sink: &mut dyn FnMut(Hit)) {
        self.fed += chunk.len() as u64;
    }

    /// Ends the stream and reports what was still undecided.
    pub fn finish(&mut self, _sink: &mut dyn FnMut(Hit)) {}

    /// The offset up to which everything is known: no hit that starts before it is still to come,
    /// and no reported one can still grow.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.fed
    }

    /// The hit that is certain but still grows (a PEM block, a long token), as far as it is known.
    /// Its bytes up to there will be reported as part of one hit when it ends, so they may be
    /// discarded, though not released.
    #[must_use]
    pub fn open(&self) -> Option<Span> {
        None
    }
}
