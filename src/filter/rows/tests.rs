//! Tables whole and cut, honest and hostile.

use std::sync::Arc;

use proptest::prelude::*;

use crate::filter::fixture::Fixture;
use crate::filter::{Plan, Report, Side, Stream};
use crate::policy::treatment::{
    Action, Attribute, Class, Column, Kind, Others, RowRule, Treatment,
};
use crate::types::{ReasonCode, Refusal};

fn rule(columns: &[&str], others: Others) -> RowRule {
    RowRule {
        origin: Fixture::new().treatment.origin,
        owner: columns
            .iter()
            .map(|name| Column {
                name: (*name).into(),
                is: Attribute::id(),
            })
            .collect(),
        others,
        is_optional: false,
        delimiter: None,
    }
}

fn fixture(rule: RowRule) -> Fixture {
    let mut fixture = Fixture::new().detector("email", Action::Redact).terms(
        "quoted",
        Class::Dictionary,
        "say \"hi\"",
        Action::Redact,
    );
    fixture.treatment = Treatment {
        rows: Some(Arc::new(rule)),
        public: None,
        ..fixture.treatment
    };
    fixture
}

fn run(fixture: Fixture, kind: Kind, pieces: &[&[u8]]) -> Result<(String, Report), Refusal> {
    run_by(&fixture.plan(), kind, pieces)
}

