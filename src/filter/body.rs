//! The body that leaves the filter: an `http_body` adaptor with back-pressure and one certain end.
//!
//! INVARIANT: it ends cleanly only when its source did, the filter agreed to its last byte, and the
//! end hook (which writes the audit record) said yes. Everything else is an error, and the server
//! resets the stream.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::filter::Report;
use crate::filter::flow::Flow;
use crate::runtime::task;
use crate::types::{ReasonCode, Refusal};

/// Why a body ended before its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", refusal.code)]
pub struct FilterError {
    /// The block.
    pub refusal: Refusal,
}

impl From<Refusal> for FilterError {
    fn from(refusal: Refusal) -> Self {
        Self { refusal }
    }
}

/// What became of one body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was found and done.
    pub report: Report,
    /// How it ended.
    pub end: End,
}

/// How one body ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Whoever read it went away.
    Aborted,
    /// To its end.
    Complete,
    /// It was refused, or its source broke off.
    Refused(Refusal),
}

/// What is done about an [`Outcome`] before the last byte leaves.
pub type Hook = Box<dyn FnOnce(Outcome) -> Closing + Send>;

/// A [`Hook`] at work: the body ends when it is done, with an error where it says so.
pub type Closing = Pin<Box<dyn Future<Output = Result<(), FilterError>> + Send>>;

/// Tells, while and after a body streams, what became of it.
#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<OnceLock<Outcome>>);

impl Watch {
    /// What became of the body; none while it streams.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.0.get()
    }
}

/// A body of which every byte was looked at, or that the permit lets pass unread.
pub struct FilteredBody {
    flow: Flow,
    state: State,
    hook: Option<Hook>,
    leash: Option<Leash>,
    watch: Watch,
}

/// Waits until a body that is on its way may go no further, and says why.
pub type Leash = Pin<Box<dyn Future<Output = Refusal> + Send>>;

enum State {
    Flowing,
    Closing(Closing, Last),
    Leaving(Bytes, Option<HeaderMap>),
    Broken(Refusal),
    Over,
}

enum Last {
    Clean(Bytes, Option<HeaderMap>),
    Refused(Refusal),
}

impl FilteredBody {
    pub(in crate::filter) fn new(flow: Flow) -> Self {
        Self {
            flow,
            state: State::Flowing,
            hook: None,
            leash: None,
            watch: Watch::default(),
        }
    }

    /// Has the body end, as one that is refused, when `leash` says so: no byte leaves after that.
    pub fn hold(&mut self, leash: Leash) {
        self.leash = Some(leash);
    }

    /// Has `hook` called exactly once: before the last bytes leave, when the body fails, or when it
    /// is dropped before its end. A hook that fails turns the end into an error.
    pub fn on_end(&mut self, hook: Hook) {
        self.hook = Some(hook);
    }

    /// A handle that outlives the body.
    #[must_use]
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// What was found and done so far.
    #[must_use]
    pub fn report(&self) -> &Report {
        self.flow.report()
    }

    /// Every byte is here already and the filter agreed to all of them: this many.
    #[must_use]
    pub fn whole(&self) -> Option<usize> {
        (self.flow.is_over() && !self.flow.has_trailers()).then(|| self.flow.ready())
    }

    /// Runs the hook of a body that is whole, before anything of it leaves: the head need not leave ahead of it then.
    ///
    /// # Errors
    /// Says with the hook that nothing may leave.
    pub async fn settle(&mut self) -> Result<(), FilterError> {
        if !matches!(self.state, State::Flowing) || self.whole().is_none() {
            return Ok(());
        }
        let (data, trailers) = self.flow.take_last();
        self.close(Last::Clean(data, trailers));
        let State::Closing(closing, _) = &mut self.state else {
            return Ok(());
        };
        let closed = closing.as_mut().await;
        self.closed(closed.clone());
        closed
    }

