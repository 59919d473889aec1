//! One pattern, compiled: what triggers a look at a place, and the anchored check made there.

use regex_automata::dfa::Automaton as _;
use regex_automata::dfa::dense;
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind, meta};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::fingerprint::{ByteSet, Fingerprint};
use super::gate::Gate;
use super::terms::Terms;
use super::{BuildError, BuildErrorKind, PatternId, Strength, TailKind};

/// The longest match of one pattern, in bytes; what goes on longer does so as a tail.
pub(super) const MAX_MATCH: usize = 4096;
/// How many bytes around a candidate the checks may look at.
pub(super) const CONTEXT: usize = 4;
const DFA_BYTES: usize = 1 << 20;
const NFA_BYTES: usize = 8 << 20;

/// One pattern in the form that is searched with.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) id: PatternId,
    pub(super) strength: Strength,
    pub(super) trigger: Trigger,
    pub(super) matcher: Matcher,
    /// What a match must pass to be a hit, and which part of it the hit is.
    pub(super) gate: Option<Gate>,
    pub(super) tail: Option<TailKind>,
    pub(super) max_len: usize,
    pub(super) fingerprint: Fingerprint,
}

/// Where the fingerprint fires.
#[derive(Debug)]
pub(super) enum Trigger {
    /// At the first byte of the match.
    Start,
    /// At the byte after the run of a class that the match begins with. The class doesn't hold that
    /// byte, so a match through it begins in the run right before it.
    Run {
        class: Box<ByteSet>,
        max: usize,
        rest: Box<RegexMatcher>,
    },
}

#[derive(Debug)]
pub(super) enum Matcher {
    Regex(Box<RegexMatcher>),
    Terms(Box<Terms>),
}

/// Finds the end of the match that begins at a place.
#[derive(Debug)]
pub(super) struct RegexMatcher {
    dfa: Option<dense::DFA<Vec<u32>>>,
    // For what the table can't decide: Unicode word boundaries beside non-ASCII text, or a pattern
    // too large for a table.
    full: Option<meta::Regex>,
}

impl Program {
    /// Compiles a pattern in regex syntax.
    pub(super) fn regex(
        id: PatternId,
        pattern: &str,
        is_unicode: bool,
        strength: Strength,
    ) -> Result<Self, BuildError> {
        let hir = ParserBuilder::new()
            .utf8(false)
            .unicode(is_unicode)
            .build()
            .parse(pattern)
            .map_err(|error| syntax(&error))?;
        let max_len = bounds(&hir)?;
        let matcher = RegexMatcher::new(&hir)?;
        let (trigger, fingerprint) = match run(&hir) {
            Some((class, max, rest)) => {
                let fingerprint = Fingerprint::of(&nfa(&rest)?).after(&class);
                let rest = Box::new(RegexMatcher::new(&rest)?);
                let class = Box::new(class);
                (Trigger::Run { class, max, rest }, fingerprint)
            }
            None => {
                let fingerprint = Fingerprint::of(&nfa(&hir)?);
                let is_bounded = begins_with_boundary(&hir) && fingerprint.begins_with_word();
                let fingerprint = if is_bounded {
                    fingerprint.after(&ByteSet::non_word())
                } else {
                    fingerprint
                };
                (Trigger::Start, fingerprint)
            }
        };
        Ok(Self {
            id,
            strength,
            trigger,
            matcher: Matcher::Regex(Box::new(matcher)),
            gate: None,
            tail: None,
            max_len,
            fingerprint,
        })
    }

    /// Wraps a compiled list of terms.
    pub(super) fn terms(id: PatternId, terms: Terms) -> Self {
        Self {
            id,
            strength: Strength::Certain,
            trigger: Trigger::Start,
            max_len: terms.max_len(),
            fingerprint: terms.fingerprint(),
            matcher: Matcher::Terms(Box::new(terms)),
            gate: None,
            tail: None,
        }
    }

    /// How far before its trigger a match, or what its check looks at, can begin.
    pub(super) fn back(&self) -> usize {
        let run = match self.trigger {
            Trigger::Start => 0,
            Trigger::Run { max, .. } => max,
        };
        run + self.reach()
    }

