//! Small hostile answers, each with a secret in it and an innocent twin.
//!
//! The secret must not be found by a client that decodes as browsers do and further; the twin must come as it was sent.

mod cases;
mod charsets;
mod reader;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use self::cases::{Answer, Case};
use crate::preview::{Preview, preview};
use crate::upstream::{raw, read_head};

const ROUTES: &str = r#"
  - match: GET /open/**
    public: Nobody's data.
  - match: GET /orders/**
    records: "$[*]"
    owner: owner
  - match: GET /items/**
    records: "$.items[*]"
    owner: "$.owner.id"
    also: [$.page]
  - match: GET /anywhere/**
    records: anywhere
    owner: owner
    public: Pages around the records are the same for everybody.
  - match: GET /lines/**
    records: "$"
    owner: owner
  - match: GET /rows/**
    rows: { owner: owner }
  - match: GET /page/**
    html: { records: .order, owner: data-owner }
detect:
  - use: [email, payment-card]
embargo:
  - id: falcon
    terms: [Falcon IX]
"#;

/// What belongs to others, in any letter case.
const SECRETS: [&str; 4] = [
    "bob@shop.example",
    "4111111111111111",
    "falcon ix",
    "zq7-secret",
];

/// Cases in the tables, so that none gets lost.
const CASES: usize = 724;

async fn app(cases: &[Case]) -> std::net::SocketAddr {
    let mut answers = HashMap::new();
    for case in cases {
        answers.insert(case.path("hostile"), case.hostile.clone());
        answers.insert(case.path("twin"), case.twin.clone());
    }
    assert_eq!(answers.len(), 2 * cases.len(), "two cases of one name");
    let answers = Arc::new(answers);
    raw(move |mut stream| {
        let answers = Arc::clone(&answers);
        async move {
            let head = read_head(&mut stream).await;
            let Some(answer) = head.split(' ').nth(1).and_then(|path| answers.get(path)) else {
                return;
            };
            for piece in answer.wire(head.starts_with("HEAD ")) {
                if stream.write_all(&piece).await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
            let _ = stream.shutdown().await;
        }
    })
    .await
}

async fn ask(preview: &Preview, case: &Case, which: &str, token: &str) -> Vec<u8> {
    let request = format!(
        "{} {} HTTP/1.1\r\nhost: app.test\r\nauthorization: Bearer {token}\r\n\
         accept-encoding: gzip, deflate, br, zstd\r\nte: trailers\r\nconnection: close, te\r\n{}\r\n",
        case.method,
        case.path(which),
        case.asks
    );
    let mut stream = TcpStream::connect(preview.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // However the connection ends: what came counts.
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await;
    answer
}

/// The secret that a client finds in an answer.
fn leak(bytes: &[u8], body: &[u8]) -> Option<&'static str> {
    reader::readings(bytes, body).iter().find_map(|text| {
        let text = String::from_utf8_lossy(text).to_lowercase();
        SECRETS.into_iter().find(|secret| text.contains(secret))
    })
}

fn wrong_with_twin(case: &Case, bytes: &[u8], twin: &Answer) -> Option<String> {
    let seen = reader::take_apart(bytes, case.method != "HEAD");
    let wanted = if case.method == "HEAD" {
        Vec::new()
    } else {
        twin.plain.clone()
    };
    let is_same = seen.body == wanted && seen.ended && twin.head.starts_with(&seen.status);
    let has_field = seen.head.contains(case.keeps);
    (!is_same || !has_field || seen.status.is_empty()).then(|| {
        let body = String::from_utf8_lossy(&seen.body).into_owned();
        format!("{}: twin came as {}\n{body}", case.path("twin"), seen.head)
    })
}

#[tokio::test]
async fn leaks_no_secret_and_keeps_every_twin() {
    let mut cases = cases::all();
    cases.extend(charsets::all());
    assert_eq!(cases.len(), CASES, "the table has changed: say so");
    let preview = preview(app(&cases).await).routes(ROUTES).start().await;
    let token = preview.token("alice");
    let mut wrong = Vec::new();
    for case in &cases {
        // A case in which nothing was hidden, or that no client could read, would prove nothing.
        let sent = case.hostile.wire(false).concat();
        if leak(&sent, &case.hostile.plain).is_none() {
            wrong.push(format!("{}: holds no secret", case.path("hostile")));
        }
        let answer = ask(&preview, case, "hostile", &token).await;
        let seen = reader::take_apart(&answer, case.method != "HEAD");
        if let Some(secret) = leak(&answer, &seen.body) {
            let text = String::from_utf8_lossy(&answer).into_owned();
            wrong.push(format!(
                "{}: LEAK of {secret}: {text}",
                case.path("hostile")
            ));
        }
        let answer = ask(&preview, case, "twin", &token).await;
        wrong.extend(wrong_with_twin(case, &answer, &case.twin));
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n\n"));
}
