//! Proofs of possession: the one that fits, and the many that don't.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Confirmation, Scheme, Shown, Spent, hold, thumbprint};
use crate::capability::mint::{Grant, SigningKey};
use crate::capability::{BiscuitSettings, Limits, Settings, Verified, Verifier};
use crate::types::{ReasonCode, Secret, Target};

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn jwk(key: &SigningKey) -> Value {
    let set: Value = serde_json::from_str(&key.jwks(None)).unwrap();
    let key = &set["keys"][0];
    json!({"kty": key["kty"], "crv": key["crv"], "x": key["x"]})
}

fn jkt(key: &SigningKey) -> String {
    let jwk = jwk(key);
    let text = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":{}}}"#, jwk["x"]);
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

fn signed(key: &SigningKey, header: &Value, claims: &Value) -> Box<str> {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = key.sign(message.as_bytes()).unwrap();
    format!("{message}.{signature}").into()
}

/// A user's key, a token bound to it, and proofs.
struct Stage {
    key: SigningKey,
    token: Secret<String>,
    verified: Verified,
}

impl Stage {
    fn new(bind: impl FnOnce(Grant, &SigningKey) -> Grant) -> Self {
        let (issuer, key) = (
            SigningKey::generate().unwrap(),
            SigningKey::generate().unwrap(),
        );
        let settings = Settings {
            biscuit: Some(BiscuitSettings::new(vec![issuer.public()]).unwrap()),
            jwt: Vec::new(),
        };
        let verifier = Verifier::new(settings, Limits::default()).unwrap();
        let token = bind(Grant::new("ada"), &key).biscuit(&issuer).unwrap();
        let verified = verifier.verify(&token, now()).unwrap();
        Self {
            key,
            token,
            verified,
        }
    }

    fn bound() -> Self {
        Self::new(|grant, key| grant.bound_to_key(&jkt(key)))
    }

    fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk(&self.key)})
    }

    fn claims(&self) -> Value {
        let ath = URL_SAFE_NO_PAD.encode(Sha256::digest(self.token.expose()));
        json!({"jti": "j-1", "htm": "GET", "htu": "https://app.test/orders/1", "iat": NOW, "ath": ath})
    }

    fn proof(&self) -> Box<str> {
        signed(&self.key, &self.header(), &self.claims())
    }

    fn hold(&self, proofs: &[Box<str>], spent: &Spent) -> Result<(), ReasonCode> {
        self.hold_as(Scheme::Dpop, proofs, None, spent, now())
    }

    fn hold_as(
        &self,
        scheme: Scheme,
        proofs: &[Box<str>],
        certificate: Option<[u8; 32]>,
        spent: &Spent,
        now: Timestamp,
    ) -> Result<(), ReasonCode> {
        let target = Target::parse("/orders/1?page=2").unwrap();
        let shown = Shown {
            scheme,
            proofs,
            method: "GET",
            host: "app.test",
            target: &target,
            certificate,
        };
        let held = hold(&self.verified, &self.token, &shown, spent, now);
        held.map(|_| ()).map_err(|refusal| refusal.code)
    }
}

const UNPROVEN: Result<(), ReasonCode> = Err(ReasonCode::ProofInvalid);

#[test]
fn takes_a_proof_once() {
    let (stage, spent) = (Stage::bound(), Spent::default());
    let proof = [stage.proof()];
    assert_eq!(stage.hold(&proof, &spent), Ok(()));
    assert_eq!(stage.hold(&proof, &spent), UNPROVEN);
    let later = now() + SignedDuration::from_secs(60);
    assert_eq!(
        stage.hold_as(Scheme::Dpop, &proof, None, &spent, later),
        UNPROVEN
    );
    // Forgotten when its own time refuses it.
    let end = now() + SignedDuration::from_secs(61);
    let other = Stage::bound();
    let mut claims = other.claims();
    claims["iat"] = json!(NOW + 61);
    let fresh = [signed(&other.key, &other.header(), &claims)];
    assert_eq!(
        other.hold_as(Scheme::Dpop, &fresh, None, &spent, end),
        Ok(())
    );
    assert_eq!(spent.len(), 1);
    assert_eq!(
        stage.hold_as(Scheme::Dpop, &proof, None, &spent, end),
        UNPROVEN
    );
}

