//! Requests on their way to the app.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::request;
use crate::filter::fixture::Fixture;
use crate::filter::flow::{Engine, Flow};
use crate::filter::hold;
use crate::filter::script::{Act, Script, permit};
use crate::filter::{Blocked, End, FilteredBody, Side, Stream};
use crate::json::Selector;
use crate::policy::treatment::{Action, Class, Kind, Others, RecordRule, Select};
use crate::types::{Control, ReasonCode, Target};

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
    request(&permit(&plan), &plan.context, &target, &[], message).await
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
        ("cookie", "name=Bob Bytes; id=1"),
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
    for cookie in [
        "a=1; b=Bob Byte",
        "Bob Byte=1",
        "b=\"Bob%20Byte\"",
        "b=Bob+Byte",
        "b=Bob%2520Byte",
        "b=%42ob%2BByte",
    ] {
        assert_eq!(
            code("/u", &[("cookie", cookie)], "").await,
            found,
            "{cookie}"
        );
    }
    for cookie in ["a=Bob; b=Byte", "a=Bob%2DBytes", "a; ;=;"] {
        assert_eq!(
            code("/u", &[("cookie", cookie)], "").await,
            None,
            "{cookie}"
        );
    }
    for target in [
        "/u?q=Bob%2520Byte",
        "/u?q=Bob%252BByte",
        "/u?a=1;q=Bob+Byte",
        "/u?a=Bob%20Byte=1",
    ] {
        assert_eq!(code(target, &[], "").await, found, "{target}");
    }
    let json = [("content-type", "application/json")];
    for body in [
        r#"{"a":["\u0042ob Byte"]}"#,
        r#"{"Bob Byte":1}"#,
        r#""/?q=Bob%20Byte""#,
    ] {
        assert_eq!(code("/u", &json, body).await, found, "{body}");
    }
    let lines = [("content-type", "application/x-ndjson")];
    assert_eq!(
        code("/u", &lines, "{}\n{\"a\":\"Bob Byte\"}\n").await,
        found
    );
    assert_eq!(code("/u", &[], "text of Bob Byte").await, found);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(code("/u", &form, "q=Bob%20Byte").await, found);
    assert_eq!(code("/u", &form, "q=Bob%20Bytes").await, None);
    assert_eq!(code("/u", &[], "q=Bob%20Byte").await, found);
    assert_eq!(code("/u", &[], "q=Bob%20Bytes").await, None);
    let long = "x".repeat(3 << 20);
    let passed = filter(fixture(), "/u", &[], Script::text(&long, 60_000)).await;
    let passed = passed.unwrap().into_body().collect().await.unwrap();
    assert_eq!(passed.to_bytes(), long);
    let long = filter(
        fixture(),
        "/u",
        &[],
        Script::text(&format!("{long} Bob Byte"), 60_000),
    )
    .await;
    assert!(long.unwrap().into_body().collect().await.is_err());
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
    let png = [("content-type", "image/png")];
    let message = filter(idle, "/u", &png, body).await.unwrap();
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

#[tokio::test]
async fn refuses_no_session_for_its_credential() {
    let keyed = || {
        let fixture = Fixture::new().detector("jwt", Action::Block);
        fixture.control(Control::Credential)
    };
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    let cookie = format!("session={token}");
    let passed = filter(keyed(), "/u", &[("cookie", &cookie)], Script::text("", 1)).await;
    assert!(passed.is_ok());
    let blocked = filter(keyed(), "/u", &[("x-note", token)], Script::text("", 1)).await;
    assert_eq!(
        blocked.unwrap_err().refusal.code,
        ReasonCode::RequestFinding
    );
}

/// What becomes of a request with `body` on a route with the owner rule `select`, `owner`, for the user `u-ann`.
async fn owned(
    select: &str,
    owner: &[&str],
    kind: &'static str,
    body: &str,
) -> Result<String, ReasonCode> {
    let mut results = Vec::new();
    for size in [1, 7, 1000] {
        let fixture = with_rule(select, owner, false);
        let headers = [("content-type", kind)];
        let message = filter(fixture, "/u", &headers, Script::text(body, size)).await;
        results.push(match message {
            Ok(message) => {
                // All of it is there: nothing of it waits for a later verdict.
                assert_eq!(message.body().whole(), Some(body.len()));
                let body = message.into_body().collect().await.unwrap().to_bytes();
                Ok(String::from_utf8(body.to_vec()).unwrap())
            }
            Err(blocked) => Err(blocked.refusal.code),
        });
    }
    results.dedup();
    assert_eq!(results.len(), 1, "{body}");
    results.pop().unwrap()
}

