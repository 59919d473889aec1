use std::sync::Arc;

use bytes::Bytes;

use super::Messages;
use crate::filter::Side;
use crate::filter::fixture::Fixture;
use crate::json::Selector;
use crate::policy::treatment::{Action, Class, MediaRange, Others, RecordRule, Select};
use crate::types::{Origin, ReasonCode};

/// Records at `path`, the subject's by `$.owner`.
fn owned(path: &str, others: Others, is_optional: bool) -> Arc<RecordRule> {
    Arc::new(RecordRule {
        origin: Origin {
            rule: "GET /x".into(),
            file: "policy.yaml".into(),
            line: 7,
        },
        select: Select::Path(Selector::parse(path).unwrap()),
        owner: vec![Selector::parse("$.owner").unwrap().into()],
        others,
        also: Vec::new(),
        is_optional,
        further: Vec::new(),
    })
}

fn records(path: &str, others: Others, is_optional: bool) -> Fixture {
    let mut fixture = Fixture::new();
    fixture.treatment.public = None;
    fixture.treatment.records = Some(owned(path, others, is_optional));
    fixture
}

fn messages(fixture: Fixture, side: Side) -> Messages {
    Messages::of(&fixture.plan(), side)
}

fn text(messages: &mut Messages, text: &str) -> Result<Option<String>, ReasonCode> {
    let passed = messages.text(&Bytes::copy_from_slice(text.as_bytes()));
    let passed = passed.map_err(|refusal| refusal.code)?;
    Ok(passed.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()))
}

#[test]
fn holds_each_message_against_the_owner_rule() {
    let mine = r#"{"owner":"u-ann","note":"mine"}"#;
    let bobs = r#"{"owner":"u-bob","note":"his"}"#;
    let mut messages = messages(records("$", Others::Drop, false), Side::Response);
    assert_eq!(text(&mut messages, mine), Ok(Some(mine.to_owned())));
    assert_eq!(text(&mut messages, bobs), Ok(None));
    assert_eq!(text(&mut messages, mine), Ok(Some(mine.to_owned())));
    assert_eq!(text(&mut messages, ""), Ok(Some(String::new())));
    assert_eq!(
        text(&mut messages, "hello"),
        Err(ReasonCode::AnswerMalformed)
    );
    assert_eq!(messages.count(), 5);
    let report = messages.report();
    assert_eq!(report.bytes_out(), 2 * mine.len() as u64);
    assert_eq!(report.counts().first().map(|count| count.count), Some(1));
}

#[test]
fn a_message_without_records_ends_the_socket_unless_it_may_have_none() {
    let sign = r#"{"type":"sign"}"#;
    let mut strict = messages(records("$.items[*]", Others::Drop, false), Side::Response);
    assert_eq!(text(&mut strict, sign), Err(ReasonCode::NothingSelected));
    let mut lenient = messages(records("$.items[*]", Others::Drop, true), Side::Response);
    assert_eq!(text(&mut lenient, sign), Ok(Some("{}".to_owned())));
    let some = r#"{"items":[{"owner":"u-bob"},{"owner":"u-ann"}]}"#;
    let kept = r#"{"items":[{"owner":"u-ann"}]}"#;
    assert_eq!(text(&mut lenient, some), Ok(Some(kept.to_owned())));
}

#[test]
fn what_may_not_be_seen_at_all_ends_the_socket() {
    let bobs = r#"{"owner":"u-bob"}"#;
    for (others, code) in [
        (Others::Block, ReasonCode::ForeignRecord),
        (Others::Hide, ReasonCode::Hidden),
    ] {
        let mut messages = messages(records("$", others, false), Side::Response);
        assert_eq!(text(&mut messages, bobs), Err(code));
    }
}

#[test]
fn looks_into_texts_and_the_strings_of_documents() {
    let fixture = Fixture::new().detector("email", Action::Redact);
    let mut messages = messages(fixture, Side::Response);
    for (sent, passed) in [
        ("hello", "hello"),
        ("ask bob@shop.example", "ask [redacted:email]"),
        (
            r#"{"a":"bob\u0040shop.example"}"#,
            r#"{"a":"[redacted:email]"}"#,
        ),
        (
            r#"{"a":"ann\u0040shop.example"}"#,
            r#"{"a":"ann\u0040shop.example"}"#,
        ),
    ] {
        assert_eq!(
            text(&mut messages, sent),
            Ok(Some(passed.to_owned())),
            "{sent}"
        );
    }
    let fixture = Fixture::new().detector("email", Action::Block);
    let mut messages = self::messages(fixture, Side::Response);
    assert_eq!(
        text(&mut messages, "bob@shop.example"),
        Err(ReasonCode::DetectorBlock)
    );
}

