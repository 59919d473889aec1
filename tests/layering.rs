//! The rooms and what each may import, held by reading the source.

#![expect(
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test ends where it can't go on"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms in import order: a room imports only rooms above it. docs/architecture.md quotes this list.
const ROOMS: &[&str] = &[
    "types",
    "scan",
    "json",
    "runtime",
    "telemetry",
    "audit",
    "capability",
    "policy",
    "filter",
    "transport",
    "proxy",
    "admin",
    "config",
    "app",
    "cli",
];

/// Rooms that import less than everything above them.
const NARROW: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("scan", &[]),
    ("json", &[]),
    ("runtime", &["types"]),
    ("telemetry", &["types", "runtime"]),
    ("audit", &["types", "runtime"]),
    ("capability", &["types", "json"]),
    ("policy", &["types", "scan", "json", "capability"]),
    ("filter", &["types", "scan", "json", "runtime", "policy"]),
    (
        "admin",
        &["types", "runtime", "telemetry", "audit", "transport"],
    ),
];

/// The parts of `policy` that `filter` sees: what a permit asks for, never how it was decided.
const FILTER_SEES: &[&str] = &["permit", "treatment"];

/// Crates that have no business in the engine and the JSON lexer: what moves bytes between machines.
const NETWORK: &[&str] = &[
    "tokio",
    "hyper",
    "hyper_util",
    "http",
    "http_body",
    "rustls",
    "socket2",
];

/// Production lines of a file, at most.
const LINES: usize = 600;

#[test]
fn rooms_import_only_what_stands_above_them() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let room = room_of(&path);
        let Some(place) = ROOMS.iter().position(|known| *known == room) else {
            continue;
        };
        for (line, import) in imports(&text) {
            let target = import.split("::").next().unwrap_or_default();
            if target == room {
                continue;
            }
            let is_above = ROOMS.iter().take(place).any(|known| *known == target);
            let is_allowed = match NARROW.iter().find(|(narrow, _)| *narrow == room) {
                Some((_, allowed)) => allowed.contains(&target),
                None => is_above,
            };
            let is_seen = room != "filter" || target != "policy" || {
                let part = import.split("::").nth(1).unwrap_or_default();
                FILTER_SEES.contains(&part) || part.starts_with(char::is_uppercase)
            };
            if !is_allowed || !is_seen {
                wrong.push(format!(
                    "{}:{line}: {room} imports {import}",
                    path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_is_in_the_list() {
    for (path, _) in sources() {
        let room = room_of(&path);
        assert!(
            ROOMS.contains(&room.as_str()) || matches!(room.as_str(), "lib" | "main"),
            "{} is in no room",
            path.display()
        );
    }
}

#[test]
fn the_engine_and_the_lexer_know_no_network() {
    for (path, text) in sources() {
        if !matches!(room_of(&path).as_str(), "scan" | "json") {
            continue;
        }
        for name in NETWORK {
            let uses = format!("{name}::");
            let found = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//") && words_before(line, &uses)
            });
            assert!(!found, "{} uses {name}", path.display());
        }
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    for (path, text) in sources() {
        assert!(!path.ends_with("mod.rs"), "{}", path.display());
        if path.ends_with("tests.rs") {
            continue;
        }
        let production = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or(&text);
        let lines = production.lines().count();
        assert!(lines <= LINES, "{} has {lines} lines", path.display());
        assert!(text.starts_with("//!"), "{} has no header", path.display());
    }
}

/// Every import of the crate's own rooms: its line and its path behind `crate::`.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        for (at, _) in line.match_indices("crate::") {
            // `$crate::` and names that end in `crate` are something else.
            let before = line[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                continue;
            }
            let rest = &line[at + "crate::".len()..];
            if let Some(group) = rest.strip_prefix('{') {
                let group = group_of(group, text, number);
                found.extend(group.into_iter().map(|name| (number + 1, name)));
            } else {
                found.push((number + 1, path_of(rest)));
            }
        }
    }
    found
}

/// The first names of `use crate::{a::b, c};`, over as many lines as it takes.
fn group_of(start: &str, text: &str, number: usize) -> Vec<String> {
    let rest: Vec<&str> = text.lines().skip(number + 1).collect();
    let all = format!("{start} {}", rest.join(" "));
    let mut depth = 0;
    let mut names = vec![String::new()];
    for c in all.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            _ if depth == 0 => names.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    let names = names.iter().map(|name| path_of(name.trim()));
    names.filter(|name| !name.is_empty()).collect()
}

fn path_of(text: &str) -> String {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    text.chars().take_while(|c| is_path(*c)).collect()
}

fn words_before(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

/// The room of a file: the first part of its path under `src/`.
fn room_of(path: &Path) -> String {
    let inside = path.strip_prefix(root()).unwrap();
    let first = inside.components().next().unwrap();
    let name = first.as_os_str().to_string_lossy();
    name.trim_end_matches(".rs").to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut folders = vec![root()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}
