//! The sidecar's own cookies, and the fence around requests that prove themselves by one: a browser adds it by
//! itself, whoever made it ask.
//!
//! INVARIANT: sibling previews are same-site, so `SameSite` is no fence. What a request says of where it comes
//! from is; a request that does not say it, or says two things, is refused.

use http::header::{COOKIE, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::capability::Verified;
use crate::types::{ReasonCode, Refusal};

/// The cookie that holds a capability. Every cookie whose name begins so is the sidecar's.
pub(super) const SESSION: &str = "__Host-chaperone";

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The name without its prefix of underscores, which some app servers write otherwise.
const STEM: &[u8] = b"host-chaperone";

/// The values of the cookie `name`, spelled as the sidecar sets it; empty ones count as none.
pub(super) fn values<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h [u8]> {
    let fields = headers.get_all(COOKIE).iter();
    let cookies = fields.flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    cookies.filter_map(move |cookie| {
        let cookie = cookie.trim_ascii();
        let value = cookie.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        (!value.is_empty()).then_some(value)
    })
}

/// Whether an app server could read a cookie of the sidecar's out of `text`: they undo escapes and quotes, take
/// whitespace and commas for ends, names in any letter case, and dots, blanks and brackets for underscores.
pub(super) fn is_ours(text: &[u8]) -> bool {
    let mut plain = text.to_vec();
    for _ in 0..2 {
        plain = percent_encoding::percent_decode(&plain).collect();
    }
    plain.retain(|byte| !matches!(byte, b'"' | b'\\'));
    plain.make_ascii_lowercase();
    let is_underscore = |byte: &u8| matches!(byte, b'_' | b'.' | b' ' | b'+' | b'[' | b'\t');
    memchr::memmem::find_iter(&plain, STEM).any(|at| {
        let before = plain.get(at.saturating_sub(2)..at).unwrap_or_default();
        before.len() == 2 && before.iter().all(is_underscore)
    })
}

/// Lets a request through that a page of the preview's own origin made, or a user who opens an address.
///
/// Upgrades are no navigation: they pass [`same_origin`].
///
/// # Errors
/// Refuses what comes from elsewhere, does not say where it comes from, or says two things.
pub(super) fn fence(method: &Method, headers: &HeaderMap, host: &str) -> Result<(), Refusal> {
    if *method == Method::GET && is_navigation(headers) {
        return Ok(());
    }
    same_origin(headers, host)
}

/// The same without the exemption of navigation: for requests that change something of the sidecar's own.
///
/// # Errors
/// As [`fence`].
pub(super) fn same_origin(headers: &HeaderMap, host: &str) -> Result<(), Refusal> {
    let refused = |why: &str| Err(Refusal::new(ReasonCode::CrossOriginRequest).because(why));
    let origin = match only(headers, &ORIGIN) {
        Ok(origin) => origin,
        Err(Twice) => return refused("it has two `Origin` fields"),
    };
    let is_own = origin.map(|origin| is_origin_of(origin.as_bytes(), host));
    match only(headers, &FETCH_SITE) {
        // A page may hide its address from its own forms, which then say `null`.
        Ok(Some(site)) if site == "same-origin" => match (is_own, origin) {
            (None | Some(true), _) => Ok(()),
            (_, Some(origin)) if origin == "null" => Ok(()),
            _ => refused("its `Origin` is another than its `Sec-Fetch-Site` says"),
        },
        Ok(Some(_)) => refused("its `Sec-Fetch-Site` is not `same-origin`"),
        Ok(None) if is_own == Some(true) => Ok(()),
        Ok(None) if is_own == Some(false) => refused("its `Origin` is not the preview's"),
        Ok(None) => refused("it has neither `Sec-Fetch-Site` nor `Origin`"),
        Err(Twice) => refused("it has two `Sec-Fetch-Site` fields"),
    }
}

/// Whether a browser opens an address in a window of its own, as far as the request says.
pub(super) fn is_navigation(headers: &HeaderMap) -> bool {
    let says = |name: HeaderName, expected: &str| {
        let said = only(headers, &name);
        matches!(said, Ok(Some(value)) if value == expected)
    };
    says(FETCH_MODE, "navigate") && says(FETCH_DEST, "document")
}

/// Whether a browser says that it asks for something else than a page in a window of its own.
pub(super) fn is_script(headers: &HeaderMap) -> bool {
    headers.contains_key(FETCH_MODE) && !is_navigation(headers)
}

/// The field that has a browser keep `value` for `age` seconds, for this host alone and out of every script's sight.
pub(super) fn set(name: &str, value: &str, age: i64) -> String {
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={age}")
}

/// Holds a capability that came in a cookie against the preview: it must name it.
///
/// # Errors
/// Refuses one that is good for others as well.
pub(super) fn bound(verified: &Verified, preview: &str) -> Result<(), Refusal> {
    if verified.preview() == Some(preview) {
        return Ok(());
    }
    let why = "in a cookie it must name this preview";
    Err(Refusal::new(ReasonCode::CapabilityForbids).because(why))
}

/// Whether `origin` is that of pages of `host`. Cookies of this name are set over TLS alone, or on the loopback.
fn is_origin_of(origin: &[u8], host: &str) -> bool {
    let Ok(origin) = std::str::from_utf8(origin) else {
        return false;
    };
    let host = host.to_ascii_lowercase();
    if let Some(origin) = origin.strip_prefix("https://") {
        return origin == host.strip_suffix(":443").unwrap_or(&host);
    }
    let plain = origin.strip_prefix("http://");
    is_loopback(&host) && plain == Some(host.strip_suffix(":80").unwrap_or(&host))
}

/// Whether `host`, whatever its port, is this machine to a browser.
pub(super) fn is_loopback(host: &str) -> bool {
    let end = host.rfind(':').filter(|_| !host.ends_with(']'));
    let name = end.map_or(Some(host), |end| host.get(..end));
    let loopback = ["localhost", "127.0.0.1", "[::1]"];
    name.is_some_and(|name| {
        loopback
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    })
}

/// A field that stands more than once.
struct Twice;

fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h HeaderValue>, Twice> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    match values.next() {
        None => Ok(value),
        Some(_) => Err(Twice),
    }
}

#[cfg(test)]
mod tests;
