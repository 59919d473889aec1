//! Charsets: letters that are written in another encoding, and encodings that are not what is said of them.

use encoding_rs::Encoding;

use super::cases::{ALICE, BOB, Case, Who, own, pair, utf16};

/// The app of the hostile case hides a secret of Bob's; the twin is what an honest app sends in a charset that holds.
pub(super) fn all() -> Vec<Case> {
    let mut all = Vec::new();
    said(&mut all);
    belied(&mut all);
    documents(&mut all);
    records(&mut all);
    labels(&mut all);
    all
}

fn encoded(label: &str, text: &str) -> Vec<u8> {
    match label {
        "utf-16le" => return utf16(text, false, false),
        "utf-16be" => return utf16(text, true, false),
        _ => {}
    }
    let encoding = Encoding::for_label(label.as_bytes()).unwrap();
    let (bytes, _, has_strange) = encoding.encode(text);
    assert!(!has_strange, "{label}: {text}");
    bytes.into_owned()
}

fn typed(kind: &str, label: &str) -> String {
    format!("{kind}; charset={label}")
}

/// Another's data in the middle of a text that is well encoded.
fn said(all: &mut Vec<Case>) {
    for (label, before, after) in [
        ("windows-1252", "“Grüße” an ", " – 5 €"),
        ("iso-8859-15", "Grüße an ", " – 5 €"),
        ("koi8-r", "Привет, ", " ёж"),
        ("windows-1251", "«Привет», ", " №"),
        ("iso-8859-7", "Γειά ", " σου"),
        ("windows-1255", "שלום ", " לך"),
        ("windows-1256", "مرحبا ", " بك"),
        ("macintosh", "Grüße an ", " •"),
        ("shift_jis", "表示 ", " ソート"),
        ("euc-jp", "日本 ", " 語"),
        ("euc-kr", "안녕 ", " 끝"),
        ("big5", "許功蓋 ", " 完"),
        ("gbk", "你好 ", " 完"),
        ("gb18030", "你好😀 ", " 完"),
        ("utf-16le", "Grüße 你好😀 an ", " Ende"),
        ("utf-16be", "Grüße 你好😀 an ", " Ende"),
    ] {
        // What this charset lacks is written without.
        let before = before.replace('–', "-");
        let after = after.replace('–', "-");
        all.push(own(
            &format!("charset-{label}"),
            "open",
            &typed("text/plain", label),
            |who| encoded(label, &format!("{before}{}{after}", who.email)),
        ));
    }
    for (name, big) in [("le", false), ("be", true)] {
        for (said, kind) in [
            ("unsaid", "text/plain"),
            ("said", "text/plain; charset=utf-16"),
        ] {
            all.push(own(
                &format!("charset-mark-{name}-{said}"),
                "open",
                kind,
                move |who| utf16(&format!("Grüße an {}", who.email), big, true),
            ));
        }
    }
    let kind = typed("text/plain", "shift_jis");
    all.push(
        own("charset-cut", "open", &kind, |who| {
            encoded("shift_jis", &format!("表{}表", who.email))
        })
        .cut(1),
    );
    let coded = format!("{kind}\r\ncontent-encoding: gzip");
    all.push(
        own("charset-coded", "open", &coded, |who| {
            encoded("shift_jis", &format!("表 {}", who.email))
        })
        .coded(&["gzip"]),
    );
    all.push(own(
        "charset-part",
        "open",
        "multipart/mixed; boundary=b",
        |who| {
            let head = b"--b\r\ncontent-type: text/plain; charset=utf-16le\r\n\r\n".to_vec();
            [
                head,
                utf16(who.email, false, false),
                b"\r\n--b--\r\n".to_vec(),
            ]
            .concat()
        },
    ));
    all.push(own(
        "charset-page-entity",
        "open",
        "text/html; charset=koi8-r",
        |who| {
            encoded(
                "koi8-r",
                &format!("<p>Привет {}</p>", who.email.replace('@', "&#64;")),
            )
        },
    ));
    all.push(own("charset-xml", "open", "application/xml", |who| {
        let text = format!(
            "<?xml version='1.0' encoding='koi8-r'?><a>Привет {}</a>",
            who.email
        );
        encoded("koi8-r", &text)
    }));
    all.push(own("charset-css", "open", "text/css", |who| {
        encoded(
            "koi8-r",
            &format!("@charset \"koi8-r\";\n/* Привет {} */", who.email),
        )
    }));
}

