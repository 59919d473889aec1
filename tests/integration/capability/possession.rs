//! Bound capabilities over the wire: DPoP proofs, client certificates, and who may send how many that fail.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chaperone::capability::mint::{Grant, SigningKey};
use http::Request;
use http_body_util::Empty;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use tokio::net::TcpStream;

use crate::client::{self, Reply, get};
use crate::preview::{Preview, preview};
use crate::upstream::echo;

const ROUTES: &str = "  - { match: \"* /open/**\", public: Nobody's data. }";

fn jwk(key: &SigningKey) -> Value {
    let set: Value = serde_json::from_str(&key.jwks(None)).unwrap();
    json!({"kty": "OKP", "crv": "Ed25519", "x": set["keys"][0]["x"]})
}

fn bound(preview: &Preview, key: &SigningKey) -> String {
    let text = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":{}}}"#, jwk(key)["x"]);
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(text));
    preview.mint(&Grant::new("ada").bound_to_key(&thumbprint))
}

fn proof(key: &SigningKey, token: &str, id: &str, path: &str) -> String {
    let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk(key)});
    let claims = json!({
        "jti": id, "htm": "GET", "htu": format!("https://app.test{path}"),
        "iat": Timestamp::now().as_second(), "ath": URL_SAFE_NO_PAD.encode(Sha256::digest(token)),
    });
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encode(&header), encode(&claims));
    format!("{message}.{}", key.sign(message.as_bytes()).unwrap())
}

async fn ask(preview: &Preview, fields: &[(&str, &str)]) -> Reply {
    let mut request = Request::get("/open/a").header("host", "app.test");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    client::send(preview.address, request.body(Empty::new()).unwrap()).await
}

#[tokio::test]
async fn lets_in_who_proves_to_have_the_key_once() {
    let preview = preview(echo().await).routes(ROUTES).start().await;
    let (key, thief) = (
        SigningKey::generate().unwrap(),
        SigningKey::generate().unwrap(),
    );
    let token = bound(&preview, &key);
    let scheme = format!("DPoP {token}");
    let good = proof(&key, &token, "1", "/open/a");
    let reply = ask(&preview, &[("authorization", &scheme), ("dpop", &good)]).await;
    assert_eq!(reply.status, 200);
    let text = reply.text();
    assert!(
        !text.contains("dpop") && !text.contains("authorization"),
        "{text}"
    );
    let named = proof(&key, &token, "2", "/open/a");
    let named = ask(
        &preview,
        &[("chaperone-capability", &token), ("dpop", &named)],
    )
    .await;
    assert_eq!(named.status, 200);

    let fresh = proof(&key, &token, "3", "/open/a");
    let bearer = format!("Bearer {token}");
    let stolen = proof(&thief, &token, "4", "/open/a");
    let elsewhere = proof(&key, &token, "5", "/open/b");
    let other = proof(&key, "another", "6", "/open/a");
    for fields in [
        &[("authorization", scheme.as_str()), ("dpop", good.as_str())][..],
        &[("authorization", &scheme)],
        &[("authorization", &bearer), ("dpop", &fresh)],
        &[("authorization", &bearer)],
        &[("chaperone-capability", &token)],
        &[
            ("authorization", &scheme),
            ("dpop", &fresh),
            ("dpop", &fresh),
        ],
        &[("authorization", &scheme), ("dpop", &stolen)],
        &[("authorization", &scheme), ("dpop", &elsewhere)],
        &[("authorization", &scheme), ("dpop", &other)],
    ] {
        let reply = ask(&preview, fields).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code()),
            (401, "proof-invalid".to_owned())
        );
        let challenge = reply.headers["www-authenticate"].to_str().unwrap();
        assert!(
            challenge.starts_with("DPoP ") && challenge.contains("algs=\"ES256 EdDSA"),
            "{challenge}"
        );
    }
    let free = preview.token("ada");
    let promised = format!("DPoP {free}");
    assert_eq!(
        ask(&preview, &[("authorization", &promised)]).await.code(),
        "proof-invalid"
    );
    // A proof beside a token that needs none is nobody's business, and not the app's.
    let free = format!("Bearer {free}");
    let reply = ask(&preview, &[("authorization", &free), ("dpop", &fresh)]).await;
    assert!(reply.status == 200 && !reply.text().contains("dpop"));
}

/// Replicas, and the process after this one, know what was used where they share a folder.
#[tokio::test]
async fn takes_a_proof_once_among_all_who_share_the_folder() {
    let spent = tempfile::tempdir().unwrap();
    let folder = spent.path().join("proofs");
    std::fs::create_dir(&folder).unwrap();
    let config = format!("proofs: {{ spent: {} }}\n", folder.display());
    let one = preview(echo().await)
        .routes(ROUTES)
        .config(&config)
        .start()
        .await;
    let other = |config: String| {
        let issuer = one.key().public().to_string();
        async move {
            preview(echo().await)
                .routes(ROUTES)
                .file("other.pub", &issuer)
                .capability("biscuit: { root_keys: [other.pub] }")
                .config(&config)
                .start()
                .await
        }
    };
    let (replica, stranger) = (other(config.clone()).await, other(String::new()).await);
    let key = SigningKey::generate().unwrap();
    let token = bound(&one, &key);
    let scheme = format!("DPoP {token}");
    let at = |preview, proof: String| {
        let scheme = scheme.clone();
        async move {
            let reply = ask(preview, &[("authorization", &scheme), ("dpop", &proof)]).await;
            let code = if reply.status == 200 {
                "ok".to_owned()
            } else {
                reply.code()
            };
            (reply.status.as_u16(), code)
        }
    };
    let fresh = |id: &str| proof(&key, &token, id, "/open/a");
    let (passed, refused) = ((200, "ok".to_owned()), (401, "proof-invalid".to_owned()));
    let used = fresh("1");
    assert_eq!(at(&one, used.clone()).await, passed);
    assert_eq!(at(&replica, used.clone()).await, refused);
    let after = other(config).await;
    assert_eq!(at(&after, used.clone()).await, refused, "after a restart");
    assert_eq!(
        at(&replica, fresh("2")).await,
        passed,
        "another one is nobody's business"
    );
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
    // Who shares no folder can't know.
    assert_eq!(at(&stranger, used).await, passed);
    // Where it can't be written down, none is taken.
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(at(&one, fresh("3")).await, (503, "overloaded".to_owned()));
    std::fs::create_dir(&folder).unwrap();
    assert_eq!(at(&one, fresh("4")).await, passed);
}

