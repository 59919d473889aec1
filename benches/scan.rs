//! What the scan engine does a second, beside the `regex` crate on the same patterns.
//!
//! Each haystack is made here from a fixed seed, and its hits are counted before it is timed: fast
//! and wrong fails.

#![expect(clippy::unwrap_used, reason = "a bench that can't be set up must stop")]

use std::hint::black_box;

use chaperone::scan::{Automaton, Detector, PatternSet, Strategy, pack};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const ORDERS: usize = 8_000;

/// The packs that a policy begins with.
fn detectors() -> impl Iterator<Item = &'static Detector> {
    ["pii", "secrets"]
        .into_iter()
        .flat_map(|name| &pack(name).unwrap().detectors)
}

fn automaton() -> Automaton {
    let mut set = PatternSet::new();
    for detector in detectors() {
        set.detector(detector).unwrap();
    }
    set.regex("EMP-[0-9]{6}").unwrap();
    set.terms(["Falcon IX", "Acme merger", "Ada Lovelace"])
        .unwrap();
    set.build().unwrap()
}

/// Orders as JSON; of those that `every` divides, each has an e-mail address, a card and an IBAN.
fn orders(every: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut text = String::from("[");
    for id in 0..ORDERS {
        let (cents, stock, note) = (random() % 100_000, random() % 900, random());
        text.push_str(&format!(
            "{{\"id\":{id},\"created\":\"2026-11-{:02}T08:{:02}:17Z\",\"status\":\"shipped\",\"total\":{}.{:02},\"stock\":{stock},\"note\":\"left at the door {note:x}, please ring twice\",\"tags\":[\"gift\",\"express\"]",
            id % 28 + 1, id % 60, cents / 100, cents % 100,
        ));
        if every > 0 && id % every == 0 {
            text.push_str(
                ",\"email\":\"ada.lovelace@mail.example\",\"card\":\"4111 1111 1111 1111\",\"iban\":\"DE89370400440532013000\"",
            );
        }
        text.push_str("},");
    }
    text.push_str("{}]");
    text
}

fn count(automaton: &Automaton, haystack: &[u8]) -> usize {
    let mut hits = 0;
    automaton.find(haystack, &mut |_| hits += 1);
    hits
}

/// The multi-pattern search of the `regex` crate's engine, without validators.
fn peer() -> regex_automata::meta::Regex {
    let patterns: Vec<&str> = detectors()
        .flat_map(|detector| detector.patterns.iter().map(AsRef::as_ref))
        .collect();
    let syntax = regex_automata::util::syntax::Config::new()
        .unicode(false)
        .utf8(false);
    let config = regex_automata::meta::Config::new()
        .nfa_size_limit(None)
        .hybrid_cache_capacity(64 << 20);
    regex_automata::meta::Regex::builder()
        .syntax(syntax)
        .configure(config)
        .build_many(&patterns)
        .unwrap()
}

fn scan(c: &mut Criterion) {
    let (automaton, peer) = (automaton(), peer());
    for (density, every, expected) in [
        ("none", 0, 0),
        ("low", 100, 3 * 80),
        ("high", 1, 3 * ORDERS),
    ] {
        let text = orders(every);
        let bytes = text.as_bytes();
        assert_eq!(count(&automaton, bytes), expected, "{density}");
        let mut group = c.benchmark_group(format!("scan/json/{density}"));
        group
            .sample_size(20)
            .throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("whole", |b| b.iter(|| count(&automaton, black_box(bytes))));
        group.bench_function("in 16 KiB", |b| {
            b.iter(|| {
                let (mut hits, mut scanner) = (0, automaton.scanner());
                for chunk in black_box(bytes).chunks(16 << 10) {
                    scanner.feed(chunk, &mut |_| hits += 1);
                }
                scanner.finish(&mut |_| hits += 1);
                assert_eq!(hits, expected);
            });
        });
        group.bench_function("regex, multi-pattern", |b| {
            b.iter(|| peer.find_iter(black_box(bytes)).count());
        });
        group.finish();
    }
}

/// The same work in every way that this processor has.
fn strategies(c: &mut Criterion) {
    let (automaton, text) = (automaton(), orders(100));
    let bytes = text.as_bytes();
    let mut group = c.benchmark_group("scan/strategy");
    group
        .sample_size(20)
        .throughput(Throughput::Bytes(bytes.len() as u64));
    for strategy in Strategy::available() {
        let forced = automaton.with_strategy(strategy).unwrap();
        assert_eq!(count(&forced, bytes), 3 * 80, "{strategy:?}");
        group.bench_function(format!("{strategy:?}"), |b| {
            b.iter(|| count(&forced, black_box(bytes)));
        });
    }
    group.finish();
}

/// As the filter calls it: one call for each string of a document.
fn strings(c: &mut Criterion) {
    let automaton = automaton();
    let text = orders(100);
    let strings: Vec<&[u8]> = text
        .split('"')
        .skip(1)
        .step_by(2)
        .map(str::as_bytes)
        .collect();
    let bytes: usize = strings.iter().map(|string| string.len()).sum();
    let all = || {
        strings
            .iter()
            .map(|string| count(&automaton, string))
            .sum::<usize>()
    };
    assert_eq!(all(), 3 * 80);
    let mut group = c.benchmark_group(format!("scan/strings/{} bytes each", bytes / strings.len()));
    group
        .sample_size(20)
        .throughput(Throughput::Elements(strings.len() as u64));
    group.bench_function("calls", |b| b.iter(|| black_box(all())));
    let mut spans = Vec::new();
    let mut at = 0;
    for (i, part) in text.split('"').enumerate() {
        if i % 2 == 1 {
            spans.push(at..at + part.len());
        }
        at += part.len() + 1;
    }
    let mut sweep = automaton.sweep();
    let mut in_one = || {
        let mut hits = 0;
        sweep.restart();
        for span in &spans {
            sweep.find(text.as_bytes(), span.clone(), &mut |_| hits += 1);
        }
        hits
    };
    assert_eq!(in_one(), 3 * 80);
    group.bench_function("one sweep", |b| b.iter(|| black_box(in_one())));
    group.finish();
}

/// Text that is made to be slow.
fn hostile(c: &mut Criterion) {
    let automaton = automaton();
    for (name, unit) in [
        ("digits", "1 23 "),
        ("at signs", "a@"),
        (
            "runs",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@-",
        ),
        ("prefixes", "eyJ-"),
        ("groups", "4111 "),
        ("letters and digits", "DE89 "),
        ("colons", "ab:cd:"),
        ("gaps", "::1"),
    ] {
        let text = unit.repeat((1 << 18) / unit.len());
        let mut group = c.benchmark_group("scan/hostile");
        group
            .sample_size(10)
            .throughput(Throughput::Bytes(text.len() as u64));
        assert_eq!(count(&automaton, text.as_bytes()), 0, "{name}");
        group.bench_function(name, |b| {
            b.iter(|| count(&automaton, black_box(text.as_bytes())))
        });
        group.finish();
    }
}

criterion_group!(benches, scan, strategies, strings, hostile);
criterion_main!(benches);
