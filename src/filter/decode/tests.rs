//! What escapes stand for, at every cut, and the way back.

use super::{Coding, Layers, View, decoded, layer};

fn read(raw: &str, coding: Coding) -> String {
    String::from_utf8_lossy(&decoded(raw.as_bytes(), coding)).into_owned()
}

#[test]
fn reads_references_as_browsers_do() {
    for (raw, text, attribute) in [
        ("a&amp;b", "a&b", "a&b"),
        ("a&#64;b&#x40;c&#X40", "a@b@c@", "a@b@c@"),
        ("a&#0000064;b&#64b", "a@b@b", "a@b@b"),
        ("a&commat;b", "a@b", "a@b"),
        ("a&ampb", "a&b", "a&ampb"),
        ("?a&copy=1", "?a\u{a9}=1", "?a&copy=1"),
        ("a&copy", "a\u{a9}", "a\u{a9}"),
        (
            "a&b & c &; &#; &#x;",
            "a&b & c &; &#; &#x;",
            "a&b & c &; &#; &#x;",
        ),
        (
            "&#128;&#x110000;&#0;",
            "\u{20ac}\u{fffd}\u{fffd}",
            "\u{20ac}\u{fffd}\u{fffd}",
        ),
    ] {
        assert_eq!(read(raw, Coding::Reference), text, "{raw}");
        assert_eq!(read(raw, Coding::Attribute), attribute, "{raw}");
    }
}

