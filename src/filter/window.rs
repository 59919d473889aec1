//! A text that streams through the detectors: bytes leave as soon as no match can reach them any more.

use bytes::BytesMut;

use crate::filter::{Edit, Inspector, Place};
use crate::scan::{Hit, Scanner};
use crate::types::{ReasonCode, Refusal};

/// One streaming text, with the part of it that is still undecided.
#[derive(Debug)]
pub(super) struct Window {
    scanner: Option<Scanner>,
    /// Bytes that came and have not left.
    held: BytesMut,
    /// How many bytes have left: where `held` begins.
    base: u64,
    /// Hits that were reported and not yet judged.
    hits: Vec<Hit>,
    edits: Vec<Edit>,
    /// The most bytes that one group of overlapping matches may cover.
    limit: usize,
    second: Option<Second>,
}

/// The bytes of a body that is in another charset, as UTF-8: what is found in them but not in the text is refused.
#[derive(Clone, Copy, Debug)]
struct Second {
    /// ASCII is none in that charset.
    is_wide: bool,
}

impl Window {
    /// A text for `inspector` to look through.
    pub(super) fn new(inspector: &Inspector) -> Self {
        Self {
            scanner: inspector.scanner(),
            held: BytesMut::new(),
            base: 0,
            hits: Vec::new(),
            edits: Vec::new(),
            limit: inspector.plan().context.limits.string,
            second: None,
        }
    }

    /// A second reading of bytes that are text in another charset, `is_wide` where that is UTF-16.
    /// It refuses what is found in it, unless it is ASCII that says the same in both.
    pub(super) fn of_second(inspector: &Inspector, is_wide: bool) -> Self {
        Self {
            second: Some(Second { is_wide }),
            ..Self::new(inspector)
        }
    }

    /// Bytes that are undecided.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Takes the next bytes; what is decided goes to `out`.
    pub(super) fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut BytesMut,
    ) -> Result<(), Refusal> {
        let Some(scanner) = &mut self.scanner else {
            out.extend_from_slice(chunk);
            return Ok(());
        };
        let hits = &mut self.hits;
        scanner.feed(chunk, &mut |hit| hits.push(hit));
        let settled = scanner.settled();
        self.held.extend_from_slice(chunk);
        self.release(settled, inspector, out)?;
        if self.held.len() > self.limit {
            return Err(too_long());
        }
        Ok(())
    }

    /// Takes the end of the text; the rest goes to `out`.
    pub(super) fn finish(
        &mut self,
        inspector: &mut Inspector,
        out: &mut BytesMut,
    ) -> Result<(), Refusal> {
        let Some(mut scanner) = self.scanner.take() else {
            return Ok(());
        };
        let hits = &mut self.hits;
        scanner.finish(&mut |hit| hits.push(hit));
        let end = self.base + self.held.len() as u64;
        self.release(end, inspector, out)
    }

    /// Judges what is complete before `settled` and lets it go.
    fn release(
        &mut self,
        settled: u64,
        inspector: &mut Inspector,
        out: &mut BytesMut,
    ) -> Result<(), Refusal> {
        let mut end = settled.min(self.base + self.held.len() as u64);
        if !self.hits.is_empty() {
            self.hits.sort_unstable_by_key(|hit| hit.span);
            let (count, cut) = self.complete(end)?;
            end = cut;
            let mut done: Vec<Hit> = self.hits.drain(..count).collect();
            self.edits.clear();
            let place = Place::Body(self.base);
            inspector.judge(&mut done, &self.held, self.base, &place, &mut self.edits)?;
            self.check_second()?;
        }
        let mut length = usize::try_from(end.saturating_sub(self.base)).unwrap_or(0);
        let mut at = 0;
        for edit in self.edits.drain(..) {
            let kept = edit.range.start.saturating_sub(at);
            let removed = edit.range.end.saturating_sub(edit.range.start);
            out.extend_from_slice(&self.held.split_to(kept.min(self.held.len())));
            out.extend_from_slice(edit.replacement.as_bytes());
            _ = self.held.split_to(removed.min(self.held.len()));
            at = edit.range.end;
        }
        length = length.saturating_sub(at);
        out.extend_from_slice(&self.held.split_to(length.min(self.held.len())));
        self.base = end.max(self.base);
        Ok(())
    }

    fn check_second(&self) -> Result<(), Refusal> {
        let Some(second) = self.second else {
            return Ok(());
        };
        let says_other = |edit: &Edit| {
            let text = self.held.get(edit.range.clone());
            second.is_wide || !text.is_some_and(<[u8]>::is_ascii)
        };
        if self.edits.iter().any(says_other) {
            return Err(Refusal::new(ReasonCode::AnswerMalformed)
                .because("a text that says something else to those who take it for UTF-8"));
        }
        Ok(())
    }

    /// How many of the sorted hits stand in groups that end by `settled`, and up to where bytes may leave.
    fn complete(&self, settled: u64) -> Result<(usize, u64), Refusal> {
        let mut count = 0;
        let mut group: Option<(u64, u64, usize)> = None;
        for (index, hit) in self.hits.iter().enumerate() {
            match &mut group {
                Some((start, end, _)) if hit.span.start < *end => {
                    *end = hit.span.end.max(*end);
                    if *end - *start > self.limit as u64 {
                        return Err(too_long());
                    }
                }
                _ => {
                    if group.is_some_and(|(_, end, _)| end > settled) {
                        break;
                    }
                    count = index;
                    group = Some((hit.span.start, hit.span.end, index));
                }
            }
        }
        match group {
            Some((start, end, first)) if end > settled => Ok((first, settled.min(start))),
            Some(_) => Ok((self.hits.len(), settled)),
            None => Ok((count, settled)),
        }
    }
}

fn too_long() -> Refusal {
    Refusal::new(ReasonCode::StringTooLong).because("a match grows beyond `limits.string`")
}
