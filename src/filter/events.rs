//! Server-sent events (the WHATWG event stream format): each event is judged when its blank line comes,
//! and let go at once.
//!
//! The lines of `data` together are one JSON document under the route's owner rule; without one they
//! are a document or a text that is only scrubbed. The other fields and comments are scanned. An event
//! whose blank line never comes is left out, as browsers do.

mod block;

use std::sync::Arc;

use self::block::{Block, Field, Line, MARK};
use crate::filter::json::{Documents, is_document};
use crate::filter::{Edit, Format, Inspector, Output, Place};
use crate::policy::treatment::RecordRule;
use crate::types::{ReasonCode, Refusal};

/// One event stream.
#[derive(Debug)]
pub(super) struct Events {
    documents: Documents,
    /// The route has an owner rule: what is no part of an event stays behind.
    is_ruled: bool,
    block: Block,
    /// The last line of all ended with CR: an LF still belongs to it. Whether it passed.
    returned: Option<bool>,
    edits: Vec<Edit>,
    /// Events so far.
    number: u64,
    /// Bytes that wait for the documents to decide.
    waiting: usize,
    limit: usize,
    refusal: Option<Refusal>,
}

impl Events {
    /// A filter for events whose data are each a document under `rule`, or that are only scrubbed.
    pub(super) fn new(inspector: &Inspector, rule: Option<Arc<RecordRule>>) -> Self {
        Self {
            is_ruled: rule.is_some(),
            documents: Documents::new(inspector.plan(), rule),
            block: Block::default(),
            returned: None,
            edits: Vec::new(),
            number: 0,
            waiting: 0,
            limit: inspector.plan().context.limits.record,
            refusal: None,
        }
    }

    fn blocks(
        &mut self,
        mut rest: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        while !rest.is_empty() {
            if let Some(is_kept) = self.returned.take()
                && let Some(after) = rest.strip_prefix(b"\n")
            {
                if is_kept {
                    out.bytes.extend_from_slice(b"\n");
                }
                rest = after;
                continue;
            }
            let is_over = self.block.read(&mut rest, self.limit)?;
            if is_over {
                let before = out.bytes.len();
                let is_kept = self.event(inspector, out)?;
                self.returned = self.block.ends_with_return().then_some(is_kept);
                self.block.clear();
                self.number += 1;
                if self.documents.is_holding() {
                    self.waiting += out.bytes.len() - before;
                    if self.waiting > self.limit {
                        return Err(Refusal::new(ReasonCode::RecordTooLarge));
                    }
                }
            }
        }
        Ok(())
    }

