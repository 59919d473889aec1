//! The engine against the reference, and against itself at any cut.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::strategy::Strategy as _;

use super::reference;
use crate::scan::{Automaton, Detector, Hit, PatternSet, Span, Strategy, Sweep, packs};

const LIST: [&str; 5] = ["ada", "falcon", "falcons", "ab", "cd"];

static DETECTORS: LazyLock<Vec<&'static Detector>> =
    LazyLock::new(|| packs().iter().flat_map(|pack| &pack.detectors).collect());

/// Every detector, in order, then the list.
static AUTOMATON: LazyLock<Automaton> = LazyLock::new(|| {
    let mut set = PatternSet::new();
    for detector in DETECTORS.iter() {
        set.detector(detector).unwrap();
    }
    set.terms(LIST).unwrap();
    set.build().unwrap()
});

/// The same in every way that this processor has, however short the haystack.
static FORCED: LazyLock<Vec<(Strategy, Automaton)>> = LazyLock::new(|| {
    Strategy::available()
        .map(|strategy| (strategy, AUTOMATON.with_strategy(strategy).unwrap()))
        .collect()
});

/// The hits, which are the same in every way.
fn whole(haystack: &[u8]) -> Vec<Hit> {
    let hits = found(&AUTOMATON, haystack);
    for (strategy, automaton) in FORCED.iter() {
        assert_eq!(found(automaton, haystack), hits, "{strategy:?}");
    }
    hits
}

fn found(automaton: &Automaton, haystack: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    automaton.find(haystack, &mut |hit| hits.push(hit));
    hits.sort_unstable();
    hits
}

/// Feeds in pieces of the sizes given (and again from the first), checking what `settled` promises.
fn pieces(haystack: &[u8], sizes: &[usize]) -> Vec<Hit> {
    fed(&AUTOMATON, haystack, sizes)
}