    /// Reads and filters ahead, without giving anything out.
    pub(in crate::filter) fn poll_ahead(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Refusal>> {
        self.flow.poll_step(cx)
    }

    pub(in crate::filter) fn flow(&self) -> &Flow {
        &self.flow
    }

    /// Books the end and runs the hook, then leaves `last`.
    fn close(&mut self, last: Last) {
        let end = match &last {
            Last::Clean(..) => End::Complete,
            Last::Refused(refusal) => End::Refused(refusal.clone()),
        };
        self.state = match self.book(end) {
            Some(closing) => State::Closing(closing, last),
            None => leave(last),
        };
    }

    /// The hook is done.
    fn closed(&mut self, closed: Result<(), FilterError>) {
        self.state = match (closed, std::mem::replace(&mut self.state, State::Over)) {
            (Ok(()), State::Closing(_, last)) => leave(last),
            (Ok(()), state) => state,
            (Err(error), _) => State::Broken(error.refusal),
        };
    }

    fn book(&mut self, end: End) -> Option<Closing> {
        let mut report = self.flow.report().clone();
        if let End::Refused(refusal) = &end {
            report.refuse(refusal);
        }
        let outcome = Outcome { report, end };
        let closing = self.hook.take().map(|hook| hook(outcome.clone()));
        // Set once: every way to an end passes here and leaves `Flowing`.
        _ = self.watch.0.set(outcome);
        closing
    }
}

/// One step of `flow`; a panic in it ends this body and nothing else.
fn step(flow: &mut Flow, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
    let step = catch_unwind(AssertUnwindSafe(|| flow.poll_step(cx)));
    step.unwrap_or_else(|_| Poll::Ready(Err(Refusal::new(ReasonCode::Internal))))
}

fn leave(last: Last) -> State {
    match last {
        Last::Clean(data, trailers) => State::Leaving(data, trailers),
        Last::Refused(refusal) => State::Broken(refusal),
    }
}

impl Body for FilteredBody {
    type Data = Bytes;
    type Error = FilterError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FilterError>>> {
        let this = &mut *self;
        loop {
            if let (State::Flowing, Some(leash)) = (&this.state, &mut this.leash)
                && let Poll::Ready(refusal) = leash.as_mut().poll(cx)
            {
                this.leash = None;
                this.close(Last::Refused(refusal));
            }
            match &mut this.state {
                State::Flowing if this.flow.is_over() => {
                    let (data, trailers) = this.flow.take_last();
                    this.close(Last::Clean(data, trailers));
                }
                State::Flowing if this.flow.ready() > 0 => {
                    return Poll::Ready(Some(Ok(Frame::data(this.flow.take()))));
                }
                State::Flowing => {
                    if let Err(refusal) = ready!(step(&mut this.flow, cx)) {
                        this.close(Last::Refused(refusal));
                    }
                }
                State::Closing(closing, _) => {
                    let closed = ready!(closing.as_mut().poll(cx));
                    this.closed(closed);
                }
                State::Leaving(data, trailers) => {
                    let (data, trailers) = (std::mem::take(data), trailers.take());
                    if !data.is_empty() {
                        this.state = State::Leaving(Bytes::new(), trailers);
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                    this.state = State::Over;
                    return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
                }
                State::Broken(refusal) => {
                    return Poll::Ready(Some(Err(refusal.clone().into())));
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Over)
            || matches!(&self.state, State::Leaving(data, None) if data.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Leaving(data, _) => SizeHint::with_exact(data.len() as u64),
            State::Closing(_, Last::Clean(data, _)) => SizeHint::with_exact(data.len() as u64),
            State::Flowing => self
                .flow
                .length()
                .map_or_else(SizeHint::default, SizeHint::with_exact),
            State::Closing(..) | State::Broken(_) | State::Over => SizeHint::default(),
        }
    }
}

impl Drop for FilteredBody {
    fn drop(&mut self) {
        let closing = match std::mem::replace(&mut self.state, State::Over) {
            State::Flowing => self.book(End::Aborted),
            State::Closing(closing, _) => Some(closing),
            State::Leaving(..) | State::Broken(_) | State::Over => None,
        };
        // Nobody waits for this body any more, but its record is still to be written.
        if let Some(closing) = closing
            && tokio::runtime::Handle::try_current().is_ok()
        {
            task::spawn(closing);
        }
    }
}

impl fmt::Debug for FilteredBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilteredBody")
            .field("flow", &self.flow)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use http_body::{Body, Frame};
    use http_body_util::BodyExt as _;

    use super::{End, FilteredBody};
    use crate::filter::Side;
    use crate::filter::flow::{Engine, Flow};
    use crate::types::{ReasonCode, Refusal};

    struct Faulty;

    impl Body for Faulty {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            panic!("a fault on purpose")
        }
    }

    #[tokio::test]
    async fn refuses_the_rest_of_a_body_after_a_panic() {
        let engine = Engine::Pass(Bytes::new(), Box::default());
        let mut body = FilteredBody::new(Flow::new(Faulty, engine, Side::Response, u64::MAX));
        let seen = Arc::new(Mutex::new(None));
        let told = Arc::clone(&seen);
        body.on_end(Box::new(move |outcome| {
            *told.lock().unwrap() = Some(outcome.end);
            Box::pin(async { Ok(()) })
        }));
        let error = body.collect().await.unwrap_err();
        assert_eq!(error.refusal.code, ReasonCode::Internal);
        let refused = End::Refused(Refusal::new(ReasonCode::Internal));
        assert_eq!(seen.lock().unwrap().take(), Some(refused));
    }
}
