//! Messages with two readings, on both sides: refused whole, recorded, and the connection closed.

mod answers;
mod multiplexed;
mod mutations;
mod requests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::Response;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use self::requests::{CHUNKED, CHUNKS, GET, POST, cases};
use crate::client;
use crate::preview::{Preview, preview};
use crate::upstream::{Notes, app, echo, full, raw, read_head};

/// An app that notes every request that it received whole.
async fn noting(notes: &Notes) -> SocketAddr {
    let notes = Arc::clone(notes);
    app(move |request| {
        let notes = Arc::clone(&notes);
        async move {
            let line = format!("{} {}", request.method(), request.uri());
            if let Ok(body) = request.into_body().collect().await {
                let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
                notes.lock().unwrap().push(format!("{line} {body}"));
            }
            Response::builder()
                .header("content-type", "text/plain")
                .body(full("seen"))
                .unwrap()
        }
    })
    .await
}

async fn bounded(notes: &Notes) -> Preview {
    let limits = "head: 8KiB, headers: 16";
    preview(noting(notes).await).limits(limits).start().await
}

/// Holds when `answer` is one whole refusal for `code`, and the newest audit record tells of it.
async fn assert_refused(preview: &Preview, answer: &str, code: &str, count: usize, case: &str) {
    let case: String = case.chars().take(60).collect();
    let status = match code {
        "target-too-long" => 414,
        "head-too-large" => 431,
        "version-unsupported" => 505,
        _ => 400,
    };
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{case:?}: {answer}"
    );
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(!body.contains("\r\n"), "nothing follows {case:?}: {answer}");
    assert!(
        head.contains("application/problem+json"),
        "{case:?}: {answer}"
    );
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["code"], code, "{case:?}: {answer}");
    assert_eq!(problem["status"], status, "{case:?}: {answer}");
    assert!(problem["detail"].is_string(), "{case:?}: {answer}");
    let records = preview.recorded(count).await;
    assert_eq!(records.len(), count, "{case:?}");
    let record = records.last().unwrap();
    assert_eq!(record["id"], problem["decision"], "{case:?}");
    assert_eq!(
        (&record["decision"], &record["reason"]),
        (&"block".into(), &code.into()),
        "{case:?}"
    );
    assert!(
        head.contains(&format!(
            "chaperone-decision: {}",
            record["id"].as_str().unwrap()
        )),
        "{case:?}"
    );
}

#[tokio::test]
async fn refuses_requests_with_two_readings_and_passes_their_twins() {
    let notes = Notes::default();
    let preview = bounded(&notes).await;
    let token = preview.token("alice");
    let cases = cases();
    assert!(cases.len() >= 120);
    for (count, case) in cases.iter().enumerate() {
        let request = |text: &str| {
            assert!(case.base.contains(case.place), "{}", case.place);
            case.base
                .replacen(case.place, text, 1)
                .replace("{token}", &token)
        };
        notes.lock().unwrap().clear();
        let answer = client::bytes(preview.address, request(&case.hostile)).await;
        assert_refused(&preview, &answer, case.code, 2 * count + 1, &case.hostile).await;
        assert!(notes.lock().unwrap().is_empty(), "{:?}", case.hostile);
        let answer = client::bytes(preview.address, request(&case.honest)).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.0 200 "),
            "{:?}: {answer}",
            case.honest
        );
        assert_eq!(notes.lock().unwrap().len(), 1, "{:?}", case.honest);
        preview.recorded(2 * count + 2).await;
    }
}

