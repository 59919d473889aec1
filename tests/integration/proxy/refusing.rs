//! What is refused, with which words.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use chaperone::capability::mint::{Grant, SigningKey};
use http::{Request, Response};
use http_body_util::{Empty, Full};

use crate::client::{self, get};
use crate::preview::preview;
use crate::upstream::{app, echo, fixed, full};

#[tokio::test]
async fn refuses_what_has_no_valid_capability() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let address = app(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        async { Response::new(full("leak")) }
    })
    .await;
    let preview = preview(address).limits("token: 4KiB").start().await;
    let past = "2020-01-01T00:00:00Z".parse().unwrap();
    let expired = preview.mint(&Grant::new("alice").until(past));
    let elsewhere = Grant {
        preview: Some("other".to_owned()),
        ..Grant::new("alice")
    };
    let elsewhere = preview.mint(&elsewhere);
    let stranger = SigningKey::generate().unwrap();
    let foreign = Grant::new("alice")
        .biscuit(&stranger)
        .unwrap()
        .expose()
        .clone();
    for (token, code) in [
        (expired, "capability-expired"),
        (elsewhere, "capability-forbids"),
        (foreign, "capability-invalid"),
        ("garbage".to_owned(), "capability-invalid"),
        ("a".repeat(5000), "capability-too-large"),
    ] {
        let reply = get(preview.address, "/open/a", &token).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_str()),
            (401, code),
            "{}",
            reply.text()
        );
        assert!(reply.headers.contains_key("www-authenticate"));
        assert!(reply.headers.contains_key("chaperone-decision"));
        assert_eq!(reply.headers["chaperone-filter"], "none");
    }
    let none = Request::get("/open/a")
        .header("host", "a")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let reply = client::send(preview.address, none).await;
    assert_eq!(reply.headers["content-type"], "application/problem+json");
    assert_eq!(
        reply.headers["www-authenticate"],
        "Bearer realm=\"chaperone\""
    );
    assert_eq!(reply.code(), "capability-missing");
    let two = Request::get("/open/a")
        .header("host", "a")
        .header(
            "authorization",
            format!("Bearer {}", preview.token("alice")),
        )
        .header("chaperone-capability", preview.token("bob"));
    let reply = client::send(preview.address, two.body(Empty::<Bytes>::new()).unwrap()).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (400, "capability-conflict")
    );
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(preview.records().len(), 7);
}

#[tokio::test]
async fn refuses_what_policy_does_not_open_and_says_why() {
    let preview = preview(echo().await).start().await;
    let token = preview.token("alice");
    let reply = get(preview.address, "/admin/users", &token).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (403, "denied-route")
    );
    let problem: serde_json::Value = serde_json::from_str(reply.text()).unwrap();
    assert_eq!(problem["note"], "Admin pages act on everybody's data.");
    assert!(
        problem["policy"]
            .as_str()
            .unwrap()
            .ends_with("policy.yaml:12"),
        "{problem}"
    );
    assert_eq!(
        problem["decision"],
        reply.headers["chaperone-decision"].to_str().unwrap()
    );
    assert_eq!(
        get(preview.address, "/elsewhere", &token).await.code(),
        "no-route"
    );
    let browser = Request::get("/admin/users")
        .header("host", "a")
        .header("accept", "text/html,*/*;q=0.8")
        .header("chaperone-capability", &token);
    let reply = client::send(
        preview.address,
        browser.body(Empty::<Bytes>::new()).unwrap(),
    )
    .await;
    assert_eq!(reply.headers["content-type"], "text/html; charset=utf-8");
    assert!(
        reply
            .text()
            .contains("Admin pages act on everybody&#39;s data.")
            || reply
                .text()
                .contains("Admin pages act on everybody's data.")
    );
    let record = &preview.records()[0];
    assert_eq!(
        (&record["decision"], &record["reason"]),
        (&"block".into(), &"denied-route".into())
    );
    assert_eq!(record["route"], "* /admin/**");
}

#[tokio::test]
async fn refuses_what_can_be_read_in_two_ways() {
    let preview = preview(echo().await).start().await;
    let token = preview.token("alice");
    let tail = format!("connection: close\r\nauthorization: Bearer {token}\r\n\r\n");
    for (head, status) in [
        ("GET http://a/open/a HTTP/1.1\r\nhost: a\r\n", 400),
        ("GET /open/a HTTP/1.1\r\nhost: a\r\nhost: b\r\n", 400),
        ("GET /open/a HTTP/1.1\r\n", 400),
        ("GET /open/../admin/a HTTP/1.1\r\nhost: a\r\n", 400),
        ("GET /open//a HTTP/1.1\r\nhost: a\r\n", 400),
        ("GET /open/%2e%2e/admin HTTP/1.1\r\nhost: a\r\n", 400),
        (
            "GET /open/a HTTP/1.1\r\nhost: a\r\nx-http-method-override: DELETE\r\n",
            400,
        ),
        ("CONNECT a:80 HTTP/1.1\r\nhost: a\r\n", 405),
        (
            "GET /open/a HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n",
            403,
        ),
    ] {
        let answer = client::bytes(preview.address, format!("{head}{tail}")).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{head}{answer}"
        );
        assert!(answer.contains("\r\nchaperone-decision: "), "{answer}");
    }
}