#[test]
fn takes_what_clients_write_differently() {
    let stage = Stage::bound();
    for htu in [
        "https://app.test/orders/1",
        "https://APP.test:443/orders/1?page=9#x",
        "http://app.test:80/orders/1",
        "HTTPS://app.test/order%73/1",
    ] {
        let mut claims = stage.claims();
        claims["htu"] = json!(htu);
        let proof = [signed(&stage.key, &stage.header(), &claims)];
        assert_eq!(stage.hold(&proof, &Spent::default()), Ok(()), "{htu}");
    }
}

#[test]
fn refuses_proofs_for_anything_else() {
    let stage = Stage::bound();
    for (name, value) in [
        ("htm", json!("POST")),
        ("htm", json!("get")),
        ("htm", Value::Null),
        ("htu", json!("https://other.test/orders/1")),
        ("htu", json!("https://app.test:8443/orders/1")),
        ("htu", json!("https://app.test/orders/2")),
        ("htu", json!("https://app.test/orders/1/")),
        ("htu", json!("https://app.test/orders/../orders/1")),
        ("htu", json!("https://app.test@evil.test/orders/1")),
        ("htu", json!("ftp://app.test/orders/1")),
        ("htu", json!("/orders/1")),
        ("htu", json!("")),
        ("ath", json!("")),
        ("ath", json!(URL_SAFE_NO_PAD.encode([0; 32]))),
        ("ath", Value::Null),
        ("iat", json!(NOW - 61)),
        ("iat", json!(NOW + 61)),
        ("iat", json!("now")),
        ("iat", json!(i64::MIN)),
        ("iat", Value::Null),
        ("jti", json!("")),
        ("jti", json!(7)),
        ("jti", json!("x".repeat(257))),
    ] {
        let mut claims = stage.claims();
        claims[name] = value.clone();
        let proof = [signed(&stage.key, &stage.header(), &claims)];
        assert_eq!(
            stage.hold(&proof, &Spent::default()),
            UNPROVEN,
            "{name} {value}"
        );
    }
}

