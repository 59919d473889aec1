//! What a match must begin with, place by place: a few sequences of byte classes, read off a pattern.
//! A match follows one of them; text that follows one needn't be a match.

use std::borrow::Cow;

use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::fingerprint::ByteSet;
use super::gather::{Joined, gather};
use super::plan::share_of;
use super::program::ascii;

/// The most sequences of one pattern; what would need more is cut short.
pub(super) const MOST: usize = 24;
/// The most where each of them begins with a few strings.
pub(super) const MOST_LITERAL: usize = 64;
/// The most places of one sequence. With the byte before, they fit into one word's shift.
const REACH: usize = 24;
/// Lengths of an optional part that are told apart.
const LENGTHS: u32 = 3;
/// Places that tell how much is lost when sequences are joined.
const NEAR: usize = 5;
/// Alternatives beyond this many are joined without choice.
const MANY: usize = 128;

/// The bytes that can stand at each place, from the trigger on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sequence {
    pub(super) places: Vec<ByteSet>,
    /// More of the pattern can be told after it.
    is_open: bool,
}

impl Sequence {
    fn empty() -> Self {
        Self {
            places: Vec::new(),
            is_open: true,
        }
    }

    fn one(set: ByteSet, is_open: bool) -> Self {
        Self {
            places: vec![set],
            is_open,
        }
    }

    /// A sequence of these places.
    pub(super) fn of(places: Vec<ByteSet>) -> Self {
        Self {
            places,
            is_open: false,
        }
    }

    fn then(&self, next: &Self) -> Self {
        let mut places = self.places.clone();
        places.extend_from_slice(&next.places);
        let is_open = next.is_open && places.len() <= REACH;
        places.truncate(REACH);
        Self { places, is_open }
    }
}

/// The sequences that the matches of `hir` begin with, at `most` so many.
pub(super) fn sequences(hir: &Hir, most: usize) -> Vec<Sequence> {
    let (body, after) = bounded(hir);
    let mut found = expand(&body, most);
    if let Some(after) = after {
        for sequence in &mut found {
            let last = sequence.places.last();
            let is_bounded = sequence.is_open && last.is_some_and(ByteSet::is_word);
            if is_bounded && sequence.places.len() < REACH {
                sequence.places.push(after);
            }
        }
    }
    found
}

/// The pattern without the boundary that it ends with, and which bytes can stand behind a word
/// character there: `\b`, or `(?:\b|_)` of what may be joined to a longer name.
fn bounded(hir: &Hir) -> (Cow<'_, Hir>, Option<ByteSet>) {
    let whole = Cow::Borrowed(hir);
    let HirKind::Concat(parts) = hir.kind() else {
        return (whole, None);
    };
    let Some((last, body)) = parts.split_last() else {
        return (whole, None);
    };
    match last.kind() {
        HirKind::Alternation(ways) if is_joint(ways) => {
            let mut after = ByteSet::non_word();
            after.add(b'_');
            (Cow::Owned(Hir::concat(body.to_vec())), Some(after))
        }
        _ => {
            let is_bounded = ends_with_boundary(hir);
            (whole, is_bounded.then(ByteSet::non_word))
        }
    }
}

/// The alternatives of `(?:\b|_)`.
fn is_joint(ways: &[Hir]) -> bool {
    let [boundary, joint] = ways else {
        return false;
    };
    let is_underscore = matches!(joint.kind(), HirKind::Literal(literal) if *literal.0 == *b"_");
    is_underscore && ends_with_boundary(boundary)
}

