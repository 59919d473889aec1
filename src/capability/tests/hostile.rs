//! Tokens whose holders, or whose makers, mean harm.

use biscuit_auth::builder::BlockBuilder;
use biscuit_auth::{KeyPair, UnverifiedBiscuit};

use super::{facts, now, verifier};
use crate::capability::attenuate::Restrictions;
use crate::capability::mint::{Grant, SigningKey};
use crate::types::{ReasonCode, Refusal, Secret};

/// The token with a block of `code` more.
fn with_block(token: &Secret<String>, code: &str) -> Secret<String> {
    let token = UnverifiedBiscuit::from_base64(token.expose()).unwrap();
    let block = BlockBuilder::new().code(code).unwrap();
    Secret::new(token.append(block).unwrap().to_base64().unwrap())
}

/// What becomes of a token with a holder's block of `code`.
async fn end(code: &str) -> Result<(), Refusal> {
    let key = SigningKey::generate().unwrap();
    let verifier = verifier(&key);
    let token = with_block(&Grant::new("ada").biscuit(&key).unwrap(), code);
    let verified = verifier.verify(&token, now())?;
    verifier
        .authorize(verified, &facts("GET", "/a"), None)
        .await
        .map(|_| ())
}

async fn code_of(code: &str) -> Option<ReasonCode> {
    end(code).await.err().map(|refusal| refusal.code)
}

fn numbers(count: usize) -> String {
    (0..count).map(|number| format!("n({number});")).collect()
}

#[tokio::test]
async fn refuses_wide_joins() {
    let facts = numbers(40);
    let six = format!("{facts} check if n($a), n($b), n($c), n($d), n($e), n($f), $a + $f < 0");
    assert_eq!(code_of(&six).await, Some(ReasonCode::CapabilityTooLarge));
    let three = "check if user($a), user($b), user($c)";
    assert_eq!(code_of(three).await, Some(ReasonCode::CapabilityTooLarge));
    let two = format!("{facts} check if n($a), n($b), $a < $b");
    assert_eq!(code_of(&two).await, None);
}

#[tokio::test]
async fn refuses_many_facts_checks_and_blocks() {
    assert_eq!(
        code_of(&numbers(600)).await,
        Some(ReasonCode::CapabilityTooLarge)
    );
    let checks = "check if true;".repeat(200);
    assert_eq!(code_of(&checks).await, Some(ReasonCode::CapabilityTooLarge));
    // Each part within its own limit, together too dear.
    let dear = format!(
        "{} {}",
        numbers(300),
        "check if n($a), n($b), $a > $b + 1000;".repeat(8)
    );
    assert_eq!(code_of(&dear).await, Some(ReasonCode::CapabilityTooLarge));

    let key = SigningKey::generate().unwrap();
    let mut token = Grant::new("ada").biscuit(&key).unwrap();
    for _ in 0..17 {
        token = with_block(&token, "check if true");
    }
    let refusal = verifier(&key).verify(&token, now()).unwrap_err();
    assert_eq!(refusal.code, ReasonCode::CapabilityTooLarge);
}

#[tokio::test]
async fn refuses_rules_of_holders() {
    let code = "group($u) <- user($u)";
    assert_eq!(code_of(code).await, Some(ReasonCode::CapabilityTooLarge));
}

#[tokio::test]
async fn refuses_costly_expressions() {
    let sum = format!("check if {} > 0", vec!["1"; 80].join(" + "));
    let pattern = "check if path($p), $p.matches(\"(a{1000}){1000}\")";
    let unknown = "check if path($p), method($m), $p.matches($m)";
    let long = format!("check if path($p), $p.matches(\"{}\")", "a".repeat(300));
    let nested = "check if {1, 2}.any($a -> {1, 2}.any($b -> {1, 2}.any($c -> $a + $b + $c > 9)))";
    let deep = format!("check if {}1{} != 1", "[".repeat(20), "]".repeat(20));
    let foreign = "check if \"a\".extern::test(\"a\")";
    for code in [
        sum.as_str(),
        pattern,
        unknown,
        &long,
        nested,
        &deep,
        foreign,
    ] {
        let shown: String = code.chars().take(60).collect();
        assert_eq!(
            code_of(code).await,
            Some(ReasonCode::CapabilityTooLarge),
            "{shown}"
        );
    }
    for code in [
        "check if path($p), $p.matches(\"^/[a-z]+$\")",
        "check if method($m), {\"GET\", \"HEAD\"}.any($x -> $x == $m)",
        "check if time($t), $t > 2020-01-01T00:00:00Z && $t < 2100-01-01T00:00:00Z || false",
    ] {
        assert_eq!(code_of(code).await, None, "{code}");
    }
}

