//! Clients and apps that try to be taken for somebody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{self, get};
use crate::preview::{preview, until};
use crate::upstream::{echo, raw, read_head};

#[tokio::test]
async fn refuses_identities_and_copies_of_the_bearer_in_trailers() {
    let preview = preview(echo().await).start().await;
    let token = preview.token("alice");
    let names = "x-forwarded-user, x-copy, x-sum";
    let request = format!(
        "POST /open/a HTTP/1.1\r\nhost: a\r\nconnection: close\r\nchaperone-capability: {token}\r\n\
         transfer-encoding: chunked\r\nte: trailers\r\ntrailer: {names}\r\n\r\n2\r\nhi\r\n0\r\n\
         x-forwarded-user: bob\r\nx-sum: 7\r\nx-copy: {token}\r\n\r\n"
    );
    let answer = client::bytes(preview.address, request).await;
    assert!(answer.contains("trailer x-sum: 7"), "{answer}");
    assert!(
        !answer.contains("bob") && !answer.contains(&token),
        "{answer}"
    );
}

#[tokio::test]
async fn refuses_to_pass_copies_of_the_bearer() {
    let preview = preview(echo().await).start().await;
    let token = preview.token("alice");
    let ask = |target: &str, fields: &str| {
        let request = format!(
            "GET {target} HTTP/1.1\r\nhost: app.test\r\nconnection: close\r\n\
             authorization: Bearer {token}\r\n{fields}\r\n"
        );
        client::bytes(preview.address, request)
    };
    let fields = format!(
        "x-copy: {token}\r\nreferer: http://a/?t={token}\r\nproxy-authorization: Basic secret\r\n\
         cookie: a=1; __host-chaperone=secret; t={token}\r\ncookie: b=2\r\nx.forwarded.user: bob\r\n"
    );
    let answer = ask("/open/a", &fields).await;
    assert!(answer.contains("\ncookie: a=1; b=2\n"), "{answer}");
    assert!(answer.contains("\nhost: app.test\n"), "{answer}");
    for secret in [token.as_str(), "secret", "bob"] {
        assert!(!answer.contains(secret), "{answer}");
    }
    let answer = ask(&format!("/open/a?t={token}"), "").await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    let records = preview.recorded(2).await;
    assert_eq!(records[1]["reason"], "request-finding");
    assert!(!records[1].to_string().contains(&token));
}

#[tokio::test]
async fn lets_no_app_forge_a_record() {
    let forged = "HTTP/1.1 400 Forged\r\n\r\n";
    let app = raw(move |mut stream| async move {
        read_head(&mut stream).await;
        let length = forged.len() + 5;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\nstart"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // Only once the start has left does the rest begin a write of its own.
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        stream.write_all(forged.as_bytes()).await.unwrap();
    })
    .await;
    let preview = preview(app).start().await;
    let reply = get(preview.address, "/open/a", &preview.token("alice")).await;
    assert_eq!(reply.text(), format!("start{forged}"));
    assert!(
        client::bytes(preview.address, "BAD\r\n\r\n")
            .await
            .contains("chaperone-decision")
    );
    let records = preview.recorded(2).await;
    assert_eq!(
        (&records[0]["path"], &records[1]["method"]),
        (&"/open/a".into(), &"-".into())
    );
}

#[tokio::test]
async fn refuses_words_in_the_sidecars_name_after_a_body() {
    let app = raw(|mut stream| async move {
        read_head(&mut stream).await;
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\
            trailer: chaperone-decision, x-sum\r\n\r\n2\r\nok\r\n0\r\nx-sum: 1\r\nchaperone-decision: forged\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let preview = preview(app).start().await;
    let request = http::Request::get("/open/a")
        .header("host", "a")
        .header("te", "trailers")
        .header("chaperone-capability", preview.token("alice"));
    let request = request.body(http_body_util::Empty::new()).unwrap();
    let trailers = client::send(preview.address, request).await.trailers;
    let trailers = trailers.unwrap();
    assert_eq!(
        (trailers.len(), &trailers["x-sum"]),
        (1, &"1".parse().unwrap())
    );
}

#[tokio::test]
async fn refuses_answers_that_stall_or_have_two_lengths() {
    let app = raw(|mut stream| async move {
        let head = read_head(&mut stream).await;
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n";
        let rest = match head.contains("/two ") {
            true => "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            false => "\r\nstart",
        };
        stream
            .write_all(format!("{answer}{rest}").as_bytes())
            .await
            .unwrap();
        let _ = stream.read_u8().await;
    })
    .await;
    let preview = preview(app).limits("upstream_time: 300ms").start().await;
    let token = preview.token("alice");
    let stalled = get(preview.address, "/open/a", &token).await;
    assert!(stalled.body.is_none());
    let two = get(preview.address, "/open/two", &token).await;
    assert_eq!(two.code(), "app-protocol");
    let records = preview.recorded(2).await;
    assert_eq!(records[0]["reason"], "app-timeout");
    assert_eq!(records[0]["ending"], "reset");
}

#[tokio::test]
async fn hands_on_no_answer_that_nobody_asked_for() {
    let answer = |text: &str| {
        let length = text.len();
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n{text}"
        )
    };
    for (at_once, later) in [
        (answer("spare"), String::new()),
        (String::new(), answer("spare")),
        ("!".to_owned(), String::new()),
        (String::new(), "\r\n".to_owned()),
        (
            String::new(),
            "HTTP/1.1 408 Request Timeout\r\n\r\n".to_owned(),
        ),
    ] {
        let connections = Arc::new(AtomicUsize::new(0));
        let sent = Arc::new(AtomicUsize::new(0));
        let (count, all) = (Arc::clone(&connections), Arc::clone(&sent));
        let asked = answer("asked");
        let (now, then) = (format!("{asked}{at_once}"), later.clone());
        let app = raw(move |mut stream| {
            count.fetch_add(1, Ordering::Relaxed);
            let (now, then, all) = (now.clone(), then.clone(), Arc::clone(&all));
            async move {
                while read_head(&mut stream).await.contains("\r\n\r\n") {
                    stream.write_all(now.as_bytes()).await.unwrap();
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    let _ = stream.write_all(then.as_bytes()).await;
                    all.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
        .await;
        let preview = preview(app).start().await;
        let token = preview.token("alice");
        for number in 1..4 {
            let reply = get(preview.address, "/open/a", &token).await;
            assert_eq!(reply.text(), "asked", "{at_once} {later}");
            assert_eq!(connections.load(Ordering::Relaxed), number);
            until(|| sent.load(Ordering::Relaxed) == number).await;
        }
    }
}

#[tokio::test]
async fn closes_connections_whose_windows_stay_shut() {
    let preview = preview(echo().await).limits("idle: 50ms").start().await;
    let mut stream = TcpStream::connect(preview.address).await.unwrap();
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // SETTINGS with an initial window of nothing, then GET / with names from the static table.
    bytes.extend([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
    bytes.extend([0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x84, 0x86, 0x41, 1, b'x']);
    stream.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert_eq!(preview.recorded(1).await[0]["reason"], "capability-missing");
}
