//! `multipart/*` in requests (RFC 2046 section 5.1, RFC 7578): every part is scanned as what it is, none is changed.

mod head;
mod splitter;

use std::fmt;

use bytes::BytesMut;

pub(super) use self::head::{Head, is_http};
pub(super) use self::splitter::{Boundary, Event, Splitter};
use crate::filter::media::Media;
use crate::filter::raw::Raw;
use crate::filter::stream::unchanged;
use crate::filter::{Edit, Format, Inspector, Output, Place};
use crate::policy::treatment::Kind;
use crate::types::{ReasonCode, Refusal};

/// A body of parts; of a plain field the value is held, of a file what may still become a match.
pub(super) struct Multipart {
    splitter: Splitter,
    part: Option<Part>,
    edits: Vec<Edit>,
}

/// The part at hand.
enum Part {
    /// A plain field, by its name.
    Field(Box<str>, BytesMut),
    /// Anything with a type or a file name.
    File(Box<dyn Format>),
}

impl Multipart {
    pub(super) fn new(boundary: &Boundary) -> Self {
        Self {
            splitter: Splitter::new(boundary),
            part: None,
            edits: Vec::new(),
        }
    }

    fn event(
        &mut self,
        event: Event<'_>,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        match event {
            Event::Frame(bytes) => out.bytes.extend_from_slice(bytes),
            Event::Head(bytes) => {
                let head = Head::read(bytes)?;
                self.part = Some(self.begin(&head, inspector)?);
                out.bytes.extend_from_slice(bytes);
            }
            Event::Data(bytes) => match &mut self.part {
                Some(Part::Field(_, value)) => {
                    value.extend_from_slice(bytes);
                    if value.len() > inspector.plan().context.limits.string {
                        return Err(Refusal::new(ReasonCode::StringTooLong)
                            .because("a form field is longer than `limits.string`"));
                    }
                }
                Some(Part::File(format)) => format.write(bytes, inspector, out)?,
                None => {}
            },
            Event::End => match self.part.take() {
                Some(Part::Field(name, value)) => {
                    let place = Place::Field(&name);
                    self.edits.clear();
                    inspector.inspect(&value, &place, &mut self.edits)?;
                    out.bytes.extend_from_slice(&value);
                }
                Some(Part::File(mut format)) => format.finish(inspector, out)?,
                None => {}
            },
        }
        Ok(())
    }

    /// Looks through the head of a part and says how the rest is read.
    fn begin(&mut self, head: &Head, inspector: &mut Inspector) -> Result<Part, Refusal> {
        self.edits.clear();
        let found = inspector.report().found();
        for (name, value) in head.fields() {
            inspector.inspect(name.as_bytes(), &Place::Header("*"), &mut self.edits)?;
            inspector.inspect(value, &Place::Header("*"), &mut self.edits)?;
        }
        let name = head.name().unwrap_or_default();
        inspector.inspect(name.as_bytes(), &Place::Field("*"), &mut self.edits)?;
        if let Some(file) = head.file() {
            inspector.inspect(file.as_bytes(), &Place::Field("*"), &mut self.edits)?;
        }
        let is_clean = inspector.report().found() == found;
        let unreadable = |detail: &str| Refusal::new(ReasonCode::RequestUnreadable).because(detail);
        let format = match head.media() {
            Media::Absent | Media::Known(Kind::Folded | Kind::Text) if head.file().is_none() => {
                let shown = if is_clean { name } else { "*" };
                return Ok(Part::Field(shown.into(), BytesMut::new()));
            }
            Media::Unclear => {
                return Err(unreadable(
                    "a part of it has no single content type in UTF-8",
                ));
            }
            Media::Known(kind) => unchanged(Some(kind), inspector),
            Media::Absent | Media::Other => Box::new(Raw::new(inspector)),
        };
        Ok(Part::File(format))
    }
}

impl Format for Multipart {
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        // The splitter lends its events out while the parts are read.
        let mut splitter = std::mem::take(&mut self.splitter);
        let result = splitter.write(chunk, &mut |event| self.event(event, inspector, out));
        self.splitter = splitter;
        result
    }

    fn finish(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.finish(&mut |event| self.event(event, inspector, out))
    }

    fn buffered(&self) -> usize {
        let part = match &self.part {
            Some(Part::Field(_, value)) => value.len(),
            Some(Part::File(format)) => format.buffered(),
            None => 0,
        };
        self.splitter.held() + part
    }
}

impl fmt::Debug for Multipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multipart")
            .field("splitter", &self.splitter)
            .finish_non_exhaustive()
    }
}

/// A body that its readers may split in two ways.
fn malformed(detail: &str) -> Refusal {
    Refusal::new(ReasonCode::RequestMalformed).because(detail)
}

#[cfg(test)]
mod tests;
