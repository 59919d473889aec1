//! Clients: HTTP/1.1, HTTP/2 by prior knowledge, and plain bytes.

use std::net::SocketAddr;

use bytes::Bytes;
use chaperone::runtime::task;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A whole answer; `body` is none when it did not end cleanly.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<String>,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        self.body.as_deref().unwrap()
    }

    /// The reason code of a refusal.
    pub(crate) fn code(&self) -> String {
        let problem: serde_json::Value = serde_json::from_str(self.text()).unwrap();
        problem["code"].as_str().unwrap().to_owned()
    }
}

/// A GET over HTTP/1.1 with a capability.
pub(crate) async fn get(address: SocketAddr, path: &str, token: &str) -> Reply {
    let request = Request::get(path)
        .header("host", "app.test")
        .header("authorization", format!("Bearer {token}"));
    send(address, request.body(Empty::new()).unwrap()).await
}

/// Any request over HTTP/1.1.
pub(crate) async fn send<B>(address: SocketAddr, request: Request<B>) -> Reply
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::error::Error + Send + Sync,
{
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    task::spawn(connection);
    reply(sender.send_request(request).await.unwrap()).await
}

/// Any request over HTTP/2, on any stream of bytes.
pub(crate) async fn send_h2<I, B>(stream: I, request: Request<B>) -> Reply
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::error::Error + Send + Sync,
{
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    task::spawn(connection);
    reply(sender.send_request(request).await.unwrap()).await
}

async fn reply(answer: http::Response<hyper::body::Incoming>) -> Reply {
    let (head, body) = answer.into_parts();
    let collected = body.collect().await.ok();
    let trailers = collected.as_ref().and_then(|body| body.trailers().cloned());
    Reply {
        status: head.status,
        headers: head.headers,
        body: collected.map(|body| String::from_utf8(body.to_bytes().to_vec()).unwrap()),
        trailers,
    }
}

/// Sends bytes and reads until the other side closes.
pub(crate) async fn bytes(address: SocketAddr, request: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_ref()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
