//! One pattern, compiled: what triggers a look at a place, and the anchored check made there.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::fingerprint::{ByteSet, Fingerprint};
use super::gate::Gate;
use super::long_run::LongRun;
use super::matcher::{RegexMatcher, nfa};
use super::prefix::keys;
use super::sequence::{MOST, MOST_LITERAL, Sequence, sequences};
use super::terms::Terms;
use super::token;
use super::{BuildError, BuildErrorKind, PatternId, Strength, TailKind};

/// The longest match of one pattern, in bytes; what goes on longer does so as a tail.
pub(super) const MAX_MATCH: usize = 4096;
/// How many bytes around a candidate the checks may look at.
pub(super) const CONTEXT: usize = 4;

/// One pattern in the form that is searched with.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) id: PatternId,
    pub(super) strength: Strength,
    pub(super) trigger: Trigger,
    pub(super) long_run: Option<LongRun>,
    pub(super) matcher: Matcher,
    /// What a match must pass to be a hit, and which part of it the hit is.
    pub(super) gate: Option<Gate>,
    pub(super) tail: Option<TailKind>,
    pub(super) max_len: usize,
    /// How many digits each match has, where the pattern fixes it.
    pub(super) digits: Option<usize>,
    pub(super) fingerprint: Fingerprint,
    /// How far from its trigger a long run of the characters of tokens begins in each match, at most.
    pub(super) distance: Option<usize>,
    /// What a match begins with: at the first place the byte before it.
    pub(super) sequences: Vec<Sequence>,
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
        lead: Lead,
    },
}

/// What stands before the run that a pattern begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// Nothing: what the rest matches ends the match from every place of the run.
    Nothing,
    /// A boundary of ASCII words before word characters: the same, where no word goes on.
    Boundary,
    /// Anything: each place is asked.
    Other,
}

#[derive(Debug)]
pub(super) enum Matcher {
    Regex(Box<RegexMatcher>),
    Terms(Box<Terms>),
}

impl Program {
    /// Compiles a pattern in regex syntax; one that is ours, and known to compile, when it is needed first.
    pub(super) fn regex(
        id: PatternId,
        pattern: &str,
        is_ours: bool,
        strength: Strength,
    ) -> Result<Self, BuildError> {
        let matcher = |hir: &Hir| match is_ours {
            true => Ok(RegexMatcher::lazy(hir.clone())),
            false => RegexMatcher::new(hir.clone()),
        };
        let hir = ParserBuilder::new()
            .utf8(false)
            .unicode(!is_ours)
            .build()
            .parse(pattern)
            .map_err(|error| syntax(&error))?;
        let max_len = bounds(&hir)?;
        let whole = matcher(&hir)?;
        let mut begins = None;
        let (trigger, fingerprint) = match run(&hir) {
            Some(Run {
                class,
                max,
                rest,
                lead,
            }) => {
                let fingerprint = Fingerprint::of(&nfa(&rest)?).after(&class);
                let matcher = Box::new(matcher(&rest)?);
                begins = Some(rest);
                let class = Box::new(class);
                let trigger = Trigger::Run {
                    class,
                    max,
                    rest: matcher,
                    lead,
                };
                (trigger, fingerprint)
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
        let begins = begins.as_ref().unwrap_or(&hir);
        let many = after(&fingerprint, sequences(begins, MOST_LITERAL));
        let sequences = if keys(&many).is_some() {
            many
        } else {
            after(&fingerprint, sequences(begins, MOST))
        };
        Ok(Self {
            id,
            strength,
            long_run: matches!(trigger, Trigger::Start)
                .then(|| LongRun::of(&hir))
                .flatten(),
            trigger,
            matcher: Matcher::Regex(Box::new(whole)),
            gate: None,
            tail: None,
            max_len,
            digits: digits(&hir),
            distance: token::distance(begins),
            sequences,
            fingerprint,
        })
    }

    /// Wraps a compiled list of terms.
    pub(super) fn terms(id: PatternId, terms: Terms) -> Self {
        let fingerprint = terms.fingerprint();
        let beginnings = terms.beginnings().iter();
        let sequences = beginnings.flat_map(|of| after(of, vec![Sequence::of(of.places())]));
        let sequences = sequences.collect();
        Self {
            id,
            strength: Strength::Certain,
            trigger: Trigger::Start,
            long_run: None,
            max_len: terms.max_len(),
            digits: None,
            distance: None,
            sequences,
            fingerprint,
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

/// A pattern that begins with a run of a class and goes on with a byte that the class doesn't hold.
struct Run {
    class: ByteSet,
    max: usize,
    rest: Hir,
    lead: Lead,
}

fn run(hir: &Hir) -> Option<Run> {
    let HirKind::Concat(parts) = hir.kind() else {
        return None;
    };
    let at = parts
        .iter()
        .position(|part| !matches!(part.kind(), HirKind::Look(_)))?;
    let (before, parts) = parts.split_at_checked(at)?;
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
    let is_boundary = |hir: &Hir| {
        let kind = hir.kind();
        *kind == HirKind::Look(Look::WordAscii) || *kind == HirKind::Look(Look::WordStartAscii)
    };
    let lead = match before {
        [] if repetition.min == 1 => Lead::Nothing,
        [look] if repetition.min == 1 && is_boundary(look) && class.is_word() => Lead::Boundary,
        _ => Lead::Other,
    };
    (repetition.min > 0 && !class.contains(byte)).then(|| Run {
        class,
        max,
        rest: Hir::concat(rest.to_vec()),
        lead,
    })
}

/// The sequences from the byte before on, as narrow as the fingerprint.
fn after(fingerprint: &Fingerprint, all: Vec<Sequence>) -> Vec<Sequence> {
    let known = fingerprint.places();
    all.into_iter()
        .map(|sequence| {
            let mut places = vec![fingerprint.before()];
            places.extend(sequence.places);
            for (i, known) in (1..).zip(&known) {
                match places.get_mut(i) {
                    Some(place) => *place = place.and(known),
                    None => places.push(*known),
                }
            }
            Sequence::of(places)
        })
        .collect()
}

/// How many ASCII digits each match has; none when it varies.
fn digits(hir: &Hir) -> Option<usize> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(0),
        HirKind::Literal(literal) => Some(
            literal
                .0
                .iter()
                .filter(|byte| byte.is_ascii_digit())
                .count(),
        ),
        HirKind::Class(class) => {
            let class = ascii(class)?;
            let inside = (b'0'..=b'9').filter(|byte| class.contains(*byte)).count();
            match inside {
                0 => Some(0),
                _ if class.len() == inside => Some(1),
                _ => None,
            }
        }
        HirKind::Repetition(repetition) => match digits(&repetition.sub)? {
            0 => Some(0),
            count if repetition.max == Some(repetition.min) => {
                count.checked_mul(usize::try_from(repetition.min).ok()?)
            }
            _ => None,
        },
        HirKind::Capture(capture) => digits(&capture.sub),
        HirKind::Concat(parts) => parts.iter().map(digits).sum(),
        HirKind::Alternation(parts) => {
            let mut counts = parts.iter().map(digits);
            let first = counts.next()??;
            counts.all(|count| count == Some(first)).then_some(first)
        }
    }
}

/// The bytes of a class that holds ASCII alone, or bytes.
pub(super) fn ascii(class: &Class) -> Option<ByteSet> {
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
