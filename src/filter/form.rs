//! `application/x-www-form-urlencoded` in requests: every name and value is scanned decoded, none is changed.

use std::borrow::Cow;

use bytes::BytesMut;
use percent_encoding::percent_decode;

use crate::filter::{Edit, Format, Inspector, Output, Place};
use crate::types::{ReasonCode, Refusal};

/// A form body; one field at a time is held.
#[derive(Debug)]
pub(super) struct Form {
    field: BytesMut,
    limit: usize,
    edits: Vec<Edit>,
}

impl Form {
    pub(super) fn new(inspector: &Inspector) -> Self {
        Self {
            field: BytesMut::new(),
            limit: inspector.plan().context.limits.string,
            edits: Vec::new(),
        }
    }

    /// Scans the field that is held and lets it go.
    fn end_field(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        let field = self.field.split();
        let mut parts = field.splitn(2, |byte| *byte == b'=');
        let name = decode(parts.next().unwrap_or_default());
        let value = decode(parts.next().unwrap_or_default());
        let shown = String::from_utf8_lossy(&name);
        self.edits.clear();
        let found = inspector.report().found();
        inspector.inspect(&name, &Place::Field("*"), &mut self.edits)?;
        let is_clean = inspector.report().found() == found;
        let shown = if is_clean { &*shown } else { "*" };
        inspector.inspect(&value, &Place::Field(shown), &mut self.edits)?;
        out.bytes.extend_from_slice(&field);
        Ok(())
    }
}

impl Format for Form {
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let mut parts = chunk.split(|byte| *byte == b'&');
        let mut part = parts.next();
        while let Some(bytes) = part {
            self.field.extend_from_slice(bytes);
            if self.field.len() > self.limit {
                return Err(Refusal::new(ReasonCode::StringTooLong)
                    .because("a form field is longer than `limits.string`"));
            }
            part = parts.next();
            if part.is_some() {
                self.end_field(inspector, out)?;
                out.bytes.extend_from_slice(b"&");
            }
        }
        Ok(())
    }

    fn finish(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        self.end_field(inspector, out)
    }

    fn buffered(&self) -> usize {
        self.field.len()
    }
}

fn decode(text: &[u8]) -> Vec<u8> {
    let spaced: Cow<'_, [u8]> = if text.contains(&b'+') {
        let space = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
        text.iter().map(space).collect()
    } else {
        text.into()
    };
    percent_decode(&spaced).collect()
}
