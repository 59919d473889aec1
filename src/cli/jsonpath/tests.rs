use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::Value;

use super::{JsonpathError, nodes};
use crate::json::SelectorErrorKind;

#[test]
fn leaves_the_bytes_of_nodes_untouched() {
    let document = br#"{"a" : [ 1.0 , {"b":"\u0041"},1E2 ]}"#;
    assert_eq!(
        nodes("$.a[0:3]", document).unwrap(),
        br#"[1.0,{"b":"\u0041"},1E2]"#
    );
    assert_eq!(nodes("$..b", document).unwrap(), br#"["\u0041"]"#);
}

#[test]
fn refuses_what_is_not_json() {
    assert!(matches!(nodes("$", b"{"), Err(JsonpathError::Document(_))));
    assert!(matches!(
        nodes("$", b"1 2"),
        Err(JsonpathError::Document(_))
    ));
}

#[test]
fn refuses_to_explode() {
    let deep = format!("{}{}", "[".repeat(3000), "]".repeat(3000));
    let refused = nodes("$..[*]..[*]..[*]", deep.as_bytes());
    assert!(matches!(refused, Err(JsonpathError::Exhausted(_))));
}

/// The cases of a folder that stands beside the repository; none when it is missing outside CI.
fn cases(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CHAPERONE_CASES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/cases"),
        PathBuf::from,
    );
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{} is missing",
        path.display()
    );
    eprintln!("not run: {} is missing", path.display());
    None
}

/// A refusal is due where an index counts from the back, a filter leaves its candidate, or a step is 0.
fn is_outside_the_subset(selector: &str) -> bool {
    let bytes = selector.as_bytes();
    let from_back = bytes
        .windows(2)
        .any(|pair| pair[0] == b'-' && pair[1].is_ascii_digit());
    from_back || selector.matches('$').count() > 1 || selector.ends_with(":0]")
}

#[test]
fn agrees_with_the_compliance_suite() {
    let Some(path) = cases("jsonpath/cts.json") else {
        return;
    };
    let suite: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let tests = suite["tests"].as_array().unwrap();
    assert!(tests.len() > 600);
    let (mut right, mut unsupported, mut invalid) = (0, 0, 0);
    for test in tests {
        let selector = test["selector"].as_str().unwrap();
        let document = test["document"].to_string();
        let outcome = nodes(selector, document.as_bytes());
        if test["invalid_selector"] == Value::Bool(true) {
            let Err(JsonpathError::Selector(error)) = outcome else {
                panic!("{selector:?} is invalid, but gave {outcome:?}");
            };
            assert_eq!(error.kind, SelectorErrorKind::Invalid, "{selector:?}");
            invalid += 1;
            continue;
        }
        match outcome {
            Ok(array) => {
                let found: Value = serde_json::from_slice(&array).unwrap();
                let is_right = match test.get("results") {
                    Some(results) => results.as_array().unwrap().contains(&found),
                    None => test["result"] == found,
                };
                assert!(is_right, "{selector:?} gave {found}");
                right += 1;
            }
            Err(JsonpathError::Selector(error)) => {
                assert_eq!(
                    error.kind,
                    SelectorErrorKind::Unsupported,
                    "{selector:?}: {error}"
                );
                assert!(is_outside_the_subset(selector), "{selector:?}: {error}");
                unsupported += 1;
            }
            Err(error) => panic!("{selector:?}: {error}"),
        }
    }
    println!("{right} right, {unsupported} unsupported, {invalid} invalid");
    assert!(right > 350);
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2..4i32).prop_map(Value::from),
        "[ab]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Both sides may be nothing, of which the other implementation makes something else: it holds it apart from no node,
/// and no more equal than less where both are asked for.
fn is_beyond_the_other(left: &str, sign: &str, right: &str) -> bool {
    let is_path = |operand: &str| operand.starts_with("@.") || operand.starts_with("@[");
    let is_function =
        |operand: &str| operand.starts_with("length(") || operand.starts_with("value(");
    let may_be_nothing = |operand: &str| is_path(operand) || is_function(operand);
    may_be_nothing(left)
        && may_be_nothing(right)
        && !(is_path(left) && is_path(right) && !matches!(sign, "<=" | ">="))
}

/// RFC 9535 section 2.3.5.2.2: the result `Nothing` equals a path that selects nothing.
#[test]
fn compares_nothing_with_no_node() {
    for (selector, expected) in [
        ("$[?length(@) == @.a]", "[null]"),
        ("$[?value(@..b) <= @.a]", "[null]"),
        ("$[?value(@..b) >= value(@..b)]", "[null]"),
        ("$[?length(@) > length(@)]", "[]"),
        ("$[?@.a <= @.b]", "[null]"),
        ("$[?@.a < @.b]", "[]"),
        ("$[?length(@) != @.a]", "[]"),
        ("$[?length(@) < @.a]", "[]"),
    ] {
        let found = nodes(selector, b"[null]").unwrap();
        assert_eq!(found, expected.as_bytes(), "{selector}");
    }
}

fn selector() -> impl Strategy<Value = String> {
    let operand = prop_oneof![
        Just("@"),
        Just("@.a"),
        Just("@[0]"),
        Just("@.b.c"),
        Just("1"),
        Just("'a'"),
        Just("null"),
        Just("length(@)"),
        Just("count(@.*)"),
        Just("count(@..a)"),
        Just("value(@..b)"),
        Just("length(@.a)"),
    ];
    let sign = prop_oneof![
        Just("=="),
        Just("!="),
        Just("<"),
        Just("<="),
        Just(">"),
        Just(">=")
    ];
    let test = prop_oneof![
        Just("@.a".to_owned()),
        Just("!@..b".to_owned()),
        Just("@[?@.a]".to_owned()),
        Just("match(@, 'a.*')".to_owned()),
        Just("search(@.a, '[ab]')".to_owned()),
        (operand.clone(), sign, operand)
            .prop_filter(
                "the other makes something of nothing",
                |(left, sign, right)| { !is_beyond_the_other(left, sign, right) }
            )
            .prop_map(|(left, sign, right)| format!("{left} {sign} {right}")),
    ];
    let step = prop_oneof![
        Just("'a'".to_owned()),
        Just("\"b\"".to_owned()),
        Just("*".to_owned()),
        Just("0".to_owned()),
        Just("1".to_owned()),
        Just("1:".to_owned()),
        Just("::2".to_owned()),
        Just("0:3:2".to_owned()),
        (test.clone(), test).prop_map(|(left, right)| format!("?{left} && {right} || ({right})")),
    ];
    let segment = prop_oneof![
        Just(".a".to_owned()),
        Just("..b".to_owned()),
        Just("..*".to_owned()),
        (any::<bool>(), prop::collection::vec(step, 1..3)).prop_map(|(down, steps)| format!(
            "{}[{}]",
            if down { ".." } else { "" },
            steps.join(", ")
        )),
    ];
    prop::collection::vec(segment, 0..4).prop_map(|segments| format!("${}", segments.concat()))
}

proptest! {
    #[test]
    fn agrees_with_another_implementation(document in document(), selector in selector()) {
        let array = nodes(&selector, document.to_string().as_bytes()).unwrap();
        let found: Value = serde_json::from_slice(&array).unwrap();
        let other = serde_json_path::JsonPath::parse(&selector).unwrap();
        let expected: Vec<Value> = other.query(&document).all().into_iter().cloned().collect();
        prop_assert_eq!(found, Value::from(expected));
    }
}