fn expand(hir: &Hir, most: usize) -> Vec<Sequence> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![Sequence::empty()],
        HirKind::Literal(literal) => {
            let mut sequence = Sequence::empty();
            for byte in &literal.0 {
                let mut set = ByteSet::default();
                set.add(*byte);
                sequence = sequence.then(&Sequence::one(set, true));
            }
            vec![sequence]
        }
        HirKind::Class(class) => vec![of_class(class)],
        HirKind::Repetition(repetition) => {
            let part = expand(&repetition.sub, most);
            let mut found = vec![Sequence::empty()];
            for _ in 0..repetition.min {
                found = cross(found, &part, most);
                if !found.iter().any(|sequence| sequence.is_open) {
                    return found;
                }
            }
            match repetition.max {
                Some(max) if max == repetition.min => return found,
                Some(max) if max - repetition.min <= LENGTHS => {
                    let (mut all, mut longer) = (found.clone(), found.clone());
                    for _ in repetition.min..max {
                        longer = cross(longer, &part, most);
                        all.extend(longer.iter().cloned());
                    }
                    all.dedup();
                    if all.len() <= most {
                        return all;
                    }
                }
                _ => {}
            }
            closed(found)
        }
        HirKind::Capture(capture) => expand(&capture.sub, most),
        HirKind::Concat(parts) => parts.iter().fold(vec![Sequence::empty()], |found, part| {
            if found.iter().any(|sequence| sequence.is_open) {
                cross(found, &expand(part, most), most)
            } else {
                found
            }
        }),
        HirKind::Alternation(parts) => merged(
            parts.iter().flat_map(|part| expand(part, most)).collect(),
            most,
        ),
    }
}

/// Each open sequence of `found`, gone on with each of `next`.
fn cross(found: Vec<Sequence>, next: &[Sequence], most: usize) -> Vec<Sequence> {
    let mut all = Vec::new();
    for sequence in &found {
        if sequence.is_open {
            all.extend(next.iter().map(|next| sequence.then(next)));
        } else {
            all.push(sequence.clone());
        }
    }
    if all.len() > most { closed(found) } else { all }
}

fn closed(mut found: Vec<Sequence>) -> Vec<Sequence> {
    for sequence in &mut found {
        sequence.is_open = false;
    }
    found
}

/// Sequences of digits of one length become one: the automaton tells them apart.
fn merged(all: Vec<Sequence>, most: usize) -> Vec<Sequence> {
    let mut kept: Vec<Sequence> = Vec::new();
    let is_numeric = |sequence: &Sequence| {
        let digits = |set: &ByteSet| (0..=255_u8).all(|b| !set.contains(b) || b.is_ascii_digit());
        sequence.places.iter().all(digits)
    };
    for sequence in all {
        let same = kept.iter_mut().find(|other| {
            other.places.len() == sequence.places.len()
                && other.is_open == sequence.is_open
                && is_numeric(other)
                && is_numeric(&sequence)
        });
        match same {
            Some(other) => join(other, &sequence),
            None => kept.push(sequence),
        }
    }
    if kept.len() <= MANY {
        return gather(kept, most, f64::NEG_INFINITY);
    }
    let Some((first, others)) = kept.split_first() else {
        return kept;
    };
    vec![
        others
            .iter()
            .fold(first.clone(), |all, one| all.joined(one)),
    ]
}

impl Joined for Sequence {
    fn joined(&self, other: &Self) -> Self {
        let mut places = self.places.clone();
        places.truncate(other.places.len());
        for (set, more) in places.iter_mut().zip(&other.places) {
            set.join(more);
        }
        Self::of(places)
    }

    fn rate(&self) -> f64 {
        self.places.iter().take(NEAR).map(share_of).product()
    }
}

fn join(into: &mut Sequence, other: &Sequence) {
    for (set, more) in into.places.iter_mut().zip(&other.places) {
        set.join(more);
    }
}

fn of_class(class: &Class) -> Sequence {
    if let Some(set) = ascii(class) {
        return Sequence::one(set, true);
    }
    // What is beyond ASCII takes several bytes, the first of which isn't ASCII.
    let mut set = ByteSet::default();
    set.add_range(0x80, 0xff);
    if let Class::Unicode(class) = class {
        for c in '\0'..='\x7f' {
            let mut ranges = class.ranges().iter();
            if ranges.any(|range| (range.start()..=range.end()).contains(&c)) {
                set.add(u8::try_from(c).unwrap_or_default());
            }
        }
    }
    Sequence::one(set, false)
}

fn ends_with_boundary(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Concat(parts) => parts.last().is_some_and(ends_with_boundary),
        HirKind::Look(look) => matches!(
            look,
            Look::WordAscii | Look::WordUnicode | Look::WordEndAscii | Look::WordEndUnicode
        ),
        _ => false,
    }
}
