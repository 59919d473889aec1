//! Key sets and revocations by address, from servers that answer, change, lie and die.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chaperone::capability::mint::{Grant, JwtStamp, SigningKey};
use chaperone::capability::revoked;
use http::Response;
use jiff::{SignedDuration, Timestamp};

use crate::client::{self, get};
use crate::preview::{Preview, preview, until};
use crate::upstream::{self, app, full};

const ROUTES: &str = "  - { match: \"* /open/**\", public: Nobody's data. }";

/// A server whose answer tests change, and how often it was asked.
#[derive(Clone)]
struct Publisher {
    address: SocketAddr,
    answer: Arc<Mutex<(u16, String)>>,
    asked: Arc<AtomicUsize>,
}

impl Publisher {
    async fn start(text: &str) -> Self {
        let answer = Arc::new(Mutex::new((200, text.to_owned())));
        let asked = Arc::new(AtomicUsize::new(0));
        let (told, counted) = (Arc::clone(&answer), Arc::clone(&asked));
        let address = app(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            let (status, text) = told.lock().unwrap().clone();
            async move {
                let answer = Response::builder().status(status);
                let answer = answer.header("location", "/elsewhere");
                answer.body(full(text)).unwrap()
            }
        })
        .await;
        Self {
            address,
            answer,
            asked,
        }
    }

    fn say(&self, status: u16, text: &str) {
        *self.answer.lock().unwrap() = (status, text.to_owned());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Waits until it was asked twice more: the first answer may have been on its way already.
    async fn read_again(&self) {
        let before = self.asked();
        until(|| self.asked() >= before + 2).await;
    }
}

fn jwt(key: &SigningKey, issuer: &str, kid: &str, grant: Grant) -> String {
    let now = Timestamp::now();
    let stamp = JwtStamp {
        issuer,
        audience: "shop",
        key_id: Some(kid),
        issued: now,
    };
    let grant = grant.until(now + SignedDuration::from_hours(1));
    grant.jwt(key, &stamp).unwrap().expose().clone()
}

async fn ready(preview: &Preview) {
    loop {
        let request = http::Request::get("/readyz").header("host", "probe");
        let request = request.body(http_body_util::Empty::new()).unwrap();
        if client::send(preview.health, request).await.status == 200 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

fn issuer(url: &str, pace: &str) -> String {
    format!(
        "jwt: {{ issuer: id, audience: shop, algorithms: [EdDSA], jwks: {{ url: \"{url}\", {pace} }} }}"
    )
}

#[tokio::test]
async fn fetches_no_key_within_the_pause() {
    let (old, new) = (
        SigningKey::generate().unwrap(),
        SigningKey::generate().unwrap(),
    );
    let publisher = Publisher::start(&old.jwks(Some("old"))).await;
    let url = format!("http://{}/jwks", publisher.address);
    let preview = preview(upstream::echo().await)
        .routes(ROUTES)
        .capability(&issuer(&url, "every: 1h"))
        .start()
        .await;
    ready(&preview).await;
    let of_old = jwt(&old, "id", "old", Grant::new("ada"));
    let of_new = jwt(&new, "id", "new", Grant::new("ada"));
    assert_eq!(get(preview.address, "/open/a", &of_old).await.status, 200);
    assert_eq!(publisher.asked(), 1);
    // The start has fetched just now: whoever names the new key waits for nothing and is refused.
    publisher.say(200, &new.jwks(Some("new")));
    for _ in 0..20 {
        let reply = get(preview.address, "/open/a", &of_new).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code()),
            (401, "capability-invalid".to_owned())
        );
    }
    assert_eq!(publisher.asked(), 1);
}