fn with_rule(select: &str, owner: &[&str], is_optional: bool) -> Fixture {
    let mut fixture = Fixture::new();
    let select = match select {
        "anywhere" => Select::Anywhere,
        path => Select::Path(Selector::parse(path).unwrap()),
    };
    fixture.treatment.request = Some(Arc::new(RecordRule {
        origin: fixture.treatment.origin.clone(),
        select,
        owner: owner
            .iter()
            .map(|owner| Selector::parse(owner).unwrap().into())
            .collect(),
        others: Others::Block,
        also: vec![Selector::parse("$.note").unwrap()],
        is_optional,
        further: Vec::new(),
    }));
    fixture
}

#[tokio::test]
async fn refuses_records_in_anothers_name() {
    let foreign = Err(ReasonCode::RequestForeignRecord);
    let json = "application/json";
    for (select, body) in [
        ("$", r#"{"owner":"bob"}"#),
        ("$", r#"{"owner":"Ann"}"#),
        ("$", r#"{"owner":"u-ann","owner":"bob"}"#),
        ("$", r#"{"owner":"u-ann","\u006fwner":"bob"}"#),
        ("$", r#"{"owner":["u-ann"]}"#),
        ("$", r#"{"owner":null}"#),
        ("$", r#"{"Owner":"u-ann"}"#),
        ("$", r#"{"owner":"u-ann","Owner":"bob"}"#),
        ("$", r#"{"OWNER":"bob","owner":"u-ann"}"#),
        ("$", r#"{"owner":"u-ann","\u004fwner":"bob"}"#),
        ("anywhere", r#"{"Owner":"bob"}"#),
        ("anywhere", r#"{"owner":"u-ann","x":[{"OWNER":"bob"}]}"#),
        ("$", "{}"),
        ("$", "[]"),
        ("$", r#""u-ann""#),
        ("$", "null"),
        ("$[*]", r#"[{"owner":"u-ann"},{"owner":"bob"}]"#),
        ("$[*]", r#"[{"owner":"u-ann"},1]"#),
        ("$[*]", r#"{"a":{"owner":"u-ann"}, "b":{"owner":"bob"}}"#),
        (
            "$.items[*]",
            r#"{"items":[{"owner":"u-ann"}],"more":[{"owner":"bob"}]}"#,
        ),
        (
            "$.items[*]",
            r#"{"items":[{"owner":"u-ann"}],"items":[{"owner":"bob"}]}"#,
        ),
        ("$.items[*]", r#"{"items":[{"owner":"u-ann"}],"Items":[]}"#),
        ("$.items[*]", r#"{"note":1}"#),
        ("$.items[*]", r#"{"items":1}"#),
        (
            "anywhere",
            r#"{"a":[{"owner":"u-ann"},{"b":{"owner":"bob"}}]}"#,
        ),
        ("anywhere", r#"{"owner":"u-ann","x":{"owner":"bob"}}"#),
    ] {
        let result = owned(select, &["$.owner"], json, body).await;
        assert_eq!(result, foreign, "{select} {body}");
    }
    let deep = ["$.customer.id"];
    for body in [
        r#"{"customer":{"id":"u-ann","ID":"bob"}}"#,
        r#"{"customer":{"id":"u-ann"},"Customer":{"id":"bob"}}"#,
    ] {
        assert_eq!(owned("$", &deep, json, body).await, foreign, "{body}");
    }
    let innocent = r#"{"customer":{"id":"u-ann","ids":[1]},"ID":"7","customers":1}"#;
    assert!(owned("$", &deep, json, innocent).await.is_ok());
    for body in [
        "{\"\u{212a}ey\":\"bob\",\"key\":\"u-ann\"}",
        "{\"u\u{17f}er\":\"bob\",\"user\":\"u-ann\"}",
    ] {
        let owner = if body.contains("key") {
            "$.key"
        } else {
            "$.user"
        };
        assert_eq!(owned("$", &[owner], json, body).await, foreign, "{body}");
    }
    for (select, body) in [
        ("$", r#" {"owner" : "u-ann", "a": [1, {"b":2.50}]} "#),
        ("$", r#"{"owner":"u-\u0061nn"}"#),
        (
            "$[*]",
            r#"[ {"owner":"u-ann"} ,{"a":"\u00e9","owner":"u-ann"}]"#,
        ),
        ("$[*]", "[]"),
        (
            "$.items[*]",
            r#"{"items":[{"owner":"u-ann"}] , "note":{"owner":"bob"}}"#,
        ),
        ("$.items[*]", r#"{"items":[]}"#),
        (
            "anywhere",
            r#"{"a":[{"owner":"u-ann"},{"b":{"owner":"u-ann"}}],"c":1}"#,
        ),
        ("anywhere", r#"{"title":"no owner"}"#),
    ] {
        let result = owned(select, &["$.owner"], json, body).await;
        assert_eq!(result.as_deref(), Ok(body), "{select} {body}");
    }
    let lines = "application/x-ndjson";
    let mixed = "{\"owner\":\"u-ann\"}\n{\"owner\":\"bob\"}\n";
    assert_eq!(owned("$", &["$.owner"], lines, mixed).await, foreign);
    let own = "{\"owner\":\"u-ann\"}\n\n{\"owner\":\"u-ann\"}";
    assert_eq!(
        owned("$", &["$.owner"], lines, own).await.as_deref(),
        Ok(own)
    );
    let message = r#"{"from":"bob","to":"u-ann"}"#;
    let both = ["$.from", "$.to"];
    assert_eq!(
        owned("$", &both, json, message).await.as_deref(),
        Ok(message)
    );
    assert_eq!(owned("$", &["$.from"], json, message).await, foreign);
}

#[tokio::test]
async fn refuses_records_that_it_can_not_judge() {
    let own = r#"{"owner":"u-ann"}"#;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "application/json-patch+json",
        "Application/JSON-Patch+json",
        "application/octet-stream",
        "application/json; charset=utf-16",
        "application/json, text/plain",
        "json",
        "",
    ] {
        let result = owned("$", &["$.owner"], kind, own).await;
        assert_eq!(result, Err(ReasonCode::RequestUnreadable), "{kind}");
    }
    for kind in [
        "application/merge-patch+json",
        "application/vnd.api+json",
        "application/json; charset=utf-8",
    ] {
        assert_eq!(
            owned("$", &["$.owner"], kind, own).await.as_deref(),
            Ok(own),
            "{kind}"
        );
    }
    let json = "application/json";
    for body in [
        r#"{"owner":"u-ann""#,
        r#"{"owner":"u-ann"} {}"#,
        "{'owner':'u-ann'}",
        "{\"owner\":\"u-ann\",}",
    ] {
        assert_eq!(
            owned("$", &["$.owner"], json, body).await,
            Err(ReasonCode::RequestMalformed),
            "{body}"
        );
    }
    let coded = [("content-type", json), ("content-encoding", "gzip")];
    let blocked = filter(
        with_rule("$", &["$.owner"], false),
        "/u",
        &coded,
        Script::text(own, 4),
    )
    .await;
    assert_eq!(
        blocked.unwrap_err().refusal.code,
        ReasonCode::RequestUnreadable
    );
    let mut small = with_rule("$", &["$.owner"], false);
    small.limits.record = 16;
    let blocked = filter(small, "/u", &[("content-type", json)], Script::text(own, 4)).await;
    assert_eq!(
        blocked.unwrap_err().refusal.code,
        ReasonCode::RequestTooLarge
    );
    let mut small = with_rule("$", &["$.owner"], false);
    small.limits.record = 17;
    let passed = filter(small, "/u", &[("content-type", json)], Script::text(own, 4)).await;
    assert!(passed.is_ok());
}

#[tokio::test]
async fn refuses_to_write_nothing_in_nobodys_name() {
    for (method, is_optional, select, is_refused) in [
        ("POST", false, "$", true),
        ("PUT", false, "$", true),
        ("PATCH", false, "$.items[*]", true),
        ("POST", true, "$", false),
        ("POST", false, "anywhere", false),
        ("GET", false, "$", false),
        ("DELETE", false, "$", false),
    ] {
        let plan = with_rule(select, &["$.owner"], is_optional).plan();
        let message = Request::builder().method(method).uri("/u");
        let message = message.body(Script::text("", 1).measured()).unwrap();
        let target = Target::parse("/u").unwrap();
        let result = request(&permit(&plan), &plan.context, &target, &[], message).await;
        assert_eq!(result.is_err(), is_refused, "{method} {select}");
    }
}

#[test]
fn records_what_it_would_refuse_when_observing() {
    let mut fixture = with_rule("$", &["$.owner"], false);
    fixture.is_observing = true;
    let plan = fixture.plan();
    let body = br#"{"owner":"bob"}"#;
    let mut stream = Stream::new(&plan, Side::Request, Some(Kind::Json), &[]).unwrap();
    stream.write(body).unwrap();
    stream.finish().unwrap();
    assert_eq!(stream.take(), body.as_slice());
    let refusal = stream.report().refusal().unwrap();
    assert_eq!(refusal.code, ReasonCode::RequestForeignRecord);
}

#[tokio::test]
async fn loses_nothing_that_is_read_ahead_and_let_pass() {
    let engine = Engine::Pass(Bytes::new(), Box::default());
    let flow = Flow::new(Script::text("0123456789", 3), engine, Side::Request, 100);
    let mut body = FilteredBody::new(flow);
    hold::ahead(&mut body).await.unwrap();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "0123456789");
}
