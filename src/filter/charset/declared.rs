//! What a document says about its own charset, in its first bytes.

use encoding_rs::Encoding;

use crate::types::{ReasonCode, Refusal};

/// The kinds of documents that say their own charset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::filter) enum Document {
    /// A style sheet: `@charset "…";` (CSS Syntax, section 3.2).
    Css,
    /// A page: `<meta charset=…>` (WHATWG HTML, section 13.2.3.2).
    Html,
    /// None of them.
    Other,
    /// XML: `<?xml … encoding="…"?>` (XML 1.0, section 4.3.3).
    Xml,
}

/// Browsers look no further for a page's charset.
const LENGTH: usize = 1024;

/// The same, as a place in a document.
pub(in crate::filter) const SEEN: u64 = LENGTH as u64;

/// The first bytes of a document.
#[derive(Debug)]
pub(super) struct Head {
    document: Document,
    bytes: Vec<u8>,
}

impl Head {
    pub(super) fn new(document: Document) -> Self {
        Self {
            document,
            bytes: Vec::new(),
        }
    }

    /// Takes what of `bytes` still belongs to it.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let room = LENGTH.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    pub(super) fn is_whole(&self) -> bool {
        self.bytes.len() >= LENGTH || self.document == Document::Other
    }

    /// The encodings that are named so far, wherever a reader might look: in scripts and comments, too.
    pub(super) fn named(&self) -> Vec<&'static Encoding> {
        let text = self.bytes.to_ascii_lowercase();
        let names: Vec<&[u8]> = match self.document {
            Document::Css => self
                .bytes
                .strip_prefix(b"@charset \"")
                .and_then(|rest| Some(rest.split_at_checked(memchr::memchr(b'"', rest)?)?.0))
                .into_iter()
                .collect(),
            Document::Html => {
                let mut names = values(&text, b"charset");
                names.extend(xml(&text));
                names
            }
            Document::Xml => xml(&text),
            Document::Other => Vec::new(),
        };
        names.into_iter().filter_map(read).collect()
    }
}

/// The encoding that a document means by `label`; none where browsers know none.
pub(in crate::filter) fn read(label: &[u8]) -> Option<&'static Encoding> {
    let encoding = Encoding::for_label(label)?;
    Some(if super::is_utf16(encoding) {
        // Whoever could read the label was not reading UTF-16.
        encoding_rs::UTF_8
    } else if encoding == encoding_rs::X_USER_DEFINED {
        encoding_rs::WINDOWS_1252
    } else {
        encoding
    })
}

/// Whether `label` names a charset in which other letters stand for ASCII, or ASCII for other letters.
pub(in crate::filter) fn is_hiding(label: &[u8]) -> bool {
    let lower = label.to_ascii_lowercase();
    let holds = |what: &[u8]| memchr::memmem::find(&lower, what).is_some();
    holds(b"utf-7") || holds(b"utf7") || Encoding::for_label(label).is_some_and(hides)
}

/// Whether ASCII is something else in `encoding`.
pub(super) fn hides(encoding: &'static Encoding) -> bool {
    encoding == encoding_rs::ISO_2022_JP || encoding == encoding_rs::REPLACEMENT
}

pub(super) fn malformed(what: &str) -> Refusal {
    Refusal::new(ReasonCode::AnswerMalformed).because(what)
}

/// The encoding of an XML declaration at the front.
fn xml(text: &[u8]) -> Vec<&[u8]> {
    let end = memchr::memmem::find(text, b"?>").unwrap_or(text.len());
    let declaration = text.get(..end).unwrap_or_default();
    if declaration.starts_with(b"<?xml") {
        values(declaration, b"encoding")
    } else {
        Vec::new()
    }
}

/// What stands behind every `name=`, with or without quotes.
fn values<'a>(text: &'a [u8], name: &[u8]) -> Vec<&'a [u8]> {
    let found = memchr::memmem::find_iter(text, name);
    let value = |at: usize| {
        let rest = text.get(at + name.len()..)?.trim_ascii_start();
        let rest = rest.strip_prefix(b"=")?.trim_ascii_start();
        let quoted = rest.strip_prefix(b"\"").or(rest.strip_prefix(b"'"));
        let rest = quoted.unwrap_or(rest).trim_ascii_start();
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"\"';>".contains(byte);
        let end = rest.iter().position(is_end).unwrap_or(rest.len());
        rest.get(..end)
    };
    found.filter_map(value).collect()
}
