//! What the app is told of the user: identity headers and a capability of the pod's own, whatever the client sends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use biscuit_auth::builder::{Algorithm, AuthorizerBuilder};
use biscuit_auth::{Biscuit, PublicKey};
use bytes::Bytes;
use chaperone::capability::mint::{Grant, SigningKey};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::net::TcpStream;

use super::passing::Frames;
use crate::client::{self, Reply, get};
use crate::preview::{Preview, preview};
use crate::upstream::{app, echo, full};

/// The values of one field in what the app says that it saw.
fn seen<'r>(reply: &'r Reply, name: &str) -> Vec<&'r str> {
    let lines = reply.text().lines();
    let named = lines.filter_map(|line| line.split_once(": "));
    let values = named.filter(|(found, _)| *found == name);
    values.map(|(_, value)| value).collect()
}

async fn keys(preview: &Preview) -> (Reply, PublicKey) {
    let request = Request::get("/.well-known/chaperone/keys.json").header("host", "127.0.0.1");
    let reply = client::send(preview.address, request.body(Empty::new()).unwrap()).await;
    let set: Value = serde_json::from_str(reply.text()).unwrap();
    let key = &set["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"]),
        (&"OKP".into(), &"Ed25519".into())
    );
    let bytes = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    let key = PublicKey::from_bytes(&bytes, Algorithm::Ed25519).unwrap();
    (reply, key)
}

fn holds(token: &Biscuit, rule: &str, now: Timestamp) -> bool {
    let authorizer = format!("time({now:.0}); {rule}");
    let authorizer = AuthorizerBuilder::new().code(authorizer).unwrap();
    authorizer.build(token).unwrap().authorize().is_ok()
}

