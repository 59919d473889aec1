//! JSON as bytes: a strict push lexer, strings with their offsets, and RFC 9535 selectors that stream.
//!
//! Nothing here re-serialises: every answer is a span of the bytes that came in.

mod ascii;
mod error;
mod lexer;
mod selector;

pub use error::{LexError, LexErrorKind};
pub use lexer::{Event, EventKind, Lexer, LexerLimits};
pub use selector::{Selector, SelectorError, SelectorErrorKind};
