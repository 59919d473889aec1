//! `chaperone dictionary`, and policies that name what it built.

use std::path::Path;
use std::process::{Command, Output};

const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a","alg":"EdDSA","use":"sig"}]}"#;
const POLICY: &str = r#"version: 1
policy: names
capability:
  jwt: { issuer: "https://id.example", audience: shop, jwks: jwks.json, algorithms: [EdDSA] }
subject: { id: user }
routes:
  - match: GET /notes
    public: Everybody's notes.
detect:
  - id: customers
    dictionary: customers.dict
"#;

fn chaperone(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaperone"));
    command
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn builds_what_a_policy_uses() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("jwks.json"), KEYS).unwrap();
    std::fs::write(at.join("policy.yaml"), POLICY).unwrap();
    let names: String = (0..1_000).map(|i| format!("Ada Byron-{i}\n")).collect();
    std::fs::write(at.join("names.txt"), format!("# customers\n\n{names}")).unwrap();
    std::fs::write(at.join("more.txt"), "\u{feff}Straße 7\r\nada byron-7\r\n").unwrap();
    let build = [
        "dictionary",
        "build",
        "names.txt",
        "more.txt",
        "--out",
        "customers.dict",
    ];
    let built = chaperone(at, &build);
    assert!(built.status.success(), "{built:?}");
    assert!(text(&built.stdout).starts_with("customers.dict: 1001 entries, "));
    let verified = chaperone(at, &["dictionary", "verify", "customers.dict"]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");

    std::fs::write(at.join("log"), "ok\nby ada byron-12!\n").unwrap();
    let scanned = chaperone(at, &["scan", "--terms", "customers.dict", "log"]);
    assert_eq!(scanned.status.code(), Some(1), "{scanned:?}");
    let said = text(&scanned.stdout);
    assert!(
        said.contains("log:2:4") && !said.contains("byron"),
        "{said}"
    );

    std::fs::write(
        at.join("body"),
        "for ADA  BYRON-999, STRASSE 7 and STRAẞE 7\n",
    )
    .unwrap();
    let redact = "exec \"$0\" redact --policy policy.yaml --content-type text/plain < body";
    let redacted = Command::new("sh")
        .current_dir(at)
        .args(["-c", redact, env!("CARGO_BIN_EXE_chaperone")])
        .output()
        .unwrap();
    let expected = "for [redacted:customers], STRASSE 7 and [redacted:customers]\n";
    assert_eq!(text(&redacted.stdout), expected, "{redacted:?}");
}

#[test]
fn refuses_lists_that_it_cannot_compile_and_keeps_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("out.dict"), "before").unwrap();
    std::fs::write(
        at.join("list.txt"),
        format!("ada\n***\n\n{}\n", "x".repeat(257)),
    )
    .unwrap();
    std::fs::write(at.join("empty.txt"), "# nobody\n").unwrap();
    std::fs::write(at.join("latin.txt"), b"Stra\xdfe\n").unwrap();
    for (list, complaints) in [
        ("list.txt", &["list.txt:2: ", "list.txt:4: "][..]),
        ("empty.txt", &["no terms"]),
        ("latin.txt", &["latin.txt", "not UTF-8"]),
        ("missing.txt", &["missing.txt", "can't be read"]),
    ] {
        let built = chaperone(at, &["dictionary", "build", list, "--out", "out.dict"]);
        assert_eq!(built.status.code(), Some(2), "{list}");
        for complaint in complaints {
            assert!(text(&built.stderr).contains(complaint), "{built:?}");
        }
    }
    let nowhere = ["dictionary", "build", "list.txt", "--out", "no/such/folder"];
    assert_eq!(chaperone(at, &nowhere).status.code(), Some(2));
    assert_eq!(std::fs::read(at.join("out.dict")).unwrap(), b"before");
    assert_eq!(
        std::fs::read_dir(at).unwrap().count(),
        4,
        "a file was left behind"
    );
}

#[test]
fn refuses_dictionaries_that_are_damaged_or_foreign() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("jwks.json"), KEYS).unwrap();
    std::fs::write(at.join("policy.yaml"), POLICY).unwrap();
    std::fs::write(at.join("names.txt"), "Ada Byron\n").unwrap();
    let build = [
        "dictionary",
        "build",
        "names.txt",
        "--out",
        "customers.dict",
    ];
    assert!(chaperone(at, &build).status.success());
    assert_eq!(
        chaperone(at, &["check", "policy.yaml"]).status.code(),
        Some(0)
    );
    let mut bytes = std::fs::read(at.join("customers.dict")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(at.join("customers.dict"), &bytes).unwrap();
    let checked = chaperone(at, &["check", "policy.yaml"]);
    assert_eq!(checked.status.code(), Some(1), "{checked:?}");
    let said = [checked.stdout, checked.stderr].concat();
    assert!(text(&said).contains("damaged"), "{}", text(&said));
    let verified = chaperone(at, &["dictionary", "verify", "customers.dict"]);
    assert_eq!(verified.status.code(), Some(1));
    assert!(text(&verified.stderr).contains("damaged"));
    let foreign = chaperone(at, &["dictionary", "verify", "names.txt"]);
    assert_eq!(foreign.status.code(), Some(1));
    assert!(text(&foreign.stderr).contains("no compiled dictionary"));
    let missing = chaperone(at, &["dictionary", "verify", "missing.dict"]);
    assert_eq!(missing.status.code(), Some(2));
}