#[tokio::test]
async fn refuses_expressions_that_fail() {
    for code in [
        "check if 1 / 0 > 0",
        "check if path($p), $p + 1 == 2",
        "check if 9223372036854775807 + 1 > 0",
    ] {
        assert_eq!(
            code_of(code).await,
            Some(ReasonCode::CapabilityForbids),
            "{code}"
        );
    }
}

#[tokio::test]
async fn refuses_what_is_longer_than_the_limit() {
    let long = format!("check if path($p), $p != \"{}\"", "x".repeat(9000));
    assert_eq!(code_of(&long).await, Some(ReasonCode::CapabilityTooLarge));
}

#[tokio::test]
async fn takes_no_word_about_the_user_from_a_holder() {
    let key = SigningKey::generate().unwrap();
    let verifier = verifier(&key);
    let token = Grant::new("ada").biscuit(&key).unwrap();
    let token = with_block(
        &token,
        "user(\"bob\"); group(\"admin\"); group(\"ada\", \"admin\"); email(\"bob@shop.example\")",
    );
    let verified = verifier.verify(&token, now()).unwrap();
    assert_eq!(verified.subject().id(), "ada");
    assert!(verified.subject().values("group").is_empty());
    assert!(verified.subject().values("email").is_empty());
    let rule = crate::capability::Rule::parse(
        "allow if group($u, \"admin\") or group(\"admin\") or user(\"bob\")",
    )
    .unwrap();
    let refusal = verifier
        .authorize(verified, &facts("GET", "/"), Some(&rule))
        .await
        .unwrap_err();
    assert_eq!(refusal.code, ReasonCode::NotAuthorized);
}

#[test]
fn refuses_an_issuers_block_without_one_user_or_with_facts_of_the_request() {
    let pair = KeyPair::new();
    let key = SigningKey::parse(&pair.to_private_key_pem().unwrap()).unwrap();
    let verifier = verifier(&key);
    for code in [
        "email(\"a@shop.example\")",
        "user(\"a\"); user(\"b\")",
        "user(1)",
        "user(\"\")",
        "user(\"a\\nb\")",
        "user(\"a\"); method(\"GET\")",
        "user(\"a\"); time(2020-01-01T00:00:00Z)",
        "user(\"a\"); preview(\"x\"); preview(\"y\")",
    ] {
        let token = biscuit_auth::Biscuit::builder()
            .code(code)
            .unwrap()
            .build(&pair)
            .unwrap();
        let token = Secret::new(token.to_base64().unwrap());
        let refusal = verifier.verify(&token, now()).unwrap_err();
        assert_eq!(refusal.code, ReasonCode::CapabilityInvalid, "{code}");
    }
}