    /// Judges the event that is complete; whether it passes.
    fn event(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<bool, Refusal> {
        let block = std::mem::take(&mut self.block);
        let judged = self.judge(&block, inspector, out);
        self.block = block;
        judged
    }

    fn judge(
        &mut self,
        block: &Block,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<bool, Refusal> {
        if std::str::from_utf8(block.bytes()).is_err() {
            return Err(malformed("not valid UTF-8"));
        }
        if memchr::memchr(0, block.bytes()).is_some() {
            return Err(malformed("a zero byte"));
        }
        let data = block.data();
        let is_blank = |text: &[u8]| text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\n'));
        let new = match &data {
            None => None,
            Some(data) if is_blank(data) => None,
            Some(data) => match self.data(data, inspector)? {
                None => return Ok(false),
                Some(new) if new == *data => None,
                Some(new) => Some(new),
            },
        };
        // What names or numbers somebody else's event says something about it.
        let is_foreign = self.is_ruled && new.as_deref().is_some_and(is_placeholder);
        let mut is_written = false;
        let start = out.bytes.len();
        for line in block.lines() {
            // With a line left out between them, a CR and an LF would end one line together.
            let written = out.bytes.get(start..).unwrap_or_default();
            if written.ends_with(b"\r") && block.whole(line).starts_with(b"\n") {
                out.bytes.extend_from_slice(b":\n");
            }
            match (line.field, &new) {
                (Field::Data, Some(new)) => {
                    if !std::mem::replace(&mut is_written, true) {
                        write_data(block, line, new, out);
                    }
                }
                (Field::Data | Field::Blank, _) => out.bytes.extend_from_slice(block.whole(line)),
                (Field::Unknown, _) if self.is_ruled => {}
                (_, Some(_)) if is_foreign => {}
                _ => self.line(block, line, inspector, out)?,
            }
        }
        Ok(true)
    }

    /// What may pass of an event's data; none where the event is somebody else's.
    fn data(&mut self, data: &[u8], inspector: &mut Inspector) -> Result<Option<Vec<u8>>, Refusal> {
        if self.is_ruled || is_document(data, inspector.plan())? {
            let kept = self.documents.filter(data, inspector)?;
            return Ok(kept.map(<[u8]>::to_vec));
        }
        self.edits.clear();
        let place = Place::Event {
            number: self.number + 1,
            field: "data",
        };
        inspector.inspect(data, &place, &mut self.edits)?;
        Ok(Some(edited(data, &self.edits)))
    }

    /// Lets a line that is no data pass, scanned.
    fn line(
        &mut self,
        block: &Block,
        line: &Line,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        self.edits.clear();
        let field = match line.field {
            Field::Comment => "comment",
            Field::Event => "event",
            Field::Id => "id",
            Field::Retry => "retry",
            Field::Data | Field::Blank | Field::Unknown => "*",
        };
        let place = Place::Event {
            number: self.number + 1,
            field,
        };
        // The name of an unknown field is the app's own word, too.
        let text = if line.field == Field::Unknown {
            line.start..line.end
        } else {
            line.value..line.end
        };
        let value = block.part(text.start, text.end);
        inspector.inspect(value, &place, &mut self.edits)?;
        out.bytes
            .extend_from_slice(block.part(line.start, text.start));
        out.bytes.extend_from_slice(&edited(value, &self.edits));
        out.bytes.extend_from_slice(block.part(line.end, line.next));
        Ok(())
    }

    /// The refusal, with the event it came from.
    fn place(&mut self, refusal: Refusal) -> Refusal {
        let refusal = refusal.placed(format_args!("in event {}", self.number + 1));
        self.refusal = Some(refusal.clone());
        refusal
    }
}

impl Format for Events {
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        self.blocks(chunk, inspector, out)
            .map_err(|refusal| self.place(refusal))?;
        out.held = self.documents.is_holding();
        Ok(())
    }

    fn finish(&mut self, _: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        self.documents.conclude()?;
        out.held = false;
        Ok(())
    }

    fn buffered(&self) -> usize {
        self.block.held() + self.documents.held()
    }
}

/// Writes `new` as the lines of data, in the manner of the first of them.
fn write_data(block: &Block, first: &Line, new: &[u8], out: &mut Output) {
    let name = block.part(first.start, first.value);
    let name = if name.ends_with(b":") || name.ends_with(b": ") {
        name
    } else {
        b"data:"
    };
    for (at, line) in new.split(|byte| *byte == b'\n').enumerate() {
        let name = if at == 0 {
            name
        } else {
            name.strip_prefix(MARK).unwrap_or(name)
        };
        out.bytes.extend_from_slice(name);
        // The first space behind the colon is not part of the value.
        if name.ends_with(b":") && line.starts_with(b" ") {
            out.bytes.extend_from_slice(b" ");
        }
        out.bytes.extend_from_slice(line);
        out.bytes
            .extend_from_slice(block.part(first.end, first.next));
    }
}

/// What stands for somebody else's document.
fn is_placeholder(data: &[u8]) -> bool {
    let data = data.trim_ascii();
    data == br#"{"chaperone":"redacted"}"# || data == br#""[redacted]""# || data == b"null"
}

fn edited(text: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut new = Vec::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        new.extend_from_slice(text.get(at..edit.range.start).unwrap_or_default());
        new.extend_from_slice(edit.replacement.as_bytes());
        at = edit.range.end;
    }
    new.extend_from_slice(text.get(at..).unwrap_or_default());
    new
}

fn malformed(what: &str) -> Refusal {
    Refusal::new(ReasonCode::AnswerMalformed).because(what)
}

#[cfg(test)]
mod tests;
