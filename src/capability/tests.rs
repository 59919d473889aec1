//! What the verifier accepts and refuses, token by token.

mod hostile;
mod jwt;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::mint::{Grant, SigningKey};
use super::{BiscuitSettings, Facts, Limits, Rule, Settings, Verifier};
use crate::types::{ReasonCode, Secret};

#[tokio::test]
async fn proves_the_user_and_what_the_issuer_says_of_her() {
    let key = SigningKey::generate().unwrap();
    let grant = Grant::new("ada")
        .with("email", "ada@shop.example")
        .with("group", "buyers")
        .with("group", "staff")
        .until(now() + HOUR);
    let verifier = verifier(&key);
    let verified = verifier
        .verify(&grant.biscuit(&key).unwrap(), now())
        .unwrap();
    assert_eq!(verified.expires(), Some(now() + HOUR));
    assert_eq!(verified.revocation_ids().len(), 1);
    let capability = verifier
        .authorize(verified, &facts("GET", "/a"), None)
        .await
        .unwrap();
    assert_eq!(capability.subject().id(), "ada");
    assert_eq!(capability.subject().values("group").len(), 2);
    assert_eq!(
        capability
            .subject()
            .values("email")
            .first()
            .unwrap()
            .as_ref(),
        "ada@shop.example"
    );
    assert_eq!(capability.token_id().len(), 16);
}

#[tokio::test]
async fn reads_a_quote_in_a_value_as_part_of_it() {
    // The crate prints strings unescaped; reading the printed form would make this a second fact.
    let key = SigningKey::generate().unwrap();
    let name = "x\"); group(\"admin";
    let token = Grant::new("ada").with("name", name).biscuit(&key).unwrap();
    let verified = verifier(&key).verify(&token, now()).unwrap();
    assert_eq!(
        verified.subject().values("name").first().unwrap().as_ref(),
        name
    );
    assert!(verified.subject().values("group").is_empty());
}

#[tokio::test]
async fn refuses_a_request_that_a_holder_excluded() {
    let key = SigningKey::generate().unwrap();
    let token = Grant::new("ada").biscuit(&key).unwrap();
    let narrowed = super::attenuate::Restrictions {
        methods: vec!["GET".to_owned(), "HEAD".to_owned()],
        paths: vec!["/orders/**".to_owned(), "/me".to_owned()],
        expires: Some(now() + HOUR),
        checks: vec!["check if operation(\"read\")".to_owned()],
    }
    .attenuate(&token)
    .unwrap();
    let verifier = verifier(&key);
    let judge = async |method: &str, path: &str| {
        let verified = verifier.verify(&narrowed, now()).unwrap();
        verifier
            .authorize(verified, &facts(method, path), None)
            .await
            .map(|_| ())
            .map_err(|refusal| refusal.code)
    };
    assert_eq!(judge("GET", "/orders/1").await, Ok(()));
    assert_eq!(judge("HEAD", "/me").await, Ok(()));
    for (method, path) in [
        ("POST", "/orders/1"),
        ("GET", "/orders"),
        ("GET", "/me/2"),
        ("GET", "/"),
    ] {
        assert_eq!(
            judge(method, path).await,
            Err(ReasonCode::CapabilityForbids),
            "{method} {path}"
        );
    }
    let refusal = verifier.verify(&narrowed, now() + HOUR).unwrap_err();
    assert_eq!(refusal.code, ReasonCode::CapabilityExpired);
}

#[tokio::test]
async fn refuses_a_cached_token_once_it_expires() {
    let key = SigningKey::generate().unwrap();
    let token = Grant::new("ada").until(now() + HOUR).biscuit(&key).unwrap();
    let verifier = verifier(&key);
    let verified = verifier.verify(&token, now()).unwrap();
    verifier
        .verify(&token, now() + HOUR - SignedDuration::from_secs(1))
        .unwrap();
    assert_eq!(
        verifier.verify(&token, now() + HOUR).unwrap_err().code,
        ReasonCode::CapabilityExpired
    );
    let mut late = facts("GET", "/");
    late.now = now() + HOUR;
    let refusal = verifier.authorize(verified, &late, None).await.unwrap_err();
    assert_eq!(refusal.code, ReasonCode::CapabilityExpired);
}

#[tokio::test]
async fn refuses_a_token_for_another_preview() {
    let key = SigningKey::generate().unwrap();
    let grant = Grant {
        preview: Some("pr-1".to_owned()),
        ..Grant::new("ada")
    };
    let token = grant.biscuit(&key).unwrap();
    let verifier = verifier(&key);
    for (preview, expected) in [(Some("pr-1"), true), (Some("pr-2"), false), (None, false)] {
        let mut facts = facts("GET", "/");
        facts.preview = preview.map(str::to_owned);
        let verified = verifier.verify(&token, now()).unwrap();
        let judged = verifier.authorize(verified, &facts, None).await;
        assert_eq!(judged.is_ok(), expected, "{preview:?}");
    }
}

