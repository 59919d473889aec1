//! A client that asks one question on a connection of its own.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::runtime::task;

/// Long enough for a loaded machine; the demo must not hang where something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: u16,
    /// The id of the decision; none from the shop itself.
    pub(super) decision: Option<String>,
    /// The body as text.
    pub(super) body: String,
}

/// Asks the server at `address` with `token`, if there is one.
pub(super) async fn ask(
    address: SocketAddr,
    method: &Method,
    path: &str,
    body: &'static str,
    token: Option<&str>,
) -> anyhow::Result<Answer> {
    tokio::time::timeout(PATIENCE, exchange(address, method, path, body, token))
        .await
        .with_context(|| format!("no answer to {method} {path} in time"))?
        .with_context(|| format!("{method} {path} failed"))
}

async fn exchange(
    address: SocketAddr,
    method: &Method,
    path: &str,
    body: &'static str,
    token: Option<&str>,
) -> anyhow::Result<Answer> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    task::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection of the demo's client ended early");
        }
    });
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, address.to_string())
        .header(header::ACCEPT, "application/json");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let body = Bytes::from_static(body.as_bytes());
    let response = sender.send_request(request.body(Full::new(body))?).await?;
    let status = response.status().as_u16();
    let decision = response
        .headers()
        .get("chaperone-decision")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let body = response.into_body().collect().await?.to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Answer {
        status,
        decision,
        body,
    })
}
