//! What a `match` reads as, refuses and covers.

use http::Method;

use super::Pattern;
use crate::types::Target;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

fn covers(text: &str, method: &Method, raw: &str) -> bool {
    let (pattern, target) = (pattern(text), Target::parse(raw).unwrap());
    pattern.covers_method(method).is_some()
        && pattern.covers_path(&target)
        && pattern.covers_query(&target)
}

#[test]
fn covers_paths() {
    for (text, raw, expected) in [
        ("GET /", "/", true),
        ("GET /", "/a", false),
        ("GET /a", "/a", true),
        ("GET /a", "/a/", true),
        ("GET /a", "/A", false),
        ("GET /a", "/a/b", false),
        ("GET /a/{b}", "/a/x", true),
        ("GET /a/{b}", "/a/", false),
        ("GET /a/*/c", "/a/b/c", true),
        ("GET /a/**", "/a", true),
        ("GET /a/**", "/a/", true),
        ("GET /a/**", "/a/b/c", true),
        ("GET /a/**", "/ab", false),
        ("GET /**", "/", true),
        ("GET /us%C3%A9r", "/us%c3%a9r", true),
        ("GET /usér", "/us%c3%a9r", true),
        ("GET /a%20b", "/a%20b", true),
    ] {
        assert_eq!(covers(text, &Method::GET, raw), expected, "{text} {raw}");
    }
}

#[test]
fn covers_methods() {
    assert!(covers("GET /a", &Method::HEAD, "/a"));
    assert!(!covers("HEAD /a", &Method::GET, "/a"));
    assert!(!covers("GET /a", &Method::POST, "/a"));
    assert!(covers("* /a", &Method::DELETE, "/a"));
}

#[test]
fn covers_query_parameters() {
    for (text, raw, expected) in [
        ("GET /x?kind=a", "/x?kind=a", true),
        ("GET /x?kind=a", "/x?kind=%61&more=1", true),
        ("GET /x?kind=a", "/x?kind=b", false),
        ("GET /x?kind=a", "/x", false),
        ("GET /x?kind=*", "/x?kind=b", true),
        ("GET /x?kind={k}", "/x?kind=b", true),
        ("GET /x?{user}", "/x?user=ada", true),
        ("GET /x?flag", "/x?flag", true),
        ("GET /x?q=a+b", "/x?q=a%20b", true),
    ] {
        assert_eq!(covers(text, &Method::GET, raw), expected, "{text} {raw}");
    }
    let target = Target::parse("/x?kind=a&kind=b").unwrap();
    assert!(pattern("GET /x?kind=a").sees_twice(&target));
    assert!(!pattern("GET /x?other=a").sees_twice(&target));
}

#[test]
fn sees_a_parameter_under_every_spelling() {
    let sees = |raw: &str| pattern("GET /x?by={user}").sees_twice(&Target::parse(raw).unwrap());
    for other in [
        "by",
        "BY",
        "by[]",
        "]by",
        "%5Dby",
        "[by]",
        "[]by",
        "%5B%5Dby[x]",
    ] {
        assert!(sees(&format!("/x?by=u-ann&{other}=u-bob")), "{other}");
        assert!(sees(&format!("/x?{other}=u-bob&by=u-ann")), "{other}");
    }
    for other in ["bye", "]bye", "x[by]", "[x]by"] {
        assert!(!sees(&format!("/x?by=u-ann&{other}=u-bob")), "{other}");
    }
}

#[test]
fn captures_decoded_names() {
    let target = Target::parse("/u/%C3%A9va/x?by=b%2Bb").unwrap();
    let pattern = pattern("GET /u/{user}/**?by={who}");
    assert_eq!(pattern.capture("user", &target), Some("éva"));
    assert_eq!(pattern.capture("who", &target), Some("b+b"));
    assert_eq!(pattern.capture("else", &target), None);
    let twice = Target::parse("/u/a/x?by=1&by=2").unwrap();
    assert_eq!(pattern.capture("who", &twice), None);
}

#[test]
fn ranks_by_the_written_rule() {
    for (more, less) in [
        ("GET /a/b", "GET /a/{x}"),
        ("GET /a/{x}", "GET /a/**"),
        ("GET /a", "GET /a/**"),
        ("GET /a/{x}/c", "GET /{x}/b/c"),
        ("GET /a?x=1", "GET /a"),
        ("GET /a?x=1&y=*", "GET /a?x=1"),
        ("GET /a?x=1", "GET /a?x=*"),
        ("* /a/b", "GET /a/*"),
    ] {
        assert!(pattern(more).rank() > pattern(less).rank(), "{more} {less}");
    }
}

#[test]
fn tells_ambiguous_pairs() {
    for (a, b, expected) in [
        ("GET /a/{x}", "GET /a/{y}", true),
        ("GET /a/{x}", "GET /a/*", true),
        ("GET /a", "POST /a", false),
        ("GET /a", "* /a", false),
        ("GET /a", "HEAD /a", false),
        ("GET /a/{x}/c", "GET /{x}/b/c", false),
        ("GET /a/{x}", "GET /b/{x}", false),
        ("GET /x?a=1", "GET /x?b=1", true),
        ("GET /x?a=1", "GET /x?a=2", false),
        ("GET /x?a=1", "GET /x?b=*", false),
        ("GET /x?a=1", "GET /x", false),
    ] {
        assert_eq!(
            pattern(a).is_ambiguous_with(&pattern(b)),
            expected,
            "{a} {b}"
        );
        assert_eq!(
            pattern(b).is_ambiguous_with(&pattern(a)),
            expected,
            "{b} {a}"
        );
    }
}

#[test]
fn tells_unreachable_routes() {
    let (rest, exact, more) = (
        pattern("GET /a/**"),
        pattern("GET /a"),
        pattern("* /a/{x}/**"),
    );
    assert!(rest.is_shadowed_by(&[&exact, &more]));
    assert!(!rest.is_shadowed_by(&[&exact]));
    assert!(!rest.is_shadowed_by(&[&more]));
    assert!(!rest.is_shadowed_by(&[&pattern("POST /a"), &more]));
    assert!(!exact.is_shadowed_by(&[&rest, &more]));
}

#[test]
fn refuses_what_no_request_has() {
    for (text, offset) in [
        ("/a", 0),
        ("GET", 0),
        ("get /a", 0),
        ("GTE /a", 0),
        ("GET|POST /a", 0),
        ("CONNECT /a", 0),
        ("GET a", 4),
        ("GET /a b", 6),
        ("GET /a#b", 6),
        ("GET /a//b", 7),
        ("GET /a/", 7),
        ("GET /a/../b", 7),
        ("GET /a/%2e%2e/b", 7),
        ("GET /a%2fb", 5),
        ("GET /a%0ab", 5),
        ("GET /a%ffb", 5),
        ("GET /a%zz", 6),
        ("GET /a;b", 5),
        ("GET /**/a", 5),
        ("GET /a*", 6),
        ("GET /{}", 5),
        ("GET /{a b}", 7),
        ("GET /{a-b}", 5),
        ("GET /{a}/{a}", 9),
        ("GET /{a}?b={a}", 11),
        ("GET /a?", 7),
        ("GET /a?=1", 7),
        ("GET /a?b=1&b=2", 11),
    ] {
        let error = Pattern::parse(text).expect_err(text);
        assert_eq!(error.offset, offset, "{text}: {error:?}");
        assert!(!error.remedy.is_empty());
    }
}
