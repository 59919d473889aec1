//! The report as SARIF 2.1.0, written while the scan runs.

use std::io::Write;
use std::path::{Component, Path};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};

use crate::cli::scan::finding::{Finding, word};
use crate::cli::scan::search::Search;
use crate::scan::Strength;

/// What a URI's path holds as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// A document that has begun.
#[derive(Debug)]
pub(super) struct Sarif {
    has_results: bool,
}

impl Sarif {
    /// The detectors are its rules.
    pub(super) fn begin(search: &Search, out: &mut impl Write) -> anyhow::Result<Self> {
        let rules = search.detectors.iter().map(|known| {
            json!({
                "id": known.name,
                "name": known.name,
                "shortDescription": { "text": known.description },
            })
        });
        let driver = json!({
            "name": "chaperone",
            "version": env!("CARGO_PKG_VERSION"),
            "rules": rules.collect::<Vec<Value>>(),
        });
        let schema = "https://json.schemastore.org/sarif-2.1.0.json";
        writeln!(
            out,
            r#"{{"$schema":"{schema}","version":"2.1.0","runs":[{{"#
        )?;
        writeln!(out, r#""tool":{{"driver":{driver}}},"#)?;
        write!(out, r#""columnKind":"unicodeCodePoints","results":["#)?;
        Ok(Self { has_results: false })
    }

    pub(super) fn finding(
        &mut self,
        path: &Path,
        finding: &Finding,
        name: &str,
        out: &mut impl Write,
    ) -> anyhow::Result<()> {
        let strength = word(finding.strength);
        let level = match finding.strength {
            Strength::Weak => "note",
            Strength::Likely => "warning",
            Strength::Certain => "error",
        };
        let result = json!({
            "ruleId": name,
            "ruleIndex": finding.detector,
            "level": level,
            "message": { "text": format!("`{name}` finds something here ({strength}).") },
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": { "uri": uri(path) },
                    "region": {
                        "startLine": finding.position.line,
                        "startColumn": finding.position.column,
                        "byteOffset": finding.span.start,
                        "byteLength": finding.span.len(),
                    },
                },
            }],
        });
        let comma = if self.has_results { "," } else { "" };
        self.has_results = true;
        write!(out, "{comma}\n{result}")?;
        Ok(())
    }

    /// It is successful when everything could be read.
    pub(super) fn end(is_successful: bool, out: &mut impl Write) -> anyhow::Result<()> {
        let invocation = json!({ "executionSuccessful": is_successful });
        writeln!(out, "\n],\"invocations\":[{invocation}]}}]}}")?;
        Ok(())
    }
}

/// A reference relative to the working folder, or a whole URI.
fn uri(path: &Path) -> String {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let plain: std::path::PathBuf = parts.collect();
    let encoded = percent_encode(plain.as_os_str().as_encoded_bytes(), PATH);
    if path.is_absolute() {
        format!("file://{encoded}")
    } else {
        encoded.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn writes_paths_as_uris() {
        assert_eq!(super::uri(Path::new("./a b/ö.rs")), "a%20b/%C3%B6.rs");
        assert_eq!(super::uri(Path::new("/a:b")), "file:///a%3Ab");
    }
}