#[tokio::test]
async fn lets_in_who_shows_the_certificate() {
    let cert = rcgen::generate_simple_self_signed(["app.test".to_owned()]).unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "Clients of tests");
    let key = rcgen::KeyPair::generate().unwrap();
    let authority = rcgen::CertifiedIssuer::self_signed(params, key).unwrap();
    let client = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &authority).unwrap(), key)
    };
    let (ada, eve) = (client("ada"), client("eve"));
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(ada.0.der()));

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("cert.pem"), cert.cert.pem()).unwrap();
    std::fs::write(path("key.pem"), cert.signing_key.serialize_pem()).unwrap();
    std::fs::write(path("clients.pem"), authority.pem()).unwrap();
    let tls = format!(
        "tls: {{ certificate: {}, key: {}, client_ca: {} }}\n",
        path("cert.pem"),
        path("key.pem"),
        path("clients.pem")
    );
    let preview = preview(echo().await)
        .routes(ROUTES)
        .config(&tls)
        .start()
        .await;
    let bound = preview.mint(&Grant::new("ada").bound_to_certificate(&hash));
    let free = preview.token("ada");

    for (who, token, status) in [
        (Some(&ada), &bound, 200),
        (Some(&eve), &bound, 401),
        (None, &bound, 401),
        (Some(&eve), &free, 200),
        (None, &free, 200),
    ] {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(cert.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match who {
            None => config.with_no_client_auth(),
            Some((cert, key)) => {
                let key = rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
                config
                    .with_client_auth_cert(vec![cert.der().clone()], key)
                    .unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = TcpStream::connect(preview.address).await.unwrap();
        let name = "app.test".try_into().unwrap();
        let stream = connector.connect(name, stream).await.unwrap();
        let request = Request::get("https://app.test/open/a")
            .header("authorization", format!("Bearer {token}"))
            .version(http::Version::HTTP_2);
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let reply = client::send_h2(stream, request).await;
        assert_eq!(reply.status, status);
        if status == 401 {
            assert_eq!(reply.code(), "proof-invalid");
        }
    }
}

#[tokio::test]
async fn bears_few_failures_of_one_client_and_lets_the_known_pass() {
    let hops = "trusted_hops: { addresses: [127.0.0.1] }\n";
    let preview = preview(echo().await)
        .routes(ROUTES)
        .limits("failures: 1")
        .config(hops)
        .start()
        .await;
    let token = format!("Bearer {}", preview.token("ada"));
    let from = |client: &'static str, token: &str| {
        let fields = [
            ("x-forwarded-for".to_owned(), client.to_owned()),
            ("authorization".to_owned(), token.to_owned()),
        ];
        let preview = &preview;
        async move {
            let fields: Vec<(&str, &str)> = fields
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            ask(preview, &fields).await
        }
    };
    assert_eq!(from("192.0.2.1", &token).await.status, 200);
    // Ten at once, and what is forgotten meanwhile.
    let mut limited = None;
    for number in 0..10_000 {
        let reply = from("192.0.2.1", &format!("Bearer bad-{number}")).await;
        if reply.status == 429 {
            limited = Some((number, reply));
            break;
        }
        assert_eq!(reply.code(), "capability-invalid");
    }
    let (number, reply) = limited.unwrap();
    assert!(number >= 9, "{number}");
    assert_eq!(reply.code(), "too-many-failures");
    assert_eq!(reply.headers["retry-after"], "1");
    // What was proven before passes; others are not held to account, whatever they say of themselves.
    assert_eq!(from("192.0.2.1", &token).await.status, 200);
    let fresh = format!("Bearer {}", preview.token("bob"));
    assert_eq!(from("192.0.2.2", &fresh).await.status, 200);
    assert_eq!(
        from("192.0.2.9, 192.0.2.3", "Bearer bad").await.code(),
        "capability-invalid"
    );
}

#[tokio::test]
async fn lets_the_known_pass_through_a_storm() {
    let preview = preview(echo().await)
        .routes(ROUTES)
        .limits("failures: 1000")
        .start()
        .await;
    let token = preview.token("ada");
    assert_eq!(get(preview.address, "/open/a", &token).await.status, 200);
    let mut refused = 0;
    for number in 0..3000 {
        let reply = get(preview.address, "/open/a", &format!("bad-{number}")).await;
        refused += u32::from(reply.status == 401 || reply.status == 429);
    }
    assert_eq!(refused, 3000);
    assert_eq!(get(preview.address, "/open/a", &token).await.status, 200);
}
