//! How many patterns are looked at closer: what the speed of a search depends on.

use std::fmt::Write as _;

use super::super::{Automaton, PatternSet, Strategy, packs};

fn automaton(strategy: Strategy, names: &[&str]) -> Option<Automaton> {
    let mut set = PatternSet::new();
    let packs = packs().iter().filter(|pack| names.contains(&&*pack.name));
    for detector in packs.flat_map(|pack| &pack.detectors) {
        set.detector(detector).unwrap();
    }
    set.build().unwrap().with_strategy(strategy)
}

#[test]
fn few_patterns_are_asked_about_what_holds_nothing() {
    let mut orders = String::new();
    for id in 0..400_u32 {
        let (day, cents) = (id % 28 + 1, id * 37 % 100);
        write!(
            orders,
            "{{\"id\":\"ord_{}\",\"userId\":\"usr_{:x}\",\"createdAt\":\"2026-11-{day:02}T08:{:02}:17Z\",\
             \"status\":\"shipped\",\"amount\":{{\"value\":{}.{cents:02},\"currency\":\"EUR\"}},\"contact\":null,\
             \"note\":\"Or provider it development now, part than that could.\",\"sku\":\"SKU-{:06}\"}},",
            id * 7919,
            id * 104_729,
            id % 60,
            id * 7 % 900,
            id * 811 % 1_000_000,
        )
        .unwrap();
    }
    let prose =
        "It service which than who information these were different been. Development now part \
                 than that could when, on how many orders of how available long. "
            .repeat(300);
    let usual = ["pii", "secrets"];
    let most = [
        "pii", "pii-eu", "pii-us", "pii-apac", "secrets", "network", "crypto",
    ];
    for strategy in [Strategy::Avx512, Strategy::Avx2] {
        for (names, limit) in [(&usual[..], 8), (&most[..], 32)] {
            let Some(automaton) = automaton(strategy, names) else {
                continue;
            };
            for text in [&orders, &prose] {
                let asked = automaton.asked(text.as_bytes()) * 1024 / text.len();
                assert!(asked <= limit, "{strategy:?}: {asked} a KiB with {names:?}");
            }
        }
    }
}
