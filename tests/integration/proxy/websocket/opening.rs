//! The opening: who may switch, and to what.

use std::sync::Arc;

use http::HeaderValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::stage::{ROUTES, ask, echo, key, open, raw_client, rest, say, text};
use crate::client;
use crate::preview::preview;
use crate::upstream::{Notes, fixed, raw, read_head};

#[tokio::test]
async fn switches_where_the_route_says_so_and_nowhere_else() {
    let preview = preview(echo(&[]).await).routes(ROUTES).start().await;
    let (mut client, headers) = open(&preview, ask(&preview, "/chat", "alice"))
        .await
        .unwrap();
    assert!(headers.contains_key("chaperone-decision"));
    assert_eq!(headers["cache-control"], "no-store");
    say(&mut client, "hello").await;
    assert_eq!(text(&mut client).await, "hello");

    let (status, _, body) = open(&preview, ask(&preview, "/plain", "alice"))
        .await
        .unwrap_err();
    assert!(
        status == 403 && body.contains("\"upgrade-refused\""),
        "{body}"
    );
    assert!(body.contains("does not say `websocket`"), "{body}");
    let mut request = ask(&preview, "/chat", "alice");
    request.headers_mut().remove("authorization");
    let (status, _, body) = open(&preview, request).await.unwrap_err();
    assert!(
        status == 401 && body.contains("capability-missing"),
        "{body}"
    );
    let (status, _, _) = open(&preview, ask(&preview, "/nowhere", "alice"))
        .await
        .unwrap_err();
    assert_eq!(status, 403);
}

#[tokio::test]
async fn asks_the_app_for_nothing_that_could_hide_a_message() {
    let notes = Notes::default();
    let seen = Arc::clone(&notes);
    let app = raw(move |mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            let head = read_head(&mut stream).await;
            seen.lock().unwrap().push(head);
        }
    })
    .await;
    let preview = preview(app).routes(ROUTES).start().await;
    let mut request = ask(&preview, "/chat?room=1", "alice");
    let headers = request.headers_mut();
    let put = HeaderValue::from_static;
    headers.insert("sec-websocket-extensions", put("permessage-deflate"));
    headers.insert("sec-websocket-protocol", put("chat, superchat"));
    headers.insert("origin", put("http://a"));
    let key = headers["sec-websocket-key"].to_str().unwrap().to_owned();
    let (status, _, _) = open(&preview, request).await.unwrap_err();
    assert_eq!(status, 502);
    let head = notes.lock().unwrap().join("").to_ascii_lowercase();
    assert!(head.starts_with("get /chat?room=1 http/1.1\r\n"), "{head}");
    for held in [
        "sec-websocket-protocol: chat, superchat\r\n",
        "sec-websocket-version: 13\r\n",
        "upgrade: websocket\r\n",
        "connection: upgrade\r\n",
        "x-forwarded-user: alice\r\n",
        "origin: http://a\r\n",
    ] {
        assert!(head.contains(held), "{held} {head}");
    }
    for kept in ["extensions", "authorization", &*key.to_ascii_lowercase()] {
        assert!(!head.contains(kept), "{kept} {head}");
    }
}

#[tokio::test]
async fn an_answer_without_a_switch_is_an_answer() {
    let app = fixed("text/plain", "ask bob@shop.example").await;
    let preview = preview(app).routes(ROUTES).start().await;
    let request = format!(
        "GET /chat HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\nconnection: close, upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        preview.token("alice")
    );
    let answer = client::bytes(preview.address, request).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.ends_with("ask [redacted:email]"), "{answer}");
}

