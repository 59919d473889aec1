use super::{Selector, SelectorErrorKind};

fn refusal(text: &str) -> (SelectorErrorKind, usize) {
    let error = Selector::parse(text).unwrap_err();
    (error.kind, error.offset)
}

#[test]
fn tells_singular_and_named_apart() {
    let parse = |text: &str| Selector::parse(text).unwrap();
    assert!(parse("$.a[0]['b']").is_singular());
    assert!(!parse("$.a[*]").is_singular());
    assert!(!parse("$..a").is_singular());
    assert!(parse("$").is_root());
    assert_eq!(parse("$['owner id']").single_name(), Some("owner id"));
    assert_eq!(parse("$.a.b").single_name(), None);
    let odd = Selector::member("o'ne\\\n");
    assert_eq!(parse(odd.as_str()).single_name(), Some("o'ne\\\n"));
}

#[test]
fn refuses_what_is_no_selector() {
    use SelectorErrorKind::Invalid;
    assert_eq!(refusal("orders[*]"), (Invalid, 0));
    assert_eq!(refusal("$.orders[01]"), (Invalid, 9));
    assert_eq!(refusal("$.orders[-1"), (Invalid, 11));
    assert_eq!(refusal("$[?length(@.*) > 1]"), (Invalid, 10));
    assert_eq!(refusal("$[?nothing(@)]"), (Invalid, 3));
    assert_eq!(refusal("$ "), (Invalid, 1));
}

#[test]
fn refuses_what_can_not_stream() {
    use SelectorErrorKind::Unsupported;
    assert_eq!(refusal("$.orders[-1]"), (Unsupported, 9));
    assert_eq!(refusal("$.orders[::-1]"), (Unsupported, 11));
    assert_eq!(refusal("$.orders[?@.a == $.b]"), (Unsupported, 17));
    assert_eq!(refusal("$.orders[?match(@.a, @.b)]"), (Unsupported, 21));
}
