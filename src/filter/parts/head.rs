//! The head of one part: what it is, and what of it may pass.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, HeaderName, HeaderValue};

use super::transfer::Coding;
use crate::filter::charset::Charset;
use crate::filter::{Inspector, Output, headers, response};
use crate::policy::treatment::Kind;
use crate::types::{ReasonCode, Refusal};

/// Bytes of a head, at most.
pub(super) const LENGTH: usize = 16 << 10;

/// The fields of one part.
#[derive(Debug)]
pub(super) struct Head {
    /// Each field's name, and its line as it came.
    lines: Vec<(HeaderName, Vec<u8>)>,
    fields: HeaderMap,
}

impl Head {
    /// Reads the lines of a head, its blank line included.
    pub(super) fn read(head: &[u8]) -> Result<Self, Refusal> {
        let mut lines = Vec::new();
        let mut fields = HeaderMap::new();
        let mut rest = head;
        while let Some(end) = memchr::memmem::find(rest, b"\r\n") {
            let (line, after) = rest.split_at_checked(end).unwrap_or_default();
            rest = after.get(2..).unwrap_or_default();
            if line.is_empty() {
                break;
            }
            let (name, value) = field(line).ok_or_else(|| super::malformed("no header field"))?;
            fields
                .try_append(name.clone(), value)
                .map_err(|_| super::malformed("too many header fields"))?;
            lines.push((name, [line, b"\r\n"].concat()));
        }
        if rest.is_empty() {
            Ok(Self { lines, fields })
        } else {
            Err(super::malformed("no header field"))
        }
    }

    /// How the part is read, and in which charset.
    pub(super) fn kind(&self, inspector: &Inspector) -> Result<(Option<Kind>, Charset), Refusal> {
        let treatment = &inspector.plan().treatment;
        response::kind(treatment, &self.fields)
    }

    /// How the part's bytes are written (RFC 2045 section 6); none where they stand for themselves.
    pub(super) fn coding(&self, inspector: &Inspector) -> Result<Option<Coding>, Refusal> {
        let refused = |why: &str| {
            Refusal::new(ReasonCode::CodingUnsupported)
                .by(&inspector.plan().treatment.origin)
                .because(why)
        };
        if self.fields.contains_key(CONTENT_ENCODING) {
            return Err(refused("a part with a coding of its own"));
        }
        let mut codings = self.fields.get_all("content-transfer-encoding").iter();
        let Some(coding) = codings.next() else {
            return Ok(None);
        };
        if codings.next().is_some() {
            return Err(refused("a part with two transfer encodings"));
        }
        match coding.as_bytes().to_ascii_lowercase().as_slice() {
            b"7bit" | b"8bit" | b"binary" => Ok(None),
            b"base64" => Ok(Some(Coding::Base64)),
            b"quoted-printable" => Ok(Some(Coding::Quoted)),
            _ => Err(refused("a part with an unknown transfer encoding")),
        }
    }

    /// Writes the fields that may pass, and the blank line.
    pub(super) fn write(
        mut self,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        headers::inspect(&mut self.fields, inspector)?;
        headers::drop_stale(&mut self.fields);
        for (name, line) in &self.lines {
            if self.fields.contains_key(name) {
                out.bytes.extend_from_slice(line);
            }
        }
        out.bytes.extend_from_slice(b"\r\n");
        Ok(())
    }
}

/// One field: a token, a colon right behind it, and a value without controls.
fn field(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = memchr::memchr(b':', line)?;
    let (name, value) = line.split_at_checked(colon)?;
    let name = HeaderName::from_bytes(name).ok()?;
    let value = value.get(1..)?.trim_ascii();
    Some((name, HeaderValue::from_bytes(value).ok()?))
}
