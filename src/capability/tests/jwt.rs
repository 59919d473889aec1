//! JSON Web Tokens: the one good form, and the many that only look like it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{HOUR, facts, now};
use crate::capability::mint::SigningKey;
use crate::capability::{
    JwtAlgorithm, JwtSettings, KeySet, KeySetError, Limits, Rule, Settings, SettingsError,
    Verified, Verifier,
};
use crate::types::{ReasonCode, Refusal, Secret};

/// An issuer with one key.
struct Issuer {
    key: EncodingKey,
    algorithm: Algorithm,
    jwk: Value,
}

impl Issuer {
    fn new(algorithm: Algorithm) -> Self {
        let key = match algorithm {
            Algorithm::ES256 => {
                let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
                EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap()
            }
            Algorithm::ES384 => {
                let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
                EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap()
            }
            Algorithm::EdDSA => return Self::ed25519(),
            _ => {
                let size = rcgen::RsaKeySize::_2048;
                let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size).unwrap();
                EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap()
            }
        };
        let jwk = Jwk::from_encoding_key(&key, algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = json!("k1");
        Self {
            key,
            algorithm,
            jwk,
        }
    }

    fn ed25519() -> Self {
        let key = SigningKey::generate().unwrap();
        let set: Value = serde_json::from_str(&key.jwks(Some("k1"))).unwrap();
        Self {
            key: EncodingKey::from_ed_pem(key.pem().expose().as_bytes()).unwrap(),
            algorithm: Algorithm::EdDSA,
            jwk: set["keys"][0].clone(),
        }
    }

    fn verifier(&self, offered: JwtAlgorithm) -> Verifier {
        let keys = KeySet::parse(&json!({"keys": [self.jwk]}).to_string()).unwrap();
        let jwt = JwtSettings::new(ISSUER, "shop", vec![offered], keys).unwrap();
        let settings = Settings {
            biscuit: None,
            jwt: vec![jwt],
        };
        Verifier::new(settings, Limits::default()).unwrap()
    }

    fn sign(&self, header: &str, claims: &str) -> Secret<String> {
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let signature =
            jsonwebtoken::crypto::sign(signed.as_bytes(), &self.key, self.algorithm).unwrap();
        Secret::new(format!("{signed}.{signature}"))
    }

    /// What becomes of the good claims under `header`.
    fn header(&self, header: &str) -> Result<Verified, Refusal> {
        self.verifier(JwtAlgorithm::EdDSA)
            .verify(&self.sign(header, &claims().to_string()), now())
    }

    /// What becomes of `claims` under the good header.
    fn claims(&self, claims: &Value) -> Result<Verified, Refusal> {
        let header = r#"{"alg":"EdDSA","kid":"k1"}"#;
        self.verifier(JwtAlgorithm::EdDSA)
            .verify(&self.sign(header, &claims.to_string()), now())
    }
}

const ISSUER: &str = "https://id.example";

