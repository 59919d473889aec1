//! One connection's way to send requests, in either version of HTTP.
//!
//! A connection of HTTP/2 could carry many requests at a time; it is given one, like a connection of HTTP/1.1,
//! so that what is true of the one is true of the other.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Uri, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use super::pace::{Pace, Paced};
use super::{Failure, Settings};
use crate::runtime::task;
use crate::transport::framing::Bounds;
use crate::transport::serve::Executor;

/// How much of an answer's body the app may send ahead.
const WINDOW: u32 = 512 << 10;

/// What the list of an answer's fields may be larger than `limits.head` by.
const SLACK: usize = 1 << 10;

/// The version of HTTP that the app is asked in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 by prior knowledge (RFC 9113 section 3.3).
    Http2,
}

/// Sends requests on one connection.
#[derive(Debug)]
pub(super) enum Sender<B> {
    Http1(http1::SendRequest<B>),
    Http2(http2::SendRequest<B>),
}

impl<B> Sender<B>
where
    B: Body<Data = Bytes, Error: Into<Failure>> + Send + Unpin + 'static,
{
    /// Begins a connection over `stream`, whose books are `pace`.
    pub(super) async fn open(
        stream: TcpStream,
        pace: &Arc<Pace>,
        settings: &Settings,
    ) -> Result<Self, hyper::Error> {
        match settings.protocol {
            Protocol::Http1 => Self::http1(stream, pace, settings).await,
            Protocol::Http2 => Self::http2(stream, pace, settings).await,
        }
    }

    async fn http1(
        stream: TcpStream,
        pace: &Arc<Pace>,
        settings: &Settings,
    ) -> Result<Self, hyper::Error> {
        let bounds = Bounds {
            head: settings.head,
            fields: settings.headers,
        };
        let paced = Paced::new(stream, Arc::clone(pace), settings.time, bounds);
        let mut builder = http1::Builder::new();
        builder.max_header_size(settings.head);
        if settings.headers > 100 {
            builder.max_headers(settings.headers);
        }
        let (sender, connection) = builder.handshake(TokioIo::new(paced)).await?;
        task::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "a connection to the app ended early");
            }
        });
        Ok(Self::Http1(sender))
    }

    async fn http2(
        stream: TcpStream,
        pace: &Arc<Pace>,
        settings: &Settings,
    ) -> Result<Self, hyper::Error> {
        let paced = Paced::framed(stream, Arc::clone(pace), settings.time);
        // The field sizes of HTTP/2 count 32 bytes more each (RFC 9113 section 6.5.2).
        let list = settings.head + settings.headers.saturating_mul(32) + SLACK;
        let (sender, connection) = http2::Builder::new(Executor)
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(list).unwrap_or(u32::MAX))
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_send_buf_size(WINDOW as usize)
            .handshake(TokioIo::new(paced))
            .await?;
        task::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the app ended early");
            }
        });
        Ok(Self::Http2(sender))
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        mut request: Request<B>,
    ) -> Result<Response<Incoming>, TrySendError<Request<B>>> {
        match self {
            Self::Http1(sender) => sender.try_send_request(request).await,
            Self::Http2(sender) => {
                address(&mut request);
                let mut answer = sender.try_send_request(request).await?;
                // From here on nothing depends on how it came.
                *answer.version_mut() = Version::HTTP_11;
                Ok(answer)
            }
        }
    }
}

impl<B> Sender<B> {
    pub(super) fn is_ready(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_ready(),
            Self::Http2(sender) => sender.is_ready(),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed(),
            Self::Http2(sender) => sender.is_closed(),
        }
    }

    pub(super) async fn ready(&mut self) -> Result<(), hyper::Error> {
        match self {
            Self::Http1(sender) => sender.ready().await,
            Self::Http2(sender) => sender.ready().await,
        }
    }
}

/// Says in a request's target what HTTP/1.1 says in `Host` (RFC 9113 section 8.3.1). What can't be said there is left, and
/// the library refuses it.
fn address<B>(request: &mut Request<B>) {
    // Named by it is `TE` alone, which HTTP/2 has without.
    request.headers_mut().remove(CONNECTION);
    if request.uri().authority().is_some() {
        return;
    }
    let host = request.headers().get(HOST);
    let authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    if authority.is_some() {
        request.headers_mut().remove(HOST);
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = authority;
        parts
            .path_and_query
            .get_or_insert(PathAndQuery::from_static("/"));
    }
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    *request.version_mut() = Version::HTTP_2;
}

#[cfg(test)]
mod tests {
    use http::header::{CONNECTION, HOST, TE};
    use http::{Request, Version};

    use super::address;

    #[test]
    fn addresses_what_http1_names_the_host_of() {
        let mut request = Request::post("/shop.v1.Orders/List?a=%2F")
            .header(HOST, "app.test:81")
            .header(TE, "trailers")
            .header(CONNECTION, "te")
            .body(())
            .unwrap();
        for _ in 0..2 {
            address(&mut request);
            assert_eq!(
                request.uri(),
                "http://app.test:81/shop.v1.Orders/List?a=%2F"
            );
            assert_eq!(request.version(), Version::HTTP_2);
            assert_eq!(request.headers().len(), 1);
            assert_eq!(request.headers()[TE], "trailers");
        }
    }
}
