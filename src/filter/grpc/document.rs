//! A message as the JSON document that the record filter judges.
//!
//! Before each member and element stands its position, written in spaces and tabs: what passes keeps the
//! white space before it, so that what came of each can be told from the document that is left.

use super::message::{Field, Item, Message, Shape, Value};
use super::scalar;
use crate::types::{ReasonCode, Refusal};

/// Writes documents.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    /// What the message was read from.
    pub(super) bytes: &'a [u8],
    pub(super) json: &'a mut Vec<u8>,
    /// Bytes that a document may have.
    pub(super) limit: usize,
}

impl Writer<'_> {
    /// Writes a message, and notes in it where its values stand.
    pub(super) fn message(&mut self, message: &mut Message) -> Result<(), Refusal> {
        self.json.push(b'{');
        for (position, field) in message.fields.iter_mut().enumerate() {
            self.begin(position)?;
            scalar::quote(&field.name, self.json);
            self.json.push(b':');
            self.field(field)?;
        }
        self.json.push(b'}');
        Ok(())
    }

    fn field(&mut self, field: &mut Field) -> Result<(), Refusal> {
        let kind = field.kind.clone();
        match &field.shape {
            Shape::One => {
                for item in &mut field.items {
                    self.item(&kind, item)?;
                }
            }
            Shape::List { .. } => {
                self.json.push(b'[');
                for (position, item) in field.items.iter_mut().enumerate() {
                    self.begin(position)?;
                    self.item(&kind, item)?;
                }
                self.json.push(b']');
            }
            Shape::Map(key) => {
                self.json.push(b'{');
                for (position, item) in field.items.iter_mut().enumerate() {
                    let Value::Entry(entry) = &mut item.value else {
                        return Err(Refusal::new(ReasonCode::Internal));
                    };
                    self.begin(position)?;
                    let start = self.json.len();
                    let payload = match &entry.key {
                        Some(payload) => self.bytes.get(payload.clone()).unwrap_or_default(),
                        None => scalar::nothing(key),
                    };
                    let mut text = Vec::new();
                    scalar::to_json(key, payload, &mut text)?;
                    // Names are strings.
                    if text.first() == Some(&b'"') {
                        self.json.extend_from_slice(&text);
                    } else {
                        self.json.push(b'"');
                        self.json.extend_from_slice(&text);
                        self.json.push(b'"');
                    }
                    entry.key_json = start..self.json.len();
                    self.json.push(b':');
                    self.item(&kind, &mut entry.item)?;
                }
                self.json.push(b'}');
            }
        }
        Ok(())
    }

    fn item(&mut self, kind: &prost_reflect::Kind, item: &mut Item) -> Result<(), Refusal> {
        let start = self.json.len();
        match &mut item.value {
            Value::Scalar(payload) => {
                let payload = self.bytes.get(payload.clone()).unwrap_or_default();
                scalar::to_json(kind, payload, self.json)?;
            }
            Value::Absent => scalar::to_json(kind, scalar::nothing(kind), self.json)?,
            Value::Message(message) => self.message(message)?,
            Value::Entry(_) => return Err(Refusal::new(ReasonCode::Internal)),
        }
        item.json = start..self.json.len();
        Ok(())
    }

    /// Begins the member or element at `position`.
    fn begin(&mut self, position: usize) -> Result<(), Refusal> {
        if self.json.len() > self.limit {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        if position > 0 {
            self.json.push(b',');
        }
        mark(position, self.json);
        Ok(())
    }
}

/// Writes a position: the digits of the number after it in base 2, the lowest first.
fn mark(position: usize, json: &mut Vec<u8>) {
    let mut number = position + 1;
    while number > 0 {
        json.push(if number & 1 == 1 { b'\t' } else { b' ' });
        number >>= 1;
    }
}

/// The position that stands at the end of `before`; none where there is none.
pub(super) fn position(before: &[u8]) -> Option<usize> {
    let digits = before.iter().rev();
    let mut number: usize = 0;
    for digit in digits.take_while(|byte| matches!(byte, b' ' | b'\t')) {
        if number > usize::MAX >> 2 {
            return None;
        }
        number = number << 1 | usize::from(*digit == b'\t');
    }
    number.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::{mark, position};

    #[test]
    fn reads_the_positions_that_it_writes() {
        let mut json = b"[".to_vec();
        for number in (0..300).chain([(1 << 31) - 1, 1 << 31]) {
            json.push(b',');
            mark(number, &mut json);
            assert_eq!(position(&json), Some(number));
            json.push(b'1');
            assert_eq!(position(&json), None);
        }
    }
}
