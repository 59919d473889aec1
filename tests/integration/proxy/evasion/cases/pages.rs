//! Records in pages.

use super::{ALICE, Case, HTML, Who, own, pair};

pub(super) fn all(all: &mut Vec<Case>) {
    let item = |who: Who| {
        format!(
            "<ul><li class=\"order\" data-owner=\"{}\">{}</li></ul>",
            who.owner, who.note
        )
    };
    all.push(own("page", "page", HTML, item));
    all.push(own("page-upper", "page", HTML, |who| {
        format!(
            "<UL><LI CLASS='order' DATA-OWNER='{}'>{}</LI></UL>",
            who.owner, who.note
        )
    }));
    all.push(own("page-unquoted", "page", HTML, |who| {
        format!(
            "<ul><li class=order data-owner={}>{}</li></ul>",
            who.owner, who.note
        )
    }));
    for (name, body) in [
        (
            "twice",
            "<p class=order data-owner=alice data-owner=bob>zq7-secret</p>",
        ),
        (
            "inside",
            "<div class=order data-owner=alice><p class=order data-owner=bob>zq7-secret</p></div>",
        ),
        ("unended", "<div class=order data-owner=bob>zq7-secret"),
        (
            "disordered",
            "<div class=order data-owner=bob><b></div>zq7-secret</b>",
        ),
        (
            "plaintext",
            "<plaintext><p class=order data-owner=bob>zq7-secret</p>",
        ),
        ("none", "<p>zq7-secret</p>"),
        (
            "comment",
            "<!-- <p class=order data-owner=bob>zq7-secret</p> -->",
        ),
        (
            "noscript",
            "<noscript><p class=order data-owner=bob>zq7-secret</p></noscript>",
        ),
        (
            "srcdoc",
            "<iframe srcdoc=\"<p class=order data-owner=bob>zq7-secret</p>\"></iframe>",
        ),
        (
            "entity-class",
            "<p class=\"&#111;rder\" data-owner=bob>zq7-secret</p>",
        ),
        ("no-owner", "<p class=order>zq7-secret</p>"),
        (
            "tag-cut",
            "<p class=order data-owner=bob title=\"zq7-secret",
        ),
    ] {
        all.push(pair(
            &format!("page-{name}"),
            "page",
            (HTML, body),
            (HTML, item(ALICE)),
        ));
    }
}
