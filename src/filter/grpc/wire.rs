//! The wire format of protocol buffers: records of a tag and a payload.
//!
//! Groups and all that parsers may read in two ways are refused. Varints of more bytes than they need are
//! read as every parser reads them.

use std::ops::Range;

use crate::types::{ReasonCode, Refusal};

/// The highest field number there is.
const MOST: u64 = (1 << 29) - 1;

/// How a payload is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// A varint.
    Varint,
    /// Eight bytes.
    Fixed64,
    /// As many bytes as a varint before them says.
    Delimited,
    /// Four bytes.
    Fixed32,
}

impl Wire {
    /// Its number in a tag.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Varint => 0,
            Self::Fixed64 => 1,
            Self::Delimited => 2,
            Self::Fixed32 => 5,
        }
    }
}

/// One record: the field that it belongs to, and where its payload stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) number: u32,
    pub(super) wire: Wire,
    pub(super) payload: Range<usize>,
}

/// Reads the records of a part of a message.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    /// A reader of what stands in `bytes` at `range`.
    pub(super) fn new(bytes: &'a [u8], range: Range<usize>) -> Self {
        Self {
            bytes,
            at: range.start,
            end: range.end.min(bytes.len()),
        }
    }

    /// The next record; none at the end.
    pub(super) fn record(&mut self) -> Result<Option<Record>, Refusal> {
        if self.at >= self.end {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 || number > MOST {
            return Err(malformed("a field's number is none"));
        }
        let number = u32::try_from(number).map_err(|_| malformed("a field's number is none"))?;
        let wire = match tag & 7 {
            0 => Wire::Varint,
            1 => Wire::Fixed64,
            2 => Wire::Delimited,
            5 => Wire::Fixed32,
            3 | 4 => return Err(malformed("it holds a group")),
            _ => return Err(malformed("a wire type is none")),
        };
        let payload = self.payload(wire)?;
        Ok(Some(Record {
            number,
            wire,
            payload,
        }))
    }

    /// The next payload that is delimited like `wire`: elements of a packed field have no tags.
    pub(super) fn payload(&mut self, wire: Wire) -> Result<Range<usize>, Refusal> {
        let start = self.at;
        match wire {
            Wire::Varint => {
                self.varint()?;
                Ok(start..self.at)
            }
            Wire::Fixed64 => self.skip(8),
            Wire::Fixed32 => self.skip(4),
            Wire::Delimited => {
                let length = self.varint()?;
                let length = usize::try_from(length).map_err(|_| cut_off())?;
                self.skip(length)
            }
        }
    }

    /// Nothing is left.
    pub(super) fn is_over(&self) -> bool {
        self.at >= self.end
    }

    fn varint(&mut self) -> Result<u64, Refusal> {
        let rest = self.bytes.get(self.at..self.end).unwrap_or_default();
        let (value, length) = varint(rest)?;
        self.at += length;
        Ok(value)
    }

    fn skip(&mut self, length: usize) -> Result<Range<usize>, Refusal> {
        let start = self.at;
        let end = start.checked_add(length).filter(|end| *end <= self.end);
        self.at = end.ok_or_else(cut_off)?;
        Ok(start..self.at)
    }
}

/// The varint at the beginning of `bytes`, and its length.
pub(super) fn varint(bytes: &[u8]) -> Result<(u64, usize), Refusal> {
    let mut value = 0;
    for (place, byte) in bytes.iter().enumerate().take(10) {
        // The tenth byte has room for one bit.
        if place == 9 && *byte > 1 {
            return Err(malformed("a varint has more than 64 bits"));
        }
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok((value, place + 1));
        }
    }
    Err(if bytes.len() < 10 {
        cut_off()
    } else {
        malformed("a varint has more than 64 bits")
    })
}

/// Writes a varint.
pub(super) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes a record's tag.
pub(super) fn put_tag(number: u32, wire: Wire, out: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3 | u64::from(wire.number()), out);
}

/// Writes a record of bytes.
pub(super) fn put_bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    put_tag(number, Wire::Delimited, out);
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// The refusal of what is no message of its type.
pub(super) fn malformed(why: impl Into<Box<str>>) -> Refusal {
    Refusal::new(ReasonCode::AnswerMalformed).because(why)
}

fn cut_off() -> Refusal {
    malformed("a message ends inside of a field")
}

#[cfg(test)]
mod tests {
    use super::{Reader, Wire, put_varint, varint};

    #[test]
    fn reads_what_it_writes() {
        for value in [
            0,
            1,
            127,
            128,
            300,
            u64::from(u32::MAX),
            u64::MAX - 1,
            u64::MAX,
        ] {
            let mut bytes = Vec::new();
            put_varint(value, &mut bytes);
            assert_eq!(varint(&bytes).unwrap(), (value, bytes.len()));
        }
    }

    #[test]
    fn refuses_what_is_no_record() {
        for (bytes, is_fine) in [
            (&[0x08, 0x00][..], true),
            (&[0x08], false),
            (&[0x08, 0x80], false),
            (&[0x08, 0x80, 0x00], true),
            (
                &[
                    0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
                ],
                true,
            ),
            (
                &[
                    0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02,
                ],
                false,
            ),
            (
                &[
                    0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0,
                ],
                false,
            ),
            (&[0x00, 0x00], false),
            (&[0x0b], false),
            (&[0x0c], false),
            (&[0x0e, 0], false),
            (&[0x0f, 0], false),
            (&[0x0a, 2, b'a', b'b'], true),
            (&[0x0a, 3, b'a', b'b'], false),
            (
                &[
                    0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
                ],
                false,
            ),
            (&[0x0d, 1, 2, 3, 4], true),
            (&[0x0d, 1, 2, 3], false),
            (&[0x09, 1, 2, 3, 4, 5, 6, 7, 8], true),
            (&[0x09, 1, 2, 3, 4, 5, 6, 7], false),
            (&[0xf8, 0xff, 0xff, 0xff, 0x0f, 0], true),
            (&[0xf8, 0xff, 0xff, 0xff, 0x1f, 0], false),
        ] {
            let mut reader = Reader::new(bytes, 0..bytes.len());
            assert_eq!(reader.record().is_ok(), is_fine, "{bytes:x?}");
        }
        let bytes = [0x0a, 2, b'a', b'b'];
        let record = Reader::new(&bytes, 0..4).record().unwrap().unwrap();
        assert_eq!(
            (record.number, record.wire, record.payload),
            (1, Wire::Delimited, 2..4)
        );
    }
}
