//! What is replaced, what is left alone, and what is refused.

use std::sync::Arc;

use super::{Edit, Inspector, mask};
use crate::filter::fixture::Fixture;
use crate::filter::{Place, Side};
use crate::policy::treatment::{Action, Class};
use crate::types::{FingerprintKey, ReasonCode, Refusal, Subject, Verdict};

fn inspect(
    fixture: Fixture,
    side: Side,
    text: &str,
) -> (Result<String, Refusal>, Vec<String>, Verdict) {
    let plan = fixture.plan();
    let mut inspector = Inspector::new(&plan, side);
    let mut edits: Vec<Edit> = Vec::new();
    let result = inspector.inspect(text.as_bytes(), &Place::Body(0), &mut edits);
    let mut output = text.to_owned();
    for edit in edits.iter().rev() {
        output.replace_range(edit.range.clone(), &edit.replacement);
    }
    let findings = inspector.report().findings().iter();
    let findings = findings.map(|f| format!("{}:{}-{}", f.detector, f.start, f.end));
    let findings = findings.collect();
    let verdict = inspector.report().verdict();
    (result.map(|()| output), findings, verdict)
}

fn answer(fixture: Fixture, text: &str) -> Result<String, Refusal> {
    inspect(fixture, Side::Response, text).0
}

#[test]
fn replaces_what_detectors_find() {
    let fixture = Fixture::new()
        .detector("email", Action::Redact)
        .pattern(
            "employee",
            r"\bEMP-[0-9]{6}\b",
            Action::Mask {
                keep_last: 2,
                number: false,
            },
        )
        .terms("names", Class::Dictionary, "Bob Byte", Action::Pseudonymize);
    let (output, findings, verdict) = inspect(
        fixture,
        Side::Response,
        "bob@shop.example, EMP-123456, Bob Byte!",
    );
    let output = output.unwrap();
    assert!(
        output.starts_with("[redacted:email], ***-****56, [names:"),
        "{output}"
    );
    assert!(output.ends_with("]!"));
    assert_eq!(findings, ["email:0-16", "employee:18-28", "names:30-38"]);
    assert_eq!(verdict, Verdict::Redact);
}

#[test]
fn gives_one_value_one_pseudonym() {
    let fixture =
        || Fixture::new().terms("names", Class::Dictionary, "Bob Byte", Action::Pseudonymize);
    let one = answer(fixture(), "Bob Byte").unwrap();
    assert_eq!(answer(fixture(), "bob byte").unwrap(), one);
    assert!(!one.to_lowercase().contains("bob"));
}

#[test]
fn leaves_the_subjects_own_values_alone() {
    let fixture = || {
        Fixture::new()
            .detector("email", Action::Redact)
            .detector("phone", Action::Redact)
    };
    for own in [
        "ann@shop.example",
        "Ann@Shop.Example",
        "+49 30 901820",
        "+49 (30) 901-820",
    ] {
        let (output, findings, verdict) = inspect(fixture(), Side::Response, own);
        assert_eq!(output.unwrap(), own);
        assert_eq!((findings.len(), verdict), (0, Verdict::Allow));
    }
    assert_ne!(
        answer(fixture(), "bann@shop.example").unwrap(),
        "bann@shop.example"
    );
}

#[test]
fn keeps_embargoes_whoever_asks() {
    let embargo = |opens: Option<&str>| Class::Embargo {
        opens: opens.map(|at| at.parse().unwrap()),
    };
    let fixture = |opens| {
        Fixture::new()
            .terms("falcon", embargo(opens), "ann@shop.example", Action::Block)
            .except("ann@shop.example", None)
    };
    for shut in [None, Some("2026-11-23T12:00:00.000000001Z")] {
        let refusal = answer(fixture(shut), "to ann@shop.example.").unwrap_err();
        assert_eq!(refusal, Refusal::new(ReasonCode::Embargo));
    }
    for open in [Some("2026-11-23T12:00:00Z"), Some("2020-01-01T00:00:00Z")] {
        assert!(answer(fixture(open), "to ann@shop.example.").is_ok());
    }
}

#[test]
fn ends_exceptions_in_time() {
    let text = "press@shop.example";
    let fixture = |until| {
        Fixture::new()
            .detector("email", Action::Redact)
            .except("Press@shop.example", until)
    };
    assert_eq!(answer(fixture(None), text).unwrap(), text);
    assert_eq!(
        answer(fixture(Some("2026-11-23T12:00:00Z")), text).unwrap(),
        text
    );
    assert_eq!(
        answer(fixture(Some("2026-11-23T11:59:59Z")), text).unwrap(),
        "[redacted:email]"
    );
}

#[test]
fn merges_overlaps_and_takes_the_strictest_action() {
    let fixture = Fixture::new()
        .pattern(
            "a",
            "abcd",
            Action::Mask {
                keep_last: 1,
                number: false,
            },
        )
        .pattern("b", "cdef", Action::Redact)
        .pattern("c", "efgh", Action::Pseudonymize);
    let (output, findings, _) = inspect(fixture, Side::Response, "xabcdefghx");
    assert_eq!(output.unwrap(), "x[redacted:b]x");
    assert_eq!(findings.len(), 3);
    let fixture =
        Fixture::new()
            .pattern("a", "abcd", Action::Redact)
            .pattern("b", "cdef", Action::Block);
    let refusal = answer(fixture, "abcdef").unwrap_err();
    assert_eq!(refusal.code, ReasonCode::DetectorBlock);
    assert_eq!(&*refusal.origin.unwrap().rule, "b");
}

