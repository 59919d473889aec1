//! Values of single fields: what they say in JSON, and how what stands in their place is encoded.

use std::fmt::Write as _;

use prost_reflect::Kind;

use super::wire::{self, Wire, malformed};
use crate::json::escape_into;
use crate::types::Refusal;

/// How payloads of a kind are delimited.
pub(super) fn wire(kind: &Kind) -> Wire {
    match kind {
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => Wire::Fixed64,
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => Wire::Fixed32,
        Kind::String | Kind::Bytes | Kind::Message(_) => Wire::Delimited,
        Kind::Bool
        | Kind::Enum(_)
        | Kind::Int32
        | Kind::Int64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Uint32
        | Kind::Uint64 => Wire::Varint,
    }
}

/// Writes the payload of a scalar as JSON: numbers in digits, as people and detectors read them, the values of enums by
/// their names, and `null` for what is no number.
pub(super) fn to_json(kind: &Kind, payload: &[u8], json: &mut Vec<u8>) -> Result<(), Refusal> {
    let mut text = String::new();
    // Writing to a string can't fail.
    _ = match kind {
        Kind::Double => number(f64::from_le_bytes(fixed(payload)?), &mut text),
        Kind::Float => {
            let value = f32::from_le_bytes(fixed(payload)?);
            if value.is_finite() {
                write!(text, "{value}")
            } else {
                write!(text, "null")
            }
        }
        Kind::Fixed32 => write!(text, "{}", u32::from_le_bytes(fixed(payload)?)),
        Kind::Sfixed32 => write!(text, "{}", i32::from_le_bytes(fixed(payload)?)),
        Kind::Fixed64 => write!(text, "{}", u64::from_le_bytes(fixed(payload)?)),
        Kind::Sfixed64 => write!(text, "{}", i64::from_le_bytes(fixed(payload)?)),
        Kind::Bool => write!(text, "{}", varint(payload)? != 0),
        Kind::Int32 => write!(text, "{}", low(varint(payload)?)?),
        Kind::Int64 => write!(text, "{}", varint(payload)?.cast_signed()),
        Kind::Uint32 => {
            let value = u32::try_from(varint(payload)?);
            write!(text, "{}", value.map_err(|_| too_large())?)
        }
        Kind::Uint64 => write!(text, "{}", varint(payload)?),
        Kind::Sint32 => {
            let value = u32::try_from(varint(payload)?).map_err(|_| too_large())?;
            write!(
                text,
                "{}",
                (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
            )
        }
        Kind::Sint64 => {
            let value = varint(payload)?;
            write!(
                text,
                "{}",
                (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
            )
        }
        Kind::Enum(words) => {
            let value = low(varint(payload)?)?;
            match words.get_value(value) {
                Some(word) => write!(text, "\"{}\"", word.name()),
                None => write!(text, "{value}"),
            }
        }
        Kind::String => {
            let value = std::str::from_utf8(payload);
            quote(value.map_err(|_| malformed("a string is not UTF-8"))?, json);
            return Ok(());
        }
        // Bytes that are no text have been judged before.
        Kind::Bytes => {
            match std::str::from_utf8(payload) {
                Ok(value) => quote(value, json),
                Err(_) => json.extend_from_slice(b"null"),
            }
            return Ok(());
        }
        Kind::Message(_) => return Err(malformed("a message where a value belongs")),
    };
    json.extend_from_slice(text.as_bytes());
    Ok(())
}

/// Writes a string in its quotes.
pub(super) fn quote(text: &str, json: &mut Vec<u8>) {
    json.push(b'"');
    let is_plain = |byte: &u8| *byte >= 0x20 && !b"\"\\".contains(byte);
    if text.as_bytes().iter().all(is_plain) {
        json.extend_from_slice(text.as_bytes());
    } else {
        escape_into(text, json);
    }
    json.push(b'"');
}

/// The payload of a number for `digits`, which stand in another's place. None where they are no number of the kind.
pub(super) fn from_digits(kind: &Kind, digits: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(digits).ok()?;
    let mut payload = Vec::new();
    let mut put = |value| wire::put_varint(value, &mut payload);
    match kind {
        Kind::Double => return Some(text.parse::<f64>().ok()?.to_le_bytes().to_vec()),
        Kind::Float => return Some(text.parse::<f32>().ok()?.to_le_bytes().to_vec()),
        Kind::Fixed32 => return Some(text.parse::<u32>().ok()?.to_le_bytes().to_vec()),
        Kind::Sfixed32 => return Some(text.parse::<i32>().ok()?.to_le_bytes().to_vec()),
        Kind::Fixed64 => return Some(text.parse::<u64>().ok()?.to_le_bytes().to_vec()),
        Kind::Sfixed64 => return Some(text.parse::<i64>().ok()?.to_le_bytes().to_vec()),
        Kind::Int32 | Kind::Enum(_) => {
            put(i64::from(text.parse::<i32>().ok()?).cast_unsigned());
        }
        Kind::Int64 => put(text.parse::<i64>().ok()?.cast_unsigned()),
        Kind::Uint32 => put(text.parse::<u32>().ok()?.into()),
        Kind::Uint64 => put(text.parse::<u64>().ok()?),
        Kind::Sint32 => {
            let value = text.parse::<i32>().ok()?;
            put(((value << 1) ^ (value >> 31)).cast_unsigned().into());
        }
        Kind::Sint64 => {
            let value = text.parse::<i64>().ok()?;
            put(((value << 1) ^ (value >> 63)).cast_unsigned());
        }
        Kind::Bool | Kind::Bytes | Kind::Message(_) | Kind::String => return None,
    }
    Some(payload)
}

/// The payload of nothing: zero, no bytes.
pub(super) fn nothing(kind: &Kind) -> &'static [u8] {
    match wire(kind) {
        Wire::Varint => &[0],
        Wire::Fixed64 => &[0; 8],
        Wire::Fixed32 => &[0; 4],
        Wire::Delimited => &[],
    }
}

fn number(value: f64, text: &mut String) -> std::fmt::Result {
    if value.is_finite() {
        write!(text, "{value}")
    } else {
        write!(text, "null")
    }
}

fn varint(payload: &[u8]) -> Result<u64, Refusal> {
    wire::varint(payload).map(|(value, _)| value)
}

/// A signed number of 32 bits, which is encoded with 64 where it is negative.
fn low(value: u64) -> Result<i32, Refusal> {
    i32::try_from(value.cast_signed())
        .or_else(|_| u32::try_from(value).map(u32::cast_signed))
        .map_err(|_| too_large())
}

fn too_large() -> Refusal {
    malformed("a number has more than 32 bits")
}

fn fixed<const N: usize>(payload: &[u8]) -> Result<[u8; N], Refusal> {
    payload
        .try_into()
        .map_err(|_| malformed("a number has another length than its type"))
}
