//! The fence around a page in the user's browser: an app that may say what a page is told could have the
//! browser carry data to other origins, open the preview to them, or keep something beyond this revision.
//!
//! INVARIANT: the app's own content security policies stay and can only narrow: browsers enforce every one of
//! several. Not fenced is navigation: a script, a link or `Location` may lead the user away.

use std::sync::LazyLock;

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, LINK, REFERRER_POLICY, REFRESH, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS, X_DNS_PREFETCH_CONTROL,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::confine::NAVIGATION;
use super::cookie;
use super::headers::remove_where;
use crate::types::{ReasonCode, Refusal};

/// Scripts, fetches, forms and frames stay on the preview's own origin; what a page makes itself, it may use.
const POLICY: [(&str, &str); 12] = [
    ("default-src", DEFAULT),
    ("script-src", "'self' 'unsafe-inline' 'unsafe-eval' blob:"),
    ("style-src", "'self' 'unsafe-inline' data: blob:"),
    ("img-src", DEFAULT),
    ("connect-src", DEFAULT),
    ("form-action", "'self'"),
    ("frame-src", DEFAULT),
    ("worker-src", "'self' blob:"),
    ("object-src", "'none'"),
    ("base-uri", "'self'"),
    ("frame-ancestors", "'self'"),
    ("webrtc", "'block'"),
];

/// What holds for directives that the policy does not name.
const DEFAULT: &str = "'self' data: blob:";

/// The policy where no route widens it.
static PLAIN: LazyLock<HeaderValue> = LazyLock::new(|| {
    let plain = policy(&[]);
    // No character of the constants is refused; were one, nothing would be let do anything.
    plain.unwrap_or(HeaderValue::from_static("default-src 'none'; sandbox"))
});

const SERVICE_WORKER: HeaderName = HeaderName::from_static("service-worker");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Fields that hold an address of which nothing else is asked than that it is one of the preview's own.
const SOURCE_MAPS: [HeaderName; 2] = [
    HeaderName::from_static("sourcemap"),
    HeaderName::from_static("x-sourcemap"),
];

/// Refuses what browsers ask that no app may answer, whatever the route.
pub(super) fn refuse_beyond(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_worker = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"serviceworker");
    if headers.contains_key(SERVICE_WORKER) || headers.get_all(FETCH_DEST).iter().any(is_worker) {
        return Err(Refusal::new(ReasonCode::ServiceWorkerRefused));
    }
    Ok(())
}

/// Origins that a route's pages may turn to, by directive.
pub(super) type Csp = [(&'static str, Vec<Box<str>>)];

/// Puts up the fence, as wide as the route's `csp` says: on every answer, the sidecar's own included.
pub(super) fn put_up(headers: &mut HeaderMap, csp: &Csp) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_DNS_PREFETCH_CONTROL, HeaderValue::from_static("off"));
    let wide = if csp.is_empty() { None } else { policy(csp) };
    headers.append(
        CONTENT_SECURITY_POLICY,
        wide.unwrap_or_else(|| PLAIN.clone()),
    );
}

/// The content security policy with the origins of `csp` in it.
fn policy(csp: &Csp) -> Option<HeaderValue> {
    let beside = csp
        .iter()
        .filter(|(directive, _)| *directive != NAVIGATION)
        .map(|(directive, _)| (*directive, DEFAULT))
        .filter(|(directive, _)| POLICY.iter().all(|(known, _)| known != directive));
    let directives = POLICY.into_iter().chain(beside).map(|(directive, own)| {
        let mut text = format!("{directive} {own}");
        let wider = csp.iter().filter(|(known, _)| *known == directive);
        for origin in wider.flat_map(|(_, origins)| origins) {
            text.push(' ');
            text.push_str(origin);
        }
        text
    });
    let directives: Vec<String> = directives.collect();
    HeaderValue::try_from(directives.join("; ")).ok()
}

/// Takes out of the app's answer what would lead through the fence.
pub(super) fn narrow(headers: &mut HeaderMap) {
    remove_where(headers, is_beyond);
    rewrite(headers, &CONTENT_SECURITY_POLICY, without_reports);
    rewrite(headers, &SET_COOKIE, host_only);
    rewrite(headers, &LINK, |value| {
        (!leads_away(value.as_bytes())).then(|| value.clone())
    });
    rewrite(headers, &REFRESH, |value| {
        is_local(destination(value.as_bytes())).then(|| value.clone())
    });
    for name in &SOURCE_MAPS {
        rewrite(headers, name, |value| {
            is_local(value.as_bytes()).then(|| value.clone())
        });
    }
}

