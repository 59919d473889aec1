//! The request target, normalised once: what policy judges, the log names and the app receives.

use std::fmt;

use percent_encoding::percent_decode_str;

/// A request's path and query in the one form that everything behind the listener sees.
///
/// Ambiguous forms are refused, not repaired, so the raw text is forwarded byte for byte
/// (RFC 3986 section 3.3, 3.4; RFC 9112 section 3.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    raw: Box<str>,
    path_end: usize,
    segments: Vec<Box<str>>,
    query: Parameters,
    /// The parameters of a reader that ends them at `;` too, where one stands in the query.
    split: Option<Parameters>,
}

type Parameters = Vec<(Box<str>, Box<str>)>;

/// Why a target has no single reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A control character, space, non-ASCII byte, backslash or fragment stands in it.
    #[error("a character that no request target may hold")]
    Character,
    /// A segment of nothing but dots (and spaces behind them), encoded or not.
    #[error("a dot segment")]
    DotSegment,
    /// Two slashes stand side by side.
    #[error("an empty path segment")]
    EmptySegment,
    /// A `%` without two hexadecimal digits, or (in the path) an encoded slash, backslash, percent sign, `;`
    /// or control character.
    #[error("an escape that apps read in different ways")]
    Escape,
    /// It does not begin with a slash.
    #[error("not in origin form")]
    Form,
    /// A `;` parameter stands in the path.
    #[error("a path parameter")]
    Parameter,
    /// A decoded segment or query part is not UTF-8.
    #[error("not UTF-8 when decoded")]
    Utf8,
}

impl Target {
    /// Reads a target in origin form (`/path?query`).
    ///
    /// # Errors
    /// Refuses every form that two readers may understand in two ways.
    pub fn parse(raw: &str) -> Result<Self, TargetError> {
        if !raw.starts_with('/') {
            return Err(TargetError::Form);
        }
        let allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#');
        if !raw.bytes().all(allowed) {
            return Err(TargetError::Character);
        }
        let (path, query) = raw.split_once('?').unwrap_or((raw, ""));
        let mut segments = Vec::new();
        let mut parts = path.split('/').skip(1).peekable();
        while let Some(part) = parts.next() {
            let is_last = parts.peek().is_none();
            if part.is_empty() && !is_last {
                return Err(TargetError::EmptySegment);
            }
            if part.contains(';') {
                return Err(TargetError::Parameter);
            }
            let text = decode(part)?;
            if text.contains(['/', '\\', '%', ';']) || text.chars().any(char::is_control) {
                return Err(TargetError::Escape);
            }
            // File systems cut dots and spaces at the end off: nothing is left of such a segment.
            if text.starts_with('.') && text.trim_end_matches(['.', ' ']).is_empty() {
                return Err(TargetError::DotSegment);
            }
            segments.push(text.into());
        }
        let split = query
            .contains(';')
            .then(|| parameters(query, &['&', ';']))
            .transpose()?;
        let query = parameters(query, &['&'])?;
        Ok(Self {
            path_end: path.len(),
            raw: raw.into(),
            segments,
            query,
            split,
        })
    }

    /// The whole target, byte for byte as it came and as it is forwarded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// The path alone, byte for byte.
    #[must_use]
    pub fn path(&self) -> &str {
        self.raw.get(..self.path_end).unwrap_or(&self.raw)
    }

    /// The path with its percent-escapes undone: no segment holds a slash, so it has one reading.
    #[must_use]
    pub fn decoded_path(&self) -> String {
        let segments = self.segments.iter();
        segments.fold(String::new(), |path, segment| path + "/" + segment)
    }

    /// The decoded path segments; a trailing slash gives an empty last one, `/` gives one empty segment.
    #[must_use]
    pub fn segments(&self) -> &[Box<str>] {
        &self.segments
    }

    /// The decoded query parameters in order (`application/x-www-form-urlencoded`), repeated names kept.
    #[must_use]
    pub fn query(&self) -> &[(Box<str>, Box<str>)] {
        &self.query
    }

    /// The decoded query parameters as apps read them that end a parameter at `;`, too.
    #[must_use]
    pub fn split_query(&self) -> &[(Box<str>, Box<str>)] {
        self.split.as_ref().unwrap_or(&self.query)
    }

