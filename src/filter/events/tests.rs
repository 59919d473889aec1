//! Event streams whole and cut, honest and hostile.

use std::sync::Arc;

use proptest::prelude::*;

use crate::filter::fixture::Fixture;
use crate::filter::{Plan, Report, Side, Stream};
use crate::json::Selector;
use crate::policy::treatment::{Action, Kind, Others, RecordRule, Select};
use crate::types::{ReasonCode, Refusal};

fn rule(select: &str, others: Others) -> RecordRule {
    RecordRule {
        origin: Fixture::new().treatment.origin,
        select: Select::Path(Selector::parse(select).unwrap()),
        owner: vec![Selector::member("o").into()],
        others,
        also: Vec::new(),
        is_optional: false,
        further: Vec::new(),
    }
}

fn fixture(rule: Option<RecordRule>) -> Fixture {
    let mut fixture = Fixture::new().detector("email", Action::Redact);
    if let Some(rule) = rule {
        fixture.treatment.records = Some(Arc::new(rule));
        fixture.treatment.public = None;
    }
    fixture
}

fn run(plan: &Arc<Plan>, kind: Kind, pieces: &[&[u8]]) -> Result<(String, Report), Refusal> {
    let mut stream = Stream::new(plan, Side::Response, Some(kind), &[])?;
    let mut output = Vec::new();
    for piece in pieces {
        stream.write(piece)?;
        output.extend(stream.take());
    }
    stream.finish()?;
    output.extend(stream.take());
    Ok((String::from_utf8(output).unwrap(), stream.report().clone()))
}

/// The same for every cut into two and for single bytes.
fn cut(fixture: Fixture, kind: Kind, body: &str) -> Result<String, ReasonCode> {
    let plan = fixture.plan();
    let body = body.as_bytes();
    let whole = run(&plan, kind, &[body]);
    for at in 0..=body.len() {
        let (head, tail) = body.split_at(at);
        assert_eq!(run(&plan, kind, &[head, tail]), whole, "cut at {at}");
    }
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(run(&plan, kind, &bytes), whole);
    whole
        .map(|(output, _)| output)
        .map_err(|refusal| refusal.code)
}

fn own(body: &str) -> Result<String, ReasonCode> {
    let fixture = fixture(Some(rule("$", Others::Drop)));
    cut(fixture, Kind::Events, body)
}

#[test]
fn lets_the_subjects_events_pass() {
    for body in [
        "",
        ": ping\n\n",
        "data: {\"o\":\"u-ann\"}\n\n",
        "\u{feff}event: order\nid: 7\ndata:{\"o\":\"u-ann\"}\nretry: 10\n\n",
        "data: {\"o\":\ndata: \"u-ann\"}\n\n",
        "data: {\"o\":\r\ndata:\t\"u-ann\"}\r\n\r\n",
        "data: {\"o\":\"u-ann\"}\r\rdata:\r\r",
        "data\n\ndata:\ndata: \n\n",
        "\n\n\r\n\r\r",
        ": a\rid\r\n\r\n",
    ] {
        assert_eq!(own(body).as_deref(), Ok(body), "{body:?}");
    }
}

