//! What passes, and as what.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{self, get};
use crate::preview::preview;
use crate::upstream::{self, Notes, app, echo, fixed, full};

const ORDERS: &str =
    r#"[ {"owner":"alice","n":1}, {"owner":"bob","n":2},{"owner":"alice","n":3.0} ]"#;

#[tokio::test]
async fn gives_each_user_their_own_records() {
    let preview = preview(fixed("application/json", ORDERS).await)
        .start()
        .await;
    let alice = get(preview.address, "/orders", &preview.token("alice")).await;
    assert_eq!(
        alice.text(),
        r#"[ {"owner":"alice","n":1},{"owner":"alice","n":3.0} ]"#
    );
    assert_eq!(alice.headers["chaperone-filter"], "owner");
    assert_eq!(alice.headers["cache-control"], "no-store");
    let bob = get(preview.address, "/orders", &preview.token("bob")).await;
    assert_eq!(bob.text(), r#"[ {"owner":"bob","n":2} ]"#);
    let records = preview.recorded(2).await;
    let id = alice.headers["chaperone-decision"].to_str().unwrap();
    assert_eq!(records[0]["id"], id);
    assert_eq!(records[0]["decision"], "redact");
    assert_eq!(records[0]["subject"], "alice");
    assert_eq!(records[0]["path"], "/orders");
    assert_eq!(records[1]["rules"][0]["count"], 2);
}

#[tokio::test]
async fn speaks_http2_by_prior_knowledge() {
    let preview = preview(echo().await).start().await;
    let stream = TcpStream::connect(preview.address).await.unwrap();
    let request = Request::post("http://app.test/open/a?b=c")
        .header("chaperone-capability", preview.token("alice"))
        .version(Version::HTTP_2);
    let body = Full::new(Bytes::from_static(b"hello"));
    let reply = client::send_h2(stream, request.body(body).unwrap()).await;
    assert_eq!(reply.status, 200);
    assert!(
        reply.text().starts_with("POST /open/a?b=c\n"),
        "{}",
        reply.text()
    );
    assert!(reply.text().contains("host: app.test\n"));
    assert!(reply.text().ends_with("hello"));
}

#[tokio::test]
async fn shows_the_app_the_subject_and_never_the_bearer() {
    let preview = preview(echo().await).start().await;
    let token = preview.token("alice");
    let request = Request::get("/open/a")
        .header("host", "app.test")
        .header("authorization", format!("Bearer {token}"))
        .header("chaperone-capability", &token)
        .header("x-forwarded-user", "bob")
        .header("X_Forwarded_User", "bob")
        .header("x-forwarded-email", "bob@shop.example")
        .header("remote-user", "bob")
        .header("connection", "x-private")
        .header("x-private", "1");
    let reply = client::send(preview.address, request.body(Empty::new()).unwrap()).await;
    let seen = reply.text();
    for line in [
        "host: app.test\n",
        "x-forwarded-user: alice\n",
        "x-forwarded-email: alice@shop.example\n",
        "x-forwarded-groups: buyers\n",
    ] {
        assert!(seen.contains(line), "{line} in {seen}");
    }
    for word in [&*token, "bob", "authorization", "x-private"] {
        assert!(!seen.contains(word), "{word} in {seen}");
    }
}

#[tokio::test]
async fn carries_trailers_both_ways() {
    let address = app(|request| async move {
        let seen = request.into_body().collect().await.unwrap();
        let sum = seen.trailers().map_or("none".parse().unwrap(), |trailers| {
            trailers["x-sum"].clone()
        });
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), sum)]);
        let frames = [
            Frame::data(Bytes::from_static(b"body")),
            Frame::trailers(trailers),
        ];
        let body = Frames(frames.into());
        let answer = Response::builder()
            .header("content-type", "text/plain")
            .header("trailer", "x-sum");
        answer.body(body.boxed()).unwrap()
    })
    .await;
    let preview = preview(address).start().await;
    let sent = HeaderMap::from_iter([("x-sum".parse().unwrap(), "42".parse().unwrap())]);
    let frames = [
        Frame::data(Bytes::from_static(b"up")),
        Frame::trailers(sent),
    ];
    let request = Request::post("/open/a")
        .header("host", "app.test")
        .header("te", "trailers")
        .header("trailer", "x-sum")
        .header("chaperone-capability", preview.token("alice"));
    let body = Frames(frames.into());
    let reply = client::send(preview.address, request.body(body).unwrap()).await;
    assert_eq!(reply.text(), "body");
    assert_eq!(reply.trailers.unwrap()["x-sum"], "42");
}

