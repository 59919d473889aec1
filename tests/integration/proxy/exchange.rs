//! Token exchange (RFC 8693) from outside: a JSON Web Token in, a short capability for this preview out.

use bytes::Bytes;
use chaperone::capability::mint::{Grant, JwtStamp, SigningKey};
use http::Request;
use http_body_util::Full;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::client::{self, Reply};
use crate::preview::{Preview, preview};
use crate::upstream::fixed;

const GRANT: &str = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange";
const KIND: &str = "subject_token_type=urn:ietf:params:oauth:token-type:jwt";

async fn stage(provider: &SigningKey) -> Preview {
    let app = fixed("text/plain", "from the app").await;
    preview(app)
        .capability(
            "biscuit: { root_keys: [issuer.pub] }\n  jwt: { issuer: 'https://id.example', audience: shop, jwks: jwks.json, algorithms: [EdDSA] }",
        )
        .file("jwks.json", &provider.jwks(None))
        .config("mint: { key_file: issuer.key, lifetime: 1h }\n")
        .start()
        .await
}

fn jwt(provider: &SigningKey, minutes: i64) -> String {
    let now = Timestamp::now();
    let stamp = JwtStamp {
        issuer: "https://id.example",
        audience: "shop",
        key_id: None,
        issued: now,
    };
    let grant = Grant::new("alice").with("email", "alice@shop.example");
    let grant = grant.until(now + SignedDuration::from_mins(minutes));
    grant.jwt(provider, &stamp).unwrap().expose().clone()
}

async fn post(preview: &Preview, form: &str) -> Reply {
    let request = Request::post("/.well-known/chaperone/token")
        .header("host", "app.test")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(form.to_owned())))
        .unwrap();
    client::send(preview.address, request).await
}

fn json(reply: &Reply) -> Value {
    serde_json::from_str(reply.text()).unwrap()
}

#[tokio::test]
async fn gives_a_capability_that_ends_with_the_token() {
    let provider = SigningKey::generate().unwrap();
    let preview = stage(&provider).await;
    for (minutes, least, most) in [(5, 290, 300), (600, 3590, 3600)] {
        let token = jwt(&provider, minutes);
        let reply = post(&preview, &format!("{GRANT}&{KIND}&subject_token={token}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.headers["cache-control"], "no-store");
        let granted = json(&reply);
        assert_eq!(granted["token_type"], "Bearer");
        assert_eq!(
            granted["issued_token_type"],
            "urn:ietf:params:oauth:token-type:access_token"
        );
        let seconds = granted["expires_in"].as_i64().unwrap();
        assert!((least..=most).contains(&seconds), "{seconds}");
        let capability = granted["access_token"].as_str().unwrap();
        let reply = client::get(preview.address, "/open/a", capability).await;
        assert_eq!(reply.text(), "from the app");
    }
    let records = preview.recorded(4).await;
    assert_eq!(records[0]["event"], "token-exchanged");
    assert_eq!(records[0]["subject"], "alice");
    assert_eq!(records[0]["token"], records[1]["token"]);
}

#[tokio::test]
async fn refuses_in_the_words_of_oauth() {
    let provider = SigningKey::generate().unwrap();
    let preview = stage(&provider).await;
    let good = jwt(&provider, 5);
    let stranger = jwt(&SigningKey::generate().unwrap(), 5);
    let old = jwt(&provider, -2);
    let biscuit = preview.token("alice");
    let whole = format!("{GRANT}&{KIND}&subject_token={good}");
    for (form, error) in [
        (String::new(), "invalid_request"),
        (format!("{KIND}&subject_token={good}"), "invalid_request"),
        (
            format!("grant_type=password&subject_token={good}"),
            "unsupported_grant_type",
        ),
        (format!("{GRANT}&subject_token={good}"), "invalid_request"),
        (format!("{GRANT}&{KIND}"), "invalid_request"),
        (
            format!("{GRANT}&{KIND}&subject_token={stranger}"),
            "invalid_request",
        ),
        (
            format!("{GRANT}&{KIND}&subject_token={old}"),
            "invalid_request",
        ),
        (
            format!("{GRANT}&{KIND}&subject_token={biscuit}"),
            "invalid_request",
        ),
        (format!("{whole}&subject_token={good}"), "invalid_request"),
        (format!("{whole}&actor_token={good}"), "invalid_request"),
        (format!("{whole}&scope=all"), "invalid_scope"),
        (format!("{whole}&audience=another"), "invalid_target"),
        (
            format!("{whole}&resource=https://x.example"),
            "invalid_target",
        ),
        (
            format!("{whole}&requested_token_type=urn:ietf:params:oauth:token-type:saml2"),
            "invalid_request",
        ),
    ] {
        let reply = post(&preview, &form).await;
        assert_eq!(reply.status, 400, "{form}");
        let denied = json(&reply);
        assert_eq!(denied["error"], error, "{form}: {denied}");
        assert!(denied["error_description"].is_string());
        assert!(denied.get("access_token").is_none());
        assert!(!reply.text().contains(&good));
    }
    let named = post(&preview, &format!("{whole}&audience=test")).await;
    assert_eq!(named.status, 200);
    let records = preview.recorded(15).await;
    assert_eq!(records[0]["reason"], "request-malformed");
    assert_eq!(records[5]["reason"], "capability-invalid");
    assert_eq!(records[6]["reason"], "capability-expired");
    assert_eq!(records[0]["decision"], "block");
}

#[tokio::test]
async fn takes_no_cookie_for_a_token() {
    let provider = SigningKey::generate().unwrap();
    let preview = stage(&provider).await;
    let request = Request::post("/.well-known/chaperone/token")
        .header("host", "app.test")
        .header(
            "cookie",
            format!("__Host-chaperone={}", preview.token("alice")),
        )
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(format!("{GRANT}&{KIND}"))))
        .unwrap();
    let reply = client::send(preview.address, request).await;
    assert_eq!(reply.status, 400);
}