/// The same for trailers: nothing that a browser acts upon comes after the body.
pub(super) fn narrow_trailers(trailers: &mut HeaderMap) {
    remove_where(trailers, is_beyond);
    for name in [
        &CACHE_CONTROL,
        &CONTENT_SECURITY_POLICY,
        &LINK,
        &REFERRER_POLICY,
        &REFRESH,
        &SET_COOKIE,
        &X_CONTENT_TYPE_OPTIONS,
        &X_DNS_PREFETCH_CONTROL,
    ]
    .into_iter()
    .chain(&SOURCE_MAPS)
    {
        trailers.remove(name);
    }
}

/// Whether a field opens the preview to other origins, sends reports or requests to them, or has the
/// browser keep something that outlives the page. The name is folded.
fn is_beyond(name: &str) -> bool {
    const NAMES: [&str; 16] = [
        "alt-svc",
        "clear-site-data",
        "expect-ct",
        "nel",
        "observe-browsing-topics",
        "public-key-pins",
        "report-to",
        "reporting-endpoints",
        "set-cookie2",
        "set-login",
        "speculation-rules",
        "strict-transport-security",
        "timing-allow-origin",
        "use-as-dictionary",
        "x-content-security-policy",
        "x-webkit-csp",
    ];
    const PREFIXES: [&str; 8] = [
        "access-control-",
        "ad-auction-",
        "attribution-reporting-",
        "connection-allowlist",
        "sec-session-",
        "secure-session-",
        "service-worker-",
        "shared-storage-",
    ];
    NAMES.contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || name.ends_with("-report-only")
}

/// Passes the values of one field through `edit`; the map stays as it is where nothing changes.
fn rewrite(
    headers: &mut HeaderMap,
    name: &HeaderName,
    edit: impl Fn(&HeaderValue) -> Option<HeaderValue>,
) {
    let before: Vec<HeaderValue> = headers.get_all(name).iter().cloned().collect();
    let after: Vec<HeaderValue> = before.iter().filter_map(edit).collect();
    if after != before {
        headers.remove(name);
        for value in after {
            headers.append(name, value);
        }
    }
}

/// A content security policy that tells nobody when it is violated.
fn without_reports(value: &HeaderValue) -> Option<HeaderValue> {
    let is_report = |directive: &[u8]| {
        let mut words = directive
            .trim_ascii()
            .split(|byte| byte.is_ascii_whitespace());
        let name = words.next().unwrap_or_default();
        name.eq_ignore_ascii_case(b"report-uri") || name.eq_ignore_ascii_case(b"report-to")
    };
    let policies: Vec<Vec<u8>> = value
        .as_bytes()
        .split(|byte| *byte == b',')
        .map(|policy| {
            let directives = policy.split(|byte| *byte == b';');
            let kept: Vec<&[u8]> = directives.filter(|text| !is_report(text)).collect();
            kept.join(&b';')
        })
        .filter(|policy| !policy.trim_ascii().is_empty())
        .collect();
    let kept = policies.join(&b',');
    (!kept.is_empty()).then(|| HeaderValue::from_bytes(&kept).ok())?
}

/// A cookie for this host alone; none where it is the sidecar's own. Browsers take a pair without a name for
/// its value, so that `=a=1` comes back as `a=1`: the name is looked for in the whole pair.
fn host_only(value: &HeaderValue) -> Option<HeaderValue> {
    let name = |part: &[u8]| {
        let name = part.split(|byte| *byte == b'=').next().unwrap_or_default();
        name.trim_ascii().to_ascii_lowercase()
    };
    let bytes = value.as_bytes();
    let pair = bytes.split(|byte| *byte == b';').next().unwrap_or_default();
    if cookie::is_ours(pair) {
        return None;
    }
    let parts = bytes.split(|byte| *byte == b';').enumerate();
    let kept: Vec<&[u8]> = parts
        .filter(|(at, part)| *at == 0 || name(part) != b"domain")
        .map(|(_, part)| part)
        .collect();
    HeaderValue::from_bytes(&kept.join(&b';')).ok()
}

