//! The comparison rules, separators, withheld members and limits, case by case.

use super::{Rule, feed, filter, json, lines, plan};
use crate::filter::Limits;
use crate::filter::fixture::Fixture;
use crate::policy::treatment::{Action, Kind, Others};
use crate::types::ReasonCode;

/// A record with owner `value`, filtered for a subject whose id is `u-ann`.
fn is_kept(value: &str) -> bool {
    let body = format!("[{{\"o\":{value}}}]");
    let out = json(&Rule::path("$[*]"), &body).unwrap();
    assert!(out == body || out == "[]", "{out}");
    out == body
}

#[test]
fn compares_decoded_text_octet_for_octet() {
    assert!(is_kept(r#""u-ann""#));
    assert!(is_kept(r#""u\u002dann""#));
    assert!(is_kept(r#""\u0075-an\u006e""#));
    for other in [
        r#""U-ann""#,
        r#""u-ann ""#,
        r#"" u-ann""#,
        r#""u-an""#,
        r#""u-annn""#,
        r#""""#,
        "null",
        "true",
        "false",
        "1",
        r#"{"o":"u-ann"}"#,
        r#"["u-ann"]"#,
        r#""u\u2010ann""#,
    ] {
        assert!(!is_kept(other), "{other}");
    }
}

#[test]
fn compares_numbers_by_their_literal_text() {
    let kept = |subject: &str, value: &str| {
        let body = format!("[{{\"o\":{value}}}]");
        let mut plan = (*Rule::path("$[*]").plan()).clone();
        plan.subject = std::sync::Arc::new(crate::types::Subject::new(subject, []).unwrap());
        let out = filter(&std::sync::Arc::new(plan), Kind::Json, body.as_bytes())
            .0
            .unwrap();
        out == body
    };
    assert!(kept("1", "1"));
    assert!(kept("1", "\"1\""));
    assert!(kept("1.0", "1.0"));
    assert!(kept("9007199254740993", "9007199254740993"));
    for other in ["1.0", "1e0", "10", "-1", "\"1.0\"", "\"01\"", "[1]", "true"] {
        assert!(!kept("1", other), "{other}");
    }
    assert!(!kept("null", "null"));
    assert!(!kept("true", "true"));
    assert!(!kept("9007199254740992", "9007199254740993"));
}

#[test]
fn takes_a_name_that_stands_twice_for_nobodys() {
    let rule = Rule::path("$[*]").owner("$.c.id");
    let own = r#"[{"c":{"id":"u-ann"}}]"#;
    assert_eq!(json(&rule, own).unwrap(), own);
    for twice in [
        r#"[{"c":{"id":"u-ann","id":"u-ann"}}]"#,
        r#"[{"c":{"id":"u-ann","\u0069d":"u-bob"}}]"#,
        r#"[{"c":{"id":"u-ann"},"\u0063":1}]"#,
        r#"[{"c":1,"c":{"id":"u-ann"}}]"#,
    ] {
        assert_eq!(json(&rule, twice).unwrap(), "[]", "{twice}");
    }
    let anywhere = Rule::anywhere("$.o");
    assert_eq!(
        json(&anywhere, r#"[{"o":"u-ann","\u006f":"u-bob"}]"#).unwrap(),
        "[]"
    );
    let elsewhere = r#"[{"o":"u-ann","x":1,"x":2}]"#;
    assert_eq!(json(&anywhere, elsewhere).unwrap(), elsewhere);
}

#[test]
fn takes_any_of_several_owners() {
    let mut rule = Rule::path("$[*]");
    rule.owner = vec!["$.from", "$.to"];
    let body =
        r#"[{"from":"u-ann"},{"to":"u-ann","from":1},{"to":2},{"from":"u-ann","to":1,"to":2}]"#;
    assert_eq!(
        json(&rule, body).unwrap(),
        r#"[{"from":"u-ann"},{"to":"u-ann","from":1}]"#
    );
}

#[test]
fn keeps_separators_valid_and_the_rest_untouched() {
    let rule = Rule::path("$[*]");
    let a = r#"{"o" : "u-ann"}"#;
    let b = r#"{"o":"u-bob"}"#;
    let cases = [
        (format!(" [ {a} , {b} ] "), format!(" [ {a}  ] ")),
        (format!("[ {b} ,\t{a} ]"), format!("[\t{a} ]")),
        (format!("[{a}\n,{b}\n, {a}]"), format!("[{a}\n, {a}]")),
        (format!("[{b},{b}, {b} ]"), "[ ]".to_owned()),
        (format!("\u{feff}[{b}]\n"), "\u{feff}[]\n".to_owned()),
        ("[ ]".to_owned(), "[ ]".to_owned()),
    ];
    for (body, expected) in cases {
        assert_eq!(json(&rule, &body).unwrap(), expected, "{body}");
    }
    let rule = Rule::path("$.*");
    let body = format!(r#"{{ "a" : {b} , "b" : {a} , "c" : {b} }}"#);
    assert_eq!(json(&rule, &body).unwrap(), format!(r#"{{ "b" : {a}  }}"#));
}

#[test]
fn withholds_what_stands_outside_of_the_records() {
    let rule = Rule::path("$.orders[*]")
        .also("$.page")
        .also("$.meta.total");
    let body = r#"{"secret":1, "page": 2,"meta":{"x":"y","total":3,"z":[1]},"orders":[{"o":"u-ann"},{"o":"u-bob"}],"others":[{"o":"u-ann"}]}"#;
    let expected = r#"{ "page": 2,"meta":{"total":3},"orders":[{"o":"u-ann"}]}"#;
    assert_eq!(json(&rule, body).unwrap(), expected);
    let empty = r#"{"meta":{"x":1},"orders":[ ]}"#;
    assert_eq!(json(&rule, empty).unwrap(), r#"{"orders":[ ]}"#);
}

#[test]
fn judges_records_inside_records() {
    let anywhere = Rule::anywhere("$.o");
    let body =
        r#"{"o":"u-ann","list":[{"o":"u-bob"},{"x":{"o":"u-bob","y":1}},1],"free":{"a":[{}]}}"#;
    let expected = r#"{"o":"u-ann","list":[{},1],"free":{"a":[{}]}}"#;
    assert_eq!(json(&anywhere, body).unwrap(), expected);
    let nested = Rule::path("$..item");
    let body =
        r#"{"item":{"o":"u-ann","item":{"o":"u-bob"},"x":[{"item":{"o":"u-ann"}}]},"q":{"r":1}}"#;
    let expected = r#"{"item":{"o":"u-ann","x":[{"item":{"o":"u-ann"}}]}}"#;
    assert_eq!(json(&nested, body).unwrap(), expected);
}

#[test]
fn puts_placeholders_under_redact() {
    let rule = Rule::path("$[*]").others(Others::Redact);
    let body = r#"[{"o":"u-bob"}, 5 ,{"o":"u-ann"}]"#;
    let expected = r#"[{"chaperone":"redacted"}, "[redacted]" ,{"o":"u-ann"}]"#;
    assert_eq!(json(&rule, body).unwrap(), expected);
    let root = Rule::path("$").others(Others::Redact);
    assert_eq!(
        json(&root, "{\"o\":1}\n").unwrap(),
        "{\"chaperone\":\"redacted\"}\n"
    );
}

#[test]
fn refuses_foreign_answers_before_the_first_byte() {
    for (others, code) in [
        (Others::Block, ReasonCode::ForeignRecord),
        (Others::Hide, ReasonCode::Hidden),
    ] {
        let plan = Rule::path("$[*]").others(others).plan();
        let body = br#"[{"o":"u-ann"},{"o":"u-bob"}]"#;
        let mut stream =
            crate::filter::Stream::new(&plan, crate::filter::Side::Response, Some(Kind::Json), &[])
                .unwrap();
        stream.write(&body[..20]).unwrap();
        assert_eq!(stream.ready(), 0);
        assert_eq!(stream.write(&body[20..]).unwrap_err().code, code);
        assert_eq!(stream.write(b"]").unwrap_err().code, code);
        assert_eq!(
            feed(&plan, Kind::Json, &[br#"[{"o":"u-ann"}]"#]).0.unwrap(),
            r#"[{"o":"u-ann"}]"#
        );
    }
    assert_eq!(
        json(&Rule::path("$"), r#"{"o":"u-bob"}"#),
        Err(ReasonCode::ForeignRecord)
    );
    assert_eq!(
        json(&Rule::anywhere("$.o"), r#"{"o":"u-bob"}"#),
        Err(ReasonCode::ForeignRecord)
    );
}

#[test]
fn refuses_when_nothing_is_selected() {
    let rule = Rule::path("$.orders[*]");
    for body in [
        r#"{"items":[]}"#,
        "[]",
        "null",
        r#"{"orders":null}"#,
        r#"{"orders":"x"}"#,
    ] {
        assert_eq!(
            json(&rule, body),
            Err(ReasonCode::NothingSelected),
            "{body}"
        );
    }
    for body in [r#"{"orders":[]}"#, r#"{"orders":{}}"#] {
        assert_eq!(json(&rule, body).unwrap(), body);
    }
    let optional = rule.clone().optional();
    assert_eq!(json(&optional, r#"{"items":[]}"#).unwrap(), "{}");
    assert_eq!(json(&optional, "\"x\"").unwrap(), "null");
    assert_eq!(
        json(&Rule::path("$..order"), r#"{"a":[]}"#).unwrap(),
        r#"{"a":[]}"#
    );
    assert_eq!(
        json(&Rule::path("$..order"), r#"{"a":1}"#),
        Err(ReasonCode::NothingSelected)
    );
    assert_eq!(
        json(&Rule::path("$.order"), "{}"),
        Err(ReasonCode::NothingSelected)
    );
    assert_eq!(
        json(&Rule::anywhere("$.o"), r#"{"a":1}"#).unwrap(),
        r#"{"a":1}"#
    );
}

#[test]
fn selects_by_filters_on_the_member() {
    let rule = Rule::path("$.orders[?@.open == true]");
    let body = r#"{"orders":[{"o":"u-ann","open":true},{"o":"u-ann"},{"o":"u-bob","open":true}]}"#;
    let expected = r#"{"orders":[{"o":"u-ann","open":true}]}"#;
    assert_eq!(json(&rule, body).unwrap(), expected);
    let deep = Rule::path("$.shops[?@.open].orders[*]").also("$.shops[?@.open].name");
    let body = r#"{"shops":[{"orders":[{"o":"u-ann"}]},{"name":"x","t":1,"open":1,"orders":[{"o":"u-bob"},{"o":"u-ann"}]}]}"#;
    let expected = r#"{"shops":[{"name":"x","orders":[{"o":"u-ann"}]}]}"#;
    assert_eq!(json(&deep, body).unwrap(), expected);
}

#[test]
fn scrubs_strings_names_and_numbers_in_place() {
    let rule = Rule::path("$[*]");
    let body = r#"[{"o":"u-ann","note":"a\t\u0045MP-12\u00e9","EMP-34":7777,"n":17777.5,"l":["EMP-56"]},{"o":"u-bob","x":"EMP-99"}]"#;
    let expected = r#"[{"o":"u-ann","note":"a\t[redacted:emp]\u00e9","[redacted:emp]":"[redacted:seven]","n":"1[redacted:seven].5","l":["[redacted:emp]"]}]"#;
    let (out, report) = filter(&rule.plan(), Kind::Json, body.as_bytes());
    assert_eq!(out.unwrap(), expected);
    let places: Vec<_> = report
        .findings()
        .iter()
        .map(|finding| (&*finding.path, finding.start, finding.end))
        .collect();
    assert_eq!(
        places,
        [
            ("$[0].note", 2, 8),
            ("$[0].*", 0, 6),
            ("$[0].*", 0, 4),
            ("$[0].n", 1, 5),
            ("$[0].l[0]", 0, 6),
        ]
    );
}

#[test]
fn scrubs_what_passes_outside_of_records() {
    let also = Rule::path("$.orders[*]").also("$.EMP-11").also("$.m");
    let rule = Rule {
        also: vec!["$['EMP-11'].a", "$.m"],
        ..also
    };
    let body = r#"{"EMP-11":{"b":1,"a":"EMP-22"},"m":{"x":["EMP-33",{"y":7777}]},"orders":[]}"#;
    let expected = r#"{"[redacted:emp]":{"a":"[redacted:emp]"},"m":{"x":["[redacted:emp]",{"y":"[redacted:seven]"}]},"orders":[]}"#;
    let (out, report) = filter(&rule.plan(), Kind::Json, body.as_bytes());
    assert_eq!(out.unwrap(), expected);
    let places: Vec<_> = report
        .findings()
        .iter()
        .map(|finding| &*finding.path)
        .collect();
    assert_eq!(places, ["$.*", "$.*.a", "$.m.x[0]", "$.m.x[1].y"]);
    let public = plan(None, Limits::default());
    let body = r#" {"a":[1, "EMP-22" ,{"EMP-1EMP-23":null}]} "#;
    let expected = r#" {"a":[1, "[redacted:emp]" ,{"EMP-1[redacted:emp]":null}]} "#;
    assert_eq!(
        filter(&public, Kind::Json, body.as_bytes()).0.unwrap(),
        expected
    );
}

#[test]
fn lets_lines_go_one_by_one() {
    let rule = Rule::path("$");
    let body = "{\"o\":\"u-ann\"}\r\n\n {\"o\":\"u-bob\"}\n \n{\"o\":\"u-ann\",\"x\":\"EMP-12\"} ";
    let expected = "{\"o\":\"u-ann\"}\r\n\n \n{\"o\":\"u-ann\",\"x\":\"[redacted:emp]\"} ";
    assert_eq!(lines(&rule, body).unwrap(), expected);
    assert_eq!(lines(&rule, "").unwrap(), "");
    assert_eq!(lines(&rule, "\n\n").unwrap(), "\n\n");
    let anywhere = Rule::anywhere("$.o");
    assert_eq!(
        lines(&anywhere, "{\"o\":1}\n[{\"o\":1},2]\n3").unwrap(),
        "[2]\n3"
    );
    let orders = Rule::path("$.orders[*]");
    assert_eq!(
        lines(&orders, "{\"a\":1}\n{\"b\":2}\n"),
        Err(ReasonCode::NothingSelected)
    );
    let mixed = "{\"a\":1}\n{\"orders\":[{\"o\":\"u-ann\"}]}\n";
    assert_eq!(
        lines(&orders, mixed).unwrap(),
        "{}\n{\"orders\":[{\"o\":\"u-ann\"}]}\n"
    );
    assert_eq!(
        lines(&rule.clone().others(Others::Redact), "{\"o\":1}\n").unwrap(),
        "{\"chaperone\":\"redacted\"}\n"
    );
    assert_eq!(
        lines(&rule.others(Others::Block), "{\"o\":1}\n"),
        Err(ReasonCode::ForeignRecord)
    );
}

#[test]
fn releases_a_line_when_it_ends() {
    let plan = Rule::path("$").plan();
    let mut stream = crate::filter::Stream::new(
        &plan,
        crate::filter::Side::Response,
        Some(Kind::Ndjson),
        &[],
    )
    .unwrap();
    stream.write(b"{\"o\":\"u-ann\"}").unwrap();
    assert_eq!(stream.ready(), 0);
    stream.write(b"\n{").unwrap();
    assert_eq!(&*stream.take(), b"{\"o\":\"u-ann\"}\n");
}

#[test]
fn refuses_lines_that_are_not_documents() {
    let rule = Rule::path("$");
    assert_eq!(
        lines(&rule, "{\"o\":\n1}"),
        Err(ReasonCode::AnswerTruncated)
    );
    assert_eq!(lines(&rule, "{} {}"), Err(ReasonCode::AnswerMalformed));
    let refusal = feed(&rule.plan(), Kind::Ndjson, &[b"\n{\"o\":\"u-ann\"}x"])
        .0
        .unwrap_err();
    assert_eq!(
        refusal.detail.as_deref(),
        Some("expected the end of the document at byte 13 of line 2")
    );
}

#[test]
fn refuses_what_is_not_json_with_its_place() {
    let rule = Rule::path("$[*]");
    assert_eq!(
        json(&rule, "[{\"o\":\"u-ann\"}"),
        Err(ReasonCode::AnswerTruncated)
    );
    assert_eq!(json(&rule, ""), Err(ReasonCode::AnswerTruncated));
    assert_eq!(
        json(&rule, "[{\"o\":\"u-ann\"}] x"),
        Err(ReasonCode::AnswerMalformed)
    );
    let refusal = feed(&rule.plan(), Kind::Json, &[b"[{\"o\" \"secret\"}]"])
        .0
        .unwrap_err();
    assert_eq!(refusal.detail.as_deref(), Some("expected `:` at byte 6"));
}

#[test]
fn refuses_what_crosses_a_limit_wherever_it_is_cut() {
    let limits = Limits {
        record: 20,
        string: 16,
        depth: 4,
        ..Limits::default()
    };
    let rule = Rule::path("$.l[*]");
    let code = |body: &str| {
        let plan = plan(Some(&rule), limits);
        filter(&plan, Kind::Json, body.as_bytes())
            .0
            .map_err(|refusal| refusal.code)
    };
    let fits = r#"{"l":[{"o":"u-ann","x":1 }]}"#;
    assert_eq!(code(fits).unwrap(), fits);
    assert_eq!(
        code(r#"{"l":[{"o":"u-ann","x":1  }]}"#),
        Err(ReasonCode::RecordTooLarge)
    );
    assert_eq!(
        code(r#"{"l":[{"o":"u-ann","x":1   !]}"#),
        Err(ReasonCode::RecordTooLarge)
    );
    assert_eq!(
        code(r#"{"l":[{"o":"u-ann","x":!"#),
        Err(ReasonCode::AnswerMalformed)
    );
    assert_eq!(
        code(r#"{"l":[{"o":"12345678901234567"}]}"#),
        Err(ReasonCode::RecordTooLarge)
    );
    assert_eq!(
        code(r#"{"l":["12345678901234567"]}"#),
        Err(ReasonCode::StringTooLong)
    );
    assert_eq!(
        code(r#"{"m":"12345678901234567","l":[]}"#),
        Err(ReasonCode::StringTooLong)
    );
    assert_eq!(
        code(r#"{"m":[[[[]]]],"l":[]}"#),
        Err(ReasonCode::AnswerTooDeep)
    );
    assert_eq!(
        code(&format!("{{{}\"l\":[]}}", " ".repeat(21))),
        Err(ReasonCode::RecordTooLarge)
    );
    let skipped = format!(r#"{{"m":["a","b",{}"c"],"l":[]}}"#, " ".repeat(30));
    assert_eq!(code(&skipped).unwrap(), r#"{"l":[]}"#);
    let plan = plan(Some(&Rule::path("$")), limits);
    let long = feed(&plan, Kind::Ndjson, &[b"\n{\"o\":\"u-ann\"}           !"])
        .0
        .unwrap_err();
    assert_eq!(long.code, ReasonCode::RecordTooLarge);
}

#[test]
fn keeps_masked_numbers_where_the_mask_says_so() {
    let body = r#"{"a":77771,"b":-0.7777,"c":"7777","d":[7777e1],"7777":7777}"#;
    for (number, masked) in [
        (
            true,
            r#"{"a":11111,"b":-0.1111,"c":"****","d":[1111e1],"****":1111}"#,
        ),
        (
            false,
            r#"{"a":"****1","b":"-0.****","c":"****","d":["****e1"],"****":"****"}"#,
        ),
    ] {
        let action = Action::Mask {
            keep_last: 0,
            number,
        };
        let plan = Fixture::new().pattern("seven", "7777", action).plan();
        let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
        for pieces in [&[body.as_bytes()][..], &bytes] {
            assert_eq!(feed(&plan, Kind::Json, pieces).0.unwrap(), masked);
        }
    }
}
