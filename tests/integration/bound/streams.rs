//! Answers that began before something changed: judged again, and reset where they may go no further.

use std::sync::Arc;

use bytes::Bytes;
use chaperone::capability::inspect::Inspection;
use chaperone::capability::mint::{JwtStamp, SigningKey};
use chaperone::runtime::task;
use chaperone::types::Level;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::stage::{Bound, HOST, Setup, grant, verdict};
use crate::preview::until;
use crate::upstream::app;
use pieces::Pieces;

/// A body whose pieces a test hands out.
mod pieces {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use http_body::Frame;
    use tokio::sync::mpsc;

    pub(super) struct Pieces(pub(super) mpsc::UnboundedReceiver<Bytes>);

    impl http_body::Body for Pieces {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            self.0
                .poll_recv(cx)
                .map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
        }
    }
}

/// A preview whose app streams lines for as long as the test sends them.
async fn streaming(setup: Setup) -> (Bound, mpsc::UnboundedSender<Bytes>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("revoked.txt"), "").unwrap();
    streaming_in(setup, folder).await
}

async fn streaming_in(setup: Setup, folder: TempDir) -> (Bound, mpsc::UnboundedSender<Bytes>) {
    let (send, pieces) = mpsc::unbounded_channel();
    let pieces = Arc::new(std::sync::Mutex::new(Some(pieces)));
    let address = app(move |_| {
        let pieces = pieces.lock().unwrap().take();
        async move {
            let answer = Response::builder().header("content-type", "text/plain");
            match pieces {
                Some(pieces) => answer.body(Pieces(pieces).boxed()).unwrap(),
                None => answer.body(crate::upstream::full("ok")).unwrap(),
            }
        }
    })
    .await;
    (setup.start_with(address, folder).await, send)
}

fn revocable() -> Setup {
    Setup::default().policy(
        "capability:\n",
        "capability:\n  revoked: { list: revoked.txt }\n",
    )
}

/// An answer that has begun; its end is true when it was clean.
async fn begin(bound: &Bound, send: &mpsc::UnboundedSender<Bytes>, path: &str, is_h2: bool) -> End {
    begin_as(bound, bound.token("alice"), send, path, is_h2).await
}

async fn begin_as(
    bound: &Bound,
    token: String,
    send: &mpsc::UnboundedSender<Bytes>,
    path: &str,
    is_h2: bool,
) -> End {
    let request = Request::builder()
        .method(Method::GET)
        .header("authorization", format!("Bearer {token}"));
    let stream = TokioIo::new(TcpStream::connect(bound.address).await.unwrap());
    send.send(Bytes::from(
        "first line, long enough to leave the filter\n".repeat(200),
    ))
    .unwrap();
    let answer = if is_h2 {
        let shake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
        let (mut sender, connection) = shake.await.unwrap();
        task::spawn(connection);
        let request = request.uri(format!("http://{HOST}{path}"));
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        task::spawn(connection);
        let request = request.uri(path).header("host", HOST);
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        sender.send_request(request).await.unwrap()
    };
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let first = body.frame().await.unwrap().unwrap();
    assert!(!first.into_data().unwrap().is_empty());
    End(body, token)
}

/// The id of a token's first block.
fn revocation_id(token: &str) -> String {
    let seen = serde_json::to_value(Inspection::of(token).unwrap()).unwrap();
    let id = seen["blocks"][0]["revocation_id"].as_str();
    id.unwrap().to_owned()
}

struct End(hyper::body::Incoming, String);

impl End {
    async fn ends_cleanly(self) -> bool {
        self.0.collect().await.is_ok()
    }
}

#[tokio::test]
async fn resets_answers_whose_capability_is_revoked() {
    for is_h2 in [false, true] {
        let (bound, send) = streaming(revocable()).await;
        let end = begin(&bound, &send, "/tour/a", is_h2).await;
        bound.put("revoked.txt", &revocation_id(&end.1)).await;
        // The app is silent: nothing but the leash can end it.
        assert!(!end.ends_cleanly().await);
        until(|| !bound.records().is_empty()).await;
        let record = &bound.records()[0];
        assert_eq!(record["reason"], "capability-revoked");
        assert_eq!(record["ending"], "reset");
        assert_eq!(record["decision"], "block");
        assert!(record["bytes_out"].as_u64().unwrap() > 0);
        drop(send);
    }
}

#[tokio::test]
async fn resets_answers_whose_capability_is_revoked_at_an_address() {
    let list = Arc::new(std::sync::Mutex::new(String::new()));
    let told = Arc::clone(&list);
    let publisher = app(move |_| {
        let text = told.lock().unwrap().clone();
        async move { Response::new(crate::upstream::full(text)) }
    })
    .await;
    let section = format!(
        "capability:\n  revoked: {{ list: {{ url: \"http://{publisher}/revoked\", every: 1s }} }}\n"
    );
    let setup = Setup::default().policy("capability:\n", &section);
    let (bound, send) = streaming(setup).await;
    until(|| bound.generation() >= 2.0).await;
    let end = begin(&bound, &send, "/tour/a", true).await;
    *list.lock().unwrap() = revocation_id(&end.1);
    assert!(!end.ends_cleanly().await);
    until(|| !bound.records().is_empty()).await;
    assert_eq!(bound.records()[0]["reason"], "capability-revoked");
    drop(send);
}

