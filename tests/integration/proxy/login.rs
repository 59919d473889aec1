//! Login at a provider that does what each test needs: what of its answers counts, and for whom.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chaperone::capability::mint::SigningKey;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

use crate::client::{self, Reply};
use crate::preview::{Preview, preview};
use crate::upstream::{app, fixed, full, raw};

const HOME: &str = "/.well-known/chaperone";

/// What the provider says next.
pub(crate) struct Says {
    key: SigningKey,
    /// Claims that stand in the place of the right ones.
    claims: Value,
    /// Members that stand in the place of the right ones in what it says of itself.
    metadata: Value,
    pub(crate) challenge: String,
    pub(crate) nonce: String,
    /// Where it lets browsers be sent back to, as a form has it.
    at: String,
    asked: Vec<String>,
}

impl Says {
    /// A provider of one client, whose callback is on `host`.
    pub(crate) fn to(host: &str) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            key: SigningKey::generate().unwrap(),
            claims: json!({}),
            metadata: json!({}),
            challenge: String::new(),
            nonce: String::new(),
            at: format!("https%3A%2F%2F{host}%2F.well-known%2Fchaperone%2Fcallback"),
            asked: Vec::new(),
        }))
    }
}

struct Stage {
    preview: Preview,
    issuer: String,
    says: Arc<Mutex<Says>>,
}

fn merged(mut right: Value, wrong: &Value) -> Value {
    for (name, value) in wrong.as_object().unwrap() {
        right[name] = value.clone();
    }
    right
}

pub(crate) async fn provider(says: Arc<Mutex<Says>>) -> SocketAddr {
    app(move |request: Request<hyper::body::Incoming>| {
        let says = Arc::clone(&says);
        async move {
            let host = request.headers()["host"].to_str().unwrap().to_owned();
            let who = request.headers().get("authorization").cloned();
            let path = request.uri().path().to_owned();
            let form = request.into_body().collect().await.unwrap().to_bytes();
            let form = String::from_utf8(form.to_vec()).unwrap();
            let mut says = says.lock().unwrap();
            says.asked.push(format!("{path} {form}"));
            let issuer = format!("http://{host}");
            let (status, body) = match &*path {
                "/.well-known/openid-configuration" => (
                    200,
                    merged(
                        json!({
                            "issuer": issuer,
                            "authorization_endpoint": format!("{issuer}/auth?tenant=1"),
                            "token_endpoint": format!("{issuer}/token"),
                            "jwks_uri": format!("{issuer}/jwks"),
                            "authorization_response_iss_parameter_supported": true,
                        }),
                        &says.metadata,
                    ),
                ),
                "/jwks" => (
                    200,
                    serde_json::from_str(&says.key.jwks(Some("k"))).unwrap(),
                ),
                "/token" => token(
                    &says,
                    &issuer,
                    &form,
                    who.as_ref().map(|it| it.to_str().unwrap()),
                ),
                _ => (404, json!({})),
            };
            let answer = Response::builder().status(status);
            answer.body(full(body.to_string())).unwrap()
        }
    })
    .await
}

fn token(says: &Says, issuer: &str, form: &str, who: Option<&str>) -> (u16, Value) {
    let value = |name: &str| {
        let found = form
            .split('&')
            .find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        found.unwrap_or_default().to_owned()
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(value("code_verifier")));
    // `shop:a%2Fb` in base64: the secret is encoded first.
    let is_client = who == Some("Basic c2hvcDphJTJGYg==");
    if value("code") != "good"
        || challenge != says.challenge
        || !is_client
        || value("redirect_uri") != says.at
    {
        return (400, json!({"error": "invalid_grant"}));
    }
    let now = Timestamp::now().as_second();
    let claims = merged(
        json!({
            "iss": issuer, "aud": "shop", "sub": "alice", "nonce": says.nonce, "iat": now, "exp": now + 60,
            "email": "alice@shop.example", "email_verified": true,
        }),
        &says.claims,
    );
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "EdDSA", "kid": "k"}).to_string());
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = says.key.sign(signed.as_bytes()).unwrap();
    (
        200,
        json!({"access_token": "x", "token_type": "Bearer", "id_token": format!("{signed}.{signature}")}),
    )
}

