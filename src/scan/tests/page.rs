//! docs/detectors.md is written from the definitions: `UPDATE_DOCS=1 cargo test scan::tests::page`.

use std::fmt::Write as _;
use std::{env, fs};

use crate::scan::{Detector, Strength, packs};

const HEAD: &str = "# Detectors

What the built-in detectors claim, and what they leave out. This page is written from policies/detectors/, where the
patterns, the context words and the examples are (every example is a test); [scan.md](scan.md) tells how a definition is
read. A policy uses packs and single detectors: `use: [pii, de-tax-id]`.

*Found*: `always`; `in context`, only behind a word for it, up to the given bytes before; `both`, some forms always, others in
context. *Strength*: `certain` has a checksum or a form that nothing else has; `likely`; `weak`. Where a form is found always, a
word before it makes it a step stronger.
";

fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace('|', "\\|")
}

fn found(detector: &Detector) -> String {
    let context = detector.context.as_ref();
    let weak = context.filter(|context| !context.patterns.is_empty());
    match (detector.patterns.is_empty(), weak) {
        (_, None) => "always".to_owned(),
        (true, Some(context)) => format!("in context ({})", context.within),
        (false, Some(context)) => format!("both ({})", context.within),
    }
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for pack in packs() {
        let (name, description) = (&pack.name, cell(&pack.description));
        write!(page, "\n## {name}\n\n{description}\n\n").unwrap();
        page.push_str("| detector | finds | source | found | strength |\n");
        page.push_str("| --- | --- | --- | --- | --- |\n");
        for detector in &pack.detectors {
            let strength = match detector.strength {
                Strength::Weak => "weak",
                Strength::Likely => "likely",
                Strength::Certain => "certain",
            };
            let (name, found) = (&detector.name, found(detector));
            let (description, source) = (cell(&detector.description), cell(&detector.source));
            writeln!(
                page,
                "| `{name}` | {description} | {source} | {found} | {strength} |"
            )
            .unwrap();
        }
    }
    page
}

#[test]
fn the_page_of_detectors_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/detectors.md");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, page()).unwrap();
    }
    assert!(
        fs::read_to_string(path).unwrap() == page(),
        "docs/detectors.md differs from the definitions: UPDATE_DOCS=1 cargo test scan::tests::page"
    );
}