#[tokio::test]
async fn holds_the_routes_rule_against_the_subject() {
    let key = SigningKey::generate().unwrap();
    let verifier = verifier(&key);
    let judge = async |grant: Grant, rule: &str| {
        let verified = verifier
            .verify(&grant.biscuit(&key).unwrap(), now())
            .unwrap();
        let rule = Rule::parse(rule).unwrap();
        let judged = verifier
            .authorize(verified, &facts("GET", "/a"), Some(&rule))
            .await;
        judged.map(|_| ()).map_err(|refusal| refusal.code)
    };
    let buyer = || Grant::new("ada").with("group", "buyers");
    for rule in [
        "allow if user($u), group($u, \"buyers\");",
        "allow if group(\"buyers\")",
        "deny if method(\"PUT\"); allow if path($p), $p.starts_with(\"/\")",
    ] {
        assert_eq!(judge(buyer(), rule).await, Ok(()), "{rule}");
    }
    for rule in [
        "allow if user($u), group($u, \"admins\");",
        "deny if method(\"GET\"); allow if true",
        "allow if user(\"bob\")",
    ] {
        assert_eq!(
            judge(buyer(), rule).await,
            Err(ReasonCode::NotAuthorized),
            "{rule}"
        );
    }
    assert_eq!(
        judge(
            Grant::new("bob"),
            "allow if user($u), group($u, \"buyers\")"
        )
        .await,
        Err(ReasonCode::NotAuthorized)
    );
}

#[tokio::test]
async fn judges_long_rules_for_users_of_many_groups() {
    let key = SigningKey::generate().unwrap();
    let grant = (0..60).fold(Grant::new("ada"), |grant, number| {
        grant.with("group", &format!("team-{number}"))
    });
    let verifier = verifier(&key);
    let verified = verifier
        .verify(&grant.biscuit(&key).unwrap(), now())
        .unwrap();
    let rule = "allow if user($u), group($u, \"team-59\"), method($m), path($p), host($h), operation(\"read\")";
    let rule = Rule::parse(rule).unwrap();
    verifier
        .authorize(verified, &facts("GET", "/a"), Some(&rule))
        .await
        .unwrap();
}

#[test]
fn refuses_a_foreign_key() {
    let token = Grant::new("ada")
        .biscuit(&SigningKey::generate().unwrap())
        .unwrap();
    let refusal = verifier(&SigningKey::generate().unwrap())
        .verify(&token, now())
        .unwrap_err();
    assert_eq!(refusal.code, ReasonCode::CapabilityInvalid);
    assert!(!format!("{refusal:?}").contains(token.expose().as_str()));
}

#[test]
fn refuses_what_is_no_token() {
    let verifier = verifier(&SigningKey::generate().unwrap());
    for text in ["", "x", ".", "..", "a.b.c", "%%%", "AAAA", "....."] {
        let refusal = verifier
            .verify(&Secret::new(text.to_owned()), now())
            .unwrap_err();
        assert_eq!(refusal.code, ReasonCode::CapabilityInvalid, "{text}");
    }
}

#[test]
fn accepts_any_of_its_root_keys() {
    let (old, new) = (
        SigningKey::generate().unwrap(),
        SigningKey::generate().unwrap(),
    );
    let biscuit = BiscuitSettings::new(vec![new.public(), old.public()]).unwrap();
    let settings = Settings {
        biscuit: Some(biscuit),
        jwt: Vec::new(),
    };
    let verifier = Verifier::new(settings, Limits::default()).unwrap();
    for key in [old, new] {
        verifier
            .verify(&Grant::new("ada").biscuit(&key).unwrap(), now())
            .unwrap();
    }
}

fn verifier(key: &SigningKey) -> Verifier {
    let biscuit = BiscuitSettings::new(vec![key.public()]).unwrap();
    let settings = Settings {
        biscuit: Some(biscuit),
        jwt: Vec::new(),
    };
    // Generous: a test must not fail because the machine is busy.
    let limits = Limits {
        deadline: Duration::from_secs(30),
        ..Limits::default()
    };
    Verifier::new(settings, limits).unwrap()
}

fn facts(method: &str, path: &str) -> Facts {
    Facts {
        method: method.to_owned(),
        path: path.to_owned(),
        host: "pr-1.preview.example".to_owned(),
        preview: None,
        revision: None,
        now: now(),
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);
