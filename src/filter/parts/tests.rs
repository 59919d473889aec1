//! Multipart answers whole and cut, strict and sloppy.

use std::sync::Arc;

use http::HeaderMap;

use crate::filter::fixture::Fixture;
use crate::filter::{Plan, answer_stream};
use crate::json::Selector;
use crate::policy::treatment::{Action, Others, RecordRule, Select};
use crate::types::ReasonCode;

fn fixture(others: Others) -> Fixture {
    let mut fixture = Fixture::new().detector("email", Action::Redact);
    fixture.treatment.records = Some(Arc::new(RecordRule {
        origin: fixture.treatment.origin.clone(),
        select: Select::Path(Selector::parse("$[*]").unwrap()),
        owner: vec![Selector::member("o").into()],
        others,
        also: Vec::new(),
        is_optional: false,
        further: Vec::new(),
    }));
    fixture
}

fn run(plan: &Arc<Plan>, kind: &str, pieces: &[&[u8]]) -> Result<String, ReasonCode> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", kind.parse().unwrap());
    let mut stream = answer_stream(plan, &headers)
        .map_err(|refusal| refusal.code)?
        .unwrap();
    let mut output = Vec::new();
    let mut steps = || {
        for piece in pieces {
            stream.write(piece)?;
            output.extend(stream.take());
        }
        stream.finish()?;
        output.extend(stream.take());
        Ok(())
    };
    steps().map_err(|refusal: crate::types::Refusal| refusal.code)?;
    Ok(String::from_utf8(output).unwrap())
}

/// The same for every cut into two and for single bytes.
fn cut(fixture: Fixture, body: &str) -> Result<String, ReasonCode> {
    let kind = "multipart/mixed; boundary=\"b b\"";
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
}

const JSON: &str = "Content-Type: application/json\r\n\r\n";
const TEXT: &str = "Content-Type: text/plain\r\n\r\n";

fn drop(body: &str) -> Result<String, ReasonCode> {
    cut(fixture(Others::Drop), body)
}

#[test]
fn judges_each_part_by_its_own_type() {
    for (body, expected) in [
        (
            format!("--b b\r\n{JSON}[{{\"o\":\"u-ann\"}}]\r\n--b b\r\n{TEXT}hello\r\n--b b--\r\n"),
            format!("--b b\r\n{JSON}[{{\"o\":\"u-ann\"}}]\r\n--b b\r\n{TEXT}hello\r\n--b b--\r\n"),
        ),
        (
            format!("\r\n--b b \t\r\n{JSON}[{{\"o\":\"u-bob\"}}]\r\n--b b--"),
            format!("\r\n--b b \t\r\n{JSON}[]\r\n--b b--"),
        ),
        (
            format!("--b b\r\n{TEXT}a@shop.example\r\n--b\r\n-\r\n\r\n--b b--\r\n"),
            format!("--b b\r\n{TEXT}[redacted:email]\r\n--b\r\n-\r\n\r\n--b b--\r\n"),
        ),
        (
            "--b b\r\nX-To: a@shop.example\r\nContent-Length: 3\r\ncontent-type:text/plain\r\n\r\nabc\r\n--b b--"
                .to_owned(),
            "--b b\r\ncontent-type:text/plain\r\n\r\nabc\r\n--b b--".to_owned(),
        ),
        (
            format!("--b b\r\n{TEXT}\r\n--b b--"),
            format!("--b b\r\n{TEXT}\r\n--b b--"),
        ),
        ("--b b--".to_owned(), "--b b--".to_owned()),
    ] {
        assert_eq!(drop(&body).as_deref(), Ok(&*expected), "{body:?}");
    }
}

