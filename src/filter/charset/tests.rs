//! Answers in every charset: read in one way, given out as they came, refused where that can't be.

use encoding_rs::Encoding;
use http::HeaderMap;

use crate::filter::fixture::Fixture;
use crate::filter::{Finding, answer_stream};
use crate::policy::treatment::{Action, Class};
use crate::types::ReasonCode;

const SECRET: &str = "bob@shop.example";

fn fixture() -> Fixture {
    Fixture::new()
        .detector("email", Action::Redact)
        .terms(
            "names",
            Class::Dictionary,
            "Ünal Größe",
            Action::Pseudonymize,
        )
        .terms(
            "cyrillic",
            Class::Dictionary,
            "Юлия Ёлкина",
            Action::Mask {
                keep_last: 0,
                number: false,
            },
        )
}

fn run(
    fixture: Fixture,
    kind: &str,
    pieces: &[&[u8]],
) -> Result<(Vec<u8>, Vec<Finding>), ReasonCode> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", kind.parse().unwrap());
    let stream = answer_stream(&fixture.plan(), &headers).map_err(|refusal| refusal.code)?;
    let mut stream = stream.unwrap();
    let mut output = Vec::new();
    for piece in pieces {
        stream.write(piece).map_err(|refusal| refusal.code)?;
        output.extend(stream.take());
    }
    stream.finish().map_err(|refusal| refusal.code)?;
    output.extend(stream.take());
    Ok((output, stream.report().findings().to_vec()))
}

fn open(kind: &str, body: &[u8]) -> Result<Vec<u8>, ReasonCode> {
    run(fixture(), kind, &[body]).map(|(output, _)| output)
}

fn utf16(text: &str, is_big: bool) -> Vec<u8> {
    let order = if is_big {
        u16::to_be_bytes
    } else {
        u16::to_le_bytes
    };
    text.encode_utf16().flat_map(order).collect()
}

fn encoded(label: &str, text: &str) -> Vec<u8> {
    match label {
        "utf-16le" => utf16(text, false),
        "utf-16be" => utf16(text, true),
        _ => {
            let (bytes, _, has_strange) =
                Encoding::for_label(label.as_bytes()).unwrap().encode(text);
            assert!(!has_strange, "{label}: {text}");
            bytes.into_owned()
        }
    }
}

const SINGLE: [&str; 27] = [
    "ibm866",
    "iso-8859-2",
    "iso-8859-3",
    "iso-8859-4",
    "iso-8859-5",
    "iso-8859-6",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-8-i",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-15",
    "iso-8859-16",
    "koi8-r",
    "koi8-u",
    "macintosh",
    "windows-874",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "x-mac-cyrillic",
];

#[test]
fn gives_every_byte_out_as_it_came() {
    for label in SINGLE {
        let encoding = Encoding::for_label(label.as_bytes()).unwrap();
        let kind = format!("text/plain; charset={label}");
        for byte in 1..=255_u8 {
            let body = [b'a', byte, b'b'];
            let is_letter = encoding
                .decode_without_bom_handling_and_without_replacement(&body)
                .is_some();
            let wanted = if is_letter {
                Ok(body.to_vec())
            } else {
                Err(ReasonCode::AnswerMalformed)
            };
            assert_eq!(open(&kind, &body), wanted, "{label} {byte:x}");
        }
    }
    for label in ["shift_jis", "euc-jp", "big5", "euc-kr", "gbk", "gb18030"] {
        let encoding = Encoding::for_label(label.as_bytes()).unwrap();
        let kind = format!("text/plain; charset={label}");
        let mut body = Vec::new();
        for first in 0x81..=0xfe {
            for second in 0x40..=0xfe {
                let pair = [first, second, b'\n'];
                let text = encoding.decode_without_bom_handling_and_without_replacement(&pair);
                if let Some(text) = text
                    && let (again, _, false) = encoding.encode(&text)
                    && *again == pair
                {
                    body.extend(pair);
                }
            }
        }
        assert!(body.len() > 18_000, "{label} {}", body.len());
        assert_eq!(open(&kind, &body), Ok(body), "{label}");
    }
}

