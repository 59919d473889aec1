//! Pages of other origins: one that the policy names, and those that it does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;

use crate::client::{self, Reply};
use crate::preview::{Preview, preview};
use crate::upstream::{app, full};

const ROUTES: &str = r#"
  - match: GET /shared/**
    public: What the shop's other pages read.
    cors: ["https://shop.example", "http://localhost:3000"]
  - match: PUT /shared/{user}
    owner: "{user}"
    public: What they write.
    cors: ["https://shop.example"]
  - match: GET /own
    public: What only the preview's own pages read.
  - match: GET /once?kind=*
    public: Sent once.
    cors: ["https://shop.example"]
  - match: "* /admin/**"
    deny: Admin pages act on everybody's data.
"#;

const SHOP: &str = "https://shop.example";

/// An app that would open itself to everybody, and how often it was asked.
async fn open_handed() -> (Preview, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let app = app(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        async {
            let answer = Response::builder()
                .header("content-type", "text/plain")
                .header("access-control-allow-origin", "*")
                .header("access-control-allow-credentials", "true")
                .header("access-control-expose-headers", "*");
            answer.body(full("page")).unwrap()
        }
    });
    (preview(app.await).routes(ROUTES).start().await, asked)
}

async fn ask(preview: &Preview, method: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    request = request.header("host", "app.test");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    client::send(preview.address, request).await
}

fn access(reply: &Reply) -> Vec<String> {
    let fields = reply.headers.iter();
    let fields = fields.filter(|(name, _)| name.as_str().starts_with("access-control-"));
    let mut lines: Vec<String> = fields
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn answers_preflights_that_the_policy_allows() {
    let (preview, asked) = open_handed().await;
    let fields = [
        ("origin", SHOP),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "authorization,If-Match"),
    ];
    let reply = ask(&preview, "OPTIONS", "/shared/alice", &fields).await;
    assert_eq!((reply.status.as_u16(), reply.text()), (204, ""));
    assert_eq!(
        access(&reply),
        [
            "access-control-allow-headers: authorization, if-match",
            "access-control-allow-methods: PUT",
            "access-control-allow-origin: https://shop.example",
        ]
    );
    assert_eq!(reply.headers["vary"], "origin");
    assert_eq!(reply.headers["cache-control"], "no-store");
    let record = &preview.recorded(1).await[0];
    assert_eq!(
        record["id"],
        reply.headers["chaperone-decision"].to_str().unwrap()
    );
    assert_eq!(record["decision"], "allow");
    assert_eq!(record["ending"], "complete");
    assert_eq!(record["status"], 204);
    assert_eq!(record["route"], "PUT /shared/{user}");
    assert_eq!(record.get("subject"), None);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn refuses_all_other_preflights() {
    let (preview, asked) = open_handed().await;
    let token = preview.token("alice");
    for (path, method, origin) in [
        ("/shared/a", "GET", "https://evil.example"),
        ("/shared/a", "GET", "https://shop.example.evil.example"),
        ("/shared/a", "GET", "https://shop.example:8443"),
        ("/shared/a", "GET", "http://shop.example"),
        ("/shared/a", "GET", "null"),
        ("/shared/a", "PUT", "http://localhost:3000"),
        ("/shared/a", "DELETE", SHOP),
        ("/shared/a", "OPTIONS", SHOP),
        ("/own", "GET", SHOP),
        ("/nowhere", "GET", SHOP),
        ("/admin/a", "GET", SHOP),
        ("/once?kind=a&kind=b", "GET", SHOP),
    ] {
        let fields = [
            ("origin", origin),
            ("access-control-request-method", method),
            ("chaperone-capability", &token),
        ];
        let reply = ask(&preview, "OPTIONS", path, &fields).await;
        assert_eq!(reply.status, 403, "{method} {path} {origin}");
        assert_eq!(reply.code(), "preflight-refused");
        assert_eq!(access(&reply), [""; 0], "{method} {path} {origin}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn shares_answers_with_the_origins_of_their_route() {
    let (preview, _) = open_handed().await;
    let token = preview.token("alice");
    for (path, origin, is_shared) in [
        ("/shared/a", SHOP, true),
        ("/shared/a", "http://localhost:3000", true),
        ("/shared/a", "https://evil.example", false),
        ("/shared/a", "null", false),
        ("/own", SHOP, false),
    ] {
        let fields = [("origin", origin), ("chaperone-capability", &token)];
        let reply = ask(&preview, "GET", path, &fields).await;
        assert_eq!(reply.text(), "page");
        let allowed = format!("access-control-allow-origin: {origin}");
        let exposed = "access-control-expose-headers: chaperone-decision, chaperone-filter, etag";
        let expected = if is_shared {
            vec![allowed, exposed.to_owned()]
        } else {
            Vec::new()
        };
        assert_eq!(access(&reply), expected, "{path} {origin}");
        assert_eq!(reply.headers.contains_key("vary"), path == "/shared/a");
    }
    let reply = ask(&preview, "GET", "/shared/a", &[("origin", SHOP)]).await;
    assert_eq!((reply.status.as_u16(), access(&reply)), (401, Vec::new()));
    let twice = [
        ("origin", SHOP),
        ("origin", SHOP),
        ("chaperone-capability", &token),
    ];
    let reply = ask(&preview, "GET", "/shared/a", &twice).await;
    assert_eq!(access(&reply), [""; 0]);
}