#[test]
fn leaves_out_what_is_not_the_subjects() {
    let foreign = "id: 9\nevent: secret\ndata: {\"o\":\"u-bob\"}\n: secret\n\n";
    for (body, expected) in [
        (foreign.to_owned(), String::new()),
        (foreign.replace('\n', "\r\n"), String::new()),
        (foreign.replace('\n', "\r"), String::new()),
        (format!("\u{feff}{foreign}: a\n\n"), ": a\n\n".to_owned()),
        // Split over lines.
        (
            "data: {\"o\":\ndata:\"u-bob\"}\n\n".to_owned(),
            String::new(),
        ),
        (
            "data: {\"o\":\ndata: \"u-bob\"\ndata\ndata:}\n\n".to_owned(),
            String::new(),
        ),
        // Another line break than the one before.
        (
            "data: {\"o\":\rdata:\"u-bob\"}\n\r\n".to_owned(),
            String::new(),
        ),
        // An escape.
        (
            "data: {\"o\":\"u-\\u0062ob\"}\n\n".to_owned(),
            String::new(),
        ),
        // What browsers pass over.
        (
            "secret\nData: secret\n data: secret\n\u{feff}data: secret\ndata : secret\nid: 1\n\n"
                .to_owned(),
            "id: 1\n\n".to_owned(),
        ),
        // A line break that would join the one before.
        (
            "data: {\"o\":\"u-ann\"}\rsecret\n\nid: 2\n\n".to_owned(),
            "data: {\"o\":\"u-ann\"}\r:\n\nid: 2\n\n".to_owned(),
        ),
        // An event that never ends.
        (
            "id: 1\n\ndata: {\"o\":\"u-ann\"}\n".to_owned(),
            "id: 1\n\n".to_owned(),
        ),
        ("data: {\"o\":\"u-ann\"}".to_owned(), String::new()),
        ("data: secret".to_owned(), String::new()),
    ] {
        assert_eq!(own(&body).as_deref(), Ok(&*expected), "{body:?}");
    }
}

#[test]
fn refuses_data_that_is_no_document() {
    for body in [
        "data: secret\n\n",
        "data: {\"o\":\"u-ann\"} {\"o\":\"u-bob\"}\n\n",
        "data: {\"o\":\"u-ann\"}\ndata: {\"o\":\"u-bob\"}\n\n",
        "data: {\"o\":\"u-ann\n\n",
        "data: {\"o\":\"u-\ndata: ann\"}\n\n",
        "data: \u{feff}{\"o\":\"u-ann\"}\n\n",
        "data: {\"o\":\"u-ann\"}\nid: a\0b\n\n",
    ] {
        let found = own(body).unwrap_err();
        let codes = [ReasonCode::AnswerMalformed, ReasonCode::AnswerTruncated];
        assert!(codes.contains(&found), "{body:?}: {found}");
    }
    let plan = fixture(None).plan();
    let refused = run(&plan, Kind::Events, &[b"id: \xff\n\n"]).unwrap_err();
    assert_eq!(refused.code, ReasonCode::AnswerMalformed);
}

#[test]
fn writes_changed_data_in_the_manner_of_its_lines() {
    let fixture = || fixture(Some(rule("$.r[*]", Others::Drop)));
    for (body, expected) in [
        (
            "id: 1\ndata: {\"r\":[{\"o\":\"u-bob\"},\n: c\ndata: {\"o\":\"u-ann\"}]}\n\n",
            "id: 1\ndata: {\"r\":[\ndata:  {\"o\":\"u-ann\"}]}\n: c\n\n",
        ),
        (
            "\u{feff}data:{\"r\":[\r\ndata:{\"o\":\"u-ann\",\"m\":\"b@shop.example\"}]}\r\n\r\n",
            "\u{feff}data:{\"r\":[\r\ndata:{\"o\":\"u-ann\",\"m\":\"[redacted:email]\"}]}\r\n\r\n",
        ),
        (
            "data: {\"x\":1,\rdata: \"r\":[]}\n\n",
            "data: {\rdata: \"r\":[]}\r:\n\n",
        ),
        (
            "data\ndata: {\"r\":[],\"x\":1}\n\n",
            "data:\ndata:{\"r\":[]}\n\n",
        ),
    ] {
        let passed = cut(fixture(), Kind::Events, body).unwrap();
        // White space around what was dropped goes as the record filter has it.
        let tidy = |text: &str| text.replace("data:  ", "data: ");
        assert_eq!(tidy(&passed), tidy(expected), "{body:?}");
    }
}