#[tokio::test]
async fn believes_no_app_that_agrees_to_something_else() {
    const GOOD: &str = "connection: upgrade\r\nupgrade: websocket\r\n";
    for (fields, is_answered) in [
        (GOOD, true),
        ("upgrade: websocket\r\n", true),
        ("connection: upgrade\r\nupgrade: h2c\r\n", true),
        (
            "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-extensions: permessage-deflate\r\n",
            true,
        ),
        (
            "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-protocol: other\r\n",
            true,
        ),
        (GOOD, false),
    ] {
        let app = raw(move |mut stream| async move {
            let head = read_head(&mut stream).await;
            let key = key(&head);
            let key = if is_answered { key } else { "another" };
            let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
            let answer = format!(
                "HTTP/1.1 101 x\r\n{fields}sec-websocket-accept: {accept}\r\nx-note: secret\r\n\r\n\x01secret"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        })
        .await;
        let preview = preview(app).routes(ROUTES).start().await;
        let answer = open(&preview, ask(&preview, "/chat", "alice")).await;
        if fields == GOOD && is_answered {
            // What it wrote behind its head is no frame of a server's.
            let (mut client, _) = answer.unwrap();
            let (texts, close) = rest(&mut client).await;
            assert!(texts.is_empty() && u16::from(close.unwrap().code) == 1011);
        } else {
            let (status, headers, body) = answer.unwrap_err();
            assert!(
                status == 502 && body.contains("app-protocol"),
                "{fields} {body}"
            );
            assert!(!body.contains("secret") && !headers.contains_key("x-note"));
        }
    }
}

#[tokio::test]
async fn filters_the_fields_of_the_switch() {
    let app = raw(|mut stream| async move {
        let head = read_head(&mut stream).await;
        let key = key(&head);
        let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 bob@shop.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-accept: {accept}\r\nx-from: bob@shop.example\r\nx-mine: alice@shop.example\r\n\
             access-control-allow-origin: *\r\nchaperone-decision: forged\r\n\r\n"
        );
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let preview = preview(app).routes(ROUTES).start().await;
    let (_client, headers) = open(&preview, ask(&preview, "/chat", "alice"))
        .await
        .unwrap();
    assert_eq!(headers["x-mine"], "alice@shop.example");
    assert_ne!(headers["chaperone-decision"], "forged");
    for gone in ["x-from", "access-control-allow-origin"] {
        assert!(!headers.contains_key(gone), "{gone}");
    }
}

#[tokio::test]
async fn scans_what_the_opening_says_to_the_app() {
    let preview = preview(echo(&[]).await).routes(ROUTES).start().await;
    let mut request = ask(&preview, "/chat?of=Falcon%20IX", "alice");
    let (status, _, body) = open(&preview, request).await.unwrap_err();
    assert!(status == 403 && body.contains("request-finding"), "{body}");
    request = ask(&preview, "/chat?of=Falcon%20X", "alice");
    assert!(open(&preview, request).await.is_ok());
}

#[tokio::test]
async fn refuses_openings_that_are_none() {
    let preview = preview(echo(&[]).await).routes(ROUTES).start().await;
    let token = preview.token("alice");
    let head = |line: &str, fields: &str| {
        format!("{line} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n{fields}\r\n")
    };
    const KEY: &str = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const UP: &str = "connection: close, upgrade\r\nupgrade: websocket\r\n";
    const VERSION: &str = "sec-websocket-version: 13\r\n";
    for (line, fields) in [
        ("GET /chat", format!("{UP}{VERSION}")),
        ("GET /chat", format!("{UP}{KEY}")),
        ("GET /chat", format!("{UP}{VERSION}{KEY}{KEY}")),
        (
            "GET /chat",
            format!("{UP}sec-websocket-version: 8\r\n{KEY}"),
        ),
        (
            "GET /chat",
            format!("{UP}{VERSION}{KEY}content-length: 1\r\n"),
        ),
        ("GET /chat", format!("{UP}upgrade: h2c\r\n{VERSION}{KEY}")),
        (
            "POST /chat",
            format!("{UP}{VERSION}{KEY}content-length: 0\r\n"),
        ),
    ] {
        let answer = client::bytes(preview.address, head(line, &fields)).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{fields}{answer}");
        assert!(answer.contains("upgrade-refused"), "{fields}{answer}");
    }
    // The twin that is one.
    drop(raw_client(&preview, "/chat", "alice").await);
}

#[tokio::test]
async fn what_comes_with_the_opening_is_taken_for_frames_alone() {
    let preview = preview(echo(&[]).await).routes(ROUTES).start().await;
    let token = preview.token("alice");
    let opening = format!(
        "GET /chat HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let smuggled =
        format!("GET /plain?smuggled HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
    let answer = client::bytes(preview.address, format!("{opening}{smuggled}")).await;
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    let records = preview.recorded(2).await;
    let paths = records
        .iter()
        .map(|record| record["path"].as_str().unwrap());
    assert!(paths.into_iter().all(|path| path == "/chat"), "{records:?}");
}
