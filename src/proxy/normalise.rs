//! One reading of a request: what policy judges, the log names and the app receives is the same thing.

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, request};

use super::headers::is_identity;
use super::spelling::{folded, is_rewrite, refuse_twins};
use crate::transport::{is_authority, is_token, may_be_trailer};
use crate::types::{ReasonCode, Refusal, Target};

/// The longest method that is taken for one.
pub(super) const METHOD: usize = 32;

/// Reads the target; leaves exactly one `Host` field and the target in origin form.
pub(super) fn normalise(
    head: &mut request::Parts,
    most_bytes: usize,
    most_fields: usize,
) -> Result<Target, Refusal> {
    measure(head, most_bytes, most_fields)?;
    refuse_method(&head.method)?;
    refuse_values(&head.headers)?;
    refuse_options(&head.headers)?;
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    if !codings.next().is_none_or(is_chunked) || codings.next().is_some() {
        return Err(ambiguous("its body has more than one transfer coding"));
    }
    if head.method == Method::CONNECT {
        return Err(Refusal::new(ReasonCode::UpgradeRefused).because("CONNECT makes a tunnel"));
    }
    refuse_upgrades(&head.headers)?;
    if let Some(name) = head
        .headers
        .keys()
        .find(|name| is_rewrite(&folded(name.as_str())))
    {
        let name = name.as_str();
        return Err(ambiguous(format!(
            "`{name}` names another method or target"
        )));
    }
    refuse_twins(&head.headers)?;
    if head.headers.contains_key(TRANSFER_ENCODING) && head.headers.contains_key(CONTENT_LENGTH) {
        return Err(ambiguous("its body has two lengths"));
    }
    refuse_lengths(&head.headers)?;
    let authority = head.uri.authority().cloned();
    if authority.is_some() && !matches!(head.uri.scheme_str(), Some("http" | "https")) {
        return Err(ambiguous("not a scheme of HTTP"));
    }
    host(&mut head.headers, head.version, authority)?;
    let Some(path_and_query) = head.uri.path_and_query().cloned() else {
        return Err(ambiguous("not in origin form"));
    };
    let target = Target::parse(path_and_query.as_str());
    let target = target.map_err(|error| ambiguous(error.to_string()))?;
    if head.uri.authority().is_some() {
        head.uri = Uri::from(path_and_query);
    }
    Ok(target)
}

fn ambiguous(detail: impl Into<Box<str>>) -> Refusal {
    Refusal::new(ReasonCode::AmbiguousRequest).because(detail)
}

fn measure(head: &request::Parts, most_bytes: usize, most_fields: usize) -> Result<(), Refusal> {
    let target = head
        .uri
        .path_and_query()
        .map_or(0, |text| text.as_str().len());
    let fields: usize = head
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if head.headers.len() > most_fields || target + fields > most_bytes {
        return Err(Refusal::new(ReasonCode::HeadTooLarge));
    }
    Ok(())
}

/// A method that apps may take for another one: many put it into capitals (RFC 9110 section 9.1 tells `get` from `GET`),
/// and `PRI` begins an HTTP/2 connection (RFC 9113 section 3.4).
fn refuse_method(method: &Method) -> Result<(), Refusal> {
    let method = method.as_str();
    if method.len() > METHOD {
        return Err(ambiguous("no method is that long"));
    }
    if method.bytes().any(|byte| byte.is_ascii_lowercase()) || method == "PRI" {
        return Err(ambiguous("apps may take its method for another one"));
    }
    Ok(())
}

/// HTTP/2 passes spaces around a value on (RFC 9113 section 8.2.1 forbids them); whoever reads it as HTTP/1.1 cuts them off.
fn refuse_values(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.values().all(is_trim) {
        return Ok(());
    }
    Err(ambiguous("a value begins or ends with a space"))
}

/// Whether no whitespace stands around a value.
pub(super) fn is_trim(value: &HeaderValue) -> bool {
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let bytes = value.as_bytes();
    !is_space(bytes.first()) && !is_space(bytes.last())
}

