use super::{Container, States};
use crate::json::{Document, Evaluation, Lexer, LexerLimits, Selector, Tape};

fn tape(text: &str) -> Tape {
    let mut lexer = Lexer::new(LexerLimits {
        depth: 100,
        string: 1000,
    });
    let mut tape = Tape::default();
    let mut rest = text.as_bytes();
    while let Some(event) = lexer.next(&mut rest).unwrap() {
        tape.push(event, 0);
    }
    tape
}

fn walk(
    selector: &Selector,
    document: Document<'_>,
    node: usize,
    states: States,
    found: &mut Vec<usize>,
) {
    if selector.selects(states) {
        found.push(node);
    }
    for (child, index) in document.children(node) {
        let reach = selector.child(states, child);
        let decided = selector.decide(reach.undecided, document, index).unwrap();
        walk(selector, document, index, reach.states.and(decided), found);
    }
}

#[test]
fn finds_the_nodes_that_evaluation_finds() {
    let text = r#"{"a":{"b":[{"a":1,"b":{"a":[0,1,2,3,4]}},{"c":{"a":{"b":2}}}]},"b":[[1,2],[3]],"c":"a"}"#;
    let tape = tape(text);
    let document = tape.over(text.as_bytes());
    for selector in [
        "$",
        "$.a",
        "$..a",
        "$..a..b",
        "$..a..a..b",
        "$.*.*",
        "$..*",
        "$..[0]",
        "$..[1:4:2]",
        "$.b[*][0]",
        "$..[?@.a]",
        "$..[?@.a.b == 2]..b",
        "$['a','b'][*]",
        "$.a.b[?@.c].c",
        "$..b[?@ > 1, 0]",
        "$.nothing[*]",
    ] {
        let selector = Selector::parse(selector).unwrap();
        let mut found = Vec::new();
        walk(&selector, document, 0, selector.at_root(), &mut found);
        let mut expected = Evaluation::new(document).select(&selector).unwrap();
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(found, expected, "{selector}");
    }
}

#[test]
fn knows_what_may_honestly_be_empty() {
    let asks = |selector: &str, container| {
        let selector = Selector::parse(selector).unwrap();
        selector.names_children_of(selector.at_root(), container)
    };
    assert!(asks("$[*]", Container::Object));
    assert!(asks("$[?@.a]", Container::Array));
    assert!(asks("$[1:]", Container::Array));
    assert!(!asks("$[1:]", Container::Object));
    assert!(!asks("$.a", Container::Object));
    assert!(!asks("$.a[*]", Container::Object));
}
