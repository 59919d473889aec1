//! Where the capability is carried, and that it is carried once.

use std::sync::Arc;

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::cookie;
use crate::capability::possession::Scheme;
use crate::types::{ReasonCode, Refusal, Secret, Target};

/// The field of proofs of possession.
pub(super) const PROOF: HeaderName = HeaderName::from_static("dpop");

/// Where clients may carry the capability, and the app is told for whom it acts.
pub(super) const CAPABILITY: HeaderName = HeaderName::from_static("chaperone-capability");

/// A capability as it was carried.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) token: Secret<String>,
    pub(super) scheme: Scheme,
    /// It came in a cookie alone: a browser may have added it by itself.
    pub(super) is_cookie: bool,
}

/// Takes the capability out of a request's fields. An `Authorization` of another scheme is the app's own.
///
/// The cookie stays until [`Copies::remove_cookies`] takes out all of the sidecar's.
pub(super) fn take(headers: &mut HeaderMap) -> Result<Carried, Refusal> {
    let mut found: Option<(Secret<String>, Scheme)> = None;
    let mut is_cookie = true;
    let schemes = headers
        .get_all(AUTHORIZATION)
        .iter()
        .filter_map(|value| authorized(value.as_bytes()));
    let named = headers
        .get_all(CAPABILITY)
        .iter()
        .map(|value| (value.as_bytes().trim_ascii(), Scheme::Named));
    let said = schemes.chain(named).map(|said| (said, false));
    let kept = cookie::values(headers, cookie::SESSION).map(|bytes| ((bytes, Scheme::Named), true));
    for ((bytes, scheme), is_kept) in said.chain(kept) {
        is_cookie &= is_kept;
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Refusal::new(ReasonCode::CapabilityInvalid).because("it is not text"))?;
        match &found {
            None => found = Some((Secret::new(text.to_owned()), scheme)),
            // `Authorization`, which comes first, says how it is sent; it can't say it in two ways.
            Some((first, known)) if first.expose() == text => {
                if *known != scheme && scheme != Scheme::Named {
                    return Err(Refusal::new(ReasonCode::CapabilityConflict));
                }
            }
            Some(_) => return Err(Refusal::new(ReasonCode::CapabilityConflict)),
        }
    }
    let found = found.ok_or_else(|| Refusal::new(ReasonCode::CapabilityMissing))?;
    headers.remove(CAPABILITY);
    let is_ours = |value: &HeaderValue| authorized(value.as_bytes()).is_some();
    if headers.get_all(AUTHORIZATION).iter().any(is_ours) {
        headers.remove(AUTHORIZATION);
    }
    let (token, scheme) = found;
    Ok(Carried {
        token,
        scheme,
        is_cookie,
    })
}

/// Takes the proofs (RFC 9449) out of a request's fields, which no app sees.
pub(super) fn proofs(headers: &mut HeaderMap) -> Vec<Box<str>> {
    let proofs = headers.get_all(PROOF).iter();
    let proofs = proofs.map(|value| value.to_str().unwrap_or_default().trim().into());
    let proofs = proofs.collect();
    headers.remove(PROOF);
    proofs
}

/// The text of a capability, to be found wherever else a client has put it.
#[derive(Clone, Debug)]
pub(super) struct Copies(Option<Arc<Secret<String>>>);

impl Copies {
    /// Looks for copies of `token`, with or without its padding and scheme.
    pub(super) fn of(token: &Arc<Secret<String>>) -> Self {
        Self(Some(Arc::clone(token)))
    }

    /// Looks for nothing: no capability was shown.
    pub(super) fn none() -> Self {
        Self(None)
    }

    fn is_in(&self, text: &[u8]) -> bool {
        let Some(token) = &self.0 else {
            return false;
        };
        let token = token.expose().trim_end_matches('=');
        let token = token.strip_prefix("biscuit:").unwrap_or(token).as_bytes();
        // What is shorter, which most is, needs no searcher to be made of the token.
        !token.is_empty()
            && text.len() >= token.len()
            && memchr::memmem::find(text, token).is_some()
    }

    /// Whether the target says the capability: such a request can't be forwarded.
    pub(super) fn are_in_target(&self, target: &Target) -> bool {
        let query = target
            .query()
            .iter()
            .flat_map(|(name, value)| [name, value]);
        self.is_in(target.as_str().as_bytes())
            || target
                .segments()
                .iter()
                .chain(query)
                .any(|part| self.is_in(part.as_bytes()))
    }

    /// Takes out every field that holds a copy.
    pub(super) fn remove(&self, headers: &mut HeaderMap) {
        let holding: Vec<HeaderName> = headers
            .iter()
            .filter(|(_, value)| self.is_in(value.as_bytes()))
            .map(|(name, _)| name.clone())
            .collect();
        for name in holding {
            headers.remove(name);
        }
    }

