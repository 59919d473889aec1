//! Which bytes a pattern can have around its trigger. It may say yes too often, never no wrongly.

use std::fmt;

use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;

/// How many bytes from the trigger on are looked at.
pub(super) const DEPTH: usize = 4;

/// A set of bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

impl ByteSet {
    pub(super) const ALL: Self = Self([u128::MAX; 2]);

    pub(super) fn non_word() -> Self {
        let mut set = Self::default();
        (0..=255)
            .filter(|byte| !is_word(*byte))
            .for_each(|byte| set.add(byte));
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

    /// The bytes of the set, in order.
    pub(super) fn bytes(&self) -> impl Iterator<Item = u8> {
        let [low, high] = self.0;
        [(low, 0), (high, 128)]
            .into_iter()
            .flat_map(|(half, first)| {
                let mut left = half;
                std::iter::from_fn(move || {
                    let byte = u8::try_from(left.trailing_zeros()).ok()?;
                    left = (left != 0).then(|| left & (left - 1))?;
                    Some(first + byte)
                })
            })
    }

    /// It holds ASCII word characters alone.
    pub(super) fn is_word(&self) -> bool {
        self.bytes().all(is_word)
    }

    /// Adds every byte of another set.
    pub(super) fn join(&mut self, other: &Self) {
        let halves = self.0.iter_mut().zip(other.0);
        halves.for_each(|(half, other)| *half |= other);
    }

    /// The bytes that both hold.
    pub(super) fn and(&self, other: &Self) -> Self {
        let [low, high] = self.0;
        let [other_low, other_high] = other.0;
        Self([low & other_low, high & other_high])
    }

    /// It holds every byte of another set.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.and(other) == *other
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

/// A letter, digit or underscore of ASCII.
pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
