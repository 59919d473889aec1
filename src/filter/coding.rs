//! Undoes content codings as bytes come, with a bound on what may come out of them.
//!
//! INVARIANT: one piece of input gives at most a bounded amount of output before the ratio is
//! looked at, and where it is looked at does not depend on how the input was cut.

mod brotli;
mod deflate;
mod gzip;
#[cfg(test)]
pub(in crate::filter) mod tests;
mod zstd;

use std::fmt;

use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use crate::filter::Limits;
use crate::types::{ReasonCode, Refusal};

/// The codings that can be undone, as `Accept-Encoding` lists them.
pub const ACCEPTED: &str = "gzip, deflate, br, zstd";

/// Decoded bytes that are always granted: small answers may be as regular as they like.
const SLACK: u64 = 1 << 20;

/// The ratio is looked at as if input came in pieces of this size.
const STEP: u64 = 4096;

/// Decoders put out at most this much at a time.
const BUFFER: usize = 16 << 10;

/// A content coding (RFC 9110 section 8.4.1, RFC 7932, RFC 8878).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// `br`.
    Brotli,
    /// `deflate`: zlib, or raw deflate as some servers send.
    Deflate,
    /// `gzip`, `x-gzip`.
    Gzip,
    /// `zstd`.
    Zstd,
}

impl Coding {
    /// Reads the `Content-Encoding` fields of a message: its codings in the order they were applied.
    ///
    /// # Errors
    /// Refuses codings that can't be undone and more of them than the limit.
    pub fn of(headers: &HeaderMap, limits: &Limits) -> Result<Vec<Self>, Refusal> {
        let unsupported = || Refusal::new(ReasonCode::CodingUnsupported);
        let mut codings = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            let value = value.to_str().map_err(|_| unsupported())?;
            for name in value.split(',').map(str::trim) {
                if name.is_empty() || name.eq_ignore_ascii_case("identity") {
                    continue;
                }
                codings.push(Self::named(name).ok_or_else(unsupported)?);
            }
        }
        if codings.len() > limits.codings {
            return Err(unsupported().because("more codings than `limits.codings`"));
        }
        Ok(codings)
    }

    /// The coding with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("gzip") || is("x-gzip") {
            Some(Self::Gzip)
        } else if is("deflate") {
            Some(Self::Deflate)
        } else if is("br") {
            Some(Self::Brotli)
        } else if is("zstd") {
            Some(Self::Zstd)
        } else {
            None
        }
    }
}

/// Undoes one coding.
trait Decoder: Send {
    /// Takes the next bytes, gives every byte that they complete to `sink`.
    fn write(
        &mut self,
        input: &[u8],
        sink: &mut dyn FnMut(&[u8]) -> Result<(), Refusal>,
    ) -> Result<(), Refusal>;

    /// Whether the input so far is whole.
    fn is_complete(&self) -> bool;
}

/// Undoes the codings of one body, the one applied last first.
pub(crate) struct Decoding {
    layers: Vec<Layer>,
    ratio: u64,
    came: u64,
}

struct Layer {
    decoder: Box<dyn Decoder>,
    came: u64,
    left: u64,
}

impl Decoding {
    /// A decoder for `codings`, in the order they were applied.
    pub(crate) fn new(codings: &[Coding], limits: &Limits) -> Result<Self, Refusal> {
        let layers = codings.iter().rev().map(|coding| {
            let decoder: Box<dyn Decoder> = match coding {
                Coding::Brotli => Box::new(brotli::Decoder::new()),
                Coding::Deflate => Box::new(deflate::Decoder::new()),
                Coding::Gzip => Box::new(gzip::Decoder::new()),
                Coding::Zstd => Box::new(zstd::Decoder::new()?),
            };
            Ok(Layer {
                decoder,
                came: 0,
                left: 0,
            })
        });
        Ok(Self {
            layers: layers.collect::<Result<_, Refusal>>()?,
            ratio: limits.ratio,
            came: 0,
        })
    }

    /// Takes the next bytes, gives what they decode to to `sink`.
    pub(crate) fn write(
        &mut self,
        input: &[u8],
        sink: &mut dyn FnMut(&[u8]) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if self.layers.is_empty() {
            return if input.is_empty() {
                Ok(())
            } else {
                sink(input)
            };
        }
        let mut rest = input;
        while !rest.is_empty() {
            let step_end = (self.came / STEP + 1) * STEP;
            let length = usize::try_from(step_end - self.came).unwrap_or(rest.len());
            let (piece, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = after;
            self.came += piece.len() as u64;
            let granted = SLACK.saturating_add(self.ratio.saturating_mul(step_end));
            pour(&mut self.layers, piece, granted, sink)?;
        }
        Ok(())
    }

    /// Takes the end of the body.
    pub(crate) fn finish(&self) -> Result<(), Refusal> {
        // A body without any byte is empty in every coding: servers send that for empty answers.
        let is_complete = |layer: &Layer| layer.came == 0 || layer.decoder.is_complete();
        if self.layers.iter().all(is_complete) {
            Ok(())
        } else {
            Err(Refusal::new(ReasonCode::AnswerTruncated)
                .because("the body ends inside its content coding"))
        }
    }
}

impl fmt::Debug for Decoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoding")
            .field("layers", &self.layers.len())
            .field("came", &self.came)
            .finish_non_exhaustive()
    }
}

fn pour(
    layers: &mut [Layer],
    input: &[u8],
    granted: u64,
    sink: &mut dyn FnMut(&[u8]) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let Some((layer, inner)) = layers.split_first_mut() else {
        return sink(input);
    };
    layer.came += input.len() as u64;
    let left = &mut layer.left;
    layer.decoder.write(input, &mut |output| {
        *left += output.len() as u64;
        if *left > granted {
            return Err(Refusal::new(ReasonCode::CodingBomb));
        }
        pour(inner, output, granted, sink)
    })
}

fn malformed(coding: &str) -> Refusal {
    Refusal::new(ReasonCode::AnswerMalformed).because(format!("the body is not valid {coding}"))
}

fn surplus(coding: &str) -> Refusal {
    Refusal::new(ReasonCode::AnswerMalformed)
        .because(format!("bytes follow the end of the {coding} body"))
}
