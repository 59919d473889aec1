//! Answers on their way to a real client.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::BodyExt as _;

use super::response;
use crate::filter::coding::tests::encode;
use crate::filter::fixture::Fixture;
use crate::filter::script::{Act, Script, a_while, fetch, permit};
use crate::filter::{Blocked, Coding, End, FilterError, FilteredBody};
use crate::json::Selector;
use crate::policy::treatment::{Action, Class, Kind, Others, RecordRule, Select};
use crate::types::{ReasonCode, Refusal, Verdict};

fn fixture() -> Fixture {
    Fixture::new().detector("email", Action::Redact).pattern(
        "key",
        r"\bKEY-[0-9]{4}\b",
        Action::Block,
    )
}

async fn filter(
    fixture: Fixture,
    method: Method,
    answer: Response<Script>,
) -> Result<Response<FilteredBody>, Box<Blocked>> {
    let plan = fixture.plan();
    response(&permit(&plan), &plan.context, &method, answer).await
}

fn text(script: Script) -> Response<Script> {
    let answer = Response::builder().header("content-type", "text/plain");
    answer.body(script).unwrap()
}

async fn refusal(fixture: Fixture, answer: Response<Script>) -> Refusal {
    let blocked = filter(fixture, Method::GET, answer).await.unwrap_err();
    assert_eq!(blocked.report.verdict(), Verdict::Block);
    blocked.refusal
}

/// What hooks were told.
type Told = Arc<Mutex<Vec<End>>>;

fn tell(body: &mut FilteredBody, gate: Option<tokio::sync::oneshot::Receiver<()>>) -> Told {
    let told = Told::default();
    let sink = told.clone();
    body.on_end(Box::new(move |outcome| {
        sink.lock().unwrap().push(outcome.end);
        Box::pin(async move {
            if let Some(gate) = gate {
                gate.await
                    .map_err(|_| FilterError::from(Refusal::new(ReasonCode::AuditUnavailable)))?;
            }
            Ok(())
        })
    }));
    told
}

#[tokio::test]
async fn gives_small_answers_whole() {
    let mut answer = text(Script::text("to bob@shop.example, ann@shop.example", 5));
    for (name, value) in [
        ("etag", "\"1\""),
        ("content-md5", "x"),
        ("digest", "x"),
        ("content-digest", "x"),
        ("repr-digest", "x"),
        ("accept-ranges", "bytes"),
        ("content-length", "37"),
        ("cache-control", "public"),
        ("x-kept", "yes"),
    ] {
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    let answer = filter(fixture(), Method::GET, answer).await.unwrap();
    let seen = fetch(answer).await;
    assert!(seen.is_clean);
    assert_eq!(seen.body, b"to [redacted:email], ann@shop.example");
    let mut names: Vec<String> = seen
        .headers
        .iter()
        .map(|(n, v)| format!("{n}: {}", v.to_str().unwrap()))
        .filter(|line| !line.starts_with("date:"))
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "cache-control: public",
            "content-length: 37",
            "content-type: text/plain",
            "x-kept: yes",
        ]
    );
}

#[tokio::test]
async fn keeps_no_reason_phrase_of_the_app() {
    for fixture in [fixture(), Fixture::new()] {
        let mut answer = text(Script::text("gone", 4));
        *answer.status_mut() = StatusCode::NOT_FOUND;
        let phrase = hyper::ext::ReasonPhrase::from_static(b"No order of bob@shop.example");
        answer.extensions_mut().insert(phrase);
        let answer = filter(fixture, Method::GET, answer).await.unwrap();
        assert!(
            answer
                .extensions()
                .get::<hyper::ext::ReasonPhrase>()
                .is_none()
        );
    }
}

#[tokio::test]
async fn refuses_small_bad_answers_before_their_first_byte() {
    for script in [
        Script::text(&format!("{} KEY-1234", "x".repeat(9000)), 100),
        Script::text("KEY-1234", 3).measured(),
    ] {
        let refusal = refusal(fixture(), text(script)).await;
        assert_eq!(refusal.code, ReasonCode::DetectorBlock);
    }
    let broken = Script::new([Act::Data(b"so far".to_vec()), Act::Fail]);
    let refusal = refusal(fixture(), text(broken)).await;
    assert_eq!(refusal.code, ReasonCode::AnswerTruncated);
}

