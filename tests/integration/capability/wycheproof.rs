//! Wycheproof's signature vectors: every forgery rejected, every good signature of an offered algorithm accepted.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chaperone::capability::{KeySet, judge};
use serde_json::Value;

#[test]
fn judges_every_vector() {
    let Some(folder) = super::cases("wycheproof-jws") else {
        return;
    };
    let text = std::fs::read_to_string(folder.join("cases.jsonl")).unwrap();
    let (mut accepted, mut refused, mut out_of_scope, mut wrong) = (0, 0, 0, Vec::new());
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let name = format!("{} {} {}", case["file"], case["tcId"], case["comment"]);
        // Vectors in JSON serialisation are objects: they are handed over as their text.
        let token = match &case["jws"] {
            Value::String(token) => token.clone(),
            other => other.to_string(),
        };
        let is_accepted = match KeySet::parse(&case["key"].to_string()) {
            Ok(keys) => judge::jws(&keys, &token).is_ok(),
            Err(_) => false,
        };
        match (case["result"].as_str().unwrap(), is_accepted) {
            ("valid", true) => accepted += 1,
            ("invalid", false) => refused += 1,
            // Algorithms that are not offered, and encrypted tokens, are rejected whatever they hold.
            ("valid" | "acceptable", false) if !is_offered(&token) => out_of_scope += 1,
            (expected, _) => wrong.push(format!("{name}: {expected}, accepted: {is_accepted}")),
        }
    }
    println!("accepted {accepted}, refused {refused}, out of scope {out_of_scope}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    // 10 RS256, 6 PS256 and 3 ES256 vectors were signed well; there is none for EdDSA.
    assert!(accepted >= 19, "only {accepted} accepted");
}

fn is_offered(token: &str) -> bool {
    let header = token
        .split('.')
        .next()
        .and_then(|header| URL_SAFE_NO_PAD.decode(header).ok());
    let header: Option<Value> = header.and_then(|header| serde_json::from_slice(&header).ok());
    let algorithm = header
        .as_ref()
        .and_then(|header| header["alg"].as_str().map(str::to_owned));
    algorithm.is_some_and(|name| ["RS256", "PS256", "ES256", "EdDSA"].contains(&name.as_str()))
}
