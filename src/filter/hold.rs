//! Reads a body ahead, so that a small bad one is refused cleanly and a small good one has a length.

use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::filter::Blocked;
use crate::filter::body::FilteredBody;

/// A body of which this much may leave goes on as a stream.
const ENOUGH: usize = 64 << 10;

/// A source that pauses for this long is a stream: what may leave leaves.
const PAUSE: Duration = Duration::from_millis(50);

/// Nor does a source that drips keep its reader waiting longer than this.
const PATIENCE: Duration = Duration::from_millis(250);

/// Pieces of which a small body is made: many that come one by one are a stream, however small.
const PIECES: usize = 16;

/// Reads ahead what has come, where that may be the whole of a small body: it leaves together with its head then. What has
/// not come is not waited for.
pub(super) async fn briefly(body: &mut FilteredBody) -> Result<(), Box<Blocked>> {
    if body
        .flow()
        .length()
        .is_some_and(|length| length > ENOUGH as u64)
    {
        return Ok(());
    }
    let (mut has_asked, mut pieces) = (false, 0);
    let read = std::future::poll_fn(|cx| {
        while !body.flow().is_over() && body.flow().ready() < ENOUGH && pieces < PIECES {
            match body.poll_ahead(cx) {
                Poll::Ready(Ok(())) => {
                    has_asked = false;
                    pieces += 1;
                }
                Poll::Ready(Err(refusal)) => return Poll::Ready(Err(refusal)),
                // Whoever reads the app's connection gives out a piece when it is asked for one: its turn comes first.
                Poll::Pending if !std::mem::replace(&mut has_asked, true) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(()))
    })
    .await;
    read.map_err(|refusal| Blocked::by(refusal, body.report()))
}

/// Reads ahead until the end, until enough may leave, or until the source pauses with nothing held.
pub(super) async fn ahead(body: &mut FilteredBody) -> Result<(), Box<Blocked>> {
    let patience = Instant::now() + PATIENCE;
    while !body.flow().is_over() && body.flow().ready() < ENOUGH {
        let deadline = patience.min(Instant::now() + PAUSE);
        let is_held = body.flow().is_held();
        let step = std::future::poll_fn(|cx| body.poll_ahead(cx));
        let result = if is_held {
            step.await
        } else {
            match timeout_at(deadline, step).await {
                Ok(result) => result,
                Err(_) => return Ok(()),
            }
        };
        if let Err(refusal) = result {
            return Err(Blocked::by(refusal, body.report()));
        }
    }
    Ok(())
}
