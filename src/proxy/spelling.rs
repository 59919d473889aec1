//! Names of fields that servers fold into one: CGI, WSGI, Rack and PHP make a variable of each, and `X-Tenant`,
//! `X_Tenant` and `x.tenant` become the same one.

use std::borrow::Cow;
use std::collections::HashSet;

use http::{HeaderMap, HeaderName};

use super::headers::is_identity;
use crate::types::{ReasonCode, Refusal};

/// Fields by which some apps take another method or path than the one that policy judges. Names are folded.
const REWRITES: [&str; 31] = [
    "-method",
    "http-method-override",
    "method-override",
    "path-info",
    "query-string",
    "request-method",
    "request-uri",
    "script-name",
    "x-forwarded-method",
    "x-forwarded-path",
    "x-forwarded-uri",
    "x-forwarded-url",
    "x-http-destinationurl",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-http-path-override",
    "x-method",
    "x-method-override",
    "x-original-method",
    "x-original-path",
    "x-original-uri",
    "x-original-url",
    "x-override-url",
    "x-path-info",
    "x-proxy-url",
    "x-rewrite-uri",
    "x-rewrite-url",
    "x-script-name",
    "x-verb-override",
    "x-waws-unencoded-url",
];

/// A name as servers see it that make a variable of it: all but letters and digits fold into one.
pub(super) fn folded(name: &str) -> Cow<'_, str> {
    if is_plain(name) {
        return Cow::Borrowed(name);
    }
    let fold = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte)
        } else {
            '-'
        }
    };
    Cow::Owned(name.bytes().map(fold).collect())
}

/// Refuses a head in which one folded name stands in two spellings, or a field that the sidecar or the
/// framing goes by stands in another spelling than its own. Identity fields are taken out whatever they say.
pub(super) fn refuse_twins(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.keys().all(|name| is_plain(name.as_str())) {
        return Ok(());
    }
    let mut seen: HashSet<Cow<'_, str>> = HashSet::new();
    for name in headers.keys() {
        let folded = folded(name.as_str());
        if is_identity(&folded) {
            continue;
        }
        if is_other_spelling(name) {
            let detail = format!("`{name}` is another spelling of `{folded}`");
            return Err(Refusal::new(ReasonCode::AmbiguousRequest).because(detail));
        }
        if seen.contains(&folded) {
            let detail = format!("`{folded}` stands in two spellings");
            return Err(Refusal::new(ReasonCode::AmbiguousRequest).because(detail));
        }
        seen.insert(folded);
    }
    Ok(())
}

/// Whether apps may take another method or target from the field. The name is folded.
pub(super) fn is_rewrite(name: &str) -> bool {
    let bare = name.strip_prefix("http-");
    REWRITES.contains(&name) || bare.is_some_and(|name| REWRITES.contains(&name))
}

/// Whether the name is an odd spelling of a field that says where a body ends, what it is, where the request
/// came from or how it is to be treated.
pub(super) fn is_other_spelling(name: &HeaderName) -> bool {
    let Cow::Owned(folded) = folded(name.as_str()) else {
        return false;
    };
    let folded = folded.strip_prefix("http-").unwrap_or(&folded);
    const NAMES: [&str; 13] = [
        "accept-encoding",
        "cf-connecting-ip",
        "fastly-client-ip",
        "http2-settings",
        "keep-alive",
        "max-forwards",
        "service-worker",
        "transfer-encoding",
        "true-client-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-envoy-external-address",
        "x-real-ip",
    ];
    const PREFIXES: [&str; 7] = [
        "access-control-",
        "content-",
        "if-",
        "proxy-",
        "sec-",
        "x-forwarded-",
        "x-original-",
    ];
    NAMES.contains(&folded) || PREFIXES.iter().any(|prefix| folded.starts_with(prefix))
}

fn is_plain(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{is_rewrite, refuse_twins};

    fn twins(names: &[&str]) -> bool {
        let name = |name: &&str| HeaderName::from_bytes(name.as_bytes()).unwrap();
        let value = || HeaderValue::from_static("1");
        let headers: HeaderMap = names.iter().map(|n| (name(n), value())).collect();
        refuse_twins(&headers).is_err()
    }

    #[test]
    fn refuses_two_spellings_of_one_name() {
        // Every character but letters and digits that a field's name may hold (RFC 9110 section 5.6.2).
        for sign in "!#$%&'*+.^_`|~".chars() {
            let (odd, plain) = (format!("x{sign}tenant"), "x-tenant");
            assert!(twins(&[plain, &odd]), "{odd}");
            assert!(twins(&[&odd, plain]), "{odd}");
            assert!(!twins(&[&odd]), "{odd}");
            assert!(!twins(&[&odd, "x-tenants"]), "{odd}");
            for known in [
                "content{}type",
                "transfer{}encoding",
                "x{}forwarded-for",
                "if{}match",
            ] {
                let odd = known.replace("{}", &sign.to_string());
                assert!(twins(&[&odd]), "{odd}");
                let odd = format!("http{sign}{}", known.replace("{}", "-"));
                assert!(twins(&[&odd]), "{odd}");
            }
            // They are all taken out, so they are no question.
            assert!(!twins(&[
                &format!("x{sign}forwarded{sign}user"),
                "x-forwarded-user"
            ]));
        }
        assert!(twins(&["x_tenant", "x.tenant"]));
        assert!(!twins(&[
            "x-tenant",
            "x-tenant-id",
            "api_key",
            "content-type",
            "content-length"
        ]));
    }

    #[test]
    fn knows_rewrites_in_every_spelling() {
        for name in [
            "x-http-method-override",
            "http-x-http-method",
            "path-info",
            "http-method-override",
            "-method",
        ] {
            assert!(is_rewrite(name), "{name}");
        }
        for name in [
            "method",
            "x-methods",
            "x-forwarded-prefix",
            "x-forwarded-host",
            "x-path",
        ] {
            assert!(!is_rewrite(name), "{name}");
        }
    }
}
