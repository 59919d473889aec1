//! How a match goes on after its bounded head: long tokens are followed byte by byte, so that they
//! are covered to their end without a window of that size.

use serde::Deserialize;

/// The ways a match can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TailKind {
    /// Base64url characters and dots, without dots at the end: the rest of a JWT.
    Jwt,
    /// The lines of a PEM block to the end of its `-----END …-----` line, or to the first byte that
    /// no PEM block holds.
    Pem,
}
