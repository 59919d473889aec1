//! A message put together again from what is left of its document.
//!
//! INVARIANT: what was not changed is copied from what came; what can't be told apart for certain is a
//! fault of ours, and nothing passes.

use std::borrow::Cow;

use prost_reflect::Kind;

use super::document::position;
use super::message::{Field, Item, Message, Shape, Value};
use super::scalar;
use super::wire::{Wire, put_bytes, put_tag, put_varint};
use crate::json::{Document, TokenKind};
use crate::types::{ReasonCode, Refusal};

/// What stands in the place of an object that is somebody else's.
const REDACTED: &[u8] = br#"{"chaperone":"redacted"}"#;

/// Puts a message together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rebuilder<'a> {
    /// What the message was read from.
    pub(super) bytes: &'a [u8],
    /// Its document.
    pub(super) before: &'a [u8],
    /// What is left of that.
    pub(super) after: &'a [u8],
    pub(super) document: Document<'a>,
}

impl<'a> Rebuilder<'a> {
    /// Writes what is left of `message`, of which the value at `at` is left.
    pub(super) fn message(
        &self,
        message: &Message,
        at: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        if self.is_blank(at) {
            return Ok(());
        }
        self.expect(at, TokenKind::Object)?;
        self.children(&message.fields, at, true, &mut |field, value| {
            self.field(field, value, out)
        })
    }

    /// Nothing is left: what stands there says so.
    fn is_blank(&self, at: usize) -> bool {
        let bytes = self.document.bytes(at);
        bytes == REDACTED || bytes == b"null"
    }

    fn field(&self, field: &Field, at: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        match &field.shape {
            Shape::One => {
                let item = field.items.first().ok_or_else(internal)?;
                self.item(field.number, &field.kind, item, at, out)
            }
            // The list itself was somebody else's record: a string says so.
            Shape::List { .. } if self.kind(at) != Some(TokenKind::Array) => Ok(()),
            Shape::List { is_packed: true } => {
                let mut payloads = Vec::new();
                self.children(&field.items, at, false, &mut |item, value| {
                    payloads.extend_from_slice(&self.scalar(&field.kind, item, value));
                    Ok(())
                })?;
                if !payloads.is_empty() {
                    put_bytes(field.number, &payloads, out);
                }
                Ok(())
            }
            Shape::List { is_packed: false } => {
                self.children(&field.items, at, false, &mut |item, value| {
                    self.item(field.number, &field.kind, item, value, out)
                })
            }
            Shape::Map(_) if self.is_blank(at) => Ok(()),
            Shape::Map(key) => {
                self.expect(at, TokenKind::Object)?;
                self.children(&field.items, at, true, &mut |item, value| {
                    self.entry(field, key, item, value, out)
                })
            }
        }
    }

    fn entry(
        &self,
        field: &Field,
        key_kind: &Kind,
        item: &Item,
        value: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let Value::Entry(entry) = &item.value else {
            return Err(internal());
        };
        let mut inner = Vec::new();
        let name = value.checked_sub(1).ok_or_else(internal)?;
        if self.document.bytes(name) == self.text(&entry.key_json) {
            if let Some(payload) = &entry.key {
                let payload = self.bytes.get(payload.clone()).unwrap_or_default();
                put(1, key_kind, payload, &mut inner);
            }
        } else if *key_kind == Kind::String {
            let text = self.document.text(name).ok_or_else(internal)?;
            let mut payload = Vec::new();
            text.decode_into(&mut payload);
            put(1, key_kind, &payload, &mut inner);
        } else {
            // A number that must not be told is no key: its entry goes with it.
            return Ok(());
        }
        self.item(2, &field.kind, &entry.item, value, &mut inner)?;
        put_bytes(field.number, &inner, out);
        Ok(())
    }

    fn item(
        &self,
        number: u32,
        kind: &Kind,
        item: &Item,
        at: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        match &item.value {
            Value::Message(message) => {
                let mut inner = Vec::new();
                self.message(message, at, &mut inner)?;
                put_bytes(number, &inner, out);
                Ok(())
            }
            Value::Scalar(_) => {
                put(number, kind, &self.scalar(kind, item, at), out);
                Ok(())
            }
            Value::Absent => Ok(()),
            Value::Entry(_) => Err(internal()),
        }
    }

    /// The payload of a value: as it came, or what stands in its place. A number that must not be told, and has no number
    /// in its place, is 0.
    fn scalar(&self, kind: &Kind, item: &Item, at: usize) -> Cow<'a, [u8]> {
        if self.document.bytes(at) == self.text(&item.json)
            && let Value::Scalar(payload) = &item.value
        {
            return Cow::Borrowed(self.bytes.get(payload.clone()).unwrap_or_default());
        }
        let left = match (self.kind(at), kind) {
            (Some(TokenKind::String { .. }), Kind::String | Kind::Bytes) => {
                self.document.text(at).map(|text| {
                    let mut payload = Vec::new();
                    text.decode_into(&mut payload);
                    payload
                })
            }
            (Some(TokenKind::Number), _) => scalar::from_digits(kind, self.document.bytes(at)),
            _ => None,
        };
        left.map_or(Cow::Borrowed(scalar::nothing(kind)), Cow::Owned)
    }

    /// Calls `visit` with each of `of` that is left, in order, and the value that is left of it.
    fn children<T>(
        &self,
        of: &[T],
        at: usize,
        has_names: bool,
        visit: &mut dyn FnMut(&T, usize) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let mut next = 0;
        for (_, value) in self.document.children(at) {
            let first = if has_names {
                value.checked_sub(1).ok_or_else(internal)?
            } else {
                value
            };
            let start = self.document.token(first).ok_or_else(internal)?.start as usize;
            let position = position(self.after.get(..start).unwrap_or_default());
            let position = position.filter(|position| *position >= next);
            let position = position.ok_or_else(internal)?;
            next = position + 1;
            visit(of.get(position).ok_or_else(internal)?, value)?;
        }
        Ok(())
    }

    fn text(&self, range: &std::ops::Range<usize>) -> &'a [u8] {
        self.before.get(range.clone()).unwrap_or_default()
    }

    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.document.token(at).map(|token| token.kind)
    }

    fn expect(&self, at: usize, kind: TokenKind) -> Result<(), Refusal> {
        if self.kind(at) == Some(kind) {
            Ok(())
        } else {
            Err(internal())
        }
    }
}

fn put(number: u32, kind: &Kind, payload: &[u8], out: &mut Vec<u8>) {
    let wire = scalar::wire(kind);
    put_tag(number, wire, out);
    if wire == Wire::Delimited {
        put_varint(payload.len() as u64, out);
    }
    out.extend_from_slice(payload);
}

fn internal() -> Refusal {
    Refusal::new(ReasonCode::Internal)
}
