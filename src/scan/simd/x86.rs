//! Bytes to bitmaps on x86-64. A class is a shuffle by the low half of each byte, which gives the
//! high halves that the class has there, and a test against the byte's own high half.

use std::arch::x86_64::*;

use super::super::plan::{CLASSES, Plan};
use super::super::teddy::{BOUNDED_BITS, PLACES};
use super::x86_entry::{load16, load32, load64};
use super::{FRAME, Maps, WORDS, logic};

/// A bit for each high half of an ASCII byte.
const HALVES: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];

#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn avx512(plan: &Plan, frame: &[u8; FRAME], maps: &mut Maps) {
    let wide = |table: &[u8; 16]| _mm512_broadcast_i32x4(load16(table));
    let (low_half, halves) = (_mm512_set1_epi8(15), wide(&HALVES));
    let high_half = |bytes| _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), low_half);
    let mut tables = [_mm512_setzero_si512(); CLASSES];
    for (table, class) in tables.iter_mut().zip(&plan.classes) {
        *table = wide(&class.table);
    }
    let tables = tables.get(..plan.classes.len()).unwrap_or_default();
    let beyond_ascii = plan
        .classes
        .iter()
        .take_while(|class| class.is_high)
        .count();
    let teddy_low = plan.teddy.low.map(|table| wide(&table));
    let teddy_high = plan.teddy.high.map(|table| wide(&table));
    let (bounded, free) = (
        _mm512_set1_epi8(BOUNDED_BITS.cast_signed()),
        _mm512_set1_epi8((!BOUNDED_BITS).cast_signed()),
    );
    let at = |offset: usize| frame.get(offset..).and_then(|rest| rest.first_chunk());
    for word in 0..=WORDS {
        let Some(bytes) = at(word * 64) else {
            return;
        };
        let bytes = load64(bytes);
        let half = _mm512_shuffle_epi8(halves, high_half(bytes));
        let high = _mm512_movepi8_mask(bytes);
        for (table, row) in tables.iter().zip(&mut maps.rows) {
            if let Some(target) = row.get_mut(word) {
                *target = _mm512_test_epi8_mask(_mm512_shuffle_epi8(*table, bytes), half);
            }
        }
        for row in maps.rows.iter_mut().take(beyond_ascii) {
            if let Some(target) = row.get_mut(word) {
                *target |= high;
            }
        }
        if plan.teddy.is_empty || word == WORDS {
            continue;
        }
        let mut passed = _mm512_set1_epi8(-1);
        for place in 0..PLACES {
            let (Some(bytes), Some(low), Some(high)) = (
                at(word * 64 + 1 + place),
                teddy_low.get(place),
                teddy_high.get(place),
            ) else {
                return;
            };
            let bytes = load64(bytes);
            let low = _mm512_shuffle_epi8(*low, _mm512_and_si512(bytes, low_half));
            let high = _mm512_shuffle_epi8(*high, high_half(bytes));
            passed = _mm512_and_si512(passed, _mm512_and_si512(low, high));
        }
        let [non_word, ..] = &maps.rows;
        if let (Some(rare), Some(begins)) = (maps.rare.get_mut(word), non_word.get(word)) {
            *rare = (_mm512_test_epi8_mask(passed, bounded) & begins)
                | _mm512_test_epi8_mask(passed, free);
        }
    }
    logic::combine(plan, maps);
}

#[target_feature(enable = "avx2")]
pub(super) fn avx2(plan: &Plan, frame: &[u8; FRAME], maps: &mut Maps) {
    let wide = |table: &[u8; 16]| _mm256_broadcastsi128_si256(load16(table));
    let (low_half, halves) = (_mm256_set1_epi8(15), wide(&HALVES));
    let high_half = |bytes| _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), low_half);
    let mask = |bytes| u64::from(_mm256_movemask_epi8(bytes).cast_unsigned());
    // The bytes that aren't zero.
    let some = |bytes| mask(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256())) ^ 0xffff_ffff;
    let mut tables = [_mm256_setzero_si256(); CLASSES];
    for (table, class) in tables.iter_mut().zip(&plan.classes) {
        *table = wide(&class.table);
    }
    let tables = tables.get(..plan.classes.len()).unwrap_or_default();
    let beyond_ascii = plan
        .classes
        .iter()
        .take_while(|class| class.is_high)
        .count();
    let teddy_low = plan.teddy.low.map(|table| wide(&table));
    let teddy_high = plan.teddy.high.map(|table| wide(&table));
    let (bounded, free) = (
        _mm256_set1_epi8(BOUNDED_BITS.cast_signed()),
        _mm256_set1_epi8((!BOUNDED_BITS).cast_signed()),
    );
    let at = |offset: usize| frame.get(offset..).and_then(|rest| rest.first_chunk());
    for word in 0..=WORDS {
        let (Some(left), Some(right)) = (at(word * 64), at(word * 64 + 32)) else {
            return;
        };
        let (left, right) = (load32(left), load32(right));
        let left_half = _mm256_shuffle_epi8(halves, high_half(left));
        let right_half = _mm256_shuffle_epi8(halves, high_half(right));
        let high = mask(left) | mask(right) << 32;
        for (table, row) in tables.iter().zip(&mut maps.rows) {
            if let Some(target) = row.get_mut(word) {
                let left = _mm256_and_si256(_mm256_shuffle_epi8(*table, left), left_half);
                let right = _mm256_and_si256(_mm256_shuffle_epi8(*table, right), right_half);
                *target = some(left) | some(right) << 32;
            }
        }
        for row in maps.rows.iter_mut().take(beyond_ascii) {
            if let Some(target) = row.get_mut(word) {
                *target |= high;
            }
        }
        if plan.teddy.is_empty || word == WORDS {
            continue;
        }
        let (mut bounded_places, mut free_places) = (0, 0);
        for (side, shift) in [(0, 0), (32, 32)] {
            let mut passed = _mm256_set1_epi8(-1);
            for place in 0..PLACES {
                let (Some(bytes), Some(low), Some(high)) = (
                    at(word * 64 + side + 1 + place),
                    teddy_low.get(place),
                    teddy_high.get(place),
                ) else {
                    return;
                };
                let bytes = load32(bytes);
                let low = _mm256_shuffle_epi8(*low, _mm256_and_si256(bytes, low_half));
                let high = _mm256_shuffle_epi8(*high, high_half(bytes));
                passed = _mm256_and_si256(passed, _mm256_and_si256(low, high));
            }
            bounded_places |= some(_mm256_and_si256(passed, bounded)) << shift;
            free_places |= some(_mm256_and_si256(passed, free)) << shift;
        }
        let [non_word, ..] = &maps.rows;
        if let (Some(rare), Some(begins)) = (maps.rare.get_mut(word), non_word.get(word)) {
            *rare = (bounded_places & begins) | free_places;
        }
    }
    logic::combine(plan, maps);
}
