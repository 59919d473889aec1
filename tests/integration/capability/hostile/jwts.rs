//! JSON Web Tokens that must fail.

#![expect(
    clippy::string_slice,
    reason = "tokens are ASCII, and a test ends where it can't go on"
)]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use chaperone::capability::mint::SigningKey;
use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Map, Value, json};

use super::{Case, EXPIRED, INVALID, TOO_LARGE, UNPROVEN};

/// An issuer with a key of each kind, and a stranger.
pub(super) struct Keys {
    ed: SigningKey,
    stranger: SigningKey,
    ec: (EncodingKey, Value),
    rsa: (EncodingKey, Value),
}

fn foreign(key: EncodingKey, algorithm: Algorithm, id: &str) -> (EncodingKey, Value) {
    let jwk = Jwk::from_encoding_key(&key, algorithm).unwrap();
    let mut jwk = serde_json::to_value(jwk).unwrap();
    jwk["kid"] = json!(id);
    (key, jwk)
}

fn encode(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

impl Keys {
    pub(super) fn new() -> Self {
        let ec = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let ec = EncodingKey::from_ec_pem(ec.serialize_pem().as_bytes()).unwrap();
        let size = rcgen::RsaKeySize::_2048;
        let rsa = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size).unwrap();
        let rsa = EncodingKey::from_rsa_pem(rsa.serialize_pem().as_bytes()).unwrap();
        Self {
            ed: SigningKey::generate().unwrap(),
            stranger: SigningKey::generate().unwrap(),
            ec: foreign(ec, Algorithm::ES256, "ec"),
            rsa: foreign(rsa, Algorithm::RS256, "rsa"),
        }
    }

    pub(super) fn set(&self) -> String {
        json!({"keys": [jwk(&self.ed, "ed"), self.ec.1, self.rsa.1]}).to_string()
    }

    /// A token of these very texts.
    fn raw(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        format!("{message}.{}", self.ed.sign(message.as_bytes()).unwrap())
    }

    fn with(&self, header: &Value, claims: &Value) -> String {
        self.raw(&header.to_string(), &claims.to_string())
    }

    /// Signed by a key of another kind.
    fn by(&self, key: &EncodingKey, algorithm: Algorithm, header: &Value) -> String {
        let message = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims().to_string())
        );
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
        format!("{message}.{signature}")
    }

    fn good(&self) -> String {
        self.with(&header(), &claims())
    }
}

fn jwk(key: &SigningKey, id: &str) -> Value {
    let set: Value = serde_json::from_str(&key.jwks(Some(id))).unwrap();
    set["keys"][0].clone()
}

fn header() -> Value {
    json!({"alg": "EdDSA", "kid": "ed", "typ": "JWT"})
}

fn claims() -> Value {
    let now = Timestamp::now().as_second();
    json!({"iss": "id", "aud": "shop", "sub": "ada", "exp": now + 3600, "iat": now})
}

fn put(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object
        .as_object_mut()
        .map(|members: &mut Map<String, Value>| members.remove(name));
    object
}

/// A text's part between dots, changed.
fn part(token: &str, index: usize, change: impl FnOnce(&str) -> String) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[index] = change(&parts[index]);
    parts.join(".")
}

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    let mut cases = Vec::new();
    headers(keys, &mut cases);
    confusions(keys, &mut cases);
    stated(keys, &mut cases);
    forms(keys, &mut cases);
    cases
}