/// Whether a `Link` has the browser turn to another origin by itself. A relation that is only told, like `next`, passes.
fn leads_away(value: &[u8]) -> bool {
    const ACTED_UPON: [&str; 8] = [
        "preconnect",
        "prefetch",
        "preload",
        "prerender",
        "stylesheet",
        "icon",
        "manifest",
        "dictionary",
    ];
    // In a quoted string a backslash stands before any letter.
    let plain: Vec<u8> = value
        .iter()
        .filter(|byte| **byte != b'\\')
        .map(u8::to_ascii_lowercase)
        .collect();
    let plain = String::from_utf8_lossy(&plain);
    let is_elsewhere = |part: &[u8]| {
        let target = part.split(|byte| *byte == b'>').next();
        !is_local(target.unwrap_or_default())
    };
    ACTED_UPON.iter().any(|relation| plain.contains(relation))
        && value.split(|byte| *byte == b'<').skip(1).any(is_elsewhere)
}

/// Where a `Refresh` leads, read as HTML's shared declarative refresh steps read it.
fn destination(value: &[u8]) -> &[u8] {
    let is_time = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b' ' | b'\t');
    let after_time = value.iter().take_while(|byte| is_time(byte)).count();
    let rest = value.get(after_time..).unwrap_or_default();
    let rest = match rest {
        [b';' | b',', rest @ ..] => rest.trim_ascii(),
        rest => rest,
    };
    let target = match rest {
        [b'u' | b'U', b'r' | b'R', b'l' | b'L', after @ ..] => match after.trim_ascii_start() {
            [b'=', target @ ..] => target.trim_ascii_start(),
            _ => rest,
        },
        _ => rest,
    };
    match target {
        [b'"' | b'\'', target @ ..] => target,
        target => target,
    }
}