fn claims() -> Value {
    let end = (now() + HOUR).as_second();
    json!({"iss": ISSUER, "aud": "shop", "sub": "ada", "exp": end})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

#[test]
fn accepts_every_offered_algorithm() {
    for (algorithm, offered) in [
        (Algorithm::ES256, JwtAlgorithm::ES256),
        (Algorithm::EdDSA, JwtAlgorithm::EdDSA),
        (Algorithm::PS256, JwtAlgorithm::PS256),
        (Algorithm::RS256, JwtAlgorithm::RS256),
    ] {
        let issuer = Issuer::new(algorithm);
        let header = format!(r#"{{"alg":"{offered}","typ":"JWT","kid":"k1"}}"#);
        let token = issuer.sign(&header, &claims().to_string());
        let verified = issuer.verifier(offered).verify(&token, now()).unwrap();
        assert_eq!(verified.subject().id(), "ada");
        let keyless = issuer.sign(&format!(r#"{{"alg":"{offered}"}}"#), &claims().to_string());
        issuer.verifier(offered).verify(&keyless, now()).unwrap();
    }
}

#[test]
fn refuses_headers_with_traps() {
    let issuer = Issuer::new(Algorithm::EdDSA);
    issuer
        .header(r#"{"alg":"EdDSA","kid":"k1","typ":"at+jwt","x":1}"#)
        .unwrap();
    let own = json!({"alg": "EdDSA", "jwk": issuer.jwk}).to_string();
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":""}"#,
        r#"{"alg":"HS256","kid":"k1"}"#,
        r#"{"alg":"RS256","kid":"k1"}"#,
        r#"{"alg":"eddsa","kid":"k1"}"#,
        r#"{"kid":"k1"}"#,
        r#"{"alg":["EdDSA"],"kid":"k1"}"#,
        r#"{"alg":"EdDSA","kid":"k2"}"#,
        r#"{"alg":"EdDSA","kid":""}"#,
        r#"{"alg":"EdDSA","kid":1}"#,
        r#"{"alg":"EdDSA","kid":null}"#,
        r#"{"alg":"EdDSA","kid":"../k1"}"#,
        r#"{"alg":"EdDSA","kid":"k1","crit":["exp"],"exp":1}"#,
        r#"{"alg":"EdDSA","kid":"k1","crit":[]}"#,
        r#"{"alg":"EdDSA","kid":"k1","b64":false}"#,
        r#"{"alg":"EdDSA","kid":"k1","jku":"https://evil.example"}"#,
        r#"{"alg":"EdDSA","kid":"k1","x5u":"https://evil.example"}"#,
        r#"{"alg":"EdDSA","kid":"k1","x5c":[]}"#,
        r#"{"alg":"EdDSA","kid":"k1","zip":"DEF"}"#,
        r#"{"alg":"none","alg":"EdDSA","kid":"k1"}"#,
        r#"{"alg":"EdDSA","kid":"k1","\u006bid":"k1"}"#,
        r#"["EdDSA"]"#,
        "",
        &own,
    ] {
        let refusal = issuer.header(header).unwrap_err();
        assert_eq!(refusal.code, ReasonCode::CapabilityInvalid, "{header}");
    }
}

#[test]
fn refuses_claims_that_do_not_hold() {
    let issuer = Issuer::new(Algorithm::EdDSA);
    let at = |seconds: i64| json!((now() + SignedDuration::from_secs(seconds)).as_second());
    for good in [
        claims(),
        with("aud", json!(["a", "shop"])),
        with("exp", at(-59)),
        with("nbf", at(60)),
        with("nbf", json!(1.5)),
        with("exp", json!(now().as_second() as f64 + 9.25)),
    ] {
        issuer.claims(&good).unwrap();
    }
    for bad in [
        with("iss", json!("https://id.example/")),
        with("iss", json!(["https://id.example"])),
        without("iss"),
        with("aud", json!("shop2")),
        with("aud", json!([])),
        with("aud", json!(["shop", 1])),
        with("aud", json!({"shop": 1})),
        without("aud"),
        without("sub"),
        with("sub", json!("")),
        with("sub", json!(7)),
        with("sub", json!("a\nb")),
        with("sub", json!("a\u{0}")),
        without("exp"),
        with("exp", json!("1900000000")),
        with("exp", json!(-1)),
        with("exp", json!(1e300)),
        with("exp", json!(null)),
        with("nbf", json!("soon")),
        with("nbf", at(61)),
        with("iat", json!("then")),
        with("cnf", json!({"jkt": "x"})),
        with("events", json!({})),
    ] {
        let refusal = issuer.claims(&bad).unwrap_err();
        assert_eq!(refusal.code, ReasonCode::CapabilityInvalid, "{bad}");
    }
    let refusal = issuer.claims(&with("exp", at(-60))).unwrap_err();
    assert_eq!(refusal.code, ReasonCode::CapabilityExpired);
    let twice =
        r#"{"iss":"https://id.example","aud":"shop","sub":"ada","exp":1900000000,"sub":"bob"}"#;
    let token = issuer.sign(r#"{"alg":"EdDSA","kid":"k1"}"#, twice);
    issuer
        .verifier(JwtAlgorithm::EdDSA)
        .verify(&token, now())
        .unwrap_err();
}

#[test]
fn reads_attributes_only_as_far_as_the_issuer_vouches() {
    let issuer = Issuer::new(Algorithm::EdDSA);
    let mut said = claims();
    said["email"] = json!("ada@shop.example");
    said["phone_number"] = json!("+49 30 1234");
    said["groups"] = json!(["buyers", "staff", 7, {"x": 1}]);
    said["name"] = json!("Ada");
    let values = |said: &Value, name: &str| -> Vec<String> {
        let verified = issuer.claims(said).unwrap();
        verified
            .subject()
            .values(name)
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert!(values(&said, "email").is_empty());
    assert!(values(&said, "phone").is_empty());
    said["email_verified"] = json!("true");
    assert!(values(&said, "email").is_empty());
    said["email_verified"] = json!(true);
    said["phone_number_verified"] = json!(true);
    assert_eq!(values(&said, "email"), ["ada@shop.example"]);
    assert_eq!(values(&said, "phone"), ["+49 30 1234"]);
    assert_eq!(values(&said, "group"), ["buyers", "staff", "7"]);
    assert_eq!(values(&said, "user"), ["ada"]);
    assert!(values(&said, "email_verified").is_empty());
}

#[test]
fn maps_configured_claims() {
    let issuer = Issuer::new(Algorithm::EdDSA);
    let keys = KeySet::parse(&issuer.jwk.to_string()).unwrap();
    let settings = |map: &[(&str, &str)]| {
        let map: BTreeMap<_, _> = map
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect();
        let jwt =
            JwtSettings::new(ISSUER, "shop", vec![JwtAlgorithm::EdDSA], keys.clone()).unwrap();
        jwt.with_claims(map)
    };
    let jwt = settings(&[("customer", "customer_id"), ("email", "contact")]).unwrap();
    let verifier = Verifier::new(
        Settings {
            biscuit: None,
            jwt: vec![jwt],
        },
        Limits::default(),
    )
    .unwrap();
    let mut said = claims();
    said["customer"] = json!(4711);
    said["email"] = json!("not@verified.example");
    let token = issuer.sign(r#"{"alg":"EdDSA","kid":"k1"}"#, &said.to_string());
    let verified = verifier.verify(&token, now()).unwrap();
    assert_eq!(
        verified
            .subject()
            .values("customer_id")
            .first()
            .unwrap()
            .as_ref(),
        "4711"
    );
    assert!(verified.subject().values("contact").is_empty());
    for reserved in ["user", "email", "phone", "method", "preview"] {
        let refused = settings(&[("x", reserved)]).unwrap_err();
        assert_eq!(refused, SettingsError::ClaimReserved(reserved.to_owned()));
    }
}

#[tokio::test]
async fn holds_rules_against_its_subject() {
    let issuer = Issuer::new(Algorithm::EdDSA);
    let verifier = issuer.verifier(JwtAlgorithm::EdDSA);
    let token = issuer.sign(
        r#"{"alg":"EdDSA","kid":"k1"}"#,
        &with("groups", json!(["buyers"])).to_string(),
    );
    for (rule, expected) in [
        ("allow if user($u), group($u, \"buyers\")", true),
        ("allow if group(\"buyers\"), method(\"GET\")", true),
        ("allow if group(\"admins\")", false),
    ] {
        let verified = verifier.verify(&token, now()).unwrap();
        let rule = Rule::parse(rule).unwrap();
        let judged = verifier
            .authorize(verified, &facts("GET", "/"), Some(&rule))
            .await;
        assert_eq!(
            judged.map(|_| ()).map_err(|refusal| refusal.code),
            if expected {
                Ok(())
            } else {
                Err(ReasonCode::NotAuthorized)
            }
        );
    }
}

#[test]
fn refuses_forms_that_decoders_forgive() {
    let issuer = Issuer::new(Algorithm::EdDSA);
    let good = issuer.sign(r#"{"alg":"EdDSA","kid":"k1"}"#, &claims().to_string());
    let good = good.expose();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    for text in [
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}="),
        format!("{good}."),
        format!(".{good}"),
        format!("{signed}."),
        format!("{signed}.{signature}{signature}"),
        signed.to_owned(),
        format!("{signed}.AAAA"),
        format!("{good}.a.b"),
        good.replace('.', ".."),
    ] {
        issuer
            .verifier(JwtAlgorithm::EdDSA)
            .verify(&Secret::new(text.clone()), now())
            .unwrap_err();
    }
}

#[test]
fn refuses_key_sets_with_traps() {
    let set = |keys: Value| KeySet::parse(&json!({"keys": keys}).to_string());
    let rsa = Issuer::new(Algorithm::RS256).jwk;
    let ed = Issuer::new(Algorithm::EdDSA).jwk;
    let es = Issuer::new(Algorithm::ES256).jwk;
    let p384 = Issuer::new(Algorithm::ES384).jwk;
    let change = |key: &Value, name: &str, value: Value| {
        let mut key = key.clone();
        key[name] = value;
        key
    };
    let symmetric =
        json!({"kty": "oct", "kid": "s", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"});
    for (keys, error) in [
        (json!([rsa, ed]), KeySetError::Duplicate),
        (
            json!([change(&rsa, "kid", json!("k2")), symmetric, ed]),
            KeySetError::Symmetric,
        ),
        (json!([symmetric]), KeySetError::Symmetric),
        (
            json!([change(&ed, "d", json!("AAAA"))]),
            KeySetError::Private,
        ),
        (
            json!([change(&es, "crv", json!("P-384"))]),
            KeySetError::Mismatch,
        ),
        (
            json!([change(&es, "alg", json!("RS256"))]),
            KeySetError::Mismatch,
        ),
        (
            json!([change(&p384, "alg", json!("ES256"))]),
            KeySetError::Mismatch,
        ),
        (json!([change(&rsa, "e", json!("AQ"))]), KeySetError::Weak),
        (json!([change(&rsa, "e", json!("Aw"))]), KeySetError::Weak),
        (
            json!([change(
                &rsa,
                "n",
                json!(URL_SAFE_NO_PAD.encode([0xff; 128]))
            )]),
            KeySetError::Weak,
        ),
        (json!([change(&rsa, "n", json!("AAAA"))]), KeySetError::Key),
        (json!([change(&ed, "x", json!("AAAA"))]), KeySetError::Key),
        (
            json!([change(&ed, "use", json!("enc"))]),
            KeySetError::Empty,
        ),
        (
            json!([change(&ed, "key_ops", json!(["sign"]))]),
            KeySetError::Empty,
        ),
        (json!([p384]), KeySetError::Empty),
        (json!([]), KeySetError::Empty),
        (json!("x"), KeySetError::Form),
        (json!([1]), KeySetError::Form),
    ] {
        let shown = keys.to_string();
        assert_eq!(set(keys).unwrap_err(), error, "{shown}");
    }
    assert_eq!(KeySet::parse("{").unwrap_err(), KeySetError::Form);
    let others = json!([change(&p384, "kid", json!("k2")), change(&rsa, "use", json!("enc")), {"kty": "AKP", "kid": "k3"}, change(&ed, "kid", json!("k4"))]);
    assert_eq!(set(others).unwrap().len(), 1);
}

#[test]
fn refuses_a_key_of_another_algorithm() {
    // The key is fit for RS256; the token asks for PS256 with the same key.
    let issuer = Issuer::new(Algorithm::PS256);
    let mut jwk = issuer.jwk.clone();
    jwk["alg"] = json!("RS256");
    let keys = KeySet::parse(&jwk.to_string()).unwrap();
    let both = vec![JwtAlgorithm::PS256, JwtAlgorithm::RS256];
    let jwt = JwtSettings::new(ISSUER, "shop", both, keys).unwrap();
    let verifier = Verifier::new(
        Settings {
            biscuit: None,
            jwt: vec![jwt],
        },
        Limits::default(),
    )
    .unwrap();
    let token = issuer.sign(r#"{"alg":"PS256","kid":"k1"}"#, &claims().to_string());
    verifier.verify(&token, now()).unwrap_err();
}