#[test]
fn refuses_what_parsers_read_in_different_ways() {
    for (body, code) in [
        (
            format!("x\r\n--b b\r\n{TEXT}a\r\n--b b--"),
            ReasonCode::AnswerMalformed,
        ),
        (
            format!("--b b\n{TEXT}a\r\n--b b--"),
            ReasonCode::AnswerMalformed,
        ),
        (
            format!("--b b\r\n{TEXT}a\n--b b\r\n{TEXT}b\r\n--b b--"),
            ReasonCode::AnswerMalformed,
        ),
        (
            format!("--b b\r\n{TEXT}a\r\n--b bc\r\n{TEXT}b\r\n--b b--"),
            ReasonCode::AnswerMalformed,
        ),
        (
            format!("--b b\r\n{TEXT}a\r\n--b b-\r\n--b b--"),
            ReasonCode::AnswerMalformed,
        ),
        (
            format!("--b b\r\n{TEXT}a\r\n--b b--x"),
            ReasonCode::AnswerMalformed,
        ),
        (
            format!("--b b\r\n{TEXT}a\r\n--b b--\r\n[{{\"o\":\"u-bob\"}}]"),
            ReasonCode::AnswerMalformed,
        ),
        (
            format!("--b b\r\n{TEXT}--b b--"),
            ReasonCode::AnswerMalformed,
        ),
        (
            "--b b\r\nContent-Type: text/plain\r\n folded\r\n\r\na\r\n--b b--".to_owned(),
            ReasonCode::AnswerMalformed,
        ),
        (
            "--b b\r\nContent-Type : text/plain\r\n\r\na\r\n--b b--".to_owned(),
            ReasonCode::AnswerMalformed,
        ),
        (
            "--b b\r\nA: b\nContent-Type: text/plain\r\n\r\na\r\n--b b--".to_owned(),
            ReasonCode::AnswerMalformed,
        ),
        (
            format!("--b b\r\nContent-Type: text/html\r\n{JSON}a\r\n--b b--"),
            ReasonCode::TypeUnsupported,
        ),
        (
            "--b b\r\n\r\na\r\n--b b--".to_owned(),
            ReasonCode::TypeUnsupported,
        ),
        (
            "--b b\r\nContent-Type: image/png\r\n\r\na\r\n--b b--".to_owned(),
            ReasonCode::TypeUnsupported,
        ),
        (
            "--b b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b b--".to_owned(),
            ReasonCode::TypeUnsupported,
        ),
        (
            format!("--b b\r\nContent-Transfer-Encoding: x-uue\r\n{TEXT}YQ\r\n--b b--"),
            ReasonCode::CodingUnsupported,
        ),
        (
            format!(
                "--b b\r\nContent-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: base64\r\n{TEXT}YQ==\r\n--b b--"
            ),
            ReasonCode::CodingUnsupported,
        ),
        (
            format!("--b b\r\nContent-Transfer-Encoding: base64\r\n{TEXT}YQ\r\n--b b--"),
            ReasonCode::AnswerMalformed,
        ),
        (
            format!("--b b\r\nContent-Transfer-Encoding: quoted-printable\r\n{TEXT}a=\r\n--b b--"),
            ReasonCode::AnswerMalformed,
        ),
        (
            format!("--b b\r\nContent-Encoding: gzip\r\n{TEXT}a\r\n--b b--"),
            ReasonCode::CodingUnsupported,
        ),
        (
            format!("--b b\r\n{TEXT}[{{\"o\":1}}]\r\n--b b--"),
            ReasonCode::TypeUnsupported,
        ),
        (
            format!("--b b\r\n{JSON}1\r\n--b b--"),
            ReasonCode::NothingSelected,
        ),
        (
            format!("--b b\r\n{TEXT}a\r\n--b b\r\n"),
            ReasonCode::AnswerTruncated,
        ),
        (format!("--b b\r\n{TEXT}a\r\n"), ReasonCode::AnswerTruncated),
        (String::new(), ReasonCode::AnswerTruncated),
    ] {
        assert_eq!(drop(&body), Err(code), "{body:?}");
    }
}

#[test]
fn refuses_boundaries_that_are_none() {
    let plan = fixture(Others::Drop).plan();
    for kind in [
        "multipart/mixed",
        "multipart/mixed; boundary=",
        "multipart/mixed; boundary=a; boundary=b",
        "multipart/mixed; boundary=\"a \"",
        "multipart/mixed; boundary=\"a@b\"",
        "multipart/byteranges; boundary=a",
    ] {
        let found = run(&plan, kind, &[b"--a--"]);
        assert_eq!(found, Err(ReasonCode::TypeUnsupported), "{kind}");
    }
    assert_eq!(
        run(&plan, "multipart/form-data; boundary=a", &[b"--a--"]).as_deref(),
        Ok("--a--")
    );
}

#[test]
fn decides_before_the_first_byte_where_the_rule_says_so() {
    let body = format!("--b b\r\n{TEXT}a\r\n--b b\r\n{JSON}[{{\"o\":\"u-bob\"}}]\r\n--b b--");
    assert_eq!(cut(fixture(Others::Hide), &body), Err(ReasonCode::Hidden));
    let plan = fixture(Others::Hide).plan();
    let mut headers = HeaderMap::new();
    headers.insert(
        "content-type",
        "multipart/mixed; boundary=\"b b\"".parse().unwrap(),
    );
    let mut stream = answer_stream(&plan, &headers).unwrap().unwrap();
    stream
        .write(format!("--b b\r\n{TEXT}a\r\n--b b\r\n").as_bytes())
        .unwrap();
    assert!(stream.is_held());
}
