//! The corridor from outside: real sockets, real tokens, an app that does what each test needs.

mod bodies;
mod browser;
mod content;
mod cors;
mod evasion;
mod faults;
mod floods;
mod formats;
mod framing;
mod hostile;
mod lifecycle;
pub(crate) mod parsing;
mod passing;
mod pseudonyms;
mod refusing;
mod requests;
mod streams;
mod validators;
