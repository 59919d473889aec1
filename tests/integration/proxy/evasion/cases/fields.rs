//! Values of fields in other words: quoted pairs, pieces, words in odd charsets, breaks.

use super::{ALICE, BOB, Case, TEXT, Who, Write, head, own, pair};

pub(super) fn all(all: &mut Vec<Case>) {
    let ways: [(&str, &str, Write); 9] = [
        (
            "pair",
            "content-disposition: attachment; filename=\"",
            |mail| mail.replace('@', "\\@") + "\"",
        ),
        (
            "pairs",
            "content-disposition: attachment; filename=\"",
            |mail| mail.replace("@s", "\\@\\s") + "\"",
        ),
        ("octal", "set-cookie: a=\"", |mail| {
            mail.replace('@', "\\100") + "\""
        }),
        ("json", "x-note: {\"a\":\"", |mail| {
            mail.replace('@', "\\u0040") + "\"}"
        }),
        (
            "pieces",
            "content-disposition: attachment; filename*0=\"",
            |mail| mail.replace("shop", "sh\"; filename*1=\"op") + "\"",
        ),
        (
            "pieces-coded",
            "content-disposition: attachment; filename*0*=utf-8''",
            |mail| {
                mail.replace('@', "%40")
                    .replace("shop", "sh; filename*1*=op")
            },
        ),
        (
            "pieces-both",
            "content-disposition: attachment; filename*0*=utf-8''",
            |mail| {
                mail.replace('@', "%40")
                    .replace("shop", "sh; filename*1=op")
            },
        ),
        ("tab", "content-location: /a?b=", |mail| {
            mail.replace("shop", "sh\top")
        }),
        ("link-title", "link: </a>; rel=next; title=\"", |mail| {
            mail.replace('@', "\\@") + "\""
        }),
    ];
    for (name, before, write) in ways {
        let at = |who: Who| {
            format!(
                "200 OK\r\ncontent-type: text/plain\r\n{before}{}\r\n",
                write(who.email)
            )
        };
        let field = before.split(' ').next().unwrap_or_default();
        all.push(head(&format!("field-{name}"), &at(BOB), &at(ALICE)).keeps(field));
        if name != "octal" {
            all.push(own(
                &format!("field-in-part-{name}"),
                "open",
                "multipart/mixed; boundary=b",
                |who| format!("--b\r\n{before}{}\r\n\r\nok\r\n--b--\r\n", write(who.email)),
            ));
        }
    }
    for (name, charset) in [
        ("utf7", "utf-7"),
        ("korean", "iso-2022-kr"),
        ("unknown", "x-own"),
    ] {
        let field = |word: &str| format!("text/plain\r\nx-note: {word}");
        all.push(pair(
            &format!("field-word-{name}"),
            "open",
            (
                &*field(&format!(
                    "=?{charset}?q?bob=40shop.example?= bob=40shop.example"
                )),
                "ok",
            ),
            (&*field("=?utf-8?q?ok?="), "ok"),
        ));
    }
    all.push(own("field-text", "open", TEXT, |who| {
        format!("a\\@b {}", who.email)
    }));
}
