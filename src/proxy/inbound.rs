//! What inbound exchanges share, and the ends of each: an answer to the client, whatever becomes of the request, and a record
//! before it. The way between is in `pipeline.rs`.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::admission::Admission;
use super::answer::Answer;
use super::clearing::Marker;
use super::exchange::{Exchange, Ledger};
use super::judge::Judge;
use super::own::Own;
use super::pin;
use super::pipeline::{Stop, unwritten};
use super::respond::{self, Asked};
use super::upstream::Outgoing;
use crate::capability::PodKey;
use crate::filter::{self, FilteredBody};
use crate::runtime::{Drain, Live};
use crate::transport::{Malformed, Meter, Peer, Upstream};
use crate::types::{Budget, DecisionId, ReasonCode, Refusal};

/// Everything that inbound exchanges share.
#[derive(Debug)]
pub struct Inbound {
    /// The policy in force.
    pub judge: Live<Judge>,
    /// What the proof of a capability takes beside it.
    pub admission: Admission,
    /// Whom this pod serves, where the preview is bound.
    pub pin: Arc<pin::Pin>,
    /// What the sidecar itself does for its users.
    pub own: Own,
    /// The app.
    pub app: Arc<Upstream<Outgoing>>,
    /// Where exchanges are written down.
    pub ledger: Arc<Ledger>,
    /// The mark of browsers that were cleared for what runs.
    pub marker: Marker,
    /// The key with which the app is told of each exchange.
    pub pod: Arc<PodKey>,
    /// Whether it is told so.
    pub attests: bool,
    /// The end of the program.
    pub drain: Drain,
    /// Places for exchanges that run at once.
    pub room: Arc<Semaphore>,
    /// The account of held bytes.
    pub budget: Budget,
    /// Bounds of the head and the body.
    pub limits: Limits,
}

/// What one request may be.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of its head.
    pub head: usize,
    /// Its header fields.
    pub headers: usize,
    /// The longest pause in its body.
    pub body_time: Duration,
    /// How long either side of a WebSocket may be silent.
    pub idle: Duration,
    /// How long a WebSocket may stay open.
    pub websocket_time: Duration,
    /// The filter's own bounds.
    pub filter: filter::Limits,
}

impl Inbound {
    /// Answers one request: with what may leave of the app's answer, or with the reason why not.
    pub async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        meter: Arc<Meter>,
    ) -> Response<Answer> {
        let busy = meter.begin(request.version() == http::Version::HTTP_2);
        let Ok(id) = DecisionId::random() else {
            return respond::speechless().map(|body| Answer::own(body, busy));
        };
        let (mut head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let asked = Asked::of(&head).led_to(&head, self.own.login_for(path));
        let (method, path) = (&head.method, head.uri.path());
        let clearing = match self.is_ours(&head.headers, head.uri.authority()) {
            true => self.marker.clearing(method, path, &mut head.headers),
            false => None,
        };
        let exchange = Exchange::open(&self.ledger, id, Timestamp::now(), &head.method);
        let request = Request::from_parts(head, body);
        let exchange = pin!(self.exchange(id, exchange, request, meter.peer(), &asked));
        let answered = Caught(exchange).await;
        let mut answer = match answered {
            Some(Ok(answer)) => answer.map(|body| Answer::filtered(body, busy)),
            Some(Err(answer)) => {
                if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                    meter.switches();
                }
                answer.map(|body| Answer::own(body, busy))
            }
            None => {
                tracing::error!(%id, "an exchange failed inside the sidecar");
                let refusal = Refusal::new(ReasonCode::Internal);
                respond::refusal(&refusal, id, &asked).map(|body| Answer::own(body, busy))
            }
        };
        if let Some(clearing) = clearing {
            clearing.tell(answer.headers_mut());
        }
        answer
    }

    /// The answer to bytes that are no request: the one place where these are answered and written down.
    pub async fn misread(self: Arc<Self>, malformed: Malformed) -> Vec<u8> {
        let Ok(id) = DecisionId::random() else {
            return respond::message(&respond::speechless());
        };
        let asked = Asked {
            is_connect: false,
            is_html: false,
            // The message closes the connection by itself.
            is_serial: false,
            login: None,
        };
        let refusal = respond::unreadable(malformed);
        let mut answer = respond::refusal(&refusal, id, &asked);
        let mut exchange = Exchange::open(&self.ledger, id, Timestamp::now(), &Method::GET);
        exchange.has_no_request();
        let status = answer.status().as_u16();
        if exchange.refused(&refusal, None, status).await.is_err() {
            answer = respond::refusal(&unwritten(), id, &asked);
        }
        respond::message(&answer)
    }

    /// Runs the pipeline and writes down a refusal before it is told.
    async fn exchange(
        &self,
        id: DecisionId,
        mut exchange: Exchange,
        request: Request<Incoming>,
        peer: Peer,
        asked: &Asked,
    ) -> Result<Response<FilteredBody>, Response<Bytes>> {
        let (refusal, report) = match self.pipeline(id, &mut exchange, request, peer).await {
            Ok(passed) => {
                let closed = passed.close_later(exchange).await;
                return closed.map_err(|refusal| respond::refusal(&refusal, id, asked));
            }
            Err(Stop::Answered(answer, refusal)) => {
                let status = answer.status().as_u16();
                let written = match refusal {
                    None => exchange.answered(status).await,
                    Some(refusal) => exchange.refused(&refusal, None, status).await,
                };
                let unwritten = |_| respond::refusal(&unwritten(), id, asked);
                return Err(written.map_or_else(unwritten, |()| answer));
            }
            Err(Stop::Switched(relay)) => {
                let status = relay.head.status().as_u16();
                let written = exchange.opened(status).await;
                let unwritten = |_| respond::refusal(&unwritten(), id, asked);
                return Err(written.map_or_else(unwritten, |()| relay.begin(exchange)));
            }
            Err(Stop::Refused(refusal, report)) => (refusal, report),
        };
        let answer = respond::refusal(&refusal, id, asked);
        let status = answer.status().as_u16();
        let report = report.as_deref();
        match exchange.refused(&refusal, report, status).await {
            Ok(()) => Err(answer),
            Err(_) => Err(respond::refusal(&unwritten(), id, asked)),
        }
    }

    /// Whether a browser that hears the answer takes it for the preview's: what it clears, it clears for that host.
    fn is_ours(&self, headers: &HeaderMap, authority: Option<&Authority>) -> bool {
        let gate = &self.judge.snapshot().value.gate;
        let hosts = headers.get_all(HOST).iter();
        let hosts = hosts.map(|host| host.to_str().unwrap_or_default());
        let mut hosts = hosts.chain(authority.map(Authority::as_str));
        let callback = self.own.callback_host.as_ref();
        let is_callback = |host: &str| callback.is_some_and(|callback| callback.is(host));
        hosts.all(|host| gate.serve(host, None).is_ok() && !is_callback(host))
    }
}

/// Runs a future; none when it panicked. What it held was dropped then, and its record written.
///
/// It stays where it is pinned: an exchange is large, and every function that it is passed through has room for it once more.
struct Caught<'a, F>(Pin<&'a mut F>);

impl<F: Future> Future for Caught<'_, F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let step = catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(cx)));
        match step {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Err(_) => Poll::Ready(None),
        }
    }
}

#[cfg(test)]
mod tests;