#[tokio::test]
async fn never_ends_cleanly_after_an_error() {
    let long = "one line of text\n".repeat(20_000);
    let good = || Act::Data(long.clone().into_bytes());
    for (last, code) in [
        (Act::Fail, ReasonCode::AnswerTruncated),
        (Act::Data(b"KEY-1234\n".to_vec()), ReasonCode::DetectorBlock),
        (Act::Data(b"\xff".to_vec()), ReasonCode::AnswerMalformed),
    ] {
        let script = Script::new([good(), last]);
        let mut answer = filter(fixture(), Method::GET, text(script)).await.unwrap();
        let told = tell(answer.body_mut(), None);
        let watch = answer.body().watch();
        let seen = fetch(answer).await;
        assert!(!seen.is_clean, "{code}");
        assert!(long.as_bytes().starts_with(&seen.body));
        let told = told.lock().unwrap();
        assert!(
            matches!(&told[..], [End::Refused(refusal)] if refusal.code == code),
            "{told:?}"
        );
        assert_eq!(watch.outcome().unwrap().end, told[0]);
    }
}

#[tokio::test]
async fn books_the_end_before_the_last_byte() {
    let long = "one line of text\n".repeat(20_000);
    for body in ["short", long.as_str()] {
        for opens in [true, false] {
            let answer = text(Script::text(body, 50_000).measured());
            let mut answer = filter(fixture(), Method::GET, answer).await.unwrap();
            let (gate, wait) = tokio::sync::oneshot::channel();
            let told = tell(answer.body_mut(), Some(wait));
            let reader = crate::runtime::task::spawn(fetch(answer));
            // However long a loaded machine takes: the end is told, and the reader still waits.
            while told.lock().unwrap().is_empty() {
                a_while().await;
            }
            a_while().await;
            assert!(!reader.is_finished());
            assert_eq!(told.lock().unwrap()[..], [End::Complete]);
            if opens {
                gate.send(()).unwrap();
            } else {
                drop(gate);
            }
            let seen = reader.await.unwrap();
            assert_eq!(seen.is_clean, opens);
            assert_eq!(seen.body.len() == body.len(), opens);
        }
    }
}

#[tokio::test]
async fn books_readers_that_go_away() {
    let script = Script::new([Act::Data(b"begin ".to_vec()), Act::Stall]);
    let mut answer = filter(fixture(), Method::GET, text(script)).await.unwrap();
    let told = tell(answer.body_mut(), None);
    drop(answer);
    assert_eq!(told.lock().unwrap()[..], [End::Aborted]);
}

#[tokio::test]
async fn lets_go_what_may_leave_when_the_app_pauses() {
    let data = Act::Data(format!("first\n{}", "\n".repeat(20_000)).into_bytes());
    let script = Script::new([data, Act::Stall]);
    let mut answer = filter(fixture(), Method::GET, text(script)).await.unwrap();
    let frame = tokio::time::timeout(Duration::from_secs(60), answer.body_mut().frame());
    let frame = frame.await.unwrap().unwrap().unwrap();
    assert!(frame.into_data().unwrap().starts_with(b"first\n"));
}

#[tokio::test]
async fn takes_out_headers_that_hold_findings() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-note", "bob@shop.example".parse().unwrap());
    trailers.insert("x-sum", "7".parse().unwrap());
    trailers.insert("content-digest", "x".parse().unwrap());
    trailers.insert("chaperone-decision", "forged".parse().unwrap());
    let script = Script::new([Act::Data(b"text".to_vec()), Act::Trailers(trailers)]);
    let mut answer = text(script);
    for (name, value) in [
        ("location", "/u?mail=bob%40shop.example"),
        ("x-mail", "bob@shop.example"),
        ("x-own", "ann@shop.example"),
        (
            "trailer",
            "x-sum, x-note, content-digest, chaperone-decision",
        ),
    ] {
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    let mut answer = filter(fixture(), Method::GET, answer).await.unwrap();
    assert!(!answer.headers().contains_key("location"));
    assert!(!answer.headers().contains_key("x-mail"));
    assert!(answer.headers().contains_key("x-own"));
    assert!(!answer.headers().contains_key("content-length"));
    assert_eq!(answer.body_mut().report().verdict(), Verdict::Redact);
    let seen = fetch(answer).await;
    let trailers = seen.trailers.unwrap();
    assert!(seen.is_clean);
    assert_eq!(
        (trailers.len(), &trailers["x-sum"]),
        (1, &"7".parse().unwrap())
    );
    let mut answer = text(Script::text("", 1));
    let value = "/KEY%2D1234".parse().unwrap();
    answer.headers_mut().insert("location", value);
    let refusal = refusal(fixture(), answer).await;
    assert_eq!(refusal.code, ReasonCode::DetectorBlock);
}

