//! Tokens: cases that nobody here wrote, and the command line.

mod biscuit_samples;
mod command_line;
mod exchange;
mod hostile;
mod possession;
mod published;
mod wycheproof;

use std::path::PathBuf;

/// The folder of foreign cases; none where it is missing, which in CI is a failure.
fn cases(folder: &str) -> Option<PathBuf> {
    let root = match std::env::var_os("CHAPERONE_CASES") {
        Some(root) => PathBuf::from(root),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/cases"),
    };
    let path = root.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci.is_empty()),
        "{} is missing",
        path.display()
    );
    eprintln!("not run: {} is missing", path.display());
    None
}

/// A token whose holder added forty facts and a check that joins them six times.
fn six_way_join(token: &str) -> String {
    let mut code = String::new();
    for number in 0..40 {
        code.push_str(&format!("n({number});"));
    }
    code.push_str(
        "check if n($a), n($b), n($c), n($d), n($e), n($f), $a + $b + $c + $d + $e + $f < 0;",
    );
    let block = biscuit_auth::BlockBuilder::new().code(code).unwrap();
    let token = biscuit_auth::UnverifiedBiscuit::from_base64(token).unwrap();
    token.append(block).unwrap().to_base64().unwrap()
}
