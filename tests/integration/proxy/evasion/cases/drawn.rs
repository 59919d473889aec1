//! What browsers put together as they draw a page, or take out before they follow an address.

use super::{Case, HTML, Who, Write, own, pair};

pub(super) fn all(all: &mut Vec<Case>) {
    let ways: [(&str, &str, Write, &str); 19] = [
        (
            "svg-style",
            "<svg><style>a{b:'",
            |mail| mail.replace('@', "\\40 "),
            "'}</style></svg>",
        ),
        (
            "svg-style-after-child",
            "<svg><style><g/>a{b:'",
            |mail| mail.replace('@', "\\40 "),
            "'}</style></svg>",
        ),
        (
            "svg-script",
            "<svg><script>a('",
            |mail| mail.replace('@', "\\x40"),
            "')</script></svg>",
        ),
        (
            "svg-script-reference",
            "<svg><script>a('",
            |mail| mail.replace('@', "&#92;u0040"),
            "')</script></svg>",
        ),
        (
            "math-style",
            "<math><style>a{b:'",
            |mail| mail.replace('@', "\\000040"),
            "'}</style></math>",
        ),
        (
            "split-comment",
            "<p>",
            |mail| mail.replace('@', "@<!-- -->"),
            "</p>",
        ),
        (
            "split-comments",
            "<p>",
            |mail| mail.replace('@', "<!-- --><!-- -->&#64;<!---->"),
            "</p>",
        ),
        (
            "split-bogus-comment",
            "<p>",
            |mail| mail.replace('@', "@<?x?>"),
            "</p>",
        ),
        (
            "split-nothing",
            "<p>",
            |mail| mail.replace('@', "@</>"),
            "</p>",
        ),
        (
            "split-section",
            "<svg><text>",
            |mail| mail.replace("@shop", "@<![CDATA[shop]]>"),
            "</text></svg>",
        ),
        (
            "split-at-section",
            "<svg><text>a ",
            |mail| mail.replace('@', "@<![CDATA[") + " b]]>",
            "</text></svg>",
        ),
        (
            "split-at-section-end",
            "<svg><text><![CDATA[a ",
            |mail| mail.replace('@', "@]]>"),
            " b</text></svg>",
        ),
        (
            "link-tab",
            "<a href=\"/a?b=",
            |mail| mail.replace("shop", "sh\top"),
            "\">x</a>",
        ),
        (
            "link-break",
            "<a href='mailto:",
            |mail| mail.replace("shop", "sh&NewLine;op"),
            "'>x</a>",
        ),
        (
            "link-break-number",
            "<form action='/a?b=",
            |mail| mail.replace("shop", "sh&#10;op"),
            "'></form>",
        ),
        (
            "link-script",
            "<a href='ja&Tab;vascript:f(\"",
            |mail| mail.replace("@shop", "\\x40sh&NewLine;op"),
            "\")'>x</a>",
        ),
        (
            "text-json",
            "<div hidden>{\"a\":\"",
            |mail| mail.replace('@', "\\u0040"),
            "\"}</div>",
        ),
        (
            "parse-json",
            "<script>JSON.parse('{\"a\":\"",
            |mail| mail.replace('@', "\\\\u0040"),
            "\"}')</script>",
        ),
        (
            "data-json-twice",
            "<p data-a='\"{\\\"a\\\":\\\"",
            |mail| mail.replace('@', "\\\\u0040"),
            "\\\"}\"'>x</p>",
        ),
    ];
    for (name, before, write, after) in ways {
        all.push(own(&format!("drawn-{name}"), "open", HTML, |who: Who| {
            format!("{before}{}{after}", write(who.email))
        }));
    }
    for (name, sign) in [
        ("soft-hyphen", "\u{ad}"),
        ("soft-hyphen-reference", "&shy;"),
        ("zero-width-space", "\u{200b}"),
        ("joiner", "&zwj;"),
        ("word-joiner", "\u{2060}"),
        ("mark-of-direction", "\u{200e}"),
        ("byte-order-mark", "\u{feff}"),
        ("grapheme-joiner", "\u{34f}"),
        ("variation", "\u{fe0f}"),
    ] {
        for (place, kind, before, after) in [
            ("page", HTML, "<p>", "</p>"),
            ("attribute", HTML, "<p title='", "'>x</p>"),
        ] {
            all.push(own(
                &format!("unseen-{name}-{place}"),
                "open",
                kind,
                |who| {
                    format!(
                        "{before}{}{after}",
                        who.email.replace("shop", &format!("sh{sign}op"))
                    )
                },
            ));
        }
    }
    all.push(pair(
        "unseen-term",
        "open",
        (HTML, "<p>Fal\u{200b}con&shy; IX</p>"),
        (HTML, "<p>Fal\u{200b}con&shy; X</p>"),
    ));
    all.push(pair(
        "split-term",
        "open",
        (HTML, "<p>Falcon <!-- -->IX</p>"),
        (HTML, "<p>Falcon <!-- -->X</p>"),
    ));
    all.push(pair(
        "split-card",
        "open",
        (HTML, "<p>4111 1111 <!-- -->1111 1111</p>".replace(' ', "")),
        (HTML, "<p>4111 1111 <!-- -->1111 1112</p>".replace(' ', "")),
    ));
    for (name, body) in [
        (
            "doctype",
            "<!DOCTYPE html SYSTEM 'bob&#64;shop.example'><p>x</p>",
        ),
        ("cut-tag", "<p>x</p><p title='bob&#64;shop.example"),
    ] {
        all.push(pair(
            &format!("drawn-{name}"),
            "open",
            (HTML, body),
            (HTML, "<!DOCTYPE html><p>x</p>"),
        ));
    }
}