#[tokio::test]
async fn takes_out_headers_whose_names_hold_findings() {
    let fixture = || {
        let dictionary = Class::Dictionary;
        Fixture::new()
            .terms("falcon", dictionary, "falcon", Action::Redact)
            .terms("words", dictionary, "location", Action::Redact)
    };
    let mut answer = text(Script::text("x", 1));
    for name in ["x-falcon-version", "location", "x-falconer"] {
        let value = "falcon".parse().unwrap();
        answer.headers_mut().insert(name, value);
        let value = "1".parse().unwrap();
        answer.headers_mut().append(name, value);
    }
    let plain = "/".parse().unwrap();
    answer.headers_mut().insert("location", plain);
    let answer = filter(fixture(), Method::GET, answer).await.unwrap();
    assert!(answer.headers().contains_key("location"));
    assert!(!answer.headers().contains_key("x-falcon-version"));
    let findings = answer.body().report().findings().iter();
    let places: Vec<&str> = findings.map(|finding| &*finding.masked).collect();
    assert_eq!(places, ["header.*"; 4]);
}

#[tokio::test]
async fn reads_headers_in_every_way_that_clients_do() {
    let fixture = || {
        Fixture::new()
            .terms("falcon", Class::Dictionary, "Falcon IX", Action::Redact)
            .terms("names", Class::Dictionary, "Jörg Müller", Action::Redact)
    };
    for (value, is_kept) in [
        (&b"/?q=Falcon+IX"[..], false),
        (b"/?q=x%2By+Falcon%20IX", false),
        (b"attachment; filename=\"J\xf6rg M\xfcller.csv\"", false),
        (b"/?q=J%F6rg+M%FCller", false),
        (b"/?q=J%C3%B6rg+M%C3%BCller", false),
        (b"/?q=J\xf6rg+M%FCnch", true),
    ] {
        let mut answer = text(Script::text("x", 1));
        let field = HeaderValue::from_bytes(value).unwrap();
        answer.headers_mut().insert("x-a", field);
        let answer = filter(fixture(), Method::GET, answer).await.unwrap();
        assert_eq!(answer.headers().contains_key("x-a"), is_kept, "{value:?}");
    }
}

#[tokio::test]
async fn passes_unread_what_is_public_and_undetected() {
    let coded = encode(Coding::Gzip, b"bob@shop.example");
    let script = Script::new([Act::Data(coded.clone())]).measured();
    let answer = Response::builder()
        .header("content-type", "image/png")
        .header("content-encoding", "gzip")
        .header("content-length", coded.len())
        .header("etag", "\"1\"")
        .body(script)
        .unwrap();
    let answer = filter(Fixture::new(), Method::GET, answer).await.unwrap();
    let seen = fetch(answer).await;
    assert!(seen.is_clean);
    assert_eq!(seen.body, coded);
    assert_eq!(seen.headers["content-encoding"], "gzip");
    assert_eq!(
        seen.headers["content-length"],
        coded.len().to_string().as_str()
    );
    assert_eq!(seen.headers["etag"], "\"1\"");
}

