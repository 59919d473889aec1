//! Whole bodies through the engine, cut in every way.

use std::sync::Arc;

use proptest::prelude::*;

use super::Stream;
use crate::filter::coding::tests::encode;
use crate::filter::fixture::Fixture;
use crate::filter::{Coding, Finding, Side};
use crate::json::Selector;
use crate::policy::treatment::{Action, Class, Kind, Others, RecordRule, Select};
use crate::types::{ReasonCode, Refusal, Verdict};

const SECRET: &str = "bob@shop.example";

fn fixture() -> Fixture {
    Fixture::new()
        .detector("email", Action::Redact)
        .detector("private-key", Action::Redact)
        .detector(
            "iban",
            Action::Mask {
                keep_last: 4,
                number: false,
            },
        )
        .terms("names", Class::Dictionary, "Bob Byte", Action::Pseudonymize)
        .pattern("pair", "ample/[a-z]{1,8}/", Action::Redact)
}

fn run(
    fixture: Fixture,
    side: Side,
    kind: Option<Kind>,
    codings: &[Coding],
    pieces: &[&[u8]],
) -> Result<(Vec<u8>, Vec<Finding>), Refusal> {
    let mut stream = Stream::new(&fixture.plan(), side, kind, codings)?;
    let mut output = Vec::new();
    for piece in pieces {
        stream.write(piece)?;
        output.extend(stream.take());
    }
    stream.finish()?;
    output.extend(stream.take());
    assert_eq!(stream.report().bytes_out(), output.len() as u64);
    Ok((output, stream.report().findings().to_vec()))
}

fn text(pieces: &[&[u8]]) -> Result<(Vec<u8>, Vec<Finding>), Refusal> {
    run(fixture(), Side::Response, Some(Kind::Text), &[], pieces)
}

const BODY: &str = "\u{feff}Bob Byte <bob@shop.example/abc/> é\u{1f600} ann@shop.example\n\
    DE89 3704 0044 0532 0130 00, bob@shop.example\n\
    -----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\nthe end: bob byte";

#[test]
fn gives_the_same_at_every_cut() {
    let (whole, findings) = text(&[BODY.as_bytes()]).unwrap();
    let shown = String::from_utf8(whole.clone()).unwrap();
    assert!(shown.contains("ann@shop.example\n"), "{shown}");
    assert!(shown.contains("[redacted:private-key]"), "{shown}");
    assert!(!shown.contains("bob@"), "{shown}");
    assert!(!shown.to_lowercase().contains("bob byte"), "{shown}");
    assert!(findings.len() >= 6, "{findings:?}");
    for cut in 0..=BODY.len() {
        let (head, tail) = BODY.as_bytes().split_at(cut);
        assert_eq!(
            text(&[head, tail]).unwrap(),
            (whole.clone(), findings.clone()),
            "{cut}"
        );
    }
    let bytes: Vec<&[u8]> = BODY.as_bytes().chunks(1).collect();
    assert_eq!(text(&bytes).unwrap(), (whole, findings));
}

#[test]
fn gives_the_same_in_every_coding() {
    let whole = text(&[BODY.as_bytes()]).unwrap();
    for coding in [Coding::Brotli, Coding::Deflate, Coding::Gzip, Coding::Zstd] {
        let coded = encode(coding, BODY.as_bytes());
        for cut in 0..=coded.len() {
            let (head, tail) = coded.split_at(cut);
            let result = run(
                fixture(),
                Side::Response,
                Some(Kind::Text),
                &[coding],
                &[head, tail],
            );
            assert_eq!(result.unwrap(), whole, "{coding:?} {cut}");
        }
    }
}

#[test]
fn refuses_text_in_other_charsets() {
    for body in [
        &b"\xff\xfea\0l\0i\0"[..],
        b"a\0l\0i\0c\0e\0",
        b"caf\xe9",
        b"cut \xc3",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98",
        b"\xc0\xae",
    ] {
        for size in [1, 2, 100] {
            let pieces: Vec<&[u8]> = body.chunks(size).collect();
            let refusal = text(&pieces).unwrap_err();
            assert_eq!(refusal.code, ReasonCode::AnswerMalformed, "{body:?} {size}");
        }
    }
}

