//! `deflate`: zlib (RFC 1950), or raw deflate (RFC 1951) where the first two bytes are no zlib header.

use flate2::{Decompress, FlushDecompress, Status};

use super::{BUFFER, malformed, surplus};
use crate::types::Refusal;

pub(super) struct Decoder {
    state: State,
    buffer: Box<[u8]>,
}

enum State {
    /// At most one byte has come.
    Start(Option<u8>),
    Body(Decompress),
    End,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            state: State::Start(None),
            buffer: vec![0; BUFFER].into(),
        }
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
            match &mut self.state {
                State::Start(None) => {
                    self.state = State::Start(rest.split_off_first().copied());
                }
                State::Start(Some(first)) => {
                    let Some(second) = rest.first() else {
                        return Ok(());
                    };
                    let first = *first;
                    let has_header = first & 0x0f == 8
                        && first >> 4 <= 7
                        && (u16::from(first) << 8 | u16::from(*second)) % 31 == 0;
                    let mut inflate = Decompress::new(has_header);
                    let mut start: &[u8] = &[first];
                    let is_end = pump(&mut inflate, &mut start, &mut self.buffer, sink)?
                        .ok_or_else(|| malformed("deflate"))?;
                    self.state = if is_end {
                        State::End
                    } else {
                        State::Body(inflate)
                    };
                }
                State::Body(inflate) => {
                    let is_end = pump(inflate, &mut rest, &mut self.buffer, sink)?
                        .ok_or_else(|| malformed("deflate"))?;
                    if is_end {
                        self.state = State::End;
                    }
                }
                State::End => return Err(surplus("deflate")),
            }
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        matches!(self.state, State::End)
    }
}

/// Inflates `input` as far as it goes; whether the stream ended, or none where it is malformed.
pub(super) fn pump(
    inflate: &mut Decompress,
    input: &mut &[u8],
    buffer: &mut [u8],
    sink: &mut dyn FnMut(&[u8]) -> Result<(), Refusal>,
) -> Result<Option<bool>, Refusal> {
    loop {
        let (came, left) = (inflate.total_in(), inflate.total_out());
        let Ok(status) = inflate.decompress(input, buffer, FlushDecompress::None) else {
            return Ok(None);
        };
        let taken = usize::try_from(inflate.total_in() - came).unwrap_or(usize::MAX);
        let given = usize::try_from(inflate.total_out() - left).unwrap_or(usize::MAX);
        let (Some(rest), Some(output)) = (input.get(taken..), buffer.get(..given)) else {
            return Ok(None);
        };
        *input = rest;
        if !output.is_empty() {
            sink(output)?;
        }
        match status {
            Status::StreamEnd => return Ok(Some(true)),
            Status::Ok | Status::BufError if taken == 0 && given == 0 => {
                // No progress with input left over would loop for ever.
                return Ok(input.is_empty().then_some(false));
            }
            Status::Ok | Status::BufError => {}
        }
    }
}
