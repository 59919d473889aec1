//! How candidates are told from bitmaps: which classes are needed, which shifted conjunctions are
//! shared, and which patterns each of the results is for.

use super::fingerprint::{ByteSet, Fingerprint, Tables, is_word};
use super::sequence::Sequence;
use super::teddy::Teddy;

/// The most classes of bytes that become bitmaps.
pub(super) const CLASSES: usize = 24;
/// Bitmaps in all: classes, then what is shared between sequences.
pub(super) const ROWS: usize = 64;
/// The most results; patterns beyond share those of others.
pub(super) const FAMILIES: usize = 96;
/// A pattern whose beginnings are rarer than this in everyday text is found by its first bytes.
const RARE: f64 = 1e-3;

/// The bytes of a class, in the form that shuffles take.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Class {
    /// By the low half of an ASCII byte: a bit for each high half.
    pub(super) table: [u8; 16],
    /// Bytes beyond ASCII are in it, all of them.
    pub(super) is_high: bool,
}

/// A bitmap made of two: `first`, and `second` at `shift` places later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) first: usize,
    pub(super) second: usize,
    pub(super) shift: u32,
}

/// A bitmap that must be set `shift` places later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Term {
    pub(super) shift: u32,
    pub(super) row: usize,
}

/// Patterns that share their candidates.
#[derive(Clone, Debug, Default)]
pub(super) struct Family {
    /// A candidate is where all of these hold,
    pub(super) common: Vec<Term>,
    /// and all of one of these.
    pub(super) any: Vec<Vec<Term>>,
    pub(super) programs: Vec<usize>,
}

/// The bitmaps to make, and what to make of them. Bit `i` is about the place `i`: row 0 tells the
/// word characters' absence *before* it, the sequences begin with the byte before it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) classes: Vec<Class>,
    pub(super) pairs: Vec<Pair>,
    pub(super) families: Vec<Family>,
    /// What is found by its first bytes.
    pub(super) teddy: Teddy,
    /// Which of the programs that it is for can begin at a place.
    pub(super) rare: Box<Tables>,
}

/// What a plan is made of: a program's sequences, each with the byte before it.
pub(super) struct Beginnings<'p> {
    pub(super) program: usize,
    pub(super) sequences: &'p [Sequence],
    pub(super) fingerprint: &'p Fingerprint,
}

impl Plan {
    pub(super) fn new<'p>(all: impl Iterator<Item = Beginnings<'p>>) -> Self {
        let (rare, common): (Vec<_>, Vec<_>) = all.partition(|of| is_rare(of.sequences));
        let teddy = Teddy::new(rare.iter().flat_map(|of| of.sequences));
        let sets = choose(common.iter().flat_map(|of| of.sequences));
        let shares: Vec<f64> = sets.iter().map(share_of).collect();
        let mut families: Vec<Family> = Vec::new();
        for of in &common {
            let mut any: Vec<_> = of.sequences.iter().map(|s| terms(s, &sets)).collect();
            any.sort();
            any.dedup();
            let same = families.iter().position(|family| family.any == any);
            let is_full = families.len() == FAMILIES;
            match same.or_else(|| is_full.then(|| cheapest(&families, &any, &shares))?) {
                Some(at) => {
                    if let Some(family) = families.get_mut(at) {
                        family.programs.push(of.program);
                        if same.is_none() {
                            family.any.append(&mut any);
                        }
                    }
                }
                None => families.push(Family {
                    any,
                    programs: vec![of.program],
                    ..Family::default()
                }),
            }
        }
        families.iter_mut().for_each(Family::factor);
        let pairs = share(&mut families, sets.len());
        let rare = rare.iter().map(|of| (of.program, of.fingerprint));
        Self {
            classes: sets.iter().map(Class::of).collect(),
            pairs,
            families,
            teddy,
            rare: Tables::new(rare),
        }
    }
}

