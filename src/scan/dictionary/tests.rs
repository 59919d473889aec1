//! Dictionaries against the trie that finds short lists, at any cut, and files that aren't theirs.

use proptest::prelude::*;
use proptest::strategy::Strategy as _;

use super::layout::{HEAD, Layout, Parts};
use super::{Dictionary, DictionaryErrorKind};
use crate::scan::{Automaton, BuildErrorKind, Hit, PatternSet, Strategy};

/// The trie's automaton, and the dictionary's.
fn both(list: &[String]) -> (Automaton, Automaton) {
    let (mut trie, mut dictionary) = (PatternSet::new(), PatternSet::new());
    trie.terms(list.iter().map(String::as_str)).unwrap();
    let built = Dictionary::build(list.iter().map(String::as_str)).unwrap();
    built.verify().unwrap();
    dictionary.dictionary(built).unwrap();
    (trie.build().unwrap(), dictionary.build().unwrap())
}

fn found(automaton: &Automaton, haystack: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    automaton.find(haystack, &mut |hit| hits.push(hit));
    hits.sort_unstable();
    hits
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
        settled = scanner.settled();
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    scanner.finish(&mut |hit| hits.push(hit));
    hits.sort_unstable();
    hits
}

fn expect_trie(list: &[String], haystack: &[u8], sizes: &[usize]) {
    let (trie, dictionary) = both(list);
    let expected = found(&trie, haystack);
    let of = || format!("{list:?} in {:?}", String::from_utf8_lossy(haystack));
    assert_eq!(found(&dictionary, haystack), expected, "{}", of());
    for strategy in Strategy::available() {
        let forced = dictionary.with_strategy(strategy).unwrap();
        assert_eq!(found(&forced, haystack), expected, "{strategy:?}: {}", of());
        assert_eq!(
            fed(&forced, haystack, sizes),
            expected,
            "{strategy:?}, cut: {}",
            of()
        );
    }
}

const WORDS: [&str; 26] = [
    "ada",
    "Ada",
    "ADA",
    "k",
    "\u{212a}",
    "s",
    "\u{17f}",
    "ß",
    "ẞ",
    "ss",
    "İ",
    "i",
    "ı",
    "é",
    "e\u{301}",
    "ι",
    "\u{345}",
    "Σ",
    "ς",
    "中文",
    "_",
    "7",
    "lovelace",
    "\u{1fbe}",
    "Ǆ",
    "abcdefghijklmnopqrstuvwxyz0123456789",
];
const BETWEEN: [&str; 16] = [
    " ", "  ", "\u{a0}", "\u{3000}", "-", ".", "@", "–", "#", "'", "\n", "\t ", "\u{301}", "", "",
    "\"",
];

fn entry() -> impl proptest::strategy::Strategy<Value = String> {
    let part = (
        prop::sample::select(&WORDS[..]),
        prop::sample::select(&BETWEEN[..]),
    );
    let parts = prop::collection::vec(part, 1..5);
    (prop::sample::select(&BETWEEN[..]), parts).prop_map(|(lead, parts)| {
        let parts = parts
            .into_iter()
            .map(|(word, after)| format!("{word}{after}"));
        format!("{lead}{}", parts.collect::<String>())
    })
}

fn list() -> impl proptest::strategy::Strategy<Value = Vec<String>> {
    prop::collection::vec(entry(), 1..40)
}

