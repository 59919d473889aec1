//! Where bytes are kept, left out or replaced: the window of input, and the output.

use std::ops::Range;

use super::number;
use crate::filter::{Edit, Inspector, Output, Place, Trail};
use crate::json::{Decoded, escape_into};
use crate::types::{ReasonCode, Refusal};

/// The input at hand and the output, for one piece of input.
pub(super) struct Desk<'a> {
    /// Input from `base` on.
    window: &'a [u8],
    base: u64,
    /// What the window is a part of, from this place on: the inspector looks ahead in it.
    around: &'a [u8],
    shift: usize,
    /// What stands before is kept or left out for good.
    pub(super) cursor: u64,
    pub(super) inspector: &'a mut Inspector,
    pub(super) out: &'a mut Output,
}

impl<'a> Desk<'a> {
    /// A desk with a part of `around` as its window, which begins at `base` and is settled up to
    /// `cursor`. The inspector must have been restarted since `around` last changed.
    pub(super) fn new(
        around: &'a [u8],
        part: Range<usize>,
        (base, cursor): (u64, u64),
        inspector: &'a mut Inspector,
        out: &'a mut Output,
    ) -> Self {
        Self {
            shift: part.start,
            window: around.get(part).unwrap_or_default(),
            base,
            around,
            cursor,
            inspector,
            out,
        }
    }

    pub(super) fn bytes(&self, start: u64, end: u64) -> &'a [u8] {
        self.range(start, end)
            .and_then(|range| self.window.get(range))
            .unwrap_or_default()
    }

    fn range(&self, start: u64, end: u64) -> Option<Range<usize>> {
        let index = |offset: u64| usize::try_from(offset.checked_sub(self.base)?).ok();
        Some(index(start)?..index(end)?)
    }

    /// Looks through a text that stands in the window as it is.
    fn inspect(
        &mut self,
        start: u64,
        end: u64,
        place: &Place<'_>,
        edits: &mut Vec<Edit>,
    ) -> Result<(), Refusal> {
        let range = self.range(start, end);
        let Some(range) = range.filter(|range| range.end <= self.window.len()) else {
            return Err(Refusal::new(ReasonCode::Internal));
        };
        let text = range.start + self.shift..range.end + self.shift;
        self.inspector.inspect_in(self.around, text, place, edits)
    }

    /// Lets everything up to `end` pass.
    pub(super) fn keep(&mut self, end: u64) {
        let bytes = self.bytes(self.cursor, end);
        self.out.bytes.extend_from_slice(bytes);
        self.cursor = self.cursor.max(end);
    }

    /// Leaves everything up to `end` out.
    pub(super) fn leave_out(&mut self, end: u64) {
        self.cursor = self.cursor.max(end);
    }

    /// Writes bytes that are not in the input.
    pub(super) fn insert(&mut self, bytes: &[u8]) {
        self.out.bytes.extend_from_slice(bytes);
    }

    /// Things found so far.
    pub(super) fn found(&self) -> u64 {
        self.inspector.report().found()
    }
}

/// Runs detectors over strings, names and numbers, and replaces what they find. Holds its buffers.
#[derive(Debug, Default)]
pub(super) struct Scrubber {
    decoded: Decoded,
    edits: Vec<Edit>,
    escaped: Vec<u8>,
}

impl Scrubber {
    /// Scrubs a string or name; `start` and `end` are those of its quotes. What is clean and what
    /// stands before it stays at the desk, to be kept with what follows.
    pub(super) fn text(
        &mut self,
        desk: &mut Desk<'_>,
        (start, end): (u64, u64),
        is_escaped: bool,
        trail: &dyn Trail,
    ) -> Result<(), Refusal> {
        let (start, end) = (start + 1, end.saturating_sub(1));
        self.edits.clear();
        let place = Place::Json(trail);
        if is_escaped {
            self.decoded.read(desk.bytes(start, end));
            let text = self.decoded.text();
            desk.inspector.inspect(text, &place, &mut self.edits)?;
        } else {
            desk.inspect(start, end, &place, &mut self.edits)?;
        }
        for edit in &self.edits {
            let (from, to) = if is_escaped {
                (
                    self.decoded.raw_start(edit.range.start),
                    self.decoded.raw_end(edit.range.end),
                )
            } else {
                (edit.range.start, edit.range.end)
            };
            desk.keep((start + from as u64).min(end));
            self.escaped.clear();
            escape_into(&edit.replacement, &mut self.escaped);
            desk.insert(&self.escaped);
            desk.leave_out((start + to as u64).min(end));
        }
        Ok(())
    }

    /// Scrubs a number: with something found in it, it becomes a string, unless every replacement keeps it a number.
    pub(super) fn number(
        &mut self,
        desk: &mut Desk<'_>,
        (start, end): (u64, u64),
        trail: &dyn Trail,
    ) -> Result<(), Refusal> {
        self.edits.clear();
        desk.inspect(start, end, &Place::Json(trail), &mut self.edits)?;
        if self.edits.is_empty() {
            self.written_out(desk, (start, end), trail)?;
        }
        if self.edits.is_empty() {
            return Ok(());
        }
        // Digits for digits: the number stays one, whatever stands around them.
        let is_kept = self.edits.iter().all(|edit| edit.number.is_some());
        let quote: &[u8] = if is_kept { b"" } else { b"\"" };
        desk.keep(start);
        desk.insert(quote);
        for edit in &self.edits {
            desk.keep(start + edit.range.start as u64);
            self.escaped.clear();
            let number = edit.number.as_ref().filter(|_| is_kept);
            escape_into(number.unwrap_or(&edit.replacement), &mut self.escaped);
            desk.insert(&self.escaped);
            desk.leave_out(start + edit.range.end as u64);
        }
        desk.keep(end);
        desk.insert(quote);
        Ok(())
    }

    /// Looks through the digits that a number with a point or an exponent stands for: with something found in them all of it is
    /// replaced.
    fn written_out(
        &mut self,
        desk: &mut Desk<'_>,
        (start, end): (u64, u64),
        trail: &dyn Trail,
    ) -> Result<(), Refusal> {
        let raw = desk.bytes(start, end);
        let Some(mut digits) = number::written_out(raw) else {
            return Ok(());
        };
        let place = Place::Json(trail);
        desk.inspector
            .inspect(digits.as_bytes(), &place, &mut self.edits)?;
        if self.edits.is_empty() {
            return Ok(());
        }
        for edit in self.edits.drain(..).rev() {
            digits.replace_range(edit.range, &edit.replacement);
        }
        self.edits.push(Edit {
            range: 0..raw.len(),
            replacement: digits.into(),
            number: None,
        });
        Ok(())
    }

    /// The same for a name that is no longer in the input: `raw` with replacements is appended to `out`.
    pub(super) fn copied_name(
        &mut self,
        desk: &mut Desk<'_>,
        raw: &[u8],
        trail: &dyn Trail,
    ) -> Result<(), Refusal> {
        self.edits.clear();
        self.decoded.read(raw);
        let text = self.decoded.text();
        desk.inspector
            .inspect(text, &Place::Json(trail), &mut self.edits)?;
        let mut at = 0;
        for edit in &self.edits {
            let from = self.decoded.raw_start(edit.range.start);
            desk.insert(raw.get(at..from).unwrap_or_default());
            self.escaped.clear();
            escape_into(&edit.replacement, &mut self.escaped);
            desk.insert(&self.escaped);
            at = self.decoded.raw_end(edit.range.end);
        }
        desk.insert(raw.get(at..).unwrap_or_default());
        Ok(())
    }
}
