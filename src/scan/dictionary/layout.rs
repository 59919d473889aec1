//! The file's layout, version 2: a head of fixed size, then four sections. All numbers are
//! little-endian, so that a file can be used on any machine.
//!
//! | section | an element | what for |
//! | --- | --- | --- |
//! | folds | `u32` character, `u32` the one that stands for its case class | folding |
//! | filter | `u64` | a Bloom filter in blocks over the keys of anchors |
//! | slots | `u32` tag, `u32` offset in the arena | an open hash table from keys to nodes |
//! | arena | bytes | nodes: how many entries, then each entry; see `entry.rs` |
//!
//! Nothing in a file is believed: every read is bounded, so a forged file can give wrong answers, not
//! wrong accesses. `verify` finds what isn't forged but damaged.

use std::ops::Range;

use super::{DictionaryError, DictionaryErrorKind};

pub(super) const MAGIC: &[u8] = b"CHAPDICT";
const VERSION: u32 = 2;
/// The size of the head: numbers, the lengths of anchors, two hashes.
pub(super) const HEAD: usize = NUMBERS + 256 * 8 + HASH + HASH;
const NUMBERS: usize = 8 + 4 + 4 + 9 * 8;
const HASH: usize = 32;
/// More than any entry can take: 256 characters, each white space of 16.
const REACH: usize = 1 << 16;
pub(super) const FOLD: usize = 8;
pub(super) const BLOCK: usize = 8;
pub(super) const SLOT: usize = 8;

/// What the head says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// What hashes begin with: told by the entries, so that who knows none can't choose collisions.
    pub(super) seed: u64,
    pub(super) entries: u64,
    /// The most bytes that an occurrence can have before, and from its anchor on.
    pub(super) back: usize,
    pub(super) ahead: usize,
    /// The longest anchor, folded, in bytes.
    pub(super) longest: usize,
    /// How many elements the sections have.
    pub(super) folds: usize,
    pub(super) blocks: usize,
    pub(super) slots: usize,
    pub(super) arena: usize,
    /// By the first byte of a word in ASCII: a bit for each length that anchors with it have; bit 63
    /// stands for 63 and more.
    pub(super) lengths: Lengths,
    body: [u8; HASH],
}

/// Which lengths anchors in ASCII have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lengths {
    by_first: Box<[u64; 256]>,
    /// The shortest of them; 63 where all are longer, or there is none.
    pub(super) shortest: u32,
}

impl Lengths {
    fn new(by_first: Box<[u64; 256]>) -> Self {
        let all = by_first.iter().fold(1 << 63, |all, of| all | of);
        Self {
            by_first,
            shortest: all.trailing_zeros(),
        }
    }

    /// A bit for each length that anchors have of which this is the first byte.
    #[inline(always)]
    pub(super) fn of(&self, byte: u8) -> u64 {
        self.by_first.get(usize::from(byte)).copied().unwrap_or(0)
    }
}

/// The sections to lay out, and what the head says of them.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) seed: u64,
    pub(super) entries: u64,
    pub(super) back: usize,
    pub(super) ahead: usize,
    pub(super) longest: usize,
    pub(super) lengths: Vec<u64>,
    pub(super) folds: Vec<(u32, u32)>,
    pub(super) filter: Vec<u64>,
    pub(super) slots: Vec<(u32, u32)>,
    pub(super) arena: Vec<u8>,
}

