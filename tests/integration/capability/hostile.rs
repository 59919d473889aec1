//! The list of tokens that must fail, each beside an innocent twin that must pass, over a real socket.

mod biscuits;
mod jwts;

use chaperone::capability::mint::SigningKey;

use crate::client::get;
use crate::preview::{Preview, preview};
use crate::upstream::echo;

const ROUTES: &str = "  - { match: \"GET /open/**\", public: Nobody's data. }";

/// One hostile token.
pub(super) struct Case {
    name: String,
    twin: String,
    hostile: String,
    code: &'static str,
}

impl Case {
    fn new(
        name: impl Into<String>,
        twin: impl Into<String>,
        hostile: impl Into<String>,
        code: &'static str,
    ) -> Self {
        Self {
            name: name.into(),
            twin: twin.into(),
            hostile: hostile.into(),
            code,
        }
    }
}

const INVALID: &str = "capability-invalid";
const FORBIDS: &str = "capability-forbids";
const TOO_LARGE: &str = "capability-too-large";
const EXPIRED: &str = "capability-expired";
const UNPROVEN: &str = "proof-invalid";

/// A sidecar that takes Biscuits of one key and JSON Web Tokens of one issuer with three.
async fn stage(keys: &jwts::Keys) -> Preview {
    preview(echo().await)
        .routes(ROUTES)
        .limits("failures: 1000")
        .file("jwks.json", &keys.set())
        .capability(
            "biscuit: { root_keys: [issuer.pub] }\n  \
             jwt: { issuer: id, audience: shop, jwks: jwks.json, algorithms: [EdDSA, ES256, RS256] }",
        )
        .start()
        .await
}

/// Runs `cases`, and says which went another way than it should.
async fn run(preview: &Preview, cases: &[Case]) {
    let mut wrong = Vec::new();
    for case in cases {
        let reply = get(preview.address, "/open/a", &case.twin).await;
        if reply.status != 200 {
            wrong.push(format!(
                "{}: the twin is refused: {}",
                case.name,
                reply.text()
            ));
        }
        let reply = get(preview.address, "/open/a", &case.hostile).await;
        let told = if reply.status == 200 {
            "passed".to_owned()
        } else {
            reply.code()
        };
        if told != case.code {
            wrong.push(format!(
                "{}: {told}, not {}: {}",
                case.name,
                case.code,
                reply.text()
            ));
        }
    }
    let names: std::collections::BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn refuses_every_json_web_token_of_the_list() {
    let keys = jwts::Keys::new();
    let preview = stage(&keys).await;
    let cases = jwts::cases(&keys);
    assert!(cases.len() >= 100, "{}", cases.len());
    run(&preview, &cases).await;
}

#[tokio::test]
async fn refuses_every_biscuit_of_the_list() {
    let preview = stage(&jwts::Keys::new()).await;
    let pem = preview.key().pem().expose().clone();
    let cases = biscuits::cases(&SigningKey::parse(&pem).unwrap());
    assert!(cases.len() >= 50, "{}", cases.len());
    run(&preview, &cases).await;
}

#[tokio::test]
async fn takes_nobodys_word_for_another_user() {
    let preview = stage(&jwts::Keys::new()).await;
    for code in [
        "user(\"bob\")",
        "user(\"bob\"); check if user(\"bob\")",
        "email(\"bob@shop.example\"); right(\"bob\", \"admin\")",
    ] {
        let token = biscuits::attenuated(&preview.token("ada"), code);
        let reply = get(preview.address, "/open/a", &token).await;
        let text = reply.text();
        assert!(text.contains("x-forwarded-user: ada\n"), "{code}: {text}");
        assert!(!text.contains("bob"), "{code}: {text}");
    }
}
