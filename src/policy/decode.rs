//! The tree → the document's own types, without stopping at the first mistake.
//!
//! A serde deserializer over [`Node`] that notes every error at its place. The types of the document
//! wrap each value in a [`Field`]: where its content fails, the error is already noted, the field
//! stays empty, and reading goes on with its neighbour.
//!
//! [`Field`]: crate::policy::field::Field

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::de::value::U64Deserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};

use crate::policy::diagnostic::Diagnostic;
use crate::policy::later;
use crate::policy::source::Source;
use crate::policy::suggest;
use crate::policy::tree::{Key, Node, Value};

/// The name by which a [`Field`](crate::policy::field::Field) asks for its place.
pub(in crate::policy) const FIELD: &str = "$chaperone::field";
/// The name by which an [`Either`](crate::policy::field::Either) asks which of its forms stands there.
pub(in crate::policy) const EITHER: &str = "$chaperone::either";
/// The name by which a [`OneOrMany`](crate::policy::field::OneOrMany) asks whether a list stands there.
pub(in crate::policy) const ONE_OR_MANY: &str = "$chaperone::one-or-many";

/// Where mistakes are collected while one file is read.
#[derive(Debug)]
pub(in crate::policy) struct Sink {
    /// The file.
    pub(in crate::policy) source: Arc<Source>,
    found: RefCell<Vec<Diagnostic>>,
    warned: RefCell<Vec<Diagnostic>>,
}

impl Sink {
    /// An empty collection for `source`.
    pub(in crate::policy) fn new(source: Arc<Source>) -> Self {
        Self {
            source,
            found: RefCell::default(),
            warned: RefCell::default(),
        }
    }

    /// Notes a mistake.
    pub(in crate::policy) fn note(&self, diagnostic: Diagnostic) {
        self.found.borrow_mut().push(diagnostic);
    }

    /// Notes a mistake at `span` and what to write instead.
    pub(in crate::policy) fn at(
        &self,
        span: &Range<usize>,
        message: impl Into<Box<str>>,
        remedy: impl Into<Box<str>>,
    ) {
        let diagnostic = Diagnostic::new(&self.source, span.clone(), message);
        self.note(diagnostic.advising(remedy));
    }

    /// Notes at `span` what is no mistake and may not be meant, and what to write if it is not.
    pub(in crate::policy) fn warn(
        &self,
        span: &Range<usize>,
        message: impl Into<Box<str>>,
        remedy: impl Into<Box<str>>,
    ) {
        let diagnostic = Diagnostic::new(&self.source, span.clone(), message);
        self.warned.borrow_mut().push(diagnostic.advising(remedy));
    }

    /// Every warning, in the order of their places.
    pub(in crate::policy) fn warnings(&self) -> Vec<Diagnostic> {
        let mut warned = self.warned.take();
        warned.sort_by_key(Diagnostic::position);
        warned
    }

    /// Every mistake, in the order of their places.
    pub(in crate::policy) fn into_found(self) -> Vec<Diagnostic> {
        let mut found = self.found.into_inner();
        found.sort_by_key(Diagnostic::position);
        // What a pack's rule says is read once for each of its detectors.
        found.dedup_by(|a, b| a.position() == b.position() && a.message() == b.message());
        found
    }
}

/// One node, ready to be read.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct NodeReader<'a> {
    node: &'a Node,
    sink: &'a Sink,
}

impl<'a> NodeReader<'a> {
    /// Reads `node`, noting mistakes in `sink`.
    pub(in crate::policy) fn new(node: &'a Node, sink: &'a Sink) -> Self {
        Self { node, sink }
    }

    /// Notes an error that nobody noted yet, at this node.
    fn noting<T>(self, result: Result<T, DecodeError>) -> Result<T, DecodeError> {
        result.map_err(|error| {
            if !error.is_noted {
                let mut diagnostic = Diagnostic::new(
                    &self.sink.source,
                    first_line(self.sink, &self.node.span),
                    error.message,
                );
                if let Some(remedy) = error.remedy {
                    diagnostic = diagnostic.advising(remedy);
                }
                self.sink.note(diagnostic);
            }
            DecodeError::noted()
        })
    }

