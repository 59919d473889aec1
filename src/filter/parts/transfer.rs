//! Parts whose bytes are written otherwise (RFC 2045 section 6.7 and 6.8): undone, read as what they are, and written as
//! they came where nothing was changed, anew where something was.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::filter::{Edit, Format, Inspector, Output, Place};
use crate::types::{ReasonCode, Refusal};

/// How a part's bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Base64,
    /// `quoted-printable`.
    Quoted,
}

/// A part that is held until it is whole.
pub(super) struct Transfer {
    coding: Coding,
    inner: Box<dyn Format>,
    raw: Vec<u8>,
    limit: usize,
}

impl Transfer {
    /// A part of at most `limit` bytes, which `inner` reads.
    pub(super) fn new(coding: Coding, inner: Box<dyn Format>, limit: usize) -> Self {
        Self {
            coding,
            inner,
            raw: Vec::new(),
            limit,
        }
    }
}

impl Format for Transfer {
    fn write(&mut self, chunk: &[u8], _: &mut Inspector, _: &mut Output) -> Result<(), Refusal> {
        self.raw.extend_from_slice(chunk);
        if self.raw.len() > self.limit {
            return Err(
                Refusal::new(ReasonCode::RecordTooLarge).because("a part with a transfer encoding")
            );
        }
        Ok(())
    }

    fn finish(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        let raw = std::mem::take(&mut self.raw);
        let plain = match self.coding {
            Coding::Base64 => unwrap(&raw),
            Coding::Quoted => unquote(&raw),
        };
        let plain =
            plain.ok_or_else(|| super::malformed("a transfer encoding that is not kept"))?;
        let mut left = Output::default();
        self.inner.write(&plain, inspector, &mut left)?;
        self.inner.finish(inspector, &mut left)?;
        if left.bytes != plain {
            out.bytes.extend_from_slice(&match self.coding {
                Coding::Base64 => wrap(&left.bytes),
                Coding::Quoted => quote(&left.bytes),
            });
            return Ok(());
        }
        if self.coding == Coding::Quoted && raw != plain {
            // Readers that know no transfer encodings see it as it stands.
            let mut edits: Vec<Edit> = Vec::new();
            inspector.inspect(&raw, &Place::Body(0), &mut edits)?;
            if !edits.is_empty() {
                return Err(Refusal::new(ReasonCode::DetectorBlock)
                    .because("something found in a part as it is written"));
            }
        }
        out.bytes.extend_from_slice(&raw);
        Ok(())
    }

    fn buffered(&self) -> usize {
        self.raw.capacity() + self.inner.buffered()
    }
}

fn unwrap(raw: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(end) = memchr::memmem::find(rest, b"\r\n") {
        text.extend_from_slice(rest.get(..end)?);
        rest = rest.get(end + 2..)?;
    }
    text.extend_from_slice(rest);
    STANDARD.decode(text).ok()
}

/// Lines of 76 characters.
fn wrap(plain: &[u8]) -> Vec<u8> {
    let lines = plain.chunks(57).map(|line| STANDARD.encode(line));
    lines.collect::<Vec<_>>().join("\r\n").into_bytes()
}

/// None where readers may disagree: bare line breaks, white space that some take away, an `=` that begins nothing.
fn unquote(raw: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let is_blank = matches!(byte, b' ' | b'\t');
        match (byte, after) {
            (b'=', [b'\r', b'\n', tail @ ..]) => rest = tail,
            (b'=', [high, low, tail @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                plain.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
                rest = tail;
            }
            (b'\r', [b'\n', tail @ ..]) => {
                plain.extend_from_slice(b"\r\n");
                rest = tail;
            }
            (b'=' | b'\r' | b'\n', _) => return None,
            (_, [b'\r', ..] | []) if is_blank => return None,
            _ => plain.push(*byte),
        }
    }
    Some(plain)
}

fn quote(plain: &[u8]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(plain.len());
    let (mut rest, mut column) = (plain, 0);
    while let Some((byte, after)) = rest.split_first() {
        if let (b'\r', [b'\n', tail @ ..]) = (byte, after) {
            raw.extend_from_slice(b"\r\n");
            (rest, column) = (tail, 0);
            continue;
        }
        rest = after;
        if column >= 72 {
            raw.extend_from_slice(b"=\r\n");
            column = 0;
        }
        let ends_line = matches!(after, [] | [b'\r', ..]);
        // A hyphen at the start of a line could begin a delimiter.
        let is_plain = match byte {
            b' ' | b'\t' => !ends_line,
            b'-' => column > 0,
            byte => byte.is_ascii_graphic() && *byte != b'=',
        };
        if is_plain {
            raw.push(*byte);
            column += 1;
        } else {
            raw.extend_from_slice(format!("={byte:02X}").as_bytes());
            column += 3;
        }
    }
    raw
}

#[cfg(test)]
mod tests {
    use super::{quote, unquote, unwrap, wrap};

    #[test]
    fn undoes_what_it_writes() {
        for text in [
            "",
            "a",
            "--b\r\n--b--",
            "\u{e4}=\t \r\n x \n",
            &"long, \u{20ac} ".repeat(40),
        ] {
            let bytes = text.as_bytes();
            assert_eq!(unquote(&quote(bytes)).as_deref(), Some(bytes), "{text:?}");
            assert_eq!(unwrap(&wrap(bytes)).as_deref(), Some(bytes), "{text:?}");
            let quoted = quote(bytes);
            let mut lines = quoted.split(|byte| *byte == b'\n');
            assert!(lines.all(|line| line.len() < 78 && !line.starts_with(b"-")));
        }
    }

    #[test]
    fn reads_in_one_way_or_not_at_all() {
        assert_eq!(unquote(b"a=40b=\r\nc =3d").as_deref(), Some(&b"a@bc ="[..]));
        for text in ["a\nb", "a=", "a=4", "a=zz", "a \r\nb", "a ", "a= \r\nb"] {
            assert_eq!(unquote(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(unwrap(b"YUBi\r\nYQ==").as_deref(), Some(&b"a@ba"[..]));
        for text in ["YUBi\nYQ==", "YUB", "YUBi!", " YUBi"] {
            assert_eq!(unwrap(text.as_bytes()), None, "{text:?}");
        }
    }
}
