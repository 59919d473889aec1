//! Serves HTTP/1 and HTTP/2 (by ALPN or prior knowledge) to clients, within bounds.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;

use super::framing::Bounds;
use super::listen::{Listener, connection_cap};
use super::meter::{Meter, Peer};
use super::tls::{self, Acceptor};
use super::wire::{Misread, Resets, Wire};
use crate::runtime::{Drain, task};

/// How often a connection looks at its own clock.
const WATCH: Duration = Duration::from_millis(500);

/// Connections for each request that may run at once.
const CONNECTIONS: usize = 4;

/// Streams of one HTTP/2 connection.
const STREAMS: u32 = 128;

/// Bytes that one HTTP/2 stream may send ahead of us, and one connection.
const WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;

/// How many times what makes us ask a client to leave makes us close its connection.
const PATIENCE: usize = 10;

/// Bytes that hyper takes beyond a head's limit, so that the limit is not hyper's to enforce.
const SLACK: usize = 4 << 10;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The bounds of downstream connections.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request's head.
    pub head: usize,
    /// Header fields of a request.
    pub headers: usize,
    /// Time in which a head must arrive, and a TLS handshake.
    pub head_time: Duration,
    /// How long a connection may stay without a request, or without taking what it is sent.
    pub idle: Duration,
    /// Requests at once; connections are bounded to a multiple.
    pub requests: usize,
}

/// Serves connections with one answer function.
#[derive(Debug)]
pub struct Server {
    builder: auto::Builder<Executor>,
    limits: Limits,
    acceptor: Option<Acceptor>,
    room: Arc<Semaphore>,
    drain: Drain,
    misread: Misread,
}

impl Server {
    /// A server within `limits`, over TLS when there is an acceptor.
    #[must_use]
    pub fn new(
        limits: Limits,
        acceptor: Option<Acceptor>,
        drain: Drain,
        misread: Misread,
    ) -> Arc<Self> {
        let mut builder = auto::Builder::new(Executor);
        let mut http1 = builder.http1();
        http1
            .half_close(true)
            .header_read_timeout(None)
            .max_buf_size(limits.head.max(8 << 10) + SLACK);
        if limits.headers > 100 {
            http1.max_headers(limits.headers);
        }
        // The field sizes of HTTP/2 count 32 bytes more each (RFC 9113 section 6.5.2).
        let list = limits.head + limits.headers.saturating_mul(32) + SLACK;
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(list).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(20)
            .max_local_error_reset_streams(64)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(WINDOW as usize)
            .keep_alive_interval(limits.idle)
            .keep_alive_timeout(limits.idle);
        let cap = connection_cap(limits.requests.saturating_mul(CONNECTIONS));
        Arc::new(Self {
            builder,
            limits,
            acceptor,
            room: Arc::new(Semaphore::new(cap.min(Semaphore::MAX_PERMITS))),
            drain,
            misread,
        })
    }

    /// Takes connections until the drain begins, and answers their requests.
    pub async fn run<A, F, B>(self: Arc<Self>, listener: Listener, answer: A)
    where
        A: Fn(Request<Incoming>, Arc<Meter>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes, Error: Into<Failure>> + Send + 'static,
    {
        loop {
            let (stream, address) = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.drain.begun() => return,
            };
            // New connections are shed so that those in service stay in service.
            let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else {
                tracing::debug!("a connection was shed: too many are open");
                continue;
            };
            let server = Arc::clone(&self);
            let answer = answer.clone();
            self.drain.track(async move {
                match &server.acceptor {
                    None => {
                        let peer = Peer {
                            address: address.ip(),
                            certificate: None,
                            server_name: None,
                        };
                        server.connection(stream, peer, answer).await;
                    }
                    Some(acceptor) => {
                        let shake = acceptor.accept(stream);
                        match tokio::time::timeout(server.limits.head_time, shake).await {
                            Ok(Ok(stream)) => {
                                let peer = Peer {
                                    address: address.ip(),
                                    certificate: tls::certificate(&stream),
                                    server_name: tls::server_name(&stream),
                                };
                                server.connection(stream, peer, answer).await;
                            }
                            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                            Err(_) => tracing::debug!("a TLS handshake took too long"),
                        }
                    }
                }
                drop(permit);
            });
        }
    }

    async fn connection<I, A, F, B>(&self, stream: I, peer: Peer, answer: A)
    where
        I: AsyncRead + AsyncWrite + Resets + Send + Unpin + 'static,
        A: Fn(Request<Incoming>, Arc<Meter>) -> F + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes, Error: Into<Failure>> + Send + 'static,
    {
        let meter = Meter::new(peer);
        let bounds = Bounds {
            head: self.limits.head,
            fields: self.limits.headers,
        };
        let misread = self.misread.clone();
        let wire = TokioIo::new(Wire::new(stream, Arc::clone(&meter), bounds, misread));
        let books = Arc::clone(&meter);
        // Not in a block of its own, which would have room for the whole exchange twice.
        let service =
            service_fn(move |request| answer(request, Arc::clone(&books)).map(Ok::<_, Infallible>));
        let mut connection = pin!(self.builder.serve_connection_with_upgrades(wire, service));
        let mut watch = tokio::time::interval(WATCH);
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        watch.reset();
        // Tokens of its own: waking them takes no lock that other connections hold.
        let drain = self.drain.child();
        let mut is_closing = false;
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a client's connection ended early");
                    }
                    return;
                }
                _ = watch.tick() => {
                    let is_over = is_closing && meter.is_quiet();
                    let is_overdue = meter.is_overdue(self.limits.head_time, self.limits.idle);
                    // Whoever began a head is told; the connection is polled next, and sees it.
                    let is_late = is_overdue && !meter.give_up_head();
                    if is_over || is_late || meter.is_flooded(PATIENCE) {
                        return;
                    }
                    if !is_closing && meter.is_flooded(1) {
                        tracing::debug!("a client gives up most of what it asks for");
                        is_closing = true;
                        connection.as_mut().graceful_shutdown();
                    }
                }
                () = drain.begun(), if !is_closing => {
                    is_closing = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = drain.over() => return,
            }
        }
    }
}

/// Starts hyper's own tasks (HTTP/2 streams).
#[derive(Clone, Copy, Debug)]
pub(super) struct Executor;

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, future: F) {
        task::spawn(future);
    }
}
