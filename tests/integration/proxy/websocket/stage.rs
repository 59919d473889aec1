//! Apps and clients that speak WebSocket: through a library, and byte by byte.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, HeaderValue, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::preview::Preview;
use crate::upstream::{raw, read_head};

pub(super) type Client = WebSocketStream<TcpStream>;

pub(super) const ROUTES: &str = r#"
  - match: GET /chat
    public: Nobody's data.
    websocket: true
  - match: GET /orders
    records: "$.orders[*]"
    owner: "$.owner"
    optional: true
    websocket: true
  - match: GET /order
    records: "$"
    owner: "$.owner"
    request: { records: "$", owner: "$.owner" }
    websocket: true
  - match: GET /strict
    records: "$"
    owner: "$.owner"
    others: block
    websocket: true
  - match: GET /files
    public: Nobody's data.
    content: [application/octet-stream]
    websocket: true
  - match: GET /plain
    public: Nobody's data.
detect:
  - use: [pii]
    action: redact
embargo:
  - id: falcon
    until: 2999-01-01T00:00:00Z
    terms: [Falcon IX]
    action: block
"#;

/// The handshake request for `path`.
pub(super) fn ask(preview: &Preview, path: &str, user: &str) -> Request<()> {
    let url = format!("ws://{}{path}", preview.address);
    let mut request = url.into_client_request().unwrap();
    let bearer = format!("Bearer {}", preview.token(user));
    let bearer = HeaderValue::try_from(bearer).unwrap();
    request.headers_mut().insert("authorization", bearer);
    request
}

/// A client's end of a WebSocket, and the answer's fields; or the status of another answer.
pub(super) async fn open(
    preview: &Preview,
    request: Request<()>,
) -> Result<(Client, HeaderMap), (u16, HeaderMap, String)> {
    let stream = TcpStream::connect(preview.address).await.unwrap();
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((client, answer)) => Ok((client, answer.headers().clone())),
        Err(Error::Http(answer)) => {
            let body = answer.body().clone().unwrap_or_default();
            let body = String::from_utf8(body).unwrap();
            Err((answer.status().as_u16(), answer.headers().clone(), body))
        }
        Err(error) => panic!("{error}"),
    }
}

/// A client's end of a WebSocket at `path`.
pub(super) async fn connect(preview: &Preview, path: &str, user: &str) -> Client {
    open(preview, ask(preview, path, user)).await.unwrap().0
}

/// An app that sends `greeting` and then whatever it is sent.
pub(super) async fn echo(greeting: &'static [&'static str]) -> SocketAddr {
    raw(move |stream| async move {
        let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
            return;
        };
        for text in greeting {
            socket.send(Message::text(*text)).await.unwrap();
        }
        while let Some(Ok(message)) = socket.next().await {
            if matches!(message, Message::Text(_) | Message::Binary(_))
                && socket.send(message).await.is_err()
            {
                break;
            }
        }
    })
    .await
}

/// The key of a handshake's head.
pub(super) fn key(head: &str) -> &str {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let key = fields.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    key.unwrap().1
}

/// Switches, as an app that then writes its frames by hand.
pub(super) async fn switch(stream: &mut TcpStream) {
    let head = read_head(stream).await;
    let accept = derive_accept_key(key(&head).as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

/// An app that switches, writes `pieces`, each for itself, and then reads to the end.
pub(super) async fn writes(pieces: Vec<Vec<u8>>) -> SocketAddr {
    raw(move |mut stream| {
        let pieces = pieces.clone();
        async move {
            switch(&mut stream).await;
            for piece in pieces {
                if stream.write_all(&piece).await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await
}

/// A client that opens a WebSocket and then writes its frames by hand.
pub(super) async fn raw_client(preview: &Preview, path: &str, user: &str) -> TcpStream {
    let mut stream = TcpStream::connect(preview.address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\nconnection: Upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        preview.token(user)
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let head = read_head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    stream
}

/// A frame (RFC 6455 section 5.2): `first` holds FIN, the reserved bits and the opcode.
pub(super) fn frame(first: u8, is_masked: bool, payload: &[u8]) -> Vec<u8> {
    let mask = if is_masked { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(mask | u8::try_from(length).unwrap()),
        length @ 126..=0xffff => {
            frame.push(mask | 126);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(mask | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    if is_masked {
        let key = [1, 2, 3, 4];
        frame.extend(key);
        frame.extend(payload.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b));
    } else {
        frame.extend(payload);
    }
    frame
}

/// Whatever comes until the end: the texts, and the farewell.
pub(super) async fn rest(client: &mut Client) -> (Vec<String>, Option<CloseFrame>) {
    let mut texts = Vec::new();
    let mut close = None;
    while let Some(Ok(message)) = client.next().await {
        match message {
            Message::Text(text) => texts.push(text.to_string()),
            Message::Close(frame) => close = frame,
            _ => {}
        }
    }
    (texts, close)
}

/// The next text.
pub(super) async fn text(client: &mut Client) -> String {
    loop {
        match client.next().await.unwrap().unwrap() {
            Message::Text(text) => return text.to_string(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Sends a text.
pub(super) async fn say(client: &mut Client, text: &str) {
    client.send(Message::text(text)).await.unwrap();
}

/// The code of a farewell, and the reason code in its words.
pub(super) fn told(close: Option<CloseFrame>) -> (u16, String) {
    let close = close.unwrap();
    let words = close.reason.to_string();
    let code = words.split(';').next().unwrap_or_default();
    (close.code.into(), code.to_owned())
}
