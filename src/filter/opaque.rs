//! An answer that the route's `content` lets pass: its bytes, unread.

use crate::filter::{Format, Inspector, Output};
use crate::types::Refusal;

/// A body that nobody looks into.
#[derive(Debug)]
pub(super) struct Opaque;

impl Format for Opaque {
    fn write(&mut self, chunk: &[u8], _: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        out.bytes.extend_from_slice(chunk);
        Ok(())
    }

    fn finish(&mut self, _: &mut Inspector, _: &mut Output) -> Result<(), Refusal> {
        Ok(())
    }

    fn buffered(&self) -> usize {
        0
    }
}