#[tokio::test]
async fn takes_a_small_unread_answer_with_its_head() {
    let data = |text: &str| Act::Data(text.into());
    let many = || (0..100).map(|_| Act::Data(b"a".to_vec()));
    for (script, whole) in [
        (Script::new([data("ab"), data("c")]), Some(3)),
        (Script::new([data("ab"), data("c")]).measured(), Some(3)),
        (Script::new([]), Some(0)),
        // These are streams, and nobody waits for their ends.
        (Script::new([data("ab"), Act::Stall]), None),
        (Script::new([Act::Stall]), None),
        (Script::new(many()), None),
        (Script::text(&"a".repeat(100_000), 20_000), None),
        (Script::text(&"a".repeat(100_000), 100_000).measured(), None),
        (Script::new([Act::Trailers(HeaderMap::new())]), Some(0)),
    ] {
        let answer = filter(Fixture::new(), Method::GET, text(script));
        assert_eq!(answer.await.unwrap().body().whole(), whole);
    }
    let long = "a".repeat(100_000);
    for (script, length) in [
        (Script::new(many()), 100),
        (Script::text(&long, 20_000), 100_000),
        (Script::text(&long, 7), 100_000),
    ] {
        let answer = filter(Fixture::new(), Method::GET, text(script)).await;
        let seen = fetch(answer.unwrap()).await;
        assert!(seen.is_clean);
        assert_eq!(seen.body, b"a".repeat(length));
    }
}

#[tokio::test]
async fn refuses_small_unread_answers_that_break_off_before_their_first_byte() {
    for script in [
        Script::new([Act::Fail]),
        Script::new([Act::Data(b"ab".to_vec()), Act::Fail]),
    ] {
        let refusal = refusal(Fixture::new(), text(script)).await;
        assert_eq!(refusal.code, ReasonCode::AnswerTruncated);
    }
    // One of which much has come already is a stream.
    let script = Script::new([Act::Data(vec![b'a'; 100_000]), Act::Fail]);
    let answer = filter(Fixture::new(), Method::GET, text(script)).await;
    let error = answer.unwrap().into_body().collect().await.unwrap_err();
    assert_eq!(error.refusal.code, ReasonCode::AnswerTruncated);
}

