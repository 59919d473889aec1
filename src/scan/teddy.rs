//! Patterns that begin with rare bytes: four places are looked up by halves of their bytes, in eight
//! buckets of patterns at once. It may say yes too often, never no wrongly.

use super::fingerprint::ByteSet;
use super::plan::share_of;
use super::sequence::Sequence;

/// How many places are looked at.
pub(super) const PLACES: usize = 4;
/// The buckets of patterns that begin after something that is no word character; the others are
/// for those that can begin anywhere.
const BOUNDED: usize = 6;
const BUCKETS: usize = 8;
/// The bits of the buckets that need a word's beginning.
pub(super) const BOUNDED_BITS: u8 = (1 << BOUNDED) - 1;

/// For each place, by the low and by the high half of a byte: a bit for each bucket.
#[derive(Clone, Debug, Default)]
pub(super) struct Teddy {
    pub(super) low: [[u8; 16]; PLACES],
    pub(super) high: [[u8; 16]; PLACES],
    pub(super) is_empty: bool,
}

/// The halves of the bytes that stand at each place.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    low: [u16; PLACES],
    high: [u16; PLACES],
}

impl Teddy {
    /// The tables for these sequences, each of which begins with the byte before.
    pub(super) fn new<'p>(sequences: impl Iterator<Item = &'p Sequence>) -> Self {
        let mut buckets = [Bucket::default(); BUCKETS];
        let mut is_empty = true;
        for sequence in sequences {
            is_empty = false;
            let Some((before, places)) = sequence.places.split_first() else {
                continue;
            };
            let is_bounded = ByteSet::non_word().covers(before);
            let range = if is_bounded {
                0..BOUNDED
            } else {
                BOUNDED..BUCKETS
            };
            let with = |bucket: &Bucket| {
                let joined = bucket.with(places);
                (joined, joined.rate() - bucket.rate())
            };
            let best = buckets
                .get_mut(range)
                .into_iter()
                .flatten()
                .min_by(|a, b| with(a).1.total_cmp(&with(b).1));
            if let Some(bucket) = best {
                *bucket = bucket.with(places);
            }
        }
        let mut teddy = Self {
            is_empty,
            ..Self::default()
        };
        for (bit, bucket) in buckets.iter().enumerate() {
            spread(&mut teddy.low, &bucket.low, bit);
            spread(&mut teddy.high, &bucket.high, bit);
        }
        teddy
    }
}

impl Bucket {
    fn with(mut self, places: &[ByteSet]) -> Self {
        for (at, (low, high)) in self.low.iter_mut().zip(&mut self.high).enumerate() {
            let set = places.get(at).unwrap_or(&ByteSet::ALL);
            for byte in (0..=255).filter(|byte| set.contains(*byte)) {
                *low |= 1 << (byte & 15);
                *high |= 1 << (byte >> 4);
            }
        }
        self
    }

    /// How often everyday text passes.
    fn rate(&self) -> f64 {
        let places = self.low.iter().zip(&self.high);
        places
            .map(|(low, high)| {
                let mut set = ByteSet::default();
                let passes =
                    |byte: &u8| low >> (byte & 15) & 1 == 1 && high >> (byte >> 4) & 1 == 1;
                (0..=255).filter(passes).for_each(|byte| set.add(byte));
                share_of(&set)
            })
            .product()
    }
}

fn spread(tables: &mut [[u8; 16]; PLACES], halves: &[u16; PLACES], bit: usize) {
    for (table, half) in tables.iter_mut().zip(halves) {
        for (at, entry) in table.iter_mut().enumerate() {
            if half >> at & 1 == 1 {
                *entry |= 1 << bit;
            }
        }
    }
}
