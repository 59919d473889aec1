//! Types that a route lets pass unscanned: an app that uses the opening, and one that abuses it.

use std::io::Write as _;

use http::{HeaderName, HeaderValue, Response};

use crate::client::{Reply, get};
use crate::preview::{Preview, preview};
use crate::upstream::{app, full};

const ROUTES: &str = r#"
  - match: GET /files/**
    public: Pictures and papers of the shop.
    content: [image/*, application/pdf, text/css]
  - match: GET /orders/**
    records: "$[*]"
    owner: "$.owner"
    content: [application/pdf]
  - match: GET /open/**
    public: Nobody's data.
detect:
  - use: [email]
"#;

const BODY: &str = "of bob@shop.example";

type Fields = &'static [(&'static str, &'static str)];

async fn before(fields: Fields, body: Vec<u8>) -> Preview {
    let app = app(move |_| {
        let body = body.clone();
        async move {
            let mut answer = Response::new(full(body));
            for (name, value) in fields {
                let name: HeaderName = name.parse().unwrap();
                let value = HeaderValue::from_static(value);
                answer.headers_mut().append(name, value);
            }
            answer
        }
    });
    preview(app.await).routes(ROUTES).start().await
}

async fn told(path: &str, fields: Fields) -> Reply {
    let preview = before(fields, BODY.into()).await;
    get(preview.address, path, &preview.token("alice")).await
}

#[tokio::test]
async fn passes_what_the_route_opens_and_writes_it_down() {
    for (path, kind) in [
        ("/files/a", &[("content-type", "image/png")][..]),
        ("/files/a", &[("content-type", "Application/PDF; x=1")]),
        ("/orders/7", &[("content-type", "application/pdf")]),
    ] {
        let preview = before(kind, BODY.into()).await;
        let reply = get(preview.address, path, &preview.token("alice")).await;
        assert_eq!(reply.text(), BODY, "{kind:?}");
        assert_eq!(reply.headers["content-length"], BODY.len().to_string());
        assert_eq!(reply.headers["chaperone-filter"], "content");
        assert_eq!(reply.headers["x-content-type-options"], "nosniff");
        let record = &preview.recorded(1).await[0];
        assert_eq!(record["decision"], "allow", "{record}");
        assert_eq!(record["bytes_out"], BODY.len());
        let rules = record["rules"].as_array().unwrap();
        assert_eq!(rules.len(), 1, "{record}");
        assert_eq!(rules[0]["action"], "allow");
        assert_eq!(rules[0]["rule"], record["route"]);
        assert_eq!(rules[0]["count"], 1);
    }
}

#[tokio::test]
async fn scans_text_whatever_the_route_opens() {
    for fields in [
        &[("content-type", "text/html")][..],
        &[("content-type", "text/css")],
        &[("content-type", "image/svg+xml")],
        &[("content-type", "Image/SVG+XML; charset=utf-8")],
        &[],
    ] {
        let reply = told("/files/a", fields).await;
        assert_eq!(reply.text(), "of [redacted:email]", "{fields:?}");
        assert_ne!(reply.headers["chaperone-filter"], "content");
    }
}

#[tokio::test]
async fn refuses_types_that_the_route_does_not_open() {
    for (path, fields) in [
        ("/files/a", &[("content-type", "application/zip")][..]),
        ("/files/a", &[("content-type", "application/pdfx")]),
        ("/files/a", &[("content-type", "image/png, text/html")]),
        ("/files/a", &[("content-type", "image/png;x=1,text/html")]),
        (
            "/files/a",
            &[("content-type", "image/png;x=\"a,text/html\"")],
        ),
        ("/files/a", &[("content-type", "image")]),
        (
            "/files/a",
            &[("content-type", "image/png"), ("content-type", "text/html")],
        ),
        ("/files/a", &[("content-type", "application/x-tar")]),
        ("/orders/7", &[("content-type", "image/png")]),
        ("/orders/7", &[("content-type", "text/css")]),
        ("/open/a", &[("content-type", "image/png")]),
    ] {
        let reply = told(path, fields).await;
        assert_eq!(reply.status, 502, "{fields:?}");
        assert_eq!(reply.code(), "type-unsupported", "{fields:?}");
    }
}

#[tokio::test]
async fn filters_the_head_and_undoes_the_coding_of_what_passes() {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    coder.write_all(BODY.as_bytes()).unwrap();
    let fields: Fields = &[
        ("content-type", "image/png"),
        ("content-encoding", "gzip"),
        ("x-of", "bob@shop.example"),
        ("x-kept", "yes"),
        ("access-control-allow-origin", "*"),
    ];
    let preview = before(fields, coder.finish().unwrap()).await;
    let reply = get(preview.address, "/files/a", &preview.token("alice")).await;
    assert_eq!(reply.text(), BODY);
    assert_eq!(reply.headers["x-kept"], "yes");
    for name in ["content-encoding", "x-of", "access-control-allow-origin"] {
        assert!(!reply.headers.contains_key(name), "{name}");
    }
    let record = &preview.recorded(1).await[0];
    assert_eq!(record["decision"], "redact", "{record}");
    assert_eq!(record["rules"].as_array().unwrap().len(), 2, "{record}");
}

#[tokio::test]
async fn keeps_the_bound_on_what_grows_when_it_is_decoded() {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    coder.write_all(&vec![b'a'; 4 << 20]).unwrap();
    let fields: Fields = &[("content-type", "image/png"), ("content-encoding", "gzip")];
    let preview = before(fields, coder.finish().unwrap()).await;
    let reply = get(preview.address, "/files/a", &preview.token("alice")).await;
    let is_refused = reply.body.is_none() || reply.code() == "coding-bomb";
    assert!(is_refused, "{:?}", reply.status);
}