#[test]
fn refuses_every_damaged_byte() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE;
    let key = SigningKey::generate().unwrap();
    let verifier = verifier(&key);
    let token = with_block(
        &Grant::new("ada").biscuit(&key).unwrap(),
        "check if method(\"GET\")",
    );
    let bytes = URL_SAFE.decode(token.expose()).unwrap();
    let whole = verifier.verify(&token, now()).unwrap();
    let mut passed = 0;
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        let damaged = Secret::new(URL_SAFE.encode(&damaged));
        // The wire format has bytes that mean nothing; whatever passes must say the same.
        if let Ok(verified) = verifier.verify(&damaged, now()) {
            assert_eq!(verified.subject(), whole.subject(), "byte {place}");
            assert_eq!(
                verified.revocation_ids(),
                whole.revocation_ids(),
                "byte {place}"
            );
            passed += 1;
        }
    }
    assert!(passed < 8, "{passed} of {} bytes mean nothing", bytes.len());
    for end in 0..bytes.len() {
        let cut = Secret::new(URL_SAFE.encode(&bytes[..end]));
        assert!(verifier.verify(&cut, now()).is_err(), "cut at {end}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn judges_honest_tokens_while_hostile_ones_keep_the_threads_busy() {
    let key = SigningKey::generate().unwrap();
    let verifier = verifier(&key);
    let grant = Grant::new("ada").biscuit(&key).unwrap();
    // The dearest token that passes the gate.
    let dear = with_block(
        &grant,
        &format!(
            "{} {}",
            numbers(120),
            "check if n($a), n($b), $a > $b + 1000"
        ),
    );
    let mut hostile = Vec::new();
    for _ in 0..12 {
        let verified = verifier.verify(&dear, now()).unwrap();
        let verifier = verifier.clone();
        #[expect(clippy::disallowed_methods, reason = "a test brings its own tasks")]
        hostile.push(tokio::spawn(async move {
            verifier
                .authorize(verified, &facts("GET", "/"), None)
                .await
                .map(|_| ())
        }));
    }
    tokio::task::yield_now().await;
    let honest = Restrictions {
        methods: vec!["GET".to_owned()],
        ..Restrictions::default()
    }
    .attenuate(&grant)
    .unwrap();
    for _ in 0..50 {
        let verified = verifier.verify(&honest, now()).unwrap();
        verifier
            .authorize(verified, &facts("GET", "/"), None)
            .await
            .unwrap();
    }
    // Honest ones never wait in the queue of the dear ones: these are still under way.
    assert!(hostile.iter().any(|task| !task.is_finished()));
    for task in hostile {
        let refusal = task.await.unwrap().unwrap_err();
        assert!(matches!(
            refusal.code,
            ReasonCode::CapabilityForbids | ReasonCode::CapabilityUndecided
        ));
    }
}

#[tokio::test]
async fn refuses_dear_tokens_when_too_many_wait() {
    use crate::capability::{BiscuitSettings, Limits, Settings, Verifier};
    let key = SigningKey::generate().unwrap();
    let biscuit = BiscuitSettings::new(vec![key.public()]).unwrap();
    let settings = Settings {
        biscuit: Some(biscuit),
        jwt: Vec::new(),
    };
    let limits = Limits {
        threads: 1,
        deadline: std::time::Duration::ZERO,
        ..Limits::default()
    };
    let verifier = Verifier::new(settings, limits).unwrap();
    let grant = Grant::new("ada").biscuit(&key).unwrap();
    let dear = with_block(
        &grant,
        &format!(
            "{} {}",
            numbers(120),
            "check if n($a), n($b), $a > $b + 1000"
        ),
    );
    let verified = verifier.verify(&dear, now()).unwrap();
    let refusal = verifier
        .authorize(verified, &facts("GET", "/"), None)
        .await
        .unwrap_err();
    assert_eq!(refusal.code, ReasonCode::CapabilityUndecided);
    let verified = verifier.verify(&grant, now()).unwrap();
    verifier
        .authorize(verified, &facts("GET", "/"), None)
        .await
        .unwrap();
}

#[test]
fn remembers_no_more_of_a_storm_than_of_a_shower() {
    let key = SigningKey::generate().unwrap();
    let verifier = verifier(&key);
    let good = Grant::new("ada").biscuit(&key).unwrap();
    verifier.verify(&good, now()).unwrap();
    let mut most = 0;
    for number in 0..20_000 {
        let bad = Secret::new(format!("bad-{number}.{number}.{number}"));
        let refusal = verifier.verify(&bad, now()).unwrap_err();
        assert_eq!(refusal.code, ReasonCode::CapabilityInvalid);
        most = most.max(verifier.remembered());
    }
    assert!(
        most <= 1 + crate::capability::Limits::default().cached / 2,
        "{most}"
    );
    assert!(
        verifier.knows(&good),
        "the storm pushed an honest token out"
    );
    assert!(!verifier.knows(&Secret::new("bad-19999.19999.19999".to_owned())));
}
