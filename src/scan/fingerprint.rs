//! The prefilter: which bytes a pattern can have around its trigger, and the tables that ask this of
//! up to 64 groups of patterns at once. It may say yes too often, never no wrongly.

use std::fmt;

use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;

/// How many bytes from the trigger on are looked at.
pub(super) const DEPTH: usize = 4;
const GROUPS: usize = 64;
/// How many places are judged in one step.
pub(super) const BLOCK: usize = 8;

/// A set of bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ByteSet([u128; 2]);

/// The bytes that can stand before the trigger, and at it and after.
#[derive(Clone, Debug)]
pub(super) struct Fingerprint {
    before: ByteSet,
    can_begin: bool,
    at: [Place; DEPTH],
}

/// What can stand at one place: these bytes, and perhaps the end of the haystack.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) bytes: ByteSet,
    pub(super) can_end: bool,
}

/// A bit per group of patterns, by place and byte.
pub(super) struct Tables {
    before: [u64; 256],
    begin: u64,
    at: [[u64; 256]; DEPTH],
    end: [u64; DEPTH],
    groups: Vec<Vec<usize>>,
}

impl ByteSet {
    pub(super) const ALL: Self = Self([u128::MAX; 2]);

    pub(super) fn non_word() -> Self {
        let mut set = Self::default();
        for byte in 0..=255_u8 {
            if !is_word(byte) {
                set.add(byte);
            }
        }
        set
    }

    pub(super) fn add(&mut self, byte: u8) {
        let [low, high] = &mut self.0;
        let half = if byte < 128 { low } else { high };
        *half |= 1 << (byte & 127);
    }

    pub(super) fn add_range(&mut self, first: u8, last: u8) {
        (first..=last).for_each(|byte| self.add(byte));
    }

    pub(super) const fn len(&self) -> usize {
        let [low, high] = self.0;
        (low.count_ones() + high.count_ones()) as usize
    }

    pub(super) const fn contains(&self, byte: u8) -> bool {
        let [low, high] = self.0;
        let half = if byte < 128 { low } else { high };
        half >> (byte & 127) & 1 == 1
    }
}

impl fmt::Debug for ByteSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = (0..=255_u8).filter(|byte| self.contains(*byte));
        f.debug_set().entries(bytes).finish()
    }
}

impl Fingerprint {
    /// The fingerprint of what `nfa` matches from its first byte on, with every look-around passed.
    pub(super) fn of(nfa: &NFA) -> Self {
        let mut at = [Place::FREE; DEPTH];
        let mut states = vec![nfa.start_anchored()];
        for place in &mut at {
            let Some((bytes, next)) = step(nfa, &states) else {
                break;
            };
            *place = Place {
                bytes,
                can_end: false,
            };
            states = next;
        }
        Self {
            before: ByteSet::ALL,
            can_begin: true,
            at,
        }
    }

    /// A fingerprint of places alone.
    pub(super) fn of_places(at: [Place; DEPTH]) -> Self {
        Self {
            before: ByteSet::ALL,
            can_begin: true,
            at,
        }
    }

    /// The same, but only after a byte of `before` (or, for a word boundary, at the beginning).
    #[must_use]
    pub(super) fn after(mut self, before: &ByteSet) -> Self {
        self.can_begin = before.contains(b' ');
        self.before = *before;
        self
    }

    /// What stands around `at` is what can stand around the trigger.
    #[inline]
    pub(super) fn admits(&self, haystack: &[u8], at: usize) -> bool {
        let is_after = match at.checked_sub(1).and_then(|before| haystack.get(before)) {
            Some(byte) => self.before.contains(*byte),
            None => self.can_begin,
        };
        let mut places = self.at.iter().enumerate();
        is_after
            && places.all(|(depth, place)| match haystack.get(at + depth) {
                Some(byte) => place.bytes.contains(*byte),
                None => place.can_end,
            })
    }

    /// What can stand before the trigger.
    pub(super) fn before(&self) -> ByteSet {
        self.before
    }

    /// The bytes at the trigger and after it, as far as each match has them.
    pub(super) fn places(&self) -> Vec<ByteSet> {
        let places = self.at.iter().take_while(|place| !place.can_end);
        places.map(|place| place.bytes).collect()
    }

    /// Each match begins with an ASCII word character.
    pub(super) fn begins_with_word(&self) -> bool {
        let [first, ..] = &self.at;
        !first.can_end && (0..=255).all(|byte| is_word(byte) || !first.bytes.contains(byte))
    }
}

impl Place {
    /// Anything, or nothing more.
    pub(super) const FREE: Self = Self {
        bytes: ByteSet::ALL,
        can_end: true,
    };
}

