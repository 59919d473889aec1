use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::{fence, is_ours, same_origin, values};
use crate::types::ReasonCode;

const HOST: &str = "pr-1.preview.example";
const OWN: (&str, &str) = ("origin", "https://pr-1.preview.example");
const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

fn map(fields: &[(&str, &str)]) -> HeaderMap {
    let field = |(name, value): &(&str, &str)| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    };
    fields.iter().map(field).collect()
}

#[test]
fn reads_its_own_spelling_alone() {
    let headers = map(&[
        ("cookie", "a=1; __Host-chaperone=t;__Host-chaperone=u"),
        ("cookie", "__host-chaperone=v; x__Host-chaperone=w"),
        (
            "cookie",
            "__Host-chaperone; __Host-chaperone= ; __Host-chaperone-x=y",
        ),
    ]);
    let found: Vec<_> = values(&headers, super::SESSION).collect();
    assert_eq!(found, [b"t", b"u"]);
}

#[test]
fn knows_its_cookies_in_every_spelling_of_an_app_server() {
    for ours in [
        "__Host-chaperone=x",
        "__Host-chaperone",
        "__hOST-CHAPERONE-login=x",
        " __Host-chaperone =x",
        "=__Host-chaperone=x",
        "__%48ost-chaperone=x",
        "%5F_Host%2dchaperone=x",
        "%255F_Host-chaperone=x",
        "\"__Host-chaperone\"=x",
        "__Host\\-chaperone=x",
        "..Host-chaperone=x",
        "__Host-chaperone[a]=x",
        "a=1 __Host-chaperone=x",
        "a=1,__Host-chaperone=x",
    ] {
        assert!(is_ours(ours.as_bytes()), "{ours}");
    }
    for other in [
        "host-chaperone=x",
        "__Host-app=x",
        "__Secure-chaperone=x",
        "next=https://host-chaperone.example",
        "__Host-chap%zzerone=x",
        "",
    ] {
        assert!(!is_ours(other.as_bytes()), "{other}");
    }
}

#[test]
fn lets_the_previews_own_pages_through() {
    for fields in [
        &[SAME][..],
        &[OWN],
        &[SAME, OWN],
        &[SAME, ("origin", "null")],
    ] {
        for method in [Method::GET, Method::POST] {
            assert_eq!(fence(&method, &map(fields), HOST), Ok(()), "{fields:?}");
        }
    }
    let hosts = [
        ("pr-1.preview.example:443", "https://pr-1.preview.example"),
        ("PR-1.preview.example", "https://pr-1.preview.example"),
        (
            "pr-1.preview.example:8443",
            "https://pr-1.preview.example:8443",
        ),
        ("localhost:15106", "http://localhost:15106"),
        ("127.0.0.1:80", "http://127.0.0.1"),
        ("[::1]:15106", "http://[::1]:15106"),
    ];
    for (host, origin) in hosts {
        assert_eq!(
            same_origin(&map(&[("origin", origin)]), host),
            Ok(()),
            "{host}"
        );
    }
}

#[test]
fn refuses_what_comes_from_elsewhere_or_does_not_say() {
    let sibling = ("origin", "https://pr-2.preview.example");
    for fields in [
        &[][..],
        &[sibling],
        &[("origin", "null")],
        &[("origin", "http://pr-1.preview.example")],
        &[("origin", "https://pr-1.preview.example:8443")],
        &[("origin", "https://pr-1.preview.example.evil.example")],
        &[("origin", "https://pr-1.preview.example/")],
        &[("origin", "https://PR-1.preview.example")],
        &[OWN, sibling],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "same-origin, cross-site")],
        &[("sec-fetch-site", "cross-site"), OWN],
        &[SAME, SAME],
        &[SAME, sibling],
    ] {
        for method in [Method::GET, Method::POST] {
            let refused = fence(&method, &map(fields), HOST).map_err(|refusal| refusal.code);
            assert_eq!(refused, Err(ReasonCode::CrossOriginRequest), "{fields:?}");
        }
    }
    let loopback = [("origin", "http://127.0.0.1:2")];
    assert!(same_origin(&map(&loopback), "127.0.0.1:1").is_err());
}

#[test]
fn exempts_top_level_navigation_by_get_alone() {
    let fields = |mode, dest| {
        map(&[
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", mode),
            ("sec-fetch-dest", dest),
        ])
    };
    let is_let = |method: Method, mode, dest| fence(&method, &fields(mode, dest), HOST).is_ok();
    assert!(is_let(Method::GET, "navigate", "document"));
    for (method, mode, dest) in [
        (Method::POST, "navigate", "document"),
        (Method::HEAD, "navigate", "document"),
        (Method::GET, "navigate", "iframe"),
        (Method::GET, "navigate", "embed"),
        (Method::GET, "nested-navigate", "document"),
        (Method::GET, "no-cors", "document"),
        (Method::GET, "websocket", "websocket"),
        (Method::GET, "cors", "empty"),
    ] {
        assert!(!is_let(method, mode, dest), "{mode} {dest}");
    }
    let mut twice = fields("navigate", "document");
    twice.append("sec-fetch-dest", HeaderValue::from_static("iframe"));
    assert!(fence(&Method::GET, &twice, HOST).is_err());
    let upgrade = map(&[("upgrade", "websocket"), ("connection", "upgrade"), OWN]);
    assert_eq!(fence(&Method::GET, &upgrade, HOST), Ok(()));
}
