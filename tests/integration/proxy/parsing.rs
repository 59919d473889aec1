//! JSONTestSuite through the running sidecar: what must be accepted arrives byte for byte, what must be refused never does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use http::Response;

use crate::client::get;
use crate::preview::preview;
use crate::upstream::{app, full};

const ROUTES: &str = r#"
  - match: GET /open/**
    public: Nobody's data.
  - match: GET /anywhere/**
    records: anywhere
    owner: no_such_name
    public: Pages around the records are the same for everybody.
detect:
  - use: [pii, secrets]
"#;

/// The suite, by file name; none where it is not on this machine and nothing asks for it.
pub(crate) fn suite() -> Option<BTreeMap<String, Vec<u8>>> {
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
        return None;
    };
    let entries = entries.map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, std::fs::read(entry.path()).unwrap())
    });
    Some(
        entries
            .filter(|(name, _)| name.ends_with(".json"))
            .collect(),
    )
}

#[tokio::test]
async fn agrees_with_the_parsing_suite() {
    let Some(suite) = suite() else { return };
    let suite = Arc::new(suite);
    let files = Arc::clone(&suite);
    let app = app(move |request| {
        let name = request.uri().path().rsplit('/').next().unwrap_or_default();
        let number: usize = name.parse().unwrap();
        let body = files.values().nth(number).cloned().unwrap();
        async move {
            let answer = Response::builder().header("content-type", "application/json");
            answer.body(full(body)).unwrap()
        }
    })
    .await;
    let preview = preview(app).routes(ROUTES).start().await;
    let token = preview.token("alice");
    let (mut accepted, mut refused) = (0, 0);
    for (number, (name, body)) in suite.iter().enumerate() {
        for route in ["open", "anywhere"] {
            let reply = get(preview.address, &format!("/{route}/{number}"), &token).await;
            let came = reply.status.is_success().then_some(reply.body).flatten();
            if name.starts_with("y_") {
                assert_eq!(came.unwrap().as_bytes(), body, "{name}");
                accepted += 1;
            } else if name.starts_with("n_") {
                // An empty answer to a request is no document; it says nothing, and nothing comes.
                let is_empty = body.is_empty() && came.as_deref() == Some("");
                assert!(came.is_none() || is_empty, "{name}");
                refused += 1;
            } else if let Some(came) = came {
                assert_eq!(came.as_bytes(), body, "{name}");
            }
        }
    }
    assert!(accepted > 150 && refused > 300, "{accepted} {refused}");
}
