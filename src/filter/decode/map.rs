//! Which bytes of a text a decoded one was made of.

use std::collections::VecDeque;
use std::ops::Range;

/// An escape: where it stands in both texts.
#[derive(Clone, Copy, Debug)]
struct Piece {
    text: u64,
    text_end: u64,
    raw: u64,
    raw_end: u64,
}

/// Escapes in order; between them both texts are the same.
#[derive(Debug, Default)]
pub(super) struct Map {
    /// A place in the raw text, and the one in the decoded text, before all pieces.
    anchor: (u64, u64),
    pieces: VecDeque<Piece>,
}

impl Map {
    /// A map of two texts that are the same up to `at`.
    pub(super) fn new(at: u64) -> Self {
        Self {
            anchor: (at, at),
            pieces: VecDeque::new(),
        }
    }

    pub(super) fn push(&mut self, raw: Range<u64>, text: Range<u64>) {
        self.pieces.push_back(Piece {
            text: text.start,
            text_end: text.end,
            raw: raw.start,
            raw_end: raw.end,
        });
    }

    /// Where the decoded byte at `offset` begins in the raw text.
    pub(super) fn start(&self, offset: u64) -> u64 {
        match self.before(offset) {
            Some(piece) if offset < piece.text_end => piece.raw,
            Some(piece) => piece.raw_end + (offset - piece.text_end),
            None => self.plain(offset),
        }
    }

    /// Where the decoded bytes before `offset` end in the raw text.
    pub(super) fn end(&self, offset: u64) -> u64 {
        let last = offset.checked_sub(1);
        match last.and_then(|last| self.before(last)) {
            Some(piece) if offset <= piece.text_end => piece.raw_end,
            Some(piece) => piece.raw_end + (offset - piece.text_end),
            None => self.plain(offset),
        }
    }

    /// Where the raw byte at `raw` stands in the decoded text: with the escape that it is in.
    pub(super) fn forward(&self, raw: u64) -> u64 {
        let after = self.pieces.partition_point(|piece| piece.raw <= raw);
        match after.checked_sub(1).and_then(|last| self.pieces.get(last)) {
            Some(piece) if raw < piece.raw_end => piece.text,
            Some(piece) => piece.text_end + (raw - piece.raw_end),
            None => self.anchor.1 + raw.saturating_sub(self.anchor.0),
        }
    }

    /// `span` in the raw text, grown over the escapes that it cuts; those that stand for nothing only where `all`.
    pub(super) fn widen(&self, span: Range<u64>, all: bool) -> Range<u64> {
        let inside = |at: u64| {
            let piece = self.around(at)?;
            (all || piece.text_end > piece.text).then_some(piece)
        };
        let start = inside(span.start).map_or(span.start, |piece| piece.raw);
        let end = inside(span.end).map_or(span.end, |piece| piece.raw_end);
        start..end
    }

    /// Whether an escape stands in the raw text at `span`, or is cut by it.
    pub(super) fn touches(&self, span: &Range<u64>) -> bool {
        let after = self.pieces.partition_point(|piece| piece.raw < span.end);
        let last = after.checked_sub(1).and_then(|last| self.pieces.get(last));
        last.is_some_and(|piece| piece.raw_end > span.start)
    }

    /// Where the last escape that begins in the raw text at `span` ends.
    pub(super) fn last_end(&self, span: &Range<u64>) -> Option<u64> {
        let after = self.pieces.partition_point(|piece| piece.raw < span.end);
        let last = after.checked_sub(1).and_then(|last| self.pieces.get(last));
        let end = last.map(|piece| piece.raw_end)?;
        (span.start < end && end < span.end).then_some(end)
    }

    /// Gives up what stands before `raw`.
    pub(super) fn forget(&mut self, raw: u64) {
        while let Some(piece) = self.pieces.front().filter(|piece| piece.raw_end <= raw) {
            self.anchor = (piece.raw_end, piece.text_end);
            self.pieces.pop_front();
        }
    }

    pub(super) fn held(&self) -> usize {
        self.pieces.capacity() * size_of::<Piece>()
    }

    fn plain(&self, offset: u64) -> u64 {
        self.anchor.0 + offset.saturating_sub(self.anchor.1)
    }

    /// The last escape that begins at or before a decoded offset.
    fn before(&self, offset: u64) -> Option<&Piece> {
        let after = self.pieces.partition_point(|piece| piece.text <= offset);
        after.checked_sub(1).and_then(|last| self.pieces.get(last))
    }

    /// The escape that has `raw` inside, and not at its edge.
    fn around(&self, raw: u64) -> Option<&Piece> {
        let after = self.pieces.partition_point(|piece| piece.raw < raw);
        let last = after.checked_sub(1).and_then(|last| self.pieces.get(last));
        last.filter(|piece| raw < piece.raw_end)
    }
}
