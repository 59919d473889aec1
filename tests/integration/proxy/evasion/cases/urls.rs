//! `data:` addresses and what else is decoded twice in pages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Case, HTML, Who, Write, each, own, pair};

pub(super) fn all(all: &mut Vec<Case>) {
    let ways: [(&str, Write); 5] = [
        ("percent", |text| {
            format!(",{}", each(text, |n| format!("%{n:02x}")))
        }),
        ("base64", |text| {
            format!(";base64,{}", STANDARD.encode(text))
        }),
        ("page", |text| {
            let page = format!("<p>{}</p>", text.replace('@', "&#64;"));
            format!(";base64,{}", STANDARD.encode(page))
        }),
        ("page-percent", |text| {
            format!(",%3Cp%3E{}", text.replace('@', "%26%2364;"))
        }),
        ("script", |text| {
            let script = format!("'{}'", text.replace('@', "\\x40"));
            format!(";base64,{}", STANDARD.encode(script))
        }),
    ];
    for (name, write) in ways {
        for (place, before, after) in [
            ("href", "<a href=\"data:text/html", "\">x</a>"),
            ("src", "<img src='data:image/svg+xml", "'>"),
            ("image", "<img src=\"data:image/png", "\">"),
            ("object", "<object data=\"data:text/plain", "\"></object>"),
            (
                "refresh",
                "<meta http-equiv=refresh content=\"0; url=data:text/html",
                "\">",
            ),
            (
                "style",
                "<p style=\"background:url(data:text/html",
                ")\">x</p>",
            ),
            (
                "srcset",
                "<img srcset=\"/a.png 1x, data:image/gif",
                " 2x\">",
            ),
        ] {
            let case = |who: Who| format!("{before}{}{after}", write(who.email));
            all.push(own(&format!("data-{place}-{name}"), "open", HTML, case));
        }
    }
    for (name, before, after) in [
        ("noscript", "<noscript>", "</noscript>"),
        ("noframes", "<noframes>", "</noframes>"),
        ("xmp", "<xmp>", "</xmp>"),
        ("iframe", "<iframe>", "</iframe>"),
        ("comment", "<p>x</p><!-- ", " -->"),
        ("template", "<template>", "</template>"),
        ("title", "<title>", "</title>"),
        ("in-script", "<script>a.innerHTML = '", "';</script>"),
    ] {
        let case = |who: Who| format!("{before}<b>{}</b>{after}", who.email.replace('@', "&#x40;"));
        all.push(own(&format!("reference-{name}"), "open", HTML, case));
    }
    for (name, write) in [
        ("twice", (|text| text.replace('@', "&amp;#64;")) as Write),
        ("thrice", |text| {
            text.replace('@', "&amp;#x5c;u0040")
                .replace("&amp;#x5c;", "&#92;")
        }),
        ("percent", |text| {
            format!("&lt;a href=&quot;/{}&quot;>", text.replace('@', "%40"))
        }),
    ] {
        let case = |who: Who| format!("<iframe srcdoc=\"{}\"></iframe>", write(who.email));
        all.push(own(&format!("srcdoc-{name}"), "open", HTML, case));
    }
    for (name, address) in [
        ("half", "data:text/plain;base64,bob@shop.example"),
        (
            "padded",
            "data:text/plain;base64,Ym9iQHNob3AuZXhhbXBsZQ=== bob@shop.example",
        ),
        (
            "charset",
            "data:text/plain;charset=utf-7,bob%40shop.example",
        ),
    ] {
        let page = format!("<a href=\"{address}\">x</a>");
        let twin = "<a href=\"data:text/plain;base64,YWJj\">x</a>";
        all.push(pair(
            &format!("data-broken-{name}"),
            "open",
            (HTML, page),
            (HTML, twin),
        ));
    }
}