/// Writes `pieces` one by one, and reads until the other side closes.
async fn in_pieces(address: SocketAddr, pieces: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in pieces {
        stream.write_all(piece).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn never_ends_a_request_whose_body_turns_bad() {
    let notes = Notes::default();
    let preview = bounded(&notes).await;
    let head = CHUNKED.split_once("5\r\nhello").unwrap().0;
    let head = head.replace("{token}", &preview.token("alice"));
    for (count, (hostile, honest)) in CHUNKS.iter().enumerate() {
        // The app has seen the head by the time at which the rest comes.
        let answer = in_pieces(preview.address, &[head.as_bytes(), hostile.as_bytes()]).await;
        assert_refused(
            &preview,
            &answer,
            "ambiguous-request",
            2 * count + 1,
            hostile,
        )
        .await;
        assert!(notes.lock().unwrap().is_empty(), "{hostile:?}");
        let answer = in_pieces(preview.address, &[head.as_bytes(), honest.as_bytes()]).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{honest:?}: {answer}");
        assert_eq!(notes.lock().unwrap().drain(..).count(), 1, "{honest:?}");
        preview.recorded(2 * count + 2).await;
    }
}

#[tokio::test]
async fn answers_what_came_before_a_bad_request() {
    let notes = Notes::default();
    let preview = bounded(&notes).await;
    let token = preview.token("alice");
    let good = format!("GET /open/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    let posted = POST
        .replace("{token}", &token)
        .replace("Connection: close\r\n", "");
    for bad in [
        "NO\r\n\r\n",
        "GET /open/b HTTP/1.1\nHost: a\n\n",
        "GET /open/b HTTP/1.1\r\nHost: a\r\n x\r\n\r\n",
    ] {
        for split in [0, 1, 3, bad.len()] {
            let (first, rest) = bad.split_at(split);
            let together = format!("{good}{posted}{first}");
            let before = preview.records().len();
            let answer = in_pieces(preview.address, &[together.as_bytes(), rest.as_bytes()]).await;
            assert_eq!(
                answer.matches("HTTP/1.1 200 ").count(),
                2,
                "{bad:?} {split}: {answer}"
            );
            let at = answer.find("HTTP/1.1 400 ").unwrap();
            preview.recorded(before + 3).await;
            assert_refused(
                &preview,
                answer.get(at..).unwrap(),
                "ambiguous-request",
                before + 3,
                bad,
            )
            .await;
            let seen: Vec<String> = notes.lock().unwrap().drain(..).collect();
            assert_eq!(
                seen,
                ["GET /open/a ", "POST /open/a hello"],
                "{bad:?} {split}"
            );
        }
    }
}

#[tokio::test]
async fn speaks_for_clients_that_know_no_host() {
    let preview = preview(echo().await).start().await;
    let token = preview.token("alice");
    let ask = |fields: &str| {
        let request =
            format!("GET /open/a HTTP/1.0\r\nAuthorization: Bearer {token}\r\n{fields}\r\n");
        client::bytes(preview.address, request)
    };
    // RFC 9112 section 3.2: without one, the app's own reader would refuse it, or take another for it.
    let answer = ask("").await;
    assert!(answer.contains("\nhost: \n"), "{answer}");
    let answer = ask("Host: app.test\r\n").await;
    assert!(answer.contains("\nhost: app.test\n"), "{answer}");
}

#[tokio::test]
async fn tells_clients_that_are_still_sending() {
    let notes = Notes::default();
    let preview = bounded(&notes).await;
    let request = GET.replace("Connection: close", &"A: b\r\n".repeat(100_000));
    let mut stream = TcpStream::connect(preview.address).await.unwrap();
    // Whoever reads only after all is written gets the answer all the same.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_refused(&preview, &answer, "head-too-large", 1, "endless fields").await;
}

#[tokio::test]
async fn tells_clients_that_are_still_uploading() {
    let preview = bounded(&Notes::default()).await;
    let length = 8 << 20;
    let head = format!("POST /open/a HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    let mut stream = TcpStream::connect(preview.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b'a'; length]).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.contains("capability-missing"), "{answer}");
}

#[tokio::test]
async fn says_so_when_a_refusal_is_not_on_record() {
    let preview = preview(noting(&Notes::default()).await).without_log();
    let preview = preview.start().await;
    let answer = client::bytes(preview.address, "NO\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("audit-unavailable"), "{answer}");
    std::fs::create_dir(preview.folder().join("log")).unwrap();
    while !client::bytes(preview.address, "NO\r\n\r\n")
        .await
        .starts_with("HTTP/1.1 400 ")
    {}
    assert_eq!(
        preview.records().pop().unwrap()["reason"],
        "ambiguous-request"
    );
}

#[tokio::test]
async fn answers_in_words_whatever_byte_is_changed() {
    let notes = Notes::default();
    let preview = bounded(&notes).await;
    let token = preview.token("alice");
    for base in [GET, POST, CHUNKED] {
        let (before, after) = base.split_once("{token}").unwrap();
        let whole = format!("{before}{token}{after}");
        let places = (0..before.len()).chain(before.len() + token.len()..whole.len());
        for at in places {
            for byte in [b'\0', b'\n', b' ', b'a'] {
                for skipped in [0, 1] {
                    let mut request = whole.as_bytes()[..at].to_vec();
                    request.push(byte);
                    request.extend(&whole.as_bytes()[at + skipped..]);
                    notes.lock().unwrap().clear();
                    let mut stream = TcpStream::connect(preview.address).await.unwrap();
                    stream.write_all(&request).await.unwrap();
                    stream.shutdown().await.unwrap();
                    let mut answer = String::new();
                    stream.read_to_string(&mut answer).await.unwrap();
                    let case = String::from_utf8_lossy(&request);
                    let heads: Vec<&str> = answer.split("HTTP/1.1 ").skip(1).collect();
                    assert!(!heads.is_empty(), "{case}");
                    let has_words = |head: &&str| head.contains("chaperone-decision: ");
                    assert!(heads.iter().all(has_words), "{case}: {answer}");
                    let passed = heads.iter().filter(|head| head.starts_with("200 "));
                    assert_eq!(passed.count(), notes.lock().unwrap().len(), "{case}");
                }
            }
        }
    }
}

#[tokio::test]
async fn refuses_answers_with_two_readings_and_passes_their_twins() {
    let next: Arc<Mutex<Vec<u8>>> = Arc::default();
    let script = Arc::clone(&next);
    let app = raw(move |mut stream| {
        let script = Arc::clone(&script);
        async move {
            read_head(&mut stream).await;
            let answer = script.lock().unwrap().clone();
            let (now, later) = answer.split_at(answer.len() / 2);
            let _ = stream.write_all(now).await;
            let _ = stream.write_all(later).await;
        }
    })
    .await;
    let preview = preview(app).limits("head: 8KiB, headers: 16").start().await;
    let token = preview.token("alice");
    let cases = answers::cases();
    assert!(cases.len() >= 30);
    for (count, (hostile, honest)) in cases.iter().enumerate() {
        next.lock()
            .unwrap()
            .clone_from(&hostile.as_bytes().to_vec());
        let reply = client::get(preview.address, "/open/a", &token).await;
        assert_eq!(reply.status, 502, "{hostile:?}");
        assert_eq!(
            reply.code(),
            "app-protocol",
            "{hostile:?}: {}",
            reply.text()
        );
        let records = preview.recorded(2 * count + 1).await;
        assert_eq!(
            records.last().unwrap()["reason"],
            "app-protocol",
            "{hostile:?}"
        );
        next.lock().unwrap().clone_from(&honest.as_bytes().to_vec());
        let reply = client::get(preview.address, "/open/a", &token).await;
        assert_eq!(
            (reply.status.as_u16(), reply.text()),
            (200, "ok"),
            "{honest:?}"
        );
        preview.recorded(2 * count + 2).await;
    }
}
