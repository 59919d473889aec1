//! A whole value in memory: its bytes and a flat list of its tokens.

use super::lexer::{Event, EventKind};
use super::text::Text;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An object; its members follow, a key and a value each.
    Object,
    /// An array; its elements follow.
    Array,
    /// A member's name.
    Key {
        /// It holds a backslash.
        is_escaped: bool,
    },
    /// A string.
    String {
        /// It holds a backslash.
        is_escaped: bool,
    },
    /// A number.
    Number,
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// One token of a [`Tape`], by offsets into the document's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its first byte; strings and keys begin at their quote.
    pub start: u32,
    /// One past its last byte.
    pub end: u32,
    /// The token after it and all that is inside it.
    pub next: u32,
}

impl Token {
    /// The range of its bytes.
    #[must_use]
    pub fn range(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The tokens of one value, filled from a lexer's events. Reusable.
#[derive(Debug, Default)]
pub struct Tape {
    tokens: Vec<Token>,
    open: Vec<u32>,
}

impl Tape {
    /// Forgets all tokens.
    pub fn clear(&mut self) {
        self.tokens.clear();
        self.open.clear();
    }

    /// Adds a token; `base` is the offset of the value's first byte, at most 4 GiB before it.
    /// True when the value is complete.
    #[inline]
    pub fn push(&mut self, event: Event, base: u64) -> bool {
        let kind = match event.kind {
            EventKind::Comma | EventKind::Colon => return false,
            EventKind::EndObject | EventKind::EndArray => {
                let next = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX);
                if let Some(begin) = self.open.pop()
                    && let Some(token) = self.tokens.get_mut(begin as usize)
                {
                    token.end = narrow(event.end, base);
                    token.next = next;
                }
                return self.open.is_empty();
            }
            EventKind::BeginObject => TokenKind::Object,
            EventKind::BeginArray => TokenKind::Array,
            EventKind::Key { is_escaped } => TokenKind::Key { is_escaped },
            EventKind::String { is_escaped } => TokenKind::String { is_escaped },
            EventKind::Number => TokenKind::Number,
            EventKind::Bool(value) => TokenKind::Bool(value),
            EventKind::Null => TokenKind::Null,
        };
        let index = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX);
        if matches!(kind, TokenKind::Object | TokenKind::Array) {
            self.open.push(index);
        }
        self.tokens.push(Token {
            kind,
            start: narrow(event.start, base),
            end: narrow(event.end, base),
            next: index.saturating_add(1),
        });
        self.open.is_empty() && !matches!(kind, TokenKind::Key { .. })
    }

    /// The tokens over the bytes they were read from.
    #[must_use]
    pub fn over<'a>(&'a self, bytes: &'a [u8]) -> Document<'a> {
        Document {
            bytes,
            tokens: &self.tokens,
        }
    }

    /// Tokens so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// No token so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Memory taken, in bytes.
    #[must_use]
    pub fn held(&self) -> usize {
        self.tokens.capacity() * size_of::<Token>()
    }

    /// Gives memory beyond `tokens` tokens back.
    pub fn shrink(&mut self, tokens: usize) {
        self.tokens.shrink_to(tokens);
    }
}

fn narrow(offset: u64, base: u64) -> u32 {
    u32::try_from(offset.saturating_sub(base)).unwrap_or(u32::MAX)
}

/// A value in memory; token 0 is its root.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    bytes: &'a [u8],
    tokens: &'a [Token],
}

/// How a child is reached from its parent.
#[derive(Clone, Copy, Debug)]
pub enum Child<'a> {
    /// By a member's name.
    Name(Text<'a>),
    /// By an element's index.
    Index(u64),
}

impl<'a> Document<'a> {
    /// The token at `index`.
    #[must_use]
    pub fn token(&self, index: usize) -> Option<Token> {
        self.tokens.get(index).copied()
    }

    /// The bytes of the token at `index`.
    #[must_use]
    pub fn bytes(&self, index: usize) -> &'a [u8] {
        self.tokens
            .get(index)
            .and_then(|token| self.bytes.get(token.range()))
            .unwrap_or_default()
    }

    /// The content of the string or key at `index`; none where another token stands.
    #[must_use]
    pub fn text(&self, index: usize) -> Option<Text<'a>> {
        let (TokenKind::Key { is_escaped } | TokenKind::String { is_escaped }) =
            self.tokens.get(index)?.kind
        else {
            return None;
        };
        let quoted = self.bytes(index);
        let raw = quoted.get(1..quoted.len().checked_sub(1)?)?;
        Some(Text { raw, is_escaped })
    }

    /// The children of the value at `index`, in order: how each is reached, and its token.
    pub fn children(&self, index: usize) -> impl Iterator<Item = (Child<'a>, usize)> + use<'a> {
        let document = *self;
        let (is_object, end) = match self.tokens.get(index) {
            Some(token) => match token.kind {
                TokenKind::Object => (true, token.next as usize),
                TokenKind::Array => (false, token.next as usize),
                _ => (false, 0),
            },
            None => (false, 0),
        };
        let mut at = index + 1;
        let mut position = 0;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let child = if is_object {
                let name = document.text(at)?;
                at += 1;
                Child::Name(name)
            } else {
                position += 1;
                Child::Index(position - 1)
            };
            let value = at;
            at = document.tokens.get(at)?.next as usize;
            Some((child, value))
        })
    }

    /// The values at and below `index`, each before what is inside it.
    pub fn descendants(&self, index: usize) -> impl Iterator<Item = usize> + use<'a> {
        let tokens = self.tokens;
        let end = tokens.get(index).map_or(0, |token| token.next as usize);
        (index..end).filter(move |at| {
            tokens
                .get(*at)
                .is_some_and(|token| !matches!(token.kind, TokenKind::Key { .. }))
        })
    }
}