async fn stage() -> Stage {
    stage_with(|_| "biscuit: { root_keys: [issuer.pub] }".to_owned()).await
}

/// The same before a policy that knows the provider as `capability` says.
async fn stage_with(capability: impl Fn(&str) -> String) -> Stage {
    let says = Says::to("app.test");
    let issuer = format!("http://{}", provider(Arc::clone(&says)).await);
    let config = format!(
        "mint: {{ key_file: issuer.key }}\n\
         login: {{ issuer: '{issuer}', client_id: shop, client_secret: a/b, scopes: [email] }}\n"
    );
    let app = fixed("text/plain", "from the app").await;
    Stage {
        preview: preview(app)
            .capability(&capability(&issuer))
            .file(
                "keys.json",
                &SigningKey::generate().unwrap().jwks(Some("k")),
            )
            .config(&config)
            .start()
            .await,
        issuer,
        says,
    }
}

/// What a browser holds on its way to the provider.
#[derive(Clone)]
struct Begun {
    cookie: String,
    state: String,
}

impl Stage {
    async fn ask(&self, method: Method, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "app.test");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        client::send(self.preview.address, request).await
    }

    /// Begins a login, of which the provider remembers nonce and challenge.
    async fn begin(&self, to: &str) -> Begun {
        let reply = self
            .ask(Method::GET, &format!("{HOME}/login?to={to}"), &[])
            .await;
        assert_eq!(reply.status, 303, "{:?}", reply.body);
        let place = reply.headers["location"].to_str().unwrap();
        let query = place
            .strip_prefix(&format!("{}/auth?tenant=1&", self.issuer))
            .unwrap();
        let value = |name: &str| {
            let found = query
                .split('&')
                .find_map(|pair| pair.strip_prefix(&format!("{name}=")));
            found
                .unwrap_or_else(|| panic!("no {name} in {query}"))
                .to_owned()
        };
        assert_eq!(
            (&*value("response_type"), &*value("code_challenge_method")),
            ("code", "S256")
        );
        assert_eq!(
            (&*value("scope"), &*value("client_id")),
            ("openid+email", "shop")
        );
        let mut says = self.says.lock().unwrap();
        (says.challenge, says.nonce) = (value("code_challenge"), value("nonce"));
        let cookie = reply.headers["set-cookie"].to_str().unwrap();
        let (cookie, rest) = cookie.split_once("; ").unwrap();
        assert!(cookie.starts_with("__Host-chaperone-login="));
        assert_eq!(rest, "Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600");
        let state = value("state");
        assert!(
            !cookie.contains(&state),
            "the browser can't read what is sealed"
        );
        Begun {
            cookie: cookie.to_owned(),
            state,
        }
    }

    async fn end(&self, cookie: &str, query: &str) -> Reply {
        let path = format!("{HOME}/callback?{query}");
        self.ask(
            Method::GET,
            &path,
            &[("cookie", cookie), ("sec-fetch-site", "cross-site")],
        )
        .await
    }

    fn right(&self, begun: &Begun) -> String {
        let issuer = self.issuer.replace(':', "%3A").replace('/', "%2F");
        format!("code=good&state={}&iss={issuer}", begun.state)
    }
}

/// Status, reason, and whether a session was set.
fn verdict(reply: &Reply) -> (u16, String, bool) {
    let set = reply.headers.get_all("set-cookie").iter();
    let is_set = set
        .into_iter()
        .any(|it| it.to_str().unwrap().starts_with("__Host-chaperone="));
    let code = if reply.status == 303 {
        "in".to_owned()
    } else {
        reply.code()
    };
    (reply.status.as_u16(), code, is_set)
}

