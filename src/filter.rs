//! The filter: takes out of requests and answers what the policy keeps back, as they stream.
//!
//! [`Stream`] is the engine: it undoes content codings, reads the body as its [`Kind`] and gives out
//! what may pass. [`response`] and [`request`] put it between two HTTP messages.
//!
//! INVARIANT: nothing passes that was not looked at: [`FilteredBody`] has one maker, here, and every
//! doubt is a [`Refusal`], which before the first byte becomes an answer and later a reset.

pub mod coding;
pub mod inspect;
pub mod place;
pub mod plan;
pub mod report;

use bytes::BytesMut;

pub use crate::filter::inspect::{Edit, Inspector};
pub use crate::filter::place::{Place, Step, Trail};
pub use crate::filter::plan::{Context, Limits, Plan, Side};
pub use crate::filter::report::{Count, Finding, Report};
use crate::types::Refusal;

/// A body format: reads decoded bytes in pieces of any size, gives out what may pass.
///
/// INVARIANT: output and findings do not depend on how the input was cut.
pub(crate) trait Format: Send {
    /// Takes the next piece.
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal>;

    /// Takes the end of the body: an incomplete one is refused.
    fn finish(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal>;

    /// Bytes kept back inside, beside [`Output::bytes`].
    fn buffered(&self) -> usize;
}

/// Where a [`Format`] puts what may pass.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// Bytes that may leave, in order, unless held.
    pub(crate) bytes: BytesMut,
    /// Nothing may leave yet: a later part of the body still decides (`hide`, `block`, nothing selected so far).
    pub(crate) held: bool,
}
