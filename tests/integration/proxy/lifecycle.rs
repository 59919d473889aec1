//! From the first probe to the end of the drain, with reloads in between.

use std::sync::Arc;

use chaperone::runtime::task;
use http::Response;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::client::{self, get};
use crate::preview::{preview, until};
use crate::upstream::{app, echo, fixed, full};

async fn probe(address: std::net::SocketAddr, path: &str) -> u16 {
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let answer = client::bytes(address, request).await;
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn takes_a_good_policy_and_refuses_a_bad_one() {
    let orders = r#"[{"owner":"alice","peer":"bob"},{"owner":"bob","peer":"alice"}]"#;
    let preview = preview(fixed("application/json", orders).await)
        .start()
        .await;
    let token = preview.token("alice");
    let path = "/orders";
    let before = get(preview.address, path, &token).await;
    assert_eq!(before.text(), r#"[{"owner":"alice","peer":"bob"}]"#);

    preview.edit_policy(|policy| policy.replace("\"$.owner\"", "\"$.owner"));
    let refused = "chaperone_reloads_total{what=\"policy\",outcome=\"refused\"}";
    until(|| preview.metric(refused).is_some()).await;
    let same = get(preview.address, path, &token).await;
    assert_eq!(same.text(), before.text());

    preview.edit_policy(|policy| policy.replace("\"$.owner", "\"$.peer\""));
    until(|| preview.metric("chaperone_policy_generation") == Some(2.0)).await;
    let after = get(preview.address, path, &token).await;
    assert_eq!(after.text(), r#"[{"owner":"bob","peer":"alice"}]"#);
    let records = preview.recorded(3).await;
    let generations: Vec<_> = records
        .iter()
        .map(|record| record["generation"].clone())
        .collect();
    assert_eq!(generations, [1, 1, 2]);

    // A revoked issuer's tokens end with its key.
    let other = chaperone::capability::mint::SigningKey::generate().unwrap();
    std::fs::write(
        preview.folder().join("issuer.pub"),
        other.public().to_string(),
    )
    .unwrap();
    until(|| preview.metric("chaperone_policy_generation") == Some(3.0)).await;
    let reply = get(preview.address, path, &token).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (401, "capability-invalid")
    );
}

#[tokio::test]
async fn reloads_on_request_without_failing_anyone() {
    let preview = preview(echo().await).start().await;
    let token = preview.token("alice");
    for round in 2..10 {
        preview.edit_policy(|policy| format!("{policy}# {round}\n"));
        preview.handle.reload();
        assert_eq!(get(preview.address, "/open/a", &token).await.status, 200);
    }
    until(|| preview.metric("chaperone_policy_generation") >= Some(2.0)).await;
}

#[tokio::test]
async fn reloads_under_load_without_failing_anyone() {
    let preview = preview(echo().await).start().await;
    let (address, token) = (preview.address, preview.token("alice"));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let token = token.clone();
            task::spawn(async move {
                for _ in 0..40 {
                    assert_eq!(get(address, "/open/a", &token).await.status, 200);
                }
            })
        })
        .collect();
    let mut round = 0;
    while !clients.iter().all(tokio::task::JoinHandle::is_finished) {
        round += 1;
        preview.edit_policy(|policy| format!("{policy}# {round}\n"));
        preview.handle.reload();
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    for client in clients {
        client.await.unwrap();
    }
    let blocked = preview.recorded(320).await;
    assert!(blocked.iter().all(|record| record["decision"] == "allow"));
    until(|| preview.metric("chaperone_policy_generation") >= Some(2.0)).await;
}

#[tokio::test]
async fn refuses_tokens_of_an_issuer_that_the_policy_no_longer_names() {
    let preview = preview(echo().await).start().await;
    let other = chaperone::capability::mint::SigningKey::generate().unwrap();
    let key = preview.folder().join("other.pub");
    std::fs::write(key, other.public().to_string()).unwrap();
    let names = |keys: &'static str| {
        move |policy: String| {
            let (before, rest) = policy.split_once("root_keys: [").unwrap();
            let (_, after) = rest.split_once(']').unwrap();
            format!("{before}root_keys: [{keys}]{after}")
        }
    };
    let (old, token) = (preview.token("alice"), {
        let grant = chaperone::capability::mint::Grant::new("alice");
        grant.biscuit(&other).unwrap().expose().clone()
    });
    let status = async |token: &str| get(preview.address, "/open/a", token).await.status.as_u16();
    assert_eq!((status(&old).await, status(&token).await), (200, 401));
    preview.edit_policy(names("issuer.pub, other.pub"));
    until(|| preview.metric("chaperone_policy_generation") == Some(2.0)).await;
    assert_eq!((status(&old).await, status(&token).await), (200, 200));
    preview.edit_policy(names("other.pub"));
    until(|| preview.metric("chaperone_policy_generation") == Some(3.0)).await;
    assert_eq!((status(&old).await, status(&token).await), (401, 200));
}

#[tokio::test]
async fn takes_a_new_certificate_and_refuses_a_bad_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let renew = || {
        let cert = rcgen::generate_simple_self_signed(["app.test".to_owned()]).unwrap();
        std::fs::write(path("key.pem"), cert.signing_key.serialize_pem()).unwrap();
        std::fs::write(path("cert.pem"), cert.cert.pem()).unwrap();
        cert.cert.der().to_vec()
    };
    let first = renew();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let tls = format!("tls: {{ certificate: {cert}, key: {key} }}\n");
    let preview = preview(echo().await).config(&tls).start().await;
    assert_eq!(shown(preview.address).await, first);
    let second = renew();
    let taken = "chaperone_reloads_total{what=\"tls\",outcome=\"taken\"}";
    until(|| preview.metric(taken).is_some()).await;
    assert_eq!(shown(preview.address).await, second);
    std::fs::write(path("cert.pem"), "no certificate").unwrap();
    let refused = "chaperone_reloads_total{what=\"tls\",outcome=\"refused\"}";
    until(|| preview.metric(refused).is_some()).await;
    assert_eq!(shown(preview.address).await, second);
}