    /// Makes one field of all cookies (RFC 9113 section 8.2.3), without the sidecar's own and copies of a capability. One
    /// field in which none of these stands stays as it came.
    pub(super) fn remove_cookies(&self, headers: &mut HeaderMap) {
        if !headers.contains_key(COOKIE) {
            return;
        }
        let mut kept: Vec<u8> = Vec::new();
        let mut is_whole = headers.get_all(COOKIE).iter().count() == 1;
        let fields = headers.get_all(COOKIE).iter();
        let cookies = fields.flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
        for cookie in cookies.map(<[u8]>::trim_ascii) {
            if cookie::is_ours(cookie) || self.is_in(cookie) {
                is_whole = false;
                continue;
            }
            if cookie.is_empty() {
                continue;
            }
            if !kept.is_empty() {
                kept.extend_from_slice(b"; ");
            }
            kept.extend_from_slice(cookie);
        }
        if is_whole {
            return;
        }
        headers.remove(COOKIE);
        if let Some(value) = HeaderValue::from_bytes(&kept)
            .ok()
            .filter(|_| !kept.is_empty())
        {
            headers.insert(COOKIE, value);
        }
    }
}

/// The capability in an `Authorization`, if its scheme is one of ours.
fn authorized(value: &[u8]) -> Option<(&[u8], Scheme)> {
    let value = value.trim_ascii();
    let end = value.iter().position(|byte| matches!(byte, b' ' | b'\t'));
    let (name, token) = value.split_at_checked(end.unwrap_or(value.len()))?;
    let scheme = match name.to_ascii_lowercase().as_slice() {
        b"bearer" => Scheme::Bearer,
        b"dpop" => Scheme::Dpop,
        _ => return None,
    };
    Some((token.trim_ascii(), scheme))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{Copies, take};
    use crate::types::{ReasonCode, Secret, Target};

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
        let token = token.map(|carried| carried.token.expose().clone());
        (token.map_err(|refusal| refusal.code), headers)
    }

    #[test]
    fn finds_it_in_both_places_and_takes_it_out() {
        for fields in [
            &[("authorization", "Bearer t")][..],
            &[("authorization", "bEARER  t ")],
            &[("authorization", "DPoP t")],
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
    fn tells_a_cookie_from_what_only_a_client_itself_can_say() {
        let carried = |fields: &[(&'static str, &'static str)]| {
            let mut headers: HeaderMap = fields
                .iter()
                .map(|(name, value)| {
                    (
                        HeaderName::from_static(name),
                        HeaderValue::from_static(value),
                    )
                })
                .collect();
            take(&mut headers)
                .map(|carried| (carried.token.expose().clone(), carried.is_cookie))
                .map_err(|refusal| refusal.code)
        };
        const COOKIE: (&str, &str) = ("cookie", "a=1; __Host-chaperone=t");
        assert_eq!(carried(&[COOKIE]), Ok(("t".to_owned(), true)));
        assert_eq!(carried(&[COOKIE, COOKIE]), Ok(("t".to_owned(), true)));
        for said in [("authorization", "Bearer t"), ("chaperone-capability", "t")] {
            assert_eq!(carried(&[COOKIE, said]), Ok(("t".to_owned(), false)));
        }
        for other in [
            ("authorization", "Bearer u"),
            ("chaperone-capability", "u"),
            ("cookie", "__Host-chaperone=u"),
        ] {
            assert_eq!(
                carried(&[COOKIE, other]),
                Err(ReasonCode::CapabilityConflict)
            );
        }
        let missing = Err(ReasonCode::CapabilityMissing);
        assert_eq!(
            carried(&[("cookie", "__Host-chaperone=; __host-chaperone=t")]),
            missing
        );
    }

    #[test]
    fn refuses_to_pass_copies() {
        let copies = Copies::of(&Arc::new(Secret::new("biscuit:abc==".to_owned())));
        let mut headers: HeaderMap = [
            ("cookie", "a=1; __Host-Chaperone=other;b=abc"),
            ("cookie", "c=2"),
            ("referer", "http://x/?t=abc%3D%3D"),
            ("x-kept", "ab c"),
        ]
        .into_iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect();
        copies.remove_cookies(&mut headers);
        copies.remove(&mut headers);
        assert_eq!(headers.len(), 2);
        assert_eq!(headers["cookie"], "a=1; c=2");
        for (target, is_found) in [("/a?t=%61bc", true), ("/abc%3D", true), ("/a?t=ab", false)] {
            let target = Target::parse(target).unwrap();
            assert_eq!(copies.are_in_target(&target), is_found, "{target}");
        }
    }

    #[test]
    fn leaves_cookies_alone_where_none_is_ours() {
        let copies = Copies::of(&Secret::new("abc".to_owned()).into());
        for (cookies, expected) in [
            (&["a=1;b=2;; c=\"3\" ;"][..], "a=1;b=2;; c=\"3\" ;"),
            (&["a=1;b=2", "c=3"], "a=1; b=2; c=3"),
            (&["a=1;__Host-chaperone=t;b=2"], "a=1; b=2"),
        ] {
            let mut headers = HeaderMap::new();
            for cookie in cookies {
                headers.append("cookie", HeaderValue::from_static(cookie));
            }
            copies.remove_cookies(&mut headers);
            assert_eq!(headers.len(), 1);
            assert_eq!(headers["cookie"], expected);
        }
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
            [("authorization", "Bearer t"), ("authorization", "DPoP t")],
        ] {
            assert_eq!(read(&fields).0, Err(ReasonCode::CapabilityConflict));
        }
    }
}
