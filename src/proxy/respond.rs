//! Reasons become answers: the only file of the data path that names status codes.

use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{
    ACCEPT, ALLOW, AUTHORIZATION, CONNECTION, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use maud::html;
use serde::Serialize;

use super::cors::Preflight;
use super::fence::{self, Csp};
use super::identity::CAPABILITY;
use super::{cookie, page};
use crate::transport::Malformed;
use crate::types::{DecisionId, ReasonCode, Refusal};

pub(super) const DECISION: HeaderName = HeaderName::from_static("chaperone-decision");
pub(super) const FILTER: HeaderName = HeaderName::from_static("chaperone-filter");

/// What ran where nothing of the policy's rules did.
pub(super) static NO_FILTER: HeaderValue = HeaderValue::from_static("none");

/// The status that a client is told for a reason.
#[must_use]
pub fn status(code: ReasonCode) -> StatusCode {
    use ReasonCode as Code;
    match code {
        Code::AmbiguousRequest | Code::CapabilityConflict | Code::RequestMalformed => {
            StatusCode::BAD_REQUEST
        }
        Code::CapabilityExpired
        | Code::CapabilityForbids
        | Code::CapabilityInvalid
        | Code::CapabilityMissing
        | Code::CapabilityRevoked
        | Code::CapabilityTooLarge
        | Code::ProofInvalid => StatusCode::UNAUTHORIZED,
        Code::ApprovalMissing
        | Code::BindingInvalid
        | Code::CrossOriginRequest
        | Code::DeniedRoute
        | Code::DetectorBlock
        | Code::Embargo
        | Code::ForeignRecord
        | Code::LoginFailed
        | Code::NoRoute
        | Code::NotAuthorized
        | Code::NotInAudience
        | Code::NotOwner
        | Code::PageOutdated
        | Code::PodPinned
        | Code::PreflightRefused
        | Code::RequestFinding
        | Code::RequestForeignRecord
        | Code::RevisionMismatch
        | Code::ServiceWorkerRefused
        | Code::TicketInvalid
        | Code::UpgradeRefused
        | Code::WriteNotCleared => StatusCode::FORBIDDEN,
        Code::Misdirected => StatusCode::MISDIRECTED_REQUEST,
        Code::EndpointUnknown | Code::Hidden => StatusCode::NOT_FOUND,
        Code::TicketSpent => StatusCode::GONE,
        Code::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        Code::TargetTooLong => StatusCode::URI_TOO_LONG,
        Code::VersionUnsupported => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        Code::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::RequestUnreadable => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Code::AnswerMalformed
        | Code::AnswerTooDeep
        | Code::AnswerTruncated
        | Code::AppProtocol
        | Code::AppUnreachable
        | Code::CodingBomb
        | Code::CodingUnsupported
        | Code::LoginUnavailable
        | Code::NothingSelected
        | Code::RecordTooLarge
        | Code::StringTooLong
        | Code::TypeUnsupported => StatusCode::BAD_GATEWAY,
        Code::AuditUnavailable
        | Code::CapabilityUndecided
        | Code::Draining
        | Code::IssuerKeysStale
        | Code::Overloaded
        | Code::RevocationsStale
        | Code::TicketUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::TooManyFailures => StatusCode::TOO_MANY_REQUESTS,
        Code::AppTimeout => StatusCode::GATEWAY_TIMEOUT,
    }
}

/// What an answer depends on beside the refusal.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) is_connect: bool,
    pub(super) is_html: bool,
    /// One request follows another on its connection (HTTP/1), each where the one before is taken to end.
    pub(super) is_serial: bool,
    /// Where a browser that has no capability is led to get one.
    pub(super) login: Option<String>,
}

impl Asked {
    pub(super) fn of(head: &http::request::Parts) -> Self {
        Self {
            is_connect: head.method == http::Method::CONNECT,
            is_html: prefers_html(&head.headers),
            is_serial: head.version != http::Version::HTTP_2,
            login: None,
        }
    }

