//! Candidates from bitmaps, 64 bytes at a time, by the widest instructions that the processor has.

mod logic;
pub(super) mod words;
#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "loads into registers, and calls of what the processor was asked about"
)]
mod x86_entry;

use super::plan::{Plan, ROWS};

/// How many words of 64 places are judged at once.
pub(super) const WORDS: usize = 32;
/// How many places that is.
pub(super) const TILE: usize = WORDS * 64;
/// The bytes that judging them takes: the one before, the tile, and a word to look ahead.
pub(super) const FRAME: usize = TILE + 64 + 64;
/// A bitmap of a tile, the word after it, and words of ones: what lies further may be anything.
/// Where fewer words are judged, both follow these.
const ROW: usize = WORDS + 16;

/// How candidates are found.
///
/// All give the same hits; [`Automaton::with_strategy`](super::Automaton::with_strategy) is for
/// tests and comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// Bitmaps by AVX-512 (BW): 64 bytes an instruction.
    Avx512,
    /// Bitmaps by AVX2: 32 bytes an instruction.
    Avx2,
    /// Tables of bytes, on any processor.
    Tables,
}

impl Strategy {
    /// What this processor can do, the fastest first.
    pub fn available() -> impl Iterator<Item = Self> {
        [Self::Avx512, Self::Avx2, Self::Tables]
            .into_iter()
            .filter(|strategy| strategy.is_available())
    }

    pub(super) fn is_available(self) -> bool {
        match self {
            Self::Tables => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => x86_entry::Avx512::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => x86_entry::Avx2::detect().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// Finds the candidates of the first `words` of a tile. False when the processor can't.
    pub(super) fn scan(
        self,
        plan: &Plan,
        frame: &[u8; FRAME],
        words: usize,
        maps: &mut Maps,
    ) -> bool {
        #[cfg(target_arch = "x86_64")]
        match self {
            Self::Avx512 => {
                if let Some(avx512) = x86_entry::Avx512::detect() {
                    avx512.scan(plan, frame, words, maps);
                    return true;
                }
            }
            Self::Avx2 => {
                if let Some(avx2) = x86_entry::Avx2::detect() {
                    avx2.scan(plan, frame, words, maps);
                    return true;
                }
            }
            Self::Tables => {}
        }
        let _ = (plan, frame, words, maps);
        false
    }
}

/// The bitmaps of one tile.
pub(super) struct Maps {
    rows: [[u64; ROW]; ROWS],
    /// The candidates of what begins with few strings,
    pub(super) literal: [u64; WORDS],
    /// and of what begins with classes of bytes.
    pub(super) classes: [u64; WORDS],
}

impl Maps {
    pub(super) const fn new() -> Self {
        Self {
            rows: [[0; ROW]; ROWS],
            literal: [0; WORDS],
            classes: [0; WORDS],
        }
    }
}

/// Visits each of the first `places` that is set.
#[inline(always)]
pub(super) fn each(bits: &[u64; WORDS], places: usize, mut visit: impl FnMut(usize)) {
    for (bits, start) in bits.iter().zip((0..places).step_by(64)) {
        let mut bits = match places - start {
            left @ ..64 => bits & ((1 << left) - 1),
            _ => *bits,
        };
        while bits != 0 {
            visit(start + bits.trailing_zeros() as usize);
            bits &= bits - 1;
        }
    }
}
