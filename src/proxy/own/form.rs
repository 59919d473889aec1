//! Forms that are sent to the sidecar itself: small, and with one reading.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use zeroize::Zeroize as _;

use super::Asked;
use crate::filter::FilterError;
use crate::types::{ReasonCode, Refusal, Secret};

/// Bytes of a form.
const BYTES: usize = 32 * 1024;
/// Fields of a form.
const FIELDS: usize = 32;

/// The fields of a form. Their values may be secrets.
#[derive(Debug)]
pub(super) struct Form(Vec<(String, Secret<String>)>);

impl Form {
    /// Reads the form in the body of a request.
    ///
    /// # Errors
    /// Refuses a body of another type, one that is coded, large or slow, and a field that stands twice.
    pub(super) async fn read(asked: &mut Asked<'_>) -> Result<Self, Refusal> {
        let malformed = |why: &str| Refusal::new(ReasonCode::RequestMalformed).because(why);
        let kind = asked.headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        let is_form = essence.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        if !is_form || asked.headers.contains_key(CONTENT_ENCODING) {
            return Err(malformed(
                "it is not a form (`application/x-www-form-urlencoded`)",
            ));
        }
        let body = Limited::new(&mut asked.body, BYTES).collect().await;
        let body = body.map_err(|error| {
            if error.is::<LengthLimitError>() {
                return Refusal::new(ReasonCode::RequestTooLarge);
            }
            match error.downcast::<FilterError>() {
                Ok(error) => error.refusal,
                Err(_) => malformed("the request's body broke off"),
            }
        })?;
        let mut bytes = body.to_bytes().to_vec();
        let form = Self::parse(&bytes);
        bytes.zeroize();
        form.ok_or_else(|| malformed("a field stands twice, or there are too many"))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields: Vec<(String, Secret<String>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(bytes) {
            // RFC 6749 section 3.2: parameters must not be included more than once.
            if fields.len() == FIELDS || fields.iter().any(|(known, _)| *known == name) {
                return None;
            }
            fields.push((name.into_owned(), Secret::new(value.into_owned())));
        }
        Some(Self(fields))
    }

    /// The value of one field; an empty one counts as none (RFC 6749 section 3.2).
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.expose().as_str())
            .filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn reads_each_field_once() {
        let form = Form::parse(b"a=1&b=x%20y+z&c=").unwrap();
        assert_eq!(form.value("a"), Some("1"));
        assert_eq!(form.value("b"), Some("x y z"));
        assert_eq!((form.value("c"), form.value("d")), (None, None));
        assert!(Form::parse(b"a=1&%61=2").is_none());
        let many: String = (0..33).map(|at| format!("f{at}=1&")).collect();
        assert!(Form::parse(many.as_bytes()).is_none());
        assert!(!format!("{form:?}").contains("x y z"));
    }
}
