//! `gzip` (RFC 1952): any number of members; each one's checksum and length are verified.

use flate2::{Crc, Decompress};

use super::deflate::pump;
use super::{BUFFER, malformed, surplus};
use crate::types::Refusal;

const HEADER_CRC: u8 = 0x02;
const EXTRA: u8 = 0x04;
const NAME: u8 = 0x08;
const COMMENT: u8 = 0x10;
const RESERVED: u8 = 0xe0;

pub(super) struct Decoder {
    state: State,
    /// The optional header parts that are still to come.
    flags: u8,
    members: u64,
    inflate: Decompress,
    crc: Crc,
    buffer: Box<[u8]>,
}

enum State {
    /// Bytes 0 to 9 of a member; `.0` of them have come.
    Head(u8),
    /// The length of the extra field, least byte first.
    ExtraLength(Option<u8>),
    Extra(u16),
    /// A name or comment, up to its zero byte.
    Text,
    /// This many bytes of the header's checksum are to come.
    HeaderCrc(u8),
    Body,
    /// Checksum and length, as many bytes of them as came.
    Trailer(u64, u8),
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            state: State::Head(0),
            flags: 0,
            members: 0,
            inflate: Decompress::new(false),
            crc: Crc::new(),
            buffer: vec![0; BUFFER].into(),
        }
    }

    fn take_header_byte(&mut self, byte: u8) -> Result<(), Refusal> {
        self.state = match self.state {
            State::Head(at) => {
                let is_valid = match at {
                    0 => byte == 0x1f,
                    1 => byte == 0x8b,
                    2 => byte == 8,
                    3 => byte & RESERVED == 0,
                    _ => true,
                };
                if !is_valid {
                    return Err(if at == 0 && self.members > 0 {
                        surplus("gzip")
                    } else {
                        malformed("gzip")
                    });
                }
                if at == 3 {
                    self.flags = byte;
                }
                if at < 9 {
                    State::Head(at + 1)
                } else {
                    self.next_part()
                }
            }
            State::ExtraLength(None) => State::ExtraLength(Some(byte)),
            State::ExtraLength(Some(low)) => match u16::from_le_bytes([low, byte]) {
                0 => self.next_part(),
                length => State::Extra(length),
            },
            State::Extra(1) | State::HeaderCrc(1) => self.next_part(),
            State::Extra(left) => State::Extra(left - 1),
            State::HeaderCrc(left) => State::HeaderCrc(left - 1),
            State::Text if byte == 0 => self.next_part(),
            State::Text => State::Text,
            State::Body => State::Body,
            State::Trailer(value, count) => {
                let value = value | u64::from(byte) << (8 * u32::from(count));
                if count < 7 {
                    State::Trailer(value, count + 1)
                } else {
                    self.end_member(value)?;
                    State::Head(0)
                }
            }
        };
        Ok(())
    }

    /// The next part that the flags announce; the body after the last.
    fn next_part(&mut self) -> State {
        let part = |flag: u8| self.flags & flag != 0;
        let (flag, state) = if part(EXTRA) {
            (EXTRA, State::ExtraLength(None))
        } else if part(NAME) {
            (NAME, State::Text)
        } else if part(COMMENT) {
            (COMMENT, State::Text)
        } else if part(HEADER_CRC) {
            (HEADER_CRC, State::HeaderCrc(2))
        } else {
            (0, State::Body)
        };
        self.flags &= !flag;
        state
    }

    fn end_member(&mut self, trailer: u64) -> Result<(), Refusal> {
        let expected = u64::from(self.crc.sum()) | u64::from(self.crc.amount()) << 32;
        if trailer != expected {
            return Err(malformed("gzip"));
        }
        self.members += 1;
        self.inflate.reset(false);
        self.crc.reset();
        Ok(())
    }
}

impl super::Decoder for Decoder {
    fn write(
        &mut self,
        input: &[u8],
        sink: &mut dyn FnMut(&[u8]) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let mut rest = input;
        while !rest.is_empty() {
            if !matches!(self.state, State::Body) {
                if let Some(byte) = rest.split_off_first() {
                    self.take_header_byte(*byte)?;
                }
                continue;
            }
            let crc = &mut self.crc;
            let is_end = pump(
                &mut self.inflate,
                &mut rest,
                &mut self.buffer,
                &mut |output| {
                    crc.update(output);
                    sink(output)
                },
            )?
            .ok_or_else(|| malformed("gzip"))?;
            if is_end {
                self.state = State::Trailer(0, 0);
            }
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.members > 0 && matches!(self.state, State::Head(0))
    }
}
