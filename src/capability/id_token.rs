//! ID tokens (OpenID Connect Core 1.0 section 3.1.3.7): a JSON Web Token that answers one login.

use jiff::Timestamp;

use super::{JwtSettings, Verified, claimed::Claimed, jwt};
use crate::types::{ReasonCode, Refusal, Secret};

/// Proves that `settings`' issuer made the token in answer to the login of `nonce`.
///
/// # Errors
/// Refuses what [`super::Verifier`] would refuse, a token of another login, and one that was made for another client.
pub fn prove(
    token: &Secret<String>,
    settings: &JwtSettings,
    nonce: &str,
    now: Timestamp,
) -> Result<Verified, Refusal> {
    /// Bytes of a token.
    const MOST: usize = 64 * 1024;
    let invalid = |why: &str| Refusal::new(ReasonCode::CapabilityInvalid).because(why);
    let text = token.expose();
    if text.len() > MOST {
        return Err(Refusal::new(ReasonCode::CapabilityTooLarge));
    }
    let Some(Claimed::Jwt(token)) = Claimed::read(text) else {
        return Err(invalid("it is not a JSON Web Token"));
    };
    let verified = jwt::prove(
        &token,
        std::slice::from_ref(settings),
        &blake3::hash(text.as_bytes()),
        now,
    )?;
    verified.within_time(now)?;
    let (_, claims) = token
        .members()
        .ok_or_else(|| invalid("its claims are not one JSON object"))?;
    let says = |name: &str| claims.get(name).and_then(serde_json::Value::as_str);
    if says("nonce") != Some(nonce) {
        return Err(invalid("it answers another login"));
    }
    if claims.contains_key("azp") && says("azp") != Some(settings.audience()) {
        return Err(invalid("it was made for another client"));
    }
    Ok(verified)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jiff::Timestamp;
    use serde_json::json;

    use super::prove;
    use crate::capability::mint::SigningKey;
    use crate::capability::{JwtAlgorithm, JwtSettings, KeySet};
    use crate::types::{ReasonCode, Secret};

    #[test]
    fn takes_the_answer_to_this_login_alone() {
        let key = SigningKey::generate().unwrap();
        let keys = KeySet::parse(&key.jwks(Some("k"))).unwrap();
        let settings = JwtSettings::new("https://id", "shop", JwtAlgorithm::ALL.to_vec(), keys);
        let settings = settings.unwrap();
        let now = Timestamp::now();
        let token = |member: &str, value: serde_json::Value| {
            let mut claims = json!({
                "iss": "https://id", "aud": "shop", "sub": "alice", "nonce": "n",
                "iat": now.as_second(), "exp": now.as_second() + 300,
            });
            claims[member] = value;
            let header = URL_SAFE_NO_PAD.encode(json!({"alg": "EdDSA", "kid": "k"}).to_string());
            let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
            let signature = key.sign(signed.as_bytes()).unwrap();
            Secret::new(format!("{signed}.{signature}"))
        };
        let judge = |token: &Secret<String>| {
            let proven = prove(token, &settings, "n", now);
            proven
                .map(|verified| verified.subject().id().to_owned())
                .map_err(|refusal| refusal.code)
        };
        assert_eq!(judge(&token("nonce", json!("n"))).unwrap(), "alice");
        assert_eq!(judge(&token("azp", json!("shop"))).unwrap(), "alice");
        assert_eq!(judge(&token("aud", json!(["shop", "x"]))).unwrap(), "alice");
        for (member, value) in [
            ("nonce", json!("m")),
            ("nonce", json!(null)),
            ("nonce", json!(["n"])),
            ("azp", json!("x")),
            ("azp", json!(7)),
            ("aud", json!("x")),
            ("iss", json!("https://id/")),
            ("sub", json!("")),
        ] {
            let refused = judge(&token(member, value.clone()));
            assert_eq!(
                refused,
                Err(ReasonCode::CapabilityInvalid),
                "{member}: {value}"
            );
        }
        let late = judge(&token("exp", json!(now.as_second() - 300)));
        assert_eq!(late, Err(ReasonCode::CapabilityExpired));
        let none = Secret::new("e30.e30.".to_owned());
        assert_eq!(judge(&none), Err(ReasonCode::CapabilityInvalid));
    }
}
