//! Requests that hold what the policy keeps from the app.

use super::{Ask, Scene, get, line, post};

const POLICY: &str = "
  - { match: '* /open/**', public: Nobody's data. }
detect:
  - { id: names, dictionary: names.txt }
  - { id: badge, pattern: 'EMP-[0-9]{6}', action: block }
  - { id: note, pattern: 'NOTE-[0-9]{6}', action: redact }
embargo:
  - { id: falcon, terms: [Falcon IX] }
";

const FORM: &str = "application/x-www-form-urlencoded";
const PARTS: &str = "multipart/form-data; boundary=b";
const JSON: &str = "application/json";

fn part(head: &str, value: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n--b--\r\n")
}

#[tokio::test]
async fn refuses_requests_with_findings() {
    let scene = Scene::new(|builder| {
        builder
            .routes(POLICY)
            .file("names.txt", "Bob Byte\nbob@shop.example\nplan+b\n")
    })
    .await;
    let mut pairs: Vec<(Ask, Ask)> = Vec::new();
    for (hostile, twin) in [
        ("/open/Bob%20Byte", "/open/Bob%20Bytes"),
        ("/open/a?q=Bob+Byte", "/open/a?q=Bob+Bytes"),
        ("/open/a?q=Bob%20Byte", "/open/a?q=Bob&r=Byte"),
        ("/open/a?q=Bob%2520Byte", "/open/a?q=Bob%2520Bytes"),
        ("/open/a?q=Bob%252BByte", "/open/a?q=Bob%252DBytes"),
        ("/open/a?q=%42%6f%62%20Byte", "/open/a?q=%42%6f%62"),
        ("/open/a?Bob+Byte=1", "/open/a?Bob=1"),
        ("/open/a?q=bob@shop.example", "/open/a?q=alice@shop.example"),
        (
            "/open/a?q=bob%40shop.example",
            "/open/a?q=bob%40shop.examples",
        ),
        ("/open/a?q=bob%2540shop.example", "/open/a?q=bob"),
        ("/open/a?x=1;q=FALCON+ix", "/open/a?x=1;q=FALCON"),
        ("/open/a?q=EMP-123456", "/open/a?q=NOTE-123456"),
        // Whoever does not take `+` for a space reads the term.
        ("/open/a?q=plan+b", "/open/a?q=plan+c"),
        ("/open/falcon%20ix/a", "/open/falcon/ix"),
    ] {
        pairs.push((get(hostile), get(twin)));
    }
    for (hostile, twin) in [
        ("a=1; b=Bob Byte", "a=Bob; b=Byte"),
        ("b=Bob%20Byte", "b=Bob%20Bytes"),
        ("b=\"Bob%2520Byte\"", "b=\"x\""),
        ("b=bob%40shop.example", "b=alice%40shop.example"),
        ("Falcon%20IX=1", "Falcon=1"),
        ("b=EMP-123456", "b=NOTE-123456"),
    ] {
        let ask = |cookie: &str| get("/open/a").with("cookie", cookie);
        pairs.push((ask(hostile), ask(twin)));
    }
    for (name, hostile, twin) in [
        (
            "referer",
            "http://app.test/?q=Bob+Byte",
            "http://app.test/?q=Bob",
        ),
        ("x-note", "bob%2540shop.example", "bob"),
        ("x-forwarded-host", "bob@shop.example", "app.test"),
    ] {
        let ask = |value: &str| get("/open/a").with(name, value);
        pairs.push((ask(hostile), ask(twin)));
    }
    for (kind, hostile, twin) in [
        (FORM, "q=Bob+Byte", "q=Bob+Bytes"),
        (FORM, "q=%42ob%20Byte", "q=%42ob"),
        (FORM, "q=Bob%2520Byte", "q=Bob%2520Bytes"),
        (FORM, "Bob+Byte=1", "Bob=1"),
        (FORM, "a=1;q=Falcon%20IX", "a=1;q=Falcon"),
        (JSON, r#"{"a":"Bob Byte"}"#, r#"{"a":"Bob Bytes"}"#),
        (
            JSON,
            r#"{"a":["\u0042ob\u0020Byte"]}"#,
            r#"{"a":["\u0042ob","Byte"]}"#,
        ),
        (JSON, r#"{"Bob Byte":1}"#, r#"{"Bob":1}"#),
        (
            JSON,
            r#"{"url":"/?q=bob%40shop.example"}"#,
            r#"{"url":"/?q=alice%40shop.example"}"#,
        ),
        (JSON, r#"{"a":"EMP-123456"}"#, r#"{"a":"NOTE-123456"}"#),
        (
            "application/x-ndjson",
            "{}\n{\"a\":\"Falcon IX\"}\n",
            "{}\n{\"a\":\"Falcon\"}\n",
        ),
        ("text/plain", "about Bob Byte", "about Bob"),
        (
            "application/octet-stream",
            "\u{1}Bob Byte\u{1}",
            "\u{1}Bob\u{1}",
        ),
    ] {
        pairs.push((post("/open/a", kind, hostile), post("/open/a", kind, twin)));
    }
    let untyped = |body: &str| line("POST /open/a").body(body);
    for (hostile, twin) in [("q=%42ob+Byte", "q=%42ob"), ("\u{1} Bob Byte", "\u{1} Bob")] {
        pairs.push((untyped(hostile), untyped(twin)));
    }
    for (head, hostile, twin) in [
        ("name=\"a\"", "Bob Byte", "Bob Bytes"),
        ("name=\"a\"", "Bob%20Byte", "Bob%20Bytes"),
        ("name=\"a\"", "bob%2540shop.example", "bob"),
        (
            "name=\"a\"; filename=\"f.txt\"\r\nContent-Type: text/plain",
            "Falcon IX",
            "Falcon",
        ),
        (
            "name=\"a\"\r\nContent-Type: application/json",
            r#"{"a":"\u0042ob Byte"}"#,
            r#"{"a":"\u0042ob"}"#,
        ),
    ] {
        let ask = |value: &str| post("/open/a", PARTS, part(head, value));
        pairs.push((ask(hostile), ask(twin)));
    }
    for (hostile, twin) in [
        ("name=\"Bob Byte\"", "name=\"Bob\""),
        (
            "name=\"a\"; filename=\"Bob Byte.txt\"",
            "name=\"a\"; filename=\"Bob.txt\"",
        ),
        (
            "name=\"a\"; filename*=UTF-8''Bob%20Byte.txt",
            "name=\"a\"; filename*=UTF-8''Bob.txt",
        ),
    ] {
        let ask = |head: &str| post("/open/a", PARTS, part(head, "x"));
        pairs.push((ask(hostile), ask(twin)));
    }
    let pairs = pairs
        .into_iter()
        .map(|(hostile, twin)| (hostile, "request-finding", twin));
    assert_eq!(scene.judges(pairs).await, 46);
}

#[tokio::test]
async fn refuses_bodies_that_can_not_be_scanned() {
    let scene = Scene::new(|builder| builder.routes(POLICY).file("names.txt", "Bob Byte\n")).await;
    let ask = |kind: &str, coding: &str| {
        let ask = post("/open/a", kind, "a=1");
        if coding.is_empty() {
            ask
        } else {
            ask.with("content-encoding", coding)
        }
    };
    let unreadable = "request-unreadable";
    let pairs = [
        (ask(FORM, "gzip"), unreadable, ask(FORM, "identity")),
        (ask("text/plain", "br"), unreadable, ask("text/plain", "")),
        (
            ask("text/plain; charset=utf-16", ""),
            unreadable,
            ask("text/plain; charset=utf-8", ""),
        ),
        (
            ask("application/x-www-form-urlencoded; charset=latin1", ""),
            unreadable,
            ask(FORM, ""),
        ),
        (
            post(
                "/open/a",
                PARTS,
                part(
                    "name=a\r\nContent-Transfer-Encoding: base64",
                    "Qm9iIEJ5dGU=",
                ),
            ),
            unreadable,
            post(
                "/open/a",
                PARTS,
                part("name=a\r\nContent-Transfer-Encoding: 8bit", "x"),
            ),
        ),
        (
            post("/open/a", JSON, "{\"a\":}"),
            "request-malformed",
            line("PUT /open/a")
                .with("content-type", JSON)
                .body("{\"a\":1}"),
        ),
    ];
    assert_eq!(scene.judges(pairs).await, 6);
}
