//! Patterns that begin with few strings: four places are looked up by halves of their bytes, in eight
//! buckets of patterns at once. It may say yes too often, never no wrongly.

use std::sync::LazyLock;

use super::fingerprint::ByteSet;
use super::gather::{Joined, gather};
use super::plan::share_of_byte;
use super::sequence::Sequence;

/// How many places are looked at.
pub(super) const PLACES: usize = 4;
const BUCKETS: usize = 8;

/// How often everyday text has a byte of a high half and one of a set of low halves: those below eight, and those above.
type Shares = [[f64; 256]; 2];

static SHARES: LazyLock<Box<[Shares; 16]>> = LazyLock::new(|| {
    let mut shares = Box::new([[[0.0; 256]; 2]; 16]);
    for (high, sides) in (0..16).zip(shares.iter_mut()) {
        for (side, sums) in (0..2).zip(sides.iter_mut()) {
            for (set, sum) in (0..256_u16).zip(sums.iter_mut()) {
                let lows = (0..8).filter(|low| set >> low & 1 == 1);
                *sum = lows
                    .map(|low| share_of_byte(high << 4 | side << 3 | low))
                    .sum();
            }
        }
    }
    shares
});

#[derive(Clone, Debug)]
pub(super) struct Teddy {
    pub(super) tables: Vec<Halves>,
}

/// For each place, by the low and by the high half of a byte: a bit for each bucket.
#[derive(Clone, Debug, Default)]
pub(super) struct Halves {
    pub(super) low: [[u8; 16]; PLACES],
    pub(super) high: [[u8; 16]; PLACES],
    /// For patterns that begin after something that is no word character.
    pub(super) is_bounded: bool,
}

/// The halves of the bytes that stand at each place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bucket {
    low: [u16; PLACES],
    high: [u16; PLACES],
}

impl Teddy {
    /// The tables for these sequences, each of which begins with the byte before: at `most` so many for those that
    /// begin a word, and as many for others.
    pub(super) fn new<'p>(sequences: impl Iterator<Item = &'p Sequence>, most: usize) -> Self {
        let (mut bounded, mut free) = (Vec::new(), Vec::new());
        for sequence in sequences {
            let Some((before, places)) = sequence.places.split_first() else {
                continue;
            };
            let side = if ByteSet::non_word().covers(before) {
                &mut bounded
            } else {
                &mut free
            };
            let bucket = Bucket::of(places);
            if !side.contains(&bucket) {
                side.push(bucket);
            }
        }
        let mut tables = Vec::new();
        for (side, is_bounded) in [(bounded, true), (free, false)] {
            let mut buckets = gather(side, most * BUCKETS, f64::NEG_INFINITY);
            // Those alike share a table, so that the others' tables pass less.
            buckets.sort_by_key(|bucket| (bucket.high, bucket.low));
            let all = buckets.chunks(BUCKETS);
            tables.extend(all.map(|buckets| Halves::of(buckets, is_bounded)));
        }
        Self { tables }
    }
}

impl Halves {
    fn of(buckets: &[Bucket], is_bounded: bool) -> Self {
        let mut halves = Self {
            is_bounded,
            ..Self::default()
        };
        for (bit, bucket) in buckets.iter().enumerate() {
            spread(&mut halves.low, &bucket.low, bit);
            spread(&mut halves.high, &bucket.high, bit);
        }
        halves
    }
}

impl Bucket {
    fn of(places: &[ByteSet]) -> Self {
        let mut bucket = Self::default();
        for (at, (low, high)) in bucket.low.iter_mut().zip(&mut bucket.high).enumerate() {
            let set = places.get(at).unwrap_or(&ByteSet::ALL);
            for byte in (0..=255).filter(|byte| set.contains(*byte)) {
                *low |= 1 << (byte & 15);
                *high |= 1 << (byte >> 4);
            }
        }
        bucket
    }
}

impl Joined for Bucket {
    fn joined(&self, other: &Self) -> Self {
        let both = |a: &[u16; PLACES], b: &[u16; PLACES]| {
            let mut both = *a;
            both.iter_mut().zip(b).for_each(|(both, b)| *both |= b);
            both
        };
        Self {
            low: both(&self.low, &other.low),
            high: both(&self.high, &other.high),
        }
    }

    fn rate(&self) -> f64 {
        let places = self.low.iter().zip(&self.high);
        let share = |(low, high): (&u16, &u16)| -> f64 {
            let [below, above] = low.to_le_bytes().map(usize::from);
            let halves = SHARES.iter().enumerate();
            let rows = halves.filter(|(half, _)| high >> half & 1 == 1);
            rows.map(|(_, [first, second])| {
                first.get(below).unwrap_or(&0.0) + second.get(above).unwrap_or(&0.0)
            })
            .sum()
        };
        places.map(share).product()
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
