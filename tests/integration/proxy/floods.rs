//! Floods of HTTP/2 frames: the connection that sends them ends, and nobody else notices.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::Empty;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{get, send_h2};
use crate::frame::{block, frame, opening};
use crate::preview::{Preview, preview, until};
use crate::upstream::{app, echo};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The fields of a request for `/open/a`.
fn request(method: &str, token: &str) -> Vec<u8> {
    block(&[
        (":method", method),
        (":scheme", "http"),
        (":path", "/open/a"),
        (":authority", "a"),
        ("authorization", &format!("Bearer {token}")),
    ])
}

/// Sends the opening of a connection and `frames`, while reading what comes; tells the code of the
/// `GOAWAY` that ended the connection, none when it ended without one.
async fn flood(address: SocketAddr, frames: impl IntoIterator<Item = Vec<u8>>) -> Option<u32> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let mut bytes = opening();
    for frame in frames {
        bytes.extend(frame);
    }
    let sent = async {
        for piece in bytes.chunks(16 << 10) {
            if write.write_all(piece).await.is_err() {
                break;
            }
        }
    };
    let received = async {
        let mut received = Vec::new();
        let _ = read.read_to_end(&mut received).await;
        received
    };
    let ((), received) = tokio::join!(sent, received);
    goaway(&received)
}

/// The code of the last `GOAWAY` among frames.
fn goaway(mut frames: &[u8]) -> Option<u32> {
    let mut code = None;
    while let [a, b, c, kind, _, _, _, _, _, tail @ ..] = frames {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        if *kind == GOAWAY {
            let payload = tail.get(4..8);
            code = payload.map(|code| u32::from_be_bytes(code.try_into().unwrap()));
        }
        frames = tail.get(length..).unwrap_or_default();
    }
    code
}

async fn assert_serves(preview: &Preview) {
    let reply = get(preview.address, "/open/a", &preview.token("alice")).await;
    assert_eq!(reply.status, 200);
}

const NO_ERROR: u32 = 0;
const ENHANCE_YOUR_CALM: u32 = 11;

#[tokio::test]
async fn ends_rapid_resets() {
    let preview = preview(echo().await).start().await;
    let token = preview.token("mallory");
    let block = request("GET", &token);
    let frames = (0..5000_u32).flat_map(|number| {
        let id = 2 * number + 1;
        let ask = frame(HEADERS, END_HEADERS | END_STREAM, id, &block);
        [ask, frame(RST_STREAM, 0, id, &8_u32.to_be_bytes())]
    });
    let code = flood(preview.address, frames).await;
    assert_eq!(code, Some(ENHANCE_YOUR_CALM));
    assert_serves(&preview).await;
}

#[tokio::test]
async fn ends_heads_that_go_on_and_on() {
    let preview = preview(echo().await).start().await;
    let block = request("GET", &preview.token("mallory"));
    for (piece, count) in [(&[][..], 100_000), (&[0x00, 1, b'x', 1, b'y'][..], 100_000)] {
        let frames = std::iter::once(frame(HEADERS, END_STREAM, 1, &block));
        let rest = std::iter::repeat_n(frame(CONTINUATION, 0, 1, piece), count);
        let code = flood(preview.address, frames.chain(rest)).await;
        assert!(code.is_some(), "{piece:?}");
        assert_serves(&preview).await;
    }
    assert_eq!(preview.records().len(), 2, "none of it was a request");
}

