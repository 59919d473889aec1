//! How far a message's body reaches (RFC 9112 section 6.3).

use super::Malformed;
use super::chunks::Chunks;

/// A body that is being read.
#[derive(Debug)]
pub(super) enum Body {
    /// So many bytes, at least one.
    Length(u64),
    Chunked(Box<Chunks>),
    /// Up to the end of the connection.
    Endless,
}

impl Body {
    /// Reads on in `bytes`, which are not empty: how many it took, and whether the body is over.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(usize, bool), Malformed> {
        match self {
            Self::Length(left) => {
                let used = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= used as u64;
                Ok((used, *left == 0))
            }
            Self::Chunked(chunks) => chunks.read(bytes),
            Self::Endless => Ok((bytes.len(), false)),
        }
    }
}
