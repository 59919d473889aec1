//! Requests on their way to the app.

use http::{HeaderMap, Request};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::request;
use crate::filter::fixture::Fixture;
use crate::filter::script::{Act, Script, permit};
use crate::filter::{Blocked, End, FilteredBody, Side, Stream};
use crate::policy::treatment::{Action, Class, Kind};
use crate::types::{ReasonCode, Target};

fn fixture() -> Fixture {
    Fixture::new().detector("email", Action::Redact).terms(
        "names",
        Class::Dictionary,
        "Bob Byte",
        Action::Redact,
    )
}

async fn filter(
    fixture: Fixture,
    target: &str,
    headers: &[(&'static str, &str)],
    body: Script,
) -> Result<Request<FilteredBody>, Box<Blocked>> {
    let plan = fixture.plan();
    let mut message = Request::builder().uri(target).body(body).unwrap();
    for (name, value) in headers {
        message.headers_mut().append(*name, value.parse().unwrap());
    }
    let target = Target::parse(target).unwrap();
    request(&permit(&plan), &plan.context, &target, message).await
}

async fn code(target: &str, headers: &[(&'static str, &str)], body: &str) -> Option<ReasonCode> {
    let result = filter(fixture(), target, headers, Script::text(body, 3)).await;
    result.err().map(|blocked| blocked.refusal.code)
}

#[tokio::test]
async fn leaves_good_requests_alone() {
    let text = "a=bob%40shop.example&b=2";
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-length", "24"),
        ("range", "bytes=0-1"),
        ("if-none-match", "\"1\""),
        ("accept-encoding", "sdch"),
        ("cookie", "name=Bob Byte"),
    ];
    let body = Script::text(text, 5).measured();
    let message = filter(fixture(), "/x/bob@shop.example?q=1", &headers, body)
        .await
        .unwrap();
    assert_eq!(
        message.headers()["accept-encoding"],
        "gzip, deflate, br, zstd"
    );
    assert_eq!(message.headers()["content-length"], "24");
    assert!(!message.headers().contains_key("range"));
    assert!(!message.headers().contains_key("if-none-match"));
    assert_eq!(message.body().size_hint().exact(), Some(24));
    let body = message.into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), text);
}

#[tokio::test]
async fn refuses_listed_terms_anywhere() {
    let found = Some(ReasonCode::RequestFinding);
    assert_eq!(code("/u/bob%20byte", &[], "").await, found);
    assert_eq!(code("/u?q=Bob+Byte", &[], "").await, found);
    assert_eq!(code("/u?Bob+Byte=1", &[], "").await, found);
    assert_eq!(
        code("/u", &[("referer", "/?q=bob%20byte")], "").await,
        found
    );
    for name in ["x-a", "x-forwarded-host", "x-forwarded-prefix"] {
        assert_eq!(code("/u", &[(name, "Bob Byte")], "").await, found);
    }
    assert_eq!(
        code("/u", &[("x-forwarded-user", "Bob Byte")], "").await,
        None
    );
    assert_eq!(code("/u", &[], "text of Bob Byte").await, found);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(code("/u", &form, "q=Bob%20Byte").await, found);
    assert_eq!(code("/u", &form, "q=Bob%20Bytes").await, None);
}

#[test]
fn refuses_to_log_names_that_hold_findings() {
    let mut fixture = Fixture::new().terms("names", Class::Dictionary, "Bob", Action::Redact);
    fixture.is_observing = true;
    let plan = fixture.plan();
    let mut stream = Stream::new(&plan, Side::Request, Some(Kind::Form), &[]).unwrap();
    let target = Target::parse("/u?Bob=Bob&x=Bob").unwrap();
    super::head(&target, &mut HeaderMap::new(), stream.inspector_mut()).unwrap();
    stream.write(b"Bob=Bob&x=Bob").unwrap();
    stream.finish().unwrap();
    let findings = stream.report().findings().iter();
    let places: Vec<&str> = findings.map(|finding| &*finding.masked).collect();
    let expected = [
        "query.*", "query.*", "query.x", "form.*", "form.*", "form.x",
    ];
    assert_eq!(places, expected);
}

#[tokio::test]
async fn refuses_bodies_that_it_can_not_read() {
    let unreadable = Some(ReasonCode::RequestUnreadable);
    for headers in [
        &[("content-encoding", "gzip")][..],
        &[
            ("content-type", "text/plain"),
            ("content-type", "text/html"),
        ],
        &[("content-type", "application/json; charset=utf-16")],
    ] {
        assert_eq!(code("/u", headers, "x").await, unreadable, "{headers:?}");
    }
    assert_eq!(
        code("/u", &[("content-encoding", "identity")], "x").await,
        None
    );
}

#[tokio::test]
async fn refuses_bodies_beyond_the_limit() {
    let small = || {
        let mut small = fixture();
        small.limits.request_body = 10;
        small
    };
    for body in [
        Script::text("12345678901", 4),
        Script::text("12345678901", 4).measured(),
    ] {
        let blocked = filter(small(), "/u", &[], body).await.unwrap_err();
        assert_eq!(blocked.refusal.code, ReasonCode::RequestTooLarge);
    }
    let body = Script::text("1234567890", 4);
    assert!(filter(small(), "/u", &[], body).await.is_ok());
    let mut idle = Fixture::new();
    idle.limits.request_body = 10;
    let body = Script::text("12345678901", 4);
    let message = filter(idle, "/u", &[], body).await.unwrap();
    assert!(message.into_body().collect().await.is_err());
}

#[tokio::test]
async fn never_completes_a_bad_request() {
    let long = "x ".repeat(50_000);
    for is_measured in [true, false] {
        let acts = [
            Act::Data(long.clone().into_bytes()),
            Act::Data(b" and Bob Byte".to_vec()),
        ];
        let script = Script::new(acts);
        let (script, length) = if is_measured {
            (script.measured(), Some(long.len() as u64 + 13))
        } else {
            (script, None)
        };
        let message = filter(fixture(), "/u", &[], script).await.unwrap();
        let watch = message.body().watch();
        assert_eq!(message.body().size_hint().exact(), length);
        let mut body = message.into_body();
        let mut came = Vec::new();
        let error = loop {
            match body.frame().await.unwrap() {
                Ok(frame) => came.extend(frame.into_data().unwrap()),
                Err(error) => break error,
            }
        };
        assert!(long.as_bytes().starts_with(&came));
        assert_eq!(error.refusal.code, ReasonCode::RequestFinding);
        assert_eq!(watch.outcome().unwrap().end, End::Refused(error.refusal));
    }
}

#[tokio::test]
async fn refuses_trailers_with_findings() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-note", "Bob Byte".parse().unwrap());
    let acts = [Act::Data(b"x".to_vec()), Act::Trailers(trailers)];
    let blocked = filter(fixture(), "/u", &[], Script::new(acts))
        .await
        .unwrap_err();
    assert_eq!(blocked.refusal.code, ReasonCode::RequestFinding);
}
