//! Shifted conjunctions of bitmaps. Plain code: it is compiled into each of the entries, with the
//! instructions that they may use.

use super::super::plan::{Plan, Term};
use super::{Maps, ROW};

/// As many words as one step of the widest instructions takes.
const STEP: usize = 8;

/// Makes the shared bitmaps and the families' candidates of the classes' bitmaps, of which the first
/// `words` and the one after them are known.
#[inline(always)]
pub(super) fn combine(plan: &Plan, words: usize, maps: &mut Maps) {
    let known = words + 1;
    let rows = &mut maps.rows;
    for row in rows.iter_mut().take(plan.classes.len()) {
        end(row, known);
    }
    for (row, pair) in (plan.classes.len()..).zip(&plan.pairs) {
        let Some((made, [row, ..])) = rows.split_at_mut_checked(row) else {
            continue;
        };
        let (Some(first), Some(second)) = (made.get(pair.first), made.get(pair.second)) else {
            continue;
        };
        let steps = row.as_chunks_mut::<STEP>().0.iter_mut();
        for (step, both) in steps.enumerate().take(known.div_ceil(STEP)) {
            if let (Some(first), Some(second)) =
                (moved(first, step, 0), moved(second, step, pair.shift))
            {
                *both = and(first, second);
            }
        }
        end(row, known);
    }
    let judged = u32::MAX.checked_shr(u32::BITS - words as u32).unwrap_or(0);
    let results = maps.found.iter_mut().zip(&mut maps.busy);
    for (family, (found, busy)) in plan.families.iter().zip(results) {
        *busy = 0;
        let steps = found.as_chunks_mut::<STEP>().0.iter_mut();
        for (step, found) in steps.enumerate().take(words.div_ceil(STEP)) {
            let common = all(rows, &family.common, step, [u64::MAX; STEP]);
            if common == [0; STEP] {
                continue;
            }
            let mut any = [0; STEP];
            for terms in &family.any {
                let found = all(rows, terms, step, common);
                for (any, found) in any.iter_mut().zip(found) {
                    *any |= found;
                }
            }
            *found = any;
            let some = (0..).zip(any).map(|(i, word)| u32::from(word != 0) << i);
            *busy |= some.fold(0, |all, bit| all | bit) << (step * STEP);
        }
        *busy &= judged;
    }
}

/// Where all terms hold, of the places in `all`.
#[inline(always)]
fn all(rows: &[[u64; ROW]], terms: &[Term], step: usize, mut all: [u64; STEP]) -> [u64; STEP] {
    for term in terms {
        if let Some(moved) = rows
            .get(term.row)
            .and_then(|row| moved(row, step, term.shift))
        {
            all = and(all, moved);
        }
    }
    all
}

/// Puts ones after the words that are known, as far as a step looks: what lies there may be anything.
#[inline(always)]
fn end(row: &mut [u64; ROW], known: usize) {
    for beyond in row.iter_mut().skip(known).take(2 * STEP) {
        *beyond = u64::MAX;
    }
}

#[inline(always)]
fn and(mut a: [u64; STEP], b: [u64; STEP]) -> [u64; STEP] {
    for (a, b) in a.iter_mut().zip(b) {
        *a &= b;
    }
    a
}

/// The words of a step, of what stands `shift` places later, at most 63.
#[inline(always)]
fn moved(row: &[u64; ROW], step: usize, shift: u32) -> Option<[u64; STEP]> {
    let rest = row.get(step * STEP..)?;
    let this = rest.first_chunk::<STEP>()?;
    let next = rest.get(1..)?.first_chunk::<STEP>()?;
    let (low, high) = (shift & 63, 63 - (shift & 63));
    let mut moved = [0; STEP];
    for ((moved, this), next) in moved.iter_mut().zip(this).zip(next) {
        *moved = this >> low | next << 1 << high;
    }
    Some(moved)
}