/// The command line's way to the same address.
#[tokio::test]
async fn is_asked_by_the_command_line() {
    let provider = SigningKey::generate().unwrap();
    let preview = stage(&provider).await;
    let here = format!("http://{}", preview.address);
    let exchange = |at: &str, token: &str, more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_chaperone"));
        command
            .args(["token", "exchange", "--at", at, "--token-env", "ID_TOKEN"])
            .args(more)
            .env("ID_TOKEN", token);
        let ran = chaperone::runtime::task::spawn_blocking(move || command.output().unwrap());
        async move {
            let output = ran.await.unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (
                output.status.code(),
                text(output.stdout),
                text(output.stderr),
            )
        }
    };
    let good = jwt(&provider, 5);
    for more in [&[][..], &["--preview", "test"]] {
        let (code, made, said) = exchange(&here, &good, more).await;
        assert_eq!((code, &*said), (Some(0), ""));
        let reply = client::get(preview.address, "/open/a", made.trim()).await;
        assert_eq!(reply.text(), "from the app");
    }
    let forged = jwt(&SigningKey::generate().unwrap(), 5);
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", silent.local_addr().unwrap());
    drop(silent);
    let elsewhere = fixed("text/plain", "\u{1b}[31m").await;
    let elsewhere = format!("http://{elsewhere}");
    for (at, token, more, code, part) in [
        (&here, &forged, &[][..], 1, "refused: capability-invalid: "),
        (
            &here,
            &good,
            &["--preview", "other"],
            1,
            "the one audience here",
        ),
        (&here, &preview.token("alice"), &[], 1, "Biscuit"),
        (&nobody, &good, &[], 2, "it can't be reached"),
        (&elsewhere, &good, &[], 2, "holds no capability"),
        (&"https://a@b".to_owned(), &good, &[], 2, "is no preview"),
    ] {
        let (status, made, said) = exchange(at, token, more).await;
        assert_eq!((status, &*made), (Some(code), ""), "{said}");
        assert!(said.contains(part) && !said.contains(token), "{said}");
        assert!(!said.contains('\u{1b}'));
    }
    let bare = preview_without_mint().await;
    let (status, _, said) = exchange(&format!("http://{}", bare.address), &good, &[]).await;
    assert_eq!(
        (status, said.contains("endpoint-unknown")),
        (Some(1), true),
        "{said}"
    );
}

async fn preview_without_mint() -> Preview {
    preview(fixed("text/plain", "from the app").await)
        .start()
        .await
}
