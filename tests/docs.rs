//! The documents say what the program says: every reason, every verb.

#![expect(clippy::panic, reason = "a test ends where it can't go on")]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use chaperone::types::ReasonCode;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// `docs/audit-format.md` holds the table of reasons; `UPDATE_DOCS=1` writes it anew.
#[test]
fn every_reason_is_documented() {
    let mut table = String::from(
        "| reason | control | what happened | what to do |\n| --- | --- | --- | --- |\n",
    );
    for code in ReasonCode::ALL {
        let control = code.control().as_str();
        writeln!(
            table,
            "| `{code}` | {control} | {} | {} |",
            code.summary(),
            code.remedy()
        )
        .unwrap();
    }
    let name = "docs/audit-format.md";
    let text = read(name);
    let (before, rest) = text.split_once("<!-- reasons -->\n").unwrap();
    let (found, after) = rest.split_once("<!-- /reasons -->").unwrap();
    if found != table && std::env::var_os("UPDATE_DOCS").is_some() {
        let new = format!("{before}<!-- reasons -->\n{table}<!-- /reasons -->{after}");
        fs::write(path(name), new).unwrap();
        return;
    }
    assert!(
        found == table,
        "the table of reasons in {name} is not current: run with UPDATE_DOCS=1"
    );
}

/// Every `chaperone VERB` in a code block of the README is a verb of the program.
#[test]
fn the_commands_of_the_readme_exist() {
    let readme = read("README.md");
    let mut verbs = 0;
    let blocks = readme.split("```").skip(1).step_by(2);
    for line in blocks.flat_map(str::lines) {
        let line = line.trim().replace("cargo run --release -- ", "chaperone ");
        let mut words = line.split_whitespace();
        if words.next() != Some("chaperone") {
            continue;
        }
        let is_verb = |word: &&str| {
            word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-')
        };
        let mut verb: Vec<&str> = words.take_while(is_verb).collect();
        verb.truncate(if verb.first() == Some(&"token") { 2 } else { 1 });
        let status = Command::new(env!("CARGO_BIN_EXE_chaperone"))
            .args(&verb)
            .arg("--help")
            .output()
            .unwrap()
            .status;
        assert!(
            status.success(),
            "README names `chaperone {}`",
            verb.join(" ")
        );
        verbs += 1;
    }
    assert!(verbs > 0);
    assert!(readme.contains("cargo run --release -- demo") && readme.contains("tests/run"));
}

#[test]
fn the_test_command_can_be_run() {
    for name in ["tests/run", ".ci/run"] {
        let mode = fs::metadata(path(name)).unwrap().permissions().mode();
        assert!(mode & 0o111 != 0, "{name} is not executable");
    }
}

/// docs/architecture.md quotes the rooms in the order that the layering test holds.
#[test]
fn the_architecture_quotes_the_rooms() {
    let layering = read("tests/layering.rs");
    let list = layering.split("const ROOMS: &[&str] = &[").nth(1).unwrap();
    let list = list.split("];").next().unwrap();
    let rooms: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    assert!(
        read("docs/architecture.md").contains(&rooms.join(" · ")),
        "docs/architecture.md does not quote: {}",
        rooms.join(" · ")
    );
}
