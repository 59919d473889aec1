//! Requests over HTTP/2 that its library, or an app behind it, could read in two ways, each beside an honest one.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::bounded;
use crate::frame::{Fields, block, frame, opening};
use crate::preview::until;
use crate::upstream::Notes;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// What differs from a plain request.
#[derive(Clone, Copy, Debug)]
struct Ask {
    /// In place of fields of the same name; an empty name leaves one out.
    set: Fields<'static>,
    without: &'static str,
    more: Fields<'static>,
    trailers: Option<Fields<'static>>,
}

const PLAIN: Ask = Ask {
    set: &[],
    without: "",
    more: &[],
    trailers: None,
};

const fn set(set: Fields<'static>) -> Ask {
    Ask { set, ..PLAIN }
}

const fn without(without: &'static str) -> Ask {
    Ask { without, ..PLAIN }
}

const fn more(more: Fields<'static>) -> Ask {
    Ask { more, ..PLAIN }
}

const fn trailers(trailers: Fields<'static>) -> Ask {
    Ask {
        trailers: Some(trailers),
        ..PLAIN
    }
}

const fn hosted(more: Fields<'static>) -> Ask {
    Ask {
        without: ":authority",
        more,
        ..PLAIN
    }
}

impl Ask {
    fn frames(&self, token: &str) -> Vec<u8> {
        let bearer = format!("Bearer {token}");
        let plain = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/open/a"),
            (":authority", "app.test"),
            ("authorization", bearer.as_str()),
        ];
        let plain = plain.into_iter().filter(|(name, _)| *name != self.without);
        let changed = |(name, value)| {
            let other = self.set.iter().find(|(other, _)| *other == name);
            (name, other.map_or(value, |(_, value)| *value))
        };
        let fields: Vec<_> = plain
            .map(changed)
            .chain(self.more.iter().copied())
            .collect();
        let mut frames = frame(HEADERS, END_HEADERS, 1, &block(&fields));
        match self.trailers {
            None => frames.extend(frame(DATA, END_STREAM, 1, b"hello")),
            Some(trailers) => {
                frames.extend(frame(DATA, 0, 1, b"hello"));
                let flags = END_HEADERS | END_STREAM;
                frames.extend(frame(HEADERS, flags, 1, &block(trailers)));
            }
        }
        frames
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Answered,
    /// The stream was reset, or the connection ended.
    Broken,
}

/// Sends `frames` on a connection of their own, and reads how the first stream ends.
async fn send(address: SocketAddr, frames: &[u8]) -> End {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut bytes = opening();
    bytes.extend(frames);
    stream.write_all(&bytes).await.unwrap();
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            return End::Broken;
        }
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        if stream.read_exact(&mut payload).await.is_err() {
            return End::Broken;
        }
        match head[3] {
            HEADERS => return End::Answered,
            RST_STREAM | GOAWAY => return End::Broken,
            _ => {}
        }
    }
}

/// None where the library ends the stream before anybody judges it.
const RESET: Option<&str> = None;
const AMBIGUOUS: Option<&str> = Some("ambiguous-request");

