//! Where the capability is carried, and that it is carried once.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use crate::types::{ReasonCode, Refusal, Secret};

const CAPABILITY: HeaderName = HeaderName::from_static("chaperone-capability");

/// Takes the capability out of a request's fields. An `Authorization` of another scheme is the app's own.
pub(super) fn take(headers: &mut HeaderMap) -> Result<Secret<String>, Refusal> {
    let mut found: Option<Secret<String>> = None;
    let bearers = headers
        .get_all(AUTHORIZATION)
        .iter()
        .filter_map(|value| bearer(value.as_bytes()));
    let named = headers
        .get_all(CAPABILITY)
        .iter()
        .map(|value| value.as_bytes().trim_ascii());
    for bytes in bearers.chain(named) {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Refusal::new(ReasonCode::CapabilityInvalid).because("it is not text"))?;
        match &found {
            None => found = Some(Secret::new(text.to_owned())),
            Some(first) if first.expose() == text => {}
            Some(_) => return Err(Refusal::new(ReasonCode::CapabilityConflict)),
        }
    }
    let token = found.ok_or_else(|| Refusal::new(ReasonCode::CapabilityMissing))?;
    headers.remove(CAPABILITY);
    let is_bearer = |value: &http::HeaderValue| bearer(value.as_bytes()).is_some();
    if headers.get_all(AUTHORIZATION).iter().any(is_bearer) {
        headers.remove(AUTHORIZATION);
    }
    Ok(token)
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.trim_ascii().split_at_checked(6)?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"bearer")
        && token
            .first()
            .is_none_or(|byte| matches!(byte, b' ' | b'\t'));
    is_bearer.then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::take;
    use crate::types::ReasonCode;

    fn read(fields: &[(&'static str, &'static str)]) -> (Result<String, ReasonCode>, HeaderMap) {
        let mut headers: HeaderMap = fields
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        let token = take(&mut headers);
        let token = token.map(|token| token.expose().clone());
        (token.map_err(|refusal| refusal.code), headers)
    }

    #[test]
    fn finds_it_in_both_places_and_takes_it_out() {
        for fields in [
            &[("authorization", "Bearer t")][..],
            &[("authorization", "bEARER  t ")],
            &[("chaperone-capability", "t")],
            &[("authorization", "Bearer t"), ("chaperone-capability", "t")],
        ] {
            let (token, headers) = read(fields);
            assert_eq!(token.unwrap(), "t");
            assert!(headers.is_empty(), "{headers:?}");
        }
        let (token, headers) = read(&[("authorization", "Basic x"), ("chaperone-capability", "t")]);
        assert_eq!(token.unwrap(), "t");
        assert_eq!(headers.get("authorization").unwrap(), "Basic x");
    }

    #[test]
    fn refuses_none_and_two() {
        let (token, _) = read(&[("authorization", "Basic x")]);
        assert_eq!(token, Err(ReasonCode::CapabilityMissing));
        let (token, _) = read(&[("authorization", "Bearerx")]);
        assert_eq!(token, Err(ReasonCode::CapabilityMissing));
        for fields in [
            [("authorization", "Bearer t"), ("authorization", "Bearer u")],
            [("authorization", "Bearer t"), ("chaperone-capability", "u")],
            [("chaperone-capability", "t"), ("chaperone-capability", "u")],
        ] {
            assert_eq!(read(&fields).0, Err(ReasonCode::CapabilityConflict));
        }
    }
}
