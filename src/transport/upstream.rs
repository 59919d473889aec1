//! Connections to the app: HTTP/1.1 or HTTP/2, pooled, each carrying one subject for its lifetime and one
//! exchange at a time.
//!
//! INVARIANT: a connection goes back to the pool only after a whole request and a whole answer;
//! after anything else it is closed, so that the app can't answer the next request with this one's
//! data, and never under another subject's name.

mod pace;
mod pool;
mod sender;

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::UPGRADE;
use http_body::Body;
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use tokio::net::TcpStream;

pub use pace::Pace;
use pool::Pool;
pub use sender::Protocol;
use sender::Sender;

use super::framing::Malformed;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How to reach the app.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name or address.
    pub host: Box<str>,
    /// Port.
    pub port: u16,
    /// What it speaks.
    pub protocol: Protocol,
    /// The longest wait: for a connection, for an answer's head, between parts of its body.
    pub time: Duration,
    /// How long a connection may wait for its subject's next request.
    pub idle: Duration,
    /// Idle connections that are kept, of all subjects together.
    pub kept: usize,
    /// Bytes of an answer's head.
    pub head: usize,
    /// Header fields of an answer.
    pub headers: usize,
}

/// Why the app gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// It closed the connection before its answer's head was whole.
    #[error("the app closed the connection before it answered")]
    Closed(#[source] hyper::Error),
    /// Its answer has more fields than the limit.
    #[error("the app's answer has too many header fields")]
    Fields,
    /// What it sent is not HTTP, or larger than the limit.
    #[error("the app's answer is not valid HTTP")]
    Protocol(#[source] hyper::Error),
    /// It did not answer in time.
    #[error("the app did not answer in time")]
    Timeout,
    /// It can't be connected to.
    #[error("the app can't be reached")]
    Unreachable(#[source] io::Error),
    /// The request's own body failed.
    #[error("the request's body ended early")]
    Upload(#[source] hyper::Error),
}

/// The app, and the idle connections to it.
#[derive(Debug)]
pub struct Upstream<B> {
    settings: Settings,
    pool: Pool<B>,
}

impl<B> Upstream<B>
where
    B: Body<Data = Bytes, Error: Into<Failure>> + Send + Unpin + 'static,
{
    /// The app at the address of `settings`; connects when it is first asked.
    #[must_use]
    pub fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            pool: Pool::new(settings.kept, settings.idle),
            settings,
        })
    }

    /// A connection of `subject`: one that waited, or a new one.
    ///
    /// # Errors
    /// Fails when there is none and the app can't be reached.
    pub async fn lease(self: &Arc<Self>, subject: &str) -> Result<Lease<B>, UpstreamError> {
        match self.pool.take(subject).await {
            Some(connection) => Ok(self.lend(subject, connection, true)),
            // What few exchanges do has no room in all of them.
            None => Box::pin(self.dial(subject)).await,
        }
    }

    /// A new connection of `subject`.
    ///
    /// # Errors
    /// Fails when the app can't be reached.
    pub async fn dial(self: &Arc<Self>, subject: &str) -> Result<Lease<B>, UpstreamError> {
        let settings = &self.settings;
        let connect = TcpStream::connect((&*settings.host, settings.port));
        let stream = tokio::time::timeout(settings.time, connect)
            .await
            .map_err(|_| UpstreamError::Timeout)?
            .map_err(UpstreamError::Unreachable)?;
        stream
            .set_nodelay(true)
            .map_err(UpstreamError::Unreachable)?;
        let pace = Pace::new();
        let sender = Sender::open(stream, &pace, settings)
            .await
            .map_err(UpstreamError::Protocol)?;
        Ok(self.lend(subject, Connection { sender, pace }, false))
    }

    /// The app can be asked to switch to another protocol.
    #[must_use]
    pub fn may_switch(&self) -> bool {
        self.settings.protocol == Protocol::Http1
    }

    /// Closes idle connections whose time is up, for as long as it runs.
    pub async fn sweep(self: Arc<Self>) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            tick.tick().await;
            self.pool.sweep();
        }
    }

    fn lend(self: &Arc<Self>, subject: &str, connection: Connection<B>, reused: bool) -> Lease<B> {
        connection.pace.begin();
        Lease {
            upstream: Arc::clone(self),
            subject: subject.into(),
            connection,
            reused,
        }
    }
}