#[rustfmt::skip]
const CASES: &[(Ask, Option<&str>, Ask)] = &[
    (without(":method"), RESET, PLAIN),
    (without(":path"), RESET, PLAIN),
    (without(":scheme"), RESET, PLAIN),
    (without(":authority"), AMBIGUOUS, hosted(&[("host", "app.test")])),
    (set(&[(":method", "post")]), AMBIGUOUS, set(&[(":method", "PATCH")])),
    (set(&[(":method", "Delete")]), AMBIGUOUS, set(&[(":method", "DELETE")])),
    (set(&[(":method", "PRI")]), AMBIGUOUS, set(&[(":method", "PRINT")])),
    (set(&[(":method", "")]), RESET, set(&[(":method", "PUT")])),
    (set(&[(":method", "GET /open/b")]), RESET, set(&[(":method", "G-ET")])),
    (set(&[(":path", "")]), RESET, set(&[(":path", "/open/")])),
    (set(&[(":path", "*")]), AMBIGUOUS, set(&[(":path", "/open/*")])),
    (set(&[(":path", "open/a")]), RESET, set(&[(":path", "/open/open/a")])),
    (set(&[(":path", "/open/../admin/a")]), AMBIGUOUS, set(&[(":path", "/open/..admin/a")])),
    (set(&[(":path", "//open/a")]), AMBIGUOUS, set(&[(":path", "/open/a?//b")])),
    (set(&[(":path", "/open/a b")]), RESET, set(&[(":path", "/open/a%20b")])),
    (set(&[(":path", "/open/a\r\nx: y")]), RESET, set(&[(":path", "/open/a?x:y")])),
    (set(&[(":path", "http://app.test/open/a")]), RESET, set(&[(":path", "/open/http:")])),
    (set(&[(":scheme", "ftp")]), AMBIGUOUS, set(&[(":scheme", "https")])),
    (set(&[(":scheme", "")]), AMBIGUOUS, PLAIN),
    (set(&[(":authority", "")]), RESET, set(&[(":authority", "a")])),
    (set(&[(":authority", "app.test, other.test")]), RESET, set(&[(":authority", "app.test-other.test")])),
    (set(&[(":authority", "app.test,other.test")]), AMBIGUOUS, set(&[(":authority", "app.test.other.test")])),
    (set(&[(":authority", "u@app.test")]), AMBIGUOUS, set(&[(":authority", "u.app.test")])),
    (set(&[(":authority", "app.test:")]), AMBIGUOUS, set(&[(":authority", "app.test:8")])),
    (set(&[(":authority", "app.test:0")]), AMBIGUOUS, set(&[(":authority", "app.test:80")])),
    (set(&[(":authority", "app.test:080")]), AMBIGUOUS, set(&[(":authority", "app.test:8080")])),
    (set(&[(":authority", "app.test:99999")]), AMBIGUOUS, set(&[(":authority", "app.test:9999")])),
    (set(&[(":authority", "app..test")]), AMBIGUOUS, set(&[(":authority", "app.test.")])),
    (set(&[(":authority", "app!test")]), AMBIGUOUS, set(&[(":authority", "app_test")])),
    (set(&[(":authority", "[1:2:3]")]), AMBIGUOUS, set(&[(":authority", "[1::3]")])),
    (more(&[("host", "other.test")]), AMBIGUOUS, more(&[("host", "app.test")])),
    (more(&[("host", "")]), AMBIGUOUS, more(&[("host", "APP.test")])),
    (more(&[("host", "app.test"), ("host", "app.test")]), AMBIGUOUS, more(&[("hosts", "a"), ("hosts", "a")])),
    (hosted(&[("host", "a,b")]), AMBIGUOUS, hosted(&[("host", "a-b")])),
    (hosted(&[("host", " a")]), AMBIGUOUS, hosted(&[("host", "a")])),
    (more(&[(":authority", "app.test")]), RESET, more(&[("x-authority", "app.test")])),
    (more(&[(":protocol", "websocket")]), RESET, more(&[("protocol", "websocket")])),
    (more(&[(":status", "200")]), RESET, more(&[("status", "200")])),
    (more(&[("X-Upper", "1")]), RESET, more(&[("x-upper", "1")])),
    (more(&[("connection", "close")]), RESET, more(&[("x-connection", "close")])),
    (more(&[("transfer-encoding", "chunked")]), RESET, more(&[("x-coding", "chunked")])),
    (more(&[("upgrade", "websocket")]), RESET, more(&[("x-upgrade", "websocket")])),
    (more(&[("te", "gzip")]), RESET, more(&[("te", "trailers")])),
    (more(&[("x", "a\r\nb: c")]), RESET, more(&[("x", "a b: c")])),
    (more(&[("x", "a\0")]), RESET, more(&[("x", "a0")])),
    (more(&[("x", " a")]), AMBIGUOUS, more(&[("x", "a b")])),
    (more(&[("x", "a\t")]), AMBIGUOUS, more(&[("x", "a\tb")])),
    (more(&[("content-type", " application/json")]), AMBIGUOUS, more(&[("content-type", "text/plain")])),
    (more(&[("content-length", "4")]), RESET, more(&[("content-length", "5")])),
    (more(&[("content-length", "05")]), AMBIGUOUS, more(&[("x-length", "05")])),
    (more(&[("content-length", "5"), ("content-length", "5")]), AMBIGUOUS, more(&[("x-length", "5"), ("x-length", "5")])),
    (more(&[("content_length", "5")]), AMBIGUOUS, more(&[("contentlength", "5")])),
    (more(&[("expect", "200-ok")]), AMBIGUOUS, more(&[("expect", "100-continue")])),
    (more(&[("trailer", "content-length")]), AMBIGUOUS, more(&[("trailer", "x-sum")])),
    (more(&[("x-http-method-override", "DELETE")]), AMBIGUOUS, more(&[("x-http-note", "DELETE")])),
    (trailers(&[(":path", "/admin")]), AMBIGUOUS, trailers(&[("x-path", "/admin")])),
    (trailers(&[("x-sum", "1"), (":path", "/admin")]), RESET, trailers(&[("x-sum", "1"), ("x-path", "/admin")])),
    (trailers(&[("X-Sum", "1")]), RESET, trailers(&[("x-sum", "1")])),
    (trailers(&[("connection", "close")]), RESET, trailers(&[("x-connection", "close")])),
    (trailers(&[("content-length", "5")]), AMBIGUOUS, trailers(&[("x-length", "5")])),
    (trailers(&[("host", "other.test")]), AMBIGUOUS, trailers(&[("x-host", "other.test")])),
    (trailers(&[("authorization", "Bearer x")]), AMBIGUOUS, trailers(&[("x-author", "Bearer x")])),
    (trailers(&[("content_type", "text/html")]), AMBIGUOUS, trailers(&[("x-type", "text/html")])),
    (trailers(&[("x-sum", " 1")]), AMBIGUOUS, trailers(&[("x-sum", "1 1")])),
];

