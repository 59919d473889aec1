//! Requests that ask for one method and mean another.

use super::{Ask, Scene, get, line, post};

const DETECT: &str = "
  - { match: '* /open/**', public: Nobody's data. }
detect: [{ id: badge, pattern: 'EMP-[0-9]{6}', action: block }]
";

const FORM: &str = "application/x-www-form-urlencoded";
const PARTS: &str = "multipart/form-data; boundary=b";

fn part(disposition: &str) -> String {
    format!("--b\r\nContent-Disposition: {disposition}\r\n\r\nDELETE\r\n--b--\r\n")
}

#[tokio::test]
async fn refuses_other_methods() {
    let ambiguous = "ambiguous-request";
    let one = |name: &str| line("POST /open/a").with(name, "DELETE");
    let mut pairs: Vec<(Ask, &str, Ask)> = Vec::new();
    for (hostile, twin) in [
        ("X-HTTP-Method-Override", "X-Method-Note"),
        ("X-HTTP-Method", "X-HTTP-Methods"),
        ("X-Method-Override", "X-Override"),
        ("x_http_method_override", "x_http_note"),
        ("X_HTTP_METHOD", "X_NOTE"),
        ("X.Method.Override", "X.Method.Note"),
        ("_method", "method"),
        ("X-Original-URL", "X-Original"),
        ("X-Rewrite-URL", "X-Rewrite"),
        ("X-Script-Name", "X-Script"),
        ("SCRIPT_NAME", "SCRIPT"),
        ("PATH_INFO", "PATH"),
        ("X-Forwarded-Uri", "X-Forwarded-Prefix"),
    ] {
        pairs.push((one(hostile), ambiguous, one(twin)));
    }
    for (hostile, twin) in [
        ("?_method=DELETE", "?method=DELETE"),
        ("?a=1&_METHOD=delete", "?a=_method"),
        ("?%5Fmethod=DELETE", "?payment_method=card"),
        ("?+_method=DELETE", "?q=+_method"),
        ("?.method=DELETE", "?a.method=x"),
        ("?_method[]=DELETE", "?user[_method]=x"),
        ("?a=1;_method=DELETE", "?a=1;b=2"),
        ("?x-http-method-override=PUT", "?x-http=PUT"),
    ] {
        let ask = |query: &str| line(&format!("POST /open/a{query}"));
        pairs.push((ask(hostile), ambiguous, ask(twin)));
        pairs.push((
            get(&format!("/open/a{hostile}")),
            ambiguous,
            get(&format!("/open/a{twin}")),
        ));
    }
    for (hostile, twin) in [
        ("_method=DELETE", "method=DELETE"),
        ("a=1&_method=DELETE", "a=1&_methods=DELETE"),
        ("a=1;_method=DELETE", "a=1;b=2"),
        ("%5f%6dethod=DELETE", "a=%5fmethod"),
        ("_Method=DELETE", "a=_Method=DELETE"),
        ("_method%5B%5D=DELETE", "a%5B_method%5D=x"),
    ] {
        pairs.push((
            post("/open/a", FORM, hostile),
            ambiguous,
            post("/open/a", FORM, twin),
        ));
        let untyped = |body: &str| line("POST /open/a").body(body);
        pairs.push((untyped(hostile), ambiguous, untyped(twin)));
    }
    for (hostile, code, twin) in [
        (
            "form-data; name=\"_method\"",
            ambiguous,
            "form-data; name=\"method\"",
        ),
        (
            "form-data; name=_method",
            ambiguous,
            "form-data; name=_methods",
        ),
        (
            "form-data; filename=\"x\"; name=\"_METHOD\"",
            ambiguous,
            "form-data; name=\"x\"; filename=\"_method\"",
        ),
        (
            "form-data; name=\"a\"; name=\"_method\"",
            "request-malformed",
            "form-data; name=\"a\"",
        ),
        (
            "form-data; name=\"a\\\"; name=\"_method\"",
            "request-malformed",
            "form-data; name=\"a;b\"",
        ),
    ] {
        pairs.push((
            post("/open/a", PARTS, part(hostile)),
            code,
            post("/open/a", PARTS, part(twin)),
        ));
    }
    for (hostile, code, twin) in [
        // Some readers end a line at a bare line feed, some skip what stands before the first part.
        (
            format!("x\n{}", part("form-data; name=a")),
            "request-malformed",
            part("form-data; name=a"),
        ),
        (
            part("form-data; name=a").replace("\r\n", "\n"),
            "request-malformed",
            part("form-data; name=b"),
        ),
        (
            format!("{}--b\r\n", part("form-data; name=a")),
            "request-malformed",
            format!("\r\n{}", part("form-data; name=a")),
        ),
    ] {
        pairs.push((
            post("/open/a", PARTS, hostile),
            code,
            post("/open/a", PARTS, twin),
        ));
    }
    let coded =
        |kind: &str| post("/open/a", kind, "_method=DELETE").with("content-encoding", "gzip");
    pairs.push((
        coded(FORM),
        "request-unreadable",
        coded("application/octet-stream"),
    ));
    let typed = |kind: &str| post("/open/a", kind, part("form-data; name=a"));
    pairs.push((
        typed("multipart/form-data"),
        "request-unreadable",
        typed(PARTS),
    ));
    pairs.push((
        typed("multipart/form-data; boundary=a; boundary=b"),
        "request-unreadable",
        typed("multipart/form-data; boundary=\"b\"; charset=utf-8"),
    ));
    // It stands on every route: with something to look for, and without.
    let bare = Scene::new(|builder| builder).await;
    let idle: Vec<_> = pairs.clone();
    assert_eq!(bare.judges(idle).await, 52);
    let scene = Scene::new(|builder| builder.routes(DETECT)).await;
    let coded = pairs.len() - 3;
    let scanned = pairs.into_iter().enumerate().filter(|(at, _)| *at != coded);
    assert_eq!(scene.judges(scanned.map(|(_, pair)| pair)).await, 51);
}
