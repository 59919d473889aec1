//! Header fields: those that hold what must not pass, and those that a filtered body makes untrue.

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    COOKIE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::filter::{Edit, Inspector, Place, Side, coding, readings};
use crate::types::{ReasonCode, Refusal};

/// Fields that describe the body as the app made it.
const STALE: [&str; 5] = [
    "content-digest",
    "content-md5",
    "digest",
    "repr-digest",
    "x-content-length",
];

/// Fields in which the sidecar tells the app about the user.
const OURS: [&str; 4] = [
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-forwarded-user",
];

/// What answers commonly carry (IANA's registry of field names).
const COMMON: [&str; 28] = [
    "accept-ranges",
    "age",
    "allow",
    "cache-control",
    "clear-site-data",
    "date",
    "etag",
    "expires",
    "last-modified",
    "link",
    "location",
    "permissions-policy",
    "pragma",
    "referrer-policy",
    "refresh",
    "retry-after",
    "server",
    "server-timing",
    "set-cookie",
    "strict-transport-security",
    "trailer",
    "vary",
    "via",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
    "x-request-id",
    "x-xss-protection",
];

/// Looks through the values of `headers`, decoded too, and the app's own names in answers. In answers a field in which
/// something is found is taken out whole; a request is refused.
pub(super) fn inspect(headers: &mut HeaderMap, inspector: &mut Inspector) -> Result<(), Refusal> {
    if inspector.is_idle() {
        return Ok(());
    }
    let side = inspector.side();
    let mut edits: Vec<Edit> = Vec::new();
    let mut found: Vec<HeaderName> = Vec::new();
    for (name, value) in headers.iter() {
        if is_exempt(name, side) {
            continue;
        }
        edits.clear();
        let before = inspector.report().found();
        if side == Side::Response && !is_common(name) {
            let place = Place::Header("*");
            inspector.inspect(name.as_str().as_bytes(), &place, &mut edits)?;
        }
        let is_clean = inspector.report().found() == before;
        let place = Place::Header(if is_clean { name.as_str() } else { "*" });
        let value = value.as_bytes();
        if side == Side::Request && *name == COOKIE {
            inspect_cookies(value, inspector, &mut edits)?;
            continue;
        }
        inspector.inspect(value, &place, &mut edits)?;
        // The inspector of requests reads every text in these ways.
        if side == Side::Response {
            if readings::has_obscure_word(value) {
                obscure(inspector)?;
            }
            for reading in readings::of_field(value) {
                if edits.is_empty() {
                    inspector.inspect(&reading, &place, &mut edits)?;
                }
            }
        }
        if !edits.is_empty() {
            found.push(name.clone());
        }
    }
    if !inspector.plan().is_observing {
        for name in found {
            headers.remove(name);
        }
    }
    Ok(())
}

/// Refuses a word that can't be looked through.
fn obscure(inspector: &mut Inspector) -> Result<(), Refusal> {
    let refusal = Refusal::new(ReasonCode::AnswerMalformed)
        .because("an encoded word in a charset that can't be read");
    if !inspector.plan().is_observing {
        return Err(refusal);
    }
    inspector.report_mut().refuse(&refusal);
    Ok(())
}

/// Looks through cookies one by one: what stands in two of them is no text.
fn inspect_cookies(
    value: &[u8],
    inspector: &mut Inspector,
    edits: &mut Vec<Edit>,
) -> Result<(), Refusal> {
    for cookie in value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
        let mut parts = cookie.splitn(2, |byte| *byte == b'=');
        let name = parts.next().unwrap_or_default();
        let before = inspector.report().found();
        inspector.inspect(name, &Place::Cookie("*"), edits)?;
        let is_clean = inspector.report().found() == before;
        let shown = std::str::from_utf8(name).ok().filter(|_| is_clean);
        let place = Place::Cookie(shown.unwrap_or("*"));
        inspector.inspect(parts.next().unwrap_or_default(), &place, edits)?;
    }
    Ok(())
}

/// Names that are part of the protocol: no words of the app's.
fn is_common(name: &HeaderName) -> bool {
    const PREFIXES: [&str; 3] = ["access-control-", "content-", "cross-origin-"];
    let name = name.as_str();
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || COMMON.contains(&name)
}

/// A body's length is not text; what the client sends to prove who it is has been judged before,
/// and what the sidecar itself tells the app about the user was not the client's to say.
fn is_exempt(name: &HeaderName, side: Side) -> bool {
    if *name == CONTENT_LENGTH || *name == TRANSFER_ENCODING {
        return true;
    }
    side == Side::Request
        && (*name == AUTHORIZATION
            || OURS.contains(&name.as_str())
            || name.as_str().starts_with("chaperone-"))
}

/// Takes out what no longer holds for a body that was filtered.
pub(super) fn drop_stale(headers: &mut HeaderMap) {
    for name in [
        ACCEPT_RANGES,
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        CONTENT_RANGE,
        ETAG,
    ] {
        headers.remove(name);
    }
    for name in STALE {
        headers.remove(name);
    }
}

/// Takes out what only the sidecar may say, where the app says it after its body.
pub(super) fn drop_ours(trailers: &mut HeaderMap) {
    let names: Vec<HeaderName> = trailers
        .keys()
        .filter(|name| name.as_str().starts_with("chaperone-"))
        .cloned()
        .collect();
    for name in names {
        trailers.remove(name);
    }
}

/// Asks the app for whole answers in codings that can be undone.
pub(super) fn ask_for_readable(headers: &mut HeaderMap) {
    for name in [RANGE, IF_RANGE, IF_NONE_MATCH, IF_MODIFIED_SINCE] {
        headers.remove(name);
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(coding::ACCEPTED));
}
