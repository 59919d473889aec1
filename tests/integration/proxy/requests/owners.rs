//! Records that are written in another user's name.

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::Full;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Ask, Scene, line, post};
use crate::client;
use crate::preview::preview;
use crate::upstream::{Notes, raw, read_head};

const POLICY: &str = "
  - { match: POST /api/orders, public: x, request: { records: $, owner: $.customer.id } }
  - { match: PUT /api/orders, public: x, request: { records: $, owner: $.customer.id } }
  - { match: POST /api/batch, public: x, request: { records: '$.items[*]', owner: owner, also: [$.note] } }
  - { match: POST /api/list, public: x, request: { records: '$[*]', owner: [from, to] } }
  - { match: PATCH /api/any, public: x, request: { records: anywhere, owner: owner } }
  - { match: POST /api/maybe, public: x, request: { records: $, owner: owner, optional: true } }
";

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";

#[tokio::test]
async fn refuses_to_write_in_anothers_name() {
    let scene = Scene::new(|builder| builder.routes(POLICY).limits("record: 1KiB")).await;
    let mut pairs: Vec<(Ask, &str, Ask)> = Vec::new();
    let foreign = "request-foreign-record";
    let own = r#"{"customer":{"id":"alice"},"n":1.0}"#;
    for (path, kind, hostile, twin) in [
        ("/api/orders", JSON, r#"{"customer":{"id":"bob"}}"#, own),
        (
            "/api/orders",
            JSON,
            r#"{"customer":{"id":"alice","id":"bob"}}"#,
            own,
        ),
        (
            "/api/orders",
            JSON,
            r#"{"customer":{"id":"bob","id":"alice"}}"#,
            own,
        ),
        (
            "/api/orders",
            JSON,
            r#"{"customer":{"id":"alice"},"customer":{"id":"bob"}}"#,
            own,
        ),
        (
            "/api/orders",
            JSON,
            r#"{"customer":{"id":"alice","\u0069d":"bob"}}"#,
            r#"{"customer":{"\u0069d":"\u0061lice"}}"#,
        ),
        ("/api/orders", JSON, r#"{"customer":{"id":["alice"]}}"#, own),
        ("/api/orders", JSON, r#"{"customer":{"id":"Alice"}}"#, own),
        ("/api/orders", JSON, r#"{"customer":null}"#, own),
        ("/api/orders", JSON, r#"[{"customer":{"id":"alice"}}]"#, own),
        ("/api/orders", JSON, "{}", own),
        (
            "/api/orders",
            LINES,
            "{\"customer\":{\"id\":\"alice\"}}\n{\"customer\":{\"id\":\"bob\"}}\n",
            "{\"customer\":{\"id\":\"alice\"}}\n",
        ),
        (
            "/api/batch",
            JSON,
            r#"{"items":[{"owner":"alice"},{"owner":"bob"}]}"#,
            r#"{"items":[{"owner":"alice"},{"owner":"alice"}]}"#,
        ),
        (
            "/api/batch",
            JSON,
            r#"{"items":[{"owner":"alice"}],"more":[{"owner":"bob"}]}"#,
            r#"{"items":[{"owner":"alice"}],"note":"x"}"#,
        ),
        (
            "/api/batch",
            JSON,
            r#"{"items":[{"owner":"alice"}],"items":[{"owner":"bob"}]}"#,
            r#"{"items":[]}"#,
        ),
        (
            "/api/batch",
            JSON,
            r#"{"note":1}"#,
            r#"{"note":1,"items":[{"owner":"alice"}]}"#,
        ),
        (
            "/api/list",
            JSON,
            r#"[{"from":"bob","to":"carol"}]"#,
            r#"[{"from":"bob","to":"alice"}]"#,
        ),
        (
            "/api/maybe",
            JSON,
            r#"{"owner":"bob"}"#,
            r#"{"owner":"alice"}"#,
        ),
    ] {
        pairs.push((post(path, kind, hostile), foreign, post(path, kind, twin)));
    }
    let patch =
        |kind: &str, body: &str| line("PATCH /api/any").with("content-type", kind).body(body);
    for (hostile, twin) in [
        (r#"{"a":{"owner":"bob"}}"#, r#"{"a":{"owner":"alice"}}"#),
        (r#"{"owner":null}"#, r#"{"title":"x"}"#),
        (
            r#"{"owner":"alice","x":[{"owner":"bob"}]}"#,
            r#"{"owner":"alice","x":[{}]}"#,
        ),
    ] {
        pairs.push((patch(JSON, hostile), foreign, patch(JSON, twin)));
    }
    let part = |name: &str| {
        let put = line("PUT /api/orders").with("content-type", JSON);
        put.with(name, "bytes 0-36/99").body(own)
    };
    let (hostile, twin) = (part("content-range"), part("x-range"));
    pairs.push((hostile, "request-unreadable", twin));
    let empty = |method: &str, path: &str| line(&format!("{method} {path}"));
    pairs.push((
        empty("PUT", "/api/orders"),
        foreign,
        empty("POST", "/api/maybe"),
    ));
    for (kind, body, code) in [
        ("text/plain", own, "request-unreadable"),
        (
            "application/x-www-form-urlencoded",
            "customer=bob",
            "request-unreadable",
        ),
        ("application/octet-stream", own, "request-unreadable"),
        (
            "application/json; charset=utf-16",
            own,
            "request-unreadable",
        ),
        (JSON, "{", "request-malformed"),
        (
            JSON,
            "{\"customer\":{\"id\":\"alice\"}}{}",
            "request-malformed",
        ),
    ] {
        pairs.push((
            post("/api/orders", kind, body),
            code,
            post("/api/orders", "application/json; charset=UTF-8", own),
        ));
    }
    let steps = r#"[{"op":"replace","path":"/owner","value":"bob"}]"#;
    pairs.push((
        patch("application/json-patch+json", steps),
        "request-unreadable",
        patch("application/merge-patch+json", r#"{"owner":"alice"}"#),
    ));
    let untyped = line("POST /api/orders").body(own);
    pairs.push((
        untyped,
        "request-unreadable",
        post("/api/orders", JSON, own),
    ));
    let coded = post("/api/orders", JSON, own);
    pairs.push((
        coded.clone().with("content-encoding", "gzip"),
        "request-unreadable",
        coded,
    ));
    let long = |length: usize| {
        let body = format!(
            r#"{{"customer":{{"id":"alice"}},"n":"{}"}}"#,
            "x".repeat(length)
        );
        post("/api/orders", JSON, body)
    };
    pairs.push((long(1024), "request-too-large", long(900)));
    assert_eq!(scene.judges(pairs).await, 32);
    let answer = scene.say(&post("/api/orders", JSON, "{}"), false).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("policy.yaml:"), "{answer}");
    let answer = scene.say(&long(1024), false).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn refuses_the_same_over_http2() {
    let scene = Scene::new(|builder| builder.routes(POLICY)).await;
    for (path, kind, body, code) in [
        (
            "/api/orders",
            JSON,
            r#"{"customer":{"id":"bob"}}"#,
            Some("request-foreign-record"),
        ),
        ("/api/orders", JSON, "", Some("request-foreign-record")),
        ("/api/orders", "text/plain", "x", Some("request-unreadable")),
        (
            "/api/orders?_method=PUT",
            JSON,
            "{}",
            Some("ambiguous-request"),
        ),
        ("/api/orders", JSON, r#"{"customer":{"id":"alice"}}"#, None),
        ("/api/maybe", JSON, "", None),
    ] {
        let request = Request::post(format!("http://app.test{path}"))
            .version(Version::HTTP_2)
            .header("chaperone-capability", &scene.token)
            .header("content-type", kind)
            .body(Full::new(Bytes::from_static(body.as_bytes())));
        let stream = TcpStream::connect(scene.preview.address).await.unwrap();
        let reply = client::send_h2(stream, request.unwrap()).await;
        let got = scene.got();
        match code {
            Some(code) => {
                assert_eq!(reply.code(), code, "{path} {body}");
                assert!(got.is_empty(), "{got:?}");
            }
            None => {
                assert_eq!(reply.status, 200, "{path} {body}");
                assert_eq!(got[0].body, body.as_bytes());
            }
        }
    }
}

#[tokio::test]
async fn asks_the_app_only_once_all_is_judged() {
    let heads = Notes::default();
    let noted = heads.clone();
    let app = raw(move |mut stream| {
        let noted = noted.clone();
        async move {
            let head = read_head(&mut stream).await;
            noted.lock().unwrap().push(head);
            let answer =
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok";
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    })
    .await;
    let preview = preview(app).routes(POLICY).start().await;
    let token = preview.token("alice");
    for (last, status) in [("bob\"}}", "403"), ("alice\"}}", "200")] {
        let first = "{\"customer\":{\"id\":\"";
        let length = first.len() + last.len();
        let head = format!(
            "POST /api/orders HTTP/1.1\r\nhost: a\r\nconnection: close\r\nchaperone-capability: {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{first}"
        );
        let mut stream = TcpStream::connect(preview.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // Long enough for a body that streams to be on its way to the app.
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        assert!(heads.lock().unwrap().is_empty());
        stream.write_all(last.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert_eq!(heads.lock().unwrap().len(), usize::from(status == "200"));
    }
}
