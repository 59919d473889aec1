//! Records in what is markup to some readers.

use super::{by_attribute, cut, fixture, own, run};
use crate::policy::treatment::{HtmlRule, Others};

#[test]
fn leaves_out_markup_that_only_some_readers_see() {
    let record = "<a class=order data-c=u-ann></a>";
    for (hidden, left) in [
        ("<!-- <p class=order>secret</p> -->", "<!---->"),
        (
            "<!--[if IE]><p class=order>secret</p><![endif]-->",
            "<!---->",
        ),
        (
            "<noscript><p class=order>secret</p></noscript>",
            "<noscript></noscript>",
        ),
        (
            "<noscript><p class=order title='</noscript><i>'></i>",
            "<noscript></noscript><i>'></i>",
        ),
        (
            "<iframe srcdoc='&lt;p class=order>secret'></iframe>",
            "<iframe srcdoc=''></iframe>",
        ),
        (
            "<iframe src='data:text/html,%3Cp class=order>secret'></iframe>",
            "<iframe src='data:,'></iframe>",
        ),
        (
            "<img srcset='/a 1x, data:image/svg+xml;base64,PHAgY2xhc3M9b3JkZXI+c2VjcmV0 2x'>",
            "<img srcset='data:,'>",
        ),
        (
            "<meta http-equiv=refresh content='0;url=data:text/html,<p class=order>secret'>",
            "<meta http-equiv=refresh content='data:,'>",
        ),
        (
            "<script>f(\"<p class=\\\"order\\\" data-c='u-bob'>secret\")</script>",
            "<script></script>",
        ),
        (
            "<script>a='<style>';b=\"<i title='\";f('<p class=order data-c=u-bob>secret')</script>",
            "<script></script>",
        ),
        (
            "<script>f('\\x3cp class=order data-c=u-bob>secret')</script>",
            "<script></script>",
        ),
        (
            "<script>f(`<p class=order data-c=\"${a}\">${b}</p><b data-c=u-bob>`)</script>",
            "<script>f(`<p class=order data-c=\"${a}\">${b}</p><b data-c=u-bob>`)</script>",
        ),
        // What can't be parsed may hold anything.
        ("<!-- <select><xmp><p>secret -->", "<!---->"),
        (
            "<noframes><p class=order>secret</noframes>",
            "<noframes></noframes>",
        ),
        (
            "<!-- a < b <p> --><noscript>a<p></noscript>",
            "<!-- a < b <p> --><noscript>a<p></noscript>",
        ),
    ] {
        let body = format!("{hidden}{record}");
        assert_eq!(own(&body), Ok(format!("{left}{record}")), "{hidden}");
        let plain = cut(fixture(None), &body);
        assert_eq!(plain, Ok(body));
    }
    // What the selector says about the elements around it can't be told.
    let rule = HtmlRule {
        records: "#orders .order".into(),
        is_optional: true,
        ..by_attribute(Others::Drop)
    };
    let plan = fixture(Some(rule)).plan();
    let (passed, report) = run(&plan, &[b"<!-- <b>x</b> -->"]).unwrap();
    assert_eq!((&*passed, report.counts()[0].count), ("<!---->", 1));
}