#[test]
fn refuses_what_the_route_does_not_cover() {
    let refuse = |fixture: Fixture, kind| {
        let refusal = run(fixture, Side::Response, kind, &[], &[]).unwrap_err();
        assert_eq!(refusal.code, ReasonCode::TypeUnsupported);
    };
    refuse(fixture(), None);
    for kind in [Kind::Text, Kind::Form, Kind::Script, Kind::Style, Kind::Xml] {
        let mut bare = fixture();
        bare.treatment.public = None;
        refuse(bare, Some(kind));
    }
}

#[test]
fn gives_nothing_more_after_a_refusal() {
    let fixture = Fixture::new().pattern("key", "KEY-[0-9]{4}", Action::Block);
    let plan = fixture.plan();
    let mut stream = Stream::new(&plan, Side::Response, Some(Kind::Text), &[]).unwrap();
    assert!(stream.write(b"a KEY-1234 ").is_err() || stream.finish().is_err());
    assert_eq!(stream.ready(), 0);
    assert!(stream.write(b"more").is_err());
    assert!(stream.finish().is_err());
    assert_eq!(stream.take().len(), 0);
    assert_eq!(stream.report().verdict(), Verdict::Block);
}

#[test]
fn changes_nothing_when_observing() {
    let mut fixture = Fixture::new().detector("email", Action::Redact).pattern(
        "key",
        "KEY-[0-9]{4}",
        Action::Block,
    );
    fixture.is_observing = true;
    let coded = encode(Coding::Gzip, b"bob@shop.example KEY-1234 KEY-1235");
    let plan = fixture.plan();
    let mut stream = Stream::new(&plan, Side::Response, Some(Kind::Text), &[Coding::Gzip]).unwrap();
    stream.write(&coded).unwrap();
    stream.finish().unwrap();
    assert_eq!(&stream.take()[..], &coded);
    assert_eq!(stream.report().findings().len(), 3);
    assert_eq!(stream.report().verdict(), Verdict::Block);
}

#[test]
fn refuses_more_than_the_budget() {
    let mut fixture = fixture();
    fixture.budget = crate::types::Budget::new(8);
    let refusal = text_with(fixture, "bob@shop.exampl").unwrap_err();
    assert_eq!(refusal.code, ReasonCode::Overloaded);
}

fn text_with(fixture: Fixture, body: &str) -> Result<(Vec<u8>, Vec<Finding>), Refusal> {
    run(
        fixture,
        Side::Response,
        Some(Kind::Text),
        &[],
        &[body.as_bytes()],
    )
}

#[test]
fn refuses_a_match_without_end() {
    let mut fixture = fixture();
    fixture.limits.string = 4096;
    let body = format!(
        "-----BEGIN PRIVATE KEY-----\n{}",
        format!("{}\n", "QUFB".repeat(16)).repeat(400)
    );
    let refusal = text_with(fixture, &body).unwrap_err();
    assert_eq!(refusal.code, ReasonCode::StringTooLong);
}

#[test]
fn refuses_forms_that_name_listed_terms() {
    let form = |body: &str, size: usize| {
        let pieces: Vec<&[u8]> = body.as_bytes().chunks(size).collect();
        run(fixture(), Side::Request, Some(Kind::Form), &[], &pieces)
    };
    for size in [1, 3, 100] {
        let body = "q=a+b&c=%zz&&=x&mail=bob%40shop.example";
        assert_eq!(form(body, size).unwrap().0, body.as_bytes());
        for bad in [
            "a=1&q=Bob+Byte",
            "q=b%6fb%20byte&z=1",
            "Bob+Byte=1",
            "x=Bob Byte",
        ] {
            let refusal = form(bad, size).unwrap_err();
            assert_eq!(refusal.code, ReasonCode::RequestFinding, "{bad}");
        }
    }
}

