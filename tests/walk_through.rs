//! docs/walk-through.md runs as it stands: each shell block in one shell, and what it prints is what the page says.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a step that fails is a test that fails"
)]

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A shell block and what it prints, among other lines, in this order.
struct Step {
    shell: String,
    prints: Vec<String>,
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in page.split("```").skip(1).step_by(2) {
        let (mark, body) = block.split_once('\n').unwrap();
        match mark {
            "sh" => steps.push(Step {
                shell: body.to_owned(),
                prints: Vec::new(),
            }),
            "text" => {
                let step = steps.last_mut().unwrap();
                step.prints.extend(body.lines().map(str::to_owned));
            }
            other => panic!("a block marked `{other}`"),
        }
    }
    steps
}

/// The page with ports that are free here.
fn with_free_ports(mut page: String) -> String {
    let ports = ["8080", "15106", "15121"];
    let free: Vec<TcpListener> = ports
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .into();
    for (port, free) in ports.iter().zip(&free) {
        let free = free.local_addr().unwrap().port().to_string();
        assert!(page.contains(port));
        page = page.replace(port, &free);
    }
    page
}

#[test]
fn the_walk_through_runs_as_it_stands() {
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/walk-through.md")).unwrap();
    let steps = steps(&with_free_ports(page));
    assert!(steps.len() > 10);
    let mut script = String::from("set -eu\ntrap 'kill $(jobs -p) 2> /dev/null || :' EXIT\n");
    for (number, step) in steps.iter().enumerate() {
        writeln!(script, "echo '== step {number}'\n{}", step.shell).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_chaperone")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("bash")
        .args(["-c", &format!("exec 2>&1\n{script}")])
        .current_dir(folder.path())
        .env("PATH", format!("{}:{path}", program.display()))
        .env("CHAPERONE", ROOT)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    for (number, step) in steps.iter().enumerate() {
        let begin = format!("== step {number}\n");
        let (_, rest) = printed.split_once(&begin).unwrap();
        let mut rest = rest.split("\n== step ").next().unwrap();
        for line in &step.prints {
            let Some((_, after)) = rest.split_once(line.as_str()) else {
                panic!("step {number} does not print `{line}`:\n{printed}");
            };
            rest = after;
        }
    }
}
