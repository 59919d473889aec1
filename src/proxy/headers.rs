//! Fields that concern one connection alone, and those that only the sidecar may set.

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT,
    HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::fence;
use super::spelling::{folded, is_other_spelling, is_rewrite};
use crate::types::{ReasonCode, Refusal, Subject};

const USER: HeaderName = HeaderName::from_static("x-forwarded-user");
const EMAIL: HeaderName = HeaderName::from_static("x-forwarded-email");
const GROUPS: HeaderName = HeaderName::from_static("x-forwarded-groups");
const PREFERRED: HeaderName = HeaderName::from_static("x-forwarded-preferred-username");

/// Hop-by-hop fields beside those that `Connection` names. `Trailer` stays: trailers pass. `Proxy` becomes `HTTP_PROXY` in
/// CGI, the variable by which libraries find a proxy.
const HOP: [HeaderName; 11] = [
    CONNECTION,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy"),
    PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-authentication-info"),
    PROXY_AUTHORIZATION,
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
            // What policy judged is what the app is told: no client takes that out.
            .filter(|name| *name != HOST)
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
    remove_where(headers, is_identity);
    remove_odd(headers);
    if wants_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    headers.insert(USER, value(subject.id())?);
    let first = |attribute| subject.values(attribute).iter().find(|text| is_exact(text));
    if let Some(email) = first("email") {
        headers.insert(EMAIL, value(email)?);
    }
    // A group with a comma in it would read as two, one with a space around it as another one.
    let groups: Vec<&str> = subject
        .values("group")
        .iter()
        .map(AsRef::as_ref)
        .filter(|group: &&str| !group.contains(',') && is_exact(group))
        .collect();
    if !groups.is_empty() {
        headers.insert(GROUPS, value(&groups.join(","))?);
    }
    if let Some(name) = first("preferred_username") {
        headers.insert(PREFERRED, value(name)?);
    }
    Ok(())
}

/// Takes out of a request's trailers what an app that merges them into its head would believe.
pub(super) fn trailers_to_app(trailers: &mut HeaderMap) {
    for name in [
        &super::identity::PROOF,
        &AUTHORIZATION,
        &CONTENT_ENCODING,
        &CONTENT_LENGTH,
        &CONTENT_TYPE,
        &COOKIE,
        &HOST,
    ] {
        trailers.remove(name);
    }
    for name in &HOP {
        trailers.remove(name);
    }
    let is_believed = |name: &str| is_identity(name) || is_rewrite(name) || name == "destination";
    remove_where(trailers, is_believed);
    remove_odd(trailers);
}

/// Takes out of the app's answer what only the sidecar may say, and what speaks to proxies before it or leads a browser astray.
pub(super) fn from_app(headers: &mut HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
        return Err(Refusal::new(ReasonCode::AppProtocol).because("its answer has two lengths"));
    }
    strip_hop(headers);
    remove_where(headers, |name| {
        is_ours(name) || is_echo(name) || is_for_routers(name)
    });
    fence::narrow(headers);
    Ok(())
}

/// Takes out of the trailers of the app's answer what only the sidecar may say.
pub(super) fn trailers_from_app(trailers: &mut HeaderMap) {
    for name in &HOP {
        trailers.remove(name);
    }
    remove_where(trailers, |name| {
        is_ours(name) || is_echo(name) || is_for_routers(name)
    });
    fence::narrow_trailers(trailers);
}

/// Takes out the fields whose folded name `is_meant`.
pub(super) fn remove_where(headers: &mut HeaderMap, is_meant: impl Fn(&str) -> bool) {
    let meant: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_meant(&folded(name.as_str())))
        .cloned()
        .collect();
    for name in meant {
        headers.remove(name);
    }
}

fn is_ours(name: &str) -> bool {
    name == "chaperone" || name.starts_with("chaperone-")
}

/// Fields with which an app, or a sign-on proxy that asked it, would say who the user is. Proxies before the sidecar
/// that copy such fields from an answer must not take the app's word.
fn is_echo(name: &str) -> bool {
    const PREFIXES: [&str; 5] = [
        "x-auth-request-",
        "x-forwarded-email",
        "x-forwarded-group",
        "x-forwarded-preferred-",
        "x-forwarded-user",
    ];
    let name = name.strip_prefix("http-").unwrap_or(name);
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Fields that tell a proxy before the sidecar to send something else than this answer.
fn is_for_routers(name: &str) -> bool {
    matches!(
        name,
        "x-accel-redirect" | "x-accel-expires" | "x-accel-charset" | "x-accel-limit-rate"
    ) || matches!(
        name,
        "x-lighttpd-send-file" | "x-reproxy-url" | "x-sendfile"
    )
}

/// Takes out other spellings of fields that mean something to servers.
fn remove_odd(headers: &mut HeaderMap) {
    let odd: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_other_spelling(name))
        .cloned()
        .collect();
    for name in odd {
        headers.remove(name);
    }
}

