//! The scan engine gives the same hits whole and at any cut.
//!
//! The first byte says how many bytes of cut sizes follow; the rest is the haystack.

#![no_main]

use std::sync::LazyLock;

use chaperone::scan::{Automaton, Dictionary, Hit, PatternSet, packs};
use libfuzzer_sys::fuzz_target;

static AUTOMATON: LazyLock<Automaton> = LazyLock::new(|| {
    let mut set = PatternSet::new();
    for detector in packs().iter().flat_map(|pack| &pack.detectors) {
        set.detector(detector).expect("the packs are tested");
    }
    for pattern in [
        r"\bEMP-[0-9]{6}\b",
        "(?i)straße",
        r"(?m)^[a-z]{1,8}$",
        "[a-z]{1,9}#",
        r"\w{2}é\B",
    ] {
        set.regex(pattern).expect("it is bounded");
    }
    set.terms(["falcon ix", "ix", "kelvin", "straße", "ix program"])
        .expect("they are terms");
    let listed = [
        "ada byron",
        "ada",
        "straße 7",
        "(ada)",
        "a.b.c",
        "kelvin-7",
        "中文",
    ];
    let dictionary = Dictionary::build(listed).expect("they have words");
    set.dictionary(dictionary).expect("there is room");
    set.build().expect("it is small")
});

fuzz_target!(|data: &[u8]| {
    let Some((count, data)) = data.split_first() else {
        return;
    };
    let (sizes, haystack) = data.split_at(data.len().min(usize::from(*count % 16)));
    let mut whole: Vec<Hit> = Vec::new();
    AUTOMATON.find(haystack, &mut |hit| whole.push(hit));
    whole.sort_unstable();

    let mut pieces: Vec<Hit> = Vec::new();
    let mut scanner = AUTOMATON.scanner();
    let (mut rest, mut settled) = (haystack, 0);
    for size in sizes.iter().cycle().take(haystack.len()) {
        let (piece, after) = rest.split_at(rest.len().min(usize::from(*size)));
        scanner.feed(piece, &mut |hit| {
            assert!(hit.span.start >= settled);
            pieces.push(hit);
        });
        assert!(scanner.settled() >= settled);
        settled = scanner.settled();
        rest = after;
    }
    scanner.feed(rest, &mut |hit| pieces.push(hit));
    scanner.finish(&mut |hit| pieces.push(hit));
    pieces.sort_unstable();
    assert_eq!(whole, pieces);
});
