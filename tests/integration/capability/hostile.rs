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
    assert_eq!(cases.len(), 166, "one was lost, or came: count it here");
    run(&preview, &cases).await;
}

#[tokio::test]
async fn refuses_every_biscuit_of_the_list() {
    let preview = stage(&jwts::Keys::new()).await;
    let pem = preview.key().pem().expose().clone();
    let cases = biscuits::cases(&SigningKey::parse(&pem).unwrap());
    assert_eq!(cases.len(), 84, "one was lost, or came: count it here");
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

/// Under `audit.path: raw`: a token that nobody proved, or another than the one that was, is somebody's secret still.
#[tokio::test]
async fn writes_no_token_of_a_target_down() {
    let preview = stage(&jwts::Keys::new()).await;
    let stranger = SigningKey::generate().unwrap();
    let foreign = chaperone::capability::mint::Grant::new("bob").biscuit(&stranger);
    let foreign = foreign.unwrap().expose().clone();
    let (hers, his) = (preview.token("ada"), preview.token("bob"));
    let path = |target: &str| target.split('?').next().unwrap().to_owned();
    for token in [
        &hers,
        &his,
        &foreign,
        &"eyJhbGciOiJub25lIn0.e30.".to_owned(),
    ] {
        for target in [
            format!("/open/a?access_token={token}"),
            format!("/open/a?b=1&{token}"),
            format!("/open/{token}"),
            format!("/open/a?next=%2Fx%3Ft%3D{token}"),
        ] {
            for shown in [&hers, &foreign] {
                let before = preview.records().len();
                get(preview.address, &target, shown).await;
                let records = preview.recorded(before + 1).await;
                assert_eq!(records[before]["path"], serde_json::Value::Null, "{target}");
            }
        }
    }
    // The innocent twins: a query is written down once somebody stands for it.
    let target = "/open/a?q=2026-11-25&page=a-very-long-name-of-a-page";
    for (shown, said) in [(&hers, target.to_owned()), (&foreign, path(target))] {
        let before = preview.records().len();
        get(preview.address, target, shown).await;
        let records = preview.recorded(before + 1).await;
        assert_eq!(records[before]["path"], said);
    }
    let log = std::fs::read_to_string(preview.folder().join("log/audit.jsonl")).unwrap();
    for token in [&hers, &his, &foreign] {
        assert!(!log.contains(token.trim_end_matches('=')));
    }
}