    fn expected(self, what: &str) -> DecodeError {
        let found = match &self.node.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(word) => format!("`{word}`"),
            Value::Integer(_) | Value::Float => format!("the number `{}`", self.raw()),
            Value::Text(text) => format!("`{}`", suggest::shorten(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        };
        DecodeError::custom(format_args!("expected {what}, found {found}"))
    }

    /// The entries whose keys are known; a key that stands twice is noted and read once.
    fn once_each(self, entries: &'a [(Key, Node)], is_known: impl Fn(&Key) -> bool) -> Entries<'a> {
        let mut seen: HashSet<&str> = HashSet::new();
        let mut once = Vec::new();
        for (key, value) in entries {
            if !is_known(key) {
                continue;
            }
            if seen.insert(&key.text) {
                once.push((key, value));
            } else {
                let message = format!("`{}` stands twice", key.text);
                self.sink.at(&key.span, message, "keep one of the two");
            }
        }
        Entries {
            entries: once.into_iter(),
            value: None,
            sink: self.sink,
        }
    }

    fn raw(self) -> &'a str {
        let text = self.sink.source.text();
        text.get(self.node.span.clone()).unwrap_or_default().trim()
    }
}

fn first_line(sink: &Sink, span: &Range<usize>) -> Range<usize> {
    let text = sink.source.text().get(span.clone()).unwrap_or_default();
    let width = text.lines().next().map_or(0, |line| line.trim_end().len());
    span.start..span.start + width
}

impl<'de> Deserializer<'de> for NodeReader<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let result = match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(word) => visitor.visit_bool(*word),
            Value::Integer(number) => match u64::try_from(*number) {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => Err(self.expected("a smaller number")),
            },
            Value::Float => Err(self.expected("a whole number")),
            Value::Text(text) => visitor.visit_str(text),
            Value::List(nodes) => visitor.visit_seq(Items {
                nodes: nodes.iter(),
                sink: self.sink,
            }),
            Value::Map(_) => Err(self.expected("a plain value")),
        };
        self.noting(result)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.node.value {
            Value::Bool(_) => self.deserialize_any(visitor),
            _ => self.noting(Err(self.expected("`true` or `false`"))),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let error = match self.node.value {
            Value::Text(_) => return self.deserialize_any(visitor),
            Value::Bool(_) | Value::Integer(_) | Value::Float => self
                .expected("text")
                .advising(format!("put it in quotes: \"{}\"", self.raw())),
            _ => self.expected("text"),
        };
        self.noting(Err(error))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.node.value {
            Value::Integer(number) if number >= 0 => self.deserialize_any(visitor),
            _ => self.noting(Err(self.expected("a whole number"))),
        }
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.node.value {
            Value::Integer(0..=255) => self.deserialize_any(visitor),
            _ => self.noting(Err(self.expected("a whole number from 0 to 255"))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.node.value {
            Value::List(_) => self.deserialize_any(visitor),
            _ => self.noting(Err(self.expected("a list").advising(
                "write a list: `[one, two]`, or one item a line, each after a dash",
            ))),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name == FIELD {
            return visitor.visit_seq(FieldParts {
                reader: self,
                part: 0,
            });
        }
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let Value::Map(entries) = &self.node.value else {
            let keys: Vec<String> = fields.iter().map(|key| format!("`{key}`")).collect();
            let remedy = format!("its keys may be {}", keys.join(", "));
            return self.noting(Err(self.expected("a mapping").advising(remedy)));
        };
        let entries = self.once_each(entries, |key| {
            let is_known = fields.contains(&key.text.as_str());
            if !is_known {
                unknown_key(self.sink, name, fields, key);
            }
            is_known
        });
        let result = visitor.visit_map(entries);
        self.noting(result)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let Value::Map(entries) = &self.node.value else {
            return self.noting(Err(self.expected("a mapping")));
        };
        let entries = self.once_each(entries, |_| true);
        let result = visitor.visit_map(entries);
        self.noting(result)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let (is_list, is_map) = match self.node.value {
            Value::List(_) => (true, false),
            Value::Map(_) => (false, true),
            _ => (false, false),
        };
        if name == EITHER {
            return visitor.visit_enum(Form(self, is_list || is_map));
        }
        if name == ONE_OR_MANY {
            return visitor.visit_enum(Form(self, is_list));
        }
        let result = match &self.node.value {
            Value::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            _ => {
                let words: Vec<String> = variants.iter().map(|word| format!("`{word}`")).collect();
                Err(self.expected(&format!("one of {}", words.join(", "))))
            }
        };
        self.noting(result)
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u16 u32 u128 f32 f64 char bytes byte_buf unit unit_struct
        newtype_struct tuple identifier ignored_any
    }
}

fn unknown_key(sink: &Sink, name: &str, fields: &[&str], key: &Key) {
    if let Some(what) = later::key(name, &key.text) {
        sink.at(
            &key.span,
            format!("`{}` is not supported by this version", key.text),
            format!(
                "take it out; a later version builds it ({what}), this one would have to ignore it"
            ),
        );
        return;
    }
    let remedy = match suggest::nearest(&key.text, fields) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let keys: Vec<String> = fields.iter().map(|key| format!("`{key}`")).collect();
            format!("a {name} knows {}", keys.join(", "))
        }
    };
    sink.at(&key.span, format!("unknown key `{}`", key.text), remedy);
}

