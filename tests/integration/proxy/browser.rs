//! What the user's browser is told: an app that would have it carry data away, and one that would not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response};
use http_body_util::Empty;
use tokio::net::TcpStream;

use crate::client::{self, Reply, get};
use crate::preview::{preview, until};
use crate::upstream::{app, echo, full};

async fn told_by(fields: &'static [(&'static str, &'static str)]) -> Reply {
    let app = app(move |_| async move {
        let mut answer = Response::builder().header("content-type", "text/html");
        for (name, value) in fields {
            answer = answer.header(*name, *value);
        }
        answer.body(full("page")).unwrap()
    });
    let preview = preview(app.await).start().await;
    let reply = get(preview.address, "/open/a", &preview.token("alice")).await;
    assert_eq!(reply.text(), "page");
    reply
}

fn is_fenced(reply: &Reply) {
    let policies = reply.headers.get_all("content-security-policy");
    let policy = policies.iter().next_back().unwrap().to_str().unwrap();
    for directive in [
        "connect-src 'self'",
        "form-action 'self'",
        "object-src 'none'",
    ] {
        assert!(policy.contains(directive), "{policy}");
    }
    assert_eq!(reply.headers["cache-control"], "no-store");
    assert_eq!(reply.headers["x-content-type-options"], "nosniff");
    assert_eq!(reply.headers["referrer-policy"], "same-origin");
    assert_eq!(reply.headers["x-dns-prefetch-control"], "off");
}

#[tokio::test]
async fn refuses_to_lead_a_browser_through_the_fence() {
    const HOSTILE: [(&str, &str); 27] = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", "*"),
        ("timing-allow-origin", "*"),
        ("service-worker-allowed", "/"),
        ("alt-svc", "h2=\":8443\"; persist=1"),
        ("clear-site-data", "\"cookies\""),
        ("strict-transport-security", "max-age=99; includeSubDomains"),
        ("public-key-pins", "report-uri=\"https://evil.example\""),
        ("expect-ct", "report-uri=\"https://evil.example\""),
        ("nel", "{\"report_to\":\"out\"}"),
        ("report-to", "{\"group\":\"out\"}"),
        ("reporting-endpoints", "out=\"https://evil.example\""),
        (
            "content-security-policy-report-only",
            "default-src 'none'; report-uri //evil.example",
        ),
        (
            "cross-origin-opener-policy-report-only",
            "same-origin; report-to=\"out\"",
        ),
        (
            "x-webkit-csp",
            "default-src 'none'; report-uri //evil.example",
        ),
        ("speculation-rules", "\"//evil.example/rules\""),
        ("attribution-reporting-register-source", "{}"),
        ("set-login", "logged-in"),
        ("use-as-dictionary", "match=\"/*\""),
        ("link", "<https://evil.example>; rel=preconnect"),
        ("link", "<//evil.example>; rel=dns-prefetch"),
        ("refresh", "0;url=https://evil.example/d"),
        ("sourcemap", "https://evil.example/d"),
        ("x-sourcemap", "//evil.example/d"),
        ("set-cookie", "__Host-Chaperone=forged; Path=/; Secure"),
        ("chaperone-decision", "forged"),
    ];
    let reply = told_by(&HOSTILE).await;
    is_fenced(&reply);
    for (name, value) in HOSTILE {
        let still = reply.headers.get_all(name).iter().any(|told| told == value);
        assert!(!still, "{name}: {value}");
    }
    let reply = told_by(&[
        (
            "content-security-policy",
            "default-src *; report-uri //evil.example",
        ),
        ("referrer-policy", "unsafe-url"),
        ("x-dns-prefetch-control", "on"),
        ("cache-control", "public, max-age=99"),
        ("set-cookie", "a=1; Domain=app.test; Path=/"),
    ])
    .await;
    is_fenced(&reply);
    let policies = reply.headers.get_all("content-security-policy");
    let policies: Vec<_> = policies.iter().collect();
    assert_eq!(
        (policies.len(), policies[0]),
        (2, &"default-src *".parse().unwrap())
    );
    assert_eq!(reply.headers["set-cookie"], "a=1; Path=/");
}

#[tokio::test]
async fn leaves_what_stays_at_home() {
    const HARMLESS: [(&str, &str); 12] = [
        ("set-cookie", "a=1;  path=/ ;HttpOnly"),
        ("set-cookie", "domain=x; SameSite=Lax"),
        ("link", "<https://app.test/orders?page=2>; rel=\"next\""),
        ("link", "</app.css>; rel=preload; as=style"),
        ("refresh", "5; url=/next"),
        ("sourcemap", "app.js.map"),
        ("location", "https://id.example/login"),
        (
            "content-security-policy",
            "img-src 'none'; script-src 'self'",
        ),
        ("x-frame-options", "DENY"),
        ("permissions-policy", "camera=()"),
        ("vary", "accept"),
        ("x-request-id", "7"),
    ];
    let reply = told_by(&HARMLESS).await;
    is_fenced(&reply);
    for (name, value) in HARMLESS {
        let passed = reply.headers.get_all(name).iter().any(|told| told == value);
        assert!(passed, "{name}: {value}");
    }
}