/// An issuer that takes a key out of its set takes back what that key signed, also what is on its way.
#[tokio::test]
async fn resets_answers_whose_key_is_withdrawn() {
    for is_by_address in [false, true] {
        let (old, new) = (
            SigningKey::generate().unwrap(),
            SigningKey::generate().unwrap(),
        );
        let both = {
            let sets = [old.jwks(Some("old")), new.jwks(Some("new"))];
            let keys =
                sets.map(|set| serde_json::from_str::<Value>(&set).unwrap()["keys"][0].clone());
            json!({ "keys": keys }).to_string()
        };
        let published = Arc::new(std::sync::Mutex::new(both.clone()));
        let told = Arc::clone(&published);
        let publisher = app(move |_| {
            let text = told.lock().unwrap().clone();
            async move { Response::new(crate::upstream::full(text)) }
        })
        .await;
        let place = match is_by_address {
            true => format!("{{ url: \"http://{publisher}/keys\", every: 1s }}"),
            false => "keys.json".to_owned(),
        };
        let section = format!(
            "capability:\n  jwt: {{ issuer: id, audience: shop, algorithms: [EdDSA], jwks: {place} }}\n"
        );
        for (kid, key, is_kept) in [("new", &new, true), ("old", &old, false)] {
            (*published.lock().unwrap()).clone_from(&both);
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("keys.json"), &both).unwrap();
            let setup = Setup::default().policy("capability:\n", &section);
            let (bound, send) = streaming_in(setup, folder).await;
            if is_by_address {
                until(|| bound.generation() >= 2.0).await;
            }
            let now = jiff::Timestamp::now();
            let stamp = JwtStamp {
                issuer: "id",
                audience: "shop",
                key_id: Some(kid),
                issued: now,
            };
            let alice = grant("alice", None).until(now + jiff::SignedDuration::from_hours(1));
            let token = alice.jwt(key, &stamp).unwrap().expose().clone();
            let answer = begin_as(&bound, token.clone(), &send, "/tour/a", true).await;
            let before = bound.generation();
            let left = new.jwks(Some("new"));
            if is_by_address {
                (*published.lock().unwrap()).clone_from(&left);
                until(|| bound.generation() > before).await;
            } else {
                bound.put("keys.json", &left).await;
            }
            let reply = bound.ask(&Method::GET, "/tour/b", &token).await;
            if is_kept {
                assert_eq!(verdict(&reply), (200, "ok".to_owned()));
                send.send(Bytes::from("last line\n")).unwrap();
                drop(send);
                assert!(answer.ends_cleanly().await);
                continue;
            }
            assert_eq!(verdict(&reply), (401, "capability-invalid".to_owned()));
            // The app is silent: nothing but the leash can end it.
            assert!(!answer.ends_cleanly().await);
            until(|| bound.records().len() == 2).await;
            let records = bound.records();
            let torn = records.iter().find(|record| record["ending"] == "reset");
            assert_eq!(torn.unwrap()["reason"], "capability-invalid");
            drop(send);
        }
    }
}

#[tokio::test]
async fn resets_answers_whose_capability_ends() {
    let (bound, send) = streaming(revocable()).await;
    // Long enough to begin on a machine that is busy.
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(5);
    let token = bound.mint(&grant("alice", Some("pr-1")).until(end));
    let answer = begin_as(&bound, token, &send, "/tour/a", true).await;
    assert!(!answer.ends_cleanly().await);
    until(|| !bound.records().is_empty()).await;
    assert_eq!(bound.records()[0]["reason"], "capability-expired");
    // Tokens end at whole seconds.
    assert!(jiff::Timestamp::now().as_second() >= end.as_second());
    drop(send);
}

#[tokio::test]
async fn resets_answers_whose_approval_is_taken_back() {
    let (bound, send) = streaming(revocable()).await;
    let plain = bound.binding.expose().clone();
    bound.approve(&bound.keys.carol, Level::OkToTest).await;
    let end = begin(&bound, &send, "/open/a", false).await;
    bound.put("binding.token", &plain).await;
    assert!(!end.ends_cleanly().await);
    until(|| !bound.records().is_empty()).await;
    assert_eq!(bound.records()[0]["reason"], "approval-missing");
    drop(send);
}

/// What the answer goes on under (an embargo that spares cleared code, a pod that several share) was chosen
/// for the trust there was.
#[tokio::test]
async fn resets_answers_whose_code_is_trusted_less() {
    let (bound, send) = streaming(revocable()).await;
    bound.approve(&bound.keys.carol, Level::Cleared).await;
    let end = begin(&bound, &send, "/open/a", false).await;
    bound.approve(&bound.keys.carol, Level::OkToTest).await;
    assert!(!end.ends_cleanly().await);
    until(|| !bound.records().is_empty()).await;
    assert_eq!(bound.records()[0]["reason"], "approval-missing");
    drop(send);
}

