//! Bytes to bitmaps on x86-64. A class is a shuffle by the low half of each byte, which gives the
//! high halves that the class has there, and a test against the byte's own high half.

use std::arch::x86_64::*;

use super::super::plan::{CLASSES, Plan};
use super::x86_entry::{load16, load32, load64};
use super::{FRAME, Maps, WORDS, logic};

/// A bit for each high half of an ASCII byte.
const HALVES: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];

#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn avx512(plan: &Plan, frame: &[u8; FRAME], words: usize, maps: &mut Maps) {
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
    let at = |offset: usize| frame.get(offset..).and_then(|rest| rest.first_chunk());
    let words = words.min(WORDS);
    for word in 0..=words {
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
    }
    let near = logic::combine(plan, words, maps);
    let all = u64::MAX.checked_shr(64 - words as u32).unwrap_or(0);
    let [non_word, ..] = &maps.rows;
    let near = near & all;
    let everywhere = plan.teddy.tables.iter().map(|halves| (halves, all));
    let distant = plan.distant.tables.iter().map(|halves| (halves, near));
    for (halves, mut places) in everywhere.chain(distant) {
        if places == 0 {
            continue;
        }
        let lows = halves.low.map(|table| wide(&table));
        let highs = halves.high.map(|table| wide(&table));
        while places != 0 {
            let word = places.trailing_zeros() as usize;
            places &= places - 1;
            // Four places, each by the halves of its bytes.
            let mut passed = _mm512_set1_epi8(-1);
            for (place, (lows, highs)) in lows.iter().zip(&highs).enumerate() {
                let Some(bytes) = at(word * 64 + 1 + place) else {
                    return;
                };
                let bytes = load64(bytes);
                let low = _mm512_shuffle_epi8(*lows, _mm512_and_si512(bytes, low_half));
                let high = _mm512_shuffle_epi8(*highs, high_half(bytes));
                // All three.
                passed = _mm512_ternarylogic_epi64::<0x80>(passed, low, high);
            }
            let mut found = _mm512_test_epi8_mask(passed, passed);
            if halves.is_bounded {
                found &= non_word.get(word).copied().unwrap_or(u64::MAX);
            }
            if let Some(any) = maps.literal.get_mut(word) {
                *any |= found;
            }
        }
    }
}

#[target_feature(enable = "avx2")]
pub(super) fn avx2(plan: &Plan, frame: &[u8; FRAME], words: usize, maps: &mut Maps) {
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
    let at = |offset: usize| frame.get(offset..).and_then(|rest| rest.first_chunk());
    let words = words.min(WORDS);
    for word in 0..=words {
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
    }
    let near = logic::combine(plan, words, maps);
    let all = u64::MAX.checked_shr(64 - words as u32).unwrap_or(0);
    let [non_word, ..] = &maps.rows;
    let near = near & all;
    let everywhere = plan.teddy.tables.iter().map(|halves| (halves, all));
    let distant = plan.distant.tables.iter().map(|halves| (halves, near));
    for (halves, mut places) in everywhere.chain(distant) {
        if places == 0 {
            continue;
        }
        let lows = halves.low.map(|table| wide(&table));
        let highs = halves.high.map(|table| wide(&table));
        while places != 0 {
            let word = places.trailing_zeros() as usize;
            places &= places - 1;
            let mut found = 0;
            for side in [0, 32] {
                // Four places, each by the halves of its bytes.
                let mut passed = _mm256_set1_epi8(-1);
                for (place, (lows, highs)) in lows.iter().zip(&highs).enumerate() {
                    let Some(bytes) = at(word * 64 + side + 1 + place) else {
                        return;
                    };
                    let bytes = load32(bytes);
                    let low = _mm256_shuffle_epi8(*lows, _mm256_and_si256(bytes, low_half));
                    let high = _mm256_shuffle_epi8(*highs, high_half(bytes));
                    passed = _mm256_and_si256(passed, _mm256_and_si256(low, high));
                }
                found |= some(passed) << side;
            }
            if halves.is_bounded {
                found &= non_word.get(word).copied().unwrap_or(u64::MAX);
            }
            if let Some(any) = maps.literal.get_mut(word) {
                *any |= found;
            }
        }
    }
}