#[test]
fn takes_out_what_is_found_and_nothing_else_at_every_cut() {
    for (label, before, after) in [
        ("windows-1252", "“Grüße” für Ünal Größe, ", " — 5 €\n"),
        ("iso-8859-15", "Grüße für ünal größe, ", " 5 €\n"),
        ("koi8-r", "Привет, Юлия Ёлкина! ", " её\n"),
        ("windows-1251", "«Привет», Юлия Ёлкина: ", " №5\n"),
        ("shift_jis", "表示、ソート ", " 終\n"),
        ("euc-kr", "안녕하세요 ", " 끝\n"),
        ("big5", "許功蓋 ", " 完\n"),
        ("gb18030", "你好 😀 ", " 完\n"),
        ("utf-16le", "\u{feff}你好 Größe 😀 Ünal Größe ", " end\n"),
        ("utf-16be", "Größe 😀 Ünal Größe ", " end\n"),
    ] {
        let kind = format!("text/plain; charset={label}");
        let body = encoded(label, &format!("{before}{SECRET}{after}"));
        let (whole, findings) = run(fixture(), &kind, &[&body]).unwrap();
        let (shown, _) = if label.starts_with("utf-16") {
            let encoding = Encoding::for_label(label.as_bytes()).unwrap();
            encoding.decode_without_bom_handling(&whole)
        } else {
            Encoding::for_label(label.as_bytes())
                .unwrap()
                .decode_without_bom_handling(&whole)
        };
        assert!(
            shown.ends_with(&format!("[redacted:email]{after}")),
            "{label}: {shown}"
        );
        assert!(
            !shown.to_lowercase().contains("ünal größe"),
            "{label}: {shown}"
        );
        assert!(!shown.contains("Юлия"), "{label}: {shown}");
        for cut in 0..=body.len() {
            let (head, tail) = body.split_at(cut);
            assert_eq!(
                run(fixture(), &kind, &[head, tail]).unwrap(),
                (whole.clone(), findings.clone()),
                "{label} {cut}"
            );
        }
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(
            run(fixture(), &kind, &bytes).unwrap(),
            (whole, findings),
            "{label}"
        );
    }
}

#[test]
fn refuses_what_is_no_text_in_its_charset() {
    for (kind, body) in [
        ("utf-8", &b"\xc0\xae"[..]),
        ("utf-8", b"\xed\xa0\x80"),
        ("utf-8", b"\xfe\xff\0a"),
        ("us-ascii", b"caf\xc3\xa9"),
        ("ascii", b"caf\xe9"),
        ("utf-16le", b"a\0\x00\xd8b\0"),
        ("utf-16le", b"a\0b"),
        ("utf-16be", b"\0a\xdc\x00"),
        ("utf-16le", b"a\0\0\0"),
        ("utf-16le", b"\xfe\xff\0a"),
        ("utf-16", b"a\0b\0"),
        ("unicode", b"a\0b\0"),
        ("iso-8859-1", b"\xef\xbb\xbfabc"),
        ("koi8-r", b"\xff\xfea\0"),
        ("shift_jis", b"a\x81"),
        ("shift_jis", b"\x81\""),
        ("shift_jis", b"\xfa\x5b"),
        ("euc-jp", b"\x8f\xb0\xa1"),
        ("gb18030", b"\x81\x30\x81"),
        ("gbk", b"\x81\x30\x81\x30"),
        ("windows-1253", b"\xd2"),
    ] {
        let kind = format!("text/plain; charset={kind}");
        for size in [1, 2, 3, 100] {
            let pieces: Vec<&[u8]> = body.chunks(size).collect();
            let refused = run(fixture(), &kind, &pieces);
            assert_eq!(
                refused,
                Err(ReasonCode::AnswerMalformed),
                "{kind} {body:?} {size}"
            );
        }
    }
    for label in [
        "utf-7",
        "utf-32",
        "utf-32le",
        "iso-2022-jp",
        "iso-2022-kr",
        "iso-2022-cn",
        "hz-gb-2312",
        "replacement",
        "x-user-defined",
        "ibm037",
        "nonsense",
        "'utf-8'",
        "\"\"",
        "utf-8; charset=utf-8",
        "utf-8; x=\"charset=koi8-r\"",
    ] {
        let refused = open(&format!("text/plain; charset={label}"), b"abc");
        assert_eq!(refused, Err(ReasonCode::TypeUnsupported), "{label}");
    }
}

