//! Programs by the classes of bytes that their matches begin with: a place after the other rules some
//! out, of all at once, until none is left.

use super::fingerprint::ByteSet;
use super::sequence::Sequence;

/// How many places are looked at, the one before the match among them.
const RUNGS: usize = 17;
/// The bits that one step takes: of so many sequences.
const WORDS: usize = 4;
const WIDTH: usize = WORDS * 64;

type Row = [u64; WORDS];

/// Tells which sequences go on with the bytes at a place.
#[derive(Debug, Default)]
pub(super) struct Ladder {
    /// Which bytes are alike: they are in the same sets at every place of every sequence.
    kinds: Vec<u8>,
    /// How many kinds there are.
    width: usize,
    boards: Vec<Board>,
}

/// So many sequences as one step takes.
#[derive(Debug)]
struct Board {
    /// By rung and kind of byte: the sequences that can have it there.
    rows: Vec<Row>,
    /// The programs of each sequence.
    programs: Vec<Vec<usize>>,
}

impl Ladder {
    /// A ladder for programs, each with its sequences.
    pub(super) fn new<'p>(all: impl Iterator<Item = (usize, &'p [Sequence])>) -> Self {
        let mut filed: Vec<(Vec<ByteSet>, Vec<usize>)> = Vec::new();
        let mut known = std::collections::HashMap::new();
        for (program, sequences) in all {
            for sequence in sequences {
                let mut places = sequence.places.clone();
                places.truncate(RUNGS);
                let at = *known.entry(places.clone()).or_insert(filed.len());
                match filed.get_mut(at) {
                    Some((_, programs)) => programs.push(program),
                    None => filed.push((places, vec![program])),
                }
            }
        }
        if filed.is_empty() {
            return Self::default();
        }
        // Those that begin alike are ruled out together.
        filed.sort();
        let sets: std::collections::BTreeSet<ByteSet> = filed
            .iter()
            .flat_map(|(places, _)| places)
            .copied()
            .collect();
        let (kinds, width) = kinds(&sets);
        let boards = filed.chunks(WIDTH);
        let boards = boards.map(|of| Board::new(of, &kinds, width)).collect();
        Self {
            kinds,
            width,
            boards,
        }
    }

    /// Visits the programs that can begin at `at`, each once.
    #[inline]
    pub(super) fn each(&self, bytes: &[u8], at: usize, visit: &mut impl FnMut(usize)) {
        let mut found = Found::default();
        let near = Self::bytes(bytes, at);
        for board in &self.boards {
            board.climb(self, &near, &mut found);
        }
        found.each(visit);
    }

    /// The byte of each rung: the first is before `at`.
    #[inline]
    fn bytes(bytes: &[u8], at: usize) -> [u8; RUNGS] {
        let before = at.checked_sub(1);
        if let Some(near) = before.and_then(|start| bytes.get(start..)?.first_chunk()) {
            return *near;
        }
        // INVARIANT: zeros stand for what is outside: they are no word characters, and no match
        // needs them, so they can only say yes too often.
        let mut near = [0; RUNGS];
        let inside = bytes.get(before.unwrap_or(0)..).unwrap_or_default();
        let places = near.iter_mut().skip(usize::from(before.is_none()));
        places.zip(inside).for_each(|(to, from)| *to = *from);
        near
    }
}

impl Board {
    fn new(of: &[(Vec<ByteSet>, Vec<usize>)], kinds: &[u8], width: usize) -> Self {
        let mut rows = vec![[0; WORDS]; RUNGS * width];
        let mut sample = vec![0_u8; width];
        for (byte, kind) in (0..=255_u8).zip(kinds) {
            if let Some(sample) = sample.get_mut(usize::from(*kind)) {
                *sample = byte;
            }
        }
        for (bit, (places, _)) in of.iter().enumerate() {
            for rung in 0..RUNGS {
                let set = places.get(rung).unwrap_or(&ByteSet::ALL);
                let row = rows.iter_mut().skip(rung * width).zip(&sample);
                for (row, _) in row.filter(|(_, byte)| set.contains(**byte)) {
                    if let Some(word) = row.get_mut(bit / 64) {
                        *word |= 1 << (bit % 64);
                    }
                }
            }
        }
        Self {
            rows,
            programs: of.iter().map(|(_, programs)| programs.clone()).collect(),
        }
    }

    #[inline]
    fn climb(&self, ladder: &Ladder, near: &[u8; RUNGS], found: &mut Found) {
        let mut left: Row = [u64::MAX; WORDS];
        for (byte, rows) in near.iter().zip(self.rows.chunks_exact(ladder.width)) {
            let kind = ladder.kinds.get(usize::from(*byte)).copied();
            let Some(row) = kind.and_then(|kind| rows.get(usize::from(kind))) else {
                return;
            };
            left.iter_mut()
                .zip(row)
                .for_each(|(left, row)| *left &= row);
            if left == [0; WORDS] {
                return;
            }
        }
        for (word, mut bits) in left.into_iter().enumerate() {
            while bits != 0 {
                let bit = word * 64 + bits.trailing_zeros() as usize;
                let programs = self.programs.get(bit);
                programs.into_iter().flatten().for_each(|of| found.add(*of));
                bits &= bits - 1;
            }
        }
    }
}

/// Programs without repetition.
#[derive(Default)]
struct Found {
    few: [usize; 16],
    count: usize,
    more: Vec<usize>,
}

impl Found {
    fn add(&mut self, program: usize) {
        let known = self.few.get(..self.count).unwrap_or_default();
        if known.contains(&program) || self.more.contains(&program) {
            return;
        }
        match self.few.get_mut(self.count) {
            Some(place) => {
                *place = program;
                self.count += 1;
            }
            None => self.more.push(program),
        }
    }

    #[inline]
    fn each(&self, visit: &mut impl FnMut(usize)) {
        let few = self.few.iter().take(self.count);
        few.chain(&self.more).for_each(|program| visit(*program));
    }
}

/// Numbers the bytes so that those alike have one number; and how many numbers there are.
fn kinds(sets: &std::collections::BTreeSet<ByteSet>) -> (Vec<u8>, usize) {
    let mut known: std::collections::HashMap<Vec<bool>, u8> = std::collections::HashMap::new();
    let mut kinds = Vec::with_capacity(256);
    for byte in 0..=255_u8 {
        let member: Vec<bool> = sets.iter().map(|set| set.contains(byte)).collect();
        let next = u8::try_from(known.len()).unwrap_or(u8::MAX);
        kinds.push(*known.entry(member).or_insert(next));
    }
    (kinds, known.len())
}
