//! Texts with escapes, at every cut.

use proptest::prelude::*;

use crate::filter::decode::Language;
use crate::filter::fixture::Fixture;
use crate::filter::{Inspector, Output, Side};
use crate::policy::treatment::{Action, Class};

use super::Window;

fn run(language: Language, action: Action, body: &[u8], size: usize) -> Result<Vec<u8>, String> {
    let plan = Fixture::new()
        .detector("email", action)
        .terms("names", Class::Dictionary, "bob byte", Action::Redact)
        .plan();
    let mut inspector = Inspector::new(&plan, Side::Response);
    let mut window = Window::in_language(&inspector, language);
    let mut out = Output::default();
    for piece in body.chunks(size) {
        window
            .write(piece, &mut inspector, &mut out.bytes)
            .map_err(|refusal| refusal.code.to_string())?;
    }
    window
        .finish(&mut inspector, &mut out.bytes)
        .map_err(|refusal| refusal.code.to_string())?;
    Ok(out.bytes.to_vec())
}

fn each(text: &str, write: impl Fn(u32) -> String) -> String {
    text.chars()
        .map(|letter| write(u32::from(letter)))
        .collect()
}

#[test]
fn takes_out_what_escapes_say_and_nothing_else() {
    let mail = "bob@shop.example";
    let x = each(mail, |n| format!("\\x{n:02x}"));
    let long = "let a = 'x'; // \n".repeat(700);
    for (language, raw, left) in [
        (
            Language::Script,
            format!("a = \"{x}\";"),
            "a = \"[redacted:email]\";",
        ),
        (
            Language::Script,
            r#"a = "\nbob@shop.example\n";"#.into(),
            r#"a = "\n[redacted:email]\n";"#,
        ),
        (
            Language::Script,
            r#"a = "\nann@shop.example\n";"#.into(),
            r#"a = "\nann@shop.example\n";"#,
        ),
        (
            Language::Script,
            r"a = /\bob@shop.example/".into(),
            "a = /\\b[redacted:email]/",
        ),
        (
            Language::Script,
            "a = String.raw`\\Bob Byte`".into(),
            "a = String.raw`[redacted:names]`",
        ),
        (
            Language::Script,
            "a = 'bo\\\nb@shop.example'".into(),
            "a = '[redacted:email]'",
        ),
        (
            Language::Script,
            "a = 'b&#111;b%40shop.\\u0065xample'".into(),
            "a = '[redacted:email]'",
        ),
        (
            Language::Style,
            "a:after{content:\"bob\\40 shop.example\"}".into(),
            "a:after{content:\"[redacted:email]\"}",
        ),
        (
            Language::Style,
            "a{b:url(data:text/plain;base64,YWEgYm9iQHNob3AuZXhhbXBsZSBh)}".into(),
            "a{b:url(data:text/plain;base64,YWEgW3JlZGFjdGVkOmVtYWlsXSBh)}",
        ),
        (
            Language::Xml,
            "<a>bob&#x40;shop.example</a>".into(),
            "<a>[redacted:email]</a>",
        ),
        (
            Language::Xml,
            "<a>bob<!-- x -->@<?y?>shop.example</a>".into(),
            "<a>[redacted:email]</a>",
        ),
        (
            Language::Xml,
            "<a>bob@<![CDATA[shop.example]]></a>".into(),
            "<a>[redacted:email]<![CDATA[]]></a>",
        ),
        (
            Language::Xml,
            "<a><![CDATA[bob@]]>shop.example</a>".into(),
            "<a><![CDATA[[redacted:email]]]></a>",
        ),
        (
            Language::Xml,
            "<a><!-- bob@shop.example --></a>".into(),
            "<a><!-- [redacted:email] --></a>",
        ),
        (
            Language::Xml,
            "<a>an<!-- bob@shop.example -->n@shop.example</a>".into(),
            "<a>an<!-- [redacted:email] -->n@shop.example</a>",
        ),
        (
            Language::Xml,
            "<a>&#97;nn@shop.example, ann@shop.ex&#97;mple</a>".into(),
            "<a>&#97;nn@shop.example, ann@shop.ex&#97;mple</a>",
        ),
        (
            Language::Xml,
            "<a>&lt;b&gt;bob&amp;#64;shop.example</a>".into(),
            "<a>&lt;b&gt;[redacted:email]</a>",
        ),
    ] {
        for prefix in ["", &*long] {
            let (raw, left) = (format!("{prefix}{raw}"), format!("{prefix}{left}"));
            for size in [1, 2, 3, 5, 7, 64, 1000, raw.len()] {
                let out = run(language, Action::Redact, raw.as_bytes(), size).unwrap();
                assert_eq!(String::from_utf8(out).unwrap(), left, "by {size}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A layer that finds its first escape late begins with what is undecided, not with what the one under it still holds.
    #[test]
    fn replaces_each_find_once_wherever_layers_begin(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60),
        size in prop::sample::select(&[1000_usize, 4096, 1 << 20][..]),
    ) {
        let words = "Words that nobody looks for. ".repeat(9);
        let raw = |mail: &str| {
            let pieces = pieces.iter().map(|piece| piece.replace("MAIL", mail).replace("WORDS", &words));
            pieces.collect::<Vec<_>>().join(" ")
        };
        let out = run(Language::Xml, Action::Redact, raw("bob@shop.example").as_bytes(), size).unwrap();
        prop_assert_eq!(String::from_utf8(out).unwrap(), raw("[redacted:email]"));
    }
}

const PIECES: [&str; 14] = [
    "MAIL",
    "MAIL",
    "WORDS",
    "WORDS",
    "WORDS",
    "WORDS",
    "&lt;a&gt;",
    "&amp;ndash;",
    "&amp;lt;",
    "\\x61",
    "100%25",
    "data:,a%2541",
    "<!-- a -->",
    "&#",
];

#[test]
fn masks_without_ending_a_string() {
    let raw = r#"a = "o\'hara\x2bx@shop.example""#;
    let action = Action::Mask {
        keep_last: 2,
        number: false,
    };
    let out = run(Language::Script, action, raw.as_bytes(), 3).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.starts_with("a = \"") && out.ends_with("le\""), "{out}");
    assert_eq!(out.matches(['"', '\'', '\\']).count(), 2, "{out}");
}

#[test]
fn leaves_innocent_texts_as_they_are() {
    for (language, raw) in [
        (
            Language::Script,
            r#"f(/\d+\.(\w)*/g, "\u2028\n\x41", `\${a}`, "100%", "&nbsp;&copy;")"#,
        ),
        (
            Language::Style,
            r"@font-face{src:url(data:font/woff2;base64,d09GMgABAAAAA)} .a\:b{content:'\201C'}",
        ),
        (
            Language::Xml,
            "<?xml version='1.0'?><!-- a --><a b='&lt;'><![CDATA[<&>]]>&#228;</a>",
        ),
        (
            Language::Xml,
            "<!DOCTYPE rss [<!ENTITY % l PUBLIC '-//W3C//ENTITIES Latin 1//EN' 'http://www.w3.org/xhtml-lat1.ent'>]><a>b</a>",
        ),
        (Language::Plain, r"bob\x40shop.example"),
    ] {
        for size in 1..raw.len() {
            let out = run(language, Action::Redact, raw.as_bytes(), size).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), raw, "by {size}");
        }
    }
}

