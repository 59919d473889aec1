//! Fields that concern one connection alone, and those that only the sidecar may set.

use http::header::{CONNECTION, EXPECT, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::types::{ReasonCode, Refusal, Subject};

const USER: HeaderName = HeaderName::from_static("x-forwarded-user");
const EMAIL: HeaderName = HeaderName::from_static("x-forwarded-email");
const GROUPS: HeaderName = HeaderName::from_static("x-forwarded-groups");
const PREFERRED: HeaderName = HeaderName::from_static("x-forwarded-preferred-username");

/// Hop-by-hop fields beside those that `Connection` names. `Trailer` stays: trailers pass.
const HOP: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Takes out what was meant for one connection (RFC 9110 section 7.6.1).
pub(super) fn strip_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in &HOP {
        headers.remove(name);
    }
}

/// Makes a request's fields ready for the app: no identity but the subject's, whatever the client wrote.
pub(super) fn to_app(headers: &mut HeaderMap, subject: &Subject) -> Result<(), Refusal> {
    let wants_trailers = headers.get_all(TE).iter().any(|value| {
        let mut options = value.as_bytes().split(|byte| *byte == b',');
        options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"trailers"))
    });
    strip_hop(headers);
    headers.remove(EXPECT);
    let claimed: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_identity(name.as_str()))
        .cloned()
        .collect();
    for name in claimed {
        headers.remove(name);
    }
    if wants_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    headers.insert(USER, value(subject.id())?);
    if let Some(email) = subject.values("email").first() {
        headers.insert(EMAIL, value(email)?);
    }
    // A group with a comma in it would read as two.
    let groups: Vec<&str> = subject
        .values("group")
        .iter()
        .map(AsRef::as_ref)
        .filter(|group: &&str| !group.contains(','))
        .collect();
    if !groups.is_empty() {
        headers.insert(GROUPS, value(&groups.join(","))?);
    }
    if let Some(name) = subject.values("preferred_username").first() {
        headers.insert(PREFERRED, value(name)?);
    }
    Ok(())
}

/// Takes out of the app's answer what only the sidecar may say.
pub(super) fn from_app(headers: &mut HeaderMap) {
    strip_hop(headers);
    let ours: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("chaperone-"))
        .cloned()
        .collect();
    for name in ours {
        headers.remove(name);
    }
}

/// Whether apps may take the field for an identity, in any spelling: `X_Forwarded_User` reads like `X-Forwarded-User` to many.
fn is_identity(name: &str) -> bool {
    let interesting = name.starts_with("x-")
        || name.starts_with("x_")
        || name.starts_with("remote")
        || name.starts_with("chaperone");
    if !interesting {
        return false;
    }
    let name = name.replace('_', "-");
    const NAMES: [&str; 11] = [
        "remote-email",
        "remote-groups",
        "remote-name",
        "remote-user",
        "x-email",
        "x-forwarded-access-token",
        "x-forwarded-email",
        "x-forwarded-group",
        "x-forwarded-groups",
        "x-forwarded-preferred-username",
        "x-user",
    ];
    NAMES.contains(&name.as_str())
        || name.starts_with("chaperone-")
        || name.starts_with("x-auth-")
        || name.starts_with("x-authenticated-")
        || name.starts_with("x-forwarded-user")
        || name.starts_with("x-remote-")
        || name.starts_with("x-user-")
        || name.starts_with("x-webauth-")
}

fn value(text: &str) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| {
        Refusal::new(ReasonCode::CapabilityInvalid)
            .because("an attribute of the user can't stand in a header")
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{from_app, to_app};
    use crate::types::Subject;

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn sets_the_subject_and_nobody_else() {
        let attributes = [
            ("email", "alice@shop.example"),
            ("group", "buyers"),
            ("group", "a,b"),
            ("group", "testers"),
        ];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let alice = Subject::new("alice", attributes).unwrap();
        let mut headers = map(&[
            ("X-Forwarded-User", "bob"),
            ("x_forwarded_user", "bob"),
            ("X-Forwarded_Email", "bob@shop.example"),
            ("X-Auth-Request-User", "bob"),
            ("Remote-User", "bob"),
            ("X-Forwarded-Preferred-Username", "bob"),
            ("Chaperone-Capability", "secret"),
            ("Connection", "close, X-Kept-Secret"),
            ("X-Kept-Secret", "1"),
            ("TE", "trailers, deflate"),
            ("Expect", "100-continue"),
            ("X-Request-Id", "7"),
        ]);
        to_app(&mut headers, &alice).unwrap();
        let expected = map(&[
            ("x-request-id", "7"),
            ("te", "trailers"),
            ("connection", "te"),
            ("x-forwarded-user", "alice"),
            ("x-forwarded-email", "alice@shop.example"),
            ("x-forwarded-groups", "buyers,testers"),
        ]);
        assert_eq!(headers, expected);
    }

    #[test]
    fn refuses_words_in_the_sidecars_name() {
        let mut headers = map(&[
            ("Chaperone-Decision", "forged"),
            ("Connection", "x-gone"),
            ("X-Gone", "1"),
            ("Trailer", "x-sum"),
        ]);
        from_app(&mut headers);
        assert_eq!(headers, map(&[("trailer", "x-sum")]));
    }
}