#[test]
fn knows_labels_as_browsers_do() {
    let latin = "Größe"
        .chars()
        .map(|letter| letter as u8)
        .collect::<Vec<_>>();
    for label in [
        "latin1",
        "L1",
        "iso-8859-1",
        "ISO88591",
        "cp819",
        "\"windows-1252\"",
        "x-cp1252",
        "iso-8859-9",
    ] {
        assert_eq!(
            open(&format!("text/plain; charset={label}"), &latin),
            Ok(latin.clone()),
            "{label}"
        );
    }
    for label in [
        "utf8",
        "UTF-8",
        "unicode-1-1-utf-8",
        "x-unicode20utf8",
        "\"utf-8\"",
    ] {
        let body = "Größe".as_bytes();
        assert_eq!(
            open(&format!("text/plain; Charset={label}"), body),
            Ok(body.to_vec()),
            "{label}"
        );
    }
    assert_eq!(open("text/plain", &latin), Err(ReasonCode::AnswerMalformed));
    assert_eq!(
        open("text/plain; charset=ascii", b"abc"),
        Ok(b"abc".to_vec())
    );
}

#[test]
fn refuses_bytes_that_say_something_else_in_utf_8() {
    let text = "Ünal Größe, hello";
    assert_eq!(
        open("text/plain; charset=latin1", text.as_bytes()),
        Err(ReasonCode::AnswerMalformed)
    );
    assert_eq!(
        open("text/plain; charset=gb18030", "Юлия Ёлкина".as_bytes()),
        Err(ReasonCode::AnswerMalformed)
    );
    for kind in ["utf-16le", "utf-16be"] {
        let kind = format!("text/plain; charset={kind}");
        assert_eq!(
            open(&kind, format!("{SECRET}  ").as_bytes()),
            Err(ReasonCode::AnswerMalformed)
        );
        assert_eq!(
            open(&kind, b"nobody's words.."),
            Ok(b"nobody's words..".to_vec())
        );
    }
    // Letters that happen to be UTF-8, and a value of the user's own.
    let body = encoded("koi8-r", "её ann@shop.example");
    assert_eq!(open("text/plain; charset=koi8-r", &body), Ok(body));
}

#[test]
fn keeps_json_and_events_to_utf_8() {
    for kind in [
        "application/json",
        "application/x-ndjson",
        "text/event-stream",
        "application/json-seq",
    ] {
        let body: &[u8] = match kind {
            "text/event-stream" => b"data: 1\n\n",
            "application/json-seq" => b"\x1e1\n",
            _ => b"\"a\"\n",
        };
        for label in ["latin1", "us-ascii", "shift_jis", "utf8"] {
            let kind = format!("{kind}; charset={label}");
            assert_eq!(open(&kind, body), Ok(body.to_vec()), "{kind}");
        }
        for label in ["utf-16", "utf-16le", "utf-7"] {
            let kind = format!("{kind}; charset={label}");
            assert_eq!(
                open(&kind, body),
                Err(ReasonCode::TypeUnsupported),
                "{kind}"
            );
        }
        let wide = open(kind, &utf16("\u{feff}data: 1\n\n", false));
        assert!(wide.is_err() || wide == Ok(Vec::new()), "{kind}");
    }
    assert_eq!(
        open("application/json; charset=latin1", b"\"\xe9\""),
        Err(ReasonCode::AnswerMalformed)
    );
    assert_eq!(
        open("application/json; charset=latin1", "\"é\"".as_bytes()),
        Err(ReasonCode::AnswerMalformed)
    );
}

