//! Hostile requests, each beside an innocent twin: the first is refused before the app sees a byte of it, the
//! second reaches the app byte for byte.

mod destination;
mod findings;
mod methods;
mod owners;
mod spellings;
mod targets;

use std::net::SocketAddr;

use chaperone::capability::attenuate::Restrictions;
use chaperone::types::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client;
use crate::preview::{Builder, Preview, preview};
use crate::upstream::{Notes, raw, read_head};

/// A request, but for its host, its capability and its length.
#[derive(Clone, Debug)]
struct Ask {
    /// Method and target.
    line: String,
    /// More fields, each with its line break.
    fields: String,
    body: Option<Vec<u8>>,
}

fn get(target: &str) -> Ask {
    line(&format!("GET {target}"))
}

fn line(line: &str) -> Ask {
    Ask {
        line: line.to_owned(),
        fields: String::new(),
        body: None,
    }
}

fn post(target: &str, kind: &str, body: impl Into<Vec<u8>>) -> Ask {
    line(&format!("POST {target}"))
        .with("content-type", kind)
        .body(body)
}

impl Ask {
    fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    fn bytes(&self, token: &str, is_chunked: bool) -> Vec<u8> {
        let Self { line, fields, .. } = self;
        let mut text = format!(
            "{line} HTTP/1.1\r\nhost: app.test\r\nconnection: close\r\nchaperone-capability: {token}\r\n{fields}"
        )
        .into_bytes();
        match &self.body {
            None => text.extend_from_slice(b"\r\n"),
            Some(body) if is_chunked => {
                text.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
                for piece in body.chunks(3) {
                    text.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                    text.extend_from_slice(piece);
                    text.extend_from_slice(b"\r\n");
                }
                text.extend_from_slice(b"0\r\n\r\n");
            }
            Some(body) => {
                text.extend_from_slice(
                    format!("content-length: {}\r\n\r\n", body.len()).as_bytes(),
                );
                text.extend_from_slice(body);
            }
        }
        text
    }
}

/// A sidecar before an app that notes what reaches it.
struct Scene {
    preview: Preview,
    token: String,
    notes: Notes,
}

/// What the app got of one request.
#[derive(Debug)]
struct Got {
    head: String,
    body: Vec<u8>,
}

impl Scene {
    async fn new(build: impl FnOnce(Builder) -> Builder) -> Self {
        let notes = Notes::default();
        let app = recorder(notes.clone()).await;
        let preview = build(preview(app)).start().await;
        let token = preview.token("alice");
        Self {
            preview,
            token,
            notes,
        }
    }

    /// Adds checks to the capability.
    fn narrow(&mut self, restrictions: &Restrictions) {
        let token = restrictions.attenuate(&Secret::new(self.token.clone()));
        self.token = token.unwrap().expose().clone();
    }

    fn got(&self) -> Vec<Got> {
        let mut notes = self.notes.lock().unwrap();
        let notes = notes.drain(..);
        notes
            .map(|note| {
                let (head, body) = note.split_once("\r\n\r\n").unwrap();
                Got {
                    head: head.to_owned(),
                    body: body
                        .chars()
                        .map(|c| u8::try_from(u32::from(c)).unwrap())
                        .collect(),
                }
            })
            .collect()
    }

    async fn say(&self, ask: &Ask, is_chunked: bool) -> String {
        client::bytes(self.preview.address, ask.bytes(&self.token, is_chunked)).await
    }

    /// `ask` is refused with `code`, and the app learns nothing of it.
    async fn refuses(&self, ask: &Ask, code: &str) {
        for is_chunked in [false, true] {
            let answer = self.say(ask, is_chunked).await;
            assert!(
                answer.contains(&format!("\"code\":\"{code}\"")),
                "{ask:?}\n{answer}"
            );
            let got = self.got();
            assert!(got.is_empty(), "{ask:?}\n{got:?}");
            let record = self.preview.records().pop().unwrap();
            assert_eq!(record["reason"], code, "{ask:?}");
            assert_eq!(record["decision"], "block", "{ask:?}");
        }
    }

    /// `ask` reaches the app byte for byte, and the log names the target that it got.
    async fn passes(&self, ask: &Ask) {
        for is_chunked in [false, true] {
            let answer = self.say(ask, is_chunked).await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{ask:?}\n{answer}");
            let mut got = self.got();
            let got = got.pop().filter(|_| got.is_empty()).unwrap();
            let mut lines = got.head.lines();
            assert_eq!(lines.next().unwrap(), format!("{} HTTP/1.1", ask.line));
            for field in ask.fields.lines() {
                let (name, value) = field.split_once(": ").unwrap();
                let line = format!("\n{}: {value}", name.to_ascii_lowercase());
                assert!(
                    got.head.replace("\r\n", "\n").contains(&line),
                    "{field}\n{got:?}"
                );
            }
            assert_eq!(got.body, ask.body.clone().unwrap_or_default(), "{ask:?}");
            let target = ask.line.split_once(' ').unwrap().1;
            assert_eq!(self.preview.records().pop().unwrap()["path"], target);
        }
    }

    async fn judges(&self, pairs: impl IntoIterator<Item = (Ask, &str, Ask)>) -> usize {
        let mut count = 0;
        for (hostile, code, twin) in pairs {
            self.refuses(&hostile, code).await;
            self.passes(&twin).await;
            count += 1;
        }
        count
    }
}

/// Notes each request that it gets, byte by byte as characters, and answers it.
async fn recorder(notes: Notes) -> SocketAddr {
    raw(move |mut stream| {
        let notes = notes.clone();
        async move {
            let head = read_head(&mut stream).await;
            if head.is_empty() {
                return;
            }
            let body = read_body(&mut stream, &head).await;
            let body: String = body.iter().map(|byte| char::from(*byte)).collect();
            notes.lock().unwrap().push(format!("{head}{body}"));
            let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    })
    .await
}

async fn read_body(stream: &mut TcpStream, head: &str) -> Vec<u8> {
    let mut body = Vec::new();
    let field = |name: &str| {
        head.lines()
            .find_map(|line| line.strip_prefix(name).map(str::to_owned))
    };
    if let Some(length) = field("content-length: ") {
        body.resize(length.parse().unwrap(), 0);
        let _ = stream.read_exact(&mut body).await;
    } else if field("transfer-encoding: ").is_some() {
        loop {
            let mut size = String::new();
            while !size.ends_with("\r\n") {
                let Ok(byte) = stream.read_u8().await else {
                    return body;
                };
                size.push(char::from(byte));
            }
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut piece = vec![0; size + 2];
            let _ = stream.read_exact(&mut piece).await;
            body.extend_from_slice(&piece[..size]);
            if size == 0 {
                break;
            }
        }
    }
    body
}
