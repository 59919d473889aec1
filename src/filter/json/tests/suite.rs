//! JSONTestSuite: what must be accepted leaves byte for byte, what must be refused is.

use std::path::PathBuf;

use super::{Rule, feed, plan};
use crate::filter::Limits;
use crate::policy::treatment::Kind;

#[test]
fn agrees_with_the_parsing_suite() {
    let root = std::env::var_os("CHAPERONE_CASES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/cases"),
        PathBuf::from,
    );
    let folder = root.join("json-parsing");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "{} is missing",
            folder.display()
        );
        eprintln!("not run: {} is missing", folder.display());
        return;
    };
    let public = plan(None, Limits::default());
    let anywhere = Rule::anywhere("$['no such name']").plan();
    let (mut accepted, mut refused) = (0, 0);
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let body = std::fs::read(&path).unwrap();
        for plan in [&public, &anywhere] {
            let whole = feed(plan, Kind::Json, &[&body]).0;
            let bytes: Vec<&[u8]> = body.chunks(1).collect();
            assert_eq!(whole, feed(plan, Kind::Json, &bytes).0, "{name}");
            if name.starts_with("y_") {
                assert_eq!(whole.unwrap().as_bytes(), body, "{name}");
                accepted += 1;
            } else if name.starts_with("n_") {
                assert!(whole.is_err(), "{name}");
                refused += 1;
            } else if let Ok(out) = whole {
                assert_eq!(out.as_bytes(), body, "{name}");
            }
        }
    }
    assert!(accepted > 150 && refused > 300, "{accepted} {refused}");
}