/// Bytes that are not what is said of them, or nothing at all.
fn belied(all: &mut Vec<Case>) {
    let text = format!("write to {} ", BOB.email);
    let fine = (
        "text/plain; charset=windows-1252",
        encoded("windows-1252", "schreib an alice@shop.example für 5 €"),
    );
    let ascii = text.as_bytes();
    let join = |parts: &[&[u8]]| parts.concat();
    for (name, label, body) in [
        ("packed-le", "utf-16le", ascii.to_vec()),
        ("packed-be", "utf-16be", ascii.to_vec()),
        ("packed-mark", "utf-16", join(&[b"\xff\xfe", ascii])),
        (
            "packed-tail",
            "utf-16le",
            join(&[&utf16("ok ", false, false), ascii]),
        ),
        ("no-mark", "utf-16", utf16(&text, false, false)),
        ("wrong-mark", "utf-16le", utf16(&text, true, true)),
        ("mark-over-latin", "latin1", utf16(&text, false, true)),
        ("mark-over-utf8", "utf-8", utf16(&text, false, true)),
        (
            "utf8-mark-over-utf16",
            "utf-16be",
            join(&[b"\xef\xbb\xbf", ascii]),
        ),
        (
            "lone-surrogate",
            "utf-16le",
            join(&[b"\x00\xd8", &utf16(&text, false, false)]),
        ),
        (
            "odd",
            "utf-16le",
            join(&[&utf16(&text, false, false), b"\0"]),
        ),
        (
            "zeros",
            "utf-16le",
            join(&[b"\0\0", &utf16(&text, false, false)]),
        ),
        (
            "utf32le",
            "utf-8",
            text.chars()
                .flat_map(|c| u32::from(c).to_le_bytes())
                .collect(),
        ),
        (
            "utf32-mark",
            "utf-16",
            join(&[
                b"\xff\xfe\0\0",
                &text
                    .chars()
                    .flat_map(|c| u32::from(c).to_le_bytes())
                    .collect::<Vec<_>>(),
            ]),
        ),
        ("overlong", "utf-8", join(&[b"\xc1\xa2ob ", ascii])),
        (
            "cesu",
            "utf-8",
            join(&[b"\xed\xa0\xbd\xed\xb8\x80 ", ascii]),
        ),
        ("beyond", "utf-8", join(&[b"\xf4\x90\x80\x80 ", ascii])),
        ("latin-as-utf8", "utf-8", join(&[b"\xe9 ", ascii])),
        ("utf8-as-ascii", "us-ascii", join(&["é ".as_bytes(), ascii])),
        ("latin-unsaid", "", join(&[b"\xe9 ", ascii])),
        ("cut-pair", "shift_jis", join(&[ascii, b"\x81"])),
        ("quote-eaten", "shift_jis", join(&[b"\x81\"", ascii])),
        ("twice-encoded", "shift_jis", join(&[b"\xfa\x5b ", ascii])),
        ("unassigned", "windows-1253", join(&[b"\xd2 ", ascii])),
    ] {
        let kind = if label.is_empty() {
            "text/plain".to_owned()
        } else {
            typed("text/plain", label)
        };
        all.push(pair(
            &format!("belied-{name}"),
            "open",
            (&kind, body),
            (fine.0, &fine.1),
        ));
    }
    // An embargoed name in wide letters is no ASCII in any reading but one.
    all.push(pair(
        "belied-wide-page",
        "open",
        (
            "text/html; charset=utf-16be",
            format!("<p>{} </p>", BOB.email),
        ),
        (
            "text/html; charset=utf-16be",
            utf16("<p>alice@shop.example</p>", true, false),
        ),
    ));
}

/// Pages that say another charset than the one they are read in.
fn documents(all: &mut Vec<Case>) {
    let fine = |who: Who| {
        encoded(
            "koi8-r",
            &format!("<meta charset=koi8-r><p>Привет {}</p>", who.email),
        )
    };
    let long = " ".repeat(1100);
    let mail = BOB.email;
    for (name, kind, body) in [
        (
            "two",
            "text/html",
            format!("<meta charset=koi8-r><meta charset=utf-8>é {mail}"),
        ),
        (
            "two-turned",
            "text/html",
            format!("<meta charset=utf-8><meta charset=koi8-r>é {mail}"),
        ),
        (
            "against-head",
            "text/html; charset=utf-8",
            format!("<meta charset=koi8-r>é {mail}"),
        ),
        (
            "late",
            "text/html",
            format!("é{long}<meta charset=koi8-r>{mail}"),
        ),
        (
            "after-letter",
            "text/html",
            format!("<title>é</title><meta charset=koi8-r>{mail}"),
        ),
        (
            "script",
            "text/html",
            format!("<script>'<meta charset=koi8-r>'</script>é {mail}"),
        ),
        (
            "comment",
            "text/html",
            format!("<!--<meta charset=koi8-r>-->é {mail}"),
        ),
        (
            "entity",
            "text/html",
            format!("<meta charset=koi8&#45;r>é {mail}"),
        ),
        (
            "pragma",
            "text/html; charset=utf-8",
            format!("<meta http-equiv=content-type content='a;charset=koi8-r'>é {mail}"),
        ),
        (
            "stateful",
            "text/html",
            format!("<meta charset=iso-2022-jp>\x1b(J{mail}\x1b(B"),
        ),
        (
            "stateful-script",
            "text/html",
            format!("<script>'<meta charset=iso-2022-jp>'</script>{mail}"),
        ),
        (
            "utf7",
            "text/html",
            format!("<meta charset=utf-7>+AGI-ob {mail}"),
        ),
        (
            "hz",
            "text/html",
            format!("<meta charset=hz-gb-2312>~{{<:Ky2;~}} {mail}"),
        ),
        (
            "xml",
            "application/xml; charset=utf-8",
            format!("<?xml version='1.0' encoding='koi8-r'?><a>é {mail}</a>"),
        ),
        (
            "css",
            "text/css; charset=utf-8",
            format!("@charset \"koi8-r\";/* é {mail} */"),
        ),
    ] {
        let case = pair(
            &format!("document-{name}"),
            "open",
            (kind, body),
            ("text/html", fine(ALICE)),
        );
        all.push(case);
    }
}

