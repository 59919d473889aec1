//! Escapes of letters in texts, pages and scripts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Case, HTML, JSON, TEXT, Write, each, own, pair};

pub(super) fn all(all: &mut Vec<Case>) {
    let json: [(&str, Write); 4] = [
        ("plain", |text| text.to_owned()),
        ("u-lower", |text| each(text, |n| format!("\\u{n:04x}"))),
        ("u-upper", |text| each(text, |n| format!("\\u{n:04X}"))),
        ("u-at", |text| text.replace('@', "\\u0040")),
    ];
    for (name, write) in json {
        for (place, before, after) in [
            ("value", "{\"a\":\"", "\"}"),
            ("key", "{\"", "\":1}"),
            ("element", "[[[\"", "\"]]]"),
            ("root", "\"", "\""),
            ("after-pair", "[\"\\ud83d\\ude00 ", "\"]"),
        ] {
            all.push(own(&format!("json-{name}-{place}"), "open", JSON, |who| {
                format!("{before}{}{after}", write(who.email))
            }));
        }
    }
    let html: [(&str, Write); 5] = [
        ("plain", |text| text.to_owned()),
        ("decimal", |text| each(text, |n| format!("&#{n};"))),
        ("hex", |text| each(text, |n| format!("&#x{n:x};"))),
        ("padded", |text| each(text, |n| format!("&#X000{n:X};"))),
        ("named", |text| {
            text.replace('@', "&commat;").replace('.', "&period;")
        }),
    ];
    for (name, write) in html {
        for (place, before, after) in [
            ("text", "<p>", "</p>"),
            ("attribute", "<p title=\"", "\">x</p>"),
            ("single-quoted", "<p title='", "'>x</p>"),
            ("title", "<title>", "</title>"),
            ("textarea", "<textarea>", "</textarea>"),
        ] {
            all.push(own(&format!("html-{name}-{place}"), "open", HTML, |who| {
                format!("{before}{}{after}", write(who.email))
            }));
        }
    }
    let script: [(&str, Write); 4] = [
        ("plain", |text| text.to_owned()),
        ("x", |text| each(text, |n| format!("\\x{n:02x}"))),
        ("u", |text| each(text, |n| format!("\\u{n:04x}"))),
        ("brace", |text| each(text, |n| format!("\\u{{{n:x}}}"))),
    ];
    for (name, write) in script {
        all.push(own(
            &format!("script-in-page-{name}"),
            "open",
            HTML,
            |who| format!("<script>let a = '{}';</script>", write(who.email)),
        ));
    }
    all.push(own("href-percent", "open", HTML, |who| {
        format!(
            "<a href=\"/a?b={}\">x</a>",
            each(who.email, |n| format!("%{n:02x}"))
        )
    }));
    all.push(own("mailto", "open", HTML, |who| {
        format!("<a href=\"mailto:{}\">x</a>", who.email)
    }));
    all.push(own("data-url", "open", HTML, |who| {
        format!(
            "<a href=\"data:text/plain;base64,{}\">x</a>",
            STANDARD.encode(who.email)
        )
    }));
    for (name, before, after) in [
        ("comment", "<!-- ", " --><p>x</p>"),
        ("noscript", "<noscript>", "</noscript>"),
        ("template", "<template><p>", "</p></template>"),
        ("style", "<style>/* ", " */</style>"),
        ("foreign", "<svg><text>", "</text></svg>"),
        ("math", "<math><mtext>", "</mtext></math>"),
        (
            "srcdoc",
            "<iframe srcdoc=\"&lt;p&gt;",
            "&lt;/p&gt;\"></iframe>",
        ),
        ("meta", "<meta name=\"a\" content=\"", "\">"),
        ("hidden", "<input type=hidden value=\"", "\">"),
        (
            "json-in-script",
            "<script type=\"application/json\">{\"a\":\"",
            "\"}</script>",
        ),
    ] {
        all.push(own(&format!("html-in-{name}"), "open", HTML, |who| {
            format!("{before}{}{after}", who.email)
        }));
    }
    all.push(own("css-content", "open", "text/css", |who| {
        format!("a:after{{content:\"{}\"}}", who.email)
    }));
    all.push(own("xml-text", "open", "application/xml", |who| {
        format!("<a>{}</a>", who.email)
    }));
    all.push(own("xml-cdata", "open", "text/xml", |who| {
        format!("<a><![CDATA[{}]]></a>", who.email)
    }));
    all.push(own("svg", "open", "image/svg+xml", |who| {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\"><text>{}</text></svg>",
            who.email
        )
    }));
    for (name, secret, innocent) in [
        ("card", "4111111111111111", "4111111111111112"),
        ("term", "Falcon IX", "Falcon X"),
        ("term-case", "fALCON iX", "fALCON X"),
    ] {
        for (place, kind, before, after) in [
            ("text", TEXT, "it is ", " indeed"),
            ("json", JSON, "{\"a\":\"", "\"}"),
            ("page", HTML, "<p>", "</p>"),
            ("script", "text/javascript", "let a = '", "';"),
        ] {
            let write = |text| format!("{before}{text}{after}");
            let (hostile, twin) = (write(secret), write(innocent));
            all.push(pair(
                &format!("{name}-{place}"),
                "open",
                (kind, hostile),
                (kind, twin),
            ));
        }
    }
    all.push(pair(
        "card-number",
        "open",
        (JSON, "[4111111111111111]"),
        (JSON, "[4111111111111112]"),
    ));
}