#[tokio::test]
async fn refuses_an_answer_that_came_too_late() {
    let go = Arc::new(tokio::sync::Notify::new());
    let asked = Arc::new(tokio::sync::Notify::new());
    let (waits, tells) = (Arc::clone(&go), Arc::clone(&asked));
    let address = app(move |_| {
        let (go, asked) = (Arc::clone(&waits), Arc::clone(&tells));
        async move {
            asked.notify_one();
            go.notified().await;
            let answer = Response::builder().header("content-type", "text/plain");
            answer.body(crate::upstream::full("ok")).unwrap()
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("revoked.txt"), "").unwrap();
    let bound = revocable().start_with(address, folder).await;
    let token = bound.token("alice");
    for (revoked, expected) in [
        (bound.token("alice"), (200, "ok")),
        (token.clone(), (401, "capability-revoked")),
    ] {
        let ask = bound.ask(&Method::GET, "/tour/a", &token);
        let revoke = async {
            asked.notified().await;
            bound.put("revoked.txt", &revocation_id(&revoked)).await;
            go.notify_one();
        };
        let (reply, ()) = tokio::join!(ask, revoke);
        let (status, code) = verdict(&reply);
        assert_eq!((status, code.as_str()), expected);
    }
}

/// What a client sends is on its way, too: to an app that answers when all of it is there.
#[tokio::test]
async fn ends_requests_whose_capability_is_revoked() {
    let begun = Arc::new(tokio::sync::Notify::new());
    let tells = Arc::clone(&begun);
    let address = app(move |request| {
        let tells = Arc::clone(&tells);
        async move {
            tells.notify_one();
            let _ = request.into_body().collect().await;
            let answer = Response::builder().header("content-type", "text/plain");
            answer.body(crate::upstream::full("ok")).unwrap()
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("revoked.txt"), "").unwrap();
    let bound = revocable().start_with(address, folder).await;
    bound.approve(&bound.keys.carol, Level::Cleared).await;
    for is_revoked in [false, true] {
        let token = bound.token("alice");
        let (send, pieces) = mpsc::unbounded_channel();
        let piece = Bytes::from("another line of what is sent\n".repeat(200));
        send.send(piece.clone()).unwrap();
        let request = Request::post("/open/a")
            .header("host", HOST)
            .header("content-type", "text/plain")
            .header("authorization", format!("Bearer {token}"))
            .body(Pieces(pieces))
            .unwrap();
        let asked = task::spawn(crate::client::send(bound.address, request));
        begun.notified().await;
        let revoked = if is_revoked {
            token
        } else {
            bound.token("alice")
        };
        let before = std::fs::read_to_string(bound.path().join("revoked.txt")).unwrap();
        let list = format!("{before}\n{}", revocation_id(&revoked));
        bound.put("revoked.txt", &list).await;
        let sender = if is_revoked {
            Some(send)
        } else {
            send.send(piece).unwrap();
            drop(send);
            None
        };
        let reply = asked.await.unwrap();
        let expected = match is_revoked {
            true => (401, "capability-revoked".to_owned()),
            false => (200, "ok".to_owned()),
        };
        assert_eq!(verdict(&reply), expected);
        drop(sender);
    }
}

#[tokio::test]
async fn lets_answers_end_that_may_still_pass() {
    for is_h2 in [false, true] {
        let (bound, send) = streaming(revocable()).await;
        let end = begin(&bound, &send, "/tour/a", is_h2).await;
        let other = "ab".repeat(64);
        bound.put("revoked.txt", &other).await;
        bound.approve(&bound.keys.carol, Level::OkToTest).await;
        send.send(Bytes::from("last line\n")).unwrap();
        drop(send);
        assert!(end.ends_cleanly().await);
        until(|| !bound.records().is_empty()).await;
        assert_eq!(bound.records()[0]["ending"], "complete");
    }
}

#[tokio::test]
async fn judges_each_request_of_a_connection_anew() {
    let (bound, send) = streaming(revocable()).await;
    drop(send);
    let stream = TokioIo::new(TcpStream::connect(bound.address).await.unwrap());
    let shake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
    let (mut sender, connection) = shake.await.unwrap();
    task::spawn(connection);
    let token = bound.token("alice");
    let mut statuses = Vec::new();
    for step in 0..3 {
        let request = Request::get(format!("http://{HOST}/tour/a"))
            .header("authorization", format!("Bearer {token}"))
            .body(Empty::<Bytes>::new())
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        statuses.push(answer.status().as_u16());
        let _ = answer.into_body().collect().await;
        if step == 1 {
            bound.put("revoked.txt", &revocation_id(&token)).await;
        }
    }
    assert_eq!(statuses, [200, 200, 401]);
    let reply = bound
        .ask(&Method::GET, "/tour/a", &bound.token("alice"))
        .await;
    assert_eq!(verdict(&reply).0, 200);
}
