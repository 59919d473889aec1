//! Texts with comments and sections between them.

use super::{cut, fixture, own};

#[test]
fn reads_texts_with_comments_between_them_as_one() {
    for (body, expected) in [
        (
            "<p>ann@<!-- -->shop.example</p>",
            "<p>ann@<!-- -->shop.example</p>",
        ),
        (
            "<p>a bob@<!-- -->shop.example b</p>",
            "<p>a [redacted:email] b</p>",
        ),
        (
            "<p>bob&#64;<!-- x --><!-- y -->shop.example bob@shop.example<!-- z -->",
            "<p>[redacted:email] [redacted:email]<!-- z -->",
        ),
        (
            "<p>Hi<!-- -->, <!-- -->Bob<!-- --> &amp; Sons</p>",
            "<p>Hi<!-- -->, <!-- -->[redacted:quoted]</p>",
        ),
        (
            "<svg><text>bob@<![CDATA[shop.example <b>]]> c</text></svg>",
            "<svg><text>[redacted:email]<![CDATA[ <b>]]> c</text></svg>",
        ),
        (
            "<svg><text><![CDATA[<b> bob@]]>shop.example c</text></svg>",
            "<svg><text><![CDATA[<b> [redacted:email]]]> c</text></svg>",
        ),
        (
            "<p>bob@<b></b>shop.example</p>",
            "<p>bob@<b></b>shop.example</p>",
        ),
        (
            "<p>bob@<!-- cy@shop.example -->shop.example</p>",
            "<p>[redacted:email]</p>",
        ),
        (
            "<p>bob@<!-- -->shop.example<!-- cy@shop.example --></p>",
            "<p>[redacted:email]<!-- [redacted:email] --></p>",
        ),
    ] {
        assert_eq!(cut(fixture(None), body).as_deref(), Ok(expected), "{body}");
    }
    let foreign = "<p class=order data-c=u-bob>x</p>";
    let own_one = "<p class=order data-c=u-ann>bob@<!-- -->shop.example</p>";
    assert_eq!(
        own(&format!(
            "bob@<!-- <p class=order> -->shop.example{foreign}y{own_one}"
        ))
        .as_deref(),
        Ok("[redacted:email]y<p class=order data-c=u-ann>[redacted:email]</p>")
    );
}
