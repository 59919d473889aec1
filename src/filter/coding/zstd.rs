//! `zstd` (RFC 8878): any number of frames, windows up to the 8 MiB that RFC 9659 grants on the web.

use zstd::stream::raw::{DParameter, Decoder as Frames, Operation as _};

use super::{BUFFER, malformed};
use crate::types::{ReasonCode, Refusal};

/// 8 MiB.
const WINDOW_LOG: u32 = 23;

pub(super) struct Decoder {
    frames: Frames<'static>,
    is_inside: bool,
    buffer: Box<[u8]>,
}

impl Decoder {
    pub(super) fn new() -> Result<Self, Refusal> {
        let internal = |_| Refusal::new(ReasonCode::Internal);
        let mut frames = Frames::new().map_err(internal)?;
        frames
            .set_parameter(DParameter::WindowLogMax(WINDOW_LOG))
            .map_err(internal)?;
        Ok(Self {
            frames,
            is_inside: false,
            buffer: vec![0; BUFFER].into(),
        })
    }
}

impl super::Decoder for Decoder {
    fn write(
        &mut self,
        input: &[u8],
        sink: &mut dyn FnMut(&[u8]) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let mut rest = input;
        let mut is_full = false;
        while !rest.is_empty() || is_full {
            let status = self
                .frames
                .run_on_buffers(rest, &mut self.buffer)
                .map_err(|_| malformed("zstd"))?;
            let (Some(after), Some(output)) = (
                rest.get(status.bytes_read..),
                self.buffer.get(..status.bytes_written),
            ) else {
                return Err(malformed("zstd"));
            };
            if status.bytes_read == 0 && output.is_empty() {
                return if rest.is_empty() {
                    Ok(())
                } else {
                    Err(malformed("zstd"))
                };
            }
            rest = after;
            self.is_inside = status.remaining != 0;
            is_full = self.is_inside && output.len() == self.buffer.len();
            if !output.is_empty() {
                sink(output)?;
            }
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        !self.is_inside
    }
}
