//! The head of one part, read strictly: one name, in one spelling.

use super::malformed;
use crate::filter::media::Media;
use crate::types::{ReasonCode, Refusal};

/// What honest clients write (RFC 7578 section 4.8). Other fields are names to some readers, as `Content-ID` is.
const FIELDS: [&str; 4] = [
    "content-disposition",
    "content-type",
    "content-transfer-encoding",
    "content-length",
];

/// What the head of a part says.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::filter) struct Head {
    fields: Vec<(String, Vec<u8>)>,
    name: Option<String>,
    file: Option<String>,
}

impl Head {
    /// Reads a head that ends with its empty line.
    ///
    /// # Errors
    /// Refuses one that its readers may understand in two ways.
    pub(in crate::filter) fn read(head: &[u8]) -> Result<Self, Refusal> {
        let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
        let text = head.strip_suffix(b"\r\n").unwrap_or(head);
        let lines = text.strip_suffix(b"\r\n").unwrap_or(text);
        for line in split_lines(lines) {
            let (name, value) = read_field(line)?;
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(malformed("a field stands twice in the head of a part"));
            }
            if !FIELDS.contains(&&*name) {
                return Err(malformed(
                    "a field stands in the head of a part that no form needs",
                ));
            }
            // Some readers look for these anywhere in the head.
            let lower = value.to_ascii_lowercase();
            let holds = |word: &[u8]| memchr::memmem::find(&lower, word).is_some();
            if holds(b"content-disposition") || holds(b"content-id") {
                return Err(malformed("a field stands in a field of a part's head"));
            }
            fields.push((name, value.to_vec()));
        }
        let mut head = Self {
            fields,
            name: None,
            file: None,
        };
        if !head.field("content-transfer-encoding").is_none_or(is_plain) {
            return Err(Refusal::new(ReasonCode::RequestUnreadable)
                .because("a part of it has a transfer encoding"));
        }
        if let Some(value) = head.field("content-disposition") {
            let text = std::str::from_utf8(value);
            let text = text.map_err(|_| malformed("a part's disposition is not UTF-8"))?;
            let (name, file) = read_disposition(text)?;
            (head.name, head.file) = (name, file);
        }
        Ok(head)
    }

    /// All fields, names in lower case.
    pub(in crate::filter) fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The field's name in the form.
    pub(in crate::filter) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The file's name.
    pub(in crate::filter) fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// What the part is.
    pub(in crate::filter) fn media(&self) -> Media {
        match self.field("content-type") {
            None => Media::Absent,
            Some(value) => std::str::from_utf8(value).map_or(Media::Unclear, Media::named),
        }
    }

    /// The part is a request of its own (RFC 9112 section 10.2), as batches have them.
    pub(in crate::filter) fn is_request(&self) -> bool {
        self.field("content-type").is_some_and(is_http)
    }

    /// The length that the part says it has, in bytes.
    ///
    /// # Errors
    /// Refuses what is no number.
    pub(in crate::filter) fn length(&self) -> Result<Option<usize>, Refusal> {
        let Some(value) = self.field("content-length") else {
            return Ok(None);
        };
        let text = std::str::from_utf8(value).unwrap_or_default();
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let length = text.parse().ok().filter(|_| is_number);
        length
            .map(Some)
            .ok_or_else(|| malformed("the length of a part is no number"))
    }

    fn field(&self, name: &str) -> Option<&[u8]> {
        let mut fields = self.fields.iter();
        fields
            .find(|(known, _)| known == name)
            .map(|(_, value)| &**value)
    }
}

/// The part's bytes stand for themselves.
fn is_plain(encoding: &[u8]) -> bool {
    let plain = ["7bit", "8bit", "binary"];
    plain
        .iter()
        .any(|known| encoding.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether a content type says that what follows is an HTTP message.
pub(in crate::filter) fn is_http(kind: &[u8]) -> bool {
    let kind = kind.trim_ascii().to_ascii_lowercase();
    let names = ["application/http", "message/http"];
    names.iter().any(|name| {
        let rest = kind.strip_prefix(name.as_bytes());
        rest.is_some_and(|rest| {
            rest.first()
                .is_none_or(|next| matches!(next, b';' | b' ' | b'\t' | b','))
        })
    })
}

fn split_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memmem::find(text, b"\r\n");
        rest = end.and_then(|end| text.get(end + 2..));
        end.map_or(Some(text), |end| text.get(..end))
    })
}