/// Header members, signed by the issuer all the same.
fn headers(keys: &Keys, cases: &mut Vec<Case>) {
    let stranger = put(jwk(&keys.stranger, "ed"), "a", json!("stranger"));
    let own = jwk(&keys.ed, "ed");
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("None")),
        ("alg", json!("HS256")),
        ("alg", json!("HS512")),
        ("alg", json!("RS256")),
        ("alg", json!("PS256")),
        ("alg", json!("ES256")),
        ("alg", json!("ES256K")),
        ("alg", json!("ES384")),
        ("alg", json!("Ed25519")),
        ("alg", json!("eddsa")),
        ("alg", json!("")),
        ("alg", json!(1)),
        ("alg", json!(["EdDSA"])),
        ("alg", json!({"EdDSA": 1})),
        ("alg", Value::Null),
        ("kid", json!("other")),
        ("kid", json!("ED")),
        ("kid", json!("ed ")),
        ("kid", json!("")),
        ("kid", json!("ec")),
        ("kid", json!("rsa")),
        ("kid", json!(0)),
        ("kid", json!(["ed"])),
        ("kid", json!({"kid": "ed"})),
        ("kid", Value::Null),
        ("kid", json!("../../../../dev/null")),
        ("kid", json!("' UNION SELECT 'ed")),
        ("kid", json!("ed\u{0}")),
        ("kid", json!("https://evil.example/key")),
        ("kid", json!("k".repeat(2000))),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(["b64"])),
        ("crit", json!("exp")),
        ("crit", Value::Null),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("jku", json!("https://id.example/jwks.json")),
        ("jku", json!("http://127.0.0.1/jwks.json")),
        ("x5u", json!("https://id.example/cert.pem")),
        ("x5c", json!(["AAAA"])),
        ("jwk", stranger),
        ("jwk", own),
        ("jwk", Value::Null),
    ] {
        let twin = keys.with(
            &put(header(), &format!("x-{name}"), value.clone()),
            &claims(),
        );
        let hostile = keys.with(&put(header(), name, value.clone()), &claims());
        let shown: String = value.to_string().chars().take(40).collect();
        cases.push(Case::new(
            format!("header {name}: {shown}"),
            twin,
            hostile,
            INVALID,
        ));
    }
    cases.push(Case::new(
        "header without alg",
        keys.with(&without(header(), "kid"), &claims()),
        keys.with(&without(header(), "alg"), &claims()),
        INVALID,
    ));
    let text = claims().to_string();
    for (name, raw) in [
        ("alg twice", r#"{"alg":"EdDSA","kid":"ed","alg":"none"}"#),
        (
            "alg twice, escaped",
            r#"{"alg":"EdDSA","kid":"ed","\u0061lg":"EdDSA"}"#,
        ),
        ("kid twice", r#"{"alg":"EdDSA","kid":"other","kid":"ed"}"#),
        ("array", r#"[{"alg":"EdDSA","kid":"ed"}]"#),
        ("text", r#""EdDSA""#),
        ("nothing", ""),
        ("garbage behind", r#"{"alg":"EdDSA","kid":"ed"} {}"#),
        ("comment", r#"{"alg":"EdDSA",/**/"kid":"ed"}"#),
        ("comma at the end", r#"{"alg":"EdDSA","kid":"ed",}"#),
        ("single quotes", r#"{'alg':'EdDSA','kid':'ed'}"#),
        (
            "byte order mark",
            "\u{feff}{\"alg\":\"EdDSA\",\"kid\":\"ed\"}",
        ),
    ] {
        let twin = keys.raw(r#"{ "alg":"EdDSA" , "kid":"ed" }"#, &text);
        cases.push(Case::new(
            format!("header {name}"),
            twin,
            keys.raw(raw, &text),
            INVALID,
        ));
    }
}

/// Keys and algorithms that don't belong together, and signatures that are none.
fn confusions(keys: &Keys, cases: &mut Vec<Case>) {
    let es = put(put(header(), "alg", json!("ES256")), "kid", json!("ec"));
    let rs = put(put(header(), "alg", json!("RS256")), "kid", json!("rsa"));
    let by_ec = keys.by(&keys.ec.0, Algorithm::ES256, &es);
    let by_rsa = keys.by(&keys.rsa.0, Algorithm::RS256, &rs);
    let mut add = |name: &str, twin: &str, hostile: String| {
        cases.push(Case::new(
            format!("signature {name}"),
            twin,
            hostile,
            INVALID,
        ));
    };
    let set = keys.set();
    let public = keys.ed.public().to_string();
    let modulus = keys.rsa.1["n"].as_str().unwrap().to_owned();
    for (name, secret) in [
        ("key set", set.as_str()),
        ("key", &public),
        ("modulus", &modulus),
        ("empty key", ""),
    ] {
        let key = EncodingKey::from_secret(secret.as_bytes());
        let header = put(header(), "alg", json!("HS256"));
        add(
            &format!("HMAC under the {name}"),
            &keys.good(),
            keys.by(&key, Algorithm::HS256, &header),
        );
    }
    let ps = put(rs.clone(), "alg", json!("PS256"));
    add(
        "PS256 that is not listed",
        &by_rsa,
        keys.by(&keys.rsa.0, Algorithm::PS256, &ps),
    );
    let rs512 = put(rs.clone(), "alg", json!("RS512"));
    add(
        "RS512 that is not listed",
        &by_rsa,
        keys.by(&keys.rsa.0, Algorithm::RS512, &rs512),
    );
    add(
        "RS256 of a PS256 header",
        &by_rsa,
        keys.by(&keys.rsa.0, Algorithm::RS256, &ps),
    );
    add(
        "PS256 under RS256",
        &by_rsa,
        keys.by(&keys.rsa.0, Algorithm::PS256, &rs),
    );
    add(
        "RSA key named by EC",
        &by_ec,
        keys.by(
            &keys.ec.0,
            Algorithm::ES256,
            &put(es.clone(), "kid", json!("rsa")),
        ),
    );
    for (name, bytes) in [
        ("zeros", vec![0; 64]),
        ("ones", vec![0xff; 64]),
        ("one byte", vec![0]),
        ("DER", vec![0x30, 6, 2, 1, 1, 2, 1, 1]),
    ] {
        add(
            &format!("ECDSA of {name}"),
            &by_ec,
            part(&by_ec, 2, |_| encode(&bytes)),
        );
        add(
            &format!("Ed25519 of {name}"),
            &keys.good(),
            part(&keys.good(), 2, |_| encode(&bytes)),
        );
    }
    add(
        "RSA of zeros",
        &by_rsa,
        part(&by_rsa, 2, |_| encode(vec![0; 256])),
    );
    let stranger = |message: &str| keys.stranger.sign(message.as_bytes()).unwrap();
    let good = keys.good();
    let (message, _) = good.rsplit_once('.').unwrap();
    add(
        "of a stranger",
        &good,
        format!("{message}.{}", stranger(message)),
    );
    let own = put(header(), "jwk", jwk(&keys.stranger, "ed"));
    let message = format!(
        "{}.{}",
        encode(own.to_string()),
        encode(claims().to_string())
    );
    add(
        "of the key that it brings",
        &good,
        format!("{message}.{}", stranger(&message)),
    );
    let other = part(&good, 1, |_| {
        encode(put(claims(), "sub", json!("bob")).to_string())
    });
    add("of other claims", &good, other);
    let none = part(&good, 0, |_| encode(r#"{"alg":"none"}"#));
    add("none, kept", &good, none.clone());
    add("none, empty", &good, part(&none, 2, |_| String::new()));
    add("empty", &good, part(&good, 2, |_| String::new()));
}

/// Claims that are not what they must be.
fn stated(keys: &Keys, cases: &mut Vec<Case>) {
    let now = Timestamp::now().as_second();
    let thumbprint = encode([7; 32]);
    for (name, value, code) in [
        ("iss", json!("other"), INVALID),
        ("iss", json!("ID"), INVALID),
        ("iss", json!("id/"), INVALID),
        ("iss", json!(["id"]), INVALID),
        ("iss", Value::Null, INVALID),
        ("aud", json!("other"), INVALID),
        ("aud", json!("shop2"), INVALID),
        ("aud", json!("Shop"), INVALID),
        ("aud", json!([]), INVALID),
        ("aud", json!(["shop", 1]), INVALID),
        ("aud", json!({"shop": 1}), INVALID),
        ("aud", json!([["shop"]]), INVALID),
        ("sub", json!(""), INVALID),
        ("sub", json!(7), INVALID),
        ("sub", json!(["ada"]), INVALID),
        ("sub", Value::Null, INVALID),
        ("sub", json!("ada\n"), INVALID),
        ("sub", json!("a\u{0}da"), INVALID),
        ("exp", json!(now - 61), EXPIRED),
        ("exp", json!(0), EXPIRED),
        ("exp", json!(now.to_string()), INVALID),
        ("exp", json!(-1), INVALID),
        ("exp", json!(1e300), INVALID),
        ("exp", json!(true), INVALID),
        ("exp", Value::Null, INVALID),
        ("exp", json!([now + 3600]), INVALID),
        ("nbf", json!(now + 120), INVALID),
        ("nbf", json!("now"), INVALID),
        ("nbf", json!(-5), INVALID),
        ("iat", json!("now"), INVALID),
        ("iat", json!({}), INVALID),
        (
            "events",
            json!({"https://schemas.openid.net/event/backchannel-logout": {}}),
            INVALID,
        ),
        ("cnf", json!({"jkt": thumbprint}), UNPROVEN),
        ("cnf", json!({"x5t#S256": thumbprint}), UNPROVEN),
        ("cnf", json!({"jkt": "short"}), INVALID),
        ("cnf", json!({"kid": "k"}), INVALID),
        ("cnf", json!({}), INVALID),
        ("cnf", Value::Null, INVALID),
    ] {
        let twin = keys.with(
            &header(),
            &put(claims(), &format!("x-{name}"), value.clone()),
        );
        let hostile = keys.with(&header(), &put(claims(), name, value.clone()));
        let shown: String = value.to_string().chars().take(40).collect();
        cases.push(Case::new(
            format!("claim {name}: {shown}"),
            twin,
            hostile,
            code,
        ));
    }
    for name in ["iss", "aud", "sub", "exp"] {
        let hostile = keys.with(&header(), &without(claims(), name));
        let twin = keys.with(&header(), &without(claims(), "iat"));
        cases.push(Case::new(
            format!("claims without {name}"),
            twin,
            hostile,
            INVALID,
        ));
    }
    let head = header().to_string();
    let good = claims().to_string();
    let inner = &good[1..];
    for (name, raw) in [
        ("sub twice", format!("{{\"sub\":\"bob\",{inner}")),
        (
            "sub twice, escaped",
            format!("{{\"\\u0073ub\":\"bob\",{inner}"),
        ),
        ("exp twice", format!("{{\"exp\":9999999999,{inner}")),
        (
            "a twin deep inside",
            format!("{{\"x\":{{\"a\":1,\"a\":2}},{inner}"),
        ),
        ("in an array", format!("[{good}]")),
        ("text", "\"ada\"".to_owned()),
        ("nothing", String::new()),
        ("garbage behind", format!("{good}x")),
        ("two objects", format!("{good}{good}")),
        ("another token", keys.good()),
        (
            "nested deep",
            format!("{{\"x\":{}{},{inner}", "[".repeat(1000), "]".repeat(1000)),
        ),
        ("a lone surrogate", format!("{{\"x\":\"\\ud800\",{inner}")),
        ("not a number", format!("{{\"x\":NaN,{inner}")),
    ] {
        let twin = keys.raw(&head, &format!("{{\"x\":1,{inner}"));
        cases.push(Case::new(
            format!("claims {name}"),
            twin,
            keys.raw(&head, &raw),
            INVALID,
        ));
    }
}

/// Texts that are no token in compact form.
fn forms(keys: &Keys, cases: &mut Vec<Case>) {
    let good = keys.good();
    let parts: Vec<&str> = good.split('.').collect();
    let [head, body, signature] = parts.as_slice() else {
        unreachable!()
    };
    let padded = |text: &str| URL_SAFE.encode(URL_SAFE_NO_PAD.decode(text).unwrap());
    // A signature of 64 bytes leaves four bits over, which must be zero.
    let stray = format!(
        "{}{}",
        &signature[..85],
        if signature.ends_with('A') { "B" } else { "_" }
    );
    let flattened = json!({"payload": body, "protected": head, "signature": signature}).to_string();
    let general =
        json!({"payload": body, "signatures": [{"protected": head, "signature": signature}]})
            .to_string();
    let header = format!("{{\"x\":\"{}\",\"alg\":\"EdDSA\"}}", "?".repeat(40));
    let standard = format!("{}.{body}.{signature}", STANDARD.encode(header));
    for (name, text, code) in [
        ("two parts", format!("{head}.{body}"), INVALID),
        ("four parts", format!("{good}.{signature}"), INVALID),
        (
            "five parts",
            format!("{head}.{body}.{signature}.{body}.{signature}"),
            INVALID,
        ),
        ("a dot before", format!(".{good}"), INVALID),
        ("a dot behind", format!("{good}."), INVALID),
        ("dots alone", "..".to_owned(), INVALID),
        ("one dot", ".".to_owned(), INVALID),
        ("no header", format!(".{body}.{signature}"), INVALID),
        ("no claims", format!("{head}..{signature}"), INVALID),
        (
            "padded signature",
            format!("{head}.{body}.{}", padded(signature)),
            INVALID,
        ),
        (
            "padded all over",
            format!("{}=.{}=.{}=", head, body, signature),
            INVALID,
        ),
        ("standard alphabet", standard, INVALID),
        ("stray bits", format!("{head}.{body}.{stray}"), INVALID),
        ("a byte behind", format!("{good}A"), INVALID),
        ("bytes behind", format!("{good}AAAA"), INVALID),
        ("a byte short", good[..good.len() - 2].to_owned(), INVALID),
        (
            "a space inside",
            format!("{head}. {body}.{signature}"),
            INVALID,
        ),
        (
            "a tab inside",
            format!("{head}.\t{body}.{signature}"),
            INVALID,
        ),
        (
            "a space in a part",
            format!("{} {}.{body}.{signature}", &head[..8], &head[8..]),
            INVALID,
        ),
        ("escaped dots", good.replace('.', "%2e"), INVALID),
        ("quotes", format!("\"{good}\""), INVALID),
        ("two tokens", format!("{good}, {good}"), INVALID),
        ("two schemes", format!("Bearer {good}"), INVALID),
        ("a Biscuit's prefix", format!("biscuit:{good}"), INVALID),
        ("flattened JSON", flattened, INVALID),
        ("general JSON", general, INVALID),
        (
            "too long",
            format!("{head}.{}.{signature}", "A".repeat(9000)),
            TOO_LARGE,
        ),
        (
            "too long a header",
            format!("{}.{body}.{signature}", "A".repeat(9000)),
            TOO_LARGE,
        ),
    ] {
        cases.push(Case::new(format!("form {name}"), good.clone(), text, code));
    }
}
