//! The client's body on its way in: one that pauses too long, or drips, is cut off.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::identity::Copies;
use super::{headers, normalise, respond};
use crate::filter::FilterError;
use crate::transport::Malformed;
use crate::transport::upstream::Pace;
use crate::types::{ReasonCode, Refusal};

/// A body that pauses again and again must bring at least this many bytes for each second of waiting.
const BYTES_PER_SECOND: u64 = 1024;

/// The connection to the app that the body goes to, once there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn(Arc<OnceLock<Arc<Pace>>>);

impl Turn {
    /// The body goes to the connection with these books, and is not there yet.
    pub(super) fn goes_to(&self, pace: &Arc<Pace>) {
        pace.uploading();
        // A body goes to one connection: one that has been streamed from is never sent twice.
        let _ = self.0.set(Arc::clone(pace));
    }

    fn tell(&self, event: impl FnOnce(&Pace)) {
        if let Some(pace) = self.0.get() {
            event(pace);
        }
    }
}

/// A request's body with a clock.
#[derive(Debug)]
pub(super) struct Upload {
    inner: Incoming,
    limit: Duration,
    copies: Copies,
    turn: Turn,
    received: u64,
    waited: Duration,
    waiting_since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Upload {
    pub(super) fn new(inner: Incoming, limit: Duration, copies: Copies) -> Self {
        Self {
            inner,
            limit,
            copies,
            turn: Turn::default(),
            received: 0,
            waited: Duration::ZERO,
            waiting_since: None,
            alarm: None,
        }
    }

    pub(super) fn turn(&self) -> Turn {
        self.turn.clone()
    }

    /// What is left of the client's time: of this pause, and of all pauses.
    fn patience(&self) -> Duration {
        let earned = Duration::from_secs(self.received / BYTES_PER_SECOND);
        let left = (self.limit + earned).saturating_sub(self.waited);
        left.min(self.limit)
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.waiting_since.get_or_insert_with(|| {
            self.turn.tell(|pace| pace.clients_turn(true));
            Instant::now()
        });
        let deadline = since + self.patience();
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if alarm.deadline() != deadline {
            alarm.as_mut().reset(deadline);
        }
        alarm.as_mut().poll(cx)
    }

    fn resume(&mut self) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
            self.turn.tell(|pace| pace.clients_turn(false));
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = FilterError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FilterError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else {
            let late = || FilterError::from(Refusal::new(ReasonCode::RequestTimeout));
            return self.wait(cx).map(|()| Some(Err(late())));
        };
        self.resume();
        let Some(frame) = frame else {
            self.turn.tell(Pace::uploaded);
            return Poll::Ready(None);
        };
        let mut frame = frame.map_err(|broken| {
            FilterError::from(match Malformed::of(&broken) {
                Some(malformed) => respond::unreadable(malformed),
                None => Refusal::new(ReasonCode::RequestMalformed)
                    .because("the request's body broke off"),
            })
        });
        if let Some(trailers) = frame.as_mut().ok().and_then(Frame::trailers_mut) {
            normalise::refuse_trailers(trailers)?;
            self.copies.remove(trailers);
            headers::trailers_to_app(trailers);
        }
        if let Ok(data) = &frame {
            self.received += data.data_ref().map_or(0, Bytes::len) as u64;
            if self.inner.is_end_stream() {
                self.turn.tell(Pace::uploaded);
            }
        }
        Poll::Ready(Some(frame))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
