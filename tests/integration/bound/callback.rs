//! Logins whose callback stands on one host for all previews: there, back, and nowhere else.

use std::net::SocketAddr;

use bytes::Bytes;
use chaperone::capability::mint::SigningKey;
use http::{Method, Request};
use http_body_util::Empty;

use super::stage::{Bound, HOST, Setup};
use crate::client::{self, Reply};
use crate::preview::{Preview, preview};
use crate::proxy::login::{Says, provider};
use crate::upstream::fixed;

const CALLBACK: &str = "/.well-known/chaperone/callback";
const AUTH: &str = "auth.test";
const KEY: &str = "a key that both ends have, for tests";

/// A preview that logs in by way of `AUTH`, and a sidecar that answers there for `previews`.
struct Stage {
    bound: Bound,
    auth: Preview,
    says: std::sync::Arc<std::sync::Mutex<Says>>,
    issuer: String,
}

async fn stage(previews: &str, key: &str) -> Stage {
    let says = Says::to(AUTH);
    let issuer = format!("http://{}", provider(says.clone()).await);
    let folder = tempfile::tempdir().unwrap();
    let mint = SigningKey::generate().unwrap();
    std::fs::write(folder.path().join("mint.key"), mint.pem().expose()).unwrap();
    std::fs::write(folder.path().join("mint.pub"), mint.public().to_string()).unwrap();
    let mut setup = Setup::default().policy("[issuer.pub]", "[issuer.pub, mint.pub]");
    setup.config.push_str(&format!(
        "mint: {{ key_file: {}/mint.key }}\n\
         login:\n  issuer: '{issuer}'\n  client_id: shop\n  client_secret: a/b\n  \
         callback: {{ url: 'https://{AUTH}{CALLBACK}', key: '{KEY}' }}\n",
        folder.path().display()
    ));
    let bound = setup
        .start_with(fixed("text/plain", "from the app").await, folder)
        .await;
    let config = format!("callback: {{ host: {AUTH}, previews: [{previews}], key: '{key}' }}\n");
    let auth = preview(fixed("text/plain", "another app").await);
    let auth = auth.config(&config).start().await;
    Stage {
        bound,
        auth,
        says,
        issuer,
    }
}

async fn get(address: SocketAddr, host: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
    ask(Method::GET, address, host, path, fields).await
}

async fn ask(
    method: Method,
    address: SocketAddr,
    host: &str,
    path: &str,
    fields: &[(&str, &str)],
) -> Reply {
    let request = Request::builder().method(method).uri(path);
    let mut request = request.header("host", host);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    client::send(address, request.body(Empty::<Bytes>::new()).unwrap()).await
}