/// What a client says about this connection, what it announces and what it expects: names that mean one thing.
fn refuse_options(headers: &HeaderMap) -> Result<(), Refusal> {
    for option in list(headers, &CONNECTION) {
        if !is_token(option) {
            return Err(ambiguous("`Connection` holds what is no name"));
        }
        // RFC 9110 section 7.6.1: what is meant for the app can't be meant for one connection.
        if is_end_to_end(&folded(
            &String::from_utf8_lossy(option).to_ascii_lowercase(),
        )) {
            return Err(ambiguous(
                "`Connection` names a field that is not the connection's",
            ));
        }
    }
    for name in list(headers, &TRAILER) {
        if !is_token(name) || !may_be_trailer(name) {
            return Err(ambiguous(
                "`Trailer` names a field that may not stand after a body",
            ));
        }
    }
    let mut expected = headers.get_all(EXPECT).iter();
    let is_known = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    if !expected.next().is_none_or(is_known) || expected.next().is_some() {
        return Err(ambiguous("it expects what nobody knows"));
    }
    Ok(())
}

/// Refuses what HTTP/2 lets stand after a body and HTTP/1.1 does not. None at all is what its library leaves of pseudo-header
/// fields (RFC 9113 section 8.1): nobody ends a body with an empty field section.
pub(super) fn refuse_trailers(trailers: &HeaderMap) -> Result<(), Refusal> {
    let mut names = trailers.keys();
    if trailers.is_empty() || !names.all(|name| may_be_trailer(name.as_str().as_bytes())) {
        return Err(ambiguous(
            "a field stands after the body that may not stand there",
        ));
    }
    refuse_values(trailers)
}

/// The elements of a list (RFC 9110 section 5.6.1), empty ones left out.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let values = headers.get_all(name).iter();
    values
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
}

/// Whether a field, by its folded name, is meant for whoever answers: it frames, routes, describes or conditions the
/// request, or says who asks.
fn is_end_to_end(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "authorization",
        "cache-control",
        "cookie",
        "destination",
        "dpop",
        "expect",
        "forwarded",
        "host",
        "origin",
        "range",
        "referer",
        "transfer-encoding",
        "user-agent",
        "via",
    ];
    const PREFIXES: [&str; 5] = ["accept", "content-", "if-", "sec-", "x-forwarded-"];
    NAMES.contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || is_identity(name)
        || is_rewrite(name)
}

/// A client that offers h2c may be answered in plain HTTP/1.1; one that wants another protocol may not.
fn refuse_upgrades(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_asked = headers.get_all(CONNECTION).iter().any(|value| {
        let mut options = value.as_bytes().split(|byte| *byte == b',');
        options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
    });
    let is_h2c = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"h2c");
    if is_asked && !headers.get_all(UPGRADE).iter().all(is_h2c) {
        return Err(Refusal::new(ReasonCode::UpgradeRefused));
    }
    Ok(())
}

/// HTTP/2 frames bodies by itself, but its `content-length` is the app's to read (RFC 9110 section 8.6).
fn refuse_lengths(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let (first, second) = (lengths.next(), lengths.next());
    let is_plain = |length: &HeaderValue| {
        let digits = length.as_bytes();
        digits.iter().all(u8::is_ascii_digit)
            && !digits.is_empty()
            && (digits.len() == 1 || !digits.starts_with(b"0"))
    };
    if second.is_some() || !first.is_none_or(is_plain) {
        return Err(ambiguous("`Content-Length` is not one plain number"));
    }
    Ok(())
}