    /// The same, led to `login` where a user opens a page, and shows no capability but a browser's cookie.
    pub(super) fn led_to(mut self, head: &http::request::Parts, login: Option<String>) -> Self {
        let shows_one =
            head.headers.contains_key(AUTHORIZATION) || head.headers.contains_key(CAPABILITY);
        let is_page = self.is_html && head.method == http::Method::GET;
        self.login = login.filter(|_| is_page && !shows_one && !cookie::is_script(&head.headers));
        self
    }
}

/// The answer to a refused request.
pub(super) fn refusal(refusal: &Refusal, id: DecisionId, asked: &Asked) -> Response<Bytes> {
    let code = refusal.code;
    let is_curable = matches!(
        code,
        ReasonCode::CapabilityMissing | ReasonCode::CapabilityExpired
    );
    let login = asked.login.as_deref().filter(|_| is_curable);
    if let Some(place) = login.and_then(|place| HeaderValue::try_from(place).ok()) {
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = StatusCode::SEE_OTHER;
        answer.headers_mut().insert(LOCATION, place);
        sign(answer.headers_mut(), id, &NO_FILTER, &[]);
        return answer;
    }
    let status = match code {
        ReasonCode::UpgradeRefused if asked.is_connect => StatusCode::METHOD_NOT_ALLOWED,
        code => status(code),
    };
    // A hidden answer must look like one that isn't there: it says nothing but that.
    let is_hidden = code == ReasonCode::Hidden;
    let (body, kind) = if asked.is_html {
        (explanation(refusal, status, id), "text/html; charset=utf-8")
    } else {
        (problem(refusal, status, id), "application/problem+json")
    };
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if asked.is_html {
        page::protect(headers);
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, challenge(code));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(
            ALLOW,
            HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        );
    }
    let is_later = [
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    if is_later.contains(&status) && !is_hidden {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if asked.is_serial && code == ReasonCode::AmbiguousRequest {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    sign(headers, id, &NO_FILTER, &[]);
    answer
}

/// The answer to a preflight that the policy allows.
pub(super) fn preflight(preflight: &Preflight, id: DecisionId) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    sign(headers, id, &NO_FILTER, &[]);
    preflight.allow(headers);
    answer
}

/// The public keys with which the sidecar speaks to the app: whoever verifies that needs no capability.
pub(super) fn keys(jwks: &str, id: DecisionId) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::copy_from_slice(jwks.as_bytes()));
    let headers = answer.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/jwk-set+json"),
    );
    sign(headers, id, &NO_FILTER, &[]);
    answer
}

/// The refusal of a request, or of what was taken for one, that is malformed.
pub(super) fn unreadable(malformed: Malformed) -> Refusal {
    let code = match malformed {
        Malformed::Cut => ReasonCode::RequestMalformed,
        Malformed::HeadTooLarge | Malformed::TooManyFields => ReasonCode::HeadTooLarge,
        Malformed::Late => ReasonCode::RequestTimeout,
        Malformed::TargetTooLong => ReasonCode::TargetTooLong,
        Malformed::VersionUnsupported => ReasonCode::VersionUnsupported,
        _ => ReasonCode::AmbiguousRequest,
    };
    Refusal::new(code).because(malformed.to_string())
}

/// An answer as HTTP/1.1 writes it; the connection closes after it.
pub(super) fn message(answer: &Response<Bytes>) -> Vec<u8> {
    let status = answer.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut message = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
    for (name, value) in answer.headers() {
        message.extend_from_slice(name.as_str().as_bytes());
        message.extend_from_slice(b": ");
        message.extend_from_slice(value.as_bytes());
        message.extend_from_slice(b"\r\n");
    }
    let length = answer.body().len();
    let tail = format!("content-length: {length}\r\nconnection: close\r\n\r\n");
    message.extend_from_slice(tail.as_bytes());
    message.extend_from_slice(answer.body());
    message
}