fn run_by(plan: &Arc<Plan>, kind: Kind, pieces: &[&[u8]]) -> Result<(String, Report), Refusal> {
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
fn cut(make: impl FnOnce() -> Fixture, kind: Kind, body: &[u8]) -> Result<String, Refusal> {
    let plan = make().plan();
    let whole = run_by(&plan, kind, &[body]);
    for at in 0..=body.len() {
        let (head, tail) = body.split_at(at);
        assert_eq!(run_by(&plan, kind, &[head, tail]), whole, "cut at {at}");
    }
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(run_by(&plan, kind, &bytes), whole);
    whole.map(|(output, _)| output)
}

fn csv(body: &str) -> Result<String, Refusal> {
    let make = || fixture(rule(&["owner"], Others::Drop));
    cut(make, Kind::Csv, body.as_bytes())
}

#[test]
fn lets_the_subjects_rows_pass() {
    for (body, expected) in [
        (
            "id,owner,note\n1,u-ann,a\n2,u-bob,b\n3,u-ann,c\n",
            "id,owner,note\n1,u-ann,a\n3,u-ann,c\n",
        ),
        ("id,owner\r\n1,u-bob\r\n2,u-ann", "id,owner\r\n2,u-ann"),
        (
            "\u{feff}owner,note\n\"u-ann\",\"two\r\nlines; \"\"quoted\"\"\"\n\"u-bob\",\"\n\"\n",
            "\u{feff}owner,note\n\"u-ann\",\"two\r\nlines; \"\"quoted\"\"\"\n",
        ),
        (
            "\u{feff}\"owner\",n\nu-ann,\n",
            "\u{feff}\"owner\",n\nu-ann,\n",
        ),
        (
            "owner,n\n\nu-ann,1\n\r\nu-bob,2\n\n",
            "owner,n\n\nu-ann,1\n\r\n\n",
        ),
        ("owner\nu-ann\n\nu-bob\n", "owner\nu-ann\n"),
        ("owner,n\n", "owner,n\n"),
        ("owner,n", "owner,n"),
        (
            "n,owner\n\"u-ann\",u-bob\nu-bob,\"u-ann\"",
            "n,owner\nu-bob,\"u-ann\"",
        ),
        (
            "owner,n\nU-ANN,1\n u-ann,2\nu-ann ,3\n,4\nu-ann\u{301},5\n",
            "owner,n\n",
        ),
        (
            "owner,json\nu-ann,\"{\"\"a\"\":\"\"x\\n, \\\\y\"\"}\"\n",
            "owner,json\nu-ann,\"{\"\"a\"\":\"\"x\\n, \\\\y\"\"}\"\n",
        ),
    ] {
        assert_eq!(csv(body).as_deref(), Ok(expected), "{body:?}");
    }
}

#[test]
fn refuses_what_can_be_read_in_two_ways() {
    for body in [
        "owner,n\nu-ann,1\ru-bob,2\n",
        "owner,n\ru-ann,1\r",
        "owner,n\nu-ann,1\r",
        "owner,n\nu-ann,a\"b\n",
        "owner,n\nu-ann, \"b\"\n",
        "owner,n\nu-ann,\"b\"c\n",
        "owner,n\nu-ann,\"b\" \n",
        "owner,n\nu-ann,a\0b\n",
        "owner,n\nu-ann,\"a\0b\"\n",
        "owner,n\nu-ann\n",
        "owner,n\nu-ann,1,2\n",
        "owner,n\n\"u-ann;\",\"x\\\",u-bob\n",
        "owner,n\nu-ann,\"x\\\"\n",
        "owner,n\nu-ann,\"x\\\"",
        "owner,owner\nu-ann,u-bob\n",
        "owner,Owner\nu-ann,u-bob\n",
        "owner, owner\nu-ann,u-bob\n",
        "owner,a,a\nu-ann,1,2\n",
    ] {
        let refused = csv(body).unwrap_err();
        assert_eq!(refused.code, ReasonCode::AnswerMalformed, "{body:?}");
        assert!(refused.detail.is_some());
    }
    let refused = csv("owner,n\nu-ann,\"1\n").unwrap_err();
    assert_eq!(refused.code, ReasonCode::AnswerTruncated);
    let make = || fixture(rule(&["owner"], Others::Drop));
    for body in [
        &b"owner,n\nu-ann,\xe9\n"[..],
        b"\xff\xfeo\0w\0",
        b"owner\n\xc0\xae",
    ] {
        let refused = cut(make, Kind::Csv, body).unwrap_err();
        assert_eq!(refused.code, ReasonCode::AnswerMalformed);
    }
}

#[test]
fn refuses_backslashes_before_quotes() {
    for body in [
        "owner,n\nu-ann,\"x\\\"\"\n\nu-bob,secret\nu-ann,\"\n\"\n",
        "owner,n\nu-ann,\"x\\\"\"y\"\n",
        "owner,n\nu-ann,\"\\\"\"\"\n",
        "owner,n\nu-ann,\"x\\\\\"\"y\"\n",
    ] {
        let refused = csv(body).unwrap_err();
        assert_eq!(refused.code, ReasonCode::AnswerMalformed, "{body:?}");
        assert!(refused.detail.unwrap().contains("a backslash"), "{body:?}");
    }
    for body in [
        "owner,n\nu-ann,\"C:\\x \"\"y\"\"\"\n",
        "owner,n\nu-ann,x\\\n",
    ] {
        assert_eq!(csv(body).as_deref(), Ok(body));
    }
}

#[test]
fn refuses_quoted_cells_that_are_rows_to_others() {
    for body in [
        "owner,n\nu-ann,\"start\nu-bob,secret\nu-ann,end\"\n",
        "owner,n\nu-ann,\"start\r\nu-bob,a, secret\r\nend\"\r\n",
        "owner,n\nu-ann,\"start\ru-bob,secret\rend\"\n",
        "owner,n\nu-ann,\"\nu-bob,secret\"\n",
        "n,owner\n\"secret,u-bob\n\",u-ann\n",
        "id,owner,n,x\n1,u-ann,\"\n2,u-bob,secret\",\n",
        "owner,\"n\nu-bob,secret\"\nu-ann,1\n",
    ] {
        let refused = csv(body).unwrap_err();
        assert_eq!(refused.code, ReasonCode::AnswerMalformed, "{body:?}");
    }
    for body in [
        "owner,n\nu-ann,\"start\nmiddle\nend\"\n",
        "\"owner\",\"n\"\n\"u-ann\",\"Dear, all\nbye\"\n",
        "n,owner\n\"start\nend\",\"u-ann\"\n",
        "id,owner,n,at\n1,u-ann,\"Main Street 1\nBerlin, DE\n\nbye, Ann\",2\n",
        "owner,n\nu-ann,\"u-bob,secret\"\n",
        "owner,\"n\n(text)\"\nu-ann,1\n",
    ] {
        assert_eq!(csv(body).as_deref(), Ok(body));
    }
    // What stays behind harms nobody.
    let foreign = csv("owner,n\nu-bob,\"a\nu-eve,b\"\nu-ann,1\n");
    assert_eq!(foreign.as_deref(), Ok("owner,n\nu-ann,1\n"));
}

#[test]
fn takes_no_quotes_around_tabs_and_line_breaks_in_tsv() {
    let tsv = |body: &str| {
        let make = || fixture(rule(&["owner"], Others::Drop));
        cut(make, Kind::Tsv, body.as_bytes())
    };
    for body in [
        "owner\tn\nu-ann\t\"start\nu-bob\tsecret\nu-ann\tend\"\n",
        "owner\tn\nu-ann\t\"a\nb\"\n",
        "owner\tn\tx\nu-ann\t\"a\tb\"\tc\n",
        "owner\t\"n\nu-bob\"\nu-ann\t1\n",
    ] {
        let refused = tsv(body).unwrap_err();
        assert_eq!(refused.code, ReasonCode::AnswerMalformed, "{body:?}");
    }
    let body = "owner\t\"n\"\nu-ann\t\"a, b\"\n\"u-ann\"\t\"\"\n";
    assert_eq!(tsv(body).as_deref(), Ok(body));
}

#[test]
fn refuses_tables_without_the_owners_columns() {
    for body in [
        "",
        "\u{feff}",
        "\n",
        "\nowner,n\nu-ann,1\n",
        "sep=,\nowner,n\nu-ann,1\n",
        "Owner,n\nu-ann,1\n",
        " owner,n\nu-ann,1\n",
        "owner;n\nu-ann;1\n",
        "u-ann,1\n",
        "\u{feff}\u{feff}owner,n\nu-ann,1\n",
    ] {
        let refused = csv(body).unwrap_err();
        assert_eq!(refused.code, ReasonCode::NothingSelected, "{body:?}");
        let make = || {
            let rule = rule(&["owner"], Others::Drop);
            fixture(RowRule {
                is_optional: true,
                ..rule
            })
        };
        assert_eq!(cut(make, Kind::Csv, body.as_bytes()).as_deref(), Ok(""));
    }
}

#[test]
fn reads_the_delimiter_that_type_and_policy_say() {
    let make = || fixture(rule(&["owner"], Others::Drop));
    let tsv = "owner\tn\nu-ann\t1,2\nu-bob\t3\n";
    let passed = cut(make, Kind::Tsv, tsv.as_bytes());
    assert_eq!(passed.as_deref(), Ok("owner\tn\nu-ann\t1,2\n"));
    let make = || {
        let rule = rule(&["owner"], Others::Drop);
        fixture(RowRule {
            delimiter: Some(b';'),
            ..rule
        })
    };
    let passed = cut(make, Kind::Csv, b"owner;n\nu-ann;1,2\nu-bob;3\n");
    assert_eq!(passed.as_deref(), Ok("owner;n\nu-ann;1,2\n"));
}

#[test]
fn does_with_others_what_the_rule_says() {
    let body = "from,to,n\r\nu-bob,u-eve,1\r\nu-bob,u-ann,2\r\n";
    let others = |others| {
        let make = || fixture(rule(&["from", "to"], others));
        cut(make, Kind::Csv, body.as_bytes())
    };
    assert_eq!(
        others(Others::Drop).as_deref(),
        Ok("from,to,n\r\nu-bob,u-ann,2\r\n")
    );
    assert_eq!(
        others(Others::Redact).as_deref(),
        Ok("from,to,n\r\n[redacted],[redacted],[redacted]\r\nu-bob,u-ann,2\r\n")
    );
    assert_eq!(others(Others::Hide).unwrap_err().code, ReasonCode::Hidden);
    assert_eq!(
        others(Others::Block).unwrap_err().code,
        ReasonCode::ForeignRecord
    );
}

#[test]
fn holds_owners_against_the_attribute_that_the_rule_names() {
    let make = |name: &str, folds_case| {
        let mut rule = rule(&["owner"], Others::Drop);
        for column in &mut rule.owner {
            column.is = Attribute {
                name: name.into(),
                folds_case,
            };
        }
        let mut fixture = Fixture::new();
        fixture.treatment.rows = Some(Arc::new(rule));
        fixture
    };
    let body = b"owner,n\nlaunch-team,1\nANN@shop.example,2\nu-ann,3\n,4\n";
    for (name, folds_case, expected) in [
        ("group", false, "owner,n\nlaunch-team,1\n"),
        ("email", false, "owner,n\n"),
        ("email", true, "owner,n\nANN@shop.example,2\n"),
        ("user", false, "owner,n\nu-ann,3\n"),
        ("badge", true, "owner,n\n"),
    ] {
        let passed = cut(|| make(name, folds_case), Kind::Csv, body);
        assert_eq!(passed.as_deref(), Ok(expected), "{name}");
    }
}

#[test]
fn changes_the_offending_bytes_of_a_cell_alone() {
    for (body, expected) in [
        (
            "owner,n\nu-ann,to bob@shop.example today\n",
            "owner,n\nu-ann,to [redacted:email] today\n",
        ),
        (
            "owner,n\nu-ann,\"\"\"a\"\",\nbob@shop.example \"\"b\"\"\"\n",
            "owner,n\nu-ann,\"\"\"a\"\",\n[redacted:email] \"\"b\"\"\"\n",
        ),
        (
            "owner,n\nu-ann,\"I say \"\"hi\"\", you say \"\"hi\"\"\"\n",
            "owner,n\nu-ann,\"I [redacted:quoted], you [redacted:quoted]\"\n",
        ),
        (
            "owner,bob@shop.example\nu-ann,1\n",
            "owner,[redacted:email]\nu-ann,1\n",
        ),
        (
            "owner,m\nu-ann,ann@shop.example\nu-ann,x@y.example\n",
            "owner,m\nu-ann,ann@shop.example\nu-ann,[redacted:email]\n",
        ),
    ] {
        assert_eq!(csv(body).as_deref(), Ok(expected), "{body:?}");
    }
    let make = || fixture(rule(&["owner"], Others::Drop));
    let body = "owner,e mail,bob@shop.example\nu-ann,x@y.example,x@y.example\n";
    let (_, report) = run(make(), Kind::Csv, &[body.as_bytes()]).unwrap();
    let paths: Vec<(&str, &str)> = report
        .findings()
        .iter()
        .map(|finding| (&*finding.path, &*finding.masked))
        .collect();
    assert_eq!(
        paths,
        [
            ("column[3]", "column[3]"),
            ("row[1]['e mail']", "row[1].*"),
            ("row[1].*", "row[1].*")
        ]
    );
}

#[test]
fn keeps_the_quoting_valid_whatever_stands_in_place() {
    // A mask keeps what is no letter: here the comma and the quotes of a quoted cell.
    let mut fixture = Fixture::new().pattern(
        "pair",
        "[a-z]\", \"[a-z]",
        Action::Mask {
            keep_last: 0,
            number: false,
        },
    );
    fixture.treatment.rows = Some(Arc::new(rule(&["owner"], Others::Drop)));
    let (passed, _) = run(fixture, Kind::Csv, &[b"owner,n\nu-ann,\"a\"\", \"\"b\"\n"]).unwrap();
    assert_eq!(passed, "owner,n\nu-ann,\"*\"\", \"\"*\"\n");
}

#[test]
fn holds_one_row_and_no_more_than_the_limits() {
    let make = |others| {
        let mut fixture = fixture(rule(&["owner"], others));
        fixture.limits.record = 40;
        fixture.limits.string = 30;
        fixture
    };
    let long = |length: usize| format!("owner,n\nu-ann,{}\n", "x".repeat(length));
    for (length, code) in [
        (20, None),
        (29, None),
        (31, Some(ReasonCode::StringTooLong)),
        (60, Some(ReasonCode::StringTooLong)),
    ] {
        let found = cut(|| make(Others::Drop), Kind::Csv, long(length).as_bytes());
        assert_eq!(found.err().map(|refused| refused.code), code, "{length}");
    }
    let wide = format!("owner,n\n{}", "u-ann,".repeat(20));
    let found = cut(|| make(Others::Drop), Kind::Csv, wide.as_bytes());
    assert_eq!(found.unwrap_err().code, ReasonCode::RecordTooLarge);
    let many = format!("owner,n\n{}", "u-ann,1\n".repeat(8));
    assert!(cut(|| make(Others::Drop), Kind::Csv, many.as_bytes()).is_ok());
    let held = cut(|| make(Others::Block), Kind::Csv, many.as_bytes());
    assert_eq!(held.unwrap_err().code, ReasonCode::RecordTooLarge);
    let columns = format!("owner{}\n", ",".repeat(20_000));
    let refused = run(
        fixture(rule(&["owner"], Others::Drop)),
        Kind::Csv,
        &[columns.as_bytes()],
    );
    assert_eq!(refused.unwrap_err().code, ReasonCode::RecordTooLarge);
}

#[test]
fn lets_each_row_go_when_it_ends() {
    let plan = fixture(rule(&["owner"], Others::Drop)).plan();
    let mut stream = Stream::new(&plan, Side::Response, Some(Kind::Csv), &[]).unwrap();
    stream.write(b"owner").unwrap();
    assert!(stream.is_held());
    stream.write(b",n\nu-an").unwrap();
    assert_eq!(stream.take(), "owner,n\n");
    stream.write(b"n,1\nu").unwrap();
    assert_eq!(stream.take(), "u-ann,1\n");
}

#[test]
fn refuses_tables_that_are_called_something_else() {
    let run = |kind, body: &str, read_as| {
        let mut fixture = fixture(rule(&["owner"], Others::Drop));
        fixture.treatment.public = Some("pages around the table".into());
        fixture.treatment.read_as = read_as;
        run(fixture, kind, &[body.as_bytes()])
    };
    for body in [
        "id,owner\n1,u-bob\n",
        "\u{feff}\"Owner\"\tid\r\nu-bob\t1",
        "id; owner ",
        "owner",
    ] {
        let refused = run(Kind::Text, body, None).unwrap_err();
        assert_eq!(refused.code, ReasonCode::TypeUnsupported, "{body:?}");
        assert!(run(Kind::Text, body, Some(Kind::Text)).is_ok());
    }
    for body in ["", "<p>owner, id</p>", "the owner\nowner,id"] {
        assert_eq!(run(Kind::Text, body, None).unwrap().0, body);
    }
    let mut bare = fixture(rule(&["owner"], Others::Drop));
    bare.treatment.public = None;
    let refused = super::tests::run(bare, Kind::Text, &[b"x"]).unwrap_err();
    assert_eq!(refused.code, ReasonCode::TypeUnsupported);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What passes is what a plain reading of the table says, and no cut changes it.
    #[test]
    fn passes_the_same_as_a_plain_reading(
        rows in proptest::collection::vec(
            (0..3_usize, "[a-z,\"\n\r; é]{0,12}", any::<bool>(), any::<bool>()),
            0..12,
        ),
        sizes in proptest::collection::vec(1..9_usize, 1..6),
    ) {
        let mut body = String::from("note,owner\n");
        let mut expected = body.clone();
        for (owner, note, quotes, returns) in rows {
            let owner = ["u-ann", "u-bob", ""][owner];
            // Text with line breaks and delimiters could be rows.
            let note = match note.contains(['\n', '\r']) {
                true => note.replace(',', ";"),
                false => note,
            };
            let needs_quotes = quotes || note.contains([',', '"', '\n', '\r']);
            let note = if needs_quotes {
                format!("\"{}\"", note.replace('"', "\"\""))
            } else {
                note
            };
            let row = format!("{note},{owner}{}", if returns { "\r\n" } else { "\n" });
            body.push_str(&row);
            if owner == "u-ann" {
                expected.push_str(&row);
            }
        }
        let mut pieces = Vec::new();
        let mut rest = body.as_bytes();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        let (passed, _) = run(fixture(rule(&["owner"], Others::Drop)), Kind::Csv, &pieces).unwrap();
        prop_assert_eq!(passed, expected);
    }

    /// Whatever the bytes are: the same at every cut, and never a row of somebody else.
    #[test]
    fn decides_alike_at_every_cut(body in "(owner,n\n)?([ab,\"\r\n\\\\;\0é]|u-ann,|u-bob,secret){0,30}") {
        if let Ok(passed) = csv(&body) {
            let rows = passed.split('\n').filter(|row| row.starts_with("u-bob,"));
            // Inside quotes of a row of the subject's it is the subject's text.
            prop_assert!(rows.count() == 0 || passed.contains('"'), "{:?}", passed);
        }
    }
}