#[test]
fn does_with_others_what_the_rule_says() {
    let body = "id: 1\ndata: {\"o\":\"u-ann\"}\n\nid: secret\nevent: secret\n: secret\ndata: {\"o\":\"u-bob\"}\n\n";
    let by = |others| cut(fixture(Some(rule("$", others))), Kind::Events, body);
    assert_eq!(
        by(Others::Redact).as_deref(),
        Ok("id: 1\ndata: {\"o\":\"u-ann\"}\n\ndata: {\"chaperone\":\"redacted\"}\n\n")
    );
    assert_eq!(by(Others::Hide), Err(ReasonCode::Hidden));
    assert_eq!(by(Others::Block), Err(ReasonCode::ForeignRecord));
    let unmatched = fixture(Some(rule("$.r[*]", Others::Drop)));
    let found = cut(unmatched, Kind::Events, "data: {\"a\":1}\n\n");
    assert_eq!(found, Err(ReasonCode::NothingSelected));
}

#[test]
fn scans_every_field() {
    let plain = |body: &str| cut(fixture(None), Kind::Events, body);
    for (body, expected) in [
        (": a@shop.example!\n\n", ": [redacted:email]!\n\n"),
        ("id: a@shop.example\r\r", "id: [redacted:email]\r\r"),
        ("event:a@shop.example\n\n", "event:[redacted:email]\n\n"),
        ("a@shop.example: 1\n\n", "[redacted:email]: 1\n\n"),
        (
            "data: to a@shop.example\ndata: now\n\n",
            "data: to [redacted:email]\ndata: now\n\n",
        ),
        (
            "data: \"a\\u0040shop.example\"\n\n",
            "data: \"[redacted:email]\"\n\n",
        ),
        ("data: ann@shop.example\n\n", "data: ann@shop.example\n\n"),
        (
            "data:  two\ndata: a@shop.example\n\n",
            "data:  two\ndata: [redacted:email]\n\n",
        ),
        (
            "data:a@shop.example\ndata:  two\n\n",
            "data:[redacted:email]\ndata:  two\n\n",
        ),
    ] {
        assert_eq!(plain(body).as_deref(), Ok(expected), "{body:?}");
    }
    let (_, report) = run(
        &fixture(None).plan(),
        Kind::Events,
        &[b"\n\nid: a@shop.example\ndata: a@shop.example\n\n"],
    )
    .unwrap();
    let paths: Vec<&str> = report.findings().iter().map(|found| &*found.path).collect();
    assert_eq!(paths, ["event[3].data", "event[3].id"]);
}

#[test]
fn lets_each_event_go_when_its_blank_line_comes() {
    let plan = fixture(Some(rule("$", Others::Drop))).plan();
    let mut stream = Stream::new(&plan, Side::Response, Some(Kind::Events), &[]).unwrap();
    assert!(!stream.is_held());
    stream.write(b": hello\n\n").unwrap();
    assert_eq!(stream.take(), ": hello\n\n");
    stream.write(b"data: {\"o\":\"u-ann\"}\r\n\r").unwrap();
    assert_eq!(stream.take(), "data: {\"o\":\"u-ann\"}\r\n\r");
    stream.write(b"\ndata: 1").unwrap();
    assert_eq!(stream.take(), "\n");
}

#[test]
fn holds_one_event_and_no_more_than_the_limits() {
    for rule in [None, Some(rule("$", Others::Drop))] {
        let mut fixture = fixture(rule);
        fixture.limits.record = 64;
        let plan = fixture.plan();
        let event = "data: {\"o\":\"u-ann\"}\n\n";
        let many = event.repeat(100);
        assert_eq!(
            run(&plan, Kind::Events, &[many.as_bytes()]).unwrap().0,
            many
        );
        let long = format!(": {}\n\n", "x".repeat(64));
        let refused = run(&plan, Kind::Events, &[long.as_bytes()]).unwrap_err();
        assert_eq!(refused.code, ReasonCode::RecordTooLarge);
    }
}

fn sequence(body: &str) -> Result<String, ReasonCode> {
    let fixture = fixture(Some(rule("$", Others::Drop)));
    cut(fixture, Kind::JsonSequence, body)
}

