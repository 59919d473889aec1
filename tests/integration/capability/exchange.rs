//! `chaperone token exchange` and `chaperone ticket` as bots use them.

use std::path::Path;
use std::process::{Command, Output};

const POLICY: &str = "version: 1\npolicy: test\ncapability:\n  biscuit: { root_keys: [mint.pub] }\n  \
    jwt: { issuer: 'https://id.example', audience: shop, jwks: id.jwks.json, algorithms: [EdDSA] }\n\
    routes:\n  - match: GET /**\n    public: All.\n";

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chaperone"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone())
        .unwrap()
        .trim()
        .to_owned()
}

#[test]
fn exchanges_what_the_policy_takes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for name in ["mint", "id", "other"] {
        text(&run(at, &["token", "keygen", "--jwks", "--out", name]));
    }
    std::fs::write(at.join("policy.yaml"), POLICY).unwrap();
    let jwt = |key: &str, audience: &str| {
        let args = [
            "token",
            "mint",
            "--key",
            key,
            "--user",
            "alice",
            "--jwt",
            "--issuer",
            "https://id.example",
            "--audience",
            audience,
        ];
        text(&run(at, &args))
    };
    let exchange = |token: &str, key: &str| {
        std::fs::write(at.join("token"), token).unwrap();
        let args = [
            "token",
            "exchange",
            "--policy",
            "policy.yaml",
            "--key",
            key,
            "--preview",
            "pr-1",
            "--token",
            "token",
        ];
        run(at, &args)
    };
    let made = text(&exchange(&jwt("id.key", "shop"), "mint.key"));
    std::fs::write(at.join("made"), &made).unwrap();
    let shown = text(&run(at, &["token", "inspect", "--token", "made"]));
    assert!(shown.contains("alice") && shown.contains("pr-1"), "{shown}");
    for (token, key, code, part) in [
        (
            jwt("other.key", "shop"),
            "mint.key",
            1,
            "capability-invalid",
        ),
        (jwt("id.key", "another"), "mint.key", 1, "another audience"),
        (made, "mint.key", 1, "a Biscuit is a capability already"),
        (jwt("id.key", "shop"), "other.key", 2, "root_keys"),
        (jwt("id.key", "shop"), "none.key", 2, "none.key"),
    ] {
        let refused = exchange(&token, key);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(code), "{said}");
        assert!(said.contains(part) && refused.stdout.is_empty(), "{said}");
        assert!(!said.contains(&token));
    }
}

#[test]
fn makes_links_to_one_host() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    text(&run(at, &["token", "keygen", "--out", "issuer"]));
    let ticket = |host: &str, rest: &[&str]| {
        let fixed = [
            "ticket",
            "--key",
            "issuer.key",
            "--preview",
            "pr-1",
            "--user",
            "alice",
            "--host",
            host,
        ];
        run(at, &[&fixed[..], rest].concat())
    };
    let link = text(&ticket("pr-1.preview.example:8443", &[]));
    let head = "https://pr-1.preview.example:8443/.well-known/chaperone/ticket#";
    assert!(link.starts_with(head), "{link}");
    for (host, rest) in [
        ("a@b", &[][..]),
        ("a/b", &[]),
        ("a", &["--expires", "2h"]),
        ("a", &["--path", "//evil.example"]),
        ("a", &["--attribute", "user=bob"]),
        ("a", &["--attribute", "email"]),
    ] {
        assert_eq!(ticket(host, rest).status.code(), Some(2), "{host} {rest:?}");
    }
}
