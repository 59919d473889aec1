//! Pages of other origins (the Fetch standard's CORS protocol): the sidecar answers preflights itself, from the route's `cors`.
//!
//! INVARIANT: no preflight reaches the app, and nothing that the app says about it reaches the browser. Credentials that
//! the browser adds by itself are never let across: whoever asks must hold the capability.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::normalise::METHOD;
use crate::types::{ReasonCode, Refusal};

/// What pages of other origins may read beside what the standard lets them: what every answer says of itself.
const EXPOSED: &str = "chaperone-decision, chaperone-filter, etag";

/// What a browser asks before it sends a request of another origin's page.
#[derive(Debug)]
pub(super) struct Preflight {
    origin: HeaderValue,
    /// The method of the request to come.
    pub(super) method: Method,
    /// The fields that it will carry.
    fields: Vec<HeaderName>,
}

impl Preflight {
    /// Reads a request that is a preflight; none where it is another one.
    ///
    /// # Errors
    /// Refuses a preflight that can't be read in one way.
    pub(super) fn of(method: &Method, headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        if *method != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return Ok(None);
        }
        let preflight = Self::read(headers);
        preflight.map(Some).ok_or_else(Self::refused)
    }

    fn read(headers: &HeaderMap) -> Option<Self> {
        let method = only(headers, &ACCESS_CONTROL_REQUEST_METHOD)?.as_bytes();
        let fields = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
        let fields = fields.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        let fields = fields
            .map(<[u8]>::trim_ascii)
            .filter(|name| !name.is_empty());
        Some(Self {
            origin: only(headers, &ORIGIN)?.clone(),
            method: Method::from_bytes(method)
                .ok()
                .filter(|_| method.len() <= METHOD)?,
            fields: fields
                .map(|name| HeaderName::from_bytes(name).ok())
                .collect::<Option<_>>()?,
        })
    }

    /// Whose page asks.
    pub(super) fn origin(&self) -> &str {
        self.origin.to_str().unwrap_or_default()
    }

    /// The refusal of one that no `cors` allows.
    pub(super) fn refused() -> Refusal {
        Refusal::new(ReasonCode::PreflightRefused)
    }

    /// Says yes in an answer's head, to what was asked and no more.
    pub(super) fn allow(&self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.origin.clone());
        if let Ok(method) = HeaderValue::from_str(self.method.as_str()) {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, method);
        }
        let names: Vec<&str> = self.fields.iter().map(HeaderName::as_str).collect();
        if let (false, Ok(names)) = (names.is_empty(), HeaderValue::from_str(&names.join(", "))) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names);
        }
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
}

/// The origin of the page that a request comes from, where it names one.
pub(super) fn origin(headers: &HeaderMap) -> Option<HeaderValue> {
    only(headers, &ORIGIN).cloned()
}

/// Lets pages of `origin` read an answer, where `cors` names it; what the answer depends on is said either way.
pub(super) fn share(headers: &mut HeaderMap, cors: &[Box<str>], origin: Option<HeaderValue>) {
    if cors.is_empty() {
        return;
    }
    headers.append(VARY, HeaderValue::from_static("origin"));
    let named = origin.filter(|origin| {
        cors.iter()
            .any(|known| known.as_bytes() == origin.as_bytes())
    });
    if let Some(origin) = named {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(EXPOSED),
        );
    }
}

/// The field's value, where there is exactly one.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    use super::{Preflight, share};
    use crate::types::ReasonCode;

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        let field = |(name, value): &(&str, &str)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn knows_preflights_from_other_requests() {
        let asks = [
            ("origin", "https://a.example"),
            ("access-control-request-method", "PUT"),
        ];
        let is_one = |method: Method, fields: &[(&str, &str)]| {
            Preflight::of(&method, &map(fields)).unwrap().is_some()
        };
        assert!(is_one(Method::OPTIONS, &asks));
        assert!(!is_one(Method::GET, &asks));
        assert!(!is_one(Method::OPTIONS, &asks[..1]));
    }

    #[test]
    fn refuses_preflights_with_two_readings() {
        const ORIGIN: (&str, &str) = ("origin", "https://a.example");
        const METHOD: (&str, &str) = ("access-control-request-method", "PUT");
        const FIELDS: &str = "access-control-request-headers";
        for fields in [
            &[METHOD][..],
            &[ORIGIN, ORIGIN, METHOD],
            &[ORIGIN, METHOD, METHOD],
            &[ORIGIN, ("access-control-request-method", "")],
            &[ORIGIN, ("access-control-request-method", "PUT, GET")],
            &[ORIGIN, METHOD, (FIELDS, "x y")],
            &[ORIGIN, METHOD, (FIELDS, "a"), (FIELDS, "b:c")],
        ] {
            let refusal = Preflight::of(&Method::OPTIONS, &map(fields)).unwrap_err();
            assert_eq!(refusal.code, ReasonCode::PreflightRefused, "{fields:?}");
        }
        let long = "X".repeat(33);
        let fields = [ORIGIN, ("access-control-request-method", long.as_str())];
        assert!(Preflight::of(&Method::OPTIONS, &map(&fields)).is_err());
    }

    #[test]
    fn shares_answers_with_named_origins_alone() {
        let cors: [Box<str>; 1] = ["https://a.example".into()];
        let told = |origin: Option<&'static str>| {
            let mut headers = map(&[("vary", "accept")]);
            share(&mut headers, &cors, origin.map(HeaderValue::from_static));
            assert_eq!(headers.get_all("vary").iter().count(), 2);
            headers.contains_key("access-control-allow-origin")
        };
        assert!(told(Some("https://a.example")));
        for origin in [
            "https://A.example",
            "https://a.example:443",
            "null",
            "*",
            "",
        ] {
            assert!(!told(Some(origin)), "{origin}");
        }
        assert!(!told(None));
        let mut headers = HeaderMap::new();
        share(
            &mut headers,
            &[],
            Some(HeaderValue::from_static("https://a.example")),
        );
        assert!(headers.is_empty());
    }
}
