//! The policy files of this repository: samples load, bad ones are refused in full, the schema and the reference are current.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn chaperone(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chaperone"))
        .args(args)
        .current_dir(ROOT)
        .env_clear()
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn listed(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(Path::new(ROOT).join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    files.sort();
    files
}

fn samples() -> Vec<PathBuf> {
    listed("policies", "")
        .into_iter()
        .map(|folder| folder.join("policy.yaml"))
        .filter(|file| file.exists())
        .collect()
}

#[test]
fn loads_every_sample() {
    assert!(samples().len() >= 2);
    for sample in samples() {
        let folder = tempfile::tempdir().unwrap();
        copy(sample.parent().unwrap(), folder.path());
        // Samples whose keys are made where they run are checked with another sample's.
        put_keys(folder.path());
        let policy = folder.path().join("policy.yaml");
        let output = chaperone(&["check", policy.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(sample.with_file_name("README.md").exists());
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

fn put_keys(folder: &Path) {
    let keys = folder.join("keys");
    std::fs::create_dir_all(&keys).unwrap();
    for key in ["issuer.pub", "jwks.json"] {
        let sample = Path::new(ROOT).join("policies/catch-all/keys").join(key);
        if !keys.join(key).exists() {
            std::fs::copy(sample, keys.join(key)).unwrap();
        }
    }
    let sample = Path::new(ROOT).join("policies/reviewed/keys/maintainers.pub");
    if !keys.join("maintainers.pub").exists() {
        std::fs::copy(sample, keys.join("maintainers.pub")).unwrap();
    }
}

#[test]
fn refuses_every_invalid_file_in_full() {
    let files = listed("policies/invalid", ".yaml");
    assert!(files.len() > 10);
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let path = format!("policies/invalid/{name}.yaml");
        let output = chaperone(&["check", &path]);
        assert_eq!(output.status.code(), Some(1), "{path}");
        assert_eq!(text(&output.stdout), "");
        insta::assert_snapshot!(name, text(&output.stderr));
    }
}

#[test]
fn tells_mistakes_to_machines() {
    let output = chaperone(&["check", "--format", "json", "policies/invalid/keys.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "");
    insta::assert_snapshot!("json_v1", text(&output.stdout));
}

#[test]
fn refuses_files_that_can_not_be_read() {
    for path in ["policies/missing.yaml", "policies"] {
        let output = chaperone(&["check", path]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(text(&output.stderr).contains(path));
    }
    assert_eq!(chaperone(&["check"]).status.code(), Some(2));
}

#[test]
fn publishes_the_current_schema() {
    let printed = text(&chaperone(&["schema", "policy"]).stdout);
    let file = Path::new(ROOT).join("policies/policy.schema.json");
    let published = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        printed == published,
        "run `chaperone schema policy >policies/policy.schema.json`"
    );
}

/// Blocks marked `yaml check` in the reference load; those marked `yaml refused` do not.
#[test]
fn keeps_the_reference_true() {
    let reference = Path::new(ROOT).join("docs/policy-reference.md");
    let reference = std::fs::read_to_string(reference).unwrap();
    let folder = tempfile::tempdir().unwrap();
    put_keys(folder.path());
    std::fs::write(folder.path().join("customers.txt"), "Ada Byron\n").unwrap();
    let set = Path::new(ROOT).join("tests/data/grpc/shop.binpb");
    std::fs::copy(set, folder.path().join("shop.binpb")).unwrap();
    let head = "version: 1\npolicy: reference\ncapability: { biscuit: { root_keys: [keys/issuer.pub] } }\n";
    let routes = "routes: [{ match: GET /, public: The same for everybody. }]\n";
    let mut seen = 0;
    for block in reference.split("```").skip(1).step_by(2) {
        let (mark, body) = block.split_once('\n').unwrap();
        let expected = match mark {
            "yaml check" => 0,
            "yaml refused" => 1,
            _ => continue,
        };
        let mut policy = String::new();
        if !body.contains("version:") {
            policy.push_str(if body.contains("capability:") {
                "version: 1\npolicy: reference\n"
            } else {
                head
            });
            if !body.contains("routes:") {
                policy.push_str(routes);
            }
        }
        policy.push_str(body);
        let path = folder.path().join("policy.yaml");
        std::fs::write(&path, &policy).unwrap();
        let output = chaperone(&["check", path.to_str().unwrap()]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(expected), "{policy}\n{said}");
        seen += 1;
    }
    assert!(seen > 8, "{seen} blocks");
}

#[test]
fn names_every_key_in_the_reference() {
    let reference = Path::new(ROOT).join("docs/policy-reference.md");
    let reference = std::fs::read_to_string(reference).unwrap();
    let schema: serde_json::Value =
        serde_json::from_slice(&chaperone(&["schema", "policy"]).stdout).unwrap();
    let mut keys = Vec::new();
    collect_keys(&schema, &mut keys);
    assert!(keys.len() > 30, "{keys:?}");
    for key in keys {
        assert!(reference.contains(&format!("`{key}`")), "`{key}`");
    }
}

fn collect_keys(schema: &serde_json::Value, keys: &mut Vec<String>) {
    let Some(object) = schema.as_object() else {
        if let Some(list) = schema.as_array() {
            list.iter().for_each(|item| collect_keys(item, keys));
        }
        return;
    };
    for (name, inner) in object {
        if let ("properties", Some(properties)) = (name.as_str(), inner.as_object()) {
            keys.extend(properties.keys().cloned());
        }
        collect_keys(inner, keys);
    }
}

#[test]
fn warns_of_data_that_needs_no_approval() {
    let folder = tempfile::tempdir().unwrap();
    put_keys(folder.path());
    let path = folder.path().join("policy.yaml");
    let head = "version: 1\npolicy: p\ncapability: { biscuit: { root_keys: [keys/issuer.pub] } }\n";
    let review = "review: { reviewers: [keys/maintainers.pub] }\n";
    let public = "  - { match: GET /, public: The same for everybody. }\n";
    let data = "  - { match: GET /a, records: \"$[*]\", owner: id }\n";
    let more = "  - { match: GET /b, records: anywhere, owner: id }\n";
    let page = "  - { match: GET /d, html: { records: tr, owner: data-o } }\n";
    let table = "  - { match: GET /e, rows: { owner: o } }\n";
    let named = "  - { match: 'GET /f/{user}', owner: '{user}', public: Their own. }\n";
    let written = "  - { match: POST /g, public: Done., request: { records: $, owner: id } }\n";
    let made_up = "  - { match: GET /c, records: \"$[*]\", owner: id, synthetic: true }\n";
    for (review, routes, expected) in [
        ("", public.to_owned(), None),
        (
            "",
            format!("{public}{data}"),
            Some((6, "a route with data that needs")),
        ),
        (
            "",
            format!("{data}{more}"),
            Some((5, "2 routes with data that need no")),
        ),
        (
            "",
            format!("{page}{table}{named}{written}"),
            Some((5, "4 routes with data that need no")),
        ),
        (review, format!("{public}{data}{more}"), None),
        (
            review,
            page.replace("} }", "}, synthetic: true }"),
            Some((6, "a route with owners that needs")),
        ),
        (
            review,
            format!("{data}{made_up}"),
            Some((7, "a route with owners that needs")),
        ),
    ] {
        std::fs::write(&path, format!("{head}{review}routes:\n{routes}")).unwrap();
        let output = chaperone(&["check", "--format", "json", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let warning = report["warnings"].as_array().map(|all| all[0].clone());
        let found = warning.as_ref().map(|it| it["line"].as_u64().unwrap());
        assert_eq!(found, expected.map(|(line, _)| line), "{routes}");
        let output = chaperone(&["check", path.to_str().unwrap()]);
        let said = text(&output.stderr);
        match expected {
            None => assert_eq!(said, ""),
            Some((_, words)) => {
                assert!(said.contains("warning: ") && said.contains(words), "{said}")
            }
        }
    }
}

/// What a policy opens is said of a sound policy, too.
#[test]
fn lists_what_a_policy_opens() {
    let folder = tempfile::tempdir().unwrap();
    put_keys(folder.path());
    let path = folder.path().join("policy.yaml");
    let policy = "version: 1\npolicy: open\ncapability: { biscuit: { root_keys: [keys/issuer.pub] } }\nroutes:
  - { match: GET /z, public: Files., content: [image/*, application/pdf] }
  - { match: GET /closed, public: Text. }
  - match: GET /a
    public: Maps.
    csp: { img-src: [\"https://tiles.example\"] }
    cors: [\"https://shop.example\"]
";
    std::fs::write(&path, policy).unwrap();
    let path = path.to_str().unwrap();
    let output = chaperone(&["check", path]);
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stdout).replace(path, "policy.yaml");
    insta::assert_snapshot!(said, @r"
    policy.yaml: fine (3 routes, 0 detect rules)
    policy.yaml:5: `GET /z` lets pass what nothing can scan (image/*, application/pdf): the app can hide anything in it
    policy.yaml:7: `GET /a` lets pages of other origins ask (https://shop.example): they can read what the user may
    policy.yaml:7: `GET /a` lets pages turn elsewhere (img-src https://tiles.example): the app can tell these origins what a page shows
    ");
    let output = chaperone(&["check", "--format", "json", path]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = serde_json::json!([
        {
            "file": path, "line": 5, "route": "GET /z",
            "content": ["image/*", "application/pdf"], "csp": {}, "cors": []
        },
        {
            "file": path, "line": 7, "route": "GET /a",
            "content": [], "csp": { "img-src": ["https://tiles.example"] }, "cors": ["https://shop.example"]
        },
    ]);
    assert_eq!(report["openings"], expected);
}
