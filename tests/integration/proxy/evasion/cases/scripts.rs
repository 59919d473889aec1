//! Escapes of JavaScript, in files, inline scripts, handlers and `javascript:` addresses.

use super::{Case, HTML, Who, Write, each, own, pair};

const WAYS: [(&str, Write); 9] = [
    ("plain", |text| text.to_owned()),
    ("x", |text| each(text, |n| format!("\\x{n:02x}"))),
    ("u", |text| each(text, |n| format!("\\u{n:04x}"))),
    ("brace", |text| each(text, |n| format!("\\u{{{n:x}}}"))),
    ("padded", |text| each(text, |n| format!("\\u{{000{n:X}}}"))),
    ("octal", |text| each(text, |n| format!("\\{n:03o}"))),
    ("continued", |text| text.replace('@', "\\\n@\\\n")),
    ("reference", |text| text.replace('@', "&#64;")),
    ("percent", |text| text.replace('@', "\\u002540")),
];

pub(super) fn all(all: &mut Vec<Case>) {
    for (name, write) in WAYS {
        for (place, kind, before, after) in [
            ("script", "text/javascript", "let a = \"", "\";\n"),
            ("single", "application/javascript", "a('", "');"),
            ("template", "text/javascript", "a(`${1} ", "`);"),
            ("comment", "text/ecmascript", "/* ", " */ a();"),
            ("regex", "text/javascript", "a(/", "/u);"),
            ("handler", HTML, "<p onclick=\"f('", "')\">x</p>"),
            ("inline", HTML, "<script>let b = `", "`;</script>"),
            (
                "module",
                HTML,
                "<script type=module>let b = '",
                "';</script>",
            ),
            ("address", HTML, "<a href=\"javascript:f('", "')\">x</a>"),
        ] {
            let case = |who: Who| format!("{before}{}{after}", write(who.email));
            all.push(own(&format!("{place}-{name}"), "open", kind, case));
        }
    }
    // What stands between escapes belongs to nobody, or to the user.
    for (name, hostile, twin) in [
        (
            "after-break",
            r#"a("\nbob@shop.example")"#,
            r#"a("\nalice@shop.example")"#,
        ),
        (
            "raw-backslash",
            r"a(String.raw`\Falcon IX`)",
            r"a(String.raw`\Falcon X`)",
        ),
        (
            "two",
            r#"a("\x41 bob@shop.example \x42", "bob\u0040shop.example")"#,
            r#"a("\x41 \x42", '\'\"\\')"#,
        ),
        (
            "term",
            r#"a("F\u0061lcon\x20IX")"#,
            r#"a("F\u0061lcon\x20X")"#,
        ),
        (
            "card",
            r#"a("41111111\u00311111111")"#,
            r#"a("41111111\u00311111112")"#,
        ),
        (
            "json-file",
            r#"{"a":"b\u006fb@shop.example"}"#,
            r#"{"a":"\u006f"}"#,
        ),
    ] {
        let kind = "text/javascript";
        all.push(pair(
            &format!("script-{name}"),
            "open",
            (kind, hostile),
            (kind, twin),
        ));
    }
    for size in [1, 2, 5] {
        let case = own(
            &format!("script-cut-{size}"),
            "open",
            "text/javascript",
            |who| {
                let mail = each(who.email, |n| format!("\\u{{{n:x}}}"));
                format!("{}let a = '{mail}';", "// a line of code\n".repeat(80))
            },
        );
        all.push(case.cut(size));
    }
    all.push(own("yaml", "open", "application/yaml", |who| {
        format!("a: \"{}\"\n", who.email.replace('@', "\\x40"))
    }));
}
