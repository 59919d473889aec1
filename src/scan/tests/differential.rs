//! Sets of patterns made at random, and every detector, against the reference: around the borders of words and
//! tiles, behind words, with long runs near and far, beside what is not ASCII.

use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use super::made::{Dice, FILLERS, JOINTS, Node, haystack};
use super::reference;
use crate::scan::{Automaton, PatternSet, Strategy, packs};

/// How many sets of patterns are made.
const CASES: u64 = 40;

fn reference_of(regex: &Regex, haystack: &[u8]) -> Vec<(u64, u64)> {
    let (mut spans, mut from) = (Vec::new(), 0);
    while let Some(found) = regex.search(&Input::new(haystack).range(from..)) {
        spans.push((found.start() as u64, found.end() as u64));
        from = found.end();
    }
    spans
}

/// By pattern: its hits, in order.
type Spans = Vec<Vec<(u64, u64)>>;

fn collect(count: usize, search: impl FnOnce(&mut dyn FnMut(crate::scan::Hit))) -> Spans {
    let mut all = vec![Vec::new(); count];
    search(&mut |hit| all[hit.pattern.index()].push((hit.span.start, hit.span.end)));
    all.iter_mut().for_each(|spans| spans.sort_unstable());
    all
}

fn ways(automaton: &Automaton) -> Vec<(String, Automaton)> {
    let forced = Strategy::available()
        .map(|way| (format!("{way:?}"), automaton.with_strategy(way).unwrap()));
    forced
        .chain([("usual".to_owned(), automaton.clone())])
        .collect()
}

#[test]
fn patterns_made_at_random_find_what_the_reference_finds() {
    let mut found = 0;
    for seed in 1..=CASES {
        let mut dice = Dice(seed.wrapping_mul(0xd129_0d3c_4b1f_a2e5) | 1);
        let count = dice.of(&[1, 2, 5, 12, 40]);
        let mut set = PatternSet::new();
        let (mut nodes, mut patterns) = (Vec::new(), Vec::new());
        while nodes.len() < count {
            let node = Node::whole(&mut dice);
            let mut pattern = String::new();
            node.write(&mut pattern);
            if set.regex(&pattern).is_ok() {
                nodes.push(node);
                patterns.push(pattern);
            }
        }
        let config = syntax::Config::new().utf8(false);
        let compile = |pattern: &String| Regex::builder().syntax(config).build(pattern).unwrap();
        let regexes: Vec<Regex> = patterns.iter().map(compile).collect();
        let automaton = set.build().unwrap();
        let ways = ways(&automaton);
        let nodes: Vec<&Node> = nodes.iter().collect();
        for round in 0..6 {
            let haystack = haystack(&nodes, &mut dice);
            let expect = |text: &[u8], base: u64| -> Spans {
                let moved = |(start, end)| (start + base, end + base);
                let spans = regexes.iter().map(|regex| reference_of(regex, text));
                spans
                    .map(|spans| spans.into_iter().map(moved).collect())
                    .collect()
            };
            let expected = expect(&haystack, 0);
            found += expected.iter().map(Vec::len).sum::<usize>();
            let mut cuts = [0; 5].map(|_: i32| dice.below(haystack.len() + 1));
            cuts.sort_unstable();
            let sizes = [
                1 + dice.below(300),
                1 + dice.below(3000),
                1 + dice.below(30),
            ];
            for (way, automaton) in &ways {
                let check = |got: Spans, expected: &Spans, how: &str| {
                    for ((got, expected), pattern) in got.iter().zip(expected).zip(&patterns) {
                        let text = haystack.escape_ascii();
                        assert_eq!(
                            got, expected,
                            "{how}, {way}, {seed}.{round}: {pattern} in {text}"
                        );
                    }
                };
                check(
                    collect(count, |sink| automaton.find(&haystack, sink)),
                    &expected,
                    "find",
                );
                let fed = collect(count, |sink| {
                    let (mut scanner, mut rest) = (automaton.scanner(), haystack.as_slice());
                    for size in sizes.iter().cycle() {
                        let (piece, after) = rest.split_at(rest.len().min(*size));
                        scanner.feed(piece, sink);
                        rest = after;
                        if rest.is_empty() {
                            break;
                        }
                    }
                    scanner.finish(sink);
                });
                check(fed, &expected, "fed");
                let mut sweep = automaton.sweep();
                for pair in cuts.windows(2) {
                    let text = pair[0]..pair[1];
                    let expected = expect(&haystack[text.clone()], text.start as u64);
                    let swept = collect(count, |sink| sweep.find(&haystack, text, sink));
                    check(swept, &expected, "swept");
                }
            }
        }
    }
    assert!(found > 1_000, "{found} hits test little");
}