impl Family {
    /// Takes what all sequences have in common out of them.
    fn factor(&mut self) {
        let Some((first, others)) = self.any.split_first() else {
            return;
        };
        let is_common = |term: &Term| others.iter().all(|other| other.contains(term));
        self.common = first.iter().copied().filter(is_common).collect();
        for terms in &mut self.any {
            terms.retain(|term| !self.common.contains(term));
        }
        self.any.sort();
        self.any.dedup();
    }

    fn conjunctions(&mut self) -> impl Iterator<Item = &mut Vec<Term>> {
        std::iter::once(&mut self.common).chain(&mut self.any)
    }
}

impl Class {
    fn of(set: &ByteSet) -> Self {
        let mut class = Self::default();
        for byte in 0..=255_u8 {
            if !set.contains(byte) {
                continue;
            }
            if byte >= 128 {
                class.is_high = true;
            } else if let Some(bits) = class.table.get_mut(usize::from(byte & 15)) {
                *bits |= 1 << (byte >> 4);
            }
        }
        class
    }
}

/// Each sequence begins with three places that are seldom seen together.
pub(super) fn is_rare(sequences: &[Sequence]) -> bool {
    // Digits come in runs: where there is one, others are near.
    let share = |set: &ByteSet| {
        let digits = (b'0'..=b'9').any(|byte| set.contains(byte));
        share_of(set).max(if digits { 0.1 } else { 0.0 })
    };
    let rate = |sequence: &Sequence| -> f64 {
        let places = sequence.places.iter().skip(1).take(3);
        places.map(share).product()
    };
    let is_long = |sequence: &Sequence| sequence.places.len() >= 4;
    sequences.iter().all(is_long) && sequences.iter().map(rate).sum::<f64>() <= RARE
}

/// How many bytes of everyday text are in a set, as a share of all.
pub(super) fn share_of(set: &ByteSet) -> f64 {
    let bytes = (0..=255).filter(|byte| set.contains(*byte));
    bytes.map(share_of_byte).sum()
}

/// How often a byte stands in everyday text, roughly.
pub(super) fn share_of_byte(byte: u8) -> f64 {
    match byte {
        b' ' => 0.12,
        b'a'..=b'z' => 0.022,
        b'0'..=b'9' => 0.012,
        b'A'..=b'Z' => 0.004,
        b'"' | b',' | b'.' | b':' | b'-' | b'/' => 0.015,
        b'_' | b'=' | b'<' | b'>' => 0.006,
        b'\n' => 0.01,
        b'!'..=b'~' => 0.002,
        0x80.. => 0.0004,
        _ => 0.0002,
    }
}

/// The family in which one more program costs the least: each is asked wherever the others can begin.
fn cheapest(families: &[Family], any: &[Vec<Term>], shares: &[f64]) -> Option<usize> {
    let rate = |any: &[Vec<Term>]| -> f64 {
        let share = |term: &Term| shares.get(term.row).copied().unwrap_or(1.0);
        any.iter()
            .map(|terms| terms.iter().map(share).product::<f64>())
            .sum()
    };
    let own = rate(any);
    let cost = |family: &Family| {
        let others = u32::try_from(family.programs.len()).map_or(f64::MAX, f64::from);
        own * others + rate(&family.any)
    };
    let costs = families.iter().map(cost).enumerate();
    let least = costs.min_by(|(_, a), (_, b)| a.total_cmp(b));
    least.map(|(at, _)| at)
}