#[test]
fn refuses_clients_messages_that_the_app_must_not_learn() {
    let fixture = Fixture::new().detector("email", Action::Redact);
    let fixture = fixture.terms("names", Class::Dictionary, "Bob Byte", Action::Redact);
    let mut messages = messages(fixture, Side::Request);
    for (sent, passes) in [
        ("hello", true),
        ("ann@shop.example", true),
        ("to Bob Byte", false),
        (r#"{"to":"Ann"}"#, true),
        (r#"{"to":"Bob\u0020Byte"}"#, false),
    ] {
        let verdict = text(&mut messages, sent);
        let expected = if passes {
            Ok(Some(sent.to_owned()))
        } else {
            Err(ReasonCode::RequestFinding)
        };
        assert_eq!(verdict, expected, "{sent}");
    }
    let mut fixture = Fixture::new();
    fixture.treatment.request = Some(owned("$", Others::Block, false));
    let mut messages = self::messages(fixture, Side::Request);
    let mine = r#"{"owner":"u-ann"}"#;
    assert_eq!(text(&mut messages, mine), Ok(Some(mine.to_owned())));
    let bobs = r#"{"owner":"u-bob"}"#;
    assert_eq!(
        text(&mut messages, bobs),
        Err(ReasonCode::RequestForeignRecord)
    );
    assert_eq!(text(&mut messages, "hi"), Err(ReasonCode::RequestMalformed));
}

#[test]
fn binary_messages_pass_where_content_names_them() {
    let data = Bytes::from_static(b"\x00\xffBob Byte");
    for (is_open, side, code) in [
        (false, Side::Response, Some(ReasonCode::TypeUnsupported)),
        (false, Side::Request, Some(ReasonCode::RequestUnreadable)),
        (true, Side::Response, None),
        (true, Side::Request, Some(ReasonCode::RequestFinding)),
    ] {
        let mut fixture =
            Fixture::new().terms("names", Class::Dictionary, "Bob Byte", Action::Redact);
        if is_open {
            fixture.treatment.content = vec![MediaRange {
                top: "application".into(),
                sub: Some("octet-stream".into()),
            }];
        }
        let mut messages = messages(fixture, side);
        let passed = messages.binary(&data);
        assert_eq!(passed.as_ref().err().map(|refusal| refusal.code), code);
        assert!(code.is_some() || passed.as_ref() == Ok(&data));
        assert_eq!(messages.report().is_unscanned(), code.is_none());
        let sound = messages.binary(&Bytes::from_static(b"\x00\xff"));
        assert_eq!(sound.is_ok(), is_open);
    }
}

#[test]
fn words_of_a_farewell_need_someone_to_vouch_for_them() {
    let fixture = || Fixture::new().detector("email", Action::Redact);
    let mut public = messages(fixture(), Side::Response);
    let passed = public.reason("bye bob@shop.example").unwrap();
    assert_eq!(passed.as_deref(), Some("bye [redacted:email]"));
    let mut fixture = fixture();
    fixture.treatment.public = None;
    fixture.treatment.records = Some(owned("$", Others::Drop, false));
    let mut records = messages(fixture, Side::Response);
    assert_eq!(records.reason("bye"), Ok(None));
}

#[test]
fn observing_changes_nothing() {
    let mut fixture = records("$", Others::Drop, false);
    fixture.is_observing = true;
    let mut messages = messages(fixture, Side::Response);
    for sent in [r#"{"owner":"u-bob"}"#, "no JSON"] {
        assert_eq!(text(&mut messages, sent), Ok(Some(sent.to_owned())));
    }
    let data = Bytes::from_static(b"\x01");
    assert_eq!(messages.binary(&data), Ok(data));
    assert!(messages.report().refusal().is_some());
}
