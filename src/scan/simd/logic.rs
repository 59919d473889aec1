//! Shifted conjunctions of bitmaps. Plain code: it is compiled into each of the entries, with the
//! instructions that they may use.

use super::super::plan::{Plan, Term};
use super::super::token;
use super::{Maps, ROW, WORDS};

/// As many words as two steps of the widest instructions take.
const STEP: usize = 16;

/// Makes the candidates of the classes' bitmaps, of which the first `words` and the one after them are
/// known. Returns in which words long runs may be near.
#[inline(always)]
pub(super) fn combine(plan: &Plan, words: usize, maps: &mut Maps) -> u64 {
    maps.literal = [0; WORDS];
    let known = words + 1;
    for row in maps.rows.iter_mut().take(plan.classes.len()) {
        end(row, known);
    }
    let near = match plan.token {
        Some(row) => near(runs(plan.classes.len(), row, known, maps), plan.reach),
        None => 0,
    };
    let rows = &maps.rows;
    let steps = maps.classes.as_chunks_mut::<STEP>().0.iter_mut();
    for (step, any) in steps.enumerate().take(words.div_ceil(STEP)) {
        *any = [0; STEP];
        for family in &plan.families {
            let found = all(rows, &family.terms, step);
            any.iter_mut()
                .zip(found)
                .for_each(|(any, found)| *any |= found);
        }
    }
    near
}

/// Makes the bitmap of the places at which long runs begin. Returns in which words there are some: what is
/// beyond those known may hold any.
#[inline(always)]
fn runs(to: usize, from: usize, known: usize, maps: &mut Maps) -> u64 {
    const { assert!(token::LEAST == 14) };
    let (rows, rest) = maps.rows.split_at_mut(to);
    let (Some(tokens), Some(runs)) = (rows.get(from), rest.first_mut()) else {
        return u64::MAX;
    };
    let mut flags = u64::MAX.checked_shl(known as u32).unwrap_or(0);
    // Two words at once: what a shift needs of the next.
    let mut next = u64::MAX;
    for at in (0..known).rev() {
        let this = tokens.get(at).copied().unwrap_or(u64::MAX);
        let mut all = u128::from(next) << 64 | u128::from(this);
        next = this;
        all &= all >> 1 | 1 << 127;
        all &= all >> 2 | 3 << 126;
        all &= all >> 4 | 15 << 124;
        all &= all >> 6 | 63 << 122;
        let begins = all as u64;
        if let Some(run) = runs.get_mut(at) {
            *run = begins;
        }
        flags |= u64::from(begins != 0) << at;
    }
    end(runs, known);
    flags
}

/// The words in which, or up to `reach` words after which, one is flagged.
#[inline(always)]
fn near(flags: u64, reach: u32) -> u64 {
    let beyond = |by: u32| !(u64::MAX >> by.min(63));
    (1..=reach).fold(flags, |near, by| near | flags >> by.min(63) | beyond(by))
}

/// Where all terms hold.
#[inline(always)]
fn all(rows: &[[u64; ROW]], terms: &[Term], step: usize) -> [u64; STEP] {
    let mut all = [u64::MAX; STEP];
    for pair in terms.chunks(2) {
        for term in pair {
            if let Some(moved) = rows
                .get(term.row)
                .and_then(|row| moved(row, step, term.shift))
            {
                all.iter_mut().zip(moved).for_each(|(a, b)| *a &= b);
            }
        }
        if all == [0; STEP] {
            break;
        }
    }
    all
}

/// Puts ones after the words that are known, as far as a step looks: what lies there may be anything.
#[inline(always)]
fn end(row: &mut [u64; ROW], known: usize) {
    for beyond in row.iter_mut().skip(known).take(STEP + 1) {
        *beyond = u64::MAX;
    }
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

const _: () = assert!(WORDS + 1 < 64);