#[tokio::test]
async fn fetches_once_in_a_pause_however_many_unknown_keys_are_named() {
    let (old, new) = (
        SigningKey::generate().unwrap(),
        SigningKey::generate().unwrap(),
    );
    let publisher = Publisher::start(&old.jwks(Some("old"))).await;
    let url = format!("http://{}/jwks", publisher.address);
    let preview = preview(upstream::echo().await)
        .routes(ROUTES)
        .capability(&issuer(&url, "every: 1s, max_age: 1h"))
        .start()
        .await;
    ready(&preview).await;
    let of_old = jwt(&old, "id", "old", Grant::new("ada"));
    let of_new = jwt(&new, "id", "new", Grant::new("ada"));
    assert_eq!(get(preview.address, "/open/a", &of_old).await.status, 200);
    let (begun, before) = (Timestamp::now(), publisher.asked());
    for number in 0..150 {
        let stray = jwt(&new, "id", &format!("stray-{number}"), Grant::new("ada"));
        assert_eq!(get(preview.address, "/open/a", &stray).await.status, 401);
    }
    let seconds = Timestamp::now().duration_since(begun).as_secs();
    let most = before + usize::try_from(seconds).unwrap() + 2;
    assert!(publisher.asked() <= most, "{} of {most}", publisher.asked());
    publisher.say(200, &new.jwks(Some("new")));
    loop {
        // Either it is fetched for this one, or for one a moment later.
        if get(preview.address, "/open/a", &of_new).await.status == 200 {
            break;
        }
    }
    let reply = get(preview.address, "/open/a", &of_old).await;
    assert_eq!(reply.code(), "capability-invalid", "its key was withdrawn");
}

