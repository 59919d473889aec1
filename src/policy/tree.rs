//! YAML text → a tree in which every node and every key knows its place.
//!
//! Duplicate keys are kept: reporting them beside the other mistakes is the decoder's work.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy, Spanned};

use crate::policy::diagnostic::Diagnostic;
use crate::policy::source::Source;

/// A YAML value and its place.
#[derive(Debug)]
pub(in crate::policy) struct Node {
    /// The bytes it stands at.
    pub(in crate::policy) span: Range<usize>,
    /// What it is.
    pub(in crate::policy) value: Value,
}

/// What a node is.
#[derive(Debug)]
pub(in crate::policy) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// Another number.
    Float,
    /// Text, quoted or not.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping; keys in order, duplicates kept.
    Map(Vec<(Key, Node)>),
}

/// A mapping's key and its place.
#[derive(Debug)]
pub(in crate::policy) struct Key {
    /// The bytes it stands at.
    pub(in crate::policy) span: Range<usize>,
    /// The key.
    pub(in crate::policy) text: String,
}

/// Reads `source`; the one error that stops everything is one of YAML itself.
pub(in crate::policy) fn read(source: &Arc<Source>) -> Result<Node, Box<Diagnostic>> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_depth: 32, max_documents: 1 },
    };
    match serde_saphyr::from_str_with_options::<Spanned<Value>>(source.text(), options) {
        Ok(root) => Ok(node(root)),
        Err(error) => {
            let error = error.without_snippet();
            let span = error.location().map(|place| whereabouts(source, &place));
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or(&message);
            let message = message.lines().next().unwrap_or(message);
            Err(Box::new(
                Diagnostic::new(source, span.unwrap_or(0..0), format!("not YAML: {message}"))
                    .advising("mend this first: nothing behind it was looked at"),
            ))
        }
    }
}

fn node(spanned: Spanned<Value>) -> Node {
    Node {
        span: bytes(&spanned.referenced),
        value: spanned.value,
    }
}

/// Errors of YAML itself come with line and column alone.
fn whereabouts(source: &Source, place: &serde_saphyr::Location) -> Range<usize> {
    match place.span().byte_offset() {
        Some(_) => bytes(place),
        None => source.at(place.line(), place.column()),
    }
}

fn bytes(place: &serde_saphyr::Location) -> Range<usize> {
    let size = |n: Option<u64>| usize::try_from(n.unwrap_or(0)).unwrap_or(0);
    let start = size(place.span().byte_offset());
    start..start.saturating_add(size(place.span().byte_len()))
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(i128::try_from(value).map_or(Value::Float, Value::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Float)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(item) = list.next_element::<Spanned<Value>>()? {
            nodes.push(node(item));
        }
        Ok(Value::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<Value>>()? {
            let key = node(key);
            let text = match key.value {
                Value::Text(text) => text,
                Value::Integer(number) => number.to_string(),
                Value::Bool(word) => word.to_string(),
                Value::Null => "null".to_owned(),
                Value::Float | Value::List(_) | Value::Map(_) => {
                    return Err(A::Error::custom("a key that is not a word"));
                }
            };
            let value = node(map.next_value()?);
            let key = Key {
                span: key.span,
                text,
            };
            entries.push((key, value));
        }
        Ok(Value::Map(entries))
    }
}
