//! Answers that are no JSON document, each from an app that hands out what it must not and from one that does not.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::client::get;
use crate::preview::preview;
use crate::upstream::{fixed, raw, read_head};

const ROUTES: &str = r#"
  - match: GET /export
    rows: { owner: owner }
  - match: GET /events
    records: "$"
    owner: owner
  - match: GET /inbox
    records:
      - { at: "$.orders[*]", owner: owner }
      - { at: "$.orders[*].notes[*]", owner: [{ at: "$.by[*]", is: group }], others: redact }
  - match: GET /page
    html: { records: .order, owner: data-owner }
  - match: GET /ticker
    public: The same for everybody.
"#;

#[tokio::test]
async fn gives_each_user_their_own_rows() {
    let body = "owner,note\r\nalice,\"two\r\nlines\"\r\nbob,secret\r\nalice,3\r\n";
    let app = fixed("text/csv; charset=utf-8", body).await;
    let preview = preview(app).routes(ROUTES).start().await;
    let reply = get(preview.address, "/export", &preview.token("alice")).await;
    assert_eq!(
        reply.text(),
        "owner,note\r\nalice,\"two\r\nlines\"\r\nalice,3\r\n"
    );
    assert_eq!(reply.headers["chaperone-filter"], "owner");
    let record = &preview.recorded(1).await[0];
    assert_eq!(record["rules"][0]["count"], 1);
    let eve = get(preview.address, "/export", &preview.token("eve")).await;
    assert_eq!(eve.text(), "owner,note\r\n");
}

#[tokio::test]
async fn blocks_tables_that_hide_rows() {
    for (kind, body, code) in [
        (
            "text/csv",
            "owner,note\nalice,1\rbob,secret\n",
            "answer-malformed",
        ),
        (
            "text/csv",
            "owner,note\nalice,a\"\nbob,secret\"\n",
            "answer-malformed",
        ),
        (
            "text/csv",
            "owner,owner\nalice,bob secret\n",
            "answer-malformed",
        ),
        ("text/csv", "note\nsecret\n", "nothing-selected"),
        ("text/csv", "owner;note\nbob;secret\n", "nothing-selected"),
        (
            "text/csv; charset=utf-16",
            "owner,note\nbob,secret\n",
            "answer-malformed",
        ),
        ("text/plain", "owner,note\nbob,secret\n", "type-unsupported"),
        (
            "application/json",
            r#"[{"owner":"bob"}]"#,
            "type-unsupported",
        ),
    ] {
        let preview = preview(fixed(kind, body).await)
            .routes(ROUTES)
            .start()
            .await;
        let reply = get(preview.address, "/export", &preview.token("alice")).await;
        assert_eq!(reply.code(), code, "{body:?}");
        assert!(!reply.text().contains("secret"));
    }
}