#[test]
fn refuses_requests_of_any_type_that_name_listed_terms() {
    let raw = |body: &[u8]| {
        let pieces: Vec<&[u8]> = body.chunks(3).collect();
        run(fixture(), Side::Request, None, &[], &pieces)
    };
    let body = b"\x00\xff bob@shop.example \xfe";
    assert_eq!(raw(body).unwrap().0, body);
    let refusal = raw(b"\x00\xff Bob Byte \xfe").unwrap_err();
    assert_eq!(refusal.code, ReasonCode::RequestFinding);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn never_gives_a_planted_secret(
        parts in proptest::collection::vec("[a-z@. \u{e9}\u{4e2d}-]{0,40}", 1..8),
        size in 1..50_usize,
    ) {
        let body = parts.join(&format!(" {SECRET} "));
        let pieces: Vec<&[u8]> = body.as_bytes().chunks(size).collect();
        let (output, findings) = text(&pieces).unwrap();
        let shown = String::from_utf8(output).unwrap();
        prop_assert!(!shown.contains(SECRET), "{}", shown);
        prop_assert_eq!((shown.into_bytes(), findings), text(&[body.as_bytes()]).unwrap());
    }
}

fn beside_records(read_as: Option<Kind>, pieces: &[&[u8]]) -> Result<Vec<u8>, Refusal> {
    let mut fixture = Fixture::new();
    fixture.treatment.records = Some(Arc::new(RecordRule {
        origin: fixture.treatment.origin.clone(),
        select: Select::Anywhere,
        owner: vec![Selector::member("owner_id").into()],
        others: Others::Drop,
        also: Vec::new(),
        is_optional: false,
        further: Vec::new(),
    }));
    fixture.treatment.read_as = read_as;
    run(fixture, Side::Response, Some(Kind::Text), &[], pieces).map(|(output, _)| output)
}

#[test]
fn refuses_json_that_is_called_text_beside_records() {
    for body in [
        "{\"owner_id\":\"u-bob\"}",
        "\u{feff} [\n{\"owner_id\":\"u-bob\"}]",
        "\n{ }",
        "[[\"u-bob\"]]",
        "[ ]",
    ] {
        for cut in 0..=body.len() {
            let (head, tail) = body.as_bytes().split_at(cut);
            let refused = beside_records(None, &[head, tail]).unwrap_err();
            assert_eq!(
                refused.code,
                ReasonCode::TypeUnsupported,
                "{body:?} at {cut}"
            );
        }
        let passed = beside_records(Some(Kind::Text), &[body.as_bytes()]).unwrap();
        assert_eq!(passed, body.as_bytes());
    }
}

#[test]
fn passes_text_that_begins_like_no_record() {
    for body in [
        "",
        " ",
        "[",
        "{",
        "[2026-11-23] started",
        "{{ title }}",
        "<p>[{\"a\":1}]",
    ] {
        for cut in 0..=body.len() {
            let (head, tail) = body.as_bytes().split_at(cut);
            assert_eq!(
                beside_records(None, &[head, tail]).unwrap(),
                body.as_bytes()
            );
        }
    }
}

#[test]
fn names_the_route_whose_answer_it_cannot_read() {
    let run = |fixture, kind| run(fixture, Side::Response, Some(kind), &[], &[b"[1,,2]"]);
    let refused = run(Fixture::new(), Kind::Json).unwrap_err();
    assert_eq!(refused.code, ReasonCode::AnswerMalformed);
    assert_eq!(refused.origin.map(|origin| origin.line), Some(7));

    let class = Class::Embargo { opens: None };
    let embargo = Fixture::new().terms("falcon", class, "1", Action::Block);
    let refused = run(embargo, Kind::Text).unwrap_err();
    assert_eq!((refused.code, refused.origin), (ReasonCode::Embargo, None));
}
