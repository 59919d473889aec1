//! Programs by the first bytes of their matches: one look-up, however many there are.

use super::fingerprint::ByteSet;
use super::sequence::Sequence;

/// How many bytes a key has: fewer for programs with a match that is told by three alone.
const LONG: usize = 4;
const SHORT: usize = 3;
/// The most keys of one sequence, and of one program.
const MOST_OF_SEQUENCE: usize = 64;
const MOST: usize = 2048;
/// The bits of the table that most look-ups end at.
const BITS: u32 = 15;
/// Letters of either case are one: `@` and `` ` ``, `_` and DEL and their like are, too.
const FOLD: u64 = 0x2020_2020_2020_2020;
/// What is kept of a short key.
const THREE: u32 = 0x00ff_ffff;

/// Tells which programs begin with the bytes at a place.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    /// A bit for the hash of each key.
    known: Vec<u64>,
    /// Keys with what they are of, by hash, open: as many as a power of two.
    slots: Vec<Option<Slot>>,
    entries: Vec<Entry>,
    has_short: bool,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    key: u32,
    first: u32,
    count: u32,
}

/// What a key is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    program: usize,
    /// The first eight bytes, folded: where the mask has none, any byte may stand.
    bytes: u64,
    mask: u64,
}

/// The folded keys that a program's matches begin with, told by all its sequences; none when there
/// are too many.
pub(super) fn keys(sequences: &[Sequence]) -> Option<Vec<u32>> {
    let length = length(sequences)?;
    let mut all = Vec::new();
    for sequence in sequences {
        all.extend(keys_of(sequence, length)?);
        if all.len() > MOST {
            return None;
        }
    }
    all.sort_unstable();
    all.dedup();
    Some(all)
}

/// How long the keys of a program are; none where its sequences are too short.
fn length(sequences: &[Sequence]) -> Option<usize> {
    // Each begins with the byte before.
    match sequences.iter().map(|of| of.places.len()).min()? - 1 {
        LONG.. => Some(LONG),
        SHORT => Some(SHORT),
        _ => None,
    }
}

fn keys_of(sequence: &Sequence, length: usize) -> Option<Vec<u32>> {
    let mut keys = vec![0_u32];
    for (at, set) in sequence.places.iter().skip(1).take(length).enumerate() {
        let bytes = folded(set);
        if keys.len() * bytes.len() > MOST_OF_SEQUENCE {
            return None;
        }
        let longer = |key: &u32| {
            let key = *key;
            bytes
                .iter()
                .map(move |byte| key | u32::from(*byte) << (8 * at))
        };
        keys = keys.iter().flat_map(longer).collect();
    }
    Some(keys)
}

fn folded(set: &ByteSet) -> Vec<u8> {
    let [fold, ..] = FOLD.to_le_bytes();
    let mut bytes: Vec<u8> = set.bytes().map(|byte| byte | fold).collect();
    bytes.sort_unstable();
    bytes.dedup();
    bytes
}

const fn hash(key: u32) -> u32 {
    (key ^ key >> 15).wrapping_mul(0x9e37_79b1)
}

impl Prefixes {
    /// Files programs, each with its sequences, under their keys.
    pub(super) fn new<'p>(all: impl Iterator<Item = (usize, &'p [Sequence])>) -> Self {
        let mut filed: Vec<(u32, Entry)> = Vec::new();
        for (program, sequences) in all {
            let Some(length) = length(sequences) else {
                continue;
            };
            for sequence in sequences {
                let (mut bytes, mut mask) = (0, 0);
                for (at, set) in (0..8).zip(sequence.places.iter().skip(1)) {
                    if let [byte] = folded(set).as_slice() {
                        bytes |= u64::from(*byte) << (8 * at);
                        mask |= 0xff << (8 * at);
                    }
                }
                let entry = Entry {
                    program,
                    bytes,
                    mask,
                };
                let keys = keys_of(sequence, length).unwrap_or_default();
                filed.extend(keys.into_iter().map(|key| (key, entry)));
            }
        }
        filed.sort_unstable();
        filed.dedup();
        if filed.is_empty() {
            return Self::default();
        }
        let mut prefixes = Self {
            known: vec![0; 1 << (BITS - 6)],
            slots: vec![None; (2 * filed.len()).next_power_of_two()],
            ..Self::default()
        };
        for of in filed.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((key, _)) = of.first() else {
                continue;
            };
            prefixes.has_short |= *key <= THREE;
            let slot = Slot {
                key: *key,
                first: u32::try_from(prefixes.entries.len()).unwrap_or_default(),
                count: u32::try_from(of.len()).unwrap_or_default(),
            };
            prefixes.entries.extend(of.iter().map(|(_, entry)| entry));
            prefixes.add(slot);
        }
        prefixes
    }

    fn add(&mut self, slot: Slot) {
        let hash = hash(slot.key);
        let bit = hash >> (u32::BITS - BITS);
        if let Some(word) = self.known.get_mut(bit as usize / 64) {
            *word |= 1 << (bit % 64);
        }
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while let Some(place) = self.slots.get_mut(at) {
            if place.is_none() {
                *place = Some(slot);
                return;
            }
            at = (at + 1) & mask;
        }
    }

    /// Visits the programs that begin with the bytes at `at`, each once.
    #[inline]
    pub(super) fn each(&self, bytes: &[u8], at: usize, visit: &mut impl FnMut(usize)) {
        let rest = bytes.get(at..).unwrap_or_default();
        let word = match rest.first_chunk() {
            Some(word) => u64::from_le_bytes(*word),
            None => {
                // INVARIANT: what is outside is in no key, and where an entry goes on it can't match.
                let mut word = [0; 8];
                word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                u64::from_le_bytes(word)
            }
        };
        let word = word | FOLD;
        let key = word as u32;
        self.of(key, word, visit);
        if self.has_short {
            self.of(key & THREE, word, visit);
        }
    }

    #[inline]
    fn of(&self, key: u32, word: u64, visit: &mut impl FnMut(usize)) {
        let hash = hash(key);
        let bit = hash >> (u32::BITS - BITS);
        let known = self.known.get(bit as usize / 64).copied().unwrap_or(0);
        if known >> (bit % 64) & 1 == 0 {
            return;
        }
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while let Some(Some(slot)) = self.slots.get(at) {
            if slot.key == key {
                let first = slot.first as usize;
                let entries = self.entries.get(first..first + slot.count as usize);
                let mut last = None;
                for entry in entries.unwrap_or_default() {
                    // Those of one program follow each other.
                    if word & entry.mask == entry.bytes && last != Some(entry.program) {
                        last = Some(entry.program);
                        visit(entry.program);
                    }
                }
                return;
            }
            at = (at + 1) & mask;
        }
    }
}
