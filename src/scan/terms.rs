//! Lists of terms (dictionaries, embargoes): case-insensitive, word-bounded, every entry reported.
//!
//! A trie over folded characters, walked from each place where a term can begin. The walk goes on
//! past an entry's end, so neither a longer entry that isn't bounded nor an overlapping one hides
//! another. White space in a term stands for a run of 1 to 16 white-space characters.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::fingerprint::{ByteSet, DEPTH, Fingerprint, Place};
use super::fold::{Folding, char_at, char_before, is_word, variants};
use super::program::CONTEXT;
use super::{BuildError, BuildErrorKind};

/// The longest term, in characters.
pub(super) const MAX_TERM: usize = 256;
const MAX_NODES: usize = 64 << 20;
/// The most white-space characters that one space in a term stands for.
pub(super) const MAX_SPACE: usize = 16;
const UTF8: usize = 4;
/// Lists up to this are looked for by each term's first bytes.
pub(super) const FEW: usize = 200;

/// A compiled list.
#[derive(Debug)]
pub(super) struct Terms {
    folding: Folding,
    edges: HashMap<u64, Node, BuildHasherDefault<EdgeHasher>>,
    max_len: usize,
    fingerprint: Fingerprint,
    beginnings: Vec<Fingerprint>,
}

/// Where an edge of the trie leads.
#[derive(Clone, Copy, Debug)]
struct Node {
    id: u32,
    is_end: bool,
}

impl Terms {
    /// Compiles a list.
    pub(super) fn new<'t>(terms: impl IntoIterator<Item = &'t str>) -> Result<Self, BuildError> {
        let mut list = Self {
            folding: Folding::default(),
            edges: HashMap::default(),
            max_len: CONTEXT,
            fingerprint: Fingerprint::of_places([Place::FREE; DEPTH]),
            beginnings: Vec::new(),
        };
        let mut places = Places::default();
        let mut variants_of = HashMap::new();
        let mut nodes = 0;
        for term in terms {
            let term = spaced(term)?;
            for c in term.chars() {
                variants_of.entry(c).or_insert_with(|| {
                    list.folding.learn(c);
                    variants(c)
                });
            }
            places.add(&term, &variants_of);
            if list.beginnings.len() <= FEW {
                let mut own = Places::default();
                own.add(&term, &variants_of);
                list.beginnings.push(own.fingerprint());
            }
            list.insert(&term, &mut nodes)?;
        }
        list.fingerprint = places.fingerprint();
        if list.beginnings.len() > FEW {
            list.beginnings = vec![list.fingerprint.clone()];
        }
        Ok(list)
    }

    fn insert(&mut self, term: &str, nodes: &mut u32) -> Result<(), BuildError> {
        let (mut node, mut max_len) = (0, 0);
        let mut chars = term.chars().peekable();
        while let Some(c) = chars.next() {
            max_len += if c == ' ' { MAX_SPACE * UTF8 } else { UTF8 };
            let edge = self.edges.entry(key(node, self.folding.fold(c)));
            let next = edge.or_insert_with(|| {
                *nodes += 1;
                Node {
                    id: *nodes,
                    is_end: false,
                }
            });
            next.is_end |= chars.peek().is_none();
            node = next.id;
        }
        if self.edges.len() > MAX_NODES {
            return Err(BuildErrorKind::TooLarge.into());
        }
        self.max_len = self.max_len.max(max_len);
        Ok(())
    }

    /// The most bytes that an occurrence can take.
    pub(super) fn max_len(&self) -> usize {
        self.max_len
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint.clone()
    }

    /// What the terms begin with: each of few terms by itself, many as one.
    pub(super) fn beginnings(&self) -> &[Fingerprint] {
        &self.beginnings
    }

    /// Reports the end of every term that occurs at `start`.
    pub(super) fn find(&self, bytes: &[u8], start: usize, mut report: impl FnMut(usize)) {
        let Some((first, _)) = char_at(bytes, start) else {
            return;
        };
        if is_word(first) && char_before(bytes, start).is_some_and(is_word) {
            return;
        }
        let (mut node, mut at) = (0, start);
        while let Some((c, length)) = char_at(bytes, at) {
            let is_space = c.is_whitespace();
            let folded = if is_space { ' ' } else { self.folding.fold(c) };
            let Some(next) = self.edges.get(&key(node, folded)) else {
                return;
            };
            node = next.id;
            at += length;
            if is_space {
                at = skip_space(bytes, at);
            }
            let continues = || char_at(bytes, at).is_some_and(|(next, _)| is_word(next));
            if next.is_end && !(is_word(c) && continues()) {
                report(at);
            }
        }
    }
}