#[tokio::test]
async fn refuses_heads_that_grow_when_decoded() {
    let preview = preview(echo().await).start().await;
    let token = preview.token("mallory");
    let stream = TcpStream::connect(preview.address).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let mut bytes = opening();
    for number in 0..50 {
        let mut block = request("GET", &token);
        // A field of 3 KB that is remembered, and then named by one byte each.
        block.extend([0x40, 1, b'x', 0x7f]);
        block.extend([128 | (2873 % 128) as u8, (2873 / 128) as u8]);
        block.extend(vec![b'a'; 3000]);
        block.extend(vec![0x80 | 62; 12_000]);
        bytes.extend(frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            2 * number + 1,
            &block,
        ));
    }
    bytes.extend(frame(GOAWAY, 0, 0, &[0; 8]));
    write.write_all(&bytes).await.unwrap();
    let mut received = Vec::new();
    let _ = read.read_to_end(&mut received).await;
    assert!(!received.is_empty());
    assert_serves(&preview).await;
    let records = preview.records();
    assert_eq!(records.last().unwrap()["decision"], "allow");
    let others = &records[..records.len() - 1];
    assert!(
        others.iter().all(|record| record["decision"] == "block"),
        "{others:?}"
    );
}

#[tokio::test]
async fn outlasts_frames_that_ask_for_nothing() {
    let preview = preview(echo().await).limits("idle: 200ms").start().await;
    let block = request("POST", &preview.token("mallory"));
    let many = |frame: Vec<u8>| std::iter::repeat_n(frame, 50_000);
    let opened = || std::iter::once(frame(HEADERS, END_HEADERS, 1, &block));
    flood(preview.address, many(frame(PING, 0, 0, &[0; 8]))).await;
    assert_serves(&preview).await;
    flood(preview.address, many(frame(SETTINGS, 0, 0, &[]))).await;
    assert_serves(&preview).await;
    flood(preview.address, many(frame(PRIORITY, 0, 3, &[0; 5]))).await;
    assert_serves(&preview).await;
    let empty = many(frame(DATA, 0, 1, &[]));
    flood(preview.address, opened().chain(empty)).await;
    assert_serves(&preview).await;
    let resets = many(frame(RST_STREAM, 0, 1, &[0; 4]));
    flood(preview.address, opened().chain(resets)).await;
    assert_serves(&preview).await;
}

#[tokio::test]
async fn ends_resets_of_requests_that_run() {
    let started = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&started);
    let app = app(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::pending()
    })
    .await;
    let preview = preview(app).start().await;
    let block = request("GET", &preview.token("mallory"));
    let stream = TcpStream::connect(preview.address).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    write.write_all(&opening()).await.unwrap();
    let flooding = async {
        // Each request has reached the app before it is given up, so that none comes cheap.
        for number in 0_u32.. {
            let id = 2 * number + 1;
            let ask = frame(HEADERS, END_HEADERS | END_STREAM, id, &block);
            write.write_all(&ask).await?;
            let asked = number as usize + 1;
            until(|| started.load(Ordering::Relaxed) >= asked).await;
            let reset = frame(RST_STREAM, 0, id, &8_u32.to_be_bytes());
            write.write_all(&reset).await?;
        }
        Ok::<(), std::io::Error>(())
    };
    let asked_to_leave = async {
        let mut received = Vec::new();
        while goaway(&received).is_none() {
            let length = read.read_buf(&mut received).await.unwrap();
            assert!(length > 0, "closed without a word");
        }
        goaway(&received)
    };
    tokio::select! {
        outcome = flooding => outcome.unwrap(),
        code = asked_to_leave => assert_eq!(code, Some(NO_ERROR)),
    }
    drop(write);
    let given_up = started.load(Ordering::Relaxed);
    assert!(given_up >= 200, "honest clients give up, too: {given_up}");
    let records = preview.recorded(given_up).await;
    assert!(records.iter().all(|record| record["ending"] == "aborted"));
}

#[tokio::test]
async fn refuses_large_heads_in_words() {
    let preview = preview(echo().await).limits("head: 8KiB").start().await;
    for (length, status) in [(7000, 200), (8192, 431)] {
        let stream = TcpStream::connect(preview.address).await.unwrap();
        let ask = http::Request::get("http://a/open/a")
            .header(
                "authorization",
                format!("Bearer {}", preview.token("alice")),
            )
            .header("x", "a".repeat(length));
        let reply = send_h2(stream, ask.body(Empty::<Bytes>::new()).unwrap()).await;
        assert_eq!(reply.status, status);
        if status == 431 {
            assert_eq!(reply.code(), "head-too-large");
        }
    }
}
