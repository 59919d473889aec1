//! Bodies as they stream: slow ones, broken ones, early ones, endless ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::client::{self, get};
use crate::preview::{preview, until};
use crate::upstream::{self, app, echo, full};

fn upload(token: &str, length: usize) -> String {
    format!(
        "POST /open/a HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
         connection: close\r\ncontent-length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn streams_uploads_before_they_end() {
    let (send, mut seen) = mpsc::unbounded_channel();
    let address = app(move |request| {
        let send = send.clone();
        async move {
            let mut body = request.into_body();
            while let Some(Ok(frame)) = body.frame().await {
                send.send(frame.into_data().unwrap().len()).unwrap();
            }
            http::Response::builder()
                .header("content-type", "text/plain")
                .body(full("done"))
                .unwrap()
        }
    })
    .await;
    let preview = preview(address).start().await;
    let mut stream = TcpStream::connect(preview.address).await.unwrap();
    let head = upload(&preview.token("alice"), 6);
    stream
        .write_all(format!("{head}abc").as_bytes())
        .await
        .unwrap();
    assert_eq!(seen.recv().await, Some(3));
    stream.write_all(b"def").await.unwrap();
    assert_eq!(seen.recv().await, Some(3));
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("done"), "{answer}");
    assert_eq!(preview.recorded(1).await[0]["bytes_in"], 6);
}

#[tokio::test]
async fn refuses_uploads_that_stop() {
    let preview = preview(echo().await)
        .limits("body_time: 50ms")
        .start()
        .await;
    let request = format!("{}abc", upload(&preview.token("alice"), 6));
    let answer = client::bytes(preview.address, request).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("request-timeout"));
}

#[tokio::test]
async fn never_completes_an_upload_that_was_cut() {
    let (send, mut ended) = mpsc::unbounded_channel();
    let address = app(move |request| {
        let send = send.clone();
        async move {
            send.send(request.into_body().collect().await.is_ok())
                .unwrap();
            http::Response::new(full(""))
        }
    })
    .await;
    let preview = preview(address).start().await;
    let mut stream = TcpStream::connect(preview.address).await.unwrap();
    let head = upload(&preview.token("alice"), 100);
    stream
        .write_all(format!("{head}abc").as_bytes())
        .await
        .unwrap();
    // Long enough for the part that came to have been sent on.
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    drop(stream);
    assert_eq!(ended.recv().await, Some(false));
    assert_eq!(preview.recorded(1).await[0]["decision"], "block");
}

#[tokio::test]
async fn tells_the_client_when_the_app_dies_half_way() {
    for head in ["content-length: 100", "transfer-encoding: chunked"] {
        let address = upstream::raw(move |mut stream| async move {
            upstream::read_head(&mut stream).await;
            let text = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n{head}\r\n\r\n5\r\nabcde\r\n"
            );
            stream.write_all(text.as_bytes()).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        })
        .await;
        let preview = preview(address).start().await;
        let reply = get(preview.address, "/open/a", &preview.token("alice")).await;
        assert!(reply.body.is_none(), "{reply:?}");
        let record = &preview.recorded(1).await[0];
        assert_eq!(
            (&record["ending"], &record["reason"]),
            (&"reset".into(), &"answer-truncated".into())
        );
    }
}

/// Orders of Alice and Bob in turn, more than is gathered before the head leaves, and how it goes on.
fn orders_then(rest: &str) -> String {
    let mut body = String::from("[");
    for number in 0..4000 {
        let owner = if number % 2 == 0 { "alice" } else { "bob" };
        body += &format!("{{\"owner\":\"{owner}\",\"note\":\"{number} for {owner}\"}},\n");
    }
    body + rest
}

#[tokio::test]
async fn leaks_nothing_when_records_break_off() {
    for (rest, ends, reason) in [
        (
            "{\"owner\":\"bob\",\"note\":\"las",
            false,
            "answer-truncated",
        ),
        (
            "{\"owner\":\"bob\",\"note\":\"las",
            true,
            "answer-truncated",
        ),
        (
            "{\"note\":\"for bob\",,\"owner\":\"alice\"}]",
            true,
            "answer-malformed",
        ),
        (
            "{\"owner\":\"alice\"}] {\"note\":\"for bob\"}",
            true,
            "answer-malformed",
        ),
    ] {
        let address = upstream::raw(move |mut stream| async move {
            upstream::read_head(&mut stream).await;
            let body = orders_then(rest);
            let last = if ends { "0\r\n\r\n" } else { "" };
            let text = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                 transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n{last}",
                body.len()
            );
            stream.write_all(text.as_bytes()).await.unwrap();
        })
        .await;
        let preview = preview(address).start().await;
        let token = preview.token("alice");
        let request =
            format!("GET /orders HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
        let mut stream = TcpStream::connect(preview.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // However the connection ends: what came counts.
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer:.300}");
        assert!(
            answer.contains("for alice") && !answer.contains("bob"),
            "{reason}"
        );
        assert!(!answer.ends_with("0\r\n\r\n"), "{reason}: a clean end");
        let record = &preview.recorded(1).await[0];
        assert_eq!(
            (&record["decision"], &record["ending"], &record["reason"]),
            (&"block".into(), &"reset".into(), &reason.into())
        );
    }
}

