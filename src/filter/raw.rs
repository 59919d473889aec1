//! A request's body of any other type: bytes, scanned as they are.

use crate::filter::window::Window;
use crate::filter::{Format, Inspector, Output};
use crate::types::Refusal;

/// A body of unknown grammar.
#[derive(Debug)]
pub(super) struct Raw(Window);

impl Raw {
    pub(super) fn new(inspector: &Inspector) -> Self {
        Self(Window::new(inspector))
    }
}

impl Format for Raw {
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        self.0.write(chunk, inspector, &mut out.bytes)
    }

    fn finish(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        self.0.finish(inspector, &mut out.bytes)
    }

    fn buffered(&self) -> usize {
        self.0.len()
    }
}