#[test]
fn judges_each_text_of_a_sequence() {
    for (body, expected) in [
        ("", ""),
        ("\u{1e}", "\u{1e}"),
        ("\u{1e}{\"o\":\"u-ann\"}\n", "\u{1e}{\"o\":\"u-ann\"}\n"),
        ("\u{1e}{\"o\":\"u-bob\"}\n", ""),
        (
            "\u{1e}\u{1e} \u{1e}{\"o\":\n\"u-ann\"}\n\n\u{1e}{\"o\":\"u-bob\"}\n \u{1e}{\"o\":\"u-ann\"}\r\n",
            "\u{1e}\u{1e} \u{1e}{\"o\":\n\"u-ann\"}\n\n\u{1e}{\"o\":\"u-ann\"}\r\n",
        ),
        (
            "\u{1e}{\"o\":\"u-ann\",\"m\":\"a@shop.example\"}\n",
            "\u{1e}{\"o\":\"u-ann\",\"m\":\"[redacted:email]\"}\n",
        ),
        ("\u{1e}1\n\u{1e}\"u-ann\"\n", ""),
    ] {
        assert_eq!(sequence(body).as_deref(), Ok(expected), "{body:?}");
    }
    for body in [
        " \u{1e}{\"o\":\"u-ann\"}\n",
        "{\"o\":\"u-ann\"}\n",
        "\u{feff}\u{1e}{\"o\":\"u-ann\"}\n",
        "\u{1e}{\"o\":\"u-ann\"}",
        "\u{1e}{\"o\":\"u-ann\"}\u{1e}",
        "\u{1e}{\"o\":\"u-ann\"}\n{\"o\":\"u-bob\"}\n",
        "\u{1e}{\"o\":\"u-ann\"} 1\n",
        "\u{1e}{\"o\":\"u-\u{1e}ann\"}\n",
        "\u{1e}tru\n",
    ] {
        let found = sequence(body).unwrap_err();
        let codes = [ReasonCode::AnswerMalformed, ReasonCode::AnswerTruncated];
        assert!(codes.contains(&found), "{body:?}: {found}");
    }
}

#[test]
fn lets_each_text_go_with_its_line_feed() {
    let plan = fixture(Some(rule("$", Others::Drop))).plan();
    let mut stream = Stream::new(&plan, Side::Response, Some(Kind::JsonSequence), &[]).unwrap();
    stream.write(b"\x1e{\"o\":\"u-ann\"}").unwrap();
    assert_eq!(stream.take(), "");
    stream.write(b"\n").unwrap();
    assert_eq!(stream.take(), "\x1e{\"o\":\"u-ann\"}\n");
}

/// What a browser dispatches: the data of each event, read line by line.
fn dispatched(body: &str) -> Vec<String> {
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    let mut events = Vec::new();
    let mut data: Vec<&str> = Vec::new();
    let mut lines: Vec<&str> = body.split('\n').collect();
    lines.pop();
    for line in lines {
        if line.is_empty() {
            let text = std::mem::take(&mut data).join("\n");
            if !text.trim().is_empty() {
                events.push(text);
            }
        } else if line == "data" {
            data.push("");
        } else if let Some(value) = line.strip_prefix("data:") {
            data.push(value.strip_prefix(' ').unwrap_or(value));
        }
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What a browser is told is what it was told before, without the events of others.
    #[test]
    fn tells_a_browser_the_subjects_events_alone(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("data: {\"o\":\"u-ann\"}"), Just("data:{\"o\":"), Just("data: \"u-ann\"}"),
                Just("data:\"u-bob\"}"), Just("data: {\"o\":\"u-bob\"}"), Just("data"), Just("data:"),
                Just("id: 1"), Just(": c"), Just("\u{feff}"), Just("Data: x"), Just("data : {"),
                Just("\n"), Just("\n\n"), Just("\r"), Just("\r\n"), Just("\r\r"), Just("\n\n\n"),
            ],
            0..24,
        ),
    ) {
        let body = parts.concat();
        if let Ok(passed) = own(&body) {
            let expected: Vec<String> = dispatched(&body)
                .into_iter()
                .filter(|data| data.contains("u-ann") && !data.contains("u-bob"))
                .collect();
            prop_assert_eq!(dispatched(&passed), expected, "{:?} became {:?}", body, passed);
        }
    }
}