#[tokio::test]
async fn lets_each_event_go_before_the_next_one_comes() {
    let seen = Arc::new(Notify::new());
    let next = seen.clone();
    let app = raw(move |mut stream| {
        let next = next.clone();
        async move {
            read_head(&mut stream).await;
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: hello\n\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            for event in [
                "data: {\"owner\":\"bob\",\"n\":0}\n\ndata: {\"owner\":\ndata: \"alice\",\"n\":1}\n\n",
                "id: 2\ndata: {\"owner\":\"alice\",\"n\":2}\r\r",
                "data: {\"owner\":\"alice\",\"n\":3}\n",
            ] {
                next.notified().await;
                stream.write_all(event.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let preview = preview(app).routes(ROUTES).start().await;
    let mut stream = TcpStream::connect(preview.address).await.unwrap();
    let request = format!(
        "GET /events HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        preview.token("alice")
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // The app waits until the client has seen what it sent before.
    for wanted in ["hello", "\"n\":1", "\"n\":2"] {
        while !answer.contains(wanted) {
            let mut piece = [0; 512];
            let length = stream.read(&mut piece).await.unwrap();
            assert!(length > 0, "{answer}");
            answer.push_str(std::str::from_utf8(&piece[..length]).unwrap());
        }
        seen.notify_one();
    }
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("0\r\n\r\n"), "{answer}");
    for withheld in ["bob", "\"n\":3"] {
        assert!(!answer.contains(withheld), "{answer}");
    }
}

#[tokio::test]
async fn blocks_events_that_hide_records() {
    for (kind, body, code) in [
        ("text/event-stream", "data: secret\n\n", "answer-malformed"),
        (
            "text/event-stream; charset=iso-8859-1",
            "data: \"é\"\n\n",
            "answer-malformed",
        ),
        (
            "text/plain",
            "data: {\"owner\":\"bob\"}\n\n",
            "type-unsupported",
        ),
        (
            "application/json-seq",
            "{\"owner\":\"bob\"}\n",
            "answer-malformed",
        ),
    ] {
        let preview = preview(fixed(kind, body).await)
            .routes(ROUTES)
            .start()
            .await;
        let reply = get(preview.address, "/events", &preview.token("alice")).await;
        assert_eq!(reply.code(), code, "{body:?}");
    }
    for (kind, body, passed) in [
        (
            "text/event-stream",
            "Data: secret\n: c\n\ndata: {\"owner\":\ndata: \"bob\"}\n\n",
            ": c\n\n",
        ),
        (
            "application/json-seq",
            "\u{1e}{\"owner\":\"bob\"}\n\u{1e}{\"owner\":\"alice\"}\n",
            "\u{1e}{\"owner\":\"alice\"}\n",
        ),
    ] {
        let preview = preview(fixed(kind, body).await)
            .routes(ROUTES)
            .start()
            .await;
        let reply = get(preview.address, "/events", &preview.token("alice")).await;
        assert_eq!(reply.text(), passed);
    }
}

#[tokio::test]
async fn passes_events_of_nobody_as_they_come() {
    let body = "retry: 10\nevent: tick\ndata: 12\ndata: [DONE]\n\n:\n\n";
    let app = fixed("text/event-stream", body).await;
    let preview = preview(app).routes(ROUTES).start().await;
    let reply = get(preview.address, "/ticker", &preview.token("alice")).await;
    assert_eq!(reply.text(), body);
}

#[tokio::test]
async fn judges_collections_by_owners_of_their_own() {
    let body = r#"{"orders":[{"owner":"bob"},{"owner":"alice","notes":[{"by":["staff"]},{"by":["x","buyers"]}]}]}"#;
    let app = fixed("application/json", body).await;
    let preview = preview(app).routes(ROUTES).start().await;
    let reply = get(preview.address, "/inbox", &preview.token("alice")).await;
    assert_eq!(
        reply.text(),
        r#"{"orders":[{"owner":"alice","notes":[{"chaperone":"redacted"},{"by":["x","buyers"]}]}]}"#
    );
}

#[tokio::test]
async fn gives_each_user_their_own_elements() {
    let page =
        |rows: &str| format!("<!doctype html>\n<title>Orders</title>\n<table>{rows}</table>\n");
    let of = |owner: &str| format!("<tr class=order data-owner={owner}><td>1 &amp; 2</td></tr>");
    let body = page(&format!("{}{}{}", of("bob"), of("al&#105;ce"), of("bob")));
    let app = fixed("text/html; charset=utf-8", body).await;
    let preview = preview(app).routes(ROUTES).start().await;
    let reply = get(preview.address, "/page", &preview.token("alice")).await;
    assert_eq!(reply.text(), page(&of("al&#105;ce")));
    assert_eq!(reply.headers["chaperone-filter"], "owner");
    assert_eq!(preview.recorded(1).await[0]["rules"][0]["count"], 2);
}

#[tokio::test]
async fn blocks_pages_that_hide_records() {
    for (kind, body, code) in [
        ("text/html", "<p>secret</p>", "nothing-selected"),
        (
            "text/html",
            "<li class=order data-owner=alice>1<li class=order data-owner=bob>secret</ul>",
            "answer-malformed",
        ),
        (
            "text/html",
            "<i class=order data-owner=alice></i><plaintext>secret",
            "answer-malformed",
        ),
        (
            "text/html; charset=iso-2022-jp",
            "<p>secret</p>",
            "type-unsupported",
        ),
        ("application/xhtml+xml", "<p>secret</p>", "type-unsupported"),
        ("text/plain", "<p>secret</p>", "type-unsupported"),
    ] {
        let preview = preview(fixed(kind, body).await)
            .routes(ROUTES)
            .start()
            .await;
        let reply = get(preview.address, "/page", &preview.token("alice")).await;
        assert_eq!(reply.code(), code, "{body:?}");
        assert!(!reply.text().contains("secret"));
    }
}

#[tokio::test]
async fn judges_the_parts_of_an_answer_one_by_one() {
    let part = |kind: &str, body: &str| format!("--x\r\ncontent-type: {kind}\r\n\r\n{body}\r\n");
    let json = r#"{"owner":"alice"}"#;
    let (event, foreign) = (
        "data: {\"owner\":\"alice\"}\n\n",
        "data: {\"owner\":\"bob\"}\n\n",
    );
    let body = |event: &str| {
        let parts = [
            part("application/json", json),
            part("text/event-stream", event),
        ];
        format!("{}--x--\r\n", parts.concat())
    };
    let app = fixed(
        "multipart/mixed; boundary=x",
        body(&format!("{event}{foreign}")),
    )
    .await;
    let preview = preview(app).routes(ROUTES).start().await;
    let reply = get(preview.address, "/events", &preview.token("alice")).await;
    assert_eq!(reply.text(), body(event));
    let eve = get(preview.address, "/events", &preview.token("eve")).await;
    assert_eq!(eve.code(), "foreign-record");
}

#[tokio::test]
async fn blocks_parts_that_hide_records() {
    let json = "content-type: application/json\r\n\r\n";
    for (kind, body, code) in [
        (
            "multipart/mixed",
            format!("--x\r\n{json}{{\"owner\":\"alice\"}}\r\n--x--\r\n"),
            "type-unsupported",
        ),
        (
            "multipart/mixed; boundary=x",
            format!("--x\r\n{json}{{\"owner\":\"alice\"}}\r\n--x--\r\nsecret"),
            "answer-malformed",
        ),
        (
            "multipart/mixed; boundary=x",
            format!("secret\r\n--x\r\n{json}{{\"owner\":\"alice\"}}\r\n--x--\r\n"),
            "answer-malformed",
        ),
        (
            "multipart/mixed; boundary=x",
            "--x\r\ncontent-type: text/plain\r\n\r\nsecret\r\n--x--\r\n".to_owned(),
            "type-unsupported",
        ),
        (
            "multipart/mixed; boundary=x",
            "--x\r\ncontent-transfer-encoding: base64\r\n\r\nc2VjcmV0\r\n--x--\r\n".to_owned(),
            "type-unsupported",
        ),
        (
            "multipart/mixed; boundary=x",
            "--x\r\ncontent-transfer-encoding: x-uuencode\r\n\r\nsecret\r\n--x--\r\n".to_owned(),
            "coding-unsupported",
        ),
    ] {
        let preview = preview(fixed(kind, body.clone()).await)
            .routes(ROUTES)
            .start()
            .await;
        let reply = get(preview.address, "/events", &preview.token("alice")).await;
        assert_eq!(reply.code(), code, "{body:?}");
        assert!(!reply.text().contains("secret"));
    }
}

#[tokio::test]
async fn blocks_grpc_and_says_why() {
    for kind in [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc-web+proto",
    ] {
        let preview = preview(fixed(kind, "\0\0\0\0\u{5}\n\u{3}bob").await)
            .routes(ROUTES)
            .start()
            .await;
        for path in ["/events", "/page"] {
            let reply = get(preview.address, path, &preview.token("alice")).await;
            assert_eq!(reply.code(), "type-unsupported", "{kind}");
            assert!(
                reply.text().contains("gRPC messages can't be filtered"),
                "{}",
                reply.text()
            );
        }
    }
}

#[tokio::test]
async fn lets_each_line_go_before_the_next_one_comes() {
    let seen = Arc::new(Notify::new());
    let next = seen.clone();
    let app = raw(move |mut stream| {
        let next = next.clone();
        async move {
            read_head(&mut stream).await;
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\nx-a: head\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            for lines in [
                "\n",
                "{\"owner\":\"bob\",\"n\":0}\n{\"owner\":\"alice\",\"n\":1}\n",
                "{\"owner\":\"alice\",\"n\":2}\n{\"owner\":",
                "\"alice\",\"n\":3}\n",
            ] {
                next.notified().await;
                stream.write_all(lines.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let preview = preview(app).routes(ROUTES).start().await;
    let mut stream = TcpStream::connect(preview.address).await.unwrap();
    let request = format!(
        "GET /events HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        preview.token("alice")
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // The head comes before any line, what keeps the stream alive before the first record.
    for wanted in ["x-a: head", "\r\n1\r\n\n\r\n", "\"n\":1}\n", "\"n\":2}\n"] {
        while !answer.contains(wanted) {
            let mut piece = [0; 512];
            let length = stream.read(&mut piece).await.unwrap();
            assert!(length > 0, "{answer}");
            answer.push_str(std::str::from_utf8(&piece[..length]).unwrap());
        }
        seen.notify_one();
    }
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.contains("\"n\":3}\n") && !answer.contains("bob"),
        "{answer}"
    );
    assert!(answer.ends_with("0\r\n\r\n"), "{answer}");
}