#[tokio::test]
async fn refuses_streams_with_two_readings_and_passes_their_twins() {
    let notes = Notes::default();
    let preview = bounded(&notes).await;
    let token = preview.token("alice");
    let allowed = || {
        let records = preview.records();
        let allowed = records
            .iter()
            .filter(|record| record["decision"] == "allow");
        allowed.count()
    };
    for (number, (hostile, code, honest)) in CASES.iter().enumerate() {
        let before = preview.records().len();
        let end = send(preview.address, &hostile.frames(&token)).await;
        match code {
            None => assert_eq!(end, End::Broken, "{hostile:?}"),
            Some(code) => {
                assert_eq!(end, End::Answered, "{hostile:?}");
                // The record of a stream that was reset before may come late.
                let records = preview.records();
                let new = records.get(before..).unwrap();
                assert!(
                    new.iter().any(|record| record["reason"] == *code),
                    "{hostile:?}: {new:?}"
                );
            }
        }
        assert!(notes.lock().unwrap().is_empty(), "{hostile:?}");
        let end = send(preview.address, &honest.frames(&token)).await;
        assert_eq!(end, End::Answered, "{honest:?}");
        until(|| allowed() > number).await;
        assert_eq!(allowed(), number + 1, "{hostile:?}");
        let noted: Vec<String> = notes.lock().unwrap().drain(..).collect();
        let with = |name: &str, plain: &'static str| {
            let other = honest.set.iter().find(|(other, _)| *other == name);
            other.map_or(plain, |(_, value)| *value)
        };
        let (method, path) = (with(":method", "POST"), with(":path", "/open/a"));
        assert_eq!(noted, [format!("{method} {path} hello")], "{honest:?}");
    }
}

