//! Fields, interim answers, trailers and statuses.

use super::{BOB, Case, JSON, head, order, own};

pub(super) fn all(all: &mut Vec<Case>) {
    let ok = "200 OK\r\ncontent-type: text/plain\r\n";
    for (name, before) in [
        (
            "location",
            "302 Found\r\ncontent-type: text/plain\r\nlocation: /a?b=",
        ),
        (
            "content-location",
            "200 OK\r\ncontent-type: text/plain\r\ncontent-location: /a?b=",
        ),
        (
            "refresh",
            "200 OK\r\ncontent-type: text/plain\r\nrefresh: 1;url=/a?b=",
        ),
        (
            "cookie",
            "200 OK\r\ncontent-type: text/plain\r\nset-cookie: a=",
        ),
        (
            "server-timing",
            "200 OK\r\ncontent-type: text/plain\r\nserver-timing: db;desc=",
        ),
        ("custom", "200 OK\r\ncontent-type: text/plain\r\nx-note: "),
        (
            "file-name",
            "200 OK\r\ncontent-type: text/plain\r\ncontent-disposition: attachment; filename=",
        ),
        (
            "nominated",
            "200 OK\r\ncontent-type: text/plain\r\nconnection: x-note\r\nx-note: ",
        ),
        (
            "error-page",
            "500 Broken\r\ncontent-type: text/plain\r\nx-note: ",
        ),
    ] {
        for (way, mail) in [
            ("plain", BOB.email.to_owned()),
            ("percent", BOB.email.replace('@', "%40")),
        ] {
            let case = head(
                &format!("head-{name}-{way}"),
                &format!("{before}{mail}\r\n"),
                &format!("{before}a7\r\n"),
            );
            all.push(case);
        }
    }
    let at = |tail: &str| format!("{ok}{tail}\r\n");
    all.push(
        head(
            "head-etag",
            &at("etag: \"bob@shop.example\""),
            &at("etag: \"a7\""),
        )
        .keeps("etag: \""),
    );
    all.push(
        head(
            "head-link",
            &at("link: </a?b=bob@shop.example>; rel=next"),
            &at("link: </a>; rel=next"),
        )
        .keeps("link: </a>"),
    );
    all.push(head(
        "head-name",
        &at("x-zq7-secret: falcon ix"),
        &at("x-a: falcon"),
    ));
    all.push(head(
        "head-reason",
        "200 bob@shop.example\r\ncontent-type: text/plain\r\n",
        ok,
    ));
    all.push(head("range-unasked", "206 Partial Content\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-1/2\r\nx-a: bob@shop.example\r\n", ok).asks("range: bytes=0-1\r\n"));
    all.push(
        head(
            "range-416",
            "416 No\r\ncontent-type: text/plain\r\ncontent-range: bytes */4111111111111111\r\n",
            "416 No\r\ncontent-type: text/plain\r\n",
        )
        .asks("range: bytes=9-\r\n"),
    );
    all.push(
        head(
            "not-modified",
            "304 Not Modified\r\nx-a: bob@shop.example\r\n",
            ok,
        )
        .asks("if-none-match: \"a\"\r\n"),
    );
    let mut case = head(
        "asked-for-head",
        &at("x-a: bob@shop.example"),
        &at("x-a: a7"),
    )
    .keeps("x-a: a7");
    case.method = "HEAD";
    all.push(case);
    for (name, hints) in [
        (
            "early-hints",
            "HTTP/1.1 103 Early Hints\r\nlink: </a?bob@shop.example>; rel=preload\r\n\r\n",
        ),
        (
            "processing",
            "HTTP/1.1 102 Processing\r\nx-a: bob@shop.example\r\n\r\n",
        ),
    ] {
        let mut case = head(name, ok, ok);
        case.hostile.interim = hints.to_owned();
        case.twin.interim = hints.replace("bob@shop.example", "a7");
        all.push(case);
    }
    for (name, field) in [
        ("trailer", "x-a: bob@shop.example"),
        ("trailer-percent", "x-a: bob%40shop.example"),
        ("trailer-cookie", "set-cookie: a=bob@shop.example"),
        ("trailer-term", "x-a: Falcon IX"),
    ] {
        let mut case = head(name, ok, ok);
        case.hostile.trailers = format!("{field}\r\n");
        case.twin.trailers = "x-a: a7\r\n".to_owned();
        all.push(case);
    }
    for status in [
        "201 Made",
        "302 Found",
        "404 Not Found",
        "500 Broken",
        "503 Away",
    ] {
        let mut case = own(
            &format!("status-{}", status.split(' ').next().unwrap_or_default()),
            "orders",
            JSON,
            order,
        );
        for answer in [&mut case.hostile, &mut case.twin] {
            answer.head = format!("{status}\r\ncontent-type: application/json\r\n");
        }
        all.push(case);
    }
}