#[tokio::test]
async fn refuses_bytes_that_are_no_request() {
    let preview = preview(echo().await).limits("head: 8KiB").start().await;
    let long = format!(
        "GET /open/a HTTP/1.1\r\nhost: a\r\nx: {}",
        "a".repeat(100_000)
    );
    for (request, status) in [
        ("NONSENSE\r\n\r\n", 400),
        ("GET /open/a HTTP/1.1\r\nhost: a\r\nbad field\r\n\r\n", 400),
        (&*long, 431),
    ] {
        let answer = client::bytes(preview.address, request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.contains("\r\nchaperone-decision: "), "{answer}");
        assert!(
            answer.contains("\r\nchaperone-filter: none\r\n"),
            "{answer}"
        );
    }
    let records = preview.recorded(3).await;
    assert_eq!(records[0]["reason"], "ambiguous-request");
    assert_eq!(records[2]["reason"], "head-too-large");
}

#[tokio::test]
async fn refuses_heads_and_bodies_beyond_the_limits() {
    let limits = "head: 8KiB, headers: 20, request_body: 1KiB";
    let preview = preview(echo().await).limits(limits).start().await;
    let token = preview.token("alice");
    let ask = || {
        Request::post("/open/a")
            .header("host", "a")
            .header("chaperone-capability", &token)
    };
    let long = ask().header("x-long", "a".repeat(8192));
    let reply = client::send(preview.address, long.body(Empty::<Bytes>::new()).unwrap()).await;
    assert_eq!(reply.status, 431);
    let many = (0..30).fold(ask(), |ask, n| ask.header(format!("x-{n}"), "a"));
    let reply = client::send(preview.address, many.body(Empty::<Bytes>::new()).unwrap()).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (431, "head-too-large")
    );
    let large = ask()
        .body(Full::new(Bytes::from(vec![b'a'; 1025])))
        .unwrap();
    let reply = client::send(preview.address, large).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (413, "request-too-large")
    );
    let fits = ask()
        .body(Full::new(Bytes::from(vec![b'a'; 1024])))
        .unwrap();
    assert_eq!(client::send(preview.address, fits).await.status, 200);
}

#[tokio::test]
async fn refuses_answers_that_it_cannot_read() {
    for (kind, body, code) in [
        ("image/png", "PNG", "type-unsupported"),
        ("application/json", "[{\"owner\":", "answer-truncated"),
        ("application/json", "[{\"owner\"}]", "answer-malformed"),
        ("application/json", "1", "nothing-selected"),
    ] {
        let preview = preview(fixed(kind, body).await).start().await;
        let reply = get(preview.address, "/orders", &preview.token("alice")).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_str()),
            (502, code),
            "{}",
            reply.text()
        );
    }
}

#[tokio::test]
async fn refuses_requests_that_hold_what_the_app_must_not_learn() {
    let detect = "  - id: falcon\n    dictionary: falcon.dict\n    action: redact\n";
    let preview = preview(echo().await).start().await;
    std::fs::write(preview.folder().join("falcon.dict"), "Falcon IX\n").unwrap();
    let before = preview.metric("chaperone_policy_generation");
    preview.edit_policy(|policy| format!("{policy}detect:\n{detect}"));
    crate::preview::until(|| preview.metric("chaperone_policy_generation") != before).await;
    let token = preview.token("alice");
    let reply = get(preview.address, "/open/falcon%20ix", &token).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (403, "request-finding")
    );
    let post = Request::post("/open/a")
        .header("host", "a")
        .header("chaperone-capability", &token)
        .body(Full::new(Bytes::from_static(b"about Falcon IX")));
    let reply = client::send(preview.address, post.unwrap()).await;
    assert_eq!(reply.code(), "request-finding");
    assert!(!reply.text().contains("alcon"), "{}", reply.text());
}

#[tokio::test]
async fn refuses_to_serve_without_an_audit_log_and_recovers() {
    let preview = preview(echo().await).without_log().start().await;
    let token = preview.token("alice");
    let reply = get(preview.address, "/open/a", &token).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (503, "audit-unavailable")
    );
    assert_eq!(reply.headers["retry-after"], "1");
    std::fs::create_dir(preview.folder().join("log")).unwrap();
    while get(preview.address, "/open/a", &token).await.status != 200 {}
    let last = preview.records().pop().unwrap();
    assert_eq!(
        (&last["decision"], &last["ending"]),
        (&"allow".into(), &"complete".into())
    );
}