#[tokio::test]
async fn resets_old_clients_whose_answer_breaks_off() {
    let address = upstream::raw(|mut stream| async move {
        upstream::read_head(&mut stream).await;
        let text = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n";
        stream.write_all(text.as_bytes()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    })
    .await;
    let preview = preview(address).start().await;
    let token = preview.token("alice");
    let request = format!("GET /open/a HTTP/1.0\r\nauthorization: Bearer {token}\r\n\r\n");
    let mut stream = TcpStream::connect(preview.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer).await;
    assert_eq!(
        ended.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionReset
    );
}

#[tokio::test]
async fn delivers_an_answer_that_comes_before_the_upload_ends() {
    let address = upstream::raw(|mut stream| async move {
        upstream::read_head(&mut stream).await;
        let text =
            "HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\ncontent-type: text/plain\r\n\r\nbig";
        stream.write_all(text.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        // The connection stays open: it is for the sidecar to leave it.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    })
    .await;
    let preview = preview(address).start().await;
    let mut stream = TcpStream::connect(preview.address).await.unwrap();
    let head = upload(&preview.token("alice"), 10_000_000);
    stream
        .write_all(format!("{head}{}", "x".repeat(100_000)).as_bytes())
        .await
        .unwrap();
    let mut answer = vec![0; 4096];
    let mut length = 0;
    while !answer[..length].ends_with(b"big") {
        length += stream.read(&mut answer[length..]).await.unwrap();
    }
    assert!(answer.starts_with(b"HTTP/1.1 413 "));
}

#[tokio::test]
async fn answers_clients_that_have_nothing_more_to_say() {
    let preview = preview(echo().await).start().await;
    let mut stream = TcpStream::connect(preview.address).await.unwrap();
    let token = preview.token("alice");
    let request =
        format!("GET /open/a HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn takes_from_the_app_no_more_than_the_client_takes() {
    let sent = Arc::new(AtomicUsize::new(0));
    let ended = Arc::new(AtomicUsize::new(0));
    let (count, end) = (Arc::clone(&sent), Arc::clone(&ended));
    let address = upstream::raw(move |mut stream| {
        let (count, end) = (Arc::clone(&count), Arc::clone(&end));
        async move {
            upstream::read_head(&mut stream).await;
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            let chunk = format!("10000\r\n{}\r\n", "lorem ip".repeat(8192));
            while stream.write_all(chunk.as_bytes()).await.is_ok() {
                count.fetch_add(65536, Ordering::Relaxed);
            }
            end.fetch_add(1, Ordering::Relaxed);
        }
    })
    .await;
    let preview = preview(address).start().await;
    let mut stream = TcpStream::connect(preview.address).await.unwrap();
    let token = preview.token("alice");
    let request =
        format!("GET /open/a HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.read_u8().await.unwrap();
    let mut before = usize::MAX;
    while sent.load(Ordering::Relaxed) != before {
        before = sent.load(Ordering::Relaxed);
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    assert!(before < 64 << 20, "{before} bytes taken");
    drop(stream);
    until(|| ended.load(Ordering::Relaxed) == 1).await;
    assert_eq!(preview.recorded(1).await[0]["ending"], "aborted");
}

#[tokio::test]
async fn names_what_is_wrong_with_the_app() {
    let silent = upstream::raw(|mut stream| async move {
        upstream::read_head(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let closing = upstream::raw(|mut stream| async move {
        upstream::read_head(&mut stream).await;
    })
    .await;
    let babbling = upstream::raw(|mut stream| async move {
        upstream::read_head(&mut stream).await;
        let _ = stream.write_all(b"SMTP ready\r\n\r\n").await;
    })
    .await;
    let endless = upstream::raw(|mut stream| async move {
        upstream::read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream
            .write_all(format!("x: {}\r\n", "a".repeat(8000)).as_bytes())
            .await
            .is_ok()
        {}
    })
    .await;
    let switching = upstream::raw(|mut stream| async move {
        upstream::read_head(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n")
            .await;
        std::future::pending::<()>().await;
    })
    .await;
    let gone = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    for (address, status, code) in [
        (silent, 504, "app-timeout"),
        (closing, 502, "answer-truncated"),
        (babbling, 502, "app-protocol"),
        (endless, 502, "app-protocol"),
        (switching, 403, "upgrade-refused"),
        (gone, 502, "app-unreachable"),
    ] {
        let preview = preview(address)
            .limits("upstream_time: 200ms")
            .start()
            .await;
        let reply = get(preview.address, "/open/a", &preview.token("alice")).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_str()),
            (status, code)
        );
        assert_eq!(preview.records()[0]["reason"], code);
    }
}

#[tokio::test]
async fn asks_again_only_what_can_be_asked_twice() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    // Answers once, and dies of the second request on a connection.
    let address = upstream::raw(move |mut stream| {
        let count = Arc::clone(&count);
        async move {
            upstream::read_head(&mut stream).await;
            count.fetch_add(1, Ordering::Relaxed);
            let text = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: text/plain\r\n\r\nok";
            stream.write_all(text.as_bytes()).await.unwrap();
            if !upstream::read_head(&mut stream).await.is_empty() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    })
    .await;
    let preview = preview(address).start().await;
    let token = preview.token("alice");
    for expected in [1, 3] {
        assert_eq!(get(preview.address, "/open/a", &token).await.text(), "ok");
        assert_eq!(asked.load(Ordering::Relaxed), expected);
    }
    let request = format!("{}hi", upload(&token, 2));
    let answer = client::bytes(preview.address, request).await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert_eq!(asked.load(Ordering::Relaxed), 4);
}
