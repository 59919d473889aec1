//! Entity tags: an editing app and its user, an app that writes others' data into them, and users that try each other's.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Empty;

use crate::client::{self, Reply};
use crate::preview::{Preview, preview, until};
use crate::upstream::{Notes, app, full};

/// What the app's only record is like, and its tag.
const RECORD: &str = r#"[{"owner":"alice"},{"owner":"bob"}]"#;
const TAG: &str = "\"secret-of-bob\"";

const ROUTES: &str = r#"
  - match: "* /orders/**"
    records: "$[*]"
    owner: "$.owner"
    optional: true
  - match: "* /open/**"
    public: Nobody's data.
"#;

/// Whether a condition of the request names the app's tag.
fn names(request: &Request<hyper::body::Incoming>, name: &str) -> Option<bool> {
    let value = request.headers().get(name)?.to_str().unwrap();
    let mut tags = value
        .split(',')
        .map(|tag| tag.trim().trim_start_matches("W/"));
    Some(value == "*" || tags.any(|tag| tag == TAG))
}

/// An app that compares as RFC 9110 says, and notes the conditions that reach it.
async fn editor(tag: &'static str) -> (Preview, Notes) {
    let notes = Notes::default();
    let seen = notes.clone();
    let app = app(move |request| {
        let field = |name: &str| {
            let value = request.headers().get(name);
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        let conditions = (field("if-match"), field("if-none-match"), field("if-range"));
        seen.lock().unwrap().push(format!("{conditions:?}"));
        let status = if names(&request, "if-match") == Some(false) {
            412
        } else if names(&request, "if-none-match") == Some(true) {
            304
        } else {
            200
        };
        async move {
            let answer = Response::builder()
                .status(status)
                .header("etag", tag)
                .header("content-type", "application/json");
            answer
                .body(full(if status == 200 { RECORD } else { "" }))
                .unwrap()
        }
    });
    (preview(app.await).routes(ROUTES).start().await, notes)
}

async fn ask(
    preview: &Preview,
    user: &str,
    method: Method,
    path: &str,
    fields: &[(&str, &str)],
) -> Reply {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "a")
        .header("authorization", format!("Bearer {}", preview.token(user)));
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    client::send(preview.address, request).await
}