impl Parts {
    /// The file's bytes.
    pub(super) fn lay_out(&self) -> Vec<u8> {
        let size = self.folds.len() * FOLD + self.filter.len() * BLOCK + self.slots.len() * SLOT;
        let mut out = Vec::with_capacity(HEAD + size + self.arena.len());
        out.resize(HEAD, 0);
        for (from, to) in &self.folds {
            out.extend_from_slice(&from.to_le_bytes());
            out.extend_from_slice(&to.to_le_bytes());
        }
        for block in &self.filter {
            out.extend_from_slice(&block.to_le_bytes());
        }
        for (tag, node) in &self.slots {
            out.extend_from_slice(&tag.to_le_bytes());
            out.extend_from_slice(&node.to_le_bytes());
        }
        out.extend_from_slice(&self.arena);
        let mut head = Vec::with_capacity(HEAD);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&VERSION.to_le_bytes());
        head.extend_from_slice(&0_u32.to_le_bytes());
        let numbers = [
            self.back,
            self.ahead,
            self.longest,
            self.folds.len(),
            self.filter.len(),
            self.slots.len(),
            self.arena.len(),
        ];
        let numbers = numbers.map(|number| number as u64);
        for number in [self.seed, self.entries].iter().chain(&numbers) {
            head.extend_from_slice(&number.to_le_bytes());
        }
        for lengths in self.lengths.iter().chain(std::iter::repeat(&0)).take(256) {
            head.extend_from_slice(&lengths.to_le_bytes());
        }
        let body = blake3::hash(out.get(HEAD..).unwrap_or_default());
        head.extend_from_slice(body.as_bytes());
        let sealed = blake3::hash(&head);
        head.extend_from_slice(sealed.as_bytes());
        for (to, byte) in out.iter_mut().zip(head) {
            *to = byte;
        }
        out
    }
}

impl Layout {
    /// Reads the head of a file's `bytes`.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, DictionaryError> {
        if !bytes.starts_with(MAGIC) {
            return Err(DictionaryErrorKind::Foreign.into());
        }
        let corrupt = DictionaryErrorKind::Corrupt;
        let Some(found) = u32_at(bytes, MAGIC.len()) else {
            return Err(corrupt.into());
        };
        if found != VERSION {
            return Err(DictionaryErrorKind::Version { found }.into());
        }
        Self::numbers(bytes).ok_or(corrupt.into())
    }

    fn numbers(bytes: &[u8]) -> Option<Self> {
        let (said, sealed) = bytes.get(..HEAD)?.split_at_checked(HEAD - HASH)?;
        if blake3::hash(said).as_bytes() != sealed {
            return None;
        }
        let number = |index: usize| u64_at(bytes, MAGIC.len() + 8 + index * 8);
        let size = |index| usize::try_from(number(index)?).ok();
        let mut lengths = Box::new([0; 256]);
        for (index, of) in lengths.iter_mut().enumerate() {
            *of = u64_at(bytes, NUMBERS + index * 8)?;
        }
        let layout = Self {
            seed: number(0)?,
            entries: number(1)?,
            back: size(2)?,
            ahead: size(3)?,
            longest: size(4)?,
            folds: size(5)?,
            blocks: size(6)?,
            slots: size(7)?,
            arena: size(8)?,
            lengths: Lengths::new(lengths),
            body: *bytes.get(NUMBERS + 256 * 8..)?.first_chunk()?,
        };
        let sized = [
            (layout.folds, FOLD),
            (layout.blocks, BLOCK),
            (layout.slots, SLOT),
        ];
        let mut end = HEAD.checked_add(layout.arena)?;
        for (count, each) in sized {
            end = end.checked_add(count.checked_mul(each)?)?;
        }
        let reaches = [layout.back, layout.ahead, layout.longest];
        let is_sound = end == bytes.len() && reaches.iter().all(|reach| *reach <= REACH);
        is_sound.then_some(layout)
    }

    pub(super) fn verify(&self, bytes: &[u8]) -> Result<(), DictionaryError> {
        let body = bytes.get(HEAD..).unwrap_or_default();
        if *blake3::hash(body).as_bytes() == self.body {
            Ok(())
        } else {
            Err(DictionaryErrorKind::Corrupt.into())
        }
    }

    /// Which character stands for which case class.
    pub(super) fn folds(&self, bytes: &[u8]) -> impl Iterator<Item = (char, char)> {
        let section = bytes.get(HEAD..HEAD + self.folds * FOLD);
        let (folds, _) = section.unwrap_or_default().as_chunks::<FOLD>();
        folds.iter().filter_map(|fold| {
            let from = u32_at(fold, 0).and_then(char::from_u32)?;
            Some((from, u32_at(fold, 4).and_then(char::from_u32)?))
        })
    }

    /// Where the filter, the slots and the arena are.
    pub(super) fn sections(&self) -> [Range<usize>; 3] {
        let filter = HEAD + self.folds * FOLD;
        let slots = filter + self.blocks * BLOCK;
        let arena = slots + self.slots * SLOT;
        [filter..slots, slots..arena, arena..arena + self.arena]
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
