//! What the engine reports: which pattern, where, and how sure. Never the text itself.

use std::fmt;

/// Names one pattern of a [`PatternSet`](super::PatternSet): dense, in the order of adding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PatternId(u32);

impl PatternId {
    /// The id with this index.
    #[must_use]
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// The position of the pattern in the order of adding.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl From<u32> for PatternId {
    fn from(index: u32) -> Self {
        Self(index)
    }
}

impl fmt::Display for PatternId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A half-open range of bytes, counted from the first byte of the haystack or stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The offset of the first byte.
    pub start: u64,
    /// The offset after the last byte.
    pub end: u64,
}

impl Span {
    /// The bytes from `start` up to, not including, `end`.
    #[must_use]
    pub const fn new(start: u64, end: u64) -> Self {
        Self { start, end }
    }

    /// How many bytes it covers.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// It covers no byte.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.end <= self.start
    }

    /// The part of `haystack` that it covers; none when it lies outside.
    ///
    /// ```
    /// use chaperone::scan::Span;
    /// assert_eq!(Span::new(1, 3).of(b"abcd"), Some(&b"bc"[..]));
    /// assert_eq!(Span::new(1, 9).of(b"abcd"), None);
    /// ```
    #[must_use]
    pub fn of<'h>(&self, haystack: &'h [u8]) -> Option<&'h [u8]> {
        haystack.get(usize::try_from(self.start).ok()?..usize::try_from(self.end).ok()?)
    }
}

/// How much a hit says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// The form alone; other things look like it.
    Weak,
    /// The form is rare in anything else.
    Likely,
    /// A checksum, an issuer's prefix or a listed value.
    Certain,
}

/// One occurrence of one pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hit {
    /// The pattern that occurs.
    pub pattern: PatternId,
    /// Where.
    pub span: Span,
    /// How much it says.
    pub strength: Strength,
}
