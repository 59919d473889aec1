//! Asks the app: over a connection of the subject's own, and once more where nothing can have been done twice.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::{Request, Response};

use super::exchange::Chain;
use super::upload::Turn;
use crate::filter::{End, FilterError, FilteredBody, Watch};
use crate::transport::{Lease, Malformed, Upstream, UpstreamError};
use crate::types::{ReasonCode, Refusal};

/// The body of a request to the app: filtered, or none at all.
#[derive(Debug)]
pub enum Outgoing {
    /// The client's body.
    Filtered(Box<FilteredBody>),
    /// A request that has no body can be sent again.
    Nothing,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = FilterError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FilterError>>> {
        match &mut *self {
            Self::Filtered(body) => Pin::new(body.as_mut()).poll_frame(cx),
            Self::Nothing => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Filtered(body) => body.is_end_stream(),
            Self::Nothing => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Filtered(body) => body.size_hint(),
            Self::Nothing => SizeHint::with_exact(0),
        }
    }
}

/// Sends a request that was let through and waits for the head of the app's answer.
pub(super) async fn ask(
    app: &Arc<Upstream<Outgoing>>,
    subject: &str,
    request: Request<FilteredBody>,
    turn: Option<&Turn>,
) -> Result<(Response<Incoming>, Lease<Outgoing>), Refusal> {
    let (head, body) = request.into_parts();
    let watch = body.watch();
    let is_whole = body.whole().is_some();
    let (body, mut spare) = if body.whole() == Some(0) {
        (
            Outgoing::Nothing,
            head.method.is_idempotent().then(|| head.clone()),
        )
    } else {
        (Outgoing::Filtered(Box::new(body)), None)
    };
    let mut request = Request::from_parts(head, body);
    let lease = app.lease(subject).await;
    let mut lease = lease.map_err(|error| explain(&error, &watch))?;
    loop {
        if let Some(turn) = turn.filter(|_| !is_whole) {
            turn.goes_to(lease.pace());
        }
        let unanswered = match lease.send(request).await {
            Ok(answer) => return Ok((answer, lease)),
            Err(unanswered) => *unanswered,
        };
        // Only a connection that had waited in the pool is worth a second try, and that is a new one.
        let again = match (unanswered.unsent, spare.take()) {
            (Some(unsent), _) if lease.is_reused() => unsent,
            (_, Some(head)) if unanswered.is_stale => Request::from_parts(head, Outgoing::Nothing),
            _ => return Err(explain(&unanswered.error, &watch)),
        };
        request = again;
        let dialled = Box::pin(app.dial(subject)).await;
        lease = dialled.map_err(|error| explain(&error, &watch))?;
    }
}

fn explain(error: &UpstreamError, upload: &Watch) -> Refusal {
    // The app gave no answer because its request never came to an end: that is the client's reason.
    if let Some(End::Refused(refusal)) = upload.outcome().map(|outcome| &outcome.end) {
        return refusal.clone();
    }
    tracing::info!(error = %Chain(error), "the app gave no answer");
    let refusal = Refusal::new(match error {
        UpstreamError::Closed(_) => ReasonCode::AnswerTruncated,
        UpstreamError::Fields | UpstreamError::Protocol(_) => ReasonCode::AppProtocol,
        UpstreamError::Timeout => ReasonCode::AppTimeout,
        UpstreamError::Unreachable(_) => ReasonCode::AppUnreachable,
        UpstreamError::Upload(_) => ReasonCode::RequestMalformed,
    });
    match Malformed::of(error) {
        Some(malformed) => refusal.because(malformed.to_string()),
        None => refusal,
    }
}