fn fed(automaton: &Automaton, haystack: &[u8], sizes: &[usize]) -> Vec<Hit> {
    let (mut hits, mut scanner) = (Vec::new(), automaton.scanner());
    let (mut rest, mut settled) = (haystack, 0);
    for size in sizes.iter().cycle() {
        let (piece, after) = rest.split_at(rest.len().min(*size));
        scanner.feed(piece, &mut |hit| {
            assert!(hit.span.start >= settled, "{hit:?} is before {settled}");
            hits.push(hit);
        });
        assert!(scanner.settled() >= settled);
        settled = scanner.settled();
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    scanner.finish(&mut |hit| {
        assert!(hit.span.start >= settled, "{hit:?} is before {settled}");
        hits.push(hit);
    });
    assert_eq!(scanner.settled(), haystack.len() as u64);
    hits.sort_unstable();
    hits
}

fn expect_reference(haystack: &[u8]) {
    let hits = whole(haystack);
    for (i, detector) in DETECTORS.iter().enumerate() {
        let found = hits.iter().filter(|hit| hit.pattern.index() == i);
        let found: Vec<_> = found.map(|hit| (hit.span.start, hit.span.end)).collect();
        let text = String::from_utf8_lossy(haystack);
        assert_eq!(
            found,
            reference::detector(detector, haystack),
            "{} in `{text}`",
            detector.name
        );
    }
    let found = hits
        .iter()
        .filter(|hit| hit.pattern.index() == DETECTORS.len());
    let found: Vec<_> = found.map(|hit| (hit.span.start, hit.span.end)).collect();
    assert_eq!(found, reference::terms(&LIST, haystack));
}

/// Text that is dense with matches, almost-matches and what joins them.
fn text() -> impl proptest::strategy::Strategy<Value = Vec<u8>> {
    let mut samples: Vec<String> = Vec::new();
    for detector in DETECTORS.iter() {
        for example in detector
            .examples
            .finds
            .iter()
            .chain(&detector.examples.ignores)
        {
            samples.push(example.replace(['«', '»'], ""));
        }
    }
    let joints = [
        "",
        "",
        " ",
        ".",
        "-",
        "@",
        ":",
        "::",
        "é",
        "_",
        "a",
        "1",
        "+",
        "eyJ",
        "-----",
        "-----END ",
        "\n",
        "\"",
        "Ada",
        "falcons",
        "ß",
        "\u{212a}",
        "0123456789abcdef0123",
        "ab cd",
        "MII",
    ];
    let joints = joints.map(str::to_owned).to_vec();
    let fragment = prop_oneof![
        4 => prop::sample::select(samples.clone()).prop_map(String::into_bytes),
        5 => prop::sample::select(joints).prop_map(String::into_bytes),
        2 => (prop::sample::select(samples), any::<prop::sample::Index>()).prop_map(|(sample, at)| {
            let bytes = sample.into_bytes();
            let at = at.index(bytes.len());
            bytes[at..].to_vec()
        }),
        1 => prop::collection::vec(any::<u8>(), 0..12),
        1 => "[0-9 .-]{0,24}".prop_map(String::into_bytes),
        1 => "[a-f0-9:.]{0,24}".prop_map(String::into_bytes),
        1 => Just(vec![b' '; 200]),
    ];
    prop::collection::vec(fragment, 0..24).prop_map(|fragments| fragments.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn finds_what_the_reference_finds(haystack in text()) {
        expect_reference(&haystack);
    }

    #[test]
    fn finds_the_same_at_any_cut(
        haystack in text(),
        sizes in prop::collection::vec(1_usize..90, 1..12),
    ) {
        let hits = whole(&haystack);
        prop_assert_eq!(&hits, &pieces(&haystack, &sizes));
        for (strategy, automaton) in FORCED.iter() {
            prop_assert_eq!(&hits, &fed(automaton, &haystack, &sizes), "{:?}", strategy);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn finds_in_each_part_what_it_finds_in_it_alone(
        haystack in text(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(haystack.len() + 1)).collect();
        cuts.sort_unstable();
        let beside: Vec<_> = cuts.windows(2).map(|pair| pair[0]..pair[1]).collect();
        let apart: Vec<_> = beside.iter().step_by(2).cloned().collect();
        for spans in [beside, apart] {
            let mut expected = Vec::new();
            for span in &spans {
                let base = span.start as u64;
                expected.extend(found(&AUTOMATON, &haystack[span.clone()]).into_iter().map(|hit| {
                    Hit { span: Span::new(hit.span.start + base, hit.span.end + base), ..hit }
                }));
            }
            expected.sort_unstable();
            for (strategy, automaton) in FORCED.iter() {
                let mut hits = Vec::new();
                let mut sweep = automaton.sweep();
                for span in &spans {
                    sweep.find(&haystack, span.clone(), &mut |hit| hits.push(hit));
                }
                hits.sort_unstable();
                prop_assert_eq!(&hits, &expected, "{:?} in {:?}", strategy, spans);
            }
        }
    }
}

#[test]
fn finds_the_same_byte_by_byte_and_at_every_cut_of_every_example() {
    for detector in DETECTORS.iter() {
        for example in detector
            .examples
            .finds
            .iter()
            .chain(&detector.examples.ignores)
        {
            let text = example.replace(['«', '»'], "");
            let hits = whole(text.as_bytes());
            assert_eq!(pieces(text.as_bytes(), &[1]), hits);
            for cut in 1..text.len() {
                assert_eq!(
                    pieces(text.as_bytes(), &[cut, text.len()]),
                    hits,
                    "{text} cut at {cut}"
                );
            }
            expect_reference(text.as_bytes());
        }
    }
}

#[test]
fn covers_long_tokens_to_their_end_without_holding_them() {
    let long = "A".repeat(70_000);
    let jwt = format!("x eyJhbGciOiJIUzI1NiJ9.{long}.{long} y");
    let lines = "MIIEowIBAAKCAQEA7bq0MIIEowIBAAKCAQEA7bq0MIIEowIBAAKCAQEA7bq0abcd\n".repeat(2_000);
    let pem = format!("x -----BEGIN RSA PRIVATE KEY-----\n{lines}-----END RSA PRIVATE KEY----- y");
    for text in [jwt, pem] {
        let hits = whole(text.as_bytes());
        assert_eq!(hits.len(), 1);
        assert_eq!(
            (hits[0].span.start, hits[0].span.end),
            (2, text.len() as u64 - 2)
        );
        for size in [1_000, 4_096, 70_000] {
            assert_eq!(pieces(text.as_bytes(), &[size]), hits);
        }
        let mut scanner = AUTOMATON.scanner();
        scanner.feed(&text.as_bytes()[..100_000], &mut |_| {
            panic!("it has not ended")
        });
        assert_eq!(scanner.settled(), 2);
        let open = scanner.open().unwrap();
        assert!(open.start == 2 && open.end > 99_000);
    }
}

/// Beginnings, groups and joints that fit into each other over and over, so that candidates overlap
/// and most of them fail late.
const ATOMS: [&str; 44] = [
    "4",
    "41",
    "4111",
    "4111 1111 ",
    "4111-",
    "378282246310005",
    "1234567890",
    "0",
    "1 ",
    "1.",
    "1-",
    "+",
    "+1",
    "+49 30 ",
    "00",
    "536-90-",
    "DE89",
    "DE89 3704 ",
    "a",
    "a.",
    "a@",
    "@",
    "a@b.",
    "::",
    "f:",
    "\u{a0}",
    "\u{2011}",
    "\u{202f}",
    "_",
    "e15",
    ".",
    "eyJ",
    "eyJhbGciOiJIUzI1NiJ9.",
    "ghp_",
    "sk_live_",
    "AKIA",
    "AAAA",
    "token: ",
    "secret=\"",
    "password=",
    "curl -u a:",
    "-----BEGIN PRIVATE KEY-----",
    "zoom ",
    "\n",
];

/// Runs of a few atoms.
fn hostile() -> impl proptest::strategy::Strategy<Value = Vec<u8>> {
    let run = (prop::sample::select(ATOMS.to_vec()), 1_usize..20);
    let runs = prop::collection::vec(run, 1..14);
    runs.prop_map(|runs| {
        let runs = runs.into_iter();
        let text: String = runs.map(|(atom, count)| atom.repeat(count)).collect();
        text.into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn finds_what_the_reference_finds_in_hostile_text(
        haystack in hostile(),
        sizes in prop::collection::vec(1_usize..200, 1..6),
    ) {
        expect_reference(&haystack);
        let hits = whole(&haystack);
        for (strategy, automaton) in FORCED.iter() {
            prop_assert_eq!(&hits, &fed(automaton, &haystack, &sizes), "{:?}", strategy);
        }
    }
}

/// One byte short, exact, one byte long, joined and cut off, side by side.
#[test]
fn finds_the_same_at_every_cut_of_overlapping_candidates() {
    let hostile = [
        "4111111111111111_4111111111111111__41111111111111111 411111111111111",
        "4111 1111 1111 1111 4111 1111 1111 1111 1111 1111 1111 1111",
        "4111\u{a0}1111\u{a0}1111\u{a0}1111\u{2011}1111\u{2011}1111\u{2011}1111",
        "4.111111111111111E154.111111111111111e+15 4.111111111111111e15",
        "+49 30 901820+49 30 901820 0049 30 901820 415-555-2671-415-555-2671",
        "536-90-4399_536-90-4399-536-90-4399 1536-90-4399 536\u{2011}90\u{2011}4399",
        "DE89 3704 0044 0532 0130 00DE89370400440532013000 DE89-3704-0044-0532-0130-00",
        "a@b.example@c.example.a@b.example_d@e.example..f@g.example",
        "1.2.3.4.5.6.7.8 10.0.0.1::1:2::3 fe80::1::2 00:1A:2b:3c:4D:5e:6f",
        "ghp_ghp_16C7e42F292c6912E7710c838347Ae178B4a_ghs_16C7e42F292c6912E7710c838347Ae178B4a",
        "secret=token=api_key=\"lxIGYR4Hm3bc4uzQFucpXGCf1uTNEpQR\"secret: token",
        "password=password=hunter2x password: hunter2x <password>hunter2x</password>",
    ];
    for text in hostile {
        let hits = whole(text.as_bytes());
        expect_reference(text.as_bytes());
        for (strategy, automaton) in FORCED.iter() {
            for cut in 1..text.len() {
                let again = fed(automaton, text.as_bytes(), &[cut, text.len()]);
                assert_eq!(again, hits, "{strategy:?}: {text} cut at {cut}");
            }
        }
    }
}

/// The last byte of the first run stands 256 bytes behind the header, and one further.
#[test]
fn a_run_counts_as_far_as_the_gap_reaches() {
    for (gap, is_far) in [(240, false), (241, true)] {
        let header = "-----BEGIN PRIVATE KEY-----";
        let text = format!("{header}{}MIIEowIBAAKCAQEA", " ".repeat(gap));
        let hits = whole(text.as_bytes());
        let end = if is_far { header.len() } else { text.len() };
        assert_eq!(hits.len(), 1);
        assert_eq!(hits[0].span, Span::new(0, end as u64), "{gap}");
        expect_reference(text.as_bytes());
        assert_eq!(pieces(text.as_bytes(), &[1]), hits);
    }
}

#[test]
fn hostile_text_gives_the_same_in_pieces() {
    let hostile = [
        "1".repeat(3_000),
        "1 ".repeat(1_500),
        "4111 ".repeat(600),
        "@".repeat(3_000),
        "a@".repeat(1_500),
        "a.".repeat(1_500),
        format!("{}@", "a".repeat(3_000)),
        "eyJ-".repeat(800),
        "-----BEGIN PRIVATE KEY".repeat(900),
        "-".repeat(3_000),
        "DE89".repeat(800),
        "::".repeat(1_500),
        "ada ".repeat(800),
        "ghp_".repeat(800),
    ];
    for text in hostile {
        let hits = whole(text.as_bytes());
        assert_eq!(pieces(text.as_bytes(), &[777, 8_192]), hits);
        for (strategy, automaton) in FORCED.iter() {
            let again = fed(automaton, text.as_bytes(), &[777, 8_192]);
            assert_eq!(again, hits, "{strategy:?}");
        }
        let short = &text.as_bytes()[..1_500];
        expect_reference(short);
    }
}

/// A part between word characters is searched apart from the others; a sweep can go back.
#[test]
fn finds_in_a_part_between_letters_and_in_one_that_comes_again() {
    let haystack = b"xada@shop.exampley \"bob@shop.example\"";
    for (strategy, automaton) in FORCED.iter() {
        let mut spans = Vec::new();
        let mut sweep = automaton.sweep();
        for text in [1..17, 20..36, 1..17] {
            sweep.find(haystack, text, &mut |hit| spans.push(hit.span));
        }
        spans.sort_unstable();
        let first = [Span::new(1, 4), Span::new(1, 17)];
        let expected = [first[0], first[0], first[1], first[1], Span::new(20, 36)];
        assert_eq!(spans, expected, "{strategy:?}");
    }
}

/// Bitmaps are made of as many words as there are places: what ends with the haystack is found in the
/// last one, what begins with it in the first.
#[test]
fn finds_at_both_ends_of_haystacks_of_many_lengths() {
    let near = |length: usize| length % 64 < 3 || length % 64 > 61 || length.is_multiple_of(41);
    for length in (40..2_300).filter(|length| near(*length)) {
        let filler = "x ".repeat(length / 2 - 20);
        let text = format!("bob@shop.example {filler} ada@shop.example");
        let mut haystack = text.into_bytes();
        for _ in 0..2 {
            let expected = found(&AUTOMATON, &haystack);
            assert!(expected.len() >= 2, "{length}");
            for (strategy, automaton) in FORCED.iter() {
                assert_eq!(
                    found(automaton, &haystack),
                    expected,
                    "{strategy:?}, {length}"
                );
                let mut hits = Vec::new();
                let text = 0..haystack.len();
                automaton
                    .sweep()
                    .find(&haystack, text, &mut |hit| hits.push(hit));
                hits.sort_unstable();
                assert_eq!(hits, expected, "swept, {strategy:?}, {length}");
            }
            haystack.insert(17, b'y');
        }
    }
}

#[test]
fn a_sweep_forgets_what_it_knows_of_another_buffer() {
    let (with, without) = (*b"to ada@shop.example.", *b"to nobody at all ...");
    let mut same = without;
    for (strategy, automaton) in FORCED.iter() {
        let mut sweep = automaton.sweep();
        let count = |sweep: &mut Sweep, buffer: &[u8]| {
            let mut hits = 0;
            sweep.find(buffer, 3..buffer.len() - 1, &mut |_| hits += 1);
            hits
        };
        assert_eq!(count(&mut sweep, &without), 0, "{strategy:?}");
        let expected = count(&mut automaton.sweep(), &with);
        assert!(expected > 0, "{strategy:?}");
        assert_eq!(count(&mut sweep, &with), expected, "{strategy:?}");
        same.copy_from_slice(&without);
        assert_eq!(count(&mut sweep, &same), 0, "{strategy:?}");
        same.copy_from_slice(&with);
        sweep.restart();
        assert_eq!(count(&mut sweep, &same), expected, "{strategy:?}");
    }
}
