//! A message of a known type, taken apart: its fields and where their payloads stand.
//!
//! INVARIANT: nothing of it is left aside. What the descriptors don't know, and what two parsers may read
//! differently (a field twice, two members of a `oneof`), is refused.

use std::ops::Range;

use prost_reflect::{Kind, MessageDescriptor};

use super::scalar;
use super::wire::{Reader, Record, Wire, malformed};
use crate::types::{ReasonCode, Refusal};

/// The type whose payload names its own type.
const ANY: &str = "google.protobuf.Any";

/// A message.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) fields: Vec<Field>,
}

/// A field, with all that stands in it.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u32,
    /// As the `.proto` file writes it.
    pub(super) name: Box<str>,
    pub(super) kind: Kind,
    pub(super) shape: Shape,
    pub(super) items: Vec<Item>,
}

/// How many values a field holds.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    One,
    /// Any number of them, with or without a tag each.
    List {
        is_packed: bool,
    },
    /// Any number of them, under keys of this kind.
    Map(Kind),
}

/// One value of a field, and where it stands in the document.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) value: Value,
    pub(super) json: Range<usize>,
}

#[derive(Debug)]
pub(super) enum Value {
    /// What its payload says.
    Scalar(Range<usize>),
    Message(Message),
    Entry(Box<Entry>),
    /// It is not there, so that its type's default holds.
    Absent,
}

/// An entry of a map.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Option<Range<usize>>,
    /// The key in its quotes.
    pub(super) key_json: Range<usize>,
    pub(super) item: Item,
}

impl From<Value> for Item {
    fn from(value: Value) -> Self {
        Self { value, json: 0..0 }
    }
}

/// Judges bytes that are no text.
pub(super) type Opaque<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), Refusal>;

/// Takes messages apart.
pub(super) struct Decoder<'a> {
    pub(super) bytes: &'a [u8],
    /// Levels of messages.
    pub(super) depth: usize,
    /// Values that there may be.
    pub(super) room: usize,
    /// Empty lists, which are not on the wire, are noted: a rule may look for what is in them.
    pub(super) notes_lists: bool,
    pub(super) opaque: Opaque<'a>,
}