/// The classes that become bitmaps: what is no word character, then others that hold bytes beyond
/// ASCII, then the rest.
fn choose<'p>(sequences: impl Iterator<Item = &'p Sequence>) -> Vec<ByteSet> {
    let mut wanted: Vec<(ByteSet, f64)> = Vec::new();
    for set in sequences.flat_map(|sequence| &sequence.places) {
        let set = standard(set);
        let bits = -share_of(&set).max(1e-6).log2();
        if set == ByteSet::ALL || bits < 0.1 {
            continue;
        }
        match wanted.iter_mut().find(|(other, _)| *other == set) {
            Some((_, gain)) => *gain += bits,
            None => wanted.push((set, bits)),
        }
    }
    wanted.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let first = ByteSet::non_word();
    let others = wanted.into_iter().map(|(set, _)| set);
    let others = others.filter(|set| *set != first).take(CLASSES - 1);
    let mut sets: Vec<ByteSet> = std::iter::once(first).chain(others).collect();
    sets.sort_by_key(|set| (*set != first, !set.contains(0x80)));
    sets
}

/// A usual class that is little larger: fewer bitmaps, which more sequences share.
fn standard(set: &ByteSet) -> ByteSet {
    let usual: [fn(&u8) -> bool; 6] = [
        u8::is_ascii_digit,
        u8::is_ascii_uppercase,
        u8::is_ascii_hexdigit,
        u8::is_ascii_alphabetic,
        u8::is_ascii_alphanumeric,
        |byte| is_word(*byte),
    ];
    for class in usual {
        let mut whole = ByteSet::default();
        (0..128).filter(class).for_each(|byte| whole.add(byte));
        // Single digits seldom tell more than that digits stand there.
        let is_near = whole.len() == 10 || 3 * set.len() >= whole.len();
        if whole.covers(set) && is_near {
            return whole;
        }
    }
    // All bytes beyond ASCII, or none.
    let mut set = *set;
    if (128..=255).any(|byte| set.contains(byte)) {
        set.add_range(128, 255);
    }
    set
}

/// The narrowest bitmaps that a sequence follows.
fn terms(sequence: &Sequence, sets: &[ByteSet]) -> Vec<Term> {
    let places = sequence.places.iter().zip(0..);
    let narrowest = places.filter_map(|(set, shift)| {
        let set = standard(set);
        let covers = sets.iter().enumerate().filter(|(_, of)| of.covers(&set));
        let (row, _) = covers.min_by_key(|(_, of)| of.len())?;
        Some(Term { shift, row })
    });
    narrowest.collect()
}

/// Makes bitmaps of the pairs of terms that occur most, as long as one occurs often enough.
fn share(families: &mut [Family], classes: usize) -> Vec<Pair> {
    const OFTEN: usize = 3;
    let mut pairs: Vec<Pair> = Vec::new();
    while classes + pairs.len() < ROWS {
        let mut counts: std::collections::HashMap<(usize, usize, u32), usize> = Default::default();
        for terms in families.iter_mut().flat_map(Family::conjunctions) {
            for (i, a) in terms.iter().enumerate() {
                for b in terms.iter().skip(i + 1) {
                    *counts.entry((a.row, b.row, b.shift - a.shift)).or_default() += 1;
                }
            }
        }
        // The same plan at every build: among equals the least.
        let best = counts
            .into_iter()
            .max_by_key(|(pair, n)| (*n, std::cmp::Reverse(*pair)));
        let Some(((first, second, shift), OFTEN..)) = best else {
            break;
        };
        let row = classes + pairs.len();
        for terms in families.iter_mut().flat_map(Family::conjunctions) {
            replace(terms, first, second, shift, row);
        }
        pairs.push(Pair {
            first,
            second,
            shift,
        });
    }
    pairs
}

fn replace(terms: &mut Vec<Term>, first: usize, second: usize, shift: u32, row: usize) {
    let mut i = 0;
    while let Some(term) = terms.get(i).copied() {
        let partner = terms.iter().position(|other| {
            other.row == second && other.shift == term.shift + shift && *other != term
        });
        if let Some(at) = partner.filter(|_| term.row == first) {
            terms.remove(at);
            if let Some(term) = terms.get_mut(i - usize::from(at < i)) {
                term.row = row;
            }
        } else {
            i += 1;
        }
    }
    terms.sort();
}
