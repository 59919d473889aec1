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
    query: Vec<(Box<str>, Box<str>)>,
}

/// Why a target has no single reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A control character, space, non-ASCII byte, backslash or fragment stands in it.
    #[error("a character that no request target may hold")]
    Character,
    /// `.` or `..` stands as a segment, encoded or not.
    #[error("a dot segment")]
    DotSegment,
    /// Two slashes stand side by side.
    #[error("an empty path segment")]
    EmptySegment,
    /// A `%` without two hexadecimal digits, or an encoded slash, backslash, percent sign or control character.
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
            if text == "." || text == ".." {
                return Err(TargetError::DotSegment);
            }
            segments.push(text.into());
        }
        let query = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Ok((form_decode(name)?, form_decode(value)?))
            })
            .collect::<Result<_, TargetError>>()?;
        Ok(Self {
            path_end: path.len(),
            raw: raw.into(),
            segments,
            query,
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
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
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
}
