//! Reads a body ahead, so that a small bad one is refused cleanly and a small good one has a length.

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