#[test]
fn refuses_headers_that_are_no_proof() {
    let stage = Stage::bound();
    let other = SigningKey::generate().unwrap();
    let mut private = jwk(&stage.key);
    private["d"] = json!("AAAA");
    for (name, value) in [
        ("typ", json!("JWT")),
        ("typ", Value::Null),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("alg", json!("RS256")),
        ("jwk", Value::Null),
        ("jwk", json!({"kty": "oct", "k": "AAAA"})),
        ("jwk", jwk(&other)),
        ("jwk", private),
        ("crit", json!(["exp"])),
        ("jku", json!("https://evil.test")),
        ("x5c", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
    ] {
        let mut header = stage.header();
        header[name] = value.clone();
        let proof = [signed(&stage.key, &header, &stage.claims())];
        assert_eq!(
            stage.hold(&proof, &Spent::default()),
            UNPROVEN,
            "{name} {value}"
        );
    }
    // Whoever stole the token signs with a key of their own.
    let mut header = stage.header();
    header["jwk"] = jwk(&other);
    let proof = [signed(&other, &header, &stage.claims())];
    assert_eq!(stage.hold(&proof, &Spent::default()), UNPROVEN);
}

#[test]
fn wants_one_proof_and_the_scheme_for_it() {
    let (stage, spent) = (Stage::bound(), Spent::default());
    let proof = stage.proof();
    let hold = |scheme, proofs: &[Box<str>]| stage.hold_as(scheme, proofs, None, &spent, now());
    assert_eq!(hold(Scheme::Bearer, std::slice::from_ref(&proof)), UNPROVEN);
    assert_eq!(hold(Scheme::Dpop, &[]), UNPROVEN);
    assert_eq!(
        hold(Scheme::Dpop, &[proof.clone(), proof.clone()]),
        UNPROVEN
    );
    assert_eq!(hold(Scheme::Dpop, &["".into()]), UNPROVEN);
    assert_eq!(hold(Scheme::Named, &[]), UNPROVEN);
    assert_eq!(hold(Scheme::Named, &[proof]), Ok(()));
    let free = Stage::new(|grant, _| grant);
    let mut claims = free.claims();
    claims["jti"] = json!("j-2");
    let proof = [signed(&free.key, &free.header(), &claims)];
    assert_eq!(
        free.hold(&proof, &spent),
        UNPROVEN,
        "it is bound to nothing"
    );
    assert_eq!(
        free.hold_as(Scheme::Bearer, &proof, None, &spent, now()),
        Ok(())
    );
}

#[test]
fn wants_the_named_certificate() {
    let hash = [7; 32];
    let text = URL_SAFE_NO_PAD.encode(hash);
    let stage = Stage::new(|grant, _| grant.bound_to_certificate(&text));
    let hold =
        |scheme, certificate| stage.hold_as(scheme, &[], certificate, &Spent::default(), now());
    assert_eq!(hold(Scheme::Bearer, Some(hash)), Ok(()));
    assert_eq!(hold(Scheme::Bearer, Some([8; 32])), UNPROVEN);
    assert_eq!(hold(Scheme::Bearer, None), UNPROVEN);
    assert_eq!(hold(Scheme::Dpop, Some(hash)), UNPROVEN);
    let both = Stage::new(|grant, key| grant.bound_to_certificate(&text).bound_to_key(&jkt(key)));
    let proof = [both.proof()];
    let hold =
        |certificate| both.hold_as(Scheme::Dpop, &proof, certificate, &Spent::default(), now());
    assert_eq!(hold(Some(hash)), Ok(()));
    assert_eq!(hold(None), UNPROVEN);
}

#[test]
fn reads_bindings_in_full_or_not_at_all() {
    let text = URL_SAFE_NO_PAD.encode([7; 32]);
    for (claim, is_read) in [
        (json!({"jkt": text}), true),
        (json!({"x5t#S256": text}), true),
        (json!({"jkt": text, "x5t#S256": text}), true),
        (json!({}), false),
        (json!(null), false),
        (json!(text), false),
        (json!({"jkt": ""}), false),
        (json!({"jkt": "AAAA"}), false),
        (json!({"jkt": [text]}), false),
        (json!({"jkt": format!("{text}=")}), false),
        (json!({"jwk": {}}), false),
        (json!({"kid": "k"}), false),
        (json!({"jkt": text, "kid": "k"}), false),
    ] {
        assert_eq!(Confirmation::of_claim(&claim).is_some(), is_read, "{claim}");
    }
}

#[test]
fn refuses_rather_than_forgets() {
    let spent = Spent::new(5, 3);
    let stages = [Stage::bound(), Stage::bound(), Stage::bound()];
    let spend = |stage: &Stage, id: u32| {
        let mut claims = stage.claims();
        claims["jti"] = json!(format!("{id}"));
        stage.hold(&[signed(&stage.key, &stage.header(), &claims)], &spent)
    };
    let [one, two, three] = &stages;
    for id in 0..3 {
        assert_eq!(spend(one, id), Ok(()));
    }
    assert_eq!(
        spend(one, 3),
        Err(ReasonCode::Overloaded),
        "its own room is full"
    );
    assert_eq!(spend(two, 0), Ok(()), "which is nobody else's business");
    assert_eq!(spend(two, 1), Ok(()));
    assert_eq!(spend(three, 0), Err(ReasonCode::Overloaded));
    assert_eq!((spend(one, 0), spent.len()), (UNPROVEN, 5));
}

#[test]
fn makes_the_thumbprint_of_the_rfc() {
    // RFC 7638 section 3.1.
    let jwk = json!({
        "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    });
    let print = thumbprint(jwk.as_object().unwrap()).unwrap();
    let expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    assert_eq!(URL_SAFE_NO_PAD.encode(print), expected);
}

/// What was used before the process began is not known to it: what may be from then is refused.
#[test]
fn takes_no_proof_from_before_the_start() {
    let stage = Stage::bound();
    for (start, expected) in [(NOW - 1, Ok(())), (NOW, Ok(())), (NOW + 1, UNPROVEN)] {
        let start = Timestamp::from_second(start).unwrap();
        let spent = Spent::default().since(start);
        assert_eq!(stage.hold(&[stage.proof()], &spent), expected, "{start}");
    }
}
