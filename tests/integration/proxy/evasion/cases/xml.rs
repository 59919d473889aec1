//! Texts of XML: references, sections, comments, instructions, declared entities.

use super::{Case, Who, Write, each, own, pair};

const XML: &str = "application/xml";

pub(super) fn all(all: &mut Vec<Case>) {
    let ways: [(&str, Write); 7] = [
        ("plain", |text| text.to_owned()),
        ("decimal", |text| each(text, |n| format!("&#{n};"))),
        ("hex", |text| each(text, |n| format!("&#x{n:x};"))),
        ("padded", |text| each(text, |n| format!("&#x0000{n:X};"))),
        ("twice", |text| each(text, |n| format!("&amp;#{n};"))),
        ("section", |text| text.replace('@', "<![CDATA[@]]>")),
        ("comment", |text| text.replace('@', "@<!-- -->")),
    ];
    for (name, write) in ways {
        for (place, kind, before, after) in [
            ("xml", XML, "<?xml version=\"1.0\"?><a>", "</a>"),
            ("text-xml", "text/xml", "<a>\n", "\n</a>"),
            (
                "atom",
                "application/atom+xml",
                "<feed><title>",
                "</title></feed>",
            ),
            ("svg", "image/svg+xml", "<svg><text>", "</text></svg>"),
        ] {
            let case = |who: Who| format!("{before}{}{after}", write(who.email));
            all.push(own(&format!("{place}-is-{name}"), "open", kind, case));
        }
    }
    for (name, before, after) in [
        ("attribute", "<a b=\"", "\"/>"),
        ("comment", "<a/><!-- ", " -->"),
        ("instruction", "<?b ", "?><a/>"),
        ("cdata", "<a><![CDATA[", "]]></a>"),
        ("script", "<svg><script>a('", "')</script></svg>"),
    ] {
        let case = |who: Who| format!("{before}{}{after}", who.email.replace('@', "&#64;"));
        all.push(own(&format!("xml-in-{name}"), "open", XML, case));
    }
    all.push(own("svg-script", "open", "image/svg+xml", |who| {
        let mail = who.email.replace('@', "\\u0040");
        format!("<svg><script>a('{mail}')</script></svg>")
    }));
    all.push(own("svg-link", "open", "image/svg+xml", |who| {
        format!(
            "<svg><a href=\"/a?b={}\"/></svg>",
            who.email.replace('@', "%40")
        )
    }));
    for (name, body) in [
        (
            "entity",
            "<!DOCTYPE a [<!ENTITY b 'bob&#64;shop.example'>]><a>&b;</a>",
        ),
        (
            "entities",
            "<!DOCTYPE a [<!ENTITY b '@'>]><a>bob&b;shop.example bob&#64;shop.example</a>",
        ),
        (
            "entity-plain",
            "<!DOCTYPE a [\n<!ENTITY % b \"bob@shop.example\">%b;]><a/>",
        ),
    ] {
        let twin = "<!DOCTYPE a SYSTEM \"a.dtd\" [<!ELEMENT a ANY>]><a>&lt;&#228;</a>";
        all.push(pair(
            &format!("xml-{name}"),
            "open",
            (XML, body),
            (XML, twin),
        ));
    }
}