#[test]
fn believes_a_document_before_its_first_letter() {
    let page = |label: &str, text: &str| {
        let head = format!("<html><head><meta charset=\"{label}\"></head><p>");
        [head.as_bytes(), &encoded(label, text)].concat()
    };
    for (label, text) in [
        ("koi8-r", "Привет"),
        ("latin1", "Größe"),
        ("Shift_JIS", "表示"),
    ] {
        let body = page(label, text);
        assert_eq!(open("text/html", &body), Ok(body.clone()), "{label}");
        assert_eq!(
            open(&format!("text/html; charset={label}"), &body),
            Ok(body.clone()),
            "{label}"
        );
        let pieces: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(
            run(fixture(), "text/html", &pieces).unwrap().0,
            body,
            "{label}"
        );
        assert_eq!(
            open("text/html; charset=utf-8", &body),
            Err(ReasonCode::AnswerMalformed),
            "{label}"
        );
        assert_eq!(
            open("text/html; charset=windows-1251", &body),
            Err(ReasonCode::AnswerMalformed),
            "{label}"
        );
    }
    let found = open("text/html", &page("koi8-r", &format!("Привет {SECRET}")));
    assert_eq!(found, Ok(page("koi8-r", "Привет [redacted:email]")));
    for (kind, head) in [
        ("text/css", "@charset \"koi8-r\";\n/* "),
        (
            "application/xml",
            "<?xml version='1.0' encoding='koi8-r'?>\n<a>",
        ),
        (
            "image/svg+xml",
            "<?xml version=\"1.0\" encoding=\"KOI8-R\"?>\n<svg>",
        ),
        (
            "text/html",
            "<meta http-equiv=content-type content='text/html; charset = koi8-r'>",
        ),
    ] {
        let body = [head.as_bytes(), &encoded("koi8-r", "Привет")].concat();
        assert_eq!(open(kind, &body), Ok(body.clone()), "{head}");
        let lie = [head.as_bytes(), "Привет".as_bytes()].concat();
        assert_eq!(
            open(&format!("{kind}; charset=utf-8"), &lie),
            Err(ReasonCode::AnswerMalformed),
            "{head}"
        );
        assert_eq!(
            open(&format!("{kind}; charset=utf-8"), head.as_bytes()),
            Ok(head.into()),
            "{head}"
        );
    }
    // A plain text is none of these.
    let body = [
        b"<?xml encoding='koi8-r'?>",
        &encoded("koi8-r", "Привет")[..],
    ]
    .concat();
    assert_eq!(open("text/plain", &body), Err(ReasonCode::AnswerMalformed));
}

#[test]
fn refuses_documents_that_are_read_in_two_charsets() {
    let long = " ".repeat(1100);
    for body in [
        "<meta charset=koi8-r><meta charset=utf-8>é".to_owned(),
        "<meta charset=utf-8><meta charset=koi8-r>é".to_owned(),
        "<title>é</title><meta charset=koi8-r>".to_owned(),
        format!("<title>é</title>{long}<meta charset=koi8-r>"),
        format!("{long}<meta charset=koi8-r>é"),
        "<script>'<meta charset=koi8-r>'</script>é".to_owned(),
        "<!-- <meta charset=koi8-r> -->é".to_owned(),
        "<meta charset=koi8&#45;r>é".to_owned(),
        "<?xml version='1.0' encoding='koi8-r'?><p>é".to_owned(),
        format!("<!-- charset=koi8-r -->{long}<meta charset=koi8-r>é"),
        "<script>'<meta charset=iso-2022-jp>'</script>".to_owned(),
        "<meta charset=iso-2022-jp>".to_owned(),
        "<meta charset=utf-7>".to_owned(),
        "<meta charset=hz-gb-2312>".to_owned(),
    ] {
        for size in [1, 7, 10_000] {
            let pieces: Vec<&[u8]> = body.as_bytes().chunks(size).collect();
            assert_eq!(
                run(fixture(), "text/html", &pieces),
                Err(ReasonCode::AnswerMalformed),
                "{body}"
            );
        }
    }
    let late = [long.as_bytes(), b"<meta charset=latin1>\xe9"].concat();
    assert_eq!(open("text/html", &late), Err(ReasonCode::AnswerMalformed));
    for body in [
        "<meta charset=koi8-r><meta charset=utf-8>e",
        "<meta charset=utf-8><meta charset=\"UTF8\">é",
        "<meta charset=utf-16>é",
        "<meta charset=nonsense>é",
    ] {
        assert_eq!(
            open("text/html", body.as_bytes()),
            Ok(body.into()),
            "{body}"
        );
    }
}