const FRAGMENTS: [&str; 33] = [
    "\u{200b}",
    "sh\u{ad}op.example",
    "\r\n ",
    "\t",
    "\\\\u0040",
    "bob@shop.example",
    "ann@shop.example",
    "bob byte",
    "bob",
    "@",
    "shop.example",
    "\\x62",
    "\\u0062ob",
    "\\u{0040}",
    "\\100",
    "\\40 ",
    "\\n",
    "\\",
    "\"",
    "`",
    "&#64;",
    "&#x40",
    "&amp;",
    "%40",
    "%62",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    ";base64,",
    "Ym9iQHNob3AuZXhhbXBsZQ==",
    "\n",
    " plain text that nobody minds, much longer than all that is looked for in it; and so it goes on for a while ",
];

const LANGUAGES: [Language; 7] = [
    Language::Script,
    Language::Style,
    Language::Xml,
    Language::Inner,
    Language::Folded,
    Language::Link,
    Language::Markup,
];

/// The quotes of a script that no backslash takes away, and the backslash that is left at its end.
fn quotes(script: &[u8]) -> Vec<u8> {
    let mut letters = script.iter().copied();
    let mut quotes = Vec::new();
    while let Some(letter) = letters.next() {
        match letter {
            b'\\' if letters.next().is_none() => quotes.push(letter),
            b'"' | b'`' => quotes.push(letter),
            _ => {}
        }
    }
    quotes
}

proptest! {
    #[test]
    fn gives_the_same_at_every_cut_and_ends_no_string(
        parts in prop::collection::vec(prop::sample::select(&FRAGMENTS[..]), 0..60),
        language in prop::sample::select(&LANGUAGES[..]),
        sizes in prop::collection::vec(1_usize..40, 1..8),
    ) {
        let body = parts.concat();
        let whole = run(language, Action::Redact, body.as_bytes(), body.len().max(1));
        for size in sizes {
            prop_assert_eq!(&run(language, Action::Redact, body.as_bytes(), size), &whole);
        }
        if let (Language::Script, Ok(left)) = (language, whole) {
            prop_assert_eq!(quotes(&left), quotes(body.as_bytes()));
        }
    }
}
