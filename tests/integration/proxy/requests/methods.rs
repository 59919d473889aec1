//! Requests that ask for one method and mean another.

use chaperone::capability::attenuate::Restrictions;

use super::{Ask, Scene, get, line, post};

const ROUTES: &str = "
  - { match: GET /open/**, public: Nobody's data. }
  - { match: POST /open/**, public: Nobody's data. }
  - { match: DELETE /open/**, deny: Nobody may. }
  - { match: '* /any/**', public: Nobody's data. }
  - { match: '* /most/**', public: Nobody's data. }
  - { match: DELETE /most/**, public: Nobody's data. }
";

const DETECT: &str = "detect: [{ id: badge, pattern: 'EMP-[0-9]{6}', action: block }]\n";

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
    for kind in ["application/http", "Application/HTTP; msgtype=request"] {
        let head = |kind: &str| format!("form-data; name=a\r\nContent-Type: {kind}");
        let ask = |kind: &str| post("/open/a", PARTS, part(&head(kind)));
        pairs.push((ask(kind), ambiguous, ask("text/html")));
        let whole = |kind: &str| post("/open/a", kind, "DELETE /admin/a HTTP/1.1\r\n\r\n");
        pairs.push((whole(kind), ambiguous, whole("application/x-http")));
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
    let bare = Scene::new(|builder| builder.routes(ROUTES)).await;
    let idle: Vec<_> = pairs.clone();
    assert_eq!(bare.judges(idle).await, 56);
    let scene = Scene::new(|builder| builder.routes(&format!("{ROUTES}{DETECT}"))).await;
    let coded = pairs.len() - 3;
    let scanned = pairs.into_iter().enumerate().filter(|(at, _)| *at != coded);
    assert_eq!(scene.judges(scanned.map(|(_, pair)| pair)).await, 55);
}

#[tokio::test]
async fn refuses_other_spellings_of_methods() {
    let scene = Scene::new(|builder| builder.routes(ROUTES)).await;
    let pairs = [
        // Apps that put a method into capitals would do what the policy denies.
        (
            line("delete /any/a"),
            "ambiguous-request",
            line("DELETE /any/a"),
        ),
        (
            line("Post /most/a"),
            "ambiguous-request",
            line("POST /most/a"),
        ),
        (line("TRACE /any/a"), "no-route", line("OPTIONS /any/a")),
    ];
    assert_eq!(scene.judges(pairs).await, 3);
    let traced = "\n  - { match: TRACE /any/**, public: Nobody's data. }\n";
    let scene = Scene::new(|builder| builder.routes(&format!("{ROUTES}{traced}"))).await;
    let pairs = [(
        line("trace /any/a"),
        "ambiguous-request",
        line("TRACE /any/a"),
    )];
    assert_eq!(scene.judges(pairs).await, 1);
}

#[tokio::test]
async fn judges_other_methods_as_what_they_ask_for() {
    let scene = Scene::new(|builder| builder.routes(ROUTES)).await;
    let form = |path: &str, body: &str| post(path, FORM, body);
    let named = |method: &str| {
        let part = part("form-data; name=\"_method\"");
        post("/any/a", PARTS, part.replace("DELETE", method))
    };
    let ambiguous = "ambiguous-request";
    let pairs = [
        // The route is another one for the method, though both let everything pass.
        (
            form("/most/a", "_method=DELETE"),
            ambiguous,
            form("/most/a", "_method=PATCH"),
        ),
        (
            form("/any/a", "_method=CONNECT"),
            ambiguous,
            form("/any/a", "a=1&_method=delete"),
        ),
        (
            form("/any/a", "_method=DELETE&_method=MOVE"),
            ambiguous,
            form("/any/a", "_method=DELETE&_method=PUT"),
        ),
        (
            form("/any/a", "_method="),
            ambiguous,
            form("/any/a", "_method=POST"),
        ),
        (named("TRACE"), ambiguous, named("DELETE")),
        (
            line("POST /most/a?_method=DELETE"),
            ambiguous,
            line("POST /any/a?_method=DELETE"),
        ),
        (
            line("POST /any/a?_method=DELETE;_method=x"),
            ambiguous,
            line("POST /any/a?_method=DELETE&b=1;c=2"),
        ),
        // Where a request has a second target, it was judged for one method alone.
        (
            line("POST /any/a?_method=PUT").with("destination", "/any/b"),
            ambiguous,
            line("POST /any/a?_method=POST").with("destination", "/any/b"),
        ),
    ];
    assert_eq!(scene.judges(pairs).await, 8);
}

#[tokio::test]
async fn refuses_methods_that_the_capability_forbids() {
    let mut scene = Scene::new(|builder| builder.routes(ROUTES)).await;
    let methods = ["GET", "POST", "PATCH"].map(str::to_owned).to_vec();
    scene.narrow(&Restrictions {
        methods,
        ..Restrictions::default()
    });
    let ask = |body: &str| post("/any/a", FORM, body);
    let pairs = [(
        ask("_method=DELETE"),
        "ambiguous-request",
        ask("_method=PATCH"),
    )];
    assert_eq!(scene.judges(pairs).await, 1);
    let ask = |method: &str| line(&format!("POST /any/a?_method={method}"));
    let pairs = [(ask("DELETE"), "ambiguous-request", ask("PATCH"))];
    assert_eq!(scene.judges(pairs).await, 1);
}
