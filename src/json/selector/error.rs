//! Why a text is not taken as a selector.

use thiserror::Error;

/// A refused selector.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason} (at byte {offset})")]
pub struct SelectorError {
    /// Whether it is no selector at all, or one that can't be matched while streaming.
    pub kind: SelectorErrorKind,
    /// The byte of the selector's text at which it shows.
    pub offset: usize,
    /// What is wrong, in one lower-case clause.
    pub reason: &'static str,
}

/// The two ways in which a selector is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectorErrorKind {
    /// RFC 9535 does not know it.
    Invalid,
    /// Well-formed, but outside the subset that can be matched while a document streams.
    Unsupported,
}