/// The certificate that a TLS client is shown.
async fn shown(address: std::net::SocketAddr) -> Vec<u8> {
    let seen = Arc::new(Seen::default());
    let verifier = Arc::clone(&seen);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(address).await.unwrap();
    let _ = connector
        .connect("app.test".try_into().unwrap(), stream)
        .await;
    seen.0.lock().unwrap().clone()
}

/// Keeps what it is shown and trusts nothing.
#[derive(Debug, Default)]
struct Seen(std::sync::Mutex<Vec<u8>>);

impl rustls::client::danger::ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        shown: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        *self.0.lock().unwrap() = shown.to_vec();
        Err(rustls::Error::General("seen".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("never".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("never".to_owned()))
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        vec![
            rustls::SignatureScheme::ECDSA_NISTP256_SHA256,
            rustls::SignatureScheme::ED25519,
        ]
    }
}

#[tokio::test]
async fn finishes_what_runs_and_takes_nothing_new() {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&arrived), Arc::clone(&go));
    let address = app(move |_| {
        let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
        async move {
            tell.notify_one();
            wait.notified().await;
            Response::builder()
                .header("content-type", "text/plain")
                .body(full("late"))
                .unwrap()
        }
    })
    .await;
    let preview = preview(address).start().await;
    let (address, health) = (preview.address, preview.health);
    assert_eq!(
        (
            probe(health, "/livez").await,
            probe(health, "/readyz").await
        ),
        (200, 200)
    );
    let token = preview.token("alice");
    let running = task::spawn(async move { get(address, "/open/a", &token).await });
    arrived.notified().await;
    // An idle connection must not hold the end up.
    let mut idle = TcpStream::connect(address).await.unwrap();
    preview.handle.stop();
    assert_eq!(
        (
            probe(health, "/livez").await,
            probe(health, "/readyz").await
        ),
        (200, 503)
    );
    while TcpStream::connect(address).await.is_ok() {}
    go.notify_one();
    assert_eq!(running.await.unwrap().text(), "late");
    let _ = idle.write_all(b"GET /open/a HTTP/1.1\r\n").await;
    let mut rest = Vec::new();
    let _ = idle.read_to_end(&mut rest).await;
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
    let records = preview.records();
    assert!(preview.running.await.unwrap());
    assert_eq!(records[0]["ending"], "complete");
}

#[tokio::test]
async fn ends_what_does_not_end_by_itself() {
    let address = app(|_| std::future::pending()).await;
    let preview = preview(address).limits("drain: 10ms").start().await;
    let (address, token) = (preview.address, preview.token("alice"));
    let request =
        format!("GET /open/a HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    until(|| preview.metric("chaperone_requests_in_flight") == Some(1.0)).await;
    preview.handle.stop();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    let record = &preview.recorded(1).await[0];
    assert_eq!(
        (&record["ending"], &record["decision"]),
        (&"aborted".into(), &"block".into())
    );
    assert!(!preview.running.await.unwrap());
}

#[tokio::test]
async fn refuses_more_at_once_than_its_limit() {
    let go = Arc::new(Notify::new());
    let wait = Arc::clone(&go);
    let address = app(move |_| {
        let wait = Arc::clone(&wait);
        async move {
            wait.notified().await;
            Response::builder()
                .header("content-type", "text/plain")
                .body(full("ok"))
                .unwrap()
        }
    })
    .await;
    let preview = preview(address).limits("requests: 1").start().await;
    let (address, token) = (preview.address, preview.token("alice"));
    let first = {
        let token = token.clone();
        task::spawn(async move { get(address, "/open/a", &token).await })
    };
    until(|| preview.metric("chaperone_requests_in_flight") == Some(1.0)).await;
    let second = get(address, "/open/a", &token).await;
    assert_eq!(
        (second.status.as_u16(), second.code().as_str()),
        (503, "overloaded")
    );
    go.notify_one();
    assert_eq!(first.await.unwrap().text(), "ok");
    go.notify_one();
    assert_eq!(get(address, "/open/a", &token).await.text(), "ok");
}

#[tokio::test]
async fn closes_connections_that_do_nothing() {
    let preview = preview(echo().await)
        .limits("head_time: 50ms, idle: 50ms")
        .start()
        .await;
    for begin in ["", "\r\n", "PRI * HTTP"] {
        assert_eq!(client::bytes(preview.address, begin).await, "", "{begin}");
    }
    assert!(preview.records().is_empty());
    let begin = "GET /open/a HTTP/1.1\r\nhost:";
    let answer = client::bytes(preview.address, begin).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(preview.recorded(1).await[0]["reason"], "request-timeout");
}

#[tokio::test]
async fn tells_metrics_on_a_socket_of_its_own() {
    let preview = preview(echo().await).start().await;
    get(preview.address, "/open/a", &preview.token("alice")).await;
    preview.recorded(1).await;
    let path = preview.folder().join("admin.sock");
    let mut stream = tokio::net::UnixStream::connect(path).await.unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let line = "chaperone_requests_total{decision=\"allow\",reason=\"\",route=\"* /open/**\"} 1";
    assert!(text.contains(line), "{text}");
    assert_eq!(probe(preview.health, "/metrics").await, 404);
}