/// The term with one space for each run of white space, none around it.
pub(super) fn spaced(term: &str) -> Result<String, BuildError> {
    let mut spaced = String::with_capacity(term.len());
    for part in term.split_whitespace() {
        if !spaced.is_empty() {
            spaced.push(' ');
        }
        spaced.push_str(part);
    }
    if spaced.is_empty() {
        return Err(BuildErrorKind::TermEmpty.into());
    }
    if spaced.len() > MAX_TERM && spaced.chars().count() > MAX_TERM {
        return Err(BuildErrorKind::TermTooLong { limit: MAX_TERM }.into());
    }
    Ok(spaced)
}

/// The end of a run of white space whose first character ends at `at`, or where the run exceeds what
/// a space in a term stands for.
pub(super) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    for _ in 1..MAX_SPACE {
        match char_at(bytes, at) {
            Some((c, length)) if c.is_whitespace() => at += length,
            _ => break,
        }
    }
    at
}

fn key(node: u32, c: char) -> u64 {
    u64::from(node) << 32 | u64::from(c)
}

/// Collects the bytes that the first places of an occurrence can have.
#[derive(Debug, Default)]
struct Places {
    at: [ByteSet; DEPTH],
    can_end: [bool; DEPTH],
    has_open_start: bool,
}

impl Places {
    fn add(&mut self, term: &str, variants: &HashMap<char, Vec<char>>) {
        if !term.chars().next().is_some_and(is_word) {
            self.has_open_start = true;
        }
        // The offsets at which the next character can begin: case may change its length.
        let mut offsets = [false; DEPTH + UTF8];
        offsets[0] = true;
        for c in term.chars() {
            let mut next = [false; DEPTH + UTF8];
            let is_known = c != ' ';
            for (offset, _) in offsets.iter().enumerate().filter(|(_, open)| **open) {
                if !is_known {
                    self.free_from(offset);
                    continue;
                }
                for variant in variants.get(&c).into_iter().flatten() {
                    let mut bytes = [0; UTF8];
                    let bytes = variant.encode_utf8(&mut bytes).as_bytes();
                    for (set, byte) in self.at.iter_mut().skip(offset).zip(bytes) {
                        set.add(*byte);
                    }
                    if let Some(open) = next.get_mut(offset + bytes.len())
                        && offset + bytes.len() < DEPTH
                    {
                        *open = true;
                    }
                }
            }
            offsets = next;
        }
        for (offset, _) in offsets.iter().enumerate().filter(|(_, open)| **open) {
            self.free_from(offset);
        }
    }

    fn free_from(&mut self, offset: usize) {
        for (set, can_end) in self.at.iter_mut().zip(&mut self.can_end).skip(offset) {
            *set = ByteSet::ALL;
            *can_end = true;
        }
    }

    fn fingerprint(&self) -> Fingerprint {
        let mut at = [Place::FREE; DEPTH];
        for ((place, bytes), can_end) in at.iter_mut().zip(self.at).zip(self.can_end) {
            *place = Place { bytes, can_end };
        }
        let fingerprint = Fingerprint::of_places(at);
        if self.has_open_start {
            fingerprint
        } else {
            fingerprint.after(&ByteSet::non_word())
        }
    }
}

/// Spreads the bits of an edge's key; lists come from the policy's author, not from an attacker.
#[derive(Debug, Default)]
struct EdgeHasher(u64);

impl Hasher for EdgeHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        let spread = (self.0 ^ key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = spread ^ (spread >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