/// `name: value`; a line break that is not whole, a fold and a space before the colon are refused.
fn read_field(line: &[u8]) -> Result<(String, &[u8]), Refusal> {
    let wrong = || malformed("the head of a part is not valid");
    let colon = memchr::memchr(b':', line).ok_or_else(wrong)?;
    let (name, value) = line.split_at_checked(colon).ok_or_else(wrong)?;
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    if name.is_empty()
        || !name.iter().all(is_token)
        || value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0))
    {
        return Err(wrong());
    }
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    Ok((String::from_utf8_lossy(name).to_ascii_lowercase(), value))
}

/// The `name` and the file's name of `form-data; name="a"; filename="b"` (RFC 7578 section 4.2).
fn read_disposition(text: &str) -> Result<(Option<String>, Option<String>), Refusal> {
    let wrong = || malformed("a part's disposition can be read in two ways");
    let (kind, mut rest) = text.split_once(';').unwrap_or((text, ""));
    if kind.trim().is_empty() || kind.contains(['"', '=']) {
        return Err(wrong());
    }
    let (mut name, mut file, mut wide) = (None, None, None);
    while !rest.trim_start().is_empty() {
        let (key, after) = rest.split_once('=').ok_or_else(wrong)?;
        let value;
        (value, rest) = read_value(after).ok_or_else(wrong)?;
        let is_quoted = after.starts_with('"');
        let slot = match key.trim().to_ascii_lowercase().as_str() {
            "name" => &mut name,
            "filename" => &mut file,
            "filename*" => &mut wide,
            // In any other parameter a reader may find a name.
            _ => return Err(wrong()),
        };
        // An apostrophe is a quote to some, but stands in every `filename*` (RFC 8187).
        let is_quote = !is_quoted && value.contains('\'') && !key.trim_end().ends_with('*');
        if is_quote || names(value) {
            return Err(wrong());
        }
        if slot.replace(value.to_owned()).is_some() {
            return Err(wrong());
        }
    }
    // Some readers undo escapes in a name, others don't.
    // To some an apostrophe is a quote, and `=?` begins an encoded word (RFC 2047).
    let is_unclear = |name: &String| {
        name.contains('\\') || name.contains("=?") || name.starts_with('\'') || name.ends_with('\'')
    };
    if name.as_ref().is_some_and(is_unclear) {
        return Err(wrong());
    }
    Ok((name, file.or(wide)))
}

/// Whether some reader finds a parameter `name` inside of a value.
fn names(value: &str) -> bool {
    let bare: String = value.split_whitespace().collect();
    let bare = bare.to_ascii_lowercase();
    bare.contains("name=") || bare.contains("name*=")
}

/// A token or a quoted string, and what stands behind the `;` that ends it.
fn read_value(text: &str) -> Option<(&str, &str)> {
    let (value, rest) = match text.strip_prefix('"') {
        Some(quoted) => {
            let (value, rest) = quoted.split_once('"')?;
            // To some readers this quote is part of the string, to others its end.
            if value.ends_with('\\') {
                return None;
            }
            (value, rest)
        }
        None => {
            let end = text.find(';').unwrap_or(text.len());
            let (value, rest) = text.split_at_checked(end)?;
            let value = value.trim();
            let is_token = !value.is_empty() && !value.contains(['"', '\\', ' ', '\t', '=']);
            (is_token.then_some(value)?, rest)
        }
    };
    let rest = rest.trim_start();
    match rest.strip_prefix(';') {
        Some(rest) => Some((value, rest)),
        None => rest.is_empty().then_some((value, rest)),
    }
}
