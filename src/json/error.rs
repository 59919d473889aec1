//! Where and why bytes are not JSON.

use thiserror::Error;

/// The bytes stop being acceptable JSON here. Carries offsets only, never content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{kind} at byte {offset}")]
pub struct LexError {
    /// The first byte that can't stand where it stands, counted from the document's start.
    pub offset: u64,
    /// What is wrong with it.
    pub kind: LexErrorKind,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LexErrorKind {
    /// Something else has to stand here.
    #[error("expected {0}")]
    Expected(&'static str),
    /// The bytes of a string are not UTF-8.
    #[error("invalid UTF-8")]
    Utf8,
    /// Containers nest deeper than the limit.
    #[error("nested deeper than the limit")]
    TooDeep,
    /// A string or number is longer than the limit.
    #[error("a string longer than the limit")]
    TooLong,
    /// The document ends too early.
    #[error("the document breaks off")]
    Truncated,
}
