//! Short texts in which nothing was found: names and usual values come again in every record.
//!
//! What is found in a text of a JSON document is decided by its bytes alone, for one plan and one way: neither by what
//! stands beside it nor by where it stands. So a text that was clean once is clean each time.

/// Texts that are remembered, at most: a newer one takes the place of one that falls on the same.
const SLOTS: usize = 256;

/// The longest that are.
const LONGEST: usize = 32;

/// Texts that are known to be clean.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Made when it is needed first.
    slots: Vec<Short>,
}

/// A text of 1 to [`LONGEST`] bytes: its first and last bytes, which are all of them, and its length. All zeros for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Short {
    words: [u64; 4],
    length: u64,
}

impl Short {
    /// None where it is longer, or empty.
    #[inline]
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        let words = match text.len() {
            0 => return None,
            1..4 => {
                let at = |index: usize| text.get(index).copied().map(u64::from);
                [at(0)?, at(text.len() / 2)?, at(text.len() - 1)?, 0]
            }
            4..8 => {
                let (first, last) = (text.first_chunk()?, text.last_chunk()?);
                let word = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
                [word(first), word(last), 0, 0]
            }
            8..=16 => {
                let (first, last) = (text.first_chunk()?, text.last_chunk()?);
                [u64::from_le_bytes(*first), u64::from_le_bytes(*last), 0, 0]
            }
            17..=LONGEST => {
                let [one, two] = halves(text.first_chunk()?);
                let [three, four] = halves(text.last_chunk()?);
                [one, two, three, four]
            }
            _ => return None,
        };
        let length = text.len() as u64;
        Some(Self { words, length })
    }

    fn slot(&self) -> usize {
        const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
        let words = self.words.iter().rev();
        let mixed = words.fold(self.length, |mixed, word| {
            (mixed ^ word).wrapping_mul(MIX).rotate_left(29)
        });
        // Fewer than the slots.
        usize::try_from(mixed % SLOTS as u64).unwrap_or_default()
    }
}

fn halves(bytes: &[u8; 16]) -> [u64; 2] {
    let whole = u128::from_le_bytes(*bytes);
    let low = (whole & u128::from(u64::MAX)) as u64;
    [low, (whole >> 64) as u64]
}

impl Known {
    /// Nothing was found in `text` before.
    #[inline]
    pub(super) fn has(&self, text: &Short) -> bool {
        self.slots
            .get(text.slot())
            .is_some_and(|known| known == text)
    }

    /// Nothing was found in `text`.
    pub(super) fn learn(&mut self, text: Short) {
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, Short::default());
        }
        if let Some(slot) = self.slots.get_mut(text.slot()) {
            *slot = text;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::{Known, LONGEST, Short};
    use crate::filter::fixture::Fixture;
    use crate::filter::{Inspector, Place, Side, Step, Trail};
    use crate::policy::treatment::Action;

    struct Nowhere;

    impl Trail for Nowhere {
        fn walk(&self, _: &mut dyn FnMut(Step<'_>)) {}
    }

    #[test]
    fn tells_texts_apart_that_differ_in_one_byte_or_in_length() {
        let mut seen: HashMap<[u64; 5], Vec<u8>> = HashMap::new();
        for length in 1..=LONGEST {
            let plain = vec![b'a'; length];
            let changed = (0..length).map(|at| {
                let mut text = plain.clone();
                text[at] = b'b';
                text
            });
            for text in changed.chain([plain.clone(), vec![0; length]]) {
                let short = Short::of(&text).unwrap();
                let [a, b, c, d] = short.words;
                let other = seen.insert([a, b, c, d, short.length], text.clone());
                assert_eq!(other, None, "{text:?}");
            }
        }
        assert_eq!(Short::of(b""), None);
        assert_eq!(Short::of(&[b'a'; LONGEST + 1]), None);
    }

    #[test]
    fn knows_what_it_learned_and_nothing_else() {
        let mut known = Known::default();
        let text = Short::of(b"created_at").unwrap();
        assert!(!known.has(&text));
        known.learn(text);
        assert!(known.has(&text));
        assert!(!known.has(&Short::of(b"created_by").unwrap()));
    }

    proptest! {
        /// An inspector that remembers says what one says that sees each text first.
        #[test]
        fn what_is_known_changes_no_finding(
            texts in prop::collection::vec("(EMP-1?[12]|EMP%2D12|a|&#x45;MP-12|7|%){0,4}", 1..24),
            is_answer in any::<bool>(),
        ) {
            let side = if is_answer { Side::Response } else { Side::Request };
            let plan = Fixture::new().pattern("emp", "EMP-[0-9]{2}", Action::Redact).plan();
            let mut inspector = Inspector::new(&plan, side);
            let place = Place::Json(&Nowhere);
            for text in &texts {
                let window = format!("\"{text}\"");
                let range = 1..window.len() - 1;
                let look = |inspector: &mut Inspector| {
                    let mut edits = Vec::new();
                    let found = inspector.report().found();
                    inspector.restart();
                    let result = inspector.inspect_in(window.as_bytes(), range.clone(), &place, &mut edits);
                    (result, edits, inspector.report().found() - found)
                };
                let fresh = look(&mut Inspector::new(&plan, side));
                prop_assert_eq!(look(&mut inspector), fresh);
            }
        }
    }
}
