//! A row as those read it who know no quotes: apps that join texts with a delimiter write such tables, and
//! some clients read them. A quoted cell of the subject's could hold others' rows as lines.

use super::reader::Reader;

/// One line of a row.
#[derive(Debug)]
pub(super) struct Line<'a> {
    bytes: &'a [u8],
    delimiter: u8,
}

impl Line<'_> {
    /// Whether it has cells for all of the table's columns.
    pub(super) fn is_row(&self, columns: usize) -> bool {
        memchr::memchr_iter(self.delimiter, self.bytes).count() + 1 >= columns
    }

    /// The text of its `at`th cell, without quotes around it.
    pub(super) fn cell(&self, at: usize) -> Option<&[u8]> {
        let text = self.bytes.split(|byte| *byte == self.delimiter).nth(at)?;
        let text = text.strip_prefix(b"\"").unwrap_or(text);
        Some(text.strip_suffix(b"\"").unwrap_or(text))
    }
}

/// The lines of the complete row; none if it is one line.
pub(super) fn of(reader: &Reader) -> impl Iterator<Item = Line<'_>> {
    let row = reader.row().get(..reader.end()).unwrap_or_default();
    let row = if row.iter().any(is_break) { row } else { b"" };
    row.split(is_break)
        .filter(|bytes| !bytes.is_empty())
        .map(|bytes| Line {
            bytes,
            delimiter: reader.delimiter(),
        })
}

/// Whether a quoted cell holds what ends a cell or a row without its quotes.
pub(super) fn is_quoting(reader: &Reader) -> bool {
    reader.cells().iter().any(|cell| {
        let text = reader.row().get(cell.content()).unwrap_or_default();
        let ends = |byte: &u8| is_break(byte) || *byte == reader.delimiter();
        cell.is_quoted && text.iter().any(ends)
    })
}

/// Line breaks, also of those who take vertical tabs and form feeds for some.
fn is_break(byte: &u8) -> bool {
    matches!(byte, b'\n' | 0x0b | 0x0c | b'\r')
}
