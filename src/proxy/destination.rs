//! `Destination` (RFC 4918 section 10.3): the second target of a request that copies or moves.

use http::header::HOST;
use http::{HeaderMap, HeaderName};

use crate::types::{ReasonCode, Refusal, Target};

const DESTINATION: HeaderName = HeaderName::from_static("destination");

/// The target that `Destination` names, read as strictly as the request's own; only this host has one.
pub(super) fn destination(headers: &HeaderMap) -> Result<Option<Target>, Refusal> {
    let mut values = headers.get_all(DESTINATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(DESTINATION) {
            Err(ambiguous("`Destination` stands twice"))
        } else {
            Ok(None)
        };
    };
    let text = value.to_str();
    let text = text.map_err(|_| ambiguous("`Destination` is not an address"))?;
    let target = if text.starts_with('/') {
        text
    } else {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let path = host.and_then(|host| behind(text, host));
        path.ok_or_else(|| ambiguous("`Destination` is no address on this host"))?
    };
    let target = Target::parse(target);
    let target = target.map_err(|error| ambiguous(format!("`Destination`: {error}")))?;
    Ok(Some(target))
}

/// What follows `host` in the absolute address `text`.
fn behind<'t>(text: &'t str, host: &str) -> Option<&'t str> {
    let (scheme, rest) = text.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let (authority, path) = rest.split_at_checked(host.len())?;
    (is_web && !host.is_empty() && authority.eq_ignore_ascii_case(host) && path.starts_with('/'))
        .then_some(path)
}

fn ambiguous(detail: impl Into<Box<str>>) -> Refusal {
    Refusal::new(ReasonCode::AmbiguousRequest).because(detail)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::destination;

    fn read(values: &[&'static str]) -> Result<Option<String>, ()> {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("app.test:80"));
        for value in values {
            headers.append("destination", HeaderValue::from_static(value));
        }
        let target = destination(&headers).map_err(|_| ())?;
        Ok(target.map(|target| target.as_str().to_owned()))
    }

    #[test]
    fn reads_addresses_on_this_host_alone() {
        assert_eq!(read(&[]), Ok(None));
        for value in ["/a/b", "http://app.test:80/a/b", "HTTPS://App.Test:80/a/b"] {
            assert_eq!(read(&[value]), Ok(Some("/a/b".to_owned())), "{value}");
        }
        for value in [
            "",
            "a/b",
            "//app.test:80/a",
            "http://app.test/a",
            "http://app.test:8080/a",
            "http://other/a",
            "http://app.test:80",
            "http://app.test:80?a",
            "http://u@app.test:80/a",
            "ftp://app.test:80/a",
            "/a/../b",
            "/a%2fb",
            "/a#b",
            "/a b",
        ] {
            assert_eq!(read(&[value]), Err(()), "{value}");
        }
        assert_eq!(read(&["/a", "/a"]), Err(()));
    }
}