fn text(list: &[String]) -> impl proptest::strategy::Strategy<Value = Vec<u8>> + use<> {
    let fragment = prop_oneof![
        3 => prop::sample::select(list.to_vec()).prop_map(String::into_bytes),
        2 => prop::sample::select(list.to_vec()).prop_map(|entry| entry.to_uppercase().into_bytes()),
        3 => prop::sample::select(&WORDS[..]).prop_map(|word| word.as_bytes().to_vec()),
        4 => prop::sample::select(&BETWEEN[..]).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
        1 => Just(vec![b' '; 17]),
        1 => Just(vec![b'x'; 70]),
    ];
    prop::collection::vec(fragment, 0..120).prop_map(|fragments| fragments.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn finds_what_the_trie_finds_at_any_cut(
        (list, haystack) in list().prop_flat_map(|list| {
            let text = text(&list);
            (Just(list), text)
        }),
        sizes in prop::collection::vec(1_usize..90, 1..12),
    ) {
        expect_trie(&list, &haystack, &sizes);
    }
}

#[test]
fn finds_entries_at_every_place_of_a_tile() {
    let list = [
        "ada lovelace".to_owned(),
        "#7 é".to_owned(),
        "x".repeat(100),
    ];
    for pad in (0..200).chain(1_980..2_060).chain(4_050..4_110) {
        let mut haystack = vec![b'.'; pad];
        haystack.extend_from_slice("ADA  Lovelace, #7 É ".as_bytes());
        haystack.extend_from_slice("X".repeat(100).as_bytes());
        let (_, dictionary) = both(&list);
        for strategy in Strategy::available() {
            let forced = dictionary.with_strategy(strategy).unwrap();
            assert_eq!(found(&forced, &haystack).len(), 3, "{pad}, {strategy:?}");
            assert_eq!(fed(&forced, &haystack, &[pad.max(1), 3]).len(), 3, "{pad}");
        }
    }
}

/// Many entries under one word, entries that begin with each other, and ones that differ late.
#[test]
fn finds_each_of_entries_that_share_words() {
    let names = (0..500).map(|i| format!("John Smith-{i}"));
    let chain = (1..80).map(|i| vec!["ja"; i].join(" "));
    let deep = (0..50).map(|i| format!("a.b.c.d.e.f.g{i}"));
    let ends = ["(b)", "b", "b.", "b!", "#b", "# b"].map(str::to_owned);
    let list: Vec<String> = names.chain(chain).chain(deep).chain(ends).collect();
    let dictionary = Dictionary::build(list.iter().map(String::as_str)).unwrap();
    assert_eq!(dictionary.len(), list.len());
    let mut set = PatternSet::new();
    set.dictionary(dictionary).unwrap();
    let automaton = set.build().unwrap();
    for entry in &list {
        let haystack = format!("say {} now", entry.to_uppercase());
        let spans: Vec<_> = found(&automaton, haystack.as_bytes())
            .iter()
            .map(|hit| (hit.span.start, hit.span.end))
            .collect();
        assert!(spans.contains(&(4, 4 + entry.len() as u64)), "{entry}");
    }
    assert_eq!(found(&automaton, b"john smith-500 a.x.c.d").len(), 0);
}

/// Every word is common, also those that follow each other: only what is before tells entries apart.
#[test]
fn finds_each_of_entries_that_are_made_of_the_same_words() {
    let firsts = ["anna", "marianne", "jo", "élodie"];
    let names = (0..40).flat_map(|i| (0..12).map(move |j| (i, j)));
    let list: Vec<String> = names
        .flat_map(|(i, j)| {
            let names = firsts.iter();
            names.map(move |first| format!("({first}) m{i}{i}m miller-{j}"))
        })
        .collect();
    let dictionary = Dictionary::build(list.iter().map(String::as_str)).unwrap();
    assert_eq!(dictionary.len(), list.len());
    let mut set = PatternSet::new();
    set.dictionary(dictionary).unwrap();
    let automaton = set.build().unwrap();
    let text = list.join(" · ").to_uppercase();
    for strategy in Strategy::available() {
        let forced = automaton.with_strategy(strategy).unwrap();
        assert_eq!(found(&forced, text.as_bytes()).len(), list.len());
        assert_eq!(fed(&forced, text.as_bytes(), &[7, 300]).len(), list.len());
    }
    let inside = "xanna) m11m miller-3, (anna) m11m miller-33, (anna) m11mm miller-3";
    assert_eq!(found(&automaton, inside.as_bytes()).len(), 0);
}

#[test]
fn finds_terms_of_long_lists_that_have_no_word() {
    let list: Vec<String> = (0..300).map(|i| format!("user-{i}")).collect();
    let terms = list.iter().map(String::as_str).chain(["***"]);
    let mut set = PatternSet::new();
    set.terms(terms).unwrap();
    let automaton = set.build().unwrap();
    assert_eq!(found(&automaton, b"a *** of USER-299, user-300").len(), 2);
}

#[test]
fn counts_entries_that_differ_in_case_and_space_as_one() {
    let list = ["Ada  Lovelace", "ada lovelace ", "ADA\tLOVELACE", "ada"];
    assert_eq!(Dictionary::build(list).unwrap().len(), 2);
    assert!(Dictionary::build([]).unwrap().is_empty());
}

#[test]
fn refuses_entries_that_it_could_not_find() {
    let kind = |entry: &str| Dictionary::build([entry]).unwrap_err().kind().clone();
    assert_eq!(kind(" "), BuildErrorKind::TermEmpty);
    assert_eq!(kind("***"), BuildErrorKind::NoWord);
    assert_eq!(
        kind(&"a".repeat(257)),
        BuildErrorKind::TermTooLong { limit: 256 }
    );
}

#[test]
fn opens_what_was_built() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names.dict");
    let built = Dictionary::build(["Ada", "Straße 7"]).unwrap();
    std::fs::write(&path, built.as_bytes()).unwrap();
    let opened = Dictionary::open(&path).unwrap();
    opened.verify().unwrap();
    assert_eq!((opened.len(), opened.head()), (2, built.head()));
    let mut set = PatternSet::new();
    set.dictionary(opened).unwrap();
    // A file that is replaced stays as it was for those who mapped it.
    std::fs::write(folder.path().join("new"), b"").unwrap();
    std::fs::rename(folder.path().join("new"), &path).unwrap();
    assert_eq!(
        found(&set.build().unwrap(), "ada, STRAẞE 7".as_bytes()).len(),
        2
    );
}

