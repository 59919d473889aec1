//! `chaperone token …` as people and probes use it.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

#[test]
fn mints_narrows_inspects_and_verifies_a_biscuit() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(token(at, &["keygen", "--out", "shop"], "").status.success());
    let mode = at.join("shop.key").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let root = std::fs::read_to_string(at.join("shop.pub")).unwrap();
    std::fs::write(
        at.join("get"),
        "method(\"GET\"); path(\"/a\"); time(2026-01-01T00:00:00Z); allow if user(\"ada\");",
    )
    .unwrap();
    std::fs::write(
        at.join("put"),
        "method(\"PUT\"); path(\"/a\"); time(2026-01-01T00:00:00Z); allow if user(\"ada\");",
    )
    .unwrap();

    let minted = token(
        at,
        &[
            "mint",
            "--key",
            "shop.key",
            "--user",
            "ada",
            "--attribute",
            "email=ada@shop.example",
        ],
        "",
    );
    let minted = String::from_utf8(minted.stdout).unwrap();
    let narrowed = token(
        at,
        &[
            "attenuate",
            "--method",
            "GET",
            "--path",
            "/a/**",
            "--path",
            "/a",
        ],
        &minted,
    );
    assert!(narrowed.status.success(), "{narrowed:?}");
    let narrowed = String::from_utf8(narrowed.stdout).unwrap();

    let verify = |authorizer: &str, text: &str| {
        let args = [
            "verify",
            "--biscuit-root",
            root.trim(),
            "--authorizer",
            authorizer,
            "--token",
            "-",
        ];
        token(at, &args, text).status.code().unwrap()
    };
    assert_eq!(verify("get", &minted), 0);
    assert_eq!(verify("put", &minted), 0);
    assert_eq!(verify("get", &narrowed), 0);
    assert_eq!(verify("put", &narrowed), 1);
    assert_eq!(verify("missing", &minted), 2);
    assert_eq!(verify("get", "not a token"), 1);

    let seen = token(at, &["inspect", "--format", "json"], &narrowed);
    let seen: Value = serde_json::from_slice(&seen.stdout).unwrap();
    assert_eq!(seen["verified"], false);
    assert_eq!(seen["blocks"].as_array().unwrap().len(), 2);
    let seen = String::from_utf8(token(at, &["inspect"], &minted).stdout).unwrap();
    assert!(seen.starts_with("NOT VERIFIED"), "{seen}");
    assert!(seen.contains("user(\"ada\")"), "{seen}");
}

#[test]
fn mints_and_verifies_a_json_web_token() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(
        token(at, &["keygen", "--out", "id", "--jwks"], "")
            .status
            .success()
    );
    let mint = [
        "mint",
        "--key",
        "id.key",
        "--user",
        "bob",
        "--jwt",
        "--issuer",
        "https://id.example",
        "--audience",
        "shop",
    ];
    let minted = String::from_utf8(token(at, &mint, "").stdout).unwrap();
    let verify = |audience: &str, text: &str| {
        let args = [
            "verify",
            "--jwks",
            "id.jwks.json",
            "--issuer",
            "https://id.example",
            "--audience",
            audience,
            "--token",
            "-",
        ];
        token(at, &args, text).status.code().unwrap()
    };
    assert_eq!(verify("shop", &minted), 0);
    assert_eq!(verify("other", &minted), 1);
    assert_eq!(verify("shop", &minted.replace('.', "..")), 1);
    let jws = ["verify", "--jwks", "id.jwks.json", "--jws", "--token", "-"];
    assert_eq!(token(at, &jws, &minted).status.code(), Some(0));
    let args = [
        "verify",
        "--jwks",
        "id.jwks.json",
        "--biscuit-root",
        "ed25519/00",
        "--authorizer",
        "x",
        "--token",
        "-",
    ];
    assert_eq!(token(at, &args, &minted).status.code(), Some(2));
}

#[test]
fn refuses_to_overwrite_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(token(at, &["keygen", "--out", "shop"], "").status.success());
    let before = std::fs::read(at.join("shop.key")).unwrap();
    std::fs::remove_file(at.join("shop.pub")).unwrap();
    assert_eq!(
        token(at, &["keygen", "--out", "shop"], "").status.code(),
        Some(2)
    );
    assert_eq!(std::fs::read(at.join("shop.key")).unwrap(), before);
    assert!(!at.join("shop.pub").exists());
}

#[test]
fn refuses_a_token_that_would_take_hours() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(token(at, &["keygen", "--out", "shop"], "").status.success());
    let root = std::fs::read_to_string(at.join("shop.pub")).unwrap();
    let minted = token(at, &["mint", "--key", "shop.key", "--user", "ada"], "").stdout;
    let minted = String::from_utf8(minted).unwrap();
    let hostile = super::six_way_join(minted.trim());
    std::fs::write(at.join("any"), "time(2026-01-01T00:00:00Z); allow if true;").unwrap();
    let args = [
        "verify",
        "--biscuit-root",
        root.trim(),
        "--authorizer",
        "any",
        "--token",
        "-",
    ];
    // Without a deadline of its own this would not come back while anyone waits.
    assert_eq!(token(at, &args, &hostile).status.code(), Some(1));
}

#[test]
fn judges_foreign_samples_through_the_binary() {
    let Some(cases) = super::cases("biscuit") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(
        at.join("authorizer"),
        "resource(\"file1\"); operation(\"read\"); allow if true;",
    )
    .unwrap();
    let root = "ed25519/1055c750b1a1505937af1537c626ba3263995c33a64758aaafb1275b0312e284";
    for (file, expected) in [
        ("test002_different_root_key.bc", 1),
        ("test005_invalid_signature.bc", 1),
        ("test020_sealed.bc", 0),
        ("test036_secp256r1.bc", 0),
        ("test037_secp256r1_third_party.bc", 0),
    ] {
        let path = cases.join(file);
        let args = [
            "verify",
            "--biscuit-root",
            root,
            "--authorizer",
            "authorizer",
            "--token",
            path.to_str().unwrap(),
        ];
        assert_eq!(token(at, &args, "").status.code(), Some(expected), "{file}");
    }
}

fn token(folder: &Path, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chaperone"))
        .arg("token")
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A verb that needs no input may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}
