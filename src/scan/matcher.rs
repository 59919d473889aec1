//! Finds where the match that begins at a place ends: a dense table, walked byte by byte, which is made
//! when it is needed first. Most patterns never are.

use std::sync::OnceLock;

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, Input, MatchKind, meta};
use regex_syntax::hir::Hir;

use super::{BuildError, BuildErrorKind};

const DFA_BYTES: usize = 1 << 20;
const NFA_BYTES: usize = 8 << 20;

/// Finds the end of the match that begins at a place.
#[derive(Debug)]
pub(super) struct RegexMatcher {
    hir: Hir,
    /// None where the pattern turned out to be too large.
    compiled: OnceLock<Option<Compiled>>,
}

#[derive(Debug)]
struct Compiled {
    table: Option<Table>,
    // For what the table can't decide: Unicode word boundaries beside non-ASCII text, or a pattern
    // too large for a table.
    full: Option<meta::Regex>,
}

#[derive(Debug)]
struct Table {
    dfa: dense::DFA<Vec<u32>>,
    // The start state at the beginning, and after each byte; none where the table can't decide.
    begin: Option<StateID>,
    after: Box<[Option<StateID>; 256]>,
}

/// The table doesn't know.
struct Undecided;

impl RegexMatcher {
    /// A matcher that is compiled now, for patterns that someone else wrote.
    pub(super) fn new(hir: Hir) -> Result<Self, BuildError> {
        let compiled = OnceLock::from(Some(Compiled::new(&hir)?));
        Ok(Self { hir, compiled })
    }

    /// A matcher that is compiled when it is needed.
    pub(super) const fn lazy(hir: Hir) -> Self {
        Self {
            hir,
            compiled: OnceLock::new(),
        }
    }

    /// The end of the match that begins at `start`, as leftmost-first search prefers it.
    pub(super) fn end(&self, haystack: &[u8], start: usize) -> Option<usize> {
        let compiled = || Compiled::new(&self.hir).ok();
        match self.compiled.get_or_init(compiled) {
            Some(compiled) => compiled.end(haystack, start),
            // Closed: what may match does, as far as it may reach.
            None => {
                let most = self.hir.properties().maximum_len();
                let end = most.and_then(|most| start.checked_add(most));
                Some(end.map_or(haystack.len(), |end| haystack.len().min(end)))
            }
        }
    }
}

impl Compiled {
    fn new(hir: &Hir) -> Result<Self, BuildError> {
        let dfa = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .start_kind(StartKind::Anchored)
                    .match_kind(MatchKind::LeftmostFirst)
                    .accelerate(false)
                    .unicode_word_boundary(true)
                    .dfa_size_limit(Some(DFA_BYTES))
                    .determinize_size_limit(Some(4 * DFA_BYTES)),
            )
            .build_from_nfa(&nfa(hir)?)
            .ok();
        let is_complete = dfa.is_some() && !hir.properties().look_set().contains_word_unicode();
        let full = if is_complete {
            None
        } else {
            let config = meta::Config::new()
                .utf8_empty(false)
                // The slower engines report a match's end through its slots.
                .which_captures(WhichCaptures::Implicit)
                .nfa_size_limit(Some(NFA_BYTES));
            let regex = meta::Builder::new().configure(config).build_from_hir(hir);
            Some(regex.map_err(|_| BuildErrorKind::TooLarge)?)
        };
        let table = dfa.map(Table::new);
        Ok(Self { table, full })
    }

    fn end(&self, haystack: &[u8], start: usize) -> Option<usize> {
        if let Some(table) = &self.table
            && let Ok(end) = table.end(haystack, start)
        {
            return end;
        }
        let input = Input::new(haystack)
            .range(start..)
            .anchored(Anchored::Yes)
            .earliest(false);
        self.full
            .as_ref()?
            .search_half(&input)
            .map(|half| half.offset())
    }
}

impl Table {
    fn new(dfa: dense::DFA<Vec<u32>>) -> Self {
        let state = |before| {
            let config = start::Config::new()
                .anchored(Anchored::Yes)
                .look_behind(before);
            dfa.start_state(&config).ok()
        };
        let mut after = Box::new([None; 256]);
        for (byte, start) in (0..=255_u8).zip(after.iter_mut()) {
            *start = state(Some(byte));
        }
        Self {
            begin: state(None),
            after,
            dfa,
        }
    }

    fn end(&self, haystack: &[u8], start: usize) -> Result<Option<usize>, Undecided> {
        let before = start.checked_sub(1).and_then(|at| haystack.get(at));
        let state = match before {
            Some(byte) => self.after.get(usize::from(*byte)).copied().flatten(),
            None => self.begin,
        };
        let mut state = state.ok_or(Undecided)?;
        let mut end = None;
        for (at, byte) in (start..).zip(haystack.get(start..).unwrap_or_default()) {
            state = self.dfa.next_state(state, *byte);
            if self.dfa.is_special_state(state) {
                if self.dfa.is_match_state(state) {
                    // A match is known one byte after its end.
                    end = Some(at);
                } else if self.dfa.is_dead_state(state) {
                    return Ok(end);
                } else if self.dfa.is_quit_state(state) {
                    return Err(Undecided);
                }
            }
        }
        state = self.dfa.next_eoi_state(state);
        if self.dfa.is_match_state(state) {
            end = Some(haystack.len());
        }
        Ok(end)
    }
}

/// The automaton behind a pattern.
pub(super) fn nfa(hir: &Hir) -> Result<NFA, BuildError> {
    thompson::Compiler::new()
        .configure(
            thompson::Config::new()
                .utf8(false)
                .which_captures(WhichCaptures::None)
                .nfa_size_limit(Some(NFA_BYTES)),
        )
        .build_from_hir(hir)
        .map_err(|_| BuildErrorKind::TooLarge.into())
}
