//! Why a set of patterns can't be built.

use std::fmt;

/// A pattern was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    kind: BuildErrorKind,
}

/// The reason behind a [`BuildError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildErrorKind {
    /// The detector's context has no word, an empty one, or reaches further than the limit.
    Context {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The pattern matches the empty string, which is everywhere.
    Empty,
    /// The pattern can match nothing at all.
    Impossible,
    /// The entry of a dictionary has no word, by which it could be filed.
    NoWord,
    /// The pattern isn't regex syntax.
    Syntax {
        /// The byte offset in the pattern.
        offset: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The term has no letter, digit or other visible character.
    TermEmpty,
    /// The term is longer than the limit.
    TermTooLong {
        /// The limit, in characters.
        limit: usize,
    },
    /// The pattern matches more bytes than the limit.
    TooLong {
        /// The most it can match, in bytes.
        length: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The compiled pattern or list needs more memory than the limit.
    TooLarge,
    /// The pattern has no finite longest match.
    Unbounded,
    /// The detector's definition names a validator that doesn't exist.
    UnknownValidator {
        /// The name.
        name: String,
    },
}

impl BuildError {
    /// The reason.
    #[must_use]
    pub const fn kind(&self) -> &BuildErrorKind {
        &self.kind
    }

    /// What to write instead.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self.kind {
            BuildErrorKind::Context { .. } => "list words, and let them stand nearer",
            BuildErrorKind::Empty => {
                "ask for at least one character: `+` for `*`, `{1,20}` for `{0,20}`"
            }
            BuildErrorKind::Impossible => "take out the empty class or the contradictory anchors",
            BuildErrorKind::NoWord => {
                "write at least one letter or digit, or list it as a term of an embargo"
            }
            BuildErrorKind::Syntax { .. } => {
                "see the syntax at https://docs.rs/regex/latest/regex/#syntax"
            }
            BuildErrorKind::TermEmpty => "take out the empty term",
            BuildErrorKind::TermTooLong { .. } => "list the beginning of the phrase",
            BuildErrorKind::TooLarge => {
                "lower the repetition counts, write ASCII classes (`[0-9]` for `\\d`, `(?-u:\\w)` for `\\w`), or split the pattern"
            }
            BuildErrorKind::TooLong { .. } => {
                "lower the repetition counts, or match the beginning alone"
            }
            BuildErrorKind::Unbounded => {
                "give every repetition an upper bound: `{1,64}` for `+`, `{0,64}` for `*`"
            }
            BuildErrorKind::UnknownValidator { .. } => "see docs/scan.md for the validators",
        }
    }
}

impl From<BuildErrorKind> for BuildError {
    fn from(kind: BuildErrorKind) -> Self {
        Self { kind }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            BuildErrorKind::Context { limit } => write!(
                f,
                "the context has no word, an empty one, or one further away than {limit} bytes"
            ),
            BuildErrorKind::Empty => write!(f, "the pattern can match the empty string"),
            BuildErrorKind::Impossible => write!(f, "the pattern can match nothing"),
            BuildErrorKind::NoWord => write!(f, "the entry has no letter, digit or `_`"),
            BuildErrorKind::Syntax { offset, reason } => {
                write!(f, "the pattern is not valid at byte {offset}: {reason}")
            }
            BuildErrorKind::TermEmpty => write!(f, "the term is empty"),
            BuildErrorKind::TermTooLong { limit } => {
                write!(f, "the term is longer than {limit} characters")
            }
            BuildErrorKind::TooLarge => write!(f, "the pattern is too large when compiled"),
            BuildErrorKind::TooLong { length, limit } => write!(
                f,
                "the pattern can match {length} bytes, the limit is {limit}"
            ),
            BuildErrorKind::Unbounded => write!(f, "the pattern has no finite longest match"),
            BuildErrorKind::UnknownValidator { name } => {
                write!(f, "there is no validator `{name}`")
            }
        }
    }
}

impl std::error::Error for BuildError {}
