//! Offsets become lines and columns while the bytes stream by.

/// A place for people: both count from one, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: u64,
    pub(super) column: u64,
}

impl Position {
    const FIRST: Self = Self { line: 1, column: 1 };

    /// The position behind `bytes` that begin here. `\n` alone ends a line; bytes that continue a
    /// character of UTF-8 don't count.
    fn after(self, bytes: &[u8]) -> Self {
        let mut lines = 0;
        let mut from = 0;
        for at in memchr::memchr_iter(b'\n', bytes) {
            lines += 1;
            from = at + 1;
        }
        let rest = bytes.get(from..).unwrap_or_default();
        let is_first = |byte: &&u8| **byte & 0b1100_0000 != 0b1000_0000;
        let characters = rest.iter().filter(is_first).count() as u64;
        Self {
            line: self.line + lines,
            column: characters + if lines == 0 { self.column } else { 1 },
        }
    }
}

/// The last bytes of a stream, from an offset on whose position is known.
#[derive(Debug)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    base: u64,
    first: Position,
    // The place that was asked about last: the next one seldom lies before it.
    asked: (usize, Position),
}

impl Lines {
    pub(super) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            base: 0,
            first: Position::FIRST,
            asked: (0, Position::FIRST),
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The position of the byte at `offset`, which must not be forgotten yet.
    pub(super) fn position(&mut self, offset: u64) -> Position {
        let at = usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let at = at.min(self.bytes.len());
        let (from, position) = if self.asked.0 <= at {
            self.asked
        } else {
            (0, self.first)
        };
        let between = self.bytes.get(from..at).unwrap_or_default();
        let position = position.after(between);
        self.asked = (at, position);
        position
    }

    /// Lets go of the bytes before `offset`.
    pub(super) fn forget(&mut self, offset: u64) {
        if offset <= self.base {
            return;
        }
        let first = self.position(offset);
        let (length, _) = self.asked;
        self.bytes.drain(..length);
        self.base += length as u64;
        self.first = first;
        self.asked = (0, first);
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, Position};

    fn at(line: u64, column: u64) -> Position {
        Position { line, column }
    }

    #[test]
    fn counts_lines_and_characters() {
        let mut lines = Lines::new();
        lines.feed("é\r\nxy\n\nz".as_bytes());
        assert_eq!(lines.position(0), at(1, 1));
        assert_eq!(lines.position(2), at(1, 2));
        assert_eq!(lines.position(4), at(2, 1));
        assert_eq!(lines.position(5), at(2, 2));
        assert_eq!(lines.position(8), at(4, 1));
        assert_eq!(lines.position(7), at(3, 1));
    }

    #[test]
    fn is_right_at_every_cut() {
        let text = "a\r\n\néé\nb\n\nlong long line\r\n";
        let mut whole = Lines::new();
        whole.feed(text.as_bytes());
        for cut in 0..text.len() {
            let mut lines = Lines::new();
            let (before, after) = text.as_bytes().split_at(cut);
            lines.feed(before);
            lines.forget(cut as u64);
            lines.feed(after);
            for offset in cut..text.len() {
                let offset = offset as u64;
                assert_eq!(lines.position(offset), whole.position(offset), "{cut}");
            }
        }
    }
}
