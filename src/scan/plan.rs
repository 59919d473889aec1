//! How candidates are told from bitmaps: which classes are needed, and which shifted conjunctions of
//! them, or which first bytes, every match begins with.

use std::sync::{Arc, LazyLock};

use super::fingerprint::{ByteSet, is_word};
use super::gather::{Joined, gather};
use super::prefix::keys;
use super::sequence::Sequence;
use super::teddy::Teddy;
use super::token;

/// The most classes of bytes that become bitmaps.
pub(super) const CLASSES: usize = 48;
/// Bitmaps in all: classes, and the beginnings of long runs.
pub(super) const ROWS: usize = CLASSES + 1;
/// The most conjunctions.
const FAMILIES: usize = 24;
/// What is enough for a class to tell of a sequence, in bits.
const ENOUGH: f64 = 1.5;
/// A conjunction less is worth candidates at so many of all places.
const WORTH: f64 = 2e-3;
/// How many classes are chosen for what they alone tell of some sequences.
const TELLING: usize = 20;
/// In how many tables patterns are told by their first bytes: at every place, and where a long run is near.
const NEAR: usize = 2;
const DISTANT: usize = 4;
/// How many places of a sequence they look at, the one before the match among them.
const PLACES: usize = 14;

/// The bytes of a class, in the form that shuffles take.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Class {
    /// By the low half of an ASCII byte: a bit for each high half.
    pub(super) table: [u8; 16],
    /// Bytes beyond ASCII are in it, all of them.
    pub(super) is_high: bool,
}

/// A bitmap that must be set `shift` places later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Term {
    pub(super) shift: u32,
    pub(super) row: usize,
}

/// Where all of these hold, a match may begin: the rarest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Family {
    pub(super) terms: Vec<Term>,
}

/// The bitmaps to make, and what to make of them. Bit `i` is about the place `i`: row 0 tells the
/// word characters' absence *before* it, the sequences begin with the byte before it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) classes: Vec<Class>,
    /// The row of the characters of tokens, where their long runs are of use. Where these begin is told
    /// in the row after the classes.
    pub(super) token: Option<usize>,
    pub(super) families: Vec<Family>,
    /// What is found by its first bytes.
    pub(super) teddy: Teddy,
    /// What is found by its first bytes where a long run is near.
    pub(super) distant: Teddy,
    /// In how many words of 64 places after the candidate's such a run may begin, at most.
    pub(super) reach: u32,
}

/// What a plan is made of: a program's sequences, each with the byte before it, and how far away a long
/// run begins, at most, where each match has one.
#[derive(Clone, Copy)]
pub(super) struct Beginnings<'p> {
    pub(super) sequences: &'p [Sequence],
    pub(super) distance: Option<usize>,
}

/// The beginning of some sequences: the classes of their places.
#[derive(Clone, Debug)]
struct Shape {
    /// Each by its number; what is in no class is anything.
    places: Vec<Option<usize>>,
    /// At which of the places a long run begins.
    run: Option<usize>,
    classes: Arc<Classes>,
}

/// The classes that become bitmaps: what is no word character, then others that hold bytes beyond
/// ASCII, then the rest.
#[derive(Debug)]
struct Classes {
    sets: Vec<ByteSet>,
    /// By two of them: the narrowest that holds both.
    both: Vec<Option<usize>>,
    /// How often everyday text has one, and where one of its like stands before it.
    shares: Vec<(f64, f64)>,
    /// How many of the characters of a long run it has, as a share.
    inside: Vec<f64>,
}

impl Plan {
    pub(super) fn new<'p>(all: impl Iterator<Item = Beginnings<'p>>) -> Self {
        let (literal, other): (Vec<_>, Vec<_>) = all.partition(|of| keys(of.sequences).is_some());
        let (far, near): (Vec<Beginnings<'_>>, Vec<_>) =
            literal.into_iter().partition(|of| of.distance.is_some());
        let furthest = far.iter().filter_map(|of| of.distance).max().unwrap_or(0);
        let shared = || other.iter().flat_map(|of| of.sequences);
        let classes = Arc::new(Classes::of(shared()));
        let mut shapes: Vec<Shape> = Vec::new();
        for shape in shared().map(|sequence| Shape::of(sequence, &classes)) {
            let is_same = |of: &Shape| of.places == shape.places && of.run == shape.run;
            if !shapes.iter().any(is_same) {
                shapes.push(shape);
            }
        }
        let shapes = gather(shapes, FAMILIES, WORTH);
        let has_runs = !far.is_empty() || shapes.iter().any(|shape| shape.run.is_some());
        // Only the classes that are used, in their order.
        let token = token::characters();
        let is_used = |(row, set): &(usize, &ByteSet)| {
            let is_place = |shape: &Shape| shape.places.contains(&Some(*row));
            *row == 0 || has_runs && **set == token || shapes.iter().any(is_place)
        };
        let (rows, sets): (Vec<usize>, Vec<&ByteSet>) =
            classes.sets.iter().enumerate().filter(is_used).unzip();
        let row_of = |class: usize| rows.iter().position(|row| *row == class);
        let token = sets.iter().position(|set| **set == token);
        let families = shapes.iter().map(|shape| shape.family(row_of, rows.len()));
        Self {
            families: families.collect(),
            classes: sets.into_iter().map(Class::of).collect(),
            token: token.filter(|_| has_runs),
            teddy: Teddy::new(near.iter().flat_map(|of| of.sequences), NEAR),
            distant: Teddy::new(far.iter().flat_map(|of| of.sequences), DISTANT),
            // A candidate is told one place before its first byte.
            reach: u32::try_from((furthest + 64) / 64).unwrap_or(u32::MAX),
        }
    }
}

