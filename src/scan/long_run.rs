//! A cheap check for patterns that go on with a long run of a class: where the run ends is measured
//! once for all the places in it, so that text full of beginnings costs no more than any other.

use regex_syntax::hir::{Hir, HirKind};

use super::fingerprint::ByteSet;
use super::program::ascii;

/// Runs that can be shorter than this are left to the automaton.
const LONG: usize = 32;

/// Every match begins with `skip` bytes, goes on with a run of `class` of `min` to `max` bytes, and
/// then with `next`, which `class` doesn't hold: so the run goes to where the class ends.
#[derive(Debug)]
pub(super) struct LongRun {
    skip: usize,
    class: ByteSet,
    min: usize,
    max: usize,
    next: u8,
}

/// A stretch that is known to be of the class, in offsets of the whole haystack.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stretch {
    start: u64,
    end: u64,
}

impl LongRun {
    /// The check of a pattern, when it has such a shape.
    pub(super) fn of(hir: &Hir) -> Option<Self> {
        let HirKind::Concat(parts) = hir.kind() else {
            return None;
        };
        let mut skip = 0;
        let mut parts = parts.iter();
        let repetition = loop {
            let part = parts.next()?;
            let properties = part.properties();
            match part.kind() {
                HirKind::Repetition(found) if found.max.is_some_and(|max| max as usize >= LONG) => {
                    break found;
                }
                _ if properties.minimum_len() == properties.maximum_len() => {
                    skip += properties.minimum_len()?;
                }
                _ => return None,
            }
        };
        let HirKind::Class(class) = repetition.sub.kind() else {
            return None;
        };
        let class = ascii(class)?;
        let HirKind::Literal(literal) = parts.next()?.kind() else {
            return None;
        };
        let next = *literal.0.first()?;
        (!class.contains(next)).then_some(Self {
            skip,
            class,
            min: usize::try_from(repetition.min).ok()?,
            max: usize::try_from(repetition.max?).ok()?,
            next,
        })
    }

    /// False when no match begins at `start`. `known` is what was measured at places before.
    pub(super) fn admits(
        &self,
        bytes: &[u8],
        base: u64,
        start: usize,
        known: &mut Stretch,
    ) -> bool {
        let from = start + self.skip;
        let absolute = base + from as u64;
        let measured = if (known.start..known.end).contains(&absolute) {
            usize::try_from(known.end - absolute).unwrap_or(0)
        } else {
            known.start = absolute;
            0
        };
        let Some(rest) = bytes.get(from..) else {
            return false;
        };
        let more = rest
            .iter()
            .skip(measured)
            .take((self.max + 1).saturating_sub(measured))
            .take_while(|byte| self.class.contains(**byte));
        let length = measured + more.count();
        known.end = absolute + length as u64;
        (self.min..=self.max).contains(&length) && rest.get(length) == Some(&self.next)
    }
}
