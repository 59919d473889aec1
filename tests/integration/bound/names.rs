//! Whom a connection was opened for and whom a request asks for: both must be the preview, and no answer speaks to a
//! browser in another host's name.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::stage::{Bound, HOST, Setup, verdict};
use crate::client::{self, Reply};
use crate::upstream::{AppBody, app, echo};

const SIBLING: &str = "pr-2.preview.example";

/// A bound preview behind TLS, with one certificate for all its siblings.
struct Stage {
    bound: Bound,
    certificate: rustls::pki_types::CertificateDer<'static>,
    _folder: TempDir,
}

impl Stage {
    async fn new(setup: Setup) -> Self {
        Self::before(echo().await, setup).await
    }

    async fn before(app: SocketAddr, mut setup: Setup) -> Self {
        let names = [HOST, SIBLING, "127.0.0.1"].map(str::to_owned);
        let cert = rcgen::generate_simple_self_signed(names).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("cert.pem"), cert.cert.pem()).unwrap();
        std::fs::write(path("key.pem"), cert.signing_key.serialize_pem()).unwrap();
        setup.config += &format!(
            "tls: {{ certificate: {}, key: {} }}\n",
            path("cert.pem"),
            path("key.pem")
        );
        Self {
            bound: setup.start(app).await,
            certificate: cert.cert.der().clone(),
            _folder: folder,
        }
    }

    /// A connection that was opened for `name`; an address is no name.
    async fn connect(&self, name: &str) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = TcpStream::connect(self.bound.address).await.unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        connector.connect(name, stream).await.unwrap()
    }

    async fn ask(&self, name: &str, host: &str) -> Reply {
        let token = self.bound.token("alice");
        let request = Request::get(format!("https://{host}/tour/a"))
            .header("authorization", format!("Bearer {token}"))
            .body(Empty::<Bytes>::new())
            .unwrap();
        client::send_h2(self.connect(name).await, request).await
    }
}

#[tokio::test]
async fn refuses_connections_that_were_opened_for_another() {
    let misdirected = (421, "misdirected".to_owned());
    let ok = (200, "ok".to_owned());
    let stage = Stage::new(Setup::default()).await;
    for (name, host, expected) in [
        (HOST, HOST, &ok),
        ("PR-1.Preview.Example", HOST, &ok),
        // Clients that know an address alone give no name.
        ("127.0.0.1", HOST, &ok),
        (SIBLING, HOST, &misdirected),
        (HOST, SIBLING, &misdirected),
        (SIBLING, SIBLING, &misdirected),
    ] {
        let reply = stage.ask(name, host).await;
        assert_eq!(verdict(&reply), *expected, "{name} {host}");
    }
    let records = stage.bound.records();
    assert_eq!(records[3]["reason"], "misdirected");
    assert!(records[3].get("token").is_none_or(|it| it.is_null()));
}

#[tokio::test]
async fn ends_requests_whose_connection_was_opened_for_what_is_no_host_any_more() {
    let asked = Arc::new(tokio::sync::Notify::new());
    let tells = Arc::clone(&asked);
    let silent = app(move |_| {
        tells.notify_one();
        std::future::pending::<Response<AppBody>>()
    });
    let mut setup = Setup::default();
    setup.draft.hosts = vec![HOST.to_owned(), SIBLING.to_owned()];
    let stage = Stage::before(silent.await, setup).await;
    let changed = async {
        asked.notified().await;
        let mut draft = stage.bound.draft.clone();
        draft.hosts = vec![HOST.to_owned()];
        let binding = draft.sign(&stage.bound.keys.deployer).unwrap();
        stage.bound.put("binding.token", binding.expose()).await;
    };
    let (reply, ()) = tokio::join!(stage.ask(SIBLING, HOST), changed);
    assert_eq!(verdict(&reply), (421, "misdirected".to_owned()));
}

#[tokio::test]
async fn takes_the_name_of_a_host_that_has_a_port() {
    let mut setup = Setup::default();
    setup.draft.hosts = vec![format!("{HOST}:8443"), SIBLING.to_owned()];
    let stage = Stage::new(setup).await;
    let host = format!("{HOST}:8443");
    for name in [HOST, SIBLING] {
        assert_eq!(stage.ask(name, &host).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn clears_no_browser_in_another_hosts_name() {
    let bound = Setup::default().start(echo().await).await;
    for (host, path, status, is_cleared) in [
        (HOST, "/tour/a", 401, true),
        // A browser that took one connection for another host's would lose what that one has stored in it.
        (SIBLING, "/tour/a", 421, false),
        (SIBLING, "/tour/a;b", 400, false),
        (SIBLING, "/.well-known/chaperone/keys.json", 200, false),
        (SIBLING, "/.well-known/chaperone/sign-out", 421, false),
    ] {
        let request = Request::get(path)
            .header("host", host)
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .header("cookie", "theirs=1")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let reply = client::send(bound.address, request).await;
        assert_eq!(reply.status, status, "{host}{path}");
        for name in ["clear-site-data", "set-cookie"] {
            let is_told = reply.headers.contains_key(name);
            assert_eq!(is_told, is_cleared, "{host}{path}: {name}");
        }
    }
}
