//! Why a file isn't used as a dictionary.

use std::fmt;
use std::io;

/// A dictionary's file was refused.
#[derive(Debug)]
pub struct DictionaryError {
    kind: DictionaryErrorKind,
}

/// The reason behind a [`DictionaryError`].
#[derive(Debug)]
#[non_exhaustive]
pub enum DictionaryErrorKind {
    /// The file's bytes aren't those that were written.
    Corrupt,
    /// The file is no compiled dictionary.
    Foreign,
    /// The file can't be read.
    Io(io::Error),
    /// The file is of a version that this program doesn't know.
    Version {
        /// The version that it says it is of.
        found: u32,
    },
}

impl DictionaryError {
    /// The reason.
    #[must_use]
    pub const fn kind(&self) -> &DictionaryErrorKind {
        &self.kind
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self.kind {
            DictionaryErrorKind::Corrupt => {
                "build it again with `chaperone dictionary build`, and replace it by renaming, never by writing to it"
            }
            DictionaryErrorKind::Foreign | DictionaryErrorKind::Version { .. } => {
                "build it from the list of terms with this version's `chaperone dictionary build`"
            }
            DictionaryErrorKind::Io(_) => {
                "put it there; names in a policy are relative to the policy file"
            }
        }
    }
}

impl From<DictionaryErrorKind> for DictionaryError {
    fn from(kind: DictionaryErrorKind) -> Self {
        Self { kind }
    }
}

impl From<io::Error> for DictionaryError {
    fn from(error: io::Error) -> Self {
        DictionaryErrorKind::Io(error).into()
    }
}

impl fmt::Display for DictionaryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            DictionaryErrorKind::Corrupt => {
                write!(f, "the dictionary is damaged: it isn't what was written")
            }
            DictionaryErrorKind::Foreign => write!(f, "this is no compiled dictionary"),
            DictionaryErrorKind::Io(_) => write!(f, "the dictionary can't be read"),
            DictionaryErrorKind::Version { found } => {
                write!(f, "the dictionary is of version {found}, not of 1")
            }
        }
    }
}

impl std::error::Error for DictionaryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            DictionaryErrorKind::Io(error) => Some(error),
            _ => None,
        }
    }
}
