//! Parts with transfer encodings, encoded words, forms, and texts that are records behind a prefix.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{ALICE, BOB, Case, TEXT, Who, Write, each, head, order, own, pair};

const MIXED: &str = "multipart/mixed; boundary=b";
const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn all(all: &mut Vec<Case>) {
    let codings: [(&str, Write); 3] = [
        ("quoted-printable", |text| {
            text.replace('@', "=40").replace("shop", "sh=\r\nop")
        }),
        ("Quoted-Printable", |text| {
            each(text, |n| format!("={n:02x}"))
        }),
        ("base64", |text| STANDARD.encode(text)),
    ];
    for (coding, write) in codings {
        for (kind, before, after) in [
            ("text/plain", "", ""),
            ("text/html", "<p>", "</p>"),
            ("application/json", "[\"", "\"]"),
        ] {
            let case = |who: Who| {
                let body = write(&format!("{before}{}{after}", who.email));
                format!(
                    "--b\r\ncontent-type: {kind}\r\ncontent-transfer-encoding: {coding}\r\n\r\n{body}\r\n--b--\r\n"
                )
            };
            all.push(own(
                &format!("mail-{coding}-{kind}").replace('/', "-"),
                "open",
                MIXED,
                case,
            ));
        }
    }
    all.push(own("mail-records", "orders", MIXED, |who| {
        format!(
            "--b\r\ncontent-type: application/json\r\ncontent-transfer-encoding: base64\r\n\r\n{}\r\n--b--\r\n",
            STANDARD.encode(order(who))
        )
    }));
    let part = |coding: &str, body: &str| {
        format!("--b\r\ncontent-transfer-encoding: {coding}\r\n\r\n{body}\r\n--b--\r\n")
    };
    let fine = part("base64", "YQ==");
    for (name, body) in [
        ("unknown", part("x-own", "bob=40shop.example")),
        (
            "bare-line",
            part("quoted-printable", "bob=40sh=\nop.example"),
        ),
        ("broken", part("base64", "Ym9iQHNob3AuZXhhbXBsZQ=")),
        (
            "two",
            part(
                "7bit\r\ncontent-transfer-encoding: base64",
                "Ym9iQHNob3AuZXhhbXBsZQ==",
            ),
        ),
        ("plain", part("quoted-printable", "bob@shop.example")),
    ] {
        all.push(pair(
            &format!("mail-{name}"),
            "open",
            (MIXED, body),
            (MIXED, &fine),
        ));
    }
    for (name, write) in [
        (
            "b",
            (|text| format!("=?utf-8?B?{}?=", STANDARD.encode(text))) as Write,
        ),
        ("q", |text| {
            format!("=?us-ascii?q?{}?=", each(text, |n| format!("={n:02X}")))
        }),
    ] {
        let at = |who: Who| {
            format!(
                "200 OK\r\ncontent-type: text/plain\r\nx-a: {}\r\n",
                write(who.email)
            )
        };
        all.push(head(&format!("word-{name}"), &at(BOB), &at(ALICE)).keeps("x-a: =?"));
        all.push(own(&format!("word-in-part-{name}"), "open", MIXED, |who| {
            format!(
                "--b\r\nsubject: {}\r\n\r\nok\r\n--b--\r\n",
                write(who.email)
            )
        }));
    }
    for (name, write) in [
        ("plain", (|text| text.to_owned()) as Write),
        ("percent", |text| each(text, |n| format!("%{n:02X}"))),
        ("twice", |text| text.replace('@', "%2540")),
    ] {
        all.push(own(&format!("form-{name}"), "open", FORM, |who| {
            format!("a=1&m=x+{}+y&b", write(who.email))
        }));
        all.push(own(&format!("form-name-{name}"), "open", FORM, |who| {
            write(who.email)
        }));
    }
    all.push(pair(
        "form-term",
        "open",
        (FORM, "a=Falcon%20%49X"),
        (FORM, "a=Falcon%20X+Falcon"),
    ));
    let record = order(BOB);
    for (name, body) in [
        ("guard", format!(")]}}',\n{record}")),
        ("loop", format!("for(;;);{record}")),
        ("while", format!("while(1);{record}")),
        ("event", format!("data: {record}\n\n")),
        ("event-id", format!("id: 1\n: x\ndata: {record}\n\n")),
        ("separator", format!("\u{1e}{record}\n")),
        ("blank-lines", format!("\n\n\r\n{record}")),
        ("call", format!("f({record})")),
        ("comment", format!("/* x */{record}")),
        ("after-null", format!("[null,{record}]")),
        ("after-number", format!("[1, {record}]")),
        ("after-true", format!("[ true ,{record}]")),
        ("bare-names", "{owner:'bob',note:'zq7-secret'}".to_owned()),
    ] {
        let twin = "[12:30] started; data: none; f(x)";
        all.push(pair(
            &format!("text-{name}"),
            "anywhere",
            (TEXT, body),
            (TEXT, twin),
        ));
    }
}
