//! The patterns that are looked for together.

use super::fold::is_word;
use super::gate::{Gate, Words};
use super::program::Program;
use super::terms::{FEW, Terms};
use super::{Automaton, BuildError, BuildErrorKind, Detector, Dictionary, PatternId, Strength};

/// Collects patterns; [`PatternSet::build`] makes the automaton that finds them all in one pass.
///
/// A pattern that is refused takes no id, and leaves the set as it was.
#[derive(Debug, Default)]
pub struct PatternSet {
    programs: Vec<Program>,
    dictionaries: Vec<(PatternId, Dictionary)>,
    next: u32,
}

impl PatternSet {
    /// A set without patterns.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many patterns it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.next as usize
    }

    /// It holds no pattern.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.next == 0
    }

    /// Adds a detector of a pack. Its patterns share one id and are searched each on its own.
    ///
    /// # Errors
    /// Fails as [`PatternSet::regex`] does, when the validator has no known name, and when the
    /// context has no word or reaches too far.
    pub fn detector(&mut self, detector: &Detector) -> Result<PatternId, BuildError> {
        let id = PatternId::new(self.next);
        let words = Words::of(detector)?;
        let programs = detector.forms().map(|(pattern, is_weak)| {
            let program = Program::regex(id, pattern, true, detector.strength)?;
            Ok(Program {
                gate: Gate::new(detector, pattern, words.as_ref(), is_weak)?,
                tail: detector.continues,
                ..program
            })
        });
        let programs = programs.collect::<Result<Vec<_>, BuildError>>()?;
        self.claim(programs)
    }

    /// Adds a pattern in Rust regex syntax, over bytes: `find_iter`'s leftmost matches.
    ///
    /// ```
    /// use chaperone::scan::{BuildErrorKind, PatternSet};
    ///
    /// let mut set = PatternSet::new();
    /// assert!(set.regex(r"\bEMP-[0-9]{6}\b").is_ok());
    /// let error = set.regex("EMP-[0-9]+").unwrap_err();
    /// assert_eq!(error.kind(), &BuildErrorKind::Unbounded);
    /// assert!(error.remedy().contains("{1,64}"));
    /// ```
    ///
    /// # Errors
    /// Fails when it isn't regex syntax, can match the empty string, or has no finite (or too great
    /// a) longest match.
    pub fn regex(&mut self, pattern: &str) -> Result<PatternId, BuildError> {
        let id = PatternId::new(self.next);
        let program = Program::regex(id, pattern, false, Strength::Likely)?;
        self.claim(vec![program])
    }

    /// Adds a list of terms under one id: case-insensitive, word-bounded, every occurrence of every
    /// term reported. An empty list is found nowhere.
    ///
    /// # Errors
    /// Fails when a term is empty or too long, or the list too large.
    pub fn terms<'t>(
        &mut self,
        terms: impl IntoIterator<Item = &'t str>,
    ) -> Result<PatternId, BuildError> {
        let terms: Vec<&str> = terms.into_iter().collect();
        let id = PatternId::new(self.next);
        if terms.len() <= FEW {
            return self.claim(vec![Program::terms(id, Terms::new(terms)?)]);
        }
        // A dictionary files its entries by their words.
        let (filed, wordless): (Vec<&str>, Vec<&str>) = terms
            .into_iter()
            .partition(|term| term.chars().any(is_word));
        let dictionary = Dictionary::build(filed)?;
        let programs = match wordless.as_slice() {
            [] => Vec::new(),
            _ => vec![Program::terms(id, Terms::new(wordless)?)],
        };
        let id = self.claim(programs)?;
        self.dictionaries.push((id, dictionary));
        Ok(id)
    }

    /// Adds a compiled list of terms, found as [`PatternSet::terms`] finds them.
    ///
    /// # Errors
    /// Fails when there are too many patterns.
    pub fn dictionary(&mut self, dictionary: Dictionary) -> Result<PatternId, BuildError> {
        let id = self.claim(Vec::new())?;
        self.dictionaries.push((id, dictionary));
        Ok(id)
    }

    /// Compiles the set.
    ///
    /// # Errors
    /// Fails when the whole is too large.
    pub fn build(self) -> Result<Automaton, BuildError> {
        Ok(Automaton::new(self.programs, self.dictionaries))
    }

    fn claim(&mut self, programs: Vec<Program>) -> Result<PatternId, BuildError> {
        let id = PatternId::new(self.next);
        self.next = self.next.checked_add(1).ok_or(BuildErrorKind::TooLarge)?;
        self.programs.extend(programs);
        Ok(id)
    }
}