/// One connection to the app.
#[derive(Debug)]
struct Connection<B> {
    sender: Sender<B>,
    pace: Arc<Pace>,
}

/// A connection in use by one exchange; closed when dropped, unless it is given back.
#[derive(Debug)]
pub struct Lease<B> {
    upstream: Arc<Upstream<B>>,
    subject: Box<str>,
    connection: Connection<B>,
    reused: bool,
}

/// A request that got no answer, and whether it may be sent again.
#[derive(Debug)]
pub struct Unanswered<B> {
    /// Why.
    pub error: UpstreamError,
    /// The connection had waited in the pool, and the app sent nothing: it had likely closed it.
    pub is_stale: bool,
    /// The request, where not a byte of it was sent.
    pub unsent: Option<Request<B>>,
}

impl<B> Lease<B>
where
    B: Body<Data = Bytes, Error: Into<Failure>> + Send + Unpin + 'static,
{
    /// The books of this connection, for the request's body to keep.
    #[must_use]
    pub fn pace(&self) -> &Arc<Pace> {
        &self.connection.pace
    }

    /// Whether the connection has carried a request before.
    #[must_use]
    pub fn is_reused(&self) -> bool {
        self.reused
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// Says why there is none; the connection is no longer fit for anything then.
    pub async fn send(
        &mut self,
        request: Request<B>,
    ) -> Result<Response<Incoming>, Box<Unanswered<B>>> {
        let limit = self.upstream.settings.time;
        let pace = Arc::clone(&self.connection.pace);
        let may_switch = request.headers().contains_key(UPGRADE);
        pace.asks(request.method() == Method::HEAD, may_switch);
        let outcome = tokio::select! {
            biased;
            outcome = self.connection.sender.send(request) => outcome,
            () = pace.head_overdue(limit) => {
                return Err(Box::new(Unanswered { error: UpstreamError::Timeout, is_stale: false, unsent: None }));
            }
        };
        if let Ok(answer) = &outcome
            && answer.headers().len() > self.upstream.settings.headers
        {
            return Err(Box::new(Unanswered {
                error: UpstreamError::Fields,
                is_stale: false,
                unsent: None,
            }));
        }
        outcome.map_err(|mut failed| {
            let unsent = failed.take_message();
            let is_stale = self.reused && !pace.has_received();
            Box::new(Unanswered {
                error: classify(failed.into_error()),
                is_stale,
                unsent,
            })
        })
    }

    /// The connection speaks another protocol from now on: it carries no further request, and what the app
    /// takes its time with is up to that protocol.
    pub fn switch(self) {
        self.connection.pace.switches();
    }

    /// Puts the connection back for the subject's next request.
    ///
    /// INVARIANT: called only after the answer's end was seen; an unfinished request closes it instead.
    pub fn give_back(self) {
        if self.connection.pace.end() {
            self.upstream.pool.put(&self.subject, self.connection);
        }
    }
}

fn classify(error: hyper::Error) -> UpstreamError {
    let frames = error
        .source()
        .and_then(|source| source.downcast_ref::<h2::Error>());
    let is_timeout = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
        .or_else(|| frames?.get_io())
        .is_some_and(|source| source.kind() == io::ErrorKind::TimedOut);
    if is_timeout {
        UpstreamError::Timeout
    } else if error.is_user() {
        UpstreamError::Upload(error)
    } else if error.is_parse()
        || frames.is_some_and(h2::Error::is_library)
        || Malformed::of(&error).is_some()
    {
        UpstreamError::Protocol(error)
    } else {
        UpstreamError::Closed(error)
    }
}