    /// How many bytes before a match its check looks at.
    pub(super) fn reach(&self) -> usize {
        self.gate.as_ref().map_or(CONTEXT, Gate::reach)
    }
}

impl RegexMatcher {
    fn new(hir: &Hir) -> Result<Self, BuildError> {
        let dfa = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .start_kind(regex_automata::dfa::StartKind::Anchored)
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
        Ok(Self { dfa, full })
    }

    /// The end of the match that begins at `start`, as leftmost-first search prefers it.
    pub(super) fn end(&self, haystack: &[u8], start: usize) -> Option<usize> {
        let input = Input::new(haystack)
            .range(start..)
            .anchored(Anchored::Yes)
            .earliest(false);
        if let Some(dfa) = &self.dfa
            && let Ok(found) = dfa.try_search_fwd(&input)
        {
            return found.map(|half| half.offset());
        }
        self.full
            .as_ref()?
            .search_half(&input)
            .map(|half| half.offset())
    }
}

fn nfa(hir: &Hir) -> Result<NFA, BuildError> {
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

fn bounds(hir: &Hir) -> Result<usize, BuildError> {
    let properties = hir.properties();
    match properties.minimum_len() {
        None => return Err(BuildErrorKind::Impossible.into()),
        Some(0) => return Err(BuildErrorKind::Empty.into()),
        Some(_) => {}
    }
    let length = properties.maximum_len().ok_or(BuildErrorKind::Unbounded)?;
    if length > MAX_MATCH {
        let limit = MAX_MATCH;
        return Err(BuildErrorKind::TooLong { length, limit }.into());
    }
    Ok(length)
}

fn syntax(error: &regex_syntax::Error) -> BuildError {
    let (offset, reason) = match error {
        regex_syntax::Error::Parse(error) => (error.span().start.offset, error.kind().to_string()),
        regex_syntax::Error::Translate(error) => {
            (error.span().start.offset, error.kind().to_string())
        }
        _ => (0, "it can't be parsed".to_owned()),
    };
    BuildErrorKind::Syntax { offset, reason }.into()
}

/// The class, the longest length, and what follows, of a pattern that begins with a run of a class
/// and goes on with a byte that the class doesn't hold.
fn run(hir: &Hir) -> Option<(ByteSet, usize, Hir)> {
    let HirKind::Concat(parts) = hir.kind() else {
        return None;
    };
    let at = parts
        .iter()
        .position(|part| !matches!(part.kind(), HirKind::Look(_)))?;
    let (_, parts) = parts.split_at_checked(at)?;
    let (first, rest) = parts.split_first()?;
    let HirKind::Repetition(repetition) = first.kind() else {
        return None;
    };
    let HirKind::Class(class) = repetition.sub.kind() else {
        return None;
    };
    let max = usize::try_from(repetition.max?).ok()?;
    let class = ascii(class)?;
    let HirKind::Literal(literal) = rest.first()?.kind() else {
        return None;
    };
    let byte = *literal.0.first()?;
    (repetition.min > 0 && !class.contains(byte)).then(|| (class, max, Hir::concat(rest.to_vec())))
}

fn ascii(class: &Class) -> Option<ByteSet> {
    let mut set = ByteSet::default();
    match class {
        Class::Bytes(class) => {
            for range in class.ranges() {
                set.add_range(range.start(), range.end());
            }
        }
        Class::Unicode(class) => {
            for range in class.ranges() {
                let (start, end) = (u32::from(range.start()), u32::from(range.end()));
                if end > 0x7f {
                    return None;
                }
                set.add_range(u8::try_from(start).ok()?, u8::try_from(end).ok()?);
            }
        }
    }
    Some(set)
}

fn begins_with_boundary(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Concat(parts) => parts.first().is_some_and(begins_with_boundary),
        HirKind::Look(look) => matches!(
            look,
            Look::WordAscii | Look::WordUnicode | Look::WordStartAscii | Look::WordStartUnicode
        ),
        _ => false,
    }
}