#[tokio::test]
async fn keeps_the_last_good_keys_until_their_age_and_then_closes() {
    let key = SigningKey::generate().unwrap();
    let publisher = Publisher::start(&key.jwks(Some("k"))).await;
    let url = format!("http://{}/jwks", publisher.address);
    let preview = preview(upstream::echo().await)
        .routes(ROUTES)
        .capability(&issuer(&url, "every: 1s, max_age: 6s"))
        .start()
        .await;
    ready(&preview).await;
    let token = jwt(&key, "id", "k", Grant::new("ada"));
    assert_eq!(get(preview.address, "/open/a", &token).await.status, 200);
    // Whatever it is that can't be used, it does not replace what can.
    publisher.say(200, "{\"keys\":[]}");
    publisher.read_again().await;
    let weak = r#"{"keys":[{"kty":"oct","k":"AAAA","kid":"k"}]}"#;
    publisher.say(200, weak);
    assert_eq!(get(preview.address, "/open/a", &token).await.status, 200);
    loop {
        let reply = get(preview.address, "/open/a", &token).await;
        if reply.status != 200 {
            assert_eq!(
                (reply.status.as_u16(), reply.code()),
                (503, "issuer-keys-stale".to_owned())
            );
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // And opens again by itself.
    publisher.say(200, &key.jwks(Some("k")));
    while get(preview.address, "/open/a", &token).await.status != 200 {}
}

#[tokio::test]
async fn takes_nothing_from_redirects_errors_and_floods() {
    let key = SigningKey::generate().unwrap();
    let keys = key.jwks(Some("k"));
    for (status, text) in [
        (302, keys.clone()),
        (404, keys.clone()),
        (500, keys.clone()),
        (200, format!("{keys}{}", " ".repeat(5 << 20))),
        (200, "<html>".to_owned()),
    ] {
        let publisher = Publisher::start("").await;
        publisher.say(status, &text);
        let url = format!("http://{}/jwks", publisher.address);
        let preview = preview(upstream::echo().await)
            .routes(ROUTES)
            .capability(&issuer(&url, "every: 1s"))
            .start()
            .await;
        let token = jwt(&key, "id", "k", Grant::new("ada"));
        publisher.read_again().await;
        let reply = get(preview.address, "/open/a", &token).await;
        assert_eq!(reply.code(), "issuer-keys-stale", "{status}");
        let probe = http::Request::get("/readyz").header("host", "probe");
        let probe = probe.body(http_body_util::Empty::new()).unwrap();
        assert_eq!(
            client::send(preview.health, probe).await.status,
            503,
            "{status}"
        );
        // The innocent twin.
        publisher.say(200, &keys);
        ready(&preview).await;
        assert_eq!(get(preview.address, "/open/a", &token).await.status, 200);
    }
}

#[tokio::test]
async fn trusts_the_named_authority_alone() {
    let key = SigningKey::generate().unwrap();
    let authority = Authority::new();
    let text = key.jwks(Some("k"));
    let address = authority.serve("localhost", text).await;
    let stranger = Authority::new();
    for (ca, is_trusted) in [(&authority, true), (&stranger, false)] {
        let url = format!("https://localhost:{}/jwks", address.port());
        let preview = preview(upstream::echo().await)
            .routes(ROUTES)
            .file("ca.pem", &ca.pem)
            .capability(&issuer(&url, "ca: ca.pem, every: 1s"))
            .start()
            .await;
        let token = jwt(&key, "id", "k", Grant::new("ada"));
        if is_trusted {
            ready(&preview).await;
        } else {
            let failed = "chaperone_reloads_total{what=\"key set\",outcome=\"refused\"}";
            until(|| preview.metric(failed).is_some_and(|count| count >= 1.0)).await;
        }
        let is_let_in = get(preview.address, "/open/a", &token).await.status == 200;
        assert_eq!(is_let_in, is_trusted);
    }
}

/// A certificate authority and what it signs.
struct Authority {
    issuer: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "An authority of tests");
        let key = rcgen::KeyPair::generate().unwrap();
        let issuer = rcgen::CertifiedIssuer::self_signed(params, key).unwrap();
        let pem = issuer.pem();
        Self { issuer, pem }
    }

    /// A server for `name` that says `text`.
    async fn serve(&self, name: &str, text: String) -> SocketAddr {
        use rustls::pki_types::PrivateKeyDer;
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        upstream::raw(move |stream| {
            let (acceptor, text) = (acceptor.clone(), text.clone());
            async move {
                use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut head = [0; 1024];
                let _ = stream.read(&mut head).await;
                let length = text.len();
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{text}");
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        })
        .await
    }
}

#[tokio::test]
async fn tells_several_issuers_and_their_users_apart() {
    let (one, two) = (
        SigningKey::generate().unwrap(),
        SigningKey::generate().unwrap(),
    );
    let preview = preview(upstream::echo().await)
        .routes(ROUTES)
        .file("one.json", &one.jwks(Some("k")))
        .file("two.json", &two.jwks(Some("k")))
        .capability(
            "jwt:\n    - { issuer: one, audience: shop, algorithms: [EdDSA], jwks: one.json }\n    \
             - { issuer: two, audience: shop, algorithms: [EdDSA], jwks: two.json, prefix: 'two:', claims: { $.realm_access.roles: group } }",
        )
        .start()
        .await;
    let user = |text: &str| {
        let mut lines = text.lines();
        let user = lines.find_map(|line| line.strip_prefix("x-forwarded-user: "));
        user.unwrap().to_owned()
    };
    let of_one = jwt(&one, "one", "k", Grant::new("ada"));
    let reply = get(preview.address, "/open/a", &of_one).await;
    assert_eq!(user(reply.text()), "ada");
    let of_two = jwt(&two, "two", "k", Grant::new("ada"));
    let reply = get(preview.address, "/open/a", &of_two).await;
    assert_eq!(user(reply.text()), "two:ada");
    // Claims inside of claims; an issuer without that mapping gives no groups by them.
    let nested = |key: &SigningKey, issuer: &str| {
        let claims = serde_json::json!({
            "iss": issuer, "aud": "shop", "sub": "ada", "exp": Timestamp::now().as_second() + 600,
            "realm_access": {"roles": ["buyers", "testers"]},
        });
        let parts = [
            r#"{"alg":"EdDSA","kid":"k"}"#.to_owned(),
            claims.to_string(),
        ];
        let message = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = key.sign(message.as_bytes()).unwrap();
        format!("{message}.{signature}")
    };
    let groups = "x-forwarded-groups: buyers,testers\n";
    let reply = get(preview.address, "/open/a", &nested(&two, "two")).await;
    assert!(reply.text().contains(groups), "{}", reply.text());
    let reply = get(preview.address, "/open/a", &nested(&one, "one")).await;
    assert!(!reply.text().contains("buyers"), "{}", reply.text());
    // Each issuer's key is good for its own tokens alone.
    for (key, issuer) in [(&one, "two"), (&two, "one"), (&one, "three"), (&two, "")] {
        let token = jwt(key, issuer, "k", Grant::new("ada"));
        let reply = get(preview.address, "/open/a", &token).await;
        assert_eq!(reply.code(), "capability-invalid", "{issuer}");
    }
}

#[tokio::test]
async fn takes_later_lists_of_revocations_and_no_others() {
    let revoker = SigningKey::generate().unwrap();
    let now = Timestamp::now();
    let ago = |seconds| now - SignedDuration::from_secs(seconds);
    let list = |ids: &[&str], at| {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        revoked::extend("", &ids, Some(&revoker), at).unwrap()
    };
    let first = list(&[], ago(60));
    let publisher = Publisher::start(&first).await;
    let url = format!("http://{}/revoked", publisher.address);
    let key = SigningKey::generate().unwrap();
    let preview = preview(upstream::echo().await)
        .routes(ROUTES)
        .file("keys.json", &key.jwks(Some("k")))
        .file("revoker.pub", &revoker.public().to_string())
        .capability(&format!(
            "jwt: {{ issuer: id, audience: shop, algorithms: [EdDSA], jwks: keys.json }}\n  \
             revoked: {{ list: {{ url: \"{url}\", every: 1s, max_age: 1h }}, key: revoker.pub }}"
        ))
        .start()
        .await;
    ready(&preview).await;
    let lost = jwt(&key, "id", "k", Grant::new("ada").with("jti", "lost"));
    let kept = jwt(&key, "id", "k", Grant::new("ada").with("jti", "kept"));
    assert_eq!(get(preview.address, "/open/a", &lost).await.status, 200);
    publisher.say(200, &list(&["jti:lost"], ago(30)));
    publisher.read_again().await;
    let refused = |code: String| assert_eq!(code, "capability-revoked");
    refused(get(preview.address, "/open/a", &lost).await.code());
    assert_eq!(get(preview.address, "/open/a", &kept).await.status, 200);
    // An older list, one that another key signed, and one that nobody signed.
    let stranger = SigningKey::generate().unwrap();
    let forged = revoked::extend("", &[], Some(&stranger), now).unwrap();
    let unsigned = revoked::extend("", &[], None, now).unwrap();
    for text in [first, forged, unsigned] {
        publisher.say(200, &text);
        publisher.read_again().await;
        refused(get(preview.address, "/open/a", &lost).await.code());
        assert_eq!(get(preview.address, "/open/a", &kept).await.status, 200);
    }
}

#[tokio::test]
async fn lets_nobody_in_on_a_list_that_was_signed_too_long_ago() {
    let revoker = SigningKey::generate().unwrap();
    let old = Timestamp::now() - SignedDuration::from_hours(2);
    let list = |at| revoked::extend("", &[], Some(&revoker), at).unwrap();
    let publisher = Publisher::start(&list(old)).await;
    let url = format!("http://{}/revoked", publisher.address);
    let preview = preview(upstream::echo().await)
        .routes(ROUTES)
        .file("revoker.pub", &revoker.public().to_string())
        .capability(&format!(
            "biscuit: {{ root_keys: [issuer.pub] }}\n  \
             revoked: {{ list: {{ url: \"{url}\", every: 1s, max_age: 1h }}, key: revoker.pub }}"
        ))
        .start()
        .await;
    ready(&preview).await;
    let token = preview.token("ada");
    let reply = get(preview.address, "/open/a", &token).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code()),
        (503, "revocations-stale".to_owned())
    );
    publisher.say(200, &list(Timestamp::now()));
    publisher.read_again().await;
    assert_eq!(get(preview.address, "/open/a", &token).await.status, 200);
}
