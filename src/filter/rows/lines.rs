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

/// The lines of the complete row; none if it is one line, or no text.
pub(super) fn of(reader: &Reader) -> impl Iterator<Item = Line<'_>> {
    let row = reader.row().get(..reader.end()).unwrap_or_default();
    let row = std::str::from_utf8(row).unwrap_or_default();
    let row = if row.contains(is_break) { row } else { "" };
    let lines = row.split(is_break).filter(|line| !line.is_empty());
    lines.map(|line| Line {
        bytes: line.as_bytes(),
        delimiter: reader.delimiter(),
    })
}

/// Whether a quoted cell holds what ends a cell or a row without its quotes.
pub(super) fn is_quoting(reader: &Reader) -> bool {
    reader.cells().iter().any(|cell| {
        let text = reader.row().get(cell.content()).unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        let ends = |letter| is_break(letter) || letter == char::from(reader.delimiter());
        cell.is_quoted && text.contains(ends)
    })
}

/// Line breaks, also of those who take every separator of lines, records and pages for one, as Python's `splitlines` does.
fn is_break(letter: char) -> bool {
    matches!(
        letter,
        '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}
