//! The scan engine's cases (tests/data/scan): whole, at every cut, and against the `regex` crate.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test ends where it can't go on"
)]

use std::sync::LazyLock;

use chaperone::scan::{Automaton, PatternSet, Strategy, pack};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    patterns: Vec<String>,
    haystack: String,
    #[serde(default = "once")]
    repeat: usize,
    hits: Vec<(usize, u64, u64)>,
}

fn once() -> usize {
    1
}

#[test]
fn regex_patterns() {
    run(include_str!("data/scan/regex.toml"));
}

#[test]
fn terms() {
    run(include_str!("data/scan/terms.toml"));
}

#[test]
fn detectors() {
    run(include_str!("data/scan/detectors.toml"));
}

fn run(suite: &str) {
    for case in toml::from_str::<Suite>(suite).unwrap().case {
        let haystack = case.haystack.repeat(case.repeat);
        let bytes = haystack.as_bytes();
        let automaton = case.automaton();
        assert_eq!(whole(&automaton, bytes), case.hits, "{}: whole", case.name);
        for pieces in cuts(bytes) {
            assert_eq!(
                fed(&automaton, &pieces),
                case.hits,
                "{}: cut {pieces:?}",
                case.name
            );
        }
        case.expect_regex(&haystack);
    }
}

impl Case {
    fn automaton(&self) -> Automaton {
        let mut set = PatternSet::new();
        for (i, pattern) in self.patterns.iter().enumerate() {
            let id = if let Some(pattern) = pattern.strip_prefix("re:") {
                set.regex(pattern).unwrap()
            } else if let Some(terms) = pattern.strip_prefix("terms:") {
                set.terms(terms.split('|')).unwrap()
            } else {
                let (name, detector) = pattern.split_once('/').unwrap();
                let detectors = &pack(name).unwrap().detectors;
                let detector = detectors.iter().find(|found| &*found.name == detector);
                set.detector(detector.unwrap()).unwrap()
            };
            assert_eq!(id.index(), i);
        }
        set.build().unwrap()
    }

    fn expect_regex(&self, haystack: &str) {
        for (i, pattern) in self.patterns.iter().enumerate() {
            let Some(pattern) = pattern.strip_prefix("re:") else {
                continue;
            };
            let regex = regex::bytes::Regex::new(pattern).unwrap();
            let found = regex.find_iter(haystack.as_bytes());
            let found: Vec<_> = found
                .map(|found| (i, found.start() as u64, found.end() as u64))
                .collect();
            let listed = self.hits.iter().copied().filter(|hit| hit.0 == i);
            assert_eq!(
                found,
                listed.collect::<Vec<_>>(),
                "{}: `{pattern}`",
                self.name
            );
        }
    }
}

/// The hits, which are the same in every way that this processor has.
fn whole(automaton: &Automaton, haystack: &[u8]) -> Vec<(usize, u64, u64)> {
    let hits = found(automaton, haystack);
    for strategy in Strategy::available() {
        let forced = automaton.with_strategy(strategy).unwrap();
        assert_eq!(found(&forced, haystack), hits, "{strategy:?}");
    }
    hits
}

fn found(automaton: &Automaton, haystack: &[u8]) -> Vec<(usize, u64, u64)> {
    let mut hits = Vec::new();
    automaton.find(haystack, &mut |hit| {
        hits.push((hit.pattern.index(), hit.span.start, hit.span.end));
    });
    hits.sort_unstable();
    hits
}

fn fed(automaton: &Automaton, pieces: &[&[u8]]) -> Vec<(usize, u64, u64)> {
    let (mut hits, mut scanner) = (Vec::new(), automaton.scanner());
    let mut settled = 0;
    for piece in pieces {
        scanner.feed(piece, &mut |hit| {
            assert!(hit.span.start >= settled);
            hits.push((hit.pattern.index(), hit.span.start, hit.span.end));
        });
        settled = scanner.settled();
    }
    scanner.finish(&mut |hit| {
        hits.push((hit.pattern.index(), hit.span.start, hit.span.end));
    });
    hits.sort_unstable();
    hits
}

/// Every cut in two, every byte alone, every pair and triple of bytes.
fn cuts(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut cuts: Vec<Vec<&[u8]>> = (0..=bytes.len())
        .map(|at| {
            let (left, right) = bytes.split_at(at);
            vec![left, right]
        })
        .collect();
    cuts.extend((1..=3).map(|size| bytes.chunks(size).collect()));
    if bytes.len() <= 64 {
        for left in 0..bytes.len() {
            for right in left..bytes.len() {
                cuts.push(vec![&bytes[..left], &bytes[left..right], &bytes[right..]]);
            }
        }
    }
    cuts
}

/// Patterns of every shape that the engine treats on its own: runs before a byte, boundaries of both
/// kinds, anchors, alternatives, classes beyond ASCII, matches shorter than the prefilter looks.
const SHAPES: [&str; 20] = [
    r"\bab\b",
    r"(?-u:\b)ab(?-u:\b)",
    "a|ab|abc",
    "[ab]{1,3}@[ab]{1,2}",
    r"\b[ab]{1,3}@(?:[ab]{1,2}\.){1,2}b\b",
    "[ab.]{2,4}?1",
    r"^a|b$",
    r"(?m)^[ab]{1,2}$",
    r"\B1\B",
    "é{1,2}",
    "[^a]é",
    r"(?i)kß",
    r"\w{2}\W",
    r"\b\w{1,4}\b",
    r"(?s).{3}b",
    "(?:ab){1,3}@?",
    r"1{2,5}\b",
    r"(?-u:[^a])@",
    r"\b{start}a|b\b{end}",
    "a{0,3}b",
];

static COMPILED: LazyLock<(Automaton, Vec<regex::bytes::Regex>)> = LazyLock::new(|| {
    let mut set = PatternSet::new();
    let compile = |pattern: &&str| {
        set.regex(pattern).unwrap();
        regex::bytes::Regex::new(pattern).unwrap()
    };
    let regexes = SHAPES.iter().map(compile).collect();
    (set.build().unwrap(), regexes)
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn own_patterns_match_as_the_regex_crate_matches(
        parts in prop::collection::vec(
            prop::sample::select(vec!["a", "b", "ab", "@", ".", "1", "11", " ", "\n", "é", "ß", "K", "\u{212a}", "_"]),
            0..40,
        ),
        odd in prop::collection::vec(any::<u8>(), 0..3),
        sizes in prop::collection::vec(1_usize..9, 1..6),
    ) {
        let mut haystack = parts.concat().into_bytes();
        haystack.extend(odd);
        haystack.extend(parts.concat().bytes().rev().take(5));
        let (automaton, regexes) = &*COMPILED;
        let mut expected = Vec::new();
        for (i, regex) in regexes.iter().enumerate() {
            let found = regex.find_iter(&haystack);
            expected.extend(found.map(|found| (i, found.start() as u64, found.end() as u64)));
        }
        expected.sort_unstable();
        prop_assert_eq!(whole(automaton, &haystack), expected.clone());
        let mut sizes = sizes.into_iter().cycle();
        let (mut pieces, mut rest) = (Vec::new(), haystack.as_slice());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(sizes.next().unwrap()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(fed(automaton, &pieces), expected.clone());
        for strategy in Strategy::available() {
            let forced = automaton.with_strategy(strategy).unwrap();
            prop_assert_eq!(fed(&forced, &pieces), expected.clone(), "{:?}", strategy);
        }
    }
}