#[tokio::test]
async fn lets_in_whom_the_provider_names() {
    let stage = stage().await;
    for (to, lands) in [
        ("/open/a?b=c", "/open/a?b=c"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
    ] {
        let to: String = to
            .replace('?', "%3F")
            .replace('=', "%3D")
            .replace(':', "%3A");
        let begun = stage.begin(&to).await;
        let reply = stage.end(&begun.cookie, &stage.right(&begun)).await;
        assert_eq!(verdict(&reply), (303, "in".to_owned(), true));
        assert_eq!(reply.headers["location"], lands);
        let set: Vec<_> = reply
            .headers
            .get_all("set-cookie")
            .iter()
            .map(|it| it.to_str().unwrap())
            .collect();
        assert!(
            set[1].starts_with("__Host-chaperone-login=; ") && set[1].ends_with("Max-Age=0"),
            "{set:?}"
        );
        let session = set[0].split(';').next().unwrap();
        let fields = [("cookie", session), ("sec-fetch-site", "same-origin")];
        let reply = stage.ask(Method::GET, "/open/a", &fields).await;
        assert_eq!(reply.text(), "from the app");
    }
    let records = stage.preview.recorded(9).await;
    assert_eq!(records[0]["event"], "login-begun");
    assert_eq!(
        (&records[1]["event"], &records[1]["subject"]),
        (&json!("signed-in"), &json!("alice"))
    );
    let log = std::fs::read_to_string(stage.preview.folder().join("log/audit.jsonl")).unwrap();
    assert!(!log.contains("code=") && !log.contains("state="), "{log}");
}

#[tokio::test]
async fn refuses_answers_to_other_logins() {
    let stage = stage().await;
    let (other, begun) = (stage.begin("/").await, stage.begin("/").await);
    let right = stage.right(&begun);
    let twice = format!("{0}; {0}", begun.cookie);
    let planted = "__Host-chaperone-login=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (cookie, query) in [
        ("a=1", &*right),
        (&*twice, &right),
        (&*other.cookie, &right),
        (planted, &right),
        (&*begun.cookie, "code=good"),
        (&*begun.cookie, &stage.right(&other)),
        (&*begun.cookie, &format!("{right}&state={}", begun.state)),
        (&*begun.cookie, &format!("{right}&code=good")),
        (&*begun.cookie, &format!("code=good&state={}", begun.state)),
        (
            &*begun.cookie,
            &format!("code=good&state={}&iss=https://other.example", begun.state),
        ),
        (&*begun.cookie, &format!("state={}", begun.state)),
        (&*begun.cookie, &right.replace("good", "bad")),
        (
            &*begun.cookie,
            &format!("error=access_denied&state={}", begun.state),
        ),
        (
            &*begun.cookie,
            &format!("error=%3Cscript%3E&state={}", begun.state),
        ),
    ] {
        let reply = stage.end(cookie, query).await;
        assert_eq!(
            verdict(&reply),
            (403, "login-failed".to_owned(), false),
            "{cookie} {query}"
        );
        assert!(!reply.text().contains("<script>"));
    }
    let innocent = stage.end(&begun.cookie, &right).await;
    assert_eq!(verdict(&innocent).0, 303);
}

#[tokio::test]
async fn refuses_tokens_that_do_not_hold() {
    let stage = stage().await;
    let now = Timestamp::now().as_second();
    for (claims, code) in [
        (json!({"nonce": "another"}), "capability-invalid"),
        (json!({"nonce": null}), "capability-invalid"),
        (json!({"aud": "another"}), "capability-invalid"),
        (json!({"azp": "another"}), "capability-invalid"),
        (json!({"iss": "https://id.example"}), "capability-invalid"),
        (json!({"sub": ""}), "capability-invalid"),
        (json!({"exp": now - 120}), "capability-expired"),
        (json!({"cnf": {}}), "capability-invalid"),
    ] {
        stage.says.lock().unwrap().claims = claims.clone();
        let begun = stage.begin("/").await;
        let reply = stage.end(&begun.cookie, &stage.right(&begun)).await;
        assert_eq!(verdict(&reply), (401, code.to_owned(), false), "{claims}");
    }
    {
        let mut says = stage.says.lock().unwrap();
        says.claims = json!({});
        says.key = SigningKey::generate().unwrap();
    }
    let begun = stage.begin("/").await;
    let reply = stage.end(&begun.cookie, &stage.right(&begun)).await;
    assert_eq!(
        verdict(&reply),
        (401, "capability-invalid".to_owned(), false),
        "a key that was not published then"
    );
}