impl Stage {
    /// Begins a login: the browser's cookie, and what the provider sends it back with.
    async fn begin(&self) -> (String, String) {
        let login = "/.well-known/chaperone/login?to=%2Ftour%2Fa";
        let reply = get(self.bound.address, HOST, login, &[]).await;
        assert_eq!(reply.status, 303, "{:?}", reply.body);
        let place = reply.headers["location"].to_str().unwrap();
        let value = |name: &str| {
            let query = place.split_once('?').unwrap().1;
            let pairs = form_urlencoded::parse(query.as_bytes());
            let found = pairs.into_owned().find(|(known, _)| known == name);
            found.unwrap().1
        };
        assert_eq!(value("redirect_uri"), format!("https://{AUTH}{CALLBACK}"));
        let mut says = self.says.lock().unwrap();
        (says.challenge, says.nonce) = (value("code_challenge"), value("nonce"));
        let cookie = reply.headers["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let issuer = self.issuer.replace(':', "%3A").replace('/', "%2F");
        (
            cookie,
            format!("code=good&state={}&iss={issuer}", value("state")),
        )
    }

    async fn come_back(&self, said: &str) -> Reply {
        let path = format!("{CALLBACK}?{said}");
        get(self.auth.address, AUTH, &path, &[]).await
    }
}

fn place(reply: &Reply) -> String {
    reply.headers["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn leads_back_to_the_preview_that_began() {
    let stage = stage("'*.preview.example'", KEY).await;
    let (cookie, said) = stage.begin().await;
    let sent = stage.come_back(&format!("{said}&session_state=x")).await;
    assert_eq!(sent.status, 303, "{:?}", sent.body);
    assert!(!sent.headers.contains_key("set-cookie"));
    let sent = place(&sent);
    let path = sent.strip_prefix(&format!("https://{HOST}")).unwrap();
    assert!(
        path.starts_with(&format!("{CALLBACK}?")) && !path.contains("session_state"),
        "{path}"
    );
    let strange = get(stage.bound.address, HOST, path, &[]).await;
    assert_eq!(
        strange.code(),
        "login-failed",
        "another browser than the one that began"
    );
    let fields = [("cookie", &*cookie), ("sec-fetch-site", "cross-site")];
    let back = get(stage.bound.address, HOST, path, &fields).await;
    assert_eq!((back.status.as_u16(), &*place(&back)), (303, "/tour/a"));
    let session = back.headers["set-cookie"].to_str().unwrap();
    let session = session.split(';').next().unwrap();
    let fields = [("cookie", session), ("sec-fetch-site", "same-origin")];
    let reply = get(stage.bound.address, HOST, "/tour/a", &fields).await;
    assert_eq!(reply.text(), "from the app");
    // What the provider said stands in no log.
    let records = stage.auth.recorded(1).await;
    assert_eq!(records[0]["event"], "login-forwarded");
    assert_eq!(records[0]["route"], CALLBACK);
    let log = std::fs::read_to_string(stage.auth.folder().join("log/audit.jsonl")).unwrap();
    assert!(!log.contains("code=") && !log.contains("state="), "{log}");
}

#[tokio::test]
async fn tells_the_preview_what_went_wrong() {
    let stage = stage("pr-1.preview.example", KEY).await;
    let (cookie, said) = stage.begin().await;
    let said = said.replace("code=good", "error=access_denied");
    let sent = place(&stage.come_back(&said).await);
    let path = sent.strip_prefix(&format!("https://{HOST}")).unwrap();
    let back = get(stage.bound.address, HOST, path, &[("cookie", &cookie)]).await;
    assert_eq!(back.code(), "login-failed");
    assert!(back.text().contains("access_denied"), "{}", back.text());
}

#[tokio::test]
async fn refuses_to_lead_elsewhere() {
    for (previews, key, is_led) in [
        ("pr-1.preview.example", KEY, true),
        (
            "'*.preview.example'",
            "another key, of just as many bytes",
            false,
        ),
        ("pr-2.preview.example, '*.pr-1.preview.example'", KEY, false),
        ("'pr-1.preview.example:8443'", KEY, false),
    ] {
        let stage = stage(previews, key).await;
        let (_, said) = stage.begin().await;
        let reply = stage.come_back(&said).await;
        if is_led {
            assert_eq!(reply.status, 303);
            continue;
        }
        assert_eq!(
            (reply.status.as_u16(), reply.code()),
            (403, "login-failed".to_owned())
        );
        assert!(!reply.headers.contains_key("location"));
    }
}

#[tokio::test]
async fn has_nothing_else_and_no_app_on_its_host() {
    let stage = stage("'*.preview.example'", KEY).await;
    let (_, said) = stage.begin().await;
    let token = format!("Bearer {}", stage.auth.token("alice"));
    let asked = |method, path: String, host: &'static str| {
        let fields = [("authorization", token.clone())];
        let address = stage.auth.address;
        async move {
            let fields = fields
                .each_ref()
                .map(|(name, value)| (*name, value.as_str()));
            ask(method, address, host, &path, &fields).await
        }
    };
    for (method, path) in [
        (Method::GET, "/open/a".to_owned()),
        (Method::GET, "/".to_owned()),
        (Method::GET, "/.well-known/chaperone/login".to_owned()),
        (Method::POST, format!("{CALLBACK}?{said}")),
        (Method::GET, format!("{CALLBACK}/x?{said}")),
    ] {
        for host in [AUTH, "AUTH.test:443"] {
            let reply = asked(method.clone(), path.clone(), host).await;
            assert_eq!(
                (reply.status.as_u16(), reply.code()),
                (404, "endpoint-unknown".to_owned()),
                "{path}"
            );
            assert!(!reply.headers.contains_key("clear-site-data"));
        }
    }
    let script = [("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")];
    let path = format!("{CALLBACK}?{said}");
    let reply = get(stage.auth.address, AUTH, &path, &script).await;
    assert_eq!(reply.code(), "cross-origin-request");
    // The sidecar's own preview is where it was.
    let reply = asked(Method::GET, "/open/a".to_owned(), "app.test").await;
    assert_eq!(reply.text(), "another app");
}
