//! The two unsafe steps: loading bytes into registers, and calling code that needs instructions which
//! not every processor has.

use std::arch::x86_64::{__m128i, __m256i, __m512i};
use std::arch::x86_64::{_mm_loadu_si128, _mm256_loadu_si256, _mm512_loadu_si512};

use super::super::plan::Plan;
use super::words::{self, WordMaps};
use super::{FRAME, Maps, x86};

/// The proof that the processor has AVX-512 F and BW.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

/// The proof that the processor has AVX2.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx512 {
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw"))
            .then_some(Self(()))
    }

    #[inline]
    pub(super) fn scan(self, plan: &Plan, frame: &[u8; FRAME], words: usize, maps: &mut Maps) {
        // SAFETY: a value of this type is only made where the processor has what `avx512` enables.
        unsafe { x86::avx512(plan, frame, words, maps) }
    }

    #[inline]
    pub(super) fn words(self, frame: &[u8; words::FRAME], maps: &mut WordMaps) {
        // SAFETY: as above.
        unsafe { words::avx512(frame, maps) }
    }
}

impl Avx2 {
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    #[inline]
    pub(super) fn scan(self, plan: &Plan, frame: &[u8; FRAME], words: usize, maps: &mut Maps) {
        // SAFETY: a value of this type is only made where the processor has what `avx2` enables.
        unsafe { x86::avx2(plan, frame, words, maps) }
    }

    #[inline]
    pub(super) fn words(self, frame: &[u8; words::FRAME], maps: &mut WordMaps) {
        // SAFETY: as above.
        unsafe { words::avx2(frame, maps) }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load64(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: it reads the 64 bytes that the reference is to, at any alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load32(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: it reads the 32 bytes that the reference is to, at any alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn load16(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: it reads the 16 bytes that the reference is to, at any alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}