/// The bytes that leave `states`, and where they lead; none when a match ends here.
fn step(nfa: &NFA, states: &[StateID]) -> Option<(ByteSet, Vec<StateID>)> {
    let mut bytes = ByteSet::default();
    let (mut next, mut open) = (Vec::new(), states.to_vec());
    let mut seen = vec![false; nfa.states().len()];
    while let Some(id) = open.pop() {
        match seen.get_mut(id.as_usize()) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        match nfa.state(id) {
            State::ByteRange { trans } => {
                bytes.add_range(trans.start, trans.end);
                next.push(trans.next);
            }
            State::Sparse(sparse) => {
                for trans in &*sparse.transitions {
                    bytes.add_range(trans.start, trans.end);
                    next.push(trans.next);
                }
            }
            State::Dense(dense) => {
                for byte in 0..=255 {
                    if let Some(target) = dense.matches_byte(byte) {
                        bytes.add(byte);
                        next.push(target);
                    }
                }
            }
            State::Look { next, .. } | State::Capture { next, .. } => open.push(*next),
            State::Union { alternates } => open.extend(alternates.iter().copied()),
            State::BinaryUnion { alt1, alt2 } => open.extend([*alt1, *alt2]),
            State::Fail => {}
            State::Match { .. } => return None,
        }
    }
    next.sort_unstable();
    next.dedup();
    Some((bytes, next))
}

#[expect(
    clippy::indexing_slicing,
    reason = "a byte can't be outside a table of 256, and the loops stay within their arrays"
)]
impl Tables {
    /// Puts each fingerprint into a group; beyond 64 patterns, groups are shared.
    pub(super) fn new<'f>(of: impl Iterator<Item = (usize, &'f Fingerprint)>) -> Box<Self> {
        let mut tables = Box::new(Self {
            before: [0; 256],
            begin: 0,
            at: [[0; 256]; DEPTH],
            end: [0; DEPTH],
            groups: Vec::new(),
        });
        for (count, (program, fingerprint)) in of.enumerate() {
            tables.add(count % GROUPS, program, fingerprint);
        }
        tables
    }

    fn add(&mut self, group: usize, program: usize, fingerprint: &Fingerprint) {
        let bit = 1 << group;
        match self.groups.get_mut(group) {
            Some(members) => members.push(program),
            None => self.groups.push(vec![program]),
        }
        if fingerprint.can_begin {
            self.begin |= bit;
        }
        for byte in 0..=255_u8 {
            if fingerprint.before.contains(byte) {
                self.before[usize::from(byte)] |= bit;
            }
            for (table, place) in self.at.iter_mut().zip(&fingerprint.at) {
                if place.bytes.contains(byte) {
                    table[usize::from(byte)] |= bit;
                }
            }
        }
        for (end, place) in self.end.iter_mut().zip(&fingerprint.at) {
            if place.can_end {
                *end |= bit;
            }
        }
    }

    /// The programs behind a bit.
    pub(super) fn group(&self, bit: u32) -> &[usize] {
        self.groups.get(bit as usize).map_or(&[], Vec::as_slice)
    }

    /// Visits those of `programs` whose group may match at `at`, in tables that hold every program in
    /// order.
    pub(super) fn told_apart(
        &self,
        programs: &[usize],
        haystack: &[u8],
        at: usize,
        mut visit: impl FnMut(usize),
    ) {
        let mask = self.mask(haystack, at);
        for program in programs {
            if mask >> (program % GROUPS) & 1 == 1 {
                visit(*program);
            }
        }
    }

    /// The groups that may match at `at`.
    #[inline]
    pub(super) fn mask(&self, haystack: &[u8], at: usize) -> u64 {
        let near = at.checked_sub(1).and_then(|before| haystack.get(before..));
        if let Some([before, first, second, third, fourth, ..]) = near {
            let [table, ..] = &self.at;
            let start = table[usize::from(*first)] & self.before[usize::from(*before)];
            return start
                & self.at[1][usize::from(*second)]
                & self.at[2][usize::from(*third)]
                & self.at[3][usize::from(*fourth)];
        }
        let mut mask = match at.checked_sub(1).and_then(|before| haystack.get(before)) {
            Some(byte) => self.before[usize::from(*byte)],
            None => self.begin,
        };
        for depth in 0..DEPTH {
            mask &= match haystack.get(at + depth) {
                Some(byte) => self.at[depth][usize::from(*byte)],
                None => self.end[depth],
            };
        }
        mask
    }

    /// Some group may match at one of the eight bytes from the second of `window` on, as far as
    /// three places tell: a word that begins like a match seldom goes on like one.
    #[inline]
    pub(super) fn may_match(&self, window: &[u8; BLOCK + DEPTH]) -> bool {
        let [first, second, third, _] = &self.at;
        let mut any = 0;
        for i in 0..BLOCK {
            any |= first[usize::from(window[i + 1])]
                & second[usize::from(window[i + 2])]
                & third[usize::from(window[i + 3])];
        }
        any != 0
    }

    /// The groups that may match at the eight bytes from the second of `window` on.
    #[inline]
    pub(super) fn masks(&self, window: &[u8; BLOCK + DEPTH]) -> [u64; BLOCK] {
        let [first, second, third, fourth] = &self.at;
        let mut masks = [0; BLOCK];
        for (i, mask) in masks.iter_mut().enumerate() {
            *mask = self.before[usize::from(window[i])]
                & first[usize::from(window[i + 1])]
                & second[usize::from(window[i + 2])]
                & third[usize::from(window[i + 3])]
                & fourth[usize::from(window[i + 4])];
        }
        masks
    }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables")
            .field("groups", &self.groups)
            .finish_non_exhaustive()
    }
}

/// A letter, digit or underscore of ASCII.
pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
