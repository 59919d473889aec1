//! What a body is, as its `Content-Type` says: one reading, or none.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use mime::Mime;

use crate::filter::charset::{DocumentType, Label};
use crate::policy::treatment::Kind;

/// What a message's `Content-Type` says about its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Media {
    /// There is none.
    Absent,
    /// It can be read in two ways, or not at all, or its charset is not UTF-8.
    Unclear,
    /// A type that can be scanned.
    Known(Kind),
    /// Any other type.
    Other,
}

impl Media {
    /// Reads the `Content-Type` fields of a message.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(CONTENT_TYPE).iter();
        match (values.next(), values.next()) {
            (None, _) => Self::Absent,
            (Some(value), None) => value.to_str().map_or(Self::Unclear, Self::named),
            (Some(_), Some(_)) => Self::Unclear,
        }
    }

    /// Reads one media type.
    #[must_use]
    pub fn named(text: &str) -> Self {
        match Typed::named(text) {
            None => Self::Unclear,
            Some(Typed { kind: None, .. }) => Self::Other,
            Some(Typed {
                kind: Some(kind),
                label: Some(Label::Unsaid | Label::Utf8 | Label::Ascii),
                ..
            }) => Self::Known(kind),
            Some(_) => Self::Unclear,
        }
    }
}

/// What one `Content-Type` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Typed {
    /// How the body can be scanned, if it can.
    pub(super) kind: Option<Kind>,
    /// What it says about the charset; none where that can't be read in one way.
    pub(super) label: Option<Label>,
    /// How it says its own charset.
    pub(super) document: DocumentType,
}

impl Typed {
    /// A body without a type.
    pub(super) const UNTYPED: Self = Self {
        kind: None,
        label: Some(Label::Unsaid),
        document: DocumentType::Other,
    };

    /// Reads one media type; none where it can be read in two ways.
    fn named(text: &str) -> Option<Self> {
        let media: Mime = text.trim().parse().ok()?;
        let mut charsets = media.params().filter(|(name, _)| *name == mime::CHARSET);
        let charset = charsets.next();
        // Another one may hide in a value: some look for the word alone.
        let words = text.to_ascii_lowercase().matches("charset").count();
        let is_single = charsets.next().is_none() && words == usize::from(charset.is_some());
        let label = match charset {
            _ if !is_single => None,
            None => Some(Label::Unsaid),
            Some((_, label)) => Label::named(label.as_str()),
        };
        let is_xml = media.subtype() == mime::XML
            || media.suffix() == Some(mime::XML)
            || media.subtype() == "xml-dtd";
        let document = if is_xml {
            DocumentType::Xml
        } else if media.subtype() == mime::CSS {
            DocumentType::Css
        } else {
            DocumentType::Other
        };
        Some(Self {
            kind: kind(&media),
            label,
            document,
        })
    }

    /// Reads the `Content-Type` of an answer; none where it can be read in two ways.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(CONTENT_TYPE).iter();
        match (values.next(), values.next()) {
            (None, _) => Some(Self::UNTYPED),
            (Some(value), None) => Self::named(value.to_str().ok()?),
            (Some(_), Some(_)) => None,
        }
    }
}

/// The boundary of a multipart message (RFC 2046 section 5.1.1); none where there is not exactly one.
pub(super) fn boundary(headers: &HeaderMap) -> Option<String> {
    let media: Mime = headers.get(CONTENT_TYPE)?.to_str().ok()?.parse().ok()?;
    let mut boundaries = media.params().filter(|(name, _)| *name == mime::BOUNDARY);
    let (Some((_, boundary)), None) = (boundaries.next(), boundaries.next()) else {
        return None;
    };
    let boundary = boundary.as_str();
    let is_fit = |letter: char| letter.is_ascii_alphanumeric() || "'()+_,-./:=? ".contains(letter);
    let fits = (1..=70).contains(&boundary.len())
        && boundary.chars().all(is_fit)
        && !boundary.ends_with(' ');
    fits.then(|| boundary.to_owned())
}

/// The type that a message declares, in lower case and without parameters; none unless there is exactly one reading.
/// A comma makes a list of the field, of which clients take the last type, a quoted one included.
pub(super) fn essence(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let text = value.to_str().ok().filter(|text| !text.contains(','))?;
    let media: Mime = text.trim().parse().ok()?;
    Some(media.essence_str().to_ascii_lowercase())
}