impl Shape {
    fn of(sequence: &Sequence, classes: &Arc<Classes>) -> Self {
        let token = token::characters();
        let is_pure = |places: &[ByteSet]| places.iter().all(|set| token.covers(set));
        let after = sequence.places.get(1..).unwrap_or_default();
        let run = after.windows(token::LEAST).position(is_pure);
        let places = sequence.places.iter().take(PLACES);
        Self {
            places: places.map(|set| classes.narrowest(set)).collect(),
            run: run.map(|at| at + 1),
            classes: classes.clone(),
        }
    }

    /// The family of it, with the rows of classes, and the row of long runs.
    fn family(&self, row_of: impl Fn(usize) -> Option<usize>, runs: usize) -> Family {
        let terms = (0..).zip(&self.places).filter_map(|(shift, class)| {
            let row = row_of((*class)?)?;
            Some((self.classes.share((*class)?), Term { shift, row }))
        });
        let mut terms: Vec<(f64, Term)> = terms.collect();
        if let Some(shift) = self.run.and_then(|at| u32::try_from(at).ok()) {
            terms.push((RUNS, Term { shift, row: runs }));
        }
        terms.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        Family {
            terms: terms.into_iter().map(|(_, term)| term).collect(),
        }
    }
}

impl Joined for Shape {
    fn joined(&self, other: &Self) -> Self {
        let pairs = self.places.iter().zip(&other.places);
        let both = pairs.map(|pair| match pair {
            (Some(one), Some(other)) => self.classes.both(*one, *other),
            _ => None,
        });
        Self {
            places: both.collect(),
            run: self.run.filter(|run| other.run == Some(*run)),
            classes: self.classes.clone(),
        }
    }

    fn rate(&self) -> f64 {
        if self.run.is_some() {
            // Of what stands in such runs.
            let inside = |class: &usize| self.classes.inside.get(*class);
            let shares = self.places.iter().flatten().filter_map(inside);
            return RUNS * shares.product::<f64>();
        }
        let mut before = None;
        let mut rate = 1.0;
        for class in &self.places {
            let shares = class.and_then(|class| self.classes.shares.get(class));
            let (first, next) = shares.copied().unwrap_or((1.0, 1.0));
            rate *= match before {
                // Digits, and letters, come in runs.
                Some(before) if before != 0 => next,
                _ => first,
            };
            before = *class;
        }
        rate
    }
}

/// At how many of its places everyday text has a long run of the characters of tokens, as a share.
const RUNS: f64 = 0.02;

impl Classes {
    fn of<'p>(sequences: impl Iterator<Item = &'p Sequence>) -> Self {
        // What tells more of a sequence than all else, and what tells anything of any.
        let (mut telling, mut wanted) = (Wanted::default(), Wanted::default());
        let mut rarest = Vec::new();
        for sequence in sequences {
            let places = sequence.places.iter().take(PLACES);
            let mut places: Vec<_> = places.map(standard).map(|set| (set, bits(&set))).collect();
            places.sort_by(|(_, a), (_, b)| b.total_cmp(a));
            if let [(set, most), (_, next), ..] = places.as_slice() {
                telling.add((*set, most - next));
                rarest.push((*set, *most));
            }
            places.into_iter().for_each(|of| wanted.add(of));
        }
        let mut sets = vec![ByteSet::non_word(), token::characters()];
        // What others join in.
        sets.extend(*USUAL);
        let telling = telling.most().into_iter().take(TELLING);
        for set in telling {
            add(&mut sets, set);
        }
        // No sequence is left without a class that tells something of it.
        for (set, most) in rarest {
            let covers = sets.iter().filter(|of| of.covers(&set));
            if covers.map(bits).fold(0.0, f64::max) < most.min(ENOUGH) {
                add(&mut sets, set);
            }
        }
        for set in wanted.most() {
            add(&mut sets, set);
        }
        let first = ByteSet::non_word();
        sets.sort_by_key(|set| (*set != first, !set.contains(0x80)));
        let narrowest = |set: &ByteSet| {
            let covers = sets.iter().enumerate().filter(|(_, of)| of.covers(set));
            covers.min_by_key(|(_, of)| of.len()).map(|(at, _)| at)
        };
        let both = sets.iter().flat_map(|one| {
            sets.iter().map(move |other| {
                let mut both = *one;
                both.join(other);
                both
            })
        });
        Self {
            both: both.map(|set| narrowest(&set)).collect(),
            shares: sets.iter().map(shares).collect(),
            inside: sets.iter().map(inside).collect(),
            sets,
        }
    }

    fn narrowest(&self, set: &ByteSet) -> Option<usize> {
        let set = standard(set);
        let covers = self.sets.iter().enumerate();
        let covers = covers.filter(|(_, of)| of.covers(&set));
        covers.min_by_key(|(_, of)| of.len()).map(|(at, _)| at)
    }

    fn both(&self, one: usize, other: usize) -> Option<usize> {
        self.both.get(one * self.sets.len() + other).copied()?
    }

    fn share(&self, class: usize) -> f64 {
        self.shares.get(class).map_or(1.0, |(share, _)| *share)
    }
}

