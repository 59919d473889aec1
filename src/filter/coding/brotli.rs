//! `br` (RFC 7932), without the large-window extension.

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};

use super::{BUFFER, malformed, surplus};
use crate::types::Refusal;

pub(super) struct Decoder {
    state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
    is_over: bool,
    buffer: Box<[u8]>,
}

impl Decoder {
    pub(super) fn new() -> Self {
        let alloc = StandardAlloc::default;
        Self {
            state: Box::new(BrotliState::new_strict(alloc(), alloc(), alloc())),
            is_over: false,
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
        if self.is_over && !input.is_empty() {
            return Err(surplus("br"));
        }
        let (mut left, mut offset) = (input.len(), 0);
        while !self.is_over {
            let (mut room, mut given, mut total) = (self.buffer.len(), 0, 0);
            let result = BrotliDecompressStream(
                &mut left,
                &mut offset,
                input,
                &mut room,
                &mut given,
                &mut self.buffer,
                &mut total,
                &mut self.state,
            );
            let output = self.buffer.get(..given).ok_or_else(|| malformed("br"))?;
            if !output.is_empty() {
                sink(output)?;
            }
            match result {
                BrotliResult::ResultSuccess => self.is_over = true,
                BrotliResult::NeedsMoreOutput => {}
                BrotliResult::NeedsMoreInput if left == 0 => return Ok(()),
                BrotliResult::NeedsMoreInput | BrotliResult::ResultFailure => {
                    return Err(malformed("br"));
                }
            }
        }
        if left > 0 {
            return Err(surplus("br"));
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.is_over
    }
}