/// Frames that are none, or stand where they may not (RFC 9113), behind a good opening; each beside a good one.
#[tokio::test]
async fn ends_connections_with_broken_frames() {
    let notes = Notes::default();
    let preview = bounded(&notes).await;
    let token = preview.token("alice");
    let fields = |path: &'static str| {
        block(&[
            (":method", "GET"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "app.test"),
            ("authorization", &format!("Bearer {token}")),
        ])
    };
    let whole = END_HEADERS | END_STREAM;
    let get = frame(HEADERS, whole, 1, &fields("/open/a"));
    let (start, rest) = {
        let block = fields("/open/a");
        let (start, rest) = block.split_at(20);
        (start.to_vec(), rest.to_vec())
    };
    let padded = |pad: u8, tail: usize| {
        let mut block = vec![pad];
        block.extend(fields("/open/a"));
        block.extend(vec![0; tail]);
        frame(HEADERS, whole | 8, 1, &block)
    };
    let cut = |at: usize, kind: u8, id: u32| {
        let block = fields("/open/a");
        let (a, b) = block.split_at(at);
        [
            frame(HEADERS, END_STREAM, 1, a),
            frame(kind, END_HEADERS, id, b),
        ]
        .concat()
    };
    let with = |bytes: &[u8]| {
        let mut block = fields("/open/a");
        block.extend(bytes);
        frame(HEADERS, whole, 1, &block)
    };
    let interrupted = |between: Vec<u8>| {
        let first = frame(HEADERS, END_STREAM, 1, &start);
        [first, between, frame(9, END_HEADERS, 1, &rest)].concat()
    };
    let before = |first: Vec<u8>| [first, get.clone()].concat();
    let pairs: Vec<(Vec<u8>, Vec<u8>)> = vec![
        (frame(HEADERS, whole, 0, &fields("/open/a")), get.clone()),
        (frame(HEADERS, whole, 2, &fields("/open/a")), get.clone()),
        (padded(255, 0), padded(3, 3)),
        (cut(20, 9, 3), cut(20, 9, 1)),
        (cut(20, 9, 0), cut(9, 9, 1)),
        (cut(20, DATA, 1), cut(21, 9, 1)),
        (
            interrupted(frame(6, 0, 0, &[0; 8])),
            interrupted(Vec::new()),
        ),
        (
            interrupted(frame(99, 0, 0, &[])),
            before(frame(99, 0, 0, &[])),
        ),
        (
            before(frame(DATA, 0, 0, b"a")),
            before(frame(6, 0, 0, &[0; 8])),
        ),
        (before(frame(DATA, 0, 1, b"a")), before(frame(4, 0, 0, &[]))),
        (
            before(frame(2, 0, 0, &[0; 5])),
            before(frame(2, 0, 1, &[0; 5])),
        ),
        (
            before(frame(RST_STREAM, 0, 0, &[0; 4])),
            before(frame(4, 1, 0, &[])),
        ),
        (
            before(frame(RST_STREAM, 0, 1, &[0; 4])),
            before(frame(6, 1, 0, &[0; 8])),
        ),
        (before(frame(4, 0, 1, &[])), get.clone()),
        (
            before(frame(4, 0, 0, &[0; 5])),
            before(frame(4, 0, 0, &[0, 99, 0, 0, 0, 1])),
        ),
        (
            before(frame(4, 1, 0, &[0; 6])),
            before(frame(4, 0, 0, &[0, 8, 0, 0, 0, 1])),
        ),
        (
            before(frame(4, 0, 0, &[0, 2, 0, 0, 0, 2])),
            before(frame(4, 0, 0, &[0, 2, 0, 0, 0, 0])),
        ),
        (
            before(frame(4, 0, 0, &[0, 4, 128, 0, 0, 0])),
            before(frame(4, 0, 0, &[0, 4, 0, 1, 0, 0])),
        ),
        (
            before(frame(4, 0, 0, &[0, 5, 0, 0, 0, 1])),
            before(frame(4, 0, 0, &[0, 5, 0, 0, 64, 0])),
        ),
        (before(frame(5, END_HEADERS, 1, &[0, 0, 0, 2])), get.clone()),
        (
            before(frame(6, 0, 1, &[0; 8])),
            before(frame(6, 0, 0, &[1; 8])),
        ),
        (
            before(frame(6, 0, 0, &[0; 7])),
            before(frame(6, 0, 0, &[2; 8])),
        ),
        (
            before(frame(8, 0, 0, &[0; 4])),
            before(frame(8, 0, 0, &[0, 0, 0, 1])),
        ),
        (
            before(frame(8, 0, 1, &[0, 0, 0, 1])),
            before(frame(8, 0, 0, &[0, 0, 1, 0])),
        ),
        (
            before(frame(8, 0, 0, &[127, 255, 255, 255])),
            before(frame(8, 0, 0, &[0, 1, 0, 0])),
        ),
        (before(frame(9, END_HEADERS, 1, &start)), get.clone()),
        (frame(HEADERS, whole, 1, &[0; 16_385]), get.clone()),
        (with(&[0x80]), with(&[])),
        (with(&[0xff, 0x20]), with(&[0x90])),
        (with(&[0x20]), with(&[0x40, 1, b'x', 1, b'y'])),
        (
            with(&[0x00, 1, b'x', 0x82, 0x1f, 0xff]),
            with(&[0x00, 1, b'x', 0x81, 0x1f]),
        ),
        (
            with(&[0x00, 1, b'x', 0x84, 255, 255, 255, 255]),
            with(&[0x00, 1, b'x', 1, b'a']),
        ),
        (with(&[0x00, 9, b'x']), with(&[0x10, 1, b'x', 1, b'a'])),
    ];
    for (number, (hostile, honest)) in pairs.iter().enumerate() {
        let end = send(preview.address, hostile).await;
        assert_eq!(end, End::Broken, "{number}: {hostile:?}");
        assert!(notes.lock().unwrap().is_empty(), "{number}: {hostile:?}");
        let end = send(preview.address, honest).await;
        assert_eq!(end, End::Answered, "{number}: {honest:?}");
        let noted: Vec<String> = notes.lock().unwrap().drain(..).collect();
        assert_eq!(noted, ["GET /open/a "], "{number}: {honest:?}");
    }
    let allowed = preview.recorded(pairs.len()).await;
    let allowed = allowed
        .iter()
        .filter(|record| record["decision"] == "allow");
    assert_eq!(allowed.count(), pairs.len());
}
