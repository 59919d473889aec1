//! From a source body into the filter, one bounded step at a time.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;

use crate::filter::body::FilterError;
use crate::filter::grpc::metadata;
use crate::filter::{Report, Side, Stream, headers};
use crate::types::{ReasonCode, Refusal};

/// Input goes into the filter in pieces of at most this size, so that one piece of a coded body
/// can't put out much more than the buffers are made for.
const PIECE: usize = 8 << 10;

type BoxError = Box<dyn Error + Send + Sync>;
type Source = Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>;

/// A source and what is done to it.
pub(super) struct Flow {
    source: Source,
    engine: Engine,
    side: Side,
    /// Bytes that came and have not gone into the engine.
    input: Bytes,
    /// What the source still owes, where it said how much it has.
    owed: Option<u64>,
    /// Bytes that the source may still bring.
    allowed: u64,
    /// Bytes that are still to leave, where that is known.
    length: Option<u64>,
    trailers: Option<HeaderMap>,
    is_over: bool,
}

/// What is done to the bytes.
pub(super) enum Engine {
    /// Nothing: the permit lets them pass unread.
    Pass(Bytes, Box<Report>),
    /// They are filtered.
    Stream(Box<Stream>),
}

impl Flow {
    /// A flow from `source` through `engine`; `keeps_length` where it gives out as much as it takes in.
    pub(super) fn new<B>(source: B, engine: Engine, side: Side, allowed: u64) -> Self
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let owed = source.size_hint().exact();
        let keeps_length = match &engine {
            Engine::Pass(..) => true,
            Engine::Stream(stream) => {
                side == Side::Request || stream.is_observing() || stream.is_verbatim()
            }
        };
        Self {
            is_over: source.is_end_stream() || owed == Some(0),
            source: Box::pin(http_body_util::BodyExt::map_err(source, Into::into)),
            engine,
            side,
            input: Bytes::new(),
            owed,
            allowed,
            length: owed.filter(|_| keeps_length),
            trailers: None,
        }
    }

    /// A flow without a body.
    pub(super) fn empty(report: Report, side: Side) -> Self {
        let source = http_body_util::Empty::<Bytes>::new();
        Self::new(
            source,
            Engine::Pass(Bytes::new(), Box::new(report)),
            side,
            0,
        )
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) fn has_trailers(&self) -> bool {
        self.trailers.is_some()
    }

    /// A later part still decides whether anything may leave.
    pub(super) fn is_held(&self) -> bool {
        match &self.engine {
            Engine::Pass(..) => false,
            Engine::Stream(stream) => stream.is_held(),
        }
    }

    pub(super) fn ready(&self) -> usize {
        match &self.engine {
            Engine::Pass(bytes, _) => bytes.len(),
            Engine::Stream(stream) => stream.ready(),
        }
    }

    pub(super) fn length(&self) -> Option<u64> {
        if self.is_over && self.trailers.is_none() {
            return Some(self.ready() as u64);
        }
        self.length
    }

    pub(super) fn report(&self) -> &Report {
        match &self.engine {
            Engine::Pass(_, report) => report,
            Engine::Stream(stream) => stream.report(),
        }
    }

    /// Takes the bytes that may leave now.
    pub(super) fn take(&mut self) -> Bytes {
        let bytes = match &mut self.engine {
            Engine::Pass(bytes, report) => {
                report.left(bytes.len());
                std::mem::take(bytes)
            }
            Engine::Stream(stream) => stream.take(),
        };
        if let Some(length) = &mut self.length {
            *length = length.saturating_sub(bytes.len() as u64);
        }
        bytes
    }

    /// Takes everything that is left at the end.
    pub(super) fn take_last(&mut self) -> (Bytes, Option<HeaderMap>) {
        (self.take(), self.trailers.take())
    }

    /// Brings one piece further, or waits for the source.
    pub(super) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        if self.is_over {
            return Poll::Ready(Ok(()));
        }
        if !self.input.is_empty() {
            return Poll::Ready(self.push());
        }
        let frame = match ready!(self.source.as_mut().poll_frame(cx)) {
            None if self.owed.is_some_and(|owed| owed > 0) => {
                return Poll::Ready(Err(self.broken_off()));
            }
            None => return Poll::Ready(self.end()),
            Some(Err(error)) => return Poll::Ready(Err(self.explain(&error))),
            Some(Ok(frame)) => frame,
        };
        Poll::Ready(match frame.into_data() {
            Ok(data) => self.accept(data),
            Err(frame) => match frame.into_trailers() {
                Ok(trailers) => self.accept_trailers(trailers),
                Err(_) => Ok(()),
            },
        })
    }

    fn accept(&mut self, data: Bytes) -> Result<(), Refusal> {
        let length = data.len() as u64;
        let Some(allowed) = self.allowed.checked_sub(length) else {
            return Err(Refusal::new(ReasonCode::RequestTooLarge));
        };
        self.allowed = allowed;
        if let Some(owed) = &mut self.owed {
            *owed = owed
                .checked_sub(length)
                .ok_or_else(|| Refusal::new(ReasonCode::AppProtocol))?;
        }
        self.input = data;
        if self.input.is_empty() {
            Ok(())
        } else {
            self.push()
        }
    }

    /// Pushes one piece of what came into the engine. The last piece of a body whose length is
    /// known ends it at once: nothing of that piece leaves before the filter has agreed to the end.
    fn push(&mut self) -> Result<(), Refusal> {
        match &mut self.engine {
            Engine::Pass(bytes, report) => {
                report.came(self.input.len());
                let input = std::mem::take(&mut self.input);
                // What was read ahead has not left yet.
                *bytes = if bytes.is_empty() {
                    input
                } else {
                    Bytes::from([&**bytes, &*input].concat())
                };
            }
            Engine::Stream(stream) => {
                let piece = self.input.split_to(self.input.len().min(PIECE));
                stream.write(&piece)?;
            }
        }
        if self.input.is_empty() && self.owed == Some(0) {
            return self.end();
        }
        Ok(())
    }

    fn accept_trailers(&mut self, mut trailers: HeaderMap) -> Result<(), Refusal> {
        if let Engine::Stream(stream) = &mut self.engine {
            headers::inspect(&mut trailers, stream.inspector_mut())?;
            if stream.is_grpc() {
                metadata::settle(&mut trailers, stream.inspector_mut())?;
            }
            if self.side == Side::Response && !stream.is_observing() {
                headers::drop_stale(&mut trailers);
                headers::drop_ours(&mut trailers);
            }
        }
        if !trailers.is_empty() {
            self.trailers = Some(trailers);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Refusal> {
        if let Engine::Stream(stream) = &mut self.engine {
            stream.finish()?;
        }
        self.is_over = true;
        Ok(())
    }

    fn explain(&self, error: &BoxError) -> Refusal {
        if let Some(error) = error.downcast_ref::<FilterError>() {
            return error.refusal.clone();
        }
        let is_malformed = error
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_parse)
            || frames(&**error).is_some_and(h2::Error::is_library)
            || is_io(&**error, ErrorKind::InvalidData);
        match self.side {
            Side::Response if is_io(&**error, ErrorKind::TimedOut) => {
                Refusal::new(ReasonCode::AppTimeout)
            }
            Side::Response if is_malformed => Refusal::new(ReasonCode::AppProtocol),
            _ => self.broken_off(),
        }
    }

    fn broken_off(&self) -> Refusal {
        match self.side {
            Side::Request => {
                Refusal::new(ReasonCode::RequestMalformed).because("the request's body broke off")
            }
            Side::Response => Refusal::new(ReasonCode::AnswerTruncated),
        }
    }
}

/// Whether an error of the connection of this `kind` is its cause: `TimedOut` where the app paused for
/// longer than it may, `InvalidData` where it sent what is no HTTP.
fn is_io(error: &(dyn Error + 'static), kind: ErrorKind) -> bool {
    let io = frames(error).and_then(h2::Error::get_io);
    if io.is_some_and(|error| error.kind() == kind) {
        return true;
    }
    let mut next = Some(error);
    while let Some(error) = next {
        let is_io = error.downcast_ref::<std::io::Error>();
        if is_io.is_some_and(|error| error.kind() == kind) {
            return true;
        }
        next = error.source();
    }
    false
}

/// What the library of HTTP/2 says about the connection or stream.
fn frames<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e h2::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(frames) = error.downcast_ref() {
            return Some(frames);
        }
        next = error.source();
    }
    None
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("side", &self.side)
            .field("owed", &self.owed)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}