#[test]
fn reads_the_escapes_of_scripts() {
    for (raw, text) in [
        (r"a\x40b\u0040c\u{40}d\100e\u{0000000040}", "a@b@c@d@e@"),
        (r"\ud83d\ude00 \ud83d", "\u{1f600} \u{fffd}"),
        (r#"\"\/\\\n\u{zz}\xg"#, "\"/\\\nu{zz}xg"),
        (r"\477\0\08", "'7\0\08"),
        ("a\\\nb\\\r\nc\\\u{2028}d\\\u{e9}", "abcd\u{e9}"),
        ("\\", "\\"),
        ("\\u00", "u00"),
    ] {
        assert_eq!(read(raw, Coding::Script), text, "{raw}");
    }
}

#[test]
fn reads_the_escapes_of_style_sheets() {
    for (raw, text) in [
        (r"a\40 b\000040b\40b", "a@b@b\u{40b}"),
        ("a\\\nb\\\"\\g\\40\r\nc", "ab\"g@c"),
        ("\\0 \\110000 \\", "\u{1}\u{fffd}\\"),
    ] {
        assert_eq!(read(raw, Coding::Style), text, "{raw}");
    }
}

#[test]
fn reads_percent_encoding_and_base64() {
    assert_eq!(read("a%40b%4x%4%", Coding::Percent), "a@b%4x%4%");
    for (raw, text) in [
        ("data:;base64,YUBi\"YUBi", "data:;base64,a@b\"YUBi"),
        ("x; BASE64 ,YU Bi\nYQ== b", "x; BASE64 ,a@ba b"),
        (";base64,Y;base64,YUBi", ";base64,Y;base64,a@b"),
        (";base64,\" + x", ";base64,\" + x"),
        (";base6;base64,YUBiYUI", ";base6;base64,a@baB"),
    ] {
        assert_eq!(read(raw, Coding::Base64), text, "{raw}");
    }
}

#[test]
fn reads_xml_as_it_is_put_together() {
    for (raw, text) in [
        ("<a>&#64;&lt;<b/></a>", "<a>@<<b/></a>"),
        ("a<![CDATA[&#64;]]]>b", "a&#64;]b"),
        ("a<!-- x > -- -->b<?p q?>c", "abc"),
        (
            "<!DOCTYPE a SYSTEM \"b\"><a>&amp;</a>",
            "<!DOCTYPE a SYSTEM \"b\"><a>&</a>",
        ),
    ] {
        assert_eq!(read(raw, Coding::Xml), text, "{raw}");
    }
}

#[test]
fn leaves_out_what_nobody_sees_and_what_goes_on() {
    for (raw, text) in [
        (
            "b\u{ad}o\u{200b}b\u{2060}\u{feff}\u{34f}\u{fe0f}\u{e0041}x",
            "bobx",
        ),
        (
            "\u{c9}\u{2019}\u{2028}\u{3b1}\u{5d0}",
            "\u{c9}\u{2019}\u{2028}\u{3b1}\u{5d0}",
        ),
    ] {
        assert_eq!(read(raw, Coding::Unseen), text, "{raw:?}");
    }
    assert_eq!(read("a\tb\r\nc d", Coding::Break), "abc d");
    assert_eq!(
        read("a\r\n b\n\tc\n d\r\ne\r f\n", Coding::Fold),
        "abcd\r\nef\n"
    );
    assert_eq!(read(r"\U00000040\U0000004", Coding::Script), "@U0000004");
}

/// What a text becomes in pieces, and where each byte of it began.
fn traced(raw: &[u8], coding: Coding, size: usize) -> (Vec<u8>, Vec<u64>) {
    let mut layers = Layers::new(&[layer(coding, 0)]);
    let mut end = 0;
    while end < raw.len() {
        end = (end + size).min(raw.len());
        let text = &raw[..end];
        layers
            .write(View { base: 0, text }, end == raw.len())
            .unwrap();
    }
    let view = layers.text(1).unwrap();
    let starts = (0..view.text.len() as u64).map(|at| layers.raw_start(1, at));
    (view.text.to_vec(), starts.collect())
}

#[test]
fn reads_the_same_at_every_cut() {
    for (coding, raw) in [
        (Coding::Reference, "x &#64; y&amp;z&#x0040&copy&co &"),
        (Coding::Attribute, "x &#64; y&ampz&copy=&copy;&amp"),
        (
            Coding::Unseen,
            "a\u{ad}\u{c9}\u{200b}\u{2019}\u{feff}\u{e0041}\u{3b1}\u{34f}b",
        ),
        (Coding::Break, "a\tb\r\nc"),
        (Coding::Fold, "a\r\n b\n\tc\r\r\nd\r e\n"),
        (
            Coding::Script,
            r"a\x40\u0040\u{40}\100\ud83d\ude00\ud83dx\ud83d\u0041\n\477\",
        ),
        (Coding::Script, "a\\\r\nb\\\rc\\\u{2029}d\\\u{20ac}e\\u{"),
        (Coding::Style, "a\\40 b\\40\r\nc\\000040d\\\r\ne\\"),
        (Coding::Percent, "a%40%4%%34%"),
        (
            Coding::Base64,
            ";;base64, YUBi YUBiYQ== YUBi;base64,YQ= =;base64,YQ=",
        ),
        (
            Coding::Xml,
            "<a><!-- x -- >--><![CDATA[&#64;]]]]>&#64;<?x ?? ?>b<!-<",
        ),
    ] {
        let whole = traced(raw.as_bytes(), coding, raw.len());
        for size in 1..raw.len() {
            assert_eq!(
                traced(raw.as_bytes(), coding, size),
                whole,
                "{raw} by {size}"
            );
        }
    }
}

#[test]
fn finds_the_way_back() {
    let (text, starts) = traced(b"x &#64; y&amp;z", Coding::Reference, 4);
    assert_eq!(text, b"x @ y&z");
    assert_eq!(starts, [0, 1, 2, 7, 8, 9, 14]);
}

#[test]
fn refuses_escapes_without_an_end() {
    for (coding, raw) in [
        (Coding::Reference, format!("&#x{}", "0".repeat(2000))),
        (Coding::Script, format!("\\u{{{}", "0".repeat(2000))),
    ] {
        let mut layers = Layers::new(&[layer(coding, 0)]);
        let text = raw.as_bytes();
        assert!(layers.write(View { base: 0, text }, false).is_err());
    }
    let mut layers = Layers::new(&[layer(Coding::Xml, 0)]);
    let text = b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>";
    assert!(layers.write(View { base: 0, text }, false).is_err());
}