    /// The query as it came, without its question mark; empty where there is none.
    #[must_use]
    pub fn raw_query(&self) -> &str {
        self.raw.get(self.path_end + 1..).unwrap_or_default()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

fn parameters(query: &str, ends: &[char]) -> Result<Parameters, TargetError> {
    query
        .split(ends)
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((form_decode(name)?, form_decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Result<String, TargetError> {
    let mut rest = text;
    while let Some((_, escape)) = rest.split_once('%') {
        let digits = escape.as_bytes().get(..2).ok_or(TargetError::Escape)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(TargetError::Escape);
        }
        rest = escape;
    }
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded.map_err(|_| TargetError::Utf8)?.into_owned())
}

fn form_decode(text: &str) -> Result<Box<str>, TargetError> {
    let text = decode(&text.replace('+', " "))?;
    if text.contains('\0') {
        return Err(TargetError::Escape);
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::{Target, TargetError};

    #[test]
    fn reads_segments_and_query() {
        let target = Target::parse("/api/us%C3%A9r/1?q=a+b&q=%26&flag").unwrap();
        assert_eq!(target.as_str(), "/api/us%C3%A9r/1?q=a+b&q=%26&flag");
        assert_eq!(target.path(), "/api/us%C3%A9r/1");
        assert_eq!(target.decoded_path(), "/api/usér/1");
        for path in ["/", "/a", "/a/", "/a/b"] {
            assert_eq!(Target::parse(path).unwrap().decoded_path(), path);
        }
        let segments: Vec<&str> = target.segments().iter().map(AsRef::as_ref).collect();
        assert_eq!(segments, ["api", "usér", "1"]);
        let query: Vec<(&str, &str)> = target
            .query()
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
            .collect();
        assert_eq!(query, [("q", "a b"), ("q", "&"), ("flag", "")]);
    }

    #[test]
    fn refuses_what_two_readers_may_read_in_two_ways() {
        for (raw, error) in [
            ("*", TargetError::Form),
            ("http://a/b", TargetError::Form),
            ("/a//b", TargetError::EmptySegment),
            ("//a", TargetError::EmptySegment),
            ("/a/../b", TargetError::DotSegment),
            ("/a/%2e%2E/b", TargetError::DotSegment),
            ("/a/.", TargetError::DotSegment),
            ("/a/..", TargetError::DotSegment),
            ("/a/...", TargetError::DotSegment),
            ("/a/.%2e", TargetError::DotSegment),
            ("/a/..%20/b", TargetError::DotSegment),
            ("/a/%2e%20.", TargetError::DotSegment),
            ("/a%u002e", TargetError::Escape),
            ("/a%7f", TargetError::Escape),
            ("/a%c2%85", TargetError::Escape),
            ("/%c0%ae%c0%ae/b", TargetError::Utf8),
            ("/%e0%80%af", TargetError::Utf8),
            ("/%ed%a0%80", TargetError::Utf8),
            ("/a\t", TargetError::Character),
            ("/a\0", TargetError::Character),
            ("", TargetError::Form),
            ("a", TargetError::Form),
            ("?a", TargetError::Form),
            ("/a%2fb", TargetError::Escape),
            ("/a%5Cb", TargetError::Escape),
            ("/a%252fb", TargetError::Escape),
            ("/a%00", TargetError::Escape),
            ("/a%0a", TargetError::Escape),
            ("/a%3bx", TargetError::Escape),
            ("/a%", TargetError::Escape),
            ("/a%2", TargetError::Escape),
            ("/a%zz", TargetError::Escape),
            ("/a;b=c", TargetError::Parameter),
            ("/a\\b", TargetError::Character),
            ("/a b", TargetError::Character),
            ("/a#b", TargetError::Character),
            ("/é", TargetError::Character),
            ("/%ff", TargetError::Utf8),
            ("/?q=%ff", TargetError::Utf8),
            ("/?q=%", TargetError::Escape),
            ("/?q=%00", TargetError::Escape),
        ] {
            assert_eq!(Target::parse(raw), Err(error), "{raw}");
        }
    }

    #[test]
    fn leaves_plain_names_alone() {
        for raw in [
            "/.well-known/x",
            "/a.",
            "/..a",
            "/a/..a/b",
            "/.%20x",
            "/a%20",
            "/~a",
            "/a?b=..%2F;%3F%23%25",
        ] {
            let target = Target::parse(raw).unwrap();
            assert_eq!(target.as_str(), raw);
        }
    }

    #[test]
    fn reads_semicolons_both_ways() {
        let target = Target::parse("/a?b=1;c=2&d=%3B").unwrap();
        let read = |query: &[(Box<str>, Box<str>)]| {
            let pairs = query.iter().map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>()
        };
        assert_eq!(read(target.query()), ["b=1;c=2", "d=;"]);
        assert_eq!(read(target.split_query()), ["b=1", "c=2", "d=;"]);
        assert_eq!(target.raw_query(), "b=1;c=2&d=%3B");
        assert_eq!(Target::parse("/a").unwrap().raw_query(), "");
    }

    /// Pieces that paths are put together from, so that most tries come near the borders.
    fn pieces() -> impl proptest::strategy::Strategy<Value = String> {
        let piece = proptest::sample::select(vec![
            "/", "a", "b.c", ".", "..", "%2e", "%2F", "%5c", "%25", "%41", "%c3%a9", "%ff", "%00",
            "%3b", "%3f", "%23", ";", "//", "\\", "?", "&", "=", "+", "%20", " ", "#", "%", "%u",
            "é", "~",
        ]);
        proptest::strategy::Strategy::prop_map(proptest::collection::vec(piece, 0..12), |pieces| {
            pieces.concat()
        })
    }

    proptest::proptest! {
        #[test]
        fn normal_forms_are_their_own_normal_form(raw in pieces()) {
            let raw = format!("/{raw}");
            if let Ok(target) = Target::parse(&raw) {
                // What is judged is what is forwarded, and reading it once more says the same.
                proptest::prop_assert_eq!(target.as_str(), &raw);
                proptest::prop_assert_eq!(&Target::parse(target.as_str()).unwrap(), &target);
                // The path has one reading: encoding what was read leads back to it.
                let path: String = target
                    .segments()
                    .iter()
                    .map(|segment| {
                        let all = percent_encoding::NON_ALPHANUMERIC;
                        format!("/{}", percent_encoding::utf8_percent_encode(segment, all))
                    })
                    .collect();
                let again = Target::parse(&path).unwrap();
                proptest::prop_assert_eq!(again.segments(), target.segments());
                for segment in target.segments() {
                    proptest::prop_assert!(!segment.contains(['/', '\\', '%', ';', '\0']));
                    proptest::prop_assert!(&**segment != "." && &**segment != "..");
                }
            }
        }
    }
}