fn kind(media: &Mime) -> Option<Kind> {
    let subtype = media.subtype().as_str();
    if media.type_() == mime::MULTIPART {
        return (subtype != "byteranges").then_some(Kind::Multipart);
    }
    let suffix = media.suffix().map(|suffix| suffix.as_str());
    if matches!(subtype, "json" | "x-json") || suffix == Some("json") {
        return Some(Kind::Json);
    }
    // Before `text/*`: these are records, whatever tree they are registered in.
    if matches!(
        subtype,
        "json-lines" | "jsonl" | "jsonlines" | "ndjson" | "x-jsonl" | "x-jsonlines" | "x-ndjson"
    ) {
        return Some(Kind::Ndjson);
    }
    if subtype == "json-seq" || suffix == Some("json-seq") {
        return Some(Kind::JsonSequence);
    }
    if subtype == "event-stream" {
        return Some(Kind::Events);
    }
    if subtype == "html" {
        return Some(Kind::Html);
    }
    if matches!(subtype, "csv" | "x-csv" | "comma-separated-values") {
        return Some(Kind::Csv);
    }
    if matches!(subtype, "tab-separated-values" | "tsv") {
        return Some(Kind::Tsv);
    }
    if matches!(
        subtype,
        "xml" | "xml-dtd" | "xsl" | "xml-external-parsed-entity"
    ) || suffix == Some("xml")
    {
        return Some(Kind::Xml);
    }
    if subtype == "css" {
        return Some(Kind::Style);
    }
    // All that browsers run (WHATWG MIME Sniffing section 4.6), and languages with the same escapes.
    let is_script = subtype.starts_with("javascript1.")
        || matches!(
            subtype,
            "ecmascript"
                | "graphql"
                | "javascript"
                | "jscript"
                | "livescript"
                | "toml"
                | "typescript"
                | "x-ecmascript"
                | "x-javascript"
                | "x-yaml"
                | "yaml"
        );
    let is_text = media.type_() == mime::TEXT;
    if is_text
        && matches!(
            subtype,
            "calendar" | "directory" | "vcard" | "x-vcalendar" | "x-vcard"
        )
    {
        return Some(Kind::Folded);
    }
    // Its words are written in numbers, and its pictures hold files.
    if subtype == "rtf" {
        return None;
    }
    if is_script && (is_text || media.type_() == mime::APPLICATION) || suffix == Some("yaml") {
        return Some(Kind::Script);
    }
    if is_text {
        return Some(Kind::Text);
    }
    if media.type_() != mime::APPLICATION {
        return None;
    }
    match subtype {
        "x-www-form-urlencoded" => Some(Kind::Form),
        "sql" | "x-sh" => Some(Kind::Text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Media;
    use crate::policy::treatment::Kind;

    #[test]
    fn reads_one_type() {
        for (text, media) in [
            ("application/json", Media::Known(Kind::Json)),
            (
                "Application/Problem+JSON; charset=UTF-8",
                Media::Known(Kind::Json),
            ),
            ("text/json", Media::Known(Kind::Json)),
            ("text/x-json", Media::Known(Kind::Json)),
            ("application/x-json", Media::Known(Kind::Json)),
            ("text/x-ndjson", Media::Known(Kind::Ndjson)),
            ("application/x-ndjson", Media::Known(Kind::Ndjson)),
            ("application/jsonl", Media::Known(Kind::Ndjson)),
            ("text/html; charset=\"utf-8\"", Media::Known(Kind::Html)),
            ("text/csv; header=present", Media::Known(Kind::Csv)),
            ("application/csv", Media::Known(Kind::Csv)),
            ("text/tab-separated-values", Media::Known(Kind::Tsv)),
            ("text/event-stream", Media::Known(Kind::Events)),
            ("image/svg+xml", Media::Known(Kind::Xml)),
            ("text/xml", Media::Known(Kind::Xml)),
            ("application/atom+xml", Media::Known(Kind::Xml)),
            ("application/javascript", Media::Known(Kind::Script)),
            ("text/javascript1.5", Media::Known(Kind::Script)),
            ("text/yaml", Media::Known(Kind::Script)),
            ("text/css", Media::Known(Kind::Style)),
            ("text/calendar; method=REQUEST", Media::Known(Kind::Folded)),
            ("text/vcard", Media::Known(Kind::Folded)),
            ("text/rtf", Media::Other),
            ("application/sql", Media::Known(Kind::Text)),
            (
                "application/x-www-form-urlencoded",
                Media::Known(Kind::Form),
            ),
            ("image/png", Media::Other),
            ("application/json-seq", Media::Known(Kind::JsonSequence)),
            ("application/geo+json-seq", Media::Known(Kind::JsonSequence)),
            ("multipart/byteranges; boundary=x", Media::Other),
            (
                "multipart/form-data; boundary=x",
                Media::Known(Kind::Multipart),
            ),
        ] {
            assert_eq!(Media::named(text), media, "{text}");
        }
    }

    #[test]
    fn names_one_type_or_none() {
        for (texts, essence) in [
            (&["Image/PNG; x=1"][..], Some("image/png")),
            (&["application/vnd.x+zip"], Some("application/vnd.x+zip")),
            (&["image/png, text/html"], None),
            (&["image/png;x=1,text/html"], None),
            (&["image/png;x=\"a, text/html\""], None),
            (&["image/png", "text/html"], None),
            (&["image/*"], Some("image/*")),
            (&["image"], None),
            (&[], None),
        ] {
            let mut headers = http::HeaderMap::new();
            for text in texts {
                headers.append("content-type", text.parse().unwrap());
            }
            assert_eq!(super::essence(&headers).as_deref(), essence, "{texts:?}");
        }
    }

    #[test]
    fn refuses_two_readings() {
        for text in [
            "",
            "json",
            "application/json, text/html",
            "text/plain; charset=utf-16",
            "text/plain; charset=utf-8; charset=utf-7",
            "application/json; charset=iso-8859-1",
        ] {
            assert_eq!(Media::named(text), Media::Unclear, "{text}");
        }
        let mut headers = http::HeaderMap::new();
        for value in ["text/plain", "text/plain"] {
            headers.append("content-type", value.parse().unwrap());
        }
        assert_eq!(Media::of(&headers), Media::Unclear);
    }
}
