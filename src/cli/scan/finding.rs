//! What is reported: hits without what they repeat, with their places.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::cli::scan::lines::Position;
use crate::scan::{Hit, Span, Strength};

/// One place that something was found at. Never the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// The index of the detector among those that were asked for.
    pub(super) detector: usize,
    pub(super) span: Span,
    pub(super) position: Position,
    pub(super) strength: Strength,
}

impl Finding {
    pub(super) fn new(hit: Hit, position: Position) -> Self {
        Self {
            detector: hit.pattern.index(),
            span: hit.span,
            position,
            strength: hit.strength,
        }
    }

    /// What repeats nothing stands in a longer finding of another detector that is at least as strong.
    fn repeats(&self, outer: &Self) -> bool {
        outer.detector != self.detector
            && outer.span.start <= self.span.start
            && self.span.end <= outer.span.end
            && outer.span.len() > self.span.len()
            && outer.strength >= self.strength
    }
}

/// The word for a strength in every format.
pub(super) fn word(strength: Strength) -> &'static str {
    match strength {
        Strength::Weak => "weak",
        Strength::Likely => "likely",
        Strength::Certain => "certain",
    }
}

/// Moves what lies before `settled` from `pending` to `reported`: in order, overlapping hits of one
/// detector as one, without what repeats others. `is_list` tells lists of terms: these are always
/// reported, as a policy's dictionaries are.
pub(super) fn settle(
    pending: &mut Vec<Finding>,
    settled: u64,
    is_list: impl Fn(usize) -> bool,
    reported: &mut Vec<Finding>,
) {
    pending.sort_unstable_by_key(|one| (one.span.start, Reverse(one.span.end), one.detector));
    let mut done = 0;
    let mut rest = pending.as_slice();
    while let Some(cluster) = first_cluster(rest, settled) {
        report(cluster, &is_list, reported);
        done += cluster.len();
        rest = rest.get(cluster.len()..).unwrap_or_default();
    }
    pending.drain(..done);
}

/// The first findings that overlap each other, if no other can join them any more.
fn first_cluster(sorted: &[Finding], settled: u64) -> Option<&[Finding]> {
    let mut end = sorted.first()?.span.end;
    let mut length = 1;
    for one in sorted.get(1..)? {
        if one.span.start >= end {
            break;
        }
        end = end.max(one.span.end);
        length += 1;
    }
    sorted.get(..length).filter(|_| end <= settled)
}

fn report(cluster: &[Finding], is_list: impl Fn(usize) -> bool, reported: &mut Vec<Finding>) {
    let mut merged: Vec<Finding> = Vec::with_capacity(cluster.len());
    let mut last: BTreeMap<usize, usize> = BTreeMap::new();
    for one in cluster {
        let before = last.get(&one.detector).copied();
        match before.and_then(|index| merged.get_mut(index)) {
            Some(before) if one.span.start < before.span.end => {
                before.span.end = before.span.end.max(one.span.end);
                before.strength = before.strength.max(one.strength);
            }
            _ => {
                last.insert(one.detector, merged.len());
                merged.push(*one);
            }
        }
    }
    // Merging lengthens.
    merged.sort_unstable_by_key(|one| (one.span.start, Reverse(one.span.end), one.detector));
    // INVARIANT: at most one finding a detector, so the search stays linear in the findings.
    let mut around: Vec<Finding> = Vec::new();
    for one in merged {
        around.retain(|outer| outer.span.end > one.span.start);
        if is_list(one.detector) || !around.iter().any(|outer| one.repeats(outer)) {
            reported.push(one);
        }
        around.push(one);
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, settle};
    use crate::cli::scan::lines::Position;
    use crate::scan::{Span, Strength};

    fn one(detector: usize, start: u64, end: u64, strength: Strength) -> Finding {
        Finding {
            detector,
            span: Span::new(start, end),
            position: Position { line: 1, column: 1 },
            strength,
        }
    }

    fn settled(mut pending: Vec<Finding>, list: usize) -> Vec<(usize, u64, u64)> {
        let mut reported = Vec::new();
        settle(&mut pending, u64::MAX, |of| of == list, &mut reported);
        assert!(pending.is_empty());
        let plain = |one: &Finding| (one.detector, one.span.start, one.span.end);
        reported.iter().map(plain).collect()
    }

    #[test]
    fn leaves_out_what_a_longer_finding_tells() {
        use Strength::{Certain, Likely, Weak};
        let inner = one(0, 4, 8, Likely);
        assert_eq!(settled(vec![inner, one(1, 0, 9, Likely)], 9), [(1, 0, 9)]);
        assert_eq!(settled(vec![inner, one(1, 0, 9, Certain)], 9), [(1, 0, 9)]);
        let both = [(1, 0, 9), (0, 4, 8)];
        assert_eq!(settled(vec![inner, one(1, 0, 9, Weak)], 9), both);
        assert_eq!(settled(vec![inner, one(1, 0, 9, Certain)], 0), both);
        let same = [(0, 4, 8), (1, 4, 8)];
        assert_eq!(settled(vec![one(1, 4, 8, Certain), inner], 9), same);
        let partly = [(0, 4, 8), (1, 6, 9)];
        assert_eq!(settled(vec![inner, one(1, 6, 9, Certain)], 9), partly);
    }

    #[test]
    fn merges_what_one_detector_finds_twice() {
        use Strength::{Certain, Likely};
        let two = vec![one(0, 0, 4, Likely), one(0, 3, 8, Certain)];
        assert_eq!(settled(two, 9), [(0, 0, 8)]);
        let neighbours = vec![one(0, 0, 4, Likely), one(0, 4, 8, Likely)];
        assert_eq!(settled(neighbours, 9), [(0, 0, 4), (0, 4, 8)]);
    }

    #[test]
    fn waits_for_what_may_still_overlap() {
        let mut pending = vec![one(0, 0, 4, Strength::Weak), one(0, 5, 9, Strength::Weak)];
        let mut reported = Vec::new();
        settle(&mut pending, 6, |_| false, &mut reported);
        assert_eq!((reported.len(), pending.len()), (1, 1));
    }
}