struct Items<'a> {
    nodes: std::slice::Iter<'a, Node>,
    sink: &'a Sink,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some(node) = self.nodes.next() else {
            return Ok(None);
        };
        seed.deserialize(NodeReader::new(node, self.sink)).map(Some)
    }
}

/// A field's place (two numbers) and then its content.
struct FieldParts<'a> {
    reader: NodeReader<'a>,
    part: u8,
}

impl<'de> SeqAccess<'de> for FieldParts<'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        self.part += 1;
        let span = &self.reader.node.span;
        let number = |n: usize| U64Deserializer::<DecodeError>::new(n as u64);
        match self.part {
            1 => seed.deserialize(number(span.start)).map(Some),
            2 => seed.deserialize(number(span.end)).map(Some),
            3 => seed.deserialize(self.reader).map(Some),
            _ => Ok(None),
        }
    }
}

struct Entries<'a> {
    entries: std::vec::IntoIter<(&'a Key, &'a Node)>,
    value: Option<&'a Node>,
    sink: &'a Sink,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(key.text.as_str().into_deserializer())
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        let node = self.value.take();
        let node = node.ok_or_else(|| DecodeError::custom("a value without a key"))?;
        seed.deserialize(NodeReader::new(node, self.sink))
    }
}

/// Which of two forms stands here: 0 for the plainer, 1 for the other.
struct Form<'a>(NodeReader<'a>, bool);

impl<'de> EnumAccess<'de> for Form<'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), DecodeError> {
        let number: U64Deserializer<DecodeError> = u64::from(self.1).into_deserializer();
        Ok((seed.deserialize(number)?, self))
    }
}

impl<'de> VariantAccess<'de> for Form<'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.0.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.0.deserialize_struct("mapping", fields, visitor)
    }
}

/// What serde said about one node; noted in the sink as soon as it meets the node.
#[derive(Debug)]
pub(in crate::policy) struct DecodeError {
    message: String,
    remedy: Option<String>,
    is_noted: bool,
}

impl DecodeError {
    fn noted() -> Self {
        Self {
            message: String::new(),
            remedy: None,
            is_noted: true,
        }
    }

    fn advising(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            remedy: None,
            is_noted: false,
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {found}"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let words: Vec<String> = expected.iter().map(|word| format!("`{word}`")).collect();
        let remedy = match suggest::nearest(variant, expected) {
            Some(near) => format!("did you mean `{near}`? (known: {})", words.join(", ")),
            None => format!("write one of {}", words.join(", ")),
        };
        let variant = suggest::shorten(variant);
        Self::custom(format_args!("unknown word `{variant}`")).advising(remedy)
    }
}
