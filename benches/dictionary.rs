//! What dictionaries do a second, and what it takes to build and open them.
//!
//! What is found is counted before it is timed: fast and wrong fails.

#![expect(clippy::unwrap_used, reason = "a bench that can't be set up must stop")]

use std::hint::black_box;

use chaperone::scan::{Automaton, Dictionary, PatternSet, Strategy};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const ENTRIES: usize = 100_000;
const FIRST: [&str; 8] = [
    "Ada", "Bob", "Carla", "Dora", "Emil", "Frida", "Gus", "Hana",
];

/// User ids, e-mail addresses and people, many of whom share a first name.
fn entries() -> Vec<String> {
    let entry = |i: usize| {
        let first = FIRST.get(i % FIRST.len()).unwrap();
        match i % 4 {
            0 | 1 => format!("usr_{:x}", i * 0x9e37_79b1),
            2 => format!("{}.b{i}@shop.example", first.to_lowercase()),
            _ => format!("{first} Byron-{i}"),
        }
    };
    (0..ENTRIES).map(entry).collect()
}

/// Orders; one in a hundred names somebody who is listed.
fn orders() -> (String, usize) {
    let (mut text, mut listed) = (String::from("["), 0);
    for i in 0..8_000 {
        let to = if i % 100 == 3 {
            listed += 1;
            format!("{} BYRON-{i}", FIRST.get(i % FIRST.len()).unwrap())
        } else {
            "Nobody Known".to_owned()
        };
        text.push_str(&format!(
            "{{\"id\":{i},\"user\":\"usr_z{i}\",\"to\":\"{to}\",\"note\":\"left at the door, please ring Ada twice\"}},"
        ));
    }
    text.push_str("{}]");
    (text, listed)
}

fn count(automaton: &Automaton, bytes: &[u8]) -> usize {
    let mut hits = 0;
    automaton.find(bytes, &mut |_| hits += 1);
    hits
}

fn dictionary(c: &mut Criterion) {
    let entries = entries();
    let build = || Dictionary::build(entries.iter().map(String::as_str)).unwrap();
    let built = build();
    assert_eq!(built.len(), ENTRIES);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bench.dict");
    std::fs::write(&path, built.as_bytes()).unwrap();
    let mut group = c.benchmark_group(format!("dictionary/{ENTRIES} entries"));
    group.sample_size(10);
    group.bench_function("build", |b| b.iter(|| black_box(build())));
    group.bench_function("open", |b| b.iter(|| Dictionary::open(&path).unwrap()));
    let mapped = Dictionary::open(&path).unwrap();
    group.bench_function("verify", |b| b.iter(|| mapped.verify().unwrap()));
    let mut set = PatternSet::new();
    set.dictionary(mapped.clone()).unwrap();
    let automaton = set.build().unwrap();
    let (text, listed) = orders();
    let bytes = text.as_bytes();
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    for strategy in Strategy::available() {
        let forced = automaton.with_strategy(strategy).unwrap();
        assert_eq!(count(&forced, bytes), listed, "{strategy:?}");
        group.bench_function(format!("{strategy:?}"), |b| {
            b.iter(|| count(&forced, black_box(bytes)));
        });
    }
    group.finish();
}

criterion_group!(benches, dictionary);
criterion_main!(benches);
