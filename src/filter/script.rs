//! A body that does what a test tells it, and a client that reads an answer over real HTTP/1.1.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;

use crate::filter::{FilteredBody, Plan};
use crate::policy::permit::Permit;
use crate::runtime::task;

/// One thing that a [`Script`] does.
pub(super) enum Act {
    Data(Vec<u8>),
    Fail,
    Stall,
    Trailers(HeaderMap),
}

/// A body that plays acts.
pub(super) struct Script {
    acts: VecDeque<Act>,
    length: Option<u64>,
}

impl Script {
    pub(super) fn new(acts: impl IntoIterator<Item = Act>) -> Self {
        Self {
            acts: acts.into_iter().collect(),
            length: None,
        }
    }

    /// A body in pieces of `size`.
    pub(super) fn text(text: &str, size: usize) -> Self {
        Self::new(text.as_bytes().chunks(size).map(|c| Act::Data(c.to_vec())))
    }

    /// With its length known before.
    pub(super) fn measured(mut self) -> Self {
        let length = |act: &Act| match act {
            Act::Data(data) => data.len() as u64,
            _ => 0,
        };
        self.length = Some(self.acts.iter().map(length).sum());
        self
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match self.acts.pop_front() {
            None => Poll::Ready(None),
            Some(Act::Data(data)) => {
                if let Some(length) = &mut self.length {
                    *length -= data.len() as u64;
                }
                Poll::Ready(Some(Ok(Frame::data(data.into()))))
            }
            Some(Act::Fail) => Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into()))),
            Some(Act::Stall) => {
                self.acts.push_front(Act::Stall);
                Poll::Pending
            }
            Some(Act::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// What a client saw of an answer.
pub(super) struct Seen {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) trailers: Option<HeaderMap>,
    /// It ended as a whole answer ends.
    pub(super) is_clean: bool,
}

/// Sends `answer` through a real server to a real client over HTTP/1.1.
pub(super) async fn fetch(answer: Response<FilteredBody>) -> Seen {
    let (near, far) = tokio::io::duplex(4096);
    let answer = Arc::new(Mutex::new(Some(answer)));
    let service = hyper::service::service_fn(move |_: Request<hyper::body::Incoming>| {
        let answer = answer.lock().unwrap().take().unwrap();
        async move { Ok::<_, std::convert::Infallible>(answer) }
    });
    task::spawn(async move {
        let server = hyper::server::conn::http1::Builder::new();
        _ = server.serve_connection(TokioIo::new(far), service).await;
    });
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(near))
        .await
        .unwrap();
    task::spawn(async move { _ = connection.await });
    let request = Request::builder()
        .header("te", "trailers")
        .header("host", "x")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let (parts, mut incoming) = sender.send_request(request).await.unwrap().into_parts();
    let mut seen = Seen {
        headers: parts.headers,
        body: Vec::new(),
        trailers: None,
        is_clean: false,
    };
    loop {
        match incoming.frame().await {
            None => {
                seen.is_clean = true;
                return seen;
            }
            Some(Err(_)) => return seen,
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => seen.body.extend(data),
                Err(frame) => seen.trailers = frame.into_trailers().ok(),
            },
        }
    }
}

/// The permit of a plan.
pub(super) fn permit(plan: &Plan) -> Permit {
    Permit::for_test(plan.subject.clone(), plan.treatment.clone())
}

/// Long enough for what runs to get stuck where it should.
pub(super) async fn a_while() {
    tokio::time::sleep(Duration::from_millis(150)).await;
}