/// Owner rules in other charsets.
fn records(all: &mut Vec<Case>) {
    let fine = r#"[{"owner":"alice","note":"my-own-note"}]"#;
    let order = r#"[{"owner":"bob","note":"zq7-secret"}] "#;
    for (name, kind, body) in [
        (
            "utf16le",
            "application/json; charset=utf-16le",
            utf16(order, false, false),
        ),
        (
            "utf16be",
            "application/json; charset=utf-16be",
            utf16(order, true, false),
        ),
        ("mark", "application/json", utf16(order, false, true)),
        (
            "packed",
            "application/json; charset=utf-16le",
            order.as_bytes().to_vec(),
        ),
        (
            "utf7",
            "application/json; charset=utf-7",
            order.as_bytes().to_vec(),
        ),
        (
            "latin-letter",
            "application/json; charset=latin1",
            [b"\xe9", order.as_bytes()].concat(),
        ),
        (
            "as-text",
            "text/plain; charset=utf-16le",
            utf16(order, false, false),
        ),
        ("as-text-mark", "text/plain", utf16(order, false, true)),
        (
            "stateful",
            "application/json; charset=iso-2022-jp",
            order.as_bytes().to_vec(),
        ),
    ] {
        all.push(pair(
            &format!("charset-order-{name}"),
            "orders",
            (kind, body),
            ("application/json; charset=iso-8859-1", fine),
        ));
    }
    let rows = |who: Who| format!("owner,note\nalice,Grüße\n{},{}\n", who.owner, who.note);
    let own_rows = rows(ALICE);
    for (name, label) in [
        ("latin", "latin1"),
        ("utf16le", "utf-16le"),
        ("utf16be", "utf-16be"),
        ("gbk", "gbk"),
    ] {
        let text = |text: &str| {
            encoded(
                label,
                &text.replace("Grüße", if label == "gbk" { "你好" } else { "Grüße" }),
            )
        };
        all.push(pair(
            &format!("charset-rows-{name}"),
            "rows",
            (&typed("text/csv", label), text(&rows(BOB))),
            (&typed("text/csv", label), text(&own_rows)),
        ));
    }
    let packed = [
        utf16("owner,note\nalice,x", false, false),
        b",zq7-secret ".to_vec(),
    ]
    .concat();
    all.push(pair(
        "charset-rows-packed",
        "rows",
        ("text/csv; charset=utf-16le", packed),
        ("text/csv; charset=utf-16le", utf16(&own_rows, false, false)),
    ));
    let item = |who: Who| format!("<p class=order data-owner={}>é {}</p>", who.owner, who.note);
    for label in ["latin1", "utf-16le", "utf-16be"] {
        all.push(own(
            &format!("charset-page-{label}"),
            "page",
            &typed("text/html", label),
            |who| encoded(label, &format!("{}{}", item(ALICE), item(who))),
        ));
    }
}

/// The ways to say a charset.
fn labels(all: &mut Vec<Case>) {
    let text = format!("write to {}", BOB.email);
    for (name, twin, said) in [
        ("twice", "utf8", "charset=utf-8; charset=koi8-r"),
        (
            "same-twice",
            "unicode-1-1-utf-8",
            "charset=utf-8; charset=utf-8",
        ),
        (
            "in-value",
            "\"UTF-8\"",
            "x=\"; charset=koi8-r\"; charset=utf-8",
        ),
        ("single-quotes", "x-unicode20utf8", "charset='utf-8'"),
        ("open-quote", "utf8", "charset=\"utf-8"),
        ("spaces", "unicode-1-1-utf-8", "charset = utf-8"),
        ("empty", "\"UTF-8\"", "charset=\"\""),
        ("replacement", "x-unicode20utf8", "charset=replacement"),
        ("user-defined", "utf8", "charset=x-user-defined"),
        ("korean", "unicode-1-1-utf-8", "charset=iso-2022-kr"),
        ("chinese", "\"UTF-8\"", "charset=hz-gb-2312"),
        ("utf32", "x-unicode20utf8", "charset=utf-32"),
    ] {
        all.push(pair(
            &format!("label-{name}"),
            "open",
            (&format!("text/plain; {said}"), &text),
            (&typed("text/plain", twin), "schreib für alice@shop.example"),
        ));
    }
    for label in ["latin1", "l1", "cp819", "ISO88591", "us-ascii", "ascii"] {
        all.push(own(
            &format!("label-{label}"),
            "open",
            &typed("text/plain", label),
            |who| who.email,
        ));
    }
}
