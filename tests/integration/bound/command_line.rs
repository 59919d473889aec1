//! `chaperone binding …`, `approve` and `token revoke` as people and bots use them.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const IMAGE: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const OTHER: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

fn chaperone(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chaperone"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

fn code(folder: &Path, args: &[&str]) -> i32 {
    chaperone(folder, args).status.code().unwrap()
}

fn out(folder: &Path, args: &[&str]) -> String {
    let output = chaperone(folder, args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Keys, a policy, and the binding of one revision.
fn stage() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for name in ["issuer", "deployer", "carol", "alice", "revoker"] {
        out(at, &["token", "keygen", "--out", name]);
    }
    let reviewers = ["carol", "alice"].map(|name| {
        let key = std::fs::read_to_string(at.join(format!("{name}.pub"))).unwrap();
        format!("{} {name}\n", key.trim())
    });
    std::fs::write(at.join("reviewers.pub"), reviewers.concat()).unwrap();
    std::fs::write(
        at.join("policy.yaml"),
        "version: 1\npolicy: test\ncapability: { biscuit: { root_keys: [issuer.pub] } }\n\
         binding: { root_keys: [deployer.pub] }\nreview: { reviewers: [reviewers.pub] }\n\
         routes: [{ match: GET /, public: The same for everybody. }]\n",
    )
    .unwrap();
    let binding = out(at, &create("deployer.key"));
    std::fs::write(at.join("binding.token"), binding).unwrap();
    folder
}

fn create(key: &str) -> Vec<&str> {
    vec![
        "binding",
        "create",
        "--key",
        key,
        "--preview",
        "pr-1",
        "--host",
        "pr-1.preview.example",
        "--revision",
        "aaa",
        "--image",
        IMAGE,
        "--originator",
        "alice",
    ]
}

#[test]
fn creates_approves_and_verifies_a_binding() {
    let folder = stage();
    let at = folder.path();
    let verify = |more: &[&str]| {
        let mut args = vec!["binding", "verify", "--binding", "binding.token"];
        args.extend(["--policy", "policy.yaml"]);
        args.extend(more);
        code(at, &args)
    };
    assert_eq!(verify(&[]), 0);
    assert_eq!(verify(&["--level", "ok-to-test"]), 1);
    let approve = |key: &str, revision: &str, level: &str| {
        let args = [
            "approve",
            "--binding",
            "binding.token",
            "--out",
            "binding.token",
        ];
        let more = ["--key", key, "--revision", revision, "--level", level];
        code(at, &[&args[..], &more].concat())
    };
    // The originator may sign, which grants nothing.
    assert_eq!(approve("alice.key", "aaa", "cleared"), 0);
    assert_eq!(verify(&["--level", "ok-to-test"]), 1);
    assert_eq!(approve("carol.key", "bbb", "ok-to-test"), 1);
    assert_eq!(approve("carol.pub", "aaa", "ok-to-test"), 2);
    assert_eq!(approve("carol.key", "aaa", "ok-to-test"), 0);
    assert_eq!(verify(&["--level", "ok-to-test"]), 0);
    assert_eq!(verify(&["--level", "cleared"]), 1);
    for (more, expected) in [
        (["--preview", "pr-1"], 0),
        (["--preview", "pr-2"], 1),
        (["--revision", "aaa"], 0),
        (["--revision", "bbb"], 1),
        (["--image", IMAGE], 0),
        (["--image", OTHER], 1),
    ] {
        assert_eq!(verify(&more), expected, "{more:?}");
    }
    let seen = out(
        at,
        &[
            "binding",
            "inspect",
            "--binding",
            "binding.token",
            "--format",
            "json",
        ],
    );
    let seen: Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(seen["verified"], false);
    assert_eq!(seen["preview"], "pr-1");
    assert_eq!(seen["audience"], serde_json::json!(["originator"]));
    assert_eq!(seen["approvals"].as_array().unwrap().len(), 2);
    assert_eq!(seen["approvals"][1]["level"], "ok-to-test");
    let seen = out(at, &["binding", "inspect", "--binding", "binding.token"]);
    assert!(seen.starts_with("NOT VERIFIED"), "{seen}");
    let forged = out(at, &create("issuer.key"));
    std::fs::write(at.join("binding.token"), forged).unwrap();
    assert_eq!(verify(&[]), 1);
}

#[test]
fn refuses_to_create_what_no_sidecar_reads() {
    let folder = stage();
    let at = folder.path();
    for (from, to, expected) in [
        ("aaa", "bbb", 0),
        ("pr-1", "", 2),
        ("alice", "", 2),
        (IMAGE, "latest", 2),
        ("pr-1.preview.example", "a b", 2),
        ("deployer.key", "deployer.pub", 2),
        ("deployer.key", "missing.key", 2),
    ] {
        let args = create("deployer.key");
        let args: Vec<&str> = args
            .iter()
            .map(|it| if *it == from { to } else { it })
            .collect();
        assert_eq!(code(at, &args), expected, "{from} -> {to}");
    }
    for (audience, expected) in [
        ("opt-in", 0),
        ("user:bob", 0),
        ("group:staff", 0),
        ("everybody", 2),
        ("user:", 2),
        ("team:x", 2),
    ] {
        let mut args = create("deployer.key");
        args.extend(["--audience", audience]);
        assert_eq!(code(at, &args), expected, "{audience}");
    }
}

#[test]
fn signs_lists_of_revocations() {
    let folder = stage();
    let at = folder.path();
    let policy = std::fs::read_to_string(at.join("policy.yaml")).unwrap();
    let signed = policy.replace(
        "[issuer.pub] } }",
        "[issuer.pub] }, revoked: { list: revoked.txt, key: revoker.pub } }",
    );
    std::fs::write(at.join("policy.yaml"), signed).unwrap();
    let check = || code(at, &["check", "policy.yaml"]);
    let id = "ab".repeat(64);
    let revoke = |more: &[&str]| {
        let args = ["token", "revoke", "--list", "revoked.txt"];
        code(at, &[&args[..], more].concat())
    };
    assert_eq!(check(), 1);
    assert_eq!(revoke(&[]), 0);
    assert_eq!(check(), 1, "an unsigned list");
    assert_eq!(revoke(&["--key", "revoker.key", &id]), 0);
    assert_eq!(check(), 0);
    assert_eq!(
        revoke(&[&id]),
        2,
        "a signed list is not extended without its key"
    );
    assert_eq!(revoke(&["--key", "revoker.key", "jti:a-token"]), 0);
    assert_eq!(check(), 0);
    assert_eq!(revoke(&["--key", "revoker.key", "nonsense"]), 2);
    let list = std::fs::read_to_string(at.join("revoked.txt")).unwrap();
    assert!(list.contains(&id) && list.contains("jti:a-token"), "{list}");
    for (name, forged) in [
        ("taken out", list.replace("jti:a-token\n", "")),
        ("put in", format!("{list}{}\n", "cd".repeat(64))),
        ("unsigned", list.split_once('\n').unwrap().1.to_owned()),
        ("emptied", String::new()),
    ] {
        std::fs::write(at.join("revoked.txt"), forged).unwrap();
        assert_eq!(check(), 1, "{name}");
    }
    std::fs::write(at.join("revoked.txt"), &list).unwrap();
    assert_eq!(check(), 0);
    assert_eq!(revoke(&["--key", "carol.key"]), 0);
    assert_eq!(check(), 1, "another key's list");
}

#[test]
fn signs_receipts_that_can_be_verified() {
    let folder = stage();
    let at = folder.path();
    let record = |sequence: u32, revision: &str, rest: &str| {
        format!(
            "{{\"version\":1,\"sequence\":{sequence},\"time\":\"2026-11-23T02:00:00Z\",\"id\":\"00\",\
             \"preview\":\"pr-1\",\"revision\":\"{revision}\",\"policy\":\"6c1f\",\"generation\":1,\
             \"direction\":\"inbound\",\"subject\":\"plain-name\",\"method\":\"GET\",{rest},\
             \"ending\":\"complete\",\"level\":\"unreviewed\",\"bytes_in\":0,\"bytes_out\":0,\
             \"duration_us\":1}}\n"
        )
    };
    let withheld = "\"decision\":\"redact\",\"rules\":[{\"rule\":\"iban\",\"control\":\"leak\",\
                    \"action\":\"mask\",\"count\":2,\"place\":\"$.a-place\",\"fingerprint\":\"f00\"}]";
    let blocked =
        "\"decision\":\"block\",\"reason\":\"denied-route\",\"route\":\"* /a|b\",\"rules\":[]";
    let log = [
        record(1, "aaa", withheld),
        record(2, "aaa", blocked),
        record(3, "bbb", blocked),
    ]
    .concat();
    std::fs::write(at.join("audit.jsonl"), &log).unwrap();
    let write = [
        "receipt",
        "--log",
        "audit.jsonl",
        "--key",
        "carol.key",
        "--revision",
        "aaa",
    ];
    let page = out(at, &write);
    let json = out(at, &[&write[..], &["--format", "json"]].concat());
    for text in [&page, &json] {
        for value in ["plain-name", "a-place", "f00"] {
            assert!(!text.contains(value), "{text}");
        }
        assert!(text.contains("6c1f"), "{text}");
    }
    assert!(
        page.contains("| blocked | `* /a\\|b` | denied-route | 1 |"),
        "{page}"
    );
    let verify = |text: &str, key: &str, log: &str| {
        std::fs::write(at.join("receipt"), text).unwrap();
        std::fs::write(at.join("seen.jsonl"), log).unwrap();
        let args = ["receipt", "verify", "--receipt", "receipt", "--key", key];
        code(at, &[&args[..], &["--log", "seen.jsonl"]].concat())
    };
    let key = "carol.pub";
    let other = log.replace("\"count\":2", "\"count\":1");
    for (name, text, key, log, expected) in [
        ("page", page.clone(), key, log.as_str(), 0),
        ("json", json.clone(), key, log.as_str(), 0),
        ("another key", json.clone(), "alice.pub", log.as_str(), 1),
        ("another log", json.clone(), key, other.as_str(), 1),
        ("a longer log", json.clone(), key, &format!("{log}\n"), 1),
        (
            "fewer",
            json.replace("\"count\":2", "\"count\":1"),
            key,
            log.as_str(),
            1,
        ),
        (
            "spaced",
            json.replace("\"count\":2", "\"count\": 2"),
            key,
            log.as_str(),
            1,
        ),
        (
            "page alone",
            page.replace("| mask | 2 |", "| mask | 1 |"),
            key,
            log.as_str(),
            1,
        ),
        (
            "page and words",
            format!("{page}\nAll fine!\n"),
            key,
            log.as_str(),
            1,
        ),
        ("nothing", String::new(), key, log.as_str(), 1),
        ("no key", json.clone(), "missing.pub", log.as_str(), 2),
    ] {
        assert_eq!(verify(&text, key, log), expected, "{name}");
    }
    assert_eq!(code(at, &["receipt"]), 2);
    assert_eq!(
        code(at, &["receipt", "--log", "missing", "--key", "carol.key"]),
        2
    );
}
