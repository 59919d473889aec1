//! Bitmaps of word characters: where words begin, and which are in ASCII.

use super::Strategy;
#[cfg(target_arch = "x86_64")]
use super::x86_entry;

/// How many words of 64 places are made at once, besides one to look ahead.
pub(in crate::scan) const WORDS: usize = 32;
/// How many places that is.
pub(in crate::scan) const TILE: usize = WORDS * 64;
/// The bytes that it takes.
pub(in crate::scan) const FRAME: usize = TILE + 64;

/// The bitmaps of one tile.
#[derive(Debug)]
pub(in crate::scan) struct WordMaps {
    /// Letters, digits and `_` in ASCII, and bytes beyond ASCII.
    pub(super) part: [u64; WORDS + 1],
    /// Bytes beyond ASCII.
    pub(super) high: [u64; WORDS + 1],
}

impl WordMaps {
    pub(in crate::scan) const fn new() -> Self {
        Self {
            part: [0; WORDS + 1],
            high: [0; WORDS + 1],
        }
    }

    /// Both bitmaps of one word.
    #[inline(always)]
    pub(in crate::scan) fn at(&self, word: usize) -> Option<(u64, u64)> {
        Some((*self.part.get(word)?, *self.high.get(word)?))
    }
}

impl Strategy {
    /// Makes the bitmaps of a tile. False when the processor can't.
    pub(in crate::scan) fn words(self, frame: &[u8; FRAME], maps: &mut WordMaps) -> bool {
        #[cfg(target_arch = "x86_64")]
        match self {
            Self::Avx512 => {
                if let Some(avx512) = x86_entry::Avx512::detect() {
                    avx512.words(frame, maps);
                    return true;
                }
            }
            Self::Avx2 => {
                if let Some(avx2) = x86_entry::Avx2::detect() {
                    avx2.words(frame, maps);
                    return true;
                }
            }
            Self::Tables => {}
        }
        let _ = (frame, maps);
        false
    }
}

/// The bitmaps by AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn avx512(frame: &[u8; FRAME], maps: &mut WordMaps) {
    use std::arch::x86_64::*;

    let (chunks, _) = frame.as_chunks::<64>();
    let all = |byte: u8| _mm512_set1_epi8(byte.cast_signed());
    let rows = maps.part.iter_mut().zip(&mut maps.high);
    for (chunk, (part, high)) in chunks.iter().zip(rows) {
        let bytes = x86_entry::load64(chunk);
        let within = |bytes, first: u8, last: u8| {
            _mm512_cmple_epu8_mask(_mm512_sub_epi8(bytes, all(first)), all(last - first))
        };
        *high = _mm512_movepi8_mask(bytes);
        *part = within(bytes, b'0', b'9')
            | within(_mm512_or_si512(bytes, all(0x20)), b'a', b'z')
            | _mm512_cmpeq_epi8_mask(bytes, all(b'_'))
            | *high;
    }
}

/// The bitmaps by AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
pub(super) fn avx2(frame: &[u8; FRAME], maps: &mut WordMaps) {
    use std::arch::x86_64::*;

    let (chunks, _) = frame.as_chunks::<32>();
    let all = |byte: u8| _mm256_set1_epi8(byte.cast_signed());
    let rows = maps.part.iter_mut().zip(&mut maps.high);
    for (chunk, (part, high)) in chunks.chunks_exact(2).zip(rows) {
        (*part, *high) = (0, 0);
        for (half, shift) in chunk.iter().zip([0, 32]) {
            let bytes = x86_entry::load32(half);
            let within = |bytes, first: u8, last: u8| {
                let from_first = _mm256_sub_epi8(bytes, all(first));
                _mm256_cmpeq_epi8(_mm256_min_epu8(from_first, all(last - first)), from_first)
            };
            let ascii = _mm256_or_si256(
                within(bytes, b'0', b'9'),
                within(_mm256_or_si256(bytes, all(0x20)), b'a', b'z'),
            );
            let word = _mm256_or_si256(ascii, _mm256_cmpeq_epi8(bytes, all(b'_')));
            let mask = |bytes| u64::from(_mm256_movemask_epi8(bytes).cast_unsigned());
            *high |= mask(bytes) << shift;
            *part |= mask(_mm256_or_si256(word, bytes)) << shift;
        }
    }
}
