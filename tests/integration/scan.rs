//! `chaperone scan`, as people and scripts call it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

const EMAIL: &str = "ada.lovelace@shop.example";

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    fn lines(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn findings(&self) -> Vec<Value> {
        let mut lines = self.lines();
        lines.retain(|line| line["type"] == "finding");
        lines
    }
}

fn scan_bytes(folder: &Path, arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chaperone"))
        .arg("scan")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A verb that refuses its arguments does not read.
    _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn scan(folder: &Path, arguments: &[&str]) -> Ran {
    scan_bytes(folder, arguments, b"")
}

/// A folder with something to find in every kind of file.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    write(".gitignore", "ignored.txt\n");
    write("ignored.txt", EMAIL);
    write(".hidden", EMAIL);
    write("binary", &format!("\0{EMAIL}"));
    write("b.txt", &format!("{EMAIL}\r\nxé {EMAIL}\n"));
    write("sub/a.txt", &format!("\n\nto: {EMAIL}"));
    write("clean.txt", "nothing to see\n");
    std::os::unix::fs::symlink("b.txt", folder.path().join("link.txt")).unwrap();
    folder
}

#[test]
fn finds_in_the_files_of_a_folder() {
    let folder = folder();
    let ran = scan(folder.path(), &["."]);
    assert_eq!(
        ran.out,
        "./b.txt:1:1: email (likely), bytes 0..25\n\
         ./b.txt:2:4: email (likely), bytes 31..56\n\
         ./sub/a.txt:3:5: email (likely), bytes 6..31\n"
    );
    assert_eq!(
        ran.err,
        "3 findings in 2 of 3 files, 103 bytes scanned; 1 binary file skipped\n"
    );
    assert_eq!(ran.code, Some(1));
}

#[test]
fn looks_where_it_is_told_to() {
    let folder = folder();
    let found = |arguments: &[&str]| {
        let ran = scan(folder.path(), arguments);
        let mut paths: Vec<String> = ran
            .out
            .lines()
            .map(|line| line.split(':').next().unwrap().to_owned())
            .collect();
        paths.dedup();
        paths
    };
    let seen = ["./b.txt", "./sub/a.txt"];
    assert_eq!(found(&["."]), seen);
    assert_eq!(found(&["--jobs", "1", "."]), seen);
    assert_eq!(
        found(&["--hidden", "."]),
        ["./.hidden", "./b.txt", "./sub/a.txt"]
    );
    assert_eq!(
        found(&["--no-ignore", "."]),
        ["./b.txt", "./ignored.txt", "./sub/a.txt"]
    );
    // What is named is scanned.
    let named = ["binary", "ignored.txt", ".hidden", "link.txt"];
    assert_eq!(
        found(&named),
        [".hidden", "binary", "ignored.txt", "link.txt"]
    );
    assert_eq!(found(&["b.txt", "b.txt"]), ["b.txt"]);
}

#[test]
fn reads_standard_input() {
    let folder = folder();
    for arguments in [&[][..], &["-"]] {
        let ran = scan_bytes(folder.path(), arguments, EMAIL.as_bytes());
        assert_eq!(ran.out, "-:1:1: email (likely), bytes 0..25\n");
        assert_eq!(ran.code, Some(1));
    }
    let ran = scan_bytes(folder.path(), &[], b"nothing");
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""));
    let ran = scan_bytes(folder.path(), &["--quiet"], EMAIL.as_bytes());
    assert_eq!((ran.code, ran.out + &ran.err), (Some(1), String::new()));
}

#[test]
fn places_are_right_across_reads() {
    let folder = folder();
    for before in (65_500..65_540).chain([131_060, 131_072]) {
        let line = "é123456789\r\n";
        let mut input = line.repeat(before / line.len()).into_bytes();
        let lines = before / line.len();
        input.resize(before, b' ');
        input.extend(EMAIL.as_bytes());
        let arguments = ["--use", "email", "--format", "json"];
        let ran = scan_bytes(folder.path(), &arguments, &input);
        let found = &ran.findings()[0];
        assert_eq!(found["start"], before, "{}", ran.out);
        assert_eq!(found["end"], before + EMAIL.len());
        assert_eq!(found["line"], lines + 1);
        assert_eq!(found["column"], before % line.len() + 1);
    }
}