/// The answer when not even a decision can be named.
pub(super) fn speechless() -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status(ReasonCode::Internal);
    fence::put_up(answer.headers_mut(), &[]);
    answer.headers_mut().insert(FILTER, NO_FILTER.clone());
    answer
}

/// What every answer carries: the decision's id, the kinds of rules that ran, and the fence for browsers.
pub(super) fn sign(headers: &mut HeaderMap, id: DecisionId, filter: &HeaderValue, csp: &Csp) {
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        headers.insert(DECISION, id);
    }
    headers.insert(FILTER, filter.clone());
    fence::put_up(headers, csp);
}

fn challenge(code: ReasonCode) -> HeaderValue {
    // RFC 6750 section 3.1: a request without any token is told no error.
    HeaderValue::from_static(match code {
        ReasonCode::CapabilityMissing => r#"Bearer realm="chaperone""#,
        // RFC 9449 section 7.1.
        ReasonCode::ProofInvalid => {
            r#"DPoP realm="chaperone", error="invalid_dpop_proof", algs="ES256 EdDSA PS256 RS256""#
        }
        ReasonCode::CapabilityExpired => {
            r#"Bearer realm="chaperone", error="invalid_token", error_description="the capability has expired""#
        }
        _ => r#"Bearer realm="chaperone", error="invalid_token""#,
    })
}

/// RFC 9457, with members of our own.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    code: ReasonCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'static str>,
    decision: String,
}

fn problem(refusal: &Refusal, status: StatusCode, id: DecisionId) -> String {
    let code = refusal.code;
    let is_hidden = code == ReasonCode::Hidden;
    let origin = refusal.origin.as_ref().filter(|_| !is_hidden);
    let problem = Problem {
        r#type: format!("urn:chaperone:reason:{code}"),
        title: sentence(code.summary()),
        status: status.as_u16(),
        detail: refusal.detail.as_deref().filter(|_| !is_hidden),
        code,
        rule: origin.map(|origin| &*origin.rule),
        policy: origin.map(|origin| format!("{}:{}", origin.file, origin.line)),
        note: refusal.note.as_deref().filter(|_| !is_hidden),
        remedy: Some(code.remedy()),
        decision: id.to_string(),
    };
    // Plain words and numbers always have a JSON form; a client is better off with none than with half.
    serde_json::to_string(&problem).unwrap_or_default()
}

fn explanation(refusal: &Refusal, status: StatusCode, id: DecisionId) -> String {
    let code = refusal.code;
    let is_hidden = code == ReasonCode::Hidden;
    let origin = refusal.origin.as_ref().filter(|_| !is_hidden);
    let title = sentence(code.summary());
    let body = html! {
        dl {
            @if let Some(note) = refusal.note.as_deref().filter(|_| !is_hidden) { dt { "Why" } dd { (note) } }
            @if let Some(detail) = refusal.detail.as_deref().filter(|_| !is_hidden) { dt { "Exactly" } dd { (detail) } }
            @if let Some(origin) = origin {
                dt { "Rule" } dd { (origin.rule) " (" (origin.file) ":" (origin.line) ")" }
            }
            dt { "What to do" } dd {
                (sentence(code.remedy()))
                @if is_about_user(code) { " " a href=(SIGN_OUT) { "Sign out" } " to come back as somebody else." }
            }
            dt { "Reason" } dd { code { (code) } " (" (status.as_u16()) ")" }
            dt { "Decision" } dd { code { (id) } }
        }
    };
    page::page(&title, &body)
}

/// Where a browser gives up its capability.
const SIGN_OUT: &str = "/.well-known/chaperone/sign-out";

/// Whether another user might be let in.
fn is_about_user(code: ReasonCode) -> bool {
    use ReasonCode as Code;
    matches!(
        code,
        Code::CapabilityForbids
            | Code::CapabilityInvalid
            | Code::CapabilityRevoked
            | Code::NotAuthorized
            | Code::NotInAudience
            | Code::PodPinned
    )
}

fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Whether `Accept` names HTML, and likes it better than JSON.
fn prefers_html(headers: &HeaderMap) -> bool {
    static JSON: LazyLock<[&str; 3]> = LazyLock::new(|| {
        [
            "application/problem+json",
            "application/json",
            "application/*",
        ]
    });
    let mut html: Option<f32> = None;
    let mut json: f32 = 0.0;
    let fields = headers.get_all(ACCEPT).iter();
    for part in fields
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
    {
        let mut pieces = part.split(';').map(str::trim);
        let kind = pieces.next().unwrap_or_default().to_ascii_lowercase();
        let weight = pieces
            .find_map(|piece| piece.strip_prefix("q="))
            .and_then(|weight| weight.parse().ok())
            .unwrap_or(1.0);
        if kind == "text/html" || kind == "application/xhtml+xml" {
            html = Some(html.map_or(weight, |known| known.max(weight)));
        } else if JSON.contains(&&*kind) {
            json = json.max(weight);
        }
    }
    html.is_some_and(|html| html > 0.0 && html >= json)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{HeaderMap, HeaderValue, header::ACCEPT};

    use super::{Asked, prefers_html, refusal, status};
    use crate::types::{DecisionId, Origin, ReasonCode, Refusal};

    fn denied() -> Refusal {
        let origin = Origin {
            rule: Arc::from("* /admin/**"),
            file: Arc::from("policy.yaml"),
            line: 17,
        };
        Refusal::new(ReasonCode::DeniedRoute)
            .by(&origin)
            .noting("Admin <pages>")
    }

    #[test]
    fn says_it_in_json() {
        let id = DecisionId::random().unwrap();
        let asked = Asked {
            is_connect: false,
            is_html: false,
            is_serial: false,
            login: None,
        };
        let answer = refusal(&denied(), id, &asked);
        assert_eq!(answer.status(), 403);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(answer.headers()["chaperone-decision"], id.to_string());
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        let expected = serde_json::json!({
            "type": "urn:chaperone:reason:denied-route",
            "title": "The policy denies this route",
            "status": 403,
            "code": "denied-route",
            "rule": "* /admin/**",
            "policy": "policy.yaml:17",
            "note": "Admin <pages>",
            "remedy": "ask the policy's owners if it should be open",
            "decision": id.to_string(),
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn says_it_in_html_without_letting_words_become_markup() {
        let asked = Asked {
            is_connect: false,
            is_html: true,
            is_serial: false,
            login: None,
        };
        let answer = refusal(&denied(), DecisionId::random().unwrap(), &asked);
        let page = String::from_utf8(answer.body().to_vec()).unwrap();
        assert!(
            page.contains("Admin &lt;pages&gt;") && page.contains("policy.yaml:17"),
            "{page}"
        );
    }

    #[test]
    fn challenges_those_without_a_capability() {
        let asked = Asked {
            is_connect: false,
            is_html: false,
            is_serial: false,
            login: None,
        };
        let missing = Refusal::new(ReasonCode::CapabilityMissing);
        let answer = refusal(&missing, DecisionId::random().unwrap(), &asked);
        assert_eq!(answer.status(), 401);
        assert_eq!(
            answer.headers()["www-authenticate"],
            "Bearer realm=\"chaperone\""
        );
    }

    #[test]
    fn knows_browsers() {
        for (accept, is_html) in [
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                true,
            ),
            ("application/json, text/html;q=0.5", false),
            ("*/*", false),
            ("text/html;q=0", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(prefers_html(&headers), is_html, "{accept}");
        }
    }

    #[test]
    fn has_an_error_status_for_every_reason() {
        for code in ReasonCode::ALL {
            assert!(status(*code).is_client_error() || status(*code).is_server_error());
        }
    }
}