#[tokio::test]
async fn refuses_providers_that_are_another_or_silent() {
    for metadata in [
        json!({"issuer": "https://other.example"}),
        json!({"token_endpoint": null}),
        json!({"jwks_uri": "http://127.0.0.1:9/none"}),
        json!({"jwks_uri": "not an address"}),
    ] {
        let stage = stage().await;
        stage.says.lock().unwrap().metadata = metadata.clone();
        let reply = stage.ask(Method::GET, &format!("{HOME}/login"), &[]).await;
        assert_eq!(
            verdict(&reply),
            (502, "login-unavailable".to_owned(), false),
            "{metadata}"
        );
        stage.says.lock().unwrap().metadata = json!({});
        stage.begin("/").await;
    }
}

#[tokio::test]
async fn leads_pages_to_the_login_and_tells_programs() {
    let stage = stage().await;
    let html = ("accept", "text/html");
    let led = stage.ask(Method::GET, "/open/a?b=c", &[html]).await;
    assert_eq!(led.status, 303);
    assert_eq!(
        led.headers["location"],
        format!("{HOME}/login?to=%2Fopen%2Fa%3Fb%3Dc")
    );
    for (method, fields) in [
        (Method::GET, vec![]),
        (
            Method::GET,
            vec![
                html,
                ("sec-fetch-mode", "cors"),
                ("sec-fetch-dest", "empty"),
            ],
        ),
        (
            Method::GET,
            vec![
                html,
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "iframe"),
            ],
        ),
        (Method::POST, vec![html]),
        (Method::GET, vec![html, ("authorization", "Basic x")]),
    ] {
        let told = stage.ask(method, "/open/a", &fields).await;
        assert_eq!(told.status, 401, "{fields:?}");
    }
    let records = stage.preview.recorded(6).await;
    assert_eq!(
        (&records[0]["reason"], &records[0]["status"]),
        (&json!("capability-missing"), &json!(303))
    );
}

/// The policy keeps users of several issuers apart by what it puts before their ids: also those who log in.
#[tokio::test]
async fn keeps_users_of_the_provider_apart_from_others() {
    let named = |issuer: &str, prefix: &str| {
        format!(
            "biscuit: {{ root_keys: [issuer.pub] }}\n  jwt:\n    - {{ issuer: 'https://other.example', audience: shop, \
             jwks: keys.json, algorithms: [EdDSA] }}\n    - {{ issuer: '{issuer}', audience: shop, jwks: keys.json, \
             algorithms: [EdDSA], prefix: '{prefix}' }}"
        )
    };
    for (prefix, subject) in [("", "alice"), ("id:", "id:alice")] {
        let stage = stage_with(|issuer| named(issuer, prefix)).await;
        let begun = stage.begin("/").await;
        let reply = stage.end(&begun.cookie, &stage.right(&begun)).await;
        assert_eq!(verdict(&reply), (303, "in".to_owned(), true));
        let records = stage.preview.recorded(2).await;
        assert_eq!(records[1]["subject"], subject);
    }
}

/// Anybody may begin a login: a provider that says nothing must not fill the sidecar with those who wait for it.
#[tokio::test]
async fn lets_few_wait_for_a_provider_that_is_silent() {
    let silent = raw(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let config = format!(
        "mint: {{ key_file: issuer.key }}\nlogin: {{ issuer: 'http://{silent}', client_id: shop }}\n"
    );
    let app = fixed("text/plain", "from the app").await;
    let preview = preview(app).config(&config).start().await;
    let address = preview.address;
    let mut waiting: FuturesUnordered<_> = (0..12)
        .map(|_| {
            let request = Request::get(format!("{HOME}/login")).header("host", "app.test");
            client::send(address, request.body(Empty::<Bytes>::new()).unwrap())
        })
        .collect();
    for _ in 0..4 {
        let reply = waiting.next().await.unwrap();
        assert_eq!(verdict(&reply), (503, "overloaded".to_owned(), false));
    }
    let token = preview.token("alice");
    let reply = client::get(address, "/open/a", &token).await;
    assert_eq!(reply.text(), "from the app");
}