#[tokio::test]
async fn tells_a_client_that_waits_to_go_on() {
    let preview = preview(echo().await).start().await;
    let token = preview.token("alice");
    let request = format!(
        "POST /open/a HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-length: 2\r\n\
         connection: close\r\nexpect: 100-continue\r\n\r\nhi"
    );
    let answer = client::bytes(preview.address, request).await;
    assert!(
        answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"),
        "{answer}"
    );
    assert!(!answer.contains("expect:"));
    let refused =
        "POST /open/a HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    let answer = client::bytes(preview.address, refused).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[tokio::test]
async fn answers_old_clients_and_bodiless_requests() {
    let address = app(|request| async move {
        let answer = Response::builder().header("content-type", "text/plain");
        match request.uri().path() {
            "/open/204" => answer.status(204).body(full("")).unwrap(),
            "/open/304" => answer.status(304).body(full("")).unwrap(),
            _ => answer.body(full("body")).unwrap(),
        }
    })
    .await;
    let preview = preview(address).start().await;
    let token = preview.token("alice");
    for status in [204, 304] {
        let reply = get(preview.address, &format!("/open/{status}"), &token).await;
        assert_eq!((reply.status.as_u16(), reply.text()), (status, ""));
        assert!(reply.headers.contains_key("chaperone-decision"));
    }
    let head = Request::head("/open/a")
        .header("host", "a")
        .header("chaperone-capability", &token);
    let reply = client::send(preview.address, head.body(Empty::new()).unwrap()).await;
    assert_eq!((reply.status.as_u16(), reply.text()), (200, ""));
    let old = format!("GET /open/a HTTP/1.0\r\nauthorization: Bearer {token}\r\n\r\n");
    let answer = client::bytes(preview.address, old).await;
    assert!(
        answer.starts_with("HTTP/1.0 200 OK\r\n") && answer.ends_with("\r\n\r\nbody"),
        "{answer}"
    );
    // The record of an answer that is over with its head stands before the head leaves.
    assert_eq!(preview.records().len(), 4);
}

#[tokio::test]
async fn keeps_one_subject_to_a_connection() {
    let notes = Notes::default();
    let seen = Arc::clone(&notes);
    let address = upstream::raw(move |stream| {
        let seen = Arc::clone(&seen);
        let connection = Arc::new(Mutex::new(String::new()));
        async move {
            use tokio::io::AsyncWriteExt as _;
            let mut stream = stream;
            loop {
                let head = upstream::read_head(&mut stream).await;
                let Some(user) = head
                    .lines()
                    .find_map(|line| line.strip_prefix("x-forwarded-user: "))
                else {
                    break;
                };
                connection.lock().unwrap().push_str(user);
                seen.lock()
                    .unwrap()
                    .push(connection.lock().unwrap().clone());
                let answer =
                    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok";
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let preview = preview(address).start().await;
    for user in ["a", "b", "a", "a"] {
        let reply = get(preview.address, "/open/a", &preview.token(user)).await;
        assert_eq!(reply.text(), "ok");
    }
    assert_eq!(*notes.lock().unwrap(), ["a", "b", "aa", "aaa"]);
}

#[tokio::test]
async fn speaks_tls_with_alpn() {
    let cert = rcgen::generate_simple_self_signed(["app.test".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("cert.pem"), cert.cert.pem()).unwrap();
    std::fs::write(path("key.pem"), cert.signing_key.serialize_pem()).unwrap();
    let tls = format!(
        "tls: {{ certificate: {}, key: {} }}\n",
        path("cert.pem"),
        path("key.pem")
    );
    let preview = preview(echo().await).config(&tls).start().await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(cert.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    for protocol in ["h2", "http/1.1"] {
        config.alpn_protocols = vec![protocol.into()];
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config.clone()));
        let stream = TcpStream::connect(preview.address).await.unwrap();
        let name = "app.test".try_into().unwrap();
        let mut stream = connector.connect(name, stream).await.unwrap();
        assert_eq!(
            stream.get_ref().1.alpn_protocol(),
            Some(protocol.as_bytes())
        );
        if protocol == "h2" {
            let request = Request::get("https://app.test/open/a")
                .header("chaperone-capability", preview.token("alice"))
                .version(Version::HTTP_2);
            let request = request.body(Empty::<Bytes>::new()).unwrap();
            assert_eq!(client::send_h2(stream, request).await.status, 200);
        } else {
            let bare = b"GET /open/a HTTP/1.1\r\nhost: app.test\n\n";
            stream.write_all(bare).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
            assert!(answer.contains("a line ends without"), "{answer}");
        }
    }
}

/// Frames, one after the other.
pub(super) struct Frames(pub(super) std::collections::VecDeque<Frame<Bytes>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        std::task::Poll::Ready(self.0.pop_front().map(Ok))
    }
}
