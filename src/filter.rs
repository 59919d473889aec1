//! The filter: takes out of requests and answers what the policy keeps back, as they stream.
//!
//! [`Stream`] is the engine: it undoes content codings, reads the body as its [`Kind`] and gives out
//! what may pass. [`response`] and [`request`] put it between two HTTP messages.
//!
//! INVARIANT: nothing passes that was not looked at: [`FilteredBody`] has one maker, here, and every
//! doubt is a [`Refusal`], which before the first byte becomes an answer and later a reset.

pub mod body;
mod charset;
pub mod coding;
mod decode;
mod events;
#[cfg(test)]
pub(crate) mod fixture;
mod flow;
mod form;
mod grpc;
pub mod headers;
mod hold;
mod html;
pub mod inspect;
mod json;
pub mod media;
mod messages;
mod multipart;
mod opaque;
mod overrides;
mod owned;
mod parts;
pub mod place;
pub mod plan;
mod raw;
mod readings;
pub mod report;
mod request;
mod response;
mod rows;
#[cfg(test)]
mod script;
pub mod stream;
mod text;
mod untyped;
mod window;

use bytes::BytesMut;

pub use crate::filter::body::{
    Closing, End, FilterError, FilteredBody, Hook, Leash, Outcome, Watch,
};
pub use crate::filter::coding::Coding;
pub use crate::filter::inspect::{Edit, Inspector};
pub use crate::filter::messages::Messages;
pub use crate::filter::overrides::may_name_method;
pub use crate::filter::place::{Place, Step, Trail};
pub use crate::filter::plan::{Context, Limits, Plan, Side};
pub use crate::filter::report::{Count, Finding, Report};
pub use crate::filter::request::request;
pub use crate::filter::response::{answer_stream, response};
pub use crate::filter::stream::Stream;
use crate::types::Refusal;

/// An exchange that was blocked before anything of it left, and what had been found by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Why.
    pub refusal: Refusal,
    /// What was found and done.
    pub report: Report,
}

impl Blocked {
    fn by(refusal: Refusal, report: &Report) -> Box<Self> {
        let mut report = report.clone();
        report.refuse(&refusal);
        Box::new(Self { refusal, report })
    }
}

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

    /// Says which encoding the bytes came in, and whether the document alone says so: what it says is held
    /// against that.
    fn read_in(&mut self, _: &'static encoding_rs::Encoding, _: bool) -> Result<(), Refusal> {
        Ok(())
    }

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
