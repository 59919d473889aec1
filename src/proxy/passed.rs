//! An exchange whose answer may begin to leave, and how it is closed.

use http::{Method, Response};
use http_body::Body as _;

use super::exchange::Exchange;
use super::upstream::Outgoing;
use crate::filter::{self, Closing, FilterError, FilteredBody, Outcome, Watch};
use crate::transport::Lease;
use crate::types::{ReasonCode, Refusal};

/// An exchange whose answer may begin to leave.
pub(super) struct Passed {
    pub(super) answer: Response<FilteredBody>,
    pub(super) lease: Lease<Outgoing>,
    pub(super) upload: Watch,
    pub(super) method: Method,
}

impl Passed {
    /// Has the exchange closed when the answer ends: its record is written before the last byte leaves.
    pub(super) async fn close_later(
        self,
        exchange: Exchange,
    ) -> Result<Response<FilteredBody>, Refusal> {
        let Self {
            mut answer,
            lease,
            upload,
            method,
        } = self;
        let status = answer.status();
        answer
            .body_mut()
            .on_end(Box::new(move |outcome: Outcome| -> Closing {
                Box::pin(async move {
                    if outcome.end == filter::End::Complete {
                        lease.give_back();
                    }
                    let request = upload.outcome().map(|outcome| &outcome.report);
                    let recorded = exchange.ended(&outcome, request, status.as_u16()).await;
                    recorded
                        .map_err(|_| FilterError::from(Refusal::new(ReasonCode::AuditUnavailable)))
                })
            }));
        // Such answers are over with their head: their record comes first.
        let is_bare = method == Method::HEAD || matches!(status.as_u16(), 204 | 304);
        if is_bare {
            let (head, body) = answer.into_parts();
            let body = finish(body).await.map_err(|error| error.refusal)?;
            answer = Response::from_parts(head, body);
        } else {
            let settled = answer.body_mut().settle().await;
            settled.map_err(|error| error.refusal)?;
        }
        Ok(answer)
    }
}

/// Reads an empty body to its end, so that its hook has run.
async fn finish(mut body: FilteredBody) -> Result<FilteredBody, FilterError> {
    while let Some(frame) =
        std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await
    {
        frame?;
    }
    Ok(body)
}
