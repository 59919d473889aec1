//! Pages in the sidecar's own words: one look, and a policy under which nothing runs but what stands here.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}\
                     dt{font-weight:bold}dd{margin:0 0 .75rem}button{font:inherit;padding:.5rem 1rem}\
                     input{font:inherit;width:100%;box-sizing:border-box}";

/// Puts the ticket behind the address's `#`, which browsers send to nobody, into the form, and out of sight.
const TICKET: &str = "\"use strict\";const field=document.getElementById(\"ticket\"),text=location.hash.slice(1);\
                      history.replaceState(null,\"\",location.pathname);if(text){field.value=text;field.form.submit();}";

/// A page with `body`.
pub(super) fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                (body)
                p { "This answer comes from the sidecar before the preview, not from the app." }
            }
        }
    };
    page.into_string()
}

/// The script of the page that tickets lead to.
pub(super) fn ticket_script() -> Markup {
    html! { script { (PreEscaped(TICKET)) } }
}

/// What holds for a page of the sidecar's: no frame around it, no window that opened it, nothing of the app's in it.
pub(super) fn protect(headers: &mut HeaderMap) {
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.append(CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
}

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(TICKET),
    );
    // No character of it is refused; were one, nothing would be let do anything.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'; sandbox"))
});

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use maud::html;

    use super::{page, protect};

    #[test]
    fn runs_nothing_that_does_not_stand_in_it() {
        let mut headers = HeaderMap::new();
        protect(&mut headers);
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
        assert!(policy.contains("frame-ancestors 'none'"));
        assert_eq!(headers["x-frame-options"], "DENY");
        let text = page("a <b>", &html! { p { "<script>" } });
        assert!(
            text.contains("a &lt;b&gt;") && !text.contains("<script>"),
            "{text}"
        );
    }
}
