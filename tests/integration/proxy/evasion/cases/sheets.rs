//! Escapes of style sheets, in files, `<style>` and `style` attributes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Case, HTML, Who, Write, each, own};

pub(super) fn all(all: &mut Vec<Case>) {
    let ways: [(&str, Write); 5] = [
        ("plain", |text| text.to_owned()),
        ("spaced", |text| each(text, |n| format!("\\{n:x} "))),
        ("six", |text| each(text, |n| format!("\\{n:06x}"))),
        ("continued", |text| text.replace('@', "\\\n@")),
        ("letter", |text| {
            text.replace('@', "\\@").replace("shop", "\\shop")
        }),
    ];
    for (name, write) in ways {
        for (place, kind, before, after) in [
            ("css", "text/css", "a:after{content:\"", "\"}"),
            ("css-comment", "text/css", "/* ", " */"),
            ("style", HTML, "<style>a:after{content:'", "'}</style>"),
            ("style-attribute", HTML, "<p style=\"content:'", "'\">x</p>"),
        ] {
            let case = |who: Who| format!("{before}{}{after}", write(who.email));
            all.push(own(&format!("{place}-{name}"), "open", kind, case));
        }
    }
    for (name, write) in [
        ("percent", (|text| text.replace('@', "%40")) as Write),
        ("base64", |text| {
            format!(";base64,{}", STANDARD.encode(text))
        }),
    ] {
        let address = |who: Who| {
            let mail = write(who.email);
            let comma = if mail.starts_with(';') { "" } else { "," };
            format!("a{{b:url(data:text/plain{comma}{mail})}}")
        };
        all.push(own(&format!("css-url-{name}"), "open", "text/css", address));
        all.push(own(&format!("style-url-{name}"), "open", HTML, |who| {
            format!("<style>{}</style>", address(who))
        }));
    }
}