fn tag(reply: &Reply) -> String {
    reply.headers["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn lets_a_user_edit_and_revalidate() {
    let (preview, notes) = editor(TAG).await;
    let first = ask(&preview, "alice", Method::GET, "/orders/7", &[]).await;
    assert_eq!(first.text(), r#"[{"owner":"alice"}]"#);
    let own = tag(&first);
    assert!(own.starts_with('"') && !own.contains("bob"), "{own}");
    let again = ask(&preview, "alice", Method::HEAD, "/orders/7", &[]).await;
    assert_eq!(tag(&again), own);

    let same = [("if-none-match", &*own)];
    let same = ask(&preview, "alice", Method::GET, "/orders/7", &same).await;
    assert_eq!(
        (same.status, tag(&same)),
        (StatusCode::NOT_MODIFIED, own.clone())
    );
    let put = [("if-match", &*own)];
    let put = ask(&preview, "alice", Method::PUT, "/orders/7", &put).await;
    assert_eq!(put.status, 200);
    let list = format!("\"other\", W/{own}");
    let list = [("if-none-match", &*list)];
    let list = ask(&preview, "alice", Method::GET, "/orders/7", &list).await;
    assert_eq!(list.status, 304);
    for (name, status) in [("if-match", 200), ("if-none-match", 304)] {
        let any = ask(&preview, "alice", Method::GET, "/orders/7", &[(name, "*")]).await;
        assert_eq!(any.status, status, "{name}");
    }
    let told = notes.lock().unwrap().join("\n");
    assert!(!told.contains(own.trim_matches('"')), "{told}");
}

#[tokio::test]
async fn lets_no_tag_match_that_was_not_given_for_this_user_under_this_policy() {
    let (preview, _) = editor(TAG).await;
    let alice = tag(&ask(&preview, "alice", Method::GET, "/orders/7", &[]).await);
    let bob = tag(&ask(&preview, "bob", Method::GET, "/orders/7", &[]).await);
    assert_ne!(alice, bob);
    let refuses = async |user: &str, tag: &str| {
        let none = [("if-none-match", tag)];
        let none = ask(&preview, user, Method::GET, "/orders/7", &none).await;
        assert_eq!(none.status, 200, "{tag}");
        let put = ask(
            &preview,
            user,
            Method::PUT,
            "/orders/7",
            &[("if-match", tag)],
        )
        .await;
        assert_eq!(put.status, 412, "{tag}");
    };
    for foreign in [
        &*bob,
        TAG,
        "W/\"secret-of-bob\"",
        "secret-of-bob",
        "\"a\" \"b\"",
        "",
    ] {
        refuses("alice", foreign).await;
    }
    refuses("bob", &alice).await;

    let before = preview.metric("chaperone_policy_generation");
    preview.edit_policy(|policy| format!("{policy}# another\n"));
    until(|| preview.metric("chaperone_policy_generation") != before).await;
    refuses("alice", &alice).await;
}

#[tokio::test]
async fn refuses_a_304_that_nobody_asked_for() {
    let app = app(|_| async move {
        let answer = Response::builder().status(304).header("etag", TAG);
        answer.body(full("")).unwrap()
    });
    let preview = preview(app.await).routes(ROUTES).start().await;
    for fields in [
        &[][..],
        &[("if-none-match", TAG)],
        &[("if-modified-since", "Tue, 24 Nov 2026 00:00:00 GMT")],
    ] {
        let reply = ask(&preview, "alice", Method::GET, "/orders/7", fields).await;
        assert_eq!(reply.status, 502, "{fields:?}");
        assert_eq!(reply.code(), "app-protocol");
    }
    let reply = ask(&preview, "alice", Method::GET, "/open/7", &[]).await;
    assert_eq!(
        (reply.status, &*tag(&reply)),
        (StatusCode::NOT_MODIFIED, TAG)
    );
}

#[tokio::test]
async fn passes_no_tag_that_it_cannot_read() {
    const LONG: &str = concat!(
        "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0\""
    );
    for odd in ["secret-of-bob", "\"of bob\"", "W/\"a", LONG, "\"a\", \"b\""] {
        let (preview, _) = editor(odd).await;
        let reply = ask(&preview, "alice", Method::GET, "/orders/7", &[]).await;
        assert_eq!(reply.status, 200);
        assert!(!reply.headers.contains_key("etag"), "{odd}");
    }
}

#[tokio::test]
async fn leaves_tags_alone_where_nothing_is_filtered() {
    let (preview, notes) = editor(TAG).await;
    let reply = ask(&preview, "alice", Method::GET, "/open/7", &[]).await;
    assert_eq!(tag(&reply), TAG);
    let fields = [("if-none-match", TAG), ("if-range", TAG)];
    let reply = ask(&preview, "alice", Method::GET, "/open/7", &fields).await;
    assert_eq!(reply.status, 304);
    let told = notes.lock().unwrap().last().cloned().unwrap();
    assert_eq!(told.matches("secret-of-bob").count(), 2, "{told}");
}

#[tokio::test]
async fn asks_for_no_part_of_a_filtered_answer() {
    let (preview, notes) = editor(TAG).await;
    let own = tag(&ask(&preview, "alice", Method::GET, "/orders/7", &[]).await);
    let fields = [("if-range", &*own), ("range", "bytes=0-3")];
    let reply = ask(&preview, "alice", Method::GET, "/orders/7", &fields).await;
    assert_eq!(reply.text(), r#"[{"owner":"alice"}]"#);
    assert_eq!(notes.lock().unwrap().last().unwrap(), "(None, None, None)");
}