/// Whether apps may take the field for an identity. The name is folded: `X_Forwarded_User` reads
/// like `X-Forwarded-User` to many.
pub(super) fn is_identity(name: &str) -> bool {
    const NAMES: [&str; 9] = [
        "auth-user",
        "sm-user",
        "x-authorization",
        "x-email",
        "x-forwarded-access-token",
        "x-forwarded-name",
        "x-forwarded-roles",
        "x-user",
        "x-userid",
    ];
    // The last are those of other sign-on proxies, which an app may have been written for.
    const PREFIXES: [&str; 36] = [
        "remote-",
        "x-auth-",
        "x-authenticated-",
        "x-forwarded-email",
        "x-forwarded-group",
        "x-forwarded-preferred-",
        "x-forwarded-user",
        "x-identity",
        "x-impersonate-",
        "x-remote-",
        "x-user-",
        "x-username",
        "x-webauth-",
        "cf-access-",
        "impersonate-",
        "iv-",
        "oidc-",
        "ssl-client-",
        "tailscale-",
        "x-amzn-oidc-",
        "x-authentik-",
        "x-client-cert",
        "x-consumer-",
        "x-credential-",
        "x-forwarded-client-cert",
        "x-goog-authenticated-",
        "x-goog-iap-",
        "x-jwt-",
        "x-ms-client-principal",
        "x-original-user",
        "x-pomerium-",
        "x-proxy-user",
        "x-ssl-client-",
        "x-sso-",
        "x-token-subject",
        "x-vouch-",
    ];
    let name = name.strip_prefix("http-").unwrap_or(name);
    is_ours(name) || NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether an app reads in a field what was written there: spaces around a value vanish.
fn is_exact(text: &str) -> bool {
    text.trim() == text
}

/// A value as the bytes of its UTF-8.
fn value(text: &str) -> Result<HeaderValue, Refusal> {
    let value = HeaderValue::from_bytes(text.as_bytes()).ok();
    value.filter(|_| is_exact(text)).ok_or_else(|| {
        Refusal::new(ReasonCode::CapabilityInvalid)
            .because("an attribute of the user can't stand in a header")
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::super::spelling::refuse_twins;
    use super::{from_app, to_app, trailers_to_app};
    use crate::types::{ReasonCode, Subject};

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
            ("x.forwarded.user", "bob"),
            ("X!Forwarded$User", "bob"),
            ("Transfer_Encoding", "chunked"),
            ("Proxy-Authorization", "Basic x"),
            ("Proxy", "http://evil.example"),
            ("X-Pomerium-Claim-Email", "bob@shop.example"),
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
            ("Chaperone_Filter", "forged"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "__host-Chaperone=forged; Path=/"),
            ("X-Accel-Redirect", "/internal"),
            ("Alt-Svc", "h2=\":1\""),
        ]);
        from_app(&mut headers).unwrap();
        assert_eq!(headers, map(&[("trailer", "x-sum"), ("set-cookie", "a=1")]));
    }

    #[test]
    fn refuses_to_hand_on_trailers_that_an_app_would_believe() {
        let mut trailers = map(&[
            ("X-Forwarded-User", "bob"),
            ("x_forwarded_user", "bob"),
            ("X-HTTP-Method-Override", "DELETE"),
            ("x_http_method", "DELETE"),
            ("PATH_INFO", "/admin"),
            ("Content-Type", "text/plain"),
            ("content_type", "text/plain"),
            ("Content-Encoding", "gzip"),
            ("Destination", "/admin"),
            ("Host", "other"),
            ("X_Forwarded_For", "::1"),
            ("X-Sum", "7"),
            ("Content-Digest", "sha-256=:AA==:"),
        ]);
        trailers_to_app(&mut trailers);
        let kept = map(&[("x-sum", "7"), ("content-digest", "sha-256=:AA==:")]);
        assert_eq!(trailers, kept);
    }

    #[test]
    fn refuses_answers_with_two_lengths() {
        let mut headers = map(&[("content-length", "3"), ("transfer-encoding", "chunked")]);
        let refusal = from_app(&mut headers).unwrap_err();
        assert_eq!(refusal.code, ReasonCode::AppProtocol);
    }

    /// Names near the borders of what is taken out, refused and left.
    fn name() -> impl proptest::strategy::Strategy<Value = String> {
        let words = [
            "x",
            "forwarded",
            "user",
            "content",
            "type",
            "tenant",
            "chaperone",
            "http",
            "method",
            "-",
        ];
        let word = proptest::sample::select(words.to_vec());
        let sign = proptest::sample::select(vec!["-", "_", ".", "~", ""]);
        let parts = proptest::collection::vec((word, sign), 1..5);
        proptest::strategy::Strategy::prop_map(parts, |parts| {
            parts
                .iter()
                .map(|(word, sign)| format!("{word}{sign}"))
                .collect()
        })
    }

    proptest::proptest! {
        #[test]
        fn normal_heads_are_their_own_normal_form(names in proptest::collection::vec(name(), 0..8)) {
            let alice = Subject::new("alice", []).unwrap();
            let mut headers = HeaderMap::new();
            for name in &names {
                headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static("mallory"));
            }
            if refuse_twins(&headers).is_ok() {
                to_app(&mut headers, &alice).unwrap();
                let once = headers.clone();
                refuse_twins(&headers).unwrap();
                to_app(&mut headers, &alice).unwrap();
                proptest::prop_assert_eq!(&headers, &once);
                // However servers fold names, one of them says who asks, and it is the sidecar's.
                let folded = |name: &HeaderName| name.as_str().replace(['_', '.', '~'], "-");
                let users: Vec<_> = headers.iter().filter(|(name, _)| folded(name) == "x-forwarded-user").collect();
                proptest::prop_assert_eq!(users.len(), 1);
                proptest::prop_assert_eq!(users[0].1, "alice");
                let mut all: Vec<String> = headers.keys().map(folded).collect();
                let count = all.len();
                all.sort_unstable();
                all.dedup();
                proptest::prop_assert_eq!(all.len(), count);
            }
        }
    }
}
