//! The connection allowlist (WICG Connection Allowlists, Chromium from version 152): it holds what no content security
//! policy covers, connections by WebRTC, ahead of time (`preconnect`, speculation rules) and navigation by the page.
//!
//! Redirects pass, or nobody could be sent to a provider to sign in; so an app may still lead the user away by
//! `Location`. The sidecar's own pages have no allowlist: there is nothing of the app's in them.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::fence::Csp;

const ALLOWLIST: HeaderName = HeaderName::from_static("connection-allowlist");

/// What no content security policy knows, beside the directives that it does know.
pub(super) const NAVIGATION: &str = "navigate-to";

/// Keeps the page of an answer's head to its own origin and those that the route's `csp` names.
pub(super) fn confine(headers: &mut HeaderMap, csp: &Csp) {
    headers.insert(ALLOWLIST, allowlist(csp));
}

fn allowlist(csp: &Csp) -> HeaderValue {
    if csp.is_empty() {
        return HeaderValue::from_static("(response-origin);redirects=allow;webrtc=block");
    }
    // Who may frame the page is no connection of its own.
    let outward = csp.iter().filter(|(name, _)| *name != "frame-ancestors");
    let mut origins: Vec<&str> = outward
        .flat_map(|(_, origins)| origins)
        .map(|origin| &**origin)
        .collect();
    origins.sort_unstable();
    origins.dedup();
    let mut list = "(response-origin".to_owned();
    for origin in origins {
        // Origins are scheme, host and port of plain characters: as URL patterns they match themselves, with any path.
        list.push_str(" \"");
        list.push_str(origin);
        list.push_str("/*\"");
    }
    list.push_str(");redirects=allow;webrtc=block");
    HeaderValue::try_from(list).unwrap_or(HeaderValue::from_static("()"))
}

#[cfg(test)]
mod tests {
    use super::allowlist;

    #[test]
    fn names_each_origin_once() {
        assert_eq!(
            allowlist(&[]),
            "(response-origin);redirects=allow;webrtc=block"
        );
        let csp = [
            ("img-src", vec!["https://b.example".into()]),
            ("navigate-to", vec!["https://a.example:8443".into()]),
            ("connect-src", vec!["https://b.example".into()]),
            ("frame-ancestors", vec!["https://c.example".into()]),
        ];
        assert_eq!(
            allowlist(&csp),
            r#"(response-origin "https://a.example:8443/*" "https://b.example/*");redirects=allow;webrtc=block"#
        );
    }
}