#[tokio::test]
async fn settles_what_is_whole_before_its_head_leaves() {
    for opens in [true, false] {
        for fixture in [fixture(), Fixture::new()] {
            let answer = filter(fixture, Method::GET, text(Script::text("short", 9)));
            let mut answer = answer.await.unwrap();
            let (gate, wait) = tokio::sync::oneshot::channel();
            let told = tell(answer.body_mut(), Some(wait));
            if opens {
                gate.send(()).unwrap();
            } else {
                drop(gate);
            }
            assert_eq!(answer.body_mut().settle().await.is_ok(), opens);
            assert_eq!(told.lock().unwrap()[..], [End::Complete]);
            let collected = answer.into_body().collect().await;
            let body = collected.map(http_body_util::Collected::to_bytes).ok();
            assert_eq!(body.as_deref(), opens.then_some(&b"short"[..]));
        }
    }
    // What is not whole is left as it is.
    let script = Script::new([Act::Data(b"ab".to_vec()), Act::Stall]);
    let mut answer = filter(Fixture::new(), Method::GET, text(script))
        .await
        .unwrap();
    let told = tell(answer.body_mut(), None);
    answer.body_mut().settle().await.unwrap();
    assert!(told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn undoes_codings() {
    let coded = encode(
        Coding::Zstd,
        &encode(Coding::Brotli, b"to bob@shop.example"),
    );
    let mut answer = text(Script::new([Act::Data(coded)]));
    let value = "br, zstd".parse().unwrap();
    answer.headers_mut().insert("content-encoding", value);
    let answer = filter(fixture(), Method::GET, answer).await.unwrap();
    let seen = fetch(answer).await;
    assert_eq!(seen.body, b"to [redacted:email]");
    assert!(!seen.headers.contains_key("content-encoding"));
}

#[tokio::test]
async fn refuses_what_it_can_not_read() {
    let answer = |headers: &[(&'static str, &str)], body: &str| {
        let mut answer = Response::new(Script::text(body, 4));
        for (name, value) in headers {
            answer.headers_mut().append(*name, value.parse().unwrap());
        }
        answer
    };
    let plain = ("content-type", "text/plain");
    for (headers, body, code) in [
        (
            &[("content-type", "image/png")][..],
            "x",
            ReasonCode::TypeUnsupported,
        ),
        (&[plain, plain], "x", ReasonCode::TypeUnsupported),
        (
            &[("content-type", "text/plain; charset=utf-7")],
            "x",
            ReasonCode::TypeUnsupported,
        ),
        (
            &[("content-type", "what")],
            "x",
            ReasonCode::TypeUnsupported,
        ),
        (
            &[plain, ("content-encoding", "aes")],
            "x",
            ReasonCode::CodingUnsupported,
        ),
        (
            &[plain, ("content-encoding", "gzip")],
            "plain",
            ReasonCode::AnswerMalformed,
        ),
    ] {
        let refusal = refusal(fixture(), answer(headers, body)).await;
        assert_eq!(refusal.code, code, "{headers:?}");
    }
    let mut partial = text(Script::text("x", 1));
    *partial.status_mut() = StatusCode::PARTIAL_CONTENT;
    assert_eq!(
        refusal(fixture(), partial).await.code,
        ReasonCode::AnswerMalformed
    );
    let mut upgrade = text(Script::text("x", 1));
    *upgrade.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    assert_eq!(
        refusal(Fixture::new(), upgrade).await.code,
        ReasonCode::UpgradeRefused
    );
}

#[tokio::test]
async fn refuses_foreign_records_whatever_their_type() {
    for (media, code) in [
        (
            Some("application/json; profile=\"mailto:bob@shop.example\""),
            ReasonCode::ForeignRecord,
        ),
        (None, ReasonCode::TypeUnsupported),
    ] {
        let mut answer = Response::new(Script::text(r#"{"owner":"u-bob"}"#, 4));
        if let Some(media) = media {
            let media = media.parse().unwrap();
            answer.headers_mut().insert("content-type", media);
        }
        assert_eq!(refusal(with_records(), answer).await.code, code);
    }
}

fn with_records() -> Fixture {
    let mut fixture = fixture();
    fixture.treatment.records = Some(Arc::new(RecordRule {
        origin: fixture.treatment.origin.clone(),
        select: Select::Anywhere,
        owner: vec![Selector::member("owner").into()],
        others: Others::Drop,
        also: Vec::new(),
        is_optional: false,
        further: Vec::new(),
    }));
    fixture
}

#[tokio::test]
async fn reads_answers_as_the_policy_says() {
    let answer = || {
        let answer = Response::builder().header("content-type", "application/octet-stream");
        answer.body(Script::text("bob@shop.example", 4)).unwrap()
    };
    assert_eq!(
        refusal(fixture(), answer()).await.code,
        ReasonCode::TypeUnsupported
    );
    let mut lenient = fixture();
    lenient.treatment.read_as = Some(Kind::Text);
    let answer = filter(lenient, Method::GET, answer()).await.unwrap();
    assert_eq!(fetch(answer).await.body, b"[redacted:email]");
    // Without any type it must be text.
    let untyped = Response::new(Script::text("bob@shop.example", 4));
    let answer = filter(fixture(), Method::GET, untyped).await.unwrap();
    assert_eq!(fetch(answer).await.body, b"[redacted:email]");
}

#[tokio::test]
async fn lets_answers_without_a_body_pass() {
    let head = || {
        Response::builder()
            .header("content-type", "image/png")
            .header("content-length", "1234")
            .body(Script::text("", 1).measured())
            .unwrap()
    };
    let answer = filter(fixture(), Method::HEAD, head()).await.unwrap();
    assert!(!answer.headers().contains_key("content-length"));
    let mut unchanged = head();
    *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
    let answer = filter(fixture(), Method::GET, unchanged).await.unwrap();
    assert!(
        answer
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .is_empty()
    );
}

#[tokio::test]
async fn changes_nothing_when_observing() {
    let mut observing = fixture();
    observing.is_observing = true;
    let plan = observing.plan();
    let coded = encode(Coding::Gzip, b"bob@shop.example KEY-1234");
    let mut answer = text(Script::new([Act::Data(coded.clone())]).measured());
    let value = "gzip".parse().unwrap();
    answer.headers_mut().insert("content-encoding", value);
    let (mut parts, source) = answer.into_parts();
    let body = super::observe(&plan, &mut parts.headers, source, false);
    let watch = body.watch();
    let seen = fetch(Response::from_parts(parts, body)).await;
    assert!(seen.is_clean);
    assert_eq!(seen.body, coded);
    assert_eq!(seen.headers["content-encoding"], "gzip");
    let outcome = watch.outcome().unwrap();
    assert_eq!(outcome.end, End::Complete);
    assert_eq!(outcome.report.verdict(), Verdict::Block);
    assert_eq!(outcome.report.findings().len(), 2);
}