fn host(
    headers: &mut HeaderMap,
    version: Version,
    authority: Option<Authority>,
) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err(ambiguous("`Host` stands twice"));
    }
    if first.is_some_and(|value| !is_authority(value.as_bytes())) {
        return Err(ambiguous("`Host` names no host"));
    }
    if authority
        .as_ref()
        .is_some_and(|host| !is_authority(host.as_str().as_bytes()))
    {
        return Err(ambiguous("`:authority` names no host"));
    }
    match (version, first, authority) {
        (Version::HTTP_2, None, Some(authority)) => {
            let value = HeaderValue::from_str(authority.as_str());
            headers.insert(
                HOST,
                value.map_err(|_| ambiguous("`:authority` names no host"))?,
            );
            Ok(())
        }
        (Version::HTTP_2, Some(host), Some(authority))
            if host
                .as_bytes()
                .eq_ignore_ascii_case(authority.as_str().as_bytes()) =>
        {
            Ok(())
        }
        (Version::HTTP_2, Some(_), None) => Ok(()),
        (Version::HTTP_2, ..) => Err(ambiguous("`Host` and `:authority` don't name one host")),
        (_, _, Some(_)) => Err(ambiguous("not in origin form")),
        (Version::HTTP_11, None, None) => Err(ambiguous("`Host` is missing")),
        // It leaves as HTTP/1.1, where a client that knows no host says so (RFC 9112 section 3.2).
        (_, None, None) => {
            headers.insert(HOST, HeaderValue::from_static(""));
            Ok(())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, Version};

    use super::normalise;
    use crate::types::ReasonCode;

    fn read(request: http::request::Builder) -> Result<String, ReasonCode> {
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        let target = normalise(&mut head, 1000, 10).map_err(|refusal| refusal.code)?;
        assert_eq!(head.uri.to_string(), target.as_str());
        let host = head
            .headers
            .get("host")
            .map_or("", |host| host.to_str().unwrap());
        Ok(format!("{host} {target}"))
    }

    #[test]
    fn reads_both_versions_alike() {
        let h1 = Request::get("/a?b").header("host", "x");
        assert_eq!(read(h1).unwrap(), "x /a?b");
        let h2 = Request::get("http://x/a?b").version(Version::HTTP_2);
        assert_eq!(read(h2).unwrap(), "x /a?b");
        let h2c = Request::get("/a")
            .header("host", "x")
            .header("connection", "Upgrade, HTTP2-Settings")
            .header("upgrade", "h2c");
        assert_eq!(read(h2c).unwrap(), "x /a");
        assert_eq!(
            read(Request::get("/").version(Version::HTTP_10)).unwrap(),
            " /"
        );
    }

    #[test]
    fn refuses_what_has_two_readings() {
        let plain = || Request::get("/a").header("host", "x");
        for request in [
            Request::get("http://x/a").header("host", "x"),
            Request::get("/a"),
            plain().header("host", "x"),
            plain().header("x-http-method-override", "DELETE"),
            plain().header("X_Original_URL", "/b"),
            plain().header("X.Original.URL", "/b"),
            plain().header("x-tenant", "a").header("x_tenant", "b"),
            plain().header("content_type", "text/plain"),
            plain().method("A".repeat(33).as_str()),
            plain().method("get"),
            plain().method("PRI"),
            plain().header("connection", "x, cookie"),
            plain().header("expect", "x"),
            plain().header("trailer", "host"),
            plain().header("x", " padded").version(Version::HTTP_2),
            Request::get("http://x,y/a").version(Version::HTTP_2),
            plain().header("transfer-encoding", "gzip, chunked"),
            plain()
                .header("transfer-encoding", "chunked")
                .header("transfer-encoding", "chunked"),
            plain()
                .header("content-length", "1")
                .header("transfer-encoding", "chunked"),
            Request::get("/a").header("host", "u@x"),
            Request::get("/a/../b").header("host", "x"),
            Request::options("*").header("host", "x"),
            Request::get("http://x/a")
                .header("host", "y")
                .version(Version::HTTP_2),
        ] {
            let text = format!("{request:?}");
            assert_eq!(read(request), Err(ReasonCode::AmbiguousRequest), "{text}");
        }
        let tunnel = Request::connect("x:1").header("host", "x");
        assert_eq!(read(tunnel), Err(ReasonCode::UpgradeRefused));
        let socket = plain()
            .header("connection", "Upgrade")
            .header("upgrade", "websocket");
        assert_eq!(read(socket), Err(ReasonCode::UpgradeRefused));
        let large = plain().header("x", "y".repeat(1000));
        assert_eq!(read(large), Err(ReasonCode::HeadTooLarge));
    }
}
