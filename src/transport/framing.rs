//! Where HTTP/1.1 messages end, read strictly off the byte stream before hyper parses it.
//!
//! hyper repairs what it can: a bare line feed, a second equal length, a coding in another spelling.
//! Whoever parses next may repair otherwise, and then one message has become two. These readers
//! look at every byte of a head and of chunk framing once, let nothing pass that has two readings,
//! and never change a byte. Their verdict does not depend on how the bytes are cut.

mod answer;
mod body;
mod chunks;
mod fields;
mod line;
mod malformed;
mod request;
#[cfg(test)]
mod tests;

pub(super) use answer::Answers;
pub use fields::{is_authority, may_be_trailer};
pub use line::is_token;
pub use malformed::Malformed;
pub(super) use request::{Place, Requests, Stop};

/// What one head may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Its bytes, the empty line included.
    pub(super) head: usize,
    /// Its fields.
    pub(super) fields: usize,
}

/// Who wrote a message: apps are allowed spellings that no client has a use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    Client,
    App,
}
