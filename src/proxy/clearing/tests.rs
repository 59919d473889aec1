use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::{Clearing, MOST, Marker, scopes};
use crate::types::{FingerprintKey, ReasonCode};

const WINDOW: [(&str, &str); 2] = [
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
];

fn map(fields: &[(&str, &str)]) -> HeaderMap {
    let field = |(name, value): &(&str, &str)| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    };
    fields.iter().map(field).collect()
}

fn marker(revision: &str) -> Marker {
    let key = FingerprintKey::from_material(b"material of a test");
    Marker::of(&key, &[b"pr-1", revision.as_bytes()])
}

/// The marker as the browser sends it back.
fn sent(marker: &Marker) -> String {
    let cookie = marker.cookie.to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

fn told(clearing: Option<Clearing>) -> Vec<String> {
    let mut headers = map(&[("set-cookie", "theme=dark")]);
    if let Some(clearing) = clearing {
        clearing.tell(&mut headers);
        assert!(headers.contains_key("clear-site-data"));
    }
    let values = headers.get_all("set-cookie").iter();
    values
        .map(|value| value.to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn clears_once_for_each_revision() {
    let (old, new) = (marker("a"), marker("b"));
    assert_ne!(sent(&old), sent(&new));
    let stale = sent(&old);
    for cookie in [
        "a=1",
        &format!("a=1; {stale}"),
        &format!("{stale};b=2; a=3"),
    ] {
        let mut headers = map(&WINDOW);
        headers.insert("cookie", HeaderValue::from_str(cookie).unwrap());
        let clearing = new.clearing(&Method::GET, "/", &mut headers);
        let cookies = told(clearing);
        assert_eq!(cookies.last().unwrap(), "theme=dark");
        assert!(cookies.contains(&"a=x; Path=/; Max-Age=0; Secure".to_owned()));
        assert!(cookies.iter().any(|cookie| cookie.starts_with(&sent(&new))));
        let left = headers.get("cookie").map(|left| left.to_str().unwrap());
        assert_eq!(left, cookie.contains(&stale).then_some(&*stale));
    }
    let current = format!("a=1; {}", sent(&new));
    let mut headers = map(&WINDOW);
    headers.insert("cookie", HeaderValue::from_str(&current).unwrap());
    assert!(new.clearing(&Method::GET, "/", &mut headers).is_none());
    assert_eq!(headers["cookie"], current);
}

#[test]
fn clears_when_a_window_comes_and_at_no_other_time() {
    let marker = marker("a");
    let clears = |method: Method, fields: &[(&str, &str)]| {
        let mut headers = map(fields);
        marker.clearing(&method, "/", &mut headers).is_some()
    };
    assert!(clears(Method::GET, &WINDOW));
    assert!(clears(Method::POST, &WINDOW));
    let workers = [
        &[("service-worker", "script")][..],
        &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "empty")],
    ];
    for worker in workers {
        let cookies = told(marker.clearing(&Method::GET, "/", &mut map(worker)));
        assert_eq!(cookies, ["theme=dark"], "the next page sets the marker");
    }
    let with = |name, value| [WINDOW[0], WINDOW[1], (name, value)];
    assert!(clears(Method::GET, &with("sec-fetch-site", "cross-site")));
    for (method, fields) in [
        (Method::GET, &[][..]),
        (Method::GET, &[("sec-fetch-mode", "cors")]),
        (
            Method::GET,
            &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
        ),
        (Method::GET, &with("sec-purpose", "prefetch")),
        (Method::POST, &with("sec-fetch-site", "cross-site")),
        (Method::GET, &with("sec-fetch-mode", "cors")),
    ] {
        assert!(!clears(method, fields), "{fields:?}");
    }
}

#[test]
fn refuses_what_pages_of_an_earlier_revision_ask_for() {
    let (old, new) = (marker("a"), marker("b"));
    let asked = |fields: &[(&str, &str)]| {
        let refused = new.refuse_outdated(&map(fields));
        refused.map_err(|refusal| refusal.code)
    };
    let (stale, current) = (sent(&old), sent(&new));
    let stale = ("cookie", &*stale);
    for fetch in [
        &[("sec-fetch-mode", "cors")][..],
        &[("sec-fetch-mode", "websocket")],
        &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
        &[WINDOW[0], WINDOW[1], ("sec-purpose", "prefetch")],
    ] {
        let fields = [fetch, &[stale]].concat();
        assert_eq!(asked(&fields), Err(ReasonCode::PageOutdated), "{fetch:?}");
        let fields = [fetch, &[("cookie", &*current)]].concat();
        assert_eq!(asked(&fields), Ok(()), "{fetch:?}");
        assert_eq!(asked(fetch), Ok(()), "{fetch:?}");
        let two = [fetch, &[stale, ("cookie", &*current)]].concat();
        assert_eq!(asked(&two), Err(ReasonCode::PageOutdated), "{fetch:?}");
    }
    assert_eq!(asked(&[WINDOW[0], WINDOW[1], stale]), Ok(()));
    assert_eq!(asked(&[stale]), Ok(()), "no browser that says what it does");
}

#[test]
fn leaves_no_app_cookie_that_could_have_come_along() {
    assert_eq!(scopes("/"), ["/"]);
    assert_eq!(scopes("/a/b"), ["/", "/a", "/a/", "/a/b"]);
    assert_eq!(scopes("/a/"), ["/", "/a", "/a/"]);
    assert_eq!(scopes("/a;Path=b"), ["/"]);
    let marker = marker("a");
    let mut headers = map(&WINDOW);
    let cookie = "__Host-chaperone=session; a=1;b;=c; __host-Chaperone-login=2; __Host-own=3";
    headers.insert("cookie", HeaderValue::from_static(cookie));
    let cookies = told(marker.clearing(&Method::GET, "/x", &mut headers));
    let kept: Vec<_> = headers.get_all("cookie").iter().collect();
    assert_eq!(
        kept,
        ["__Host-chaperone=session", "__host-Chaperone-login=2"]
    );
    let mut expected = Vec::new();
    for name in ["", "__Host-own", "a"] {
        for path in ["/", "/x"] {
            for kind in ["", "; Partitioned"] {
                expected.push(format!("{name}=x; Path={path}; Max-Age=0; Secure{kind}"));
            }
        }
    }
    assert_eq!(cookies[..cookies.len() - 2], expected);
}

#[test]
fn goes_on_until_nothing_is_left() {
    let marker = marker("a");
    let many: Vec<String> = (0..MOST).map(|number| format!("c{number}=1")).collect();
    let mut headers = map(&WINDOW);
    headers.insert("cookie", HeaderValue::from_str(&many.join("; ")).unwrap());
    let cookies = told(marker.clearing(&Method::GET, "/", &mut headers));
    assert_eq!(cookies.len(), MOST + 1);
    assert!(!cookies.iter().any(|cookie| cookie.starts_with("__Host-")));
    assert!(!headers.contains_key("cookie"));
}