#[test]
fn keeps_of_overlapping_masks_what_the_strictest_keeps() {
    let mask = |keep_last| Action::Mask {
        keep_last,
        number: false,
    };
    let fixture = || {
        Fixture::new()
            .pattern("a", "A[0-9]{6}", mask(3))
            .pattern("b", "[0-9]{4}B[0-9]{4}", mask(0))
            .pattern("c", "NAME [A-Z]{16}", mask(8))
            .pattern("d", "QQ[0-9]{4}", mask(6))
    };
    for (text, masked) in [
        ("x A123456B7890 y", "x ************ y"),
        ("NAME ABCDEFGHABCDEFQQ1234", "**** *****************234"),
        ("NAME ABCDEFGHABCDEFGH", "**** ********ABCDEFGH"),
    ] {
        assert_eq!(answer(fixture(), text).unwrap(), masked);
    }
}

#[test]
fn refuses_requests_for_listed_terms_and_blocks_alone() {
    let fixture = || {
        Fixture::new()
            .detector("email", Action::Redact)
            .pattern("key", "KEY-[0-9]{4}", Action::Block)
            .terms("names", Class::Dictionary, "Bob Byte", Action::Redact)
    };
    let request = |text: &str| inspect(fixture(), Side::Request, text);
    let (output, findings, _) = request("bob@shop.example");
    assert_eq!((output.is_ok(), findings.len()), (true, 0));
    for text in ["KEY-1234", "by bob byte"] {
        let refusal = request(text).0.unwrap_err();
        assert_eq!(refusal.code, ReasonCode::RequestFinding);
        assert_eq!(refusal.origin.is_some(), text.starts_with("KEY"));
    }
}

#[test]
fn records_blocks_when_observing() {
    let mut fixture = Fixture::new().pattern("key", "KEY-[0-9]{4}", Action::Block);
    fixture.is_observing = true;
    let (output, findings, verdict) = inspect(fixture, Side::Response, "KEY-1234 KEY-1234");
    assert!(output.is_ok());
    assert_eq!((findings.len(), verdict), (2, Verdict::Block));
}

#[test]
fn masks_at_least_half() {
    for (value, keep, masked) in [
        ("4111-1111", 4, "****-1111"),
        ("abc", 9, "**c"),
        ("a", 1, "*"),
        ("é1", 1, "*1"),
        ("--", 3, "--"),
    ] {
        assert_eq!(&*mask(value, keep, '*'), masked);
    }
}

#[test]
fn keeps_the_shape_of_an_address() {
    let fixture = || {
        Fixture::new()
            .detector("email", Action::Pseudonymize)
            .detector("phone", Action::Pseudonymize)
            .terms(
                "names",
                Class::Dictionary,
                "bob@nickname.example",
                Action::Pseudonymize,
            )
    };
    let of = |text: &str| answer(fixture(), text).unwrap();
    let one = of("bob@shop.example");
    let name = one
        .strip_prefix("p-")
        .unwrap()
        .strip_suffix("@pseudonym.invalid")
        .unwrap();
    assert_eq!(name.len(), 16, "{one}");
    assert_eq!(
        of("<BOB@Shop.Example>, eve@shop.example"),
        format!("<{one}>, {}", of("eve@shop.example"))
    );
    assert_ne!(one, of("eve@shop.example"));
    // What was one once is found as another, not as the value.
    assert!(of(&one).ends_with("@pseudonym.invalid"));
    let phone = of("+49 30 901821");
    assert!(phone.starts_with("[phone:"), "{phone}");
    assert_eq!(of("+49 (30) 901-821"), phone);
    assert_ne!(of("+49 30 901822"), phone);
}

#[test]
fn keeps_pseudonyms_apart_by_subject_preview_and_key() {
    let of = |subject: &str, preview: &str, key: &[u8]| {
        let plan = Fixture::new()
            .detector("email", Action::Pseudonymize)
            .plan();
        let mut plan = (*plan).clone();
        plan.subject = Arc::new(Subject::new(subject, []).unwrap());
        plan.context.preview = preview.into();
        plan.context.key = FingerprintKey::from_material(key);
        let mut edits = Vec::new();
        let mut inspector = Inspector::new(&Arc::new(plan), Side::Response);
        inspector
            .inspect(b"bob@shop.example", &Place::Body(0), &mut edits)
            .unwrap();
        edits[0].replacement.clone()
    };
    let one = of("u-ann", "pr-1", b"key");
    assert_eq!(of("u-ann", "pr-1", b"key"), one);
    for other in [
        of("u-eve", "pr-1", b"key"),
        of("u-ann", "pr-2", b"key"),
        of("u-ann", "pr-1", b"other"),
    ] {
        assert_ne!(other, one);
    }
}

#[test]
fn keeps_numbers_where_all_masks_do() {
    let with = |number| Action::Mask {
        keep_last: 2,
        number,
    };
    for (first, second, text, number) in [
        (with(true), with(true), "1234567", Some("1111167")),
        (with(true), with(false), "1234567", None),
        (with(true), Action::Redact, "1234567", None),
        (with(true), with(true), "-98.765", Some("-11.115")),
        (with(true), with(true), "98e7654", None),
    ] {
        let plan = Fixture::new()
            .pattern("a", "[-0-9.e]{7}", first)
            .pattern("b", "[-0-9.e]{5}", second)
            .plan();
        let mut edits = Vec::new();
        let mut inspector = Inspector::new(&plan, Side::Response);
        inspector
            .inspect(text.as_bytes(), &Place::Body(0), &mut edits)
            .unwrap();
        assert_eq!(edits.len(), 1);
        let kept = edits[0].number.as_deref();
        assert_eq!(kept, number, "{text} {second:?}");
    }
}
