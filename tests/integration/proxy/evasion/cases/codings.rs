//! Cuts and content codings, true and lied about.

use super::{Case, JSON, TEXT, Who, each, order, own};

pub(super) fn all(all: &mut Vec<Case>) {
    let text = |who: Who| format!("write to {} please", who.email);
    for size in [1, 2, 3, 7] {
        all.push(own(&format!("cut-{size}"), "open", TEXT, text).cut(size));
        all.push(
            own(&format!("cut-json-{size}"), "open", JSON, |who| {
                format!(
                    "{{\"a\":\"{}\"}}",
                    each(who.email, |n| format!("\\u{n:04x}"))
                )
            })
            .cut(size),
        );
        all.push(own(&format!("cut-records-{size}"), "orders", JSON, order).cut(size));
    }
    for (name, said, done) in [
        ("gzip", "gzip", &["gzip"][..]),
        ("x-gzip", "x-gzip", &["gzip"]),
        ("deflate", "deflate", &["deflate"]),
        ("deflate-raw", "deflate", &["raw"]),
        ("br", "br", &["br"]),
        ("zstd", "zstd", &["zstd"]),
        ("stacked", "gzip, br", &["gzip", "br"]),
        ("twice", "gzip, gzip", &["gzip", "gzip"]),
    ] {
        let said = format!("text/plain\r\ncontent-encoding: {said}");
        let case = own(&format!("coded-{name}"), "open", &said, text).coded(done);
        all.push(case.cut(5));
    }
    // Lies about the coding: the twin tells the truth.
    for (name, said, done) in [
        ("unsaid-gzip", "", &["gzip"][..]),
        ("unsaid-zstd", "", &["zstd"]),
        ("other", "br", &["gzip"]),
        ("once-more", "gzip", &["gzip", "gzip"]),
        ("unknown", "compress", &["gzip"]),
        ("doubled", "gzip\r\ncontent-encoding: identity", &["gzip"]),
    ] {
        let mut case = own(&format!("lied-{name}"), "open", "text/plain", text).coded(done);
        if !said.is_empty() {
            case.hostile.head += &format!("content-encoding: {said}\r\n");
        }
        case.twin = own("", "open", "text/plain\r\ncontent-encoding: gzip", text)
            .coded(&["gzip"])
            .twin;
        all.push(case);
    }
}