#[tokio::test]
async fn tells_the_app_who_asks_in_a_form_that_it_can_prove() {
    let preview = preview(echo().await)
        .config("revision: abc1234\n")
        .start()
        .await;
    let (published, key) = keys(&preview).await;
    assert_eq!(published.status, 200);
    assert_eq!(
        published.headers["content-type"],
        "application/jwk-set+json"
    );
    let reply = get(preview.address, "/open/a", &preview.token("alice")).await;
    let tokens = seen(&reply, "chaperone-capability");
    let token = Biscuit::from_base64(tokens[0], key).unwrap();
    let now = Timestamp::now();
    let decision = reply.headers["chaperone-decision"].to_str().unwrap();
    let rule = format!(
        "allow if subject(\"alice\"), email(\"alice@shop.example\"), group(\"buyers\"), preview(\"test\"),
         revision(\"abc1234\"), decision(\"{decision}\"), audience(\"outbound\");"
    );
    assert!(holds(&token, &rule, now));
    assert!(!holds(&token, &rule.replace("alice", "bob"), now));
    let over = now + SignedDuration::from_mins(6);
    assert!(!holds(&token, &rule, over), "it has ended");
    let again = get(preview.address, "/open/a", &preview.token("alice")).await;
    assert_ne!(seen(&again, "chaperone-capability"), tokens);
    // What the app is given opens no door for it.
    let reply = get(preview.address, "/open/a", tokens[0]).await;
    assert_eq!(reply.code(), "capability-invalid");
    let records = preview.recorded(4).await;
    assert_eq!(
        (&records[0]["decision"], &records[0]["status"]),
        (&"allow".into(), &200.into())
    );
}

#[tokio::test]
async fn refuses_identities_that_clients_write() {
    const COPIES: [&str; 8] = [
        "X-Forwarded-User",
        "x_forwarded_user",
        "X-Forwarded_Email",
        "x.forwarded.groups",
        "X-Forwarded-Preferred-Username",
        "HTTP_X_FORWARDED_USER",
        "X-Auth-Request-User",
        "Remote-User",
    ];
    let preview = preview(echo().await).start().await;
    let token = preview.mint(
        &Grant::new("alice")
            .with("preferred_username", "Alice")
            .with("group", "a"),
    );
    let announced = format!("{}, x-sum", COPIES.join(", "));
    let trailers = |last: &[&'static str]| {
        let names = COPIES.iter().chain(last);
        let mut fields: HeaderMap = names
            .map(|name| name.parse::<HeaderName>().unwrap())
            .map(|name| (name, HeaderValue::from_static("mallory")))
            .collect();
        fields.insert("x-sum", HeaderValue::from_static("7"));
        let frames = [
            Frame::data(Bytes::from_static(b"body")),
            Frame::trailers(fields),
        ];
        Frames(frames.into())
    };
    let request = |address: &str| {
        let mut request = Request::post(address).header("authorization", format!("Bearer {token}"));
        for name in COPIES {
            request = request.header(name, "mallory").header(name, "mallory2");
        }
        request
            .header("content-type", "text/plain")
            .header("te", "trailers")
            .header("trailer", announced.as_str())
    };
    let first = || request("/open/a").header("host", "app.test");
    let second = || request("http://app.test/open/a").version(http::Version::HTTP_2);
    // A capability may not stand there: the whole request is refused.
    let strange = || trailers(&["chaperone-capability"]);
    let announced = first().header("trailer", "chaperone-capability");
    let refused = client::send(preview.address, announced.body(strange()).unwrap()).await;
    assert_eq!(refused.code(), "ambiguous-request");
    let stream = TcpStream::connect(preview.address).await.unwrap();
    let refused = client::send_h2(stream, second().body(strange()).unwrap()).await;
    assert_eq!(refused.code(), "ambiguous-request");
    let first = client::send(preview.address, first().body(Empty::new()).unwrap()).await;
    let stream = TcpStream::connect(preview.address).await.unwrap();
    let second = client::send_h2(stream, second().body(trailers(&[])).unwrap()).await;
    assert_eq!(seen(&second, "trailer x-sum"), ["7"]);
    for reply in [first, second] {
        assert!(!reply.text().contains("mallory"), "{}", reply.text());

        assert_eq!(seen(&reply, "x-forwarded-user"), ["alice"]);
        assert_eq!(seen(&reply, "x-forwarded-preferred-username"), ["Alice"]);
        assert_eq!(seen(&reply, "x-forwarded-groups"), ["a"]);
        assert_eq!(seen(&reply, "x-forwarded-email"), [""; 0]);
        assert_eq!(seen(&reply, "chaperone-capability").len(), 1);
    }
}

#[tokio::test]
async fn writes_names_as_they_are_and_none_that_would_read_as_another() {
    let app = app(|request| async move {
        let fields = request.headers().iter();
        let told = fields.filter(|(name, _)| name.as_str().starts_with("x-forwarded-"));
        let told = told.map(|(name, value)| {
            format!(
                "{name}: {}\n",
                std::str::from_utf8(value.as_bytes()).unwrap()
            )
        });
        let answer = Response::builder().header("content-type", "text/plain; charset=utf-8");
        answer.body(full(told.collect::<String>())).unwrap()
    });
    let preview = preview(app.await).start().await;
    let grant = Grant::new("Zoë,O'Brien")
        .with("group", "käufer")
        .with("group", "a,b")
        .with("group", " buyers")
        .with("group", "über alles")
        .with("email", "zoë@shop.example ")
        .with("email", "zoë@shop.example");
    let reply = get(preview.address, "/open/a", &preview.mint(&grant)).await;
    assert_eq!(seen(&reply, "x-forwarded-user"), ["Zoë,O'Brien"]);
    assert_eq!(seen(&reply, "x-forwarded-groups"), ["käufer,über alles"]);
    assert_eq!(seen(&reply, "x-forwarded-email"), ["zoë@shop.example"]);
    // A server reads ` alice` as `alice`: that user can't be told, so there is no request.
    for id in [" alice", "alice ", "alice\u{a0}"] {
        let reply = get(preview.address, "/open/a", &preview.mint(&Grant::new(id))).await;
        assert_eq!(reply.code(), "capability-invalid", "{id:?}");
    }
}

#[tokio::test]
async fn refuses_identities_that_the_app_answers_with() {
    let app = app(|_| async {
        let answer = Response::builder()
            .header("content-type", "text/plain")
            .header("x-forwarded-user", "mallory")
            .header("X_Forwarded_Email", "mallory")
            .header("x-auth-request-groups", "mallory")
            .header("chaperone-capability", "mallory")
            .header("x-user-count", "7");
        answer.body(full("fine").boxed()).unwrap()
    });
    let preview = preview(app.await).start().await;
    let reply = get(preview.address, "/open/a", &preview.token("alice")).await;
    assert_eq!(reply.text(), "fine");
    assert_eq!(reply.headers["x-user-count"], "7");
    assert!(
        !format!("{:?}", reply.headers).contains("mallory"),
        "{:?}",
        reply.headers
    );
}

#[tokio::test]
async fn keeps_its_key_where_one_is_configured_and_signs_nothing_where_it_shall_not() {
    let key = SigningKey::generate().unwrap();
    let pem = key.pem().expose().trim().replace('\n', "\n    ");
    let config = format!("identity:\n  capability: false\n  key: |\n    {pem}\n");
    let preview = preview(echo().await).config(&config).start().await;
    let (_, published) = keys(&preview).await;
    let published = format!("ed25519/{}", published.to_bytes_hex());
    assert_eq!(published, key.public().to_string());
    let reply = get(preview.address, "/open/a", &preview.token("alice")).await;
    assert_eq!(seen(&reply, "chaperone-capability"), [""; 0]);
    assert_eq!(seen(&reply, "x-forwarded-user"), ["alice"]);
}

/// The app is hostile: what it is told of an exchange must open nothing, and neither may what another preview's sidecar made.
#[tokio::test]
async fn opens_no_door_with_what_the_app_is_told() {
    let preview = preview(echo().await)
        .config("identity: { capability: true, key_file: issuer.key }\n")
        .start()
        .await;
    let reply = get(preview.address, "/open/a", &preview.token("alice")).await;
    let word = seen(&reply, "chaperone-capability")[0].to_owned();
    let elsewhere = Grant {
        preview: Some("another".to_owned()),
        ..Grant::new("alice")
    };
    let elsewhere = preview.mint(&elsewhere);
    for (token, code) in [
        (&word, "capability-invalid"),
        (&elsewhere, "capability-forbids"),
    ] {
        for (name, value) in [
            ("authorization", format!("Bearer {token}")),
            ("chaperone-capability", token.clone()),
            ("cookie", format!("__Host-chaperone={token}")),
        ] {
            let request = Request::get("/open/a")
                .header("host", "app.test")
                .header("sec-fetch-site", "same-origin")
                .header(name, value);
            let request = request.body(Empty::<Bytes>::new()).unwrap();
            let refused = client::send(preview.address, request).await;
            assert_eq!(refused.code(), code, "{name}");
        }
    }
}
