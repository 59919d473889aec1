//! `application/x-www-form-urlencoded`: every name and value is scanned decoded. In a request none is changed, in an
//! answer what is found is replaced.

use std::borrow::Cow;

use bytes::BytesMut;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use crate::filter::decode::{self, Language};
use crate::filter::text::{Guard, Utf8};
use crate::filter::{Edit, Format, Inspector, Output, Place};
use crate::types::{ReasonCode, Refusal};

/// A form body; one field at a time is held.
#[derive(Debug)]
pub(super) struct Form {
    field: BytesMut,
    limit: usize,
    edits: Vec<Edit>,
    answer: Option<Answer>,
}

/// What is looked at in an answer alone.
#[derive(Debug)]
struct Answer {
    utf8: Utf8,
    guard: Guard,
    /// Where the field at hand begins.
    offset: u64,
}

/// What stands for itself in a form (WHATWG URL section 5.2).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

impl Form {
    pub(super) fn new(inspector: &Inspector) -> Self {
        Self {
            field: BytesMut::new(),
            limit: inspector.plan().context.limits.string,
            edits: Vec::new(),
            answer: None,
        }
    }

    /// A form that is an answer.
    pub(super) fn of_answer(inspector: &Inspector) -> Self {
        Self {
            answer: Some(Answer {
                utf8: Utf8::default(),
                guard: Guard::new(inspector),
                offset: 0,
            }),
            ..Self::new(inspector)
        }
    }

    /// Scans the field that is held and lets it go.
    fn end_field(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        let field = self.field.split();
        if let Some(answer) = &mut self.answer {
            let offset = answer.offset;
            answer.offset += field.len() as u64 + 1;
            let end = memchr::memchr(b'=', &field).unwrap_or(field.len());
            let (name, rest) = field.split_at_checked(end).unwrap_or_default();
            self.scrub(name, offset, inspector, out)?;
            let Some((sign, value)) = rest.split_first() else {
                return Ok(());
            };
            out.bytes.extend_from_slice(&[*sign]);
            return self.scrub(value, offset + end as u64 + 1, inspector, out);
        }
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

    /// Lets a name or a value pass, scanned.
    fn scrub(
        &mut self,
        text: &[u8],
        offset: u64,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        self.edits.clear();
        decode::inspect(text, Language::Form, offset, inspector, &mut self.edits)?;
        let mut at = 0;
        for edit in self.edits.drain(..) {
            let kept = text.get(at..edit.range.start).unwrap_or_default();
            out.bytes.extend_from_slice(kept);
            let coded = utf8_percent_encode(&edit.replacement, PLAIN).to_string();
            out.bytes.extend_from_slice(coded.as_bytes());
            at = edit.range.end;
        }
        out.bytes
            .extend_from_slice(text.get(at..).unwrap_or_default());
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
        if let Some(answer) = &mut self.answer {
            answer.utf8.check(chunk)?;
            out.held = answer.guard.read(chunk)?;
        }
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
        if let Some(answer) = &self.answer {
            answer.utf8.finish()?;
            answer.guard.finish()?;
        }
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

#[cfg(test)]
mod tests {
    use super::Form;
    use crate::filter::fixture::Fixture;
    use crate::filter::{Format as _, Inspector, Output, Side};
    use crate::policy::treatment::Action;

    #[test]
    fn replaces_in_answers_what_names_and_values_say() {
        for (body, expected) in [
            ("m=bob%40shop.example&n=1", "m=%5Bredacted%3Aemail%5D&n=1"),
            ("bob@shop.example", "%5Bredacted%3Aemail%5D"),
            (
                "a=x+%62ob%2540shop.example+y&",
                "a=x+%5Bredacted%3Aemail%5D+y&",
            ),
            (
                "a=ann%40shop.example&b=1+2%3D3",
                "a=ann%40shop.example&b=1+2%3D3",
            ),
            ("a=x+ann@shop.example+y", "a=x+ann@shop.example+y"),
            ("a=x+bob@shop.example+y", "a=x+%5Bredacted%3Aemail%5D+y"),
            ("a=b=c&&=&%", "a=b=c&&=&%"),
            ("", ""),
        ] {
            for size in 1..=body.len().max(1) {
                let plan = Fixture::new().detector("email", Action::Redact).plan();
                let mut inspector = Inspector::new(&plan, Side::Response);
                let mut form = Form::of_answer(&inspector);
                let mut out = Output::default();
                for piece in body.as_bytes().chunks(size) {
                    form.write(piece, &mut inspector, &mut out).unwrap();
                }
                form.finish(&mut inspector, &mut out).unwrap();
                assert_eq!(String::from_utf8_lossy(&out.bytes), expected, "by {size}");
            }
        }
    }
}