#[test]
fn detectors_find_their_examples_at_every_kind_of_place() {
    let detectors: Vec<_> = packs().iter().flat_map(|pack| &pack.detectors).collect();
    let mut set = PatternSet::new();
    for detector in &detectors {
        set.detector(detector).unwrap();
    }
    let ways = ways(&set.build().unwrap());
    let mut dice = Dice(88_172_645_463_325_252);
    for (index, detector) in detectors.iter().enumerate() {
        let examples = detector
            .examples
            .finds
            .iter()
            .chain(&detector.examples.ignores);
        for example in examples {
            let text = example.replace(['«', '»'], "");
            for _ in 0..2 {
                let joint = dice.of(&[
                    "",
                    " ",
                    "\"",
                    "\n",
                    ":",
                    "é",
                    "_",
                    "a",
                    "abcdefghijklmnopq ",
                ]);
                let border = dice.of(&[0, 64, 128, 1984, 2048, 4096]) as i64;
                let place = border + dice.below(9) as i64 - 4;
                let begins = if dice.one_in(2) {
                    place
                } else {
                    place - text.len() as i64
                };
                let gap = usize::try_from(begins - joint.len() as i64).unwrap_or(0);
                let filler = dice.of(&FILLERS).as_bytes().iter().copied().cycle();
                let mut haystack: Vec<u8> = filler.take(gap).collect();
                haystack.extend_from_slice(joint.as_bytes());
                let start = haystack.len();
                haystack.extend_from_slice(text.as_bytes());
                let end = haystack.len();
                haystack.extend_from_slice(dice.of(&JOINTS).as_bytes());
                let expected = reference::detector(detector, &haystack);
                let alone: Vec<_> = reference::detector(detector, text.as_bytes());
                let moved = |(from, to): (u64, u64)| (from + start as u64, to + start as u64);
                let alone: Vec<_> = alone.into_iter().map(moved).collect();
                for (way, automaton) in &ways {
                    let got = collect(detectors.len(), |sink| automaton.find(&haystack, sink));
                    let shown = haystack.escape_ascii();
                    assert_eq!(got[index], expected, "{way}: {} in {shown}", detector.name);
                    let mut sweep = automaton.sweep();
                    // What stands before makes the stretch begin there.
                    let mut ignored = 0;
                    sweep.find(&haystack, 0..start.min(8), &mut |_| ignored += 1);
                    let got = collect(detectors.len(), |sink| {
                        sweep.find(&haystack, start..end, sink)
                    });
                    assert_eq!(
                        got[index], alone,
                        "swept, {way}: {} in {shown}",
                        detector.name
                    );
                }
            }
        }
    }
}

/// A set of one pattern has no other's reach: what its bitmaps tell of long runs ends where it must.
#[test]
fn a_long_run_is_seen_as_far_away_as_it_may_stand() {
    for distance in [
        0, 1, 37, 49, 50, 51, 60, 61, 62, 63, 64, 115, 127, 128, 191, 192, 247,
    ] {
        let mut set = PatternSet::new();
        set.regex(&format!("key[ .]{{0,{distance}}}[a-f0-9]{{14}}"))
            .unwrap();
        let ways = ways(&set.build().unwrap());
        let text = format!("key{}0123456789abcd", " ".repeat(distance));
        for place in (0..66).chain(1_980..2_052) {
            for after in ["", " ", &". ".repeat(150)] {
                let haystack = format!(
                    "{}{text}{after}",
                    ". ".repeat(place / 2 + 1).split_off(1 - place % 2)
                );
                let start = (haystack.len() - after.len() - text.len()) as u64;
                let expected = [vec![(start, start + text.len() as u64)]];
                for (way, automaton) in &ways {
                    let got = collect(1, |sink| automaton.find(haystack.as_bytes(), sink));
                    assert_eq!(
                        got, expected,
                        "{way}: {distance} behind {place}, before {after:?}"
                    );
                }
            }
        }
    }
}

/// What is rejected before the automaton runs is rejected after it, too: addresses, cards and mail of near-misses.
#[test]
fn what_is_hopeless_is_no_hit() {
    const PARTS: [&str; 30] = [
        "::",
        "::",
        ":",
        ":",
        "1",
        "0",
        "fe80",
        "2001:db8",
        "ffff:",
        "A",
        "1.2.3.4",
        ".9",
        "1:2:3:4:5:6",
        ":7:8",
        " ",
        "4111",
        "4111 ",
        "1111",
        "-1111",
        "3782 822463 10005",
        "\u{a0}1111",
        "4111\u{2011}",
        "_",
        "@",
        "a.",
        "..b",
        "+c",
        "@shop.example",
        "é",
        "0012",
    ];
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let named = packs().iter().flat_map(|pack| &pack.detectors);
    let named =
        named.filter(|of| matches!(of.validator.as_deref(), Some("ipv6" | "card" | "email")));
    let mut found = 0;
    for detector in named {
        let mut set = PatternSet::new();
        set.detector(detector).unwrap();
        let ways = ways(&set.build().unwrap());
        for _ in 0..2_000 {
            let count = 1 + dice.below(14);
            let haystack: String = (0..count).map(|_| dice.of(&PARTS)).collect();
            let expected = [reference::detector(detector, haystack.as_bytes())];
            found += expected[0].len();
            for (way, automaton) in &ways {
                let got = collect(1, |sink| automaton.find(haystack.as_bytes(), sink));
                assert_eq!(got, expected, "{way}: {} in {haystack:?}", detector.name);
            }
            let size = 1 + dice.below(24);
            let fed = collect(1, |sink| {
                let mut scanner = ways[0].1.scanner();
                haystack
                    .as_bytes()
                    .chunks(size)
                    .for_each(|piece| scanner.feed(piece, sink));
                scanner.finish(sink);
            });
            assert_eq!(fed, expected, "fed: {} in {haystack:?}", detector.name);
        }
    }
    assert!(found > 300, "{found} hits test little");
}