impl Decoder<'_> {
    /// The message of the type `descriptor` that stands at `range`, inside of `level` others.
    pub(super) fn message(
        &mut self,
        descriptor: &MessageDescriptor,
        range: Range<usize>,
        level: usize,
    ) -> Result<Message, Refusal> {
        if level >= self.depth {
            return Err(Refusal::new(ReasonCode::AnswerTooDeep));
        }
        if descriptor.full_name() == ANY {
            return self.any(descriptor, range, level);
        }
        let mut message = Message::default();
        let mut oneofs: Vec<String> = Vec::new();
        let mut last = 0;
        let mut reader = Reader::new(self.bytes, range);
        while let Some(record) = reader.record()? {
            let is_it = |field: &Field| field.number == record.number;
            if !message.fields.get(last).is_some_and(is_it) {
                last = match message.fields.iter().position(is_it) {
                    Some(known) => known,
                    None => {
                        let field = field(descriptor, record.number, &mut oneofs)?;
                        message.fields.push(field);
                        message.fields.len() - 1
                    }
                };
            }
            if let Some(field) = message.fields.get_mut(last) {
                self.take(field, &record, level)?;
            }
        }
        if self.notes_lists {
            for known in descriptor
                .fields()
                .filter(|known| known.is_list() || known.is_map())
            {
                if !message
                    .fields
                    .iter()
                    .any(|field| field.number == known.number())
                {
                    message
                        .fields
                        .push(field(descriptor, known.number(), &mut oneofs)?);
                }
            }
        }
        Ok(message)
    }

    /// Adds what stands in `record` to its field.
    fn take(&mut self, field: &mut Field, record: &Record, level: usize) -> Result<(), Refusal> {
        let wire = scalar::wire(&field.kind);
        match &mut field.shape {
            Shape::One if !field.items.is_empty() => {
                return Err(about(field, "stands twice"));
            }
            Shape::List { is_packed } if record.wire != wire && record.wire == Wire::Delimited => {
                *is_packed = true;
                let mut reader = Reader::new(self.bytes, record.payload.clone());
                while !reader.is_over() {
                    self.count()?;
                    let payload = reader.payload(wire)?;
                    field.items.push(Value::Scalar(payload).into());
                }
                return Ok(());
            }
            Shape::Map(_) if record.wire == Wire::Delimited => {}
            Shape::One | Shape::List { .. } if record.wire == wire => {}
            _ => return Err(about(field, "has the wire type of another kind")),
        }
        self.count()?;
        let value = match &field.shape {
            Shape::Map(key) => self.entry(&field.kind, key, record.payload.clone(), level)?,
            _ => self.value(&field.kind, record.payload.clone(), level)?,
        };
        field.items.push(value.into());
        Ok(())
    }

    fn value(
        &mut self,
        kind: &Kind,
        payload: Range<usize>,
        level: usize,
    ) -> Result<Value, Refusal> {
        match kind {
            Kind::Message(inner) => Ok(Value::Message(self.message(inner, payload, level + 1)?)),
            Kind::Bytes => {
                let bytes = self.bytes.get(payload.clone()).unwrap_or_default();
                if std::str::from_utf8(bytes).is_err() {
                    (self.opaque)(bytes)?;
                }
                Ok(Value::Scalar(payload))
            }
            _ => Ok(Value::Scalar(payload)),
        }
    }

    fn entry(
        &mut self,
        kind: &Kind,
        key_kind: &Kind,
        range: Range<usize>,
        level: usize,
    ) -> Result<Value, Refusal> {
        let (mut key, mut value) = (None, None);
        let mut reader = Reader::new(self.bytes, range);
        while let Some(record) = reader.record()? {
            match record.number {
                1 if key.is_none() && record.wire == scalar::wire(key_kind) => {
                    key = Some(record.payload);
                }
                2 if value.is_none() && record.wire == scalar::wire(kind) => {
                    value = Some(self.value(kind, record.payload, level)?);
                }
                _ => return Err(malformed("an entry of a map is none")),
            }
        }
        let value = match (value, kind) {
            (Some(value), _) => value,
            // A message that is not there is an empty one.
            (None, Kind::Message(inner)) => Value::Message(self.message(inner, 0..0, level + 1)?),
            (None, _) => Value::Absent,
        };
        Ok(Value::Entry(Box::new(Entry {
            key,
            key_json: 0..0,
            item: value.into(),
        })))
    }

    /// A message that names the type of another one, which it holds.
    fn any(
        &mut self,
        descriptor: &MessageDescriptor,
        range: Range<usize>,
        level: usize,
    ) -> Result<Message, Refusal> {
        let (mut name, mut held) = (None, None);
        let mut reader = Reader::new(self.bytes, range);
        while let Some(record) = reader.record()? {
            match (record.number, record.wire) {
                (1, Wire::Delimited) if name.is_none() => name = Some(record.payload),
                (2, Wire::Delimited) if held.is_none() => held = Some(record.payload),
                _ => return Err(malformed("an `Any` is none")),
            }
        }
        let mut message = Message::default();
        let mut put = |number, name: &str, kind, value: Value| {
            message.fields.push(Field {
                number,
                name: name.into(),
                kind,
                shape: Shape::One,
                items: vec![value.into()],
            });
        };
        let address = name.clone().and_then(|name| self.bytes.get(name));
        if let Some(name) = name {
            self.count()?;
            put(1, "type_url", Kind::String, Value::Scalar(name));
        }
        let Some(held) = held.filter(|held| !held.is_empty() || address.is_some()) else {
            return Ok(message);
        };
        let inner = address
            .and_then(|address| std::str::from_utf8(address).ok())
            .and_then(|address| address.rsplit('/').next())
            .and_then(|name| descriptor.parent_pool().get_message_by_name(name))
            .ok_or_else(|| malformed("an `Any` holds a type that the descriptor set lacks"))?;
        self.count()?;
        let value = self.message(&inner, held, level + 1)?;
        put(2, "value", Kind::Message(inner), Value::Message(value));
        Ok(message)
    }

    fn count(&mut self) -> Result<(), Refusal> {
        let left = self.room.checked_sub(1);
        self.room = left.ok_or_else(|| Refusal::new(ReasonCode::RecordTooLarge))?;
        Ok(())
    }
}

/// The field of `number`, with nothing in it; `oneofs` are those of which a member has been met.
fn field(
    descriptor: &MessageDescriptor,
    number: u32,
    oneofs: &mut Vec<String>,
) -> Result<Field, Refusal> {
    if let Some(known) = descriptor.get_field(number) {
        if known.is_group() {
            return Err(malformed("it holds a group"));
        }
        if let Some(oneof) = known.containing_oneof() {
            if oneofs.iter().any(|met| met == oneof.full_name()) {
                return Err(malformed(format!("two members of `{}`", oneof.full_name())));
            }
            oneofs.push(oneof.full_name().to_owned());
        }
        let entry = known
            .kind()
            .as_message()
            .cloned()
            .filter(|_| known.is_map());
        let (kind, shape) = match entry {
            Some(entry) => (
                entry.map_entry_value_field().kind(),
                Shape::Map(entry.map_entry_key_field().kind()),
            ),
            None => (known.kind(), shape(known.is_list())),
        };
        return Ok(Field {
            number,
            name: known.name().into(),
            kind,
            shape,
            items: Vec::new(),
        });
    }
    match descriptor.get_extension(number) {
        Some(known) if !known.is_group() => Ok(Field {
            number,
            name: format!("[{}]", known.full_name()).into(),
            kind: known.kind(),
            shape: shape(known.is_list()),
            items: Vec::new(),
        }),
        _ => Err(malformed(format!(
            "field {number} of `{}` is not in the descriptor set",
            descriptor.full_name()
        ))),
    }
}

fn shape(is_list: bool) -> Shape {
    if is_list {
        Shape::List { is_packed: false }
    } else {
        Shape::One
    }
}

fn about(field: &Field, what: &str) -> Refusal {
    malformed(format!("the field `{}` {what}", field.name))
}