#[tokio::test]
async fn refuses_preflights_and_service_workers_before_the_app() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let app = app(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        async { Response::new(full("page")) }
    });
    let preview = preview(app.await).start().await;
    let preflight = |token: Option<String>| {
        let mut request = Request::options("/open/a")
            .header("host", "app.test")
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "PUT");
        if let Some(token) = token {
            request = request.header("chaperone-capability", token);
        }
        client::send(preview.address, request.body(Empty::new()).unwrap())
    };
    for token in [None, Some(preview.token("alice"))] {
        let reply = preflight(token).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code()),
            (403, "preflight-refused".into())
        );
        let names = reply.headers.keys();
        assert_eq!(
            names
                .filter(|name| name.as_str().starts_with("access-control-"))
                .count(),
            0
        );
        is_fenced(&reply);
    }
    let worker = Request::get("/open/worker.js")
        .header("host", "app.test")
        .header("service-worker", "script")
        .header("chaperone-capability", preview.token("alice"));
    let reply = client::send(preview.address, worker.body(Empty::new()).unwrap()).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code()),
        (403, "service-worker-refused".into())
    );
    is_fenced(&reply);
    let stream = TcpStream::connect(preview.address).await.unwrap();
    let preflight = Request::options("http://app.test/open/a")
        .header("origin", "null")
        .header("access-control-request-method", "GET")
        .version(http::Version::HTTP_2);
    let reply = client::send_h2(
        stream,
        preflight.body(Empty::<bytes::Bytes>::new()).unwrap(),
    )
    .await;
    assert_eq!(reply.code(), "preflight-refused");
    let records = preview.recorded(4).await;
    assert_eq!(records[0]["reason"], "preflight-refused");
    assert_eq!(records[2]["reason"], "service-worker-refused");
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn passes_other_options_and_fences_every_refusal() {
    let preview = preview(echo().await).start().await;
    let token = preview.token("alice");
    let options = Request::options("/open/a")
        .header("host", "app.test")
        .header("origin", "https://app.test")
        .header("chaperone-capability", &token);
    let reply = client::send(preview.address, options.body(Empty::new()).unwrap()).await;
    assert!(reply.text().starts_with("OPTIONS /open/a\n"));
    is_fenced(&get(preview.address, "/admin/x", &token).await);
    is_fenced(&get(preview.address, "/open/a", "forged").await);
    let misread = client::bytes(preview.address, "BAD\r\n\r\n").await;
    assert!(
        misread.contains("content-security-policy: default-src 'self'"),
        "{misread}"
    );
}

#[tokio::test]
async fn stands_when_observing() {
    let app = app(|_| async {
        let answer = Response::builder().header("access-control-allow-origin", "*");
        let answer = answer.header("content-type", "application/json");
        answer.body(full(r#"[{"owner":"bob"}]"#)).unwrap()
    });
    let preview = preview(app.await).start().await;
    preview.edit_policy(|policy| policy.replace("version: 1\n", "version: 1\nmode: observe\n"));
    until(|| preview.metric("chaperone_policy_generation") == Some(2.0)).await;
    let reply = get(preview.address, "/orders", &preview.token("alice")).await;
    assert_eq!(reply.text(), r#"[{"owner":"bob"}]"#);
    assert!(!reply.headers.contains_key("access-control-allow-origin"));
    is_fenced(&reply);
}

#[tokio::test]
async fn widens_the_fence_for_one_route_as_the_policy_says() {
    const ROUTES: &str = r#"
  - match: GET /open/**
    public: Pages with maps.
    csp: { img-src: ["https://tiles.example"], connect-src: ["https://tiles.example:8443"] }
  - match: GET /other
    public: Pages without.
"#;
    let app = app(|_| async move {
        let answer = Response::builder()
            .header("content-type", "text/html")
            .header("content-security-policy", "img-src 'self'");
        answer.body(full("page")).unwrap()
    });
    let preview = preview(app.await).routes(ROUTES).start().await;
    let token = preview.token("alice");
    let told = async |path: &str, token: &str| {
        let reply = get(preview.address, path, token).await;
        let policies = reply.headers.get_all("content-security-policy").into_iter();
        let all: Vec<&str> = policies.map(|policy| policy.to_str().unwrap()).collect();
        (reply.status.as_u16(), all.join(" | "))
    };
    let (status, wide) = told("/open/a", &token).await;
    assert_eq!(status, 200);
    for part in [
        "img-src 'self' | default-src 'self' data: blob:;",
        "; img-src 'self' data: blob: https://tiles.example;",
        "; connect-src 'self' data: blob: https://tiles.example:8443;",
        "; form-action 'self';",
    ] {
        assert!(wide.contains(part), "{part}: {wide}");
    }
    for (path, token, expected) in [
        ("/other", &*token, 200),
        ("/nowhere", &token, 403),
        ("/open/a", "forged", 401),
    ] {
        let (status, plain) = told(path, token).await;
        assert_eq!(status, expected, "{path}");
        assert!(!plain.contains("https:"), "{path}: {plain}");
    }
}
