//! Requests over HTTP/2 that mean two things once they are written down as HTTP/1.1.

use std::net::SocketAddr;
use std::sync::Arc;

use http::Response;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::frame::{Fields, block, frame, opening};
use crate::preview::preview;
use crate::upstream::{Notes, app, full};

/// The fields of a head, a body, and the fields after it.
type Case<'a> = (Vec<(&'a str, &'a str)>, &'a [u8], Fields<'a>);

/// One request on a connection of its own; tells whether its answer's status was 200.
async fn passes(address: SocketAddr, head: Fields<'_>, body: &[u8], trailers: Fields<'_>) -> bool {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut bytes = opening();
    let is_last = |is_last: bool| u8::from(is_last);
    let is_bare = body.is_empty() && trailers.is_empty();
    bytes.extend(frame(1, 4 | is_last(is_bare), 1, &block(head)));
    if !body.is_empty() {
        bytes.extend(frame(0, is_last(trailers.is_empty()), 1, body));
    }
    if !trailers.is_empty() {
        bytes.extend(frame(1, 4 | 1, 1, &block(trailers)));
    }
    stream.write_all(&bytes).await.unwrap();
    let mut is_ok = false;
    loop {
        let mut start = [0; 9];
        if stream.read_exact(&mut start).await.is_err() {
            return false;
        }
        let [a, b, c, kind, flags, ..] = start;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let mut payload = vec![0; length];
        if stream.read_exact(&mut payload).await.is_err() {
            return false;
        }
        match kind {
            // The static table's 200 comes first in an answer's head.
            1 if payload.first() == Some(&0x88) => is_ok = true,
            3 | 7 => return false,
            _ => {}
        }
        if kind <= 1 && flags & 1 == 1 {
            return is_ok;
        }
    }
}