#[test]
fn refuses_files_that_are_not_what_was_built() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names.dict");
    let list: Vec<String> = (0..500).map(|i| format!("Ada {i}")).collect();
    let built = Dictionary::build(list.iter().map(String::as_str)).unwrap();
    let whole = built.as_bytes();
    let opened = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Dictionary::open(&path).and_then(|dictionary| dictionary.verify())
    };
    opened(whole).unwrap();
    let kind = |bytes: &[u8]| opened(bytes).unwrap_err();
    for cut in [0, 1, 7, 8, 11, 12, 100, HEAD - 1, HEAD, whole.len() - 1] {
        let error = kind(&whole[..cut]);
        let is_foreign = matches!(error.kind(), DictionaryErrorKind::Foreign);
        let is_corrupt = matches!(error.kind(), DictionaryErrorKind::Corrupt);
        // An empty file can't be mapped everywhere; whatever the reason, it is refused.
        let is_unread = matches!(error.kind(), DictionaryErrorKind::Io(_));
        assert!(
            is_foreign == (1..8).contains(&cut) || cut == 0,
            "{cut}: {error:?}"
        );
        assert!(
            is_corrupt == (cut >= 8) && is_unread <= (cut == 0),
            "{cut}: {error:?}"
        );
    }
    let mut longer = whole.to_vec();
    longer.push(0);
    assert!(matches!(kind(&longer).kind(), DictionaryErrorKind::Corrupt));
    let mut newer = whole.to_vec();
    newer[8] = 3;
    assert!(matches!(
        kind(&newer).kind(),
        DictionaryErrorKind::Version { found: 3 }
    ));
    for at in (12..whole.len()).step_by(97) {
        let mut damaged = whole.to_vec();
        damaged[at] ^= 0x10;
        assert!(
            matches!(kind(&damaged).kind(), DictionaryErrorKind::Corrupt),
            "{at}"
        );
    }
    assert!(matches!(
        Dictionary::open(folder.path()).unwrap_err().kind(),
        DictionaryErrorKind::Io(_)
    ));
}

/// Whoever forges a head can seal it, too.
#[test]
fn refuses_heads_with_reaches_that_no_entry_has() {
    let read = |parts: Parts| Layout::read(&parts.lay_out()).map(|_| ());
    read(Parts::default()).unwrap();
    let endless = usize::MAX;
    for parts in [
        Parts {
            back: endless,
            ..Parts::default()
        },
        Parts {
            ahead: endless,
            ..Parts::default()
        },
        Parts {
            longest: endless,
            ..Parts::default()
        },
    ] {
        let error = read(parts).unwrap_err();
        assert!(matches!(error.kind(), DictionaryErrorKind::Corrupt));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A body that its hash doesn't cover (nobody asked to verify) gives wrong answers at the worst.
    #[test]
    fn reads_forged_bodies_within_bounds(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..200),
    ) {
        let list: Vec<String> = (0..60).map(|i| format!("Ada {i}")).collect();
        let built = Dictionary::build(list.iter().map(String::as_str)).unwrap();
        let mut forged = built.as_bytes().to_vec();
        let body = forged.len() - HEAD;
        for (at, byte) in changes {
            forged[HEAD + at.index(body)] = byte;
        }
        let forged = Dictionary::of(super::Store::Owned(forged)).unwrap();
        prop_assert!(forged.verify().is_err() || forged.as_bytes() == built.as_bytes());
        let mut set = PatternSet::new();
        set.dictionary(forged).unwrap();
        found(&set.build().unwrap(), "ada 1 ada 2 Ada 59 ada é".repeat(40).as_bytes());
    }
}
