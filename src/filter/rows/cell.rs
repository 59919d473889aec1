//! The text of a cell, and what detectors change in it: the offending bytes alone, in valid quoting.

use std::ops::Range;

use super::reader::{Cell, Reader};
use crate::filter::{Edit, Inspector, Output, Place};
use crate::types::Refusal;

/// The text of a cell: without its quotes, doubled ones once.
pub(super) fn decode(row: &[u8], cell: &Cell) -> Vec<u8> {
    let content = row.get(cell.content()).unwrap_or_default();
    let mut text = Vec::with_capacity(content.len());
    let mut rest = content;
    while cell.is_quoted
        && let Some(at) = memchr::memchr(b'"', rest)
    {
        let (piece, after) = rest.split_at_checked(at + 1).unwrap_or_default();
        text.extend_from_slice(piece);
        rest = after.get(1..).unwrap_or_default();
    }
    text.extend_from_slice(rest);
    text
}

/// Collects what has to be replaced in one row, then writes the row.
#[derive(Debug, Default)]
pub(super) struct Scrubber {
    edits: Vec<Edit>,
    /// Replacements by place in the row, in order.
    changes: Vec<Change>,
}

#[derive(Debug)]
struct Change {
    cell: usize,
    range: Range<usize>,
    text: Box<str>,
}

impl Scrubber {
    /// Begins a row.
    pub(super) fn begin(&mut self) {
        self.changes.clear();
    }

    /// Looks through the cell that is the row's `at`th.
    pub(super) fn cell(
        &mut self,
        row: &[u8],
        cell: &Cell,
        at: usize,
        inspector: &mut Inspector,
        place: &Place<'_>,
    ) -> Result<(), Refusal> {
        self.edits.clear();
        let content = cell.content();
        let raw = row.get(content.clone()).unwrap_or_default();
        if cell.is_quoted && memchr::memchr(b'"', raw).is_some() {
            let text = decode(row, cell);
            inspector.inspect(&text, place, &mut self.edits)?;
            self.stretch(raw);
        } else {
            inspector.inspect(raw, place, &mut self.edits)?;
        }
        for edit in self.edits.drain(..) {
            self.changes.push(Change {
                cell: at,
                range: content.start + edit.range.start..content.start + edit.range.end,
                text: edit.replacement,
            });
        }
        Ok(())
    }

    /// Turns ranges of the decoded text into ranges of `raw`, in which quotes are doubled.
    fn stretch(&mut self, raw: &[u8]) {
        let (mut decoded, mut at) = (0, 0);
        let mut to_raw = |offset: usize| {
            while decoded < offset {
                at += if raw.get(at) == Some(&b'"') { 2 } else { 1 };
                decoded += 1;
            }
            at
        };
        for edit in &mut self.edits {
            let start = to_raw(edit.range.start);
            edit.range = start..to_raw(edit.range.end);
        }
    }

    /// Writes the row with its replacements.
    pub(super) fn write(&mut self, reader: &Reader, out: &mut Output) {
        let row = reader.row();
        let part = |from: usize, to: usize| row.get(from..to).unwrap_or_default();
        let is_special =
            |byte: u8| matches!(byte, b'"' | b'\r' | b'\n') || byte == reader.delimiter();
        let mut at = 0;
        for group in self.changes.chunk_by(|a, b| a.cell == b.cell) {
            let Some(cell) = group
                .first()
                .and_then(|first| reader.cells().get(first.cell))
            else {
                continue;
            };
            let mut texts = group.iter().map(|change| &change.text);
            let needs_quotes = !cell.is_quoted && texts.any(|text| text.bytes().any(is_special));
            let quote: &[u8] = if needs_quotes { b"\"" } else { b"" };
            out.bytes.extend_from_slice(part(at, cell.range.start));
            out.bytes.extend_from_slice(quote);
            at = cell.range.start;
            for change in group {
                out.bytes.extend_from_slice(part(at, change.range.start));
                if cell.is_quoted || needs_quotes {
                    let text = change.text.replace('"', "\"\"");
                    out.bytes.extend_from_slice(text.as_bytes());
                } else {
                    out.bytes.extend_from_slice(change.text.as_bytes());
                }
                at = change.range.end;
            }
            out.bytes.extend_from_slice(part(at, cell.range.end));
            out.bytes.extend_from_slice(quote);
            at = cell.range.end;
        }
        out.bytes.extend_from_slice(part(at, row.len()));
    }

    pub(super) fn held(&self) -> usize {
        self.changes.capacity() * size_of::<Change>()
    }
}