#[test]
fn reads_parts_in_their_own_charset() {
    let part = |label: &str, text: &[u8]| {
        let head = format!("--b\r\ncontent-type: text/plain; charset={label}\r\n\r\n");
        [head.as_bytes(), text, b"\r\n"].concat()
    };
    let body = |text: &str| {
        [
            part("koi8-r", &encoded("koi8-r", &format!("Привет {text}"))),
            part("utf-16le", &utf16(text, false)),
            b"--b--\r\n".to_vec(),
        ]
        .concat()
    };
    let kind = "multipart/mixed; boundary=b";
    assert_eq!(open(kind, &body(SECRET)), Ok(body("[redacted:email]")));
    let bytes = body(SECRET);
    let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(
        run(fixture(), kind, &pieces).unwrap().0,
        body("[redacted:email]")
    );
    let lie = [part("us-ascii", b"\xe9"), b"--b--\r\n".to_vec()].concat();
    assert_eq!(open(kind, &lie), Err(ReasonCode::AnswerMalformed));
}

#[test]
fn puts_no_letter_into_a_charset_that_it_does_not_have() {
    let fixture =
        Fixture::new()
            .detector("email", Action::Redact)
            .pattern("größe", "q{3}", Action::Redact);
    let output = run(fixture, "text/plain; charset=koi8-u", &[b"a qqq"])
        .unwrap()
        .0;
    assert_eq!(output, b"a [redacted:gr??e]");
}

#[test]
fn refuses_what_readers_of_utf8_find_behind_half_a_letter() {
    let names =
        || Fixture::new().terms("names", Class::Dictionary, "Bob Byte", Action::Pseudonymize);
    let hostile: [(&str, &[u8]); 6] = [
        ("text/plain; charset=gbk", b"x \x81Bob Byte"),
        ("text/plain; charset=big5", b"x \xa4Bob Byte"),
        (
            "text/javascript; charset=shift_jis",
            b"'\x83\\u0042ob Byte'",
        ),
        ("text/javascript; charset=utf-16be", b"'Bob\\x20Byte' "),
        ("text/html; charset=utf-16le", b"<p>Bob&#32;Byte</p> "),
        ("text/xml; charset=utf-16be", b"<a>Bob&#x20;Byte</a>"),
    ];
    for (kind, body) in hostile {
        for cut in 0..=body.len() {
            let (first, rest) = body.split_at(cut);
            let done = run(names(), kind, &[first, rest]);
            assert_eq!(done.err(), Some(ReasonCode::AnswerMalformed), "{kind}");
        }
    }
    let honest: [(&str, &[u8]); 5] = [
        ("text/plain; charset=gbk", b"x \x81Bobo Byte"),
        (
            "text/javascript; charset=shift_jis",
            b"'\x83\\u0052ob Byte'",
        ),
        ("text/javascript; charset=windows-1252", b"'\xe9 \\x42yte'"),
        ("text/html; charset=windows-1252", b"<p>\xe9&#32;Byte</p>"),
        ("text/css; charset=big5", b"a{content:'\xa4\x40\\42 yte'}"),
    ];
    for (kind, body) in honest {
        assert_eq!(run(names(), kind, &[body]).unwrap().0, body, "{kind}");
    }
    // Where ASCII says the same in both, it is replaced.
    let (output, _) = run(
        names(),
        "text/javascript; charset=shift_jis",
        &[b"'\x83\x5c Bob\\x20Byte'"],
    )
    .unwrap();
    assert!(!output.windows(4).any(|four| four == b"Byte"));
    assert!(output.starts_with(b"'\x83\x5c [names:"));
}