/// How many of the characters of a long run a set has, as a share; of what is no word character, which begins
/// runs, how often it stands in them.
fn inside(set: &ByteSet) -> f64 {
    const NO_WORD: f64 = 0.05;
    if *set == ByteSet::non_word() {
        return NO_WORD;
    }
    let token = token::characters();
    let shared = u32::try_from(set.and(&token).len()).map_or(0.0, f64::from);
    let all = u32::try_from(token.len()).map_or(1.0, f64::from);
    shared / all
}

/// What a set tells of everyday text, in bits.
fn bits(set: &ByteSet) -> f64 {
    -share_of(set).max(1e-6).log2()
}

fn add(sets: &mut Vec<ByteSet>, set: ByteSet) {
    if !sets.contains(&set) && sets.len() < CLASSES {
        sets.push(set);
    }
}

/// Sets with what they tell, in bits, of all sequences together.
#[derive(Default)]
struct Wanted(Vec<(ByteSet, f64)>);

impl Wanted {
    fn add(&mut self, (set, bits): (ByteSet, f64)) {
        match self.0.iter_mut().find(|(other, _)| *other == set) {
            Some((_, all)) => *all += bits,
            None if bits < 0.1 => {}
            None => self.0.push((set, bits)),
        }
    }

    /// The sets, that which tells most first.
    fn most(mut self) -> Vec<ByteSet> {
        self.0.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        self.0.into_iter().map(|(set, _)| set).collect()
    }
}

/// How often everyday text has one of these bytes, and how often where a like one stands before it.
fn shares(set: &ByteSet) -> (f64, f64) {
    let digits = (b'0'..=b'9').all(|byte| set.contains(byte));
    let letters = (b'a'..=b'z').all(|byte| set.contains(byte));
    let share = share_of(set).min(1.0);
    let next = match (digits, letters) {
        (_, true) => 0.8,
        (true, _) => 0.5,
        _ => 0.0,
    };
    (share, share.max(next))
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

/// How many bytes of everyday text are in a set, as a share of all.
pub(super) fn share_of(set: &ByteSet) -> f64 {
    set.bytes().map(share_of_byte).sum()
}

/// How many of a hundred letters of English text each letter is (Lewand, Cryptological Mathematics, 2000).
const LETTERS: [f64; 26] = [
    8.2, 1.5, 2.8, 4.3, 12.7, 2.2, 2.0, 6.1, 7.0, 0.2, 0.8, 4.0, 2.4, 6.7, 7.5, 1.9, 0.1, 6.0, 6.3,
    9.1, 2.8, 1.0, 2.4, 0.2, 2.0, 0.1,
];

/// How often a byte stands in everyday text, roughly.
pub(super) fn share_of_byte(byte: u8) -> f64 {
    match byte {
        b' ' => 0.12,
        b'a'..=b'z' => LETTERS
            .get(usize::from(byte - b'a'))
            .map_or(0.0, |share| 0.006 * share),
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

/// Classes that many patterns use.
static USUAL: LazyLock<[ByteSet; 8]> = LazyLock::new(|| {
    let usual: [fn(&u8) -> bool; 8] = [
        u8::is_ascii_digit,
        u8::is_ascii_uppercase,
        u8::is_ascii_hexdigit,
        u8::is_ascii_alphabetic,
        u8::is_ascii_alphanumeric,
        |byte| is_word(*byte),
        |byte| byte.is_ascii_digit() || b" -./".contains(byte),
        |byte| byte.is_ascii_alphanumeric() || b" -./".contains(byte),
    ];
    usual.map(|class| {
        let mut whole = ByteSet::default();
        (0..128).filter(class).for_each(|byte| whole.add(byte));
        whole
    })
});

/// A usual class that is little larger: fewer bitmaps, which more sequences share.
fn standard(set: &ByteSet) -> ByteSet {
    for whole in USUAL.iter() {
        // Single digits seldom tell more than that digits stand there.
        let is_near = whole.len() == 10 || 3 * set.len() >= whole.len();
        if whole.covers(set) && is_near {
            return *whole;
        }
    }
    // All bytes beyond ASCII, or none.
    let mut set = *set;
    if set.bytes().any(|byte| byte >= 128) {
        set.add_range(128, 255);
    }
    set
}
