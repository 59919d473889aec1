//! JSON as bytes: a strict push lexer, strings with their offsets, and RFC 9535 selectors that stream.
//!
//! Nothing here re-serialises: every answer is a span of the bytes that came in.

mod ascii;
mod document;
mod error;
mod evaluate;
mod lexer;
mod matcher;
mod selector;
mod text;

pub use document::{Child, Document, Tape, Token, TokenKind};
pub use error::{LexError, LexErrorKind};
pub use evaluate::{Evaluation, Exhausted};
pub use lexer::{Event, EventKind, Lexer, LexerLimits};
pub use matcher::{Container, Reach, Selectors, States};
pub use selector::{Selector, SelectorError, SelectorErrorKind};
pub use text::{Decoded, Text, escape_into};
