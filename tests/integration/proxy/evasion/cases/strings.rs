//! Documents in strings, numbers in other spellings, texts that are read as documents, lines that go on.

use super::{Case, JSON, TEXT, Who, Write, own, pair};

pub(super) fn all(all: &mut Vec<Case>) {
    let ways: [(&str, &str, &str, Write, &str); 17] = [
        (
            "json-in-json",
            JSON,
            "[\"{\\\"a\\\":\\\"",
            |mail| mail.replace('@', "\\\\u0040"),
            "\\\"}\"]",
        ),
        (
            "script-in-json",
            JSON,
            "[\"f('",
            |mail| mail.replace('@', "\\\\x40"),
            "')\"]",
        ),
        (
            "unseen-in-json",
            JSON,
            "[\"",
            |mail| mail.replace("shop", "sh\\u200bop"),
            "\"]",
        ),
        (
            "json-in-text",
            TEXT,
            "{\"a\":\"",
            |mail| mail.replace('@', "\\u0040"),
            "\"}",
        ),
        (
            "packet-in-text",
            TEXT,
            "42[\"a\",{\"b\":\"",
            |mail| mail.replace('@', "\\u0040"),
            "\"}]",
        ),
        (
            "json-in-page",
            "text/html",
            "[\"",
            |mail| mail.replace('@', "\\u0040"),
            "\"]",
        ),
        (
            "json-in-event",
            "text/event-stream",
            "data: a [\"",
            |mail| mail.replace('@', "\\u0040"),
            "\"]\n\n",
        ),
        (
            "json-untyped-cell",
            "text/csv",
            "a,b\n1,'",
            |mail| mail.replace('@', "\\u0040"),
            "'\n",
        ),
        (
            "percent-in-table",
            "text/csv",
            "a,b\n1,/c?",
            |mail| mail.replace('@', "%40"),
            "\n",
        ),
        (
            "reference-in-table",
            "text/csv",
            "a,b\n1,<b>",
            |mail| mail.replace('@', "&#64;"),
            "\n",
        ),
        (
            "subtitle",
            "text/vtt",
            "WEBVTT\n\n00:01.000 --> 00:02.000\n",
            |mail| mail.replace('@', "&#64;"),
            "\n",
        ),
        (
            "markdown",
            "text/markdown",
            "[a](mailto:",
            |mail| mail.replace('@', "%40"),
            ")\n",
        ),
        (
            "calendar",
            "text/calendar",
            "BEGIN:VCALENDAR\r\nATTENDEE:mailto:",
            |mail| mail.replace("shop", "sh\r\n op"),
            "\r\nEND:VCALENDAR\r\n",
        ),
        (
            "card-of-address",
            "text/vcard",
            "BEGIN:VCARD\nEMAIL:",
            |mail| mail.replace("shop", "sh\n\top"),
            "\nEND:VCARD\n",
        ),
        (
            "yaml-wide",
            "application/yaml",
            "a: \"",
            |mail| mail.replace('@', "\\U00000040"),
            "\"\n",
        ),
        (
            "style-in-import",
            "text/css",
            "@import 'data:text/css,a{b:\"",
            |mail| mail.replace('@', "%5C40 "),
            "\"}';",
        ),
        (
            "drawing-in-style",
            "text/css",
            "a{b:url('data:image/svg+xml,<text>",
            |mail| mail.replace('@', "&#64;"),
            "</text>')}",
        ),
    ];
    for (name, kind, before, write, after) in ways {
        let case = |who: Who| format!("{before}{}{after}", write(who.email));
        all.push(own(&format!("string-{name}"), "open", kind, case));
        all.push(own(&format!("string-{name}-cut"), "open", kind, case).cut(1));
    }
    for (name, hostile, twin) in [
        ("exponent", "4.111111111111111e15", "4.111111111111112e15"),
        ("exponent-none", "4111111111111111e0", "4111111111111112e0"),
        (
            "exponent-minus",
            "41111111111111110e-1",
            "41111111111111120E-1",
        ),
        (
            "exponent-plus",
            "0.4111111111111111E+16",
            "0.4111111111111112e+16",
        ),
        (
            "exponent-short",
            "411111111111111.1e1",
            "411111111111111.2e1",
        ),
        ("point", "4111111111111111.0", "4111111111111112.0"),
        ("minus", "-4111111111111111e0", "-4111111111111112e0"),
    ] {
        all.push(pair(
            &format!("number-{name}"),
            "open",
            (JSON, format!("{{\"a\":[{hostile}]}}")),
            (JSON, format!("{{\"a\":[{twin}]}}")),
        ));
    }
    all.push(pair(
        "type-rtf",
        "open",
        ("text/rtf", "{\\rtf1 bob@shop.example}"),
        (TEXT, "{\\rtf1 x}"),
    ));
}
