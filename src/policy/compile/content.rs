//! The `content` of a route: types that pass unscanned, as far as they can't be scanned.

use std::ops::Range;

use crate::policy::compile::Compiler;
use crate::policy::document::RouteForm;
use crate::policy::field::Field;
use crate::policy::treatment::MediaRange;

/// The top-level types of which all may be named at once: none of theirs is a program or a document.
const WHOLE: [&str; 4] = ["audio", "font", "image", "video"];

/// Types that browsers run, read as markup or take for several bodies, beside those of text: no `content` opens them.
const REFUSED: [&str; 21] = [
    "application/ecmascript",
    "application/graphql",
    "application/http",
    "application/json",
    "application/json-lines",
    "application/json-seq",
    "application/jsonl",
    "application/jsonlines",
    "application/ndjson",
    "application/signed-exchange",
    "application/sql",
    "application/toml",
    "application/x-ecmascript",
    "application/x-json",
    "application/x-jsonl",
    "application/x-jsonlines",
    "application/x-ndjson",
    "application/x-sh",
    "application/x-www-form-urlencoded",
    "application/x-yaml",
    "application/yaml",
];

/// Types of text that may be named beside `public`, for whoever reads the policy: they are scanned all the same.
const SCANNED: [&str; 3] = ["application/javascript", "text/css", "text/javascript"];

impl Compiler {
    /// The types that `content` of a route names.
    pub(super) fn content(&self, form: &RouteForm) -> Vec<MediaRange> {
        let Some((types, span)) = form.content.placed() else {
            return Vec::new();
        };
        if types.is_empty() {
            let remedy = "name at least one type, such as `image/*`, or take it out";
            self.sink.at(span, "an empty list of types", remedy);
        }
        if form.read_as.span().is_some() {
            let remedy = "`as` reads every answer of the route: keep one of the two";
            self.sink
                .at(&self.head(span), "`content` beside `as`", remedy);
        }
        let mut ranges: Vec<MediaRange> = Vec::new();
        for (text, span) in types.iter().filter_map(Field::placed) {
            let Some(range) = self.media_range(text, span) else {
                continue;
            };
            if form.public.is_absent() && SCANNED.contains(&&*range.to_string()) {
                let remedy = "text is scanned and passes on `public` routes: add `public` with the reason, or take it out";
                self.sink
                    .at(span, format!("`{range}` without `public`"), remedy);
            }
            if ranges.contains(&range) {
                let message = format!("`{range}` stands twice");
                self.sink.at(span, message, "keep one of the two");
                continue;
            }
            ranges.push(range);
        }
        ranges
    }

    fn media_range(&self, text: &str, span: &Range<usize>) -> Option<MediaRange> {
        let lower = text.to_ascii_lowercase();
        let parts = lower.split_once('/');
        let Some((top, sub)) =
            parts.filter(|(top, sub)| is_name(top) && (is_name(sub) || *sub == "*"))
        else {
            let remedy = "write a type without parameters (`application/pdf`), or `image/*`";
            self.sink.at(span, "not a media type", remedy);
            return None;
        };
        if sub == "*" && !WHOLE.contains(&top) {
            let remedy = "name each type; `*` stands for the rest of `audio`, `font`, `image` and `video` alone";
            let message = format!("`{lower}` would open types that hold text or run");
            self.sink.at(span, message, remedy);
            return None;
        }
        let is_text = top == "text" || is_markup(sub) || REFUSED.contains(&&*lower);
        let is_container = matches!(top, "message" | "multipart");
        if (is_text || is_container) && !SCANNED.contains(&&*lower) {
            let remedy = "nothing like it passes unscanned: cover it by a rule, `records` or `public`, that scans it";
            let message = format!("`{lower}` holds text or runs in the browser");
            self.sink.at(span, message, remedy);
            return None;
        }
        Some(MediaRange {
            top: top.into(),
            sub: (sub != "*").then(|| sub.into()),
        })
    }
}

/// JSON, XML and YAML in whatever tree, and XML's own types.
fn is_markup(sub: &str) -> bool {
    let suffix = sub.rsplit_once('+').map(|(_, suffix)| suffix);
    matches!(suffix, Some("json" | "json-seq" | "xml" | "yaml"))
        || matches!(
            sub,
            "json" | "xml" | "xml-dtd" | "xml-external-parsed-entity" | "x-javascript"
        )
}

/// RFC 6838 section 4.2: a restricted name.
fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
    text.len() <= 127
        && text.bytes().all(is_plain)
        && text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric())
}