#[test]
fn a_long_key_is_placed_where_it_begins() {
    let folder = folder();
    let body = format!("{}\n", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC".repeat(2)).repeat(4000);
    let key = format!("-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----");
    let input = format!("a\n b{key}\nto {EMAIL}\n");
    let ran = scan_bytes(folder.path(), &["--format", "json"], input.as_bytes());
    let places: Vec<(u64, u64, u64, u64)> = ran
        .findings()
        .iter()
        .map(|found| {
            let number = |name: &str| found[name].as_u64().unwrap();
            (
                number("line"),
                number("column"),
                number("start"),
                number("end"),
            )
        })
        .collect();
    let end = 4 + key.len() as u64;
    let expected = [(2, 3, 4, end), (4004, 4, end + 4, end + 29)];
    assert_eq!(places, expected, "{}", ran.out);
}

#[test]
fn no_output_holds_what_was_found() {
    let folder = folder();
    std::fs::write(folder.path().join("names.txt"), "# people\n\nLovelace\n").unwrap();
    let asked = [
        "--use",
        "pii,secrets",
        "--terms",
        "names.txt",
        "--pattern",
        "own=ada[.]",
    ];
    for format in ["text", "json", "sarif"] {
        for more in [&[][..], &["--stats"]] {
            let tail = ["--format", format, "b.txt", "sub", "binary", "missing"];
            let ran = scan(folder.path(), &[&asked[..], more, &tail].concat());
            assert!(
                ran.out.contains("names") && ran.out.contains("email"),
                "{}",
                ran.out
            );
            let all = (ran.out + &ran.err).to_lowercase();
            assert!(
                !all.contains("lovelace") && !all.contains("shop.example"),
                "{all}"
            );
            assert_eq!(ran.code, Some(2));
        }
    }
}

#[test]
fn writes_json_lines() {
    let folder = folder();
    let ran = scan(folder.path(), &["--format", "json", "sub/a.txt"]);
    assert_eq!(
        ran.out,
        "{\"version\":1,\"type\":\"finding\",\"path\":\"sub/a.txt\",\"detector\":\"email\",\
         \"strength\":\"likely\",\"start\":6,\"end\":31,\"line\":3,\"column\":5}\n\
         {\"version\":1,\"type\":\"summary\",\"findings\":1,\"files\":1,\"files_with_findings\":1,\
         \"bytes\":31,\"skipped_binary\":0,\"unreadable\":0}\n"
    );
    assert_eq!(ran.err, "");
}

#[test]
fn writes_sarif() {
    let folder = folder();
    for (path, results) in [("b.txt", 2), ("clean.txt", 0)] {
        let ran = scan(folder.path(), &["--format", "sarif", "--use", "pii", path]);
        let document: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(document["version"], "2.1.0");
        let run = &document["runs"][0];
        assert_eq!(run["tool"]["driver"]["name"], "chaperone");
        assert_eq!(run["columnKind"], "unicodeCodePoints");
        assert_eq!(run["invocations"][0]["executionSuccessful"], true);
        let found = run["results"].as_array().unwrap();
        assert_eq!(found.len(), results);
        for result in found {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            let rule = &run["tool"]["driver"]["rules"][index];
            assert_eq!(rule["id"], result["ruleId"]);
            assert_eq!(result["level"], "warning");
            assert!(result["message"]["text"].is_string());
            assert!(rule["shortDescription"]["text"].is_string());
            let place = &result["locations"][0]["physicalLocation"];
            assert_eq!(place["artifactLocation"]["uri"], "b.txt");
            assert_eq!(place["region"]["byteLength"], 25);
            assert!(place["region"].get("snippet").is_none());
        }
        if let Some(last) = found.last() {
            let region = &last["locations"][0]["physicalLocation"]["region"];
            let places = ["startLine", "startColumn", "byteOffset"].map(|name| &region[name]);
            assert_eq!(places, [2, 4, 31]);
        }
    }
}

#[test]
fn goes_on_where_something_cannot_be_read() {
    let folder = folder();
    let ran = scan(folder.path(), &["missing", "b.txt"]);
    assert_eq!(ran.out.lines().count(), 2);
    assert!(
        ran.err.starts_with("chaperone scan: missing: No such file"),
        "{}",
        ran.err
    );
    assert!(ran.err.ends_with("; 1 unreadable\n"), "{}", ran.err);
    assert_eq!(ran.code, Some(2));
}

#[test]
fn strength_is_a_threshold() {
    let folder = folder();
    let input = b"10.1.2.3 ada@shop.example 4111 1111 1111 1111";
    for (least, count) in [("weak", 3), ("likely", 2), ("certain", 1)] {
        let arguments = ["--format", "json", "--min-strength", least];
        let ran = scan_bytes(folder.path(), &arguments, input);
        assert_eq!(ran.findings().len(), count, "{}", ran.out);
    }
}

#[test]
fn overlaps_are_told_once() {
    let folder = folder();
    let arguments = ["--format", "json", "--use", "email", "--pattern"];
    let found = |pattern: &str| {
        let ran = scan_bytes(
            folder.path(),
            &[&arguments[..], &[pattern]].concat(),
            EMAIL.as_bytes(),
        );
        let findings = ran.findings();
        let names = findings
            .iter()
            .map(|found| found["detector"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(found("part=lovelace"), ["email"]);
    assert_eq!(found("same=ada.{1,30}example"), ["email", "same"]);
}

#[test]
fn measures_each_detector() {
    let folder = folder();
    let arguments = [
        "--stats",
        "--use",
        "email,iban",
        "--format",
        "json",
        "b.txt",
    ];
    let lines = scan(folder.path(), &arguments).lines();
    let mut costs: Vec<&Value> = lines.iter().filter(|line| line["type"] == "cost").collect();
    let seconds = |cost: &Value| cost["seconds"].as_f64().unwrap();
    assert!(costs.is_sorted_by(|one, next| seconds(one) >= seconds(next)));
    costs.sort_by_key(|cost| cost["detector"].as_str());
    let told: Vec<_> = costs
        .iter()
        .map(|cost| (&cost["detector"], &cost["hits"]))
        .collect();
    assert_eq!(
        told,
        [(&"email".into(), &2.into()), (&"iban".into(), &0.into())]
    );
    assert!(lines.last().unwrap()["seconds"].as_f64().unwrap() > 0.0);
    let ran = scan(folder.path(), &["--stats", "--use", "email", "b.txt"]);
    assert_eq!(ran.out.lines().count(), 2);
    for word in ["seconds alone", "MB/s alone", "email", "all together"] {
        assert!(ran.err.contains(word), "{}", ran.err);
    }
}

#[test]
fn refuses_what_it_does_not_understand() {
    let folder = folder();
    std::fs::write(folder.path().join("email.txt"), "Ada\n").unwrap();
    std::fs::write(folder.path().join("none.txt"), "# nobody\n").unwrap();
    let long = "Lovelace".repeat(64);
    std::fs::write(folder.path().join("long.txt"), format!("Ada\n{long}\n")).unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["--use", "secrest"], "did you mean `secrets`?"),
        (&["--use", "pii,nonsense-of-mine"], "packs are `pii`"),
        (&["--pattern", "x"], "NAME=REGEX"),
        (&["--pattern", "x=[0-9]+"], "`{1,64}` for `+`"),
        (&["--pattern", "x=("], "not a regular expression"),
        (&["--pattern", "a b=c"], "no plain name"),
        (&["--pattern", "x=a", "--pattern", "x=b"], "taken already"),
        (&["--terms", "email.txt"], "built-in detector's name"),
        (&["--terms", "none.txt"], "has no terms"),
        (&["--terms", "missing.txt"], "can't be read"),
        (
            &["--terms", "long.txt"],
            "long.txt:2: the term is longer than 256",
        ),
        (&["--stats", "--jobs", "2"], "cannot be used with"),
        (&["--quiet", "--stats"], "cannot be used with"),
    ];
    for (arguments, complaint) in cases {
        let ran = scan_bytes(folder.path(), arguments, EMAIL.as_bytes());
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.err.contains(complaint), "{arguments:?}: {}", ran.err);
        assert!(!ran.err.contains("Lovelace"), "{}", ran.err);
    }
}
