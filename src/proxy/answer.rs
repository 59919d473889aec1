//! The body of every answer: filtered bytes of the app's, or words of our own. There is no third kind.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::headers;
use crate::filter::{FilterError, FilteredBody};
use crate::transport::Busy;

/// What is sent to the client.
#[derive(Debug)]
pub struct Answer {
    source: Source,
    /// The connection is busy until the answer has been read to its end, or given up.
    busy: Busy,
}

#[derive(Debug)]
enum Source {
    Filtered(Box<FilteredBody>),
    Own(Bytes),
}

impl Answer {
    pub(super) fn filtered(body: FilteredBody, mut busy: Busy) -> Self {
        busy.waits_for_client(true);
        Self {
            source: Source::Filtered(Box::new(body)),
            busy,
        }
    }

    pub(super) fn own(body: Bytes, mut busy: Busy) -> Self {
        busy.waits_for_client(true);
        Self {
            source: Source::Own(body),
            busy,
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if self.is_end_stream() || matches!(self.source, Source::Own(_)) {
            self.busy.ends();
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = FilterError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FilterError>>> {
        let this = &mut *self;
        match &mut this.source {
            Source::Filtered(body) => {
                let mut frame = Pin::new(body.as_mut()).poll_frame(cx);
                this.busy.waits_for_client(frame.is_ready());
                match &mut frame {
                    Poll::Ready(Some(Err(_))) => this.busy.breaks(),
                    Poll::Ready(Some(Ok(frame))) => {
                        if let Some(trailers) = frame.trailers_mut() {
                            headers::trailers_from_app(trailers);
                        }
                    }
                    _ => {}
                }
                frame
            }
            Source::Own(bytes) if bytes.is_empty() => Poll::Ready(None),
            Source::Own(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Filtered(body) => body.is_end_stream(),
            Source::Own(bytes) => bytes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Filtered(body) => body.size_hint(),
            Source::Own(bytes) => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}
