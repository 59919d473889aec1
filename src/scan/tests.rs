mod differential;
mod made;
mod page;
mod reference;
mod selectivity;
mod split;

use super::*;

/// The spans of all hits, sorted, without doubles.
fn spans(automaton: &Automaton, haystack: &[u8]) -> Vec<(u64, u64)> {
    let mut spans = Vec::new();
    automaton.find(haystack, &mut |hit| {
        spans.push((hit.span.start, hit.span.end))
    });
    spans.sort_unstable();
    spans.dedup();
    spans
}

fn terms(list: &[&str], haystack: &str) -> Vec<String> {
    let mut set = PatternSet::new();
    set.terms(list.iter().copied()).unwrap();
    let automaton = set.build().unwrap();
    let spans = spans(&automaton, haystack.as_bytes());
    let text = |(start, end): (u64, u64)| {
        let bytes = &haystack.as_bytes()[start as usize..end as usize];
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    spans.into_iter().map(text).collect()
}

/// The text without its marks, and the spans that they mark.
fn marked(example: &str) -> (String, Vec<(u64, u64)>) {
    let (mut text, mut spans) = (String::new(), Vec::new());
    for (i, part) in example.split('«').enumerate() {
        let start = text.len() as u64;
        match part.split_once('»') {
            Some((inside, after)) => {
                assert!(i > 0, "`{example}` has a mark without its pair");
                text.push_str(inside);
                spans.push((start, text.len() as u64));
                text.push_str(after);
            }
            None => text.push_str(part),
        }
    }
    (text, spans)
}

#[test]
fn every_pack_file_is_read() {
    let names: Vec<&str> = packs().iter().map(|pack| &*pack.name).collect();
    for file in pack::FILES {
        serde_saphyr::from_str::<Pack>(file).unwrap();
    }
    let expected = [
        "pii",
        "pii-context",
        "pii-eu",
        "pii-us",
        "pii-apac",
        "secrets",
        "network",
        "crypto",
    ];
    assert_eq!(names, expected);
    assert!(pack("secrets").unwrap().is_credential);
    assert!(!pack("pii").unwrap().is_credential);
    assert!(pack("pii-mars").is_none());
}

#[test]
fn every_detector_has_a_name_of_its_own() {
    let mut names: Vec<&str> = packs()
        .iter()
        .flat_map(|pack| pack.detectors.iter().map(|d| &*d.name).chain([&*pack.name]))
        .collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert!(names.len() == count && count > 60);
}

#[test]
fn every_detector_does_what_its_examples_say() {
    for detector in packs().iter().flat_map(|pack| &pack.detectors) {
        let mut set = PatternSet::new();
        set.detector(detector).unwrap();
        let automaton = set.build().unwrap();
        let examples = &detector.examples;
        assert!(!examples.finds.is_empty() && !examples.ignores.is_empty());
        for example in &examples.finds {
            let (text, expected) = marked(example);
            let found = merged(&spans(&automaton, text.as_bytes()));
            assert_eq!(found, expected, "{}: {example}", detector.name);
        }
        for example in &examples.ignores {
            let found = spans(&automaton, example.as_bytes());
            assert_eq!(found, [], "{}: {example}", detector.name);
        }
    }
}

fn merged(spans: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.0 < last.1 => last.1 = last.1.max(span.1),
            _ => merged.push(*span),
        }
    }
    merged
}

#[test]
fn every_term_is_found_however_they_overlap() {
    let list = ["New York", "York", "new", "York City Hall"];
    assert_eq!(
        terms(&list, "in NEW  YORK city"),
        ["NEW", "NEW  YORK", "YORK"]
    );
    // The longest isn't bounded; the shorter is.
    assert_eq!(terms(&["ab cd", "ab"], "ab cdx"), ["ab"]);
    assert_eq!(terms(&["ab"], "xab ab_ ab1 éab ab"), ["ab"]);
    assert_eq!(terms(&["#1", "C++"], "x#1 c++x"), ["#1", "c++"]);
}

#[test]
fn terms_fold_as_unicode_folds_simply() {
    assert_eq!(terms(&["kelvin"], "\u{212a}ELVIN"), ["\u{212a}ELVIN"]);
    assert_eq!(terms(&["STRAẞE"], "straße strasse"), ["straße"]);
    assert_eq!(terms(&["İzmir"], "İZMİR izmir İZMIR"), ["İZMIR"]);
    assert_eq!(terms(&["Σίσυφος"], "ΣΊΣΥΦΟΣ"), ["ΣΊΣΥΦΟΣ"]);
    assert_eq!(terms(&["Müller"], "MÜLLER müllerin"), ["MÜLLER"]);
}

#[test]
fn refuses_terms_that_are_nothing_or_endless() {
    let mut set = PatternSet::new();
    assert_eq!(
        set.terms([" "]).unwrap_err().kind(),
        &BuildErrorKind::TermEmpty
    );
    let endless = "a".repeat(257);
    let error = set.terms([endless.as_str()]).unwrap_err();
    assert_eq!(error.kind(), &BuildErrorKind::TermTooLong { limit: 256 });
    assert!(set.is_empty());
}

#[test]
fn refuses_patterns_that_are_empty_endless_or_broken() {
    let mut set = PatternSet::new();
    let mut kind = |pattern: &str| set.regex(pattern).unwrap_err().kind().clone();
    for pattern in ["", "a*", "a?", r"\b", "^", "(?:a|)"] {
        assert!(
            matches!(
                kind(pattern),
                BuildErrorKind::Empty | BuildErrorKind::Unbounded
            ),
            "{pattern}"
        );
    }
    for pattern in ["a+", "ab*", "x{3,}", "(?:a|b+)c"] {
        assert_eq!(kind(pattern), BuildErrorKind::Unbounded, "{pattern}");
    }
    assert_eq!(kind("[a&&b]"), BuildErrorKind::Impossible);
    let error = kind("a(b");
    assert!(
        matches!(error, BuildErrorKind::Syntax { offset: 1, .. }),
        "{error:?}"
    );
    assert!(matches!(kind("a{5000}"), BuildErrorKind::TooLong { .. }));
    assert!(matches!(kind(r"(?=a)b"), BuildErrorKind::Syntax { .. }));
    assert_eq!(set.len(), 0);
}

#[test]
fn a_rejected_candidate_hides_nothing() {
    let mut set = PatternSet::new();
    let iban = pack("pii")
        .unwrap()
        .detectors
        .iter()
        .find(|d| &*d.name == "iban");
    set.detector(iban.unwrap()).unwrap();
    let automaton = set.build().unwrap();
    let text = b"XX00 DE89 3704 0044 0532 0130 00";
    assert_eq!(spans(&automaton, text), [(5, 32)]);
}