/// Whether a reference stays on the origin that it stands in, read as browsers read it: tabs vanish, a
/// backslash is a slash. Whole addresses count as elsewhere, whatever their host.
fn is_local(reference: &[u8]) -> bool {
    let bytes = reference.iter().filter(|byte| **byte != b'\t');
    let slashed = bytes.map(|byte| if *byte == b'\\' { b'/' } else { *byte });
    let read: Vec<u8> = slashed.skip_while(|byte| *byte <= b' ').collect();
    let mut first = read.split(|byte| matches!(byte, b'/' | b'?' | b'#'));
    let has_scheme = first.next().is_some_and(|part| part.contains(&b':'));
    !has_scheme && !read.starts_with(b"//")
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{narrow, narrow_trailers, put_up, refuse_beyond};
    use crate::types::ReasonCode;

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    fn narrowed(name: &str, value: &str) -> Option<String> {
        let mut headers = map(&[(name, value)]);
        narrow(&mut headers);
        let value = headers.get(name)?;
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn keeps_cookies_to_their_host() {
        for (cookie, kept) in [
            ("a=1; Path=/; HttpOnly", Some("a=1; Path=/; HttpOnly")),
            ("domain=1;  secure", Some("domain=1;  secure")),
            ("a=1; Domain=shop.example; Path=/", Some("a=1; Path=/")),
            ("a=1;\tdOMAIN =.x;domain;Path=/", Some("a=1;Path=/")),
            ("__Host-chap=1; Path=/", Some("__Host-chap=1; Path=/")),
            ("__Host-chaperone-login=1; Path=/", None),
            ("__%48ost-chaperone=1; Path=/", None),
            ("__Host-chaperone=1; Path=/", None),
            ("__Host-chaperone; Path=/", None),
            ("__host-Chaperone-Revision=1; Path=/", None),
            (" =\t= __hOST-CHAPERONE =1; Path=/", None),
        ] {
            assert_eq!(narrowed("set-cookie", cookie).as_deref(), kept, "{cookie}");
        }
    }

    #[test]
    fn refuses_reports_of_policies() {
        for (policy, kept) in [
            (
                "default-src 'none'; img-src *",
                Some("default-src 'none'; img-src *"),
            ),
            (
                "img-src x; Report-URI https://evil.example",
                Some("img-src x"),
            ),
            ("report-to out", None),
            (
                "report-uri /a, img-src x;\treport-to out ;sandbox",
                Some(" img-src x;sandbox"),
            ),
        ] {
            let name = "content-security-policy";
            assert_eq!(narrowed(name, policy).as_deref(), kept, "{policy}");
        }
    }

    #[test]
    fn refuses_links_that_browsers_follow_elsewhere() {
        for (link, passes) in [
            ("<https://api.example/orders?page=2>; rel=\"next\"", true),
            (
                "</app.css>; rel=preload; as=style, <b.js>; rel=modulepreload",
                true,
            ),
            ("<https://evil.example>; rel=preconnect", false),
            ("<//evil.example>; rel=DNS-Prefetch", false),
            ("</a>; rel=preload, <\\/evil.example/d>; rel=next", false),
            ("< /\t/evil.example>; rel=\"pre\\connect\"", false),
            ("<https:evil.example>; rel=x; rel=prefetch", false),
        ] {
            assert_eq!(narrowed("link", link).is_some(), passes, "{link}");
        }
    }

    #[test]
    fn refuses_to_be_sent_elsewhere_by_a_field() {
        for (refresh, passes) in [
            ("5", true),
            ("0;url=/next?to=https://x/", true),
            ("1.5 , URL = 'page#a:b'", true),
            ("0;url=https://evil.example", false),
            ("0; URL='//evil.example'", false),
            ("0,\"\\\\evil.example", false),
            ("0;https:evil.example", false),
            (";url=https://evil.example", false),
        ] {
            assert_eq!(narrowed("refresh", refresh).is_some(), passes, "{refresh}");
        }
        assert!(narrowed("sourcemap", "app.js.map").is_some());
        assert!(narrowed("sourcemap", "https://evil.example/d").is_none());
        assert!(narrowed("x-sourcemap", "//evil.example/d").is_none());
    }

    #[test]
    fn puts_its_policy_beside_the_apps() {
        let mut headers = map(&[
            ("content-security-policy", "img-src 'none'"),
            ("cache-control", "public"),
        ]);
        put_up(&mut headers, &[]);
        let policies: Vec<_> = headers.get_all("content-security-policy").iter().collect();
        assert_eq!(policies.len(), 2);
        assert_eq!(policies[0], "img-src 'none'");
        assert!(policies[1].to_str().unwrap().contains("connect-src 'self'"));
        assert_eq!(headers["cache-control"], "no-store");
    }

    #[test]
    fn widens_what_the_route_names_and_nothing_else() {
        let told = |csp: &super::Csp| {
            let mut headers = HeaderMap::new();
            put_up(&mut headers, csp);
            let policy = headers["content-security-policy"].to_str().unwrap();
            let directives = policy.split("; ").map(str::to_owned);
            directives.collect::<std::collections::BTreeSet<_>>()
        };
        let plain = told(&[]);
        let cdn = || {
            vec![
                Box::from("https://cdn.example"),
                Box::from("https://b.example:8443"),
            ]
        };
        let wide = told(&[
            ("img-src", cdn()),
            ("font-src", cdn()),
            ("form-action", cdn()),
        ]);
        let new: Vec<&String> = wide.difference(&plain).collect();
        let origins = "https://cdn.example https://b.example:8443";
        assert_eq!(
            new,
            [
                &format!("font-src 'self' data: blob: {origins}"),
                &format!("form-action 'self' {origins}"),
                &format!("img-src 'self' data: blob: {origins}"),
            ]
        );
        let gone: Vec<&String> = plain.difference(&wide).collect();
        assert_eq!(gone, ["form-action 'self'", "img-src 'self' data: blob:"]);
    }

    #[test]
    fn refuses_the_same_after_the_body() {
        let mut trailers = map(&[
            ("access-control-allow-origin", "*"),
            ("set-cookie", "a=1"),
            ("link", "</a>; rel=next"),
            ("content-security-policy", "img-src *"),
            ("nel", "{}"),
            ("x-sourcemap", "a"),
            ("x-sum", "7"),
        ]);
        narrow_trailers(&mut trailers);
        assert_eq!(trailers, map(&[("x-sum", "7")]));
    }

    #[test]
    fn refuses_service_workers() {
        let asks =
            |fields: &[(&str, &str)]| refuse_beyond(&map(fields)).map_err(|refusal| refusal.code);
        let refused = Err(ReasonCode::ServiceWorkerRefused);
        assert_eq!(asks(&[("service-worker", "script")]), refused);
        assert_eq!(asks(&[("sec-fetch-dest", "ServiceWorker")]), refused);
        assert_eq!(asks(&[("sec-fetch-dest", "worker")]), Ok(()));
    }
}
