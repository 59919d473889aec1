//! The Biscuit specification's samples: every validation ends as the specification says.

use std::time::Duration;

use chaperone::capability::RootKey;
use chaperone::capability::judge::{self, Authorizer};
use serde_json::Value;

#[test]
fn judges_every_validation() {
    let Some(folder) = super::cases("biscuit") else {
        return;
    };
    let samples = std::fs::read_to_string(folder.join("samples.json")).unwrap();
    let samples: Value = serde_json::from_str(&samples).unwrap();
    let root = format!("ed25519/{}", samples["root_public_key"].as_str().unwrap());
    let root = RootKey::parse(&root).unwrap();
    let (mut judged, mut wrong) = (0, Vec::new());
    for sample in samples["testcases"].as_array().unwrap() {
        let file = sample["filename"].as_str().unwrap();
        let token = std::fs::read(folder.join(file)).unwrap();
        for (name, validation) in sample["validations"].as_object().unwrap() {
            let code = validation["authorizer_code"].as_str().unwrap_or_default();
            let authorizer = Authorizer::parse(code).unwrap();
            let verdict = judge::biscuit(&root, authorizer, &token, Duration::from_secs(5));
            judged += 1;
            if verdict.is_ok() != validation["result"].get("Ok").is_some() {
                wrong.push(format!("{file} {name}: {verdict:?}"));
            }
        }
    }
    println!("{judged} validations");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(judged >= 48, "only {judged} judged");
}
