//! Charsets, types and parts.

use super::{BOB, Case, TEXT, own, pair, utf16};

pub(super) fn all(all: &mut Vec<Case>) {
    let text = format!("write to {}", BOB.email);
    let fine = (TEXT, "write to alice@shop.example");
    for (name, big, mark, kind) in [
        ("utf16le-bom", false, true, "text/plain"),
        ("utf16be-bom", true, true, "text/plain"),
        ("utf16le-said", false, false, "text/plain; charset=utf-16le"),
        ("utf16be-said", true, false, "text/plain; charset=utf-16be"),
        ("utf16-lied", false, true, "text/plain; charset=utf-8"),
        ("utf16-unsaid", false, false, "text/plain"),
    ] {
        all.push(pair(name, "open", (kind, utf16(&text, big, mark)), fine));
    }
    for (name, kind) in [
        ("latin1", "text/plain; charset=iso-8859-1"),
        ("utf7", "text/plain; charset=utf-7"),
        ("ibm", "text/plain; charset=ibm037"),
        ("unknown", "text/plain; charset=x-user-defined"),
        ("two-charsets", "text/plain; charset=utf-8; charset=utf-16"),
        ("image", "image/png"),
        ("pdf", "application/pdf"),
        ("binary", "application/octet-stream"),
        ("slashless", "text"),
        ("byteranges", "multipart/byteranges; boundary=b"),
        ("push", "multipart/x-mixed-replace; boundary=b"),
        ("grpc", "application/grpc"),
        ("message", "message/rfc822"),
    ] {
        all.push(pair(&format!("type-{name}"), "open", (kind, &text), fine));
    }
    all.push(own("mixed", "open", "multipart/mixed; boundary=b", |who| {
        format!(
            "--b\r\ncontent-type: text/plain\r\n\r\n{}\r\n--b--\r\n",
            who.email
        )
    }));
    all.push(own(
        "mixed-field",
        "open",
        "multipart/mixed; boundary=b",
        |who| {
            format!(
                "--b\r\ncontent-type: text/plain\r\nx-a: {}\r\n\r\nok\r\n--b--\r\n",
                who.email
            )
        },
    ));
}