#[tokio::test]
async fn refuses_requests_that_http1_would_read_otherwise() {
    let notes = Notes::default();
    let seen = Arc::clone(&notes);
    let app = app(move |request| {
        let seen = Arc::clone(&seen);
        async move {
            let line = format!("{} {}", request.method(), request.uri());
            if request.into_body().collect().await.is_ok() {
                seen.lock().unwrap().push(line);
            }
            let answer = Response::builder().header("content-type", "text/plain");
            answer.body(full("seen")).unwrap()
        }
    })
    .await;
    let preview = preview(app).start().await;
    let bearer = format!("Bearer {}", preview.token("alice"));
    let pseudo = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/open/a"),
        (":authority", "a"),
    ];
    let plain: Vec<(&str, &str)> = [&pseudo[..], &[("authorization", &bearer)]].concat();
    let plus = |more: Fields<'static>| [&plain[..], more].concat();
    let instead = |name: &str, value: &'static str| {
        let put = |(known, old): &(&'static str, &'static str)| {
            (*known, if *known == name { value } else { *old })
        };
        [&pseudo.iter().map(put).collect::<Vec<_>>()[..], &plain[4..]].concat()
    };
    let without = |name: &str| {
        let mut fields = plain.clone();
        fields.retain(|(known, _)| *known != name);
        fields
    };
    let first = |field| [&[field], &plain[..]].concat();
    let late = [&plain[4..], &plain[..4]].concat();
    let none: Fields<'_> = &[];
    #[rustfmt::skip]
    let honest: Vec<Case<'_>> = vec![
        (plain.clone(), b"", none),
        (plain.clone(), b"hello", none),
        (plain.clone(), b"hello", &[("x-sum", "1")]),
        (plus(&[("content-length", "5")]), b"hello", none),
        (plus(&[("te", "trailers")]), b"", none),
        (plus(&[("cookie", "a=1"), ("cookie", "b=2")]), b"", none),
        (plus(&[("host", "a")]), b"", none),
        (plus(&[("x-a", "")]), b"", none),
        (plus(&[("x-a", "\u{e9}")]), b"", none),
        (instead(":path", "/open/a?b"), b"", none),
        (instead(":method", "GET"), b"", none),
    ];
    #[rustfmt::skip]
    let hostile: Vec<Case<'_>> = vec![
        (plus(&[("transfer-encoding", "chunked")]), b"0\r\n\r\n", none),
        (plus(&[("connection", "close")]), b"", none),
        (plus(&[("keep-alive", "timeout=5")]), b"", none),
        (plus(&[("proxy-connection", "close")]), b"", none),
        (plus(&[("upgrade", "websocket")]), b"", none),
        (plus(&[("te", "gzip")]), b"", none),
        (plus(&[("X-A", "b")]), b"", none),
        (plus(&[("", "b")]), b"", none),
        (plus(&[("x a", "b")]), b"", none),
        (plus(&[("x:a", "b")]), b"", none),
        (plus(&[("x-a:", "b")]), b"", none),
        (plus(&[("x-a\r\nhost", "b")]), b"", none),
        (plus(&[("x-a", "b\r\nx-forwarded-user: bob")]), b"", none),
        (plus(&[("x-a", "b\nc")]), b"", none),
        (plus(&[("x-a", "b\rc")]), b"", none),
        (plus(&[("x-a", "b\0c")]), b"", none),
        (plus(&[("x-a", "b\x7fc")]), b"", none),
        (plus(&[("content-length", "4")]), b"hello", none),
        (plus(&[("content-length", "6")]), b"hello", none),
        (plus(&[("content-length", "5")]), b"", none),
        (plus(&[("content-length", "5"), ("content-length", "6")]), b"hello", none),
        (plus(&[("content-length", "5"), ("content-length", "5")]), b"hello", none),
        (plus(&[("content-length", "5, 5")]), b"hello", none),
        (plus(&[("content-length", "+5")]), b"hello", none),
        (plus(&[("content-length", "05")]), b"hello", none),
        (plus(&[("content-length", " 5")]), b"hello", none),
        (plus(&[("content-length", "")]), b"hello", none),
        (plus(&[("host", "b")]), b"", none),
        (plus(&[("host", "a"), ("host", "a")]), b"", none),
        (plus(&[("host", "")]), b"", none),
        (plus(&[(":path", "/open/b")]), b"", none),
        (plus(&[(":status", "200")]), b"", none),
        (plus(&[(":other", "a")]), b"", none),
        (first((":path", "/open/b")), b"", none),
        (first((":method", "GET")), b"", none),
        (first((":authority", "b")), b"", none),
        (first((":protocol", "websocket")), b"", none),
        (late, b"", none),
        (without(":method"), b"", none),
        (without(":scheme"), b"", none),
        (without(":path"), b"", none),
        (without(":authority"), b"", none),
        (instead(":path", ""), b"", none),
        (instead(":path", "*"), b"", none),
        (instead(":path", "open/a"), b"", none),
        (instead(":path", "http://b/open/a"), b"", none),
        (instead(":path", "/open/a b"), b"", none),
        (instead(":path", "/open/a HTTP/1.1\r\nhost: b\r\n\r\n"), b"", none),
        (instead(":path", "/open/a\0"), b"", none),
        (instead(":path", "/open/\u{e9}"), b"", none),
        (instead(":method", ""), b"", none),
        (instead(":method", "POST /x"), b"", none),
        (instead(":method", "PO\r\nST"), b"", none),
        (instead(":method", "CONNECT"), b"", none),
        (instead(":scheme", ""), b"", none),
        (instead(":scheme", "ftp"), b"", none),
        (instead(":scheme", "http:"), b"", none),
        (instead(":authority", ""), b"", none),
        (instead(":authority", "u@a"), b"", none),
        (instead(":authority", "a b"), b"", none),
        (instead(":authority", "a/b"), b"", none),
        (instead(":authority", "a\r\nx: y"), b"", none),
        (plain.clone(), b"hello", &[("X-Sum", "1")]),
        (plain.clone(), b"hello", &[("x-sum", "1\r\nx: y")]),
        (plain.clone(), b"hello", &[("transfer-encoding", "chunked")]),
        (plain.clone(), b"hello", &[("connection", "close")]),
    ];
    for (head, body, trailers) in &honest {
        assert!(
            passes(preview.address, head, body, trailers).await,
            "{head:?} {trailers:?}"
        );
        assert_eq!(
            notes.lock().unwrap().drain(..).count(),
            1,
            "{head:?} {trailers:?}"
        );
    }
    let mut wrong = Vec::new();
    for (head, body, trailers) in &hostile {
        let passed = passes(preview.address, head, body, trailers).await;
        let seen = notes.lock().unwrap().drain(..).count();
        if passed || seen > 0 {
            let fields: Vec<_> = head
                .iter()
                .filter(|(name, _)| *name != "authorization")
                .collect();
            wrong.push(format!("{passed} {seen} {fields:?} {trailers:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
