//! The corridor from outside: real sockets, real tokens, an app that does what each test needs.

mod bodies;
mod browser;
mod content;
mod cookies;
mod cors;
mod evasion;
mod exchange;
mod faults;
mod floods;
mod formats;
mod framing;
mod grpc;
mod hostile;
mod identity;
mod lifecycle;
pub(crate) mod login;
pub(crate) mod parsing;
mod passing;
mod pseudonyms;
mod refusing;
mod requests;
mod streams;
mod tickets;
mod validators;
mod websocket;
