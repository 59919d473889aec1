//! A text that streams through the detectors: bytes leave as soon as no match can reach them any more.
//!
//! It is searched as it stands and with the escapes of its language undone.

use std::ops::Range;

use bytes::BytesMut;

use crate::filter::decode::{self, Language, Layers, View};
use crate::filter::{Edit, Inspector, Place};
use crate::scan::{Hit, Scanner, Span};
use crate::types::{ReasonCode, Refusal};

/// One streaming text, with the part of it that is still undecided.
#[derive(Debug)]
pub(super) struct Window {
    /// The search in each reading; in that of the text as it stands first.
    searches: Vec<Search>,
    layers: Layers,
    /// Bytes that came and have not left.
    held: BytesMut,
    /// How many bytes have left: where `held` begins.
    base: u64,
    /// The most bytes that one group of overlapping matches may cover.
    limit: usize,
    /// How many bytes before an escape its reading is searched from.
    margin: u64,
    second: Option<Second>,
    /// The last byte that left.
    last: Option<u8>,
}

/// The bytes of a body that is in another charset, as UTF-8: what is found in them but not in the text is refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Second {
    /// ASCII is none in that charset.
    pub(super) is_wide: bool,
    /// A byte of ASCII may be the end of a letter there.
    pub(super) has_trails: bool,
}

/// The search in one reading.
#[derive(Debug, Default)]
struct Search {
    /// None where nothing is looked for, or the reading is that of another one so far.
    scanner: Option<Scanner>,
    /// Where the scanner began, and up to where it was fed.
    origin: u64,
    fed: u64,
    /// Hits that were reported and not yet judged.
    hits: Vec<Hit>,
}

impl Search {
    fn feed(&mut self, view: View<'_>) {
        let Some(scanner) = &mut self.scanner else {
            return;
        };
        let (hits, origin) = (&mut self.hits, self.origin);
        scanner.feed(view.from(self.fed), &mut |hit| {
            hits.push(moved(hit, origin))
        });
        self.fed = view.end();
    }

    fn finish(&mut self) {
        if let Some(mut scanner) = self.scanner.take() {
            let (hits, origin) = (&mut self.hits, self.origin);
            scanner.finish(&mut |hit| hits.push(moved(hit, origin)));
        }
    }

    fn settled(&self) -> u64 {
        let settled = self.scanner.as_ref().map_or(0, Scanner::settled);
        settled + self.origin
    }
}

fn moved(mut hit: Hit, by: u64) -> Hit {
    hit.span = Span::new(hit.span.start + by, hit.span.end + by);
    hit
}

impl Window {
    /// A text for `inspector` to look through as it stands.
    pub(super) fn new(inspector: &Inspector) -> Self {
        Self::in_language(inspector, Language::Plain)
    }

    /// The same in a language with escapes.
    pub(super) fn in_language(inspector: &Inspector, language: Language) -> Self {
        let layers = Layers::new(language.layers());
        let mut searches: Vec<Search> = Vec::new();
        searches.resize_with(1 + layers.count(), Search::default);
        if let Some(first) = searches.first_mut() {
            first.scanner = inspector.scanner();
        }
        Self {
            searches,
            layers,
            held: BytesMut::new(),
            base: 0,
            limit: inspector.plan().context.limits.string,
            margin: decode::reach(inspector),
            second: None,
            last: None,
        }
    }

    /// A second reading of bytes that are text of `language` in another charset.
    /// It refuses what is found in it, unless it is ASCII that says the same in both.
    pub(super) fn of_second(inspector: &Inspector, language: Language, second: Second) -> Self {
        Self {
            second: Some(second),
            ..Self::in_language(inspector, language)
        }
    }

    /// Bytes that are undecided.
    pub(super) fn len(&self) -> usize {
        self.held.len() + self.layers.held()
    }

    /// Takes the next bytes; what is decided goes to `out`.
    pub(super) fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut BytesMut,
    ) -> Result<(), Refusal> {
        if inspector.is_idle() {
            out.extend_from_slice(chunk);
            return Ok(());
        }
        self.held.extend_from_slice(chunk);
        self.read(inspector, false)?;
        let mut end = self.end();
        for (reading, search) in self.searches.iter().enumerate() {
            if search.scanner.is_some() {
                let settled = self
                    .layers
                    .bound(reading, search.settled(), 2 * self.margin);
                end = end.min(self.layers.raw_start(reading, settled));
            }
        }
        self.release(end.max(self.base), inspector, out)?;
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
        if inspector.is_idle() {
            return Ok(());
        }
        self.read(inspector, true)?;
        self.searches.iter_mut().for_each(Search::finish);
        self.release(self.end(), inspector, out)
    }

    fn end(&self) -> u64 {
        self.base + self.held.len() as u64
    }

    /// Reads what came in every way.
    fn read(&mut self, inspector: &Inspector, is_last: bool) -> Result<(), Refusal> {
        let raw = View {
            base: self.base,
            text: &self.held,
        };
        self.layers.write(raw, is_last)?;
        for (reading, search) in self.searches.iter_mut().enumerate() {
            if reading == 0 {
                search.feed(raw);
            } else if let Some(view) = self.layers.text(reading) {
                if search.scanner.is_none() {
                    search.scanner = inspector.scanner();
                    search.origin = self.layers.origin(reading).unwrap_or(view.base);
                    search.fed = view.base;
                }
                search.feed(view);
            }
            // What a search that begins in the middle finds first may be what stands before made of it.
            let first = if search.origin == 0 {
                0
            } else {
                search.origin + self.margin
            };
            search.hits.retain(|hit| hit.span.start >= first);
        }
        Ok(())
    }

    /// Judges what is complete before `settled` and lets it go.
    fn release(
        &mut self,
        settled: u64,
        inspector: &mut Inspector,
        out: &mut BytesMut,
    ) -> Result<(), Refusal> {
        let mut end = settled;
        let mut edits: Vec<Edit> = Vec::new();
        if self.searches.iter().any(|search| !search.hits.is_empty()) {
            let mut places = self.places();
            let (count, cut) = self.complete(&places, settled)?;
            end = cut;
            places.truncate(count);
            let done = self.take(&places);
            let raw = View {
                base: self.base,
                text: &self.held,
            };
            edits = decode::edits(&self.layers, raw, &Place::Body(0), done, inspector)?;
            self.check_second(&edits)?;
        }
        let length = usize::try_from(end.saturating_sub(self.base)).unwrap_or(0);
        let mut at = 0;
        if let Some(last) = length.checked_sub(1).and_then(|last| self.held.get(last)) {
            self.last = Some(*last);
        }
        for edit in edits {
            let kept = edit.range.start.saturating_sub(at);
            let removed = edit.range.end.saturating_sub(edit.range.start);
            out.extend_from_slice(&self.held.split_to(kept.min(self.held.len())));
            out.extend_from_slice(edit.replacement.as_bytes());
            _ = self.held.split_to(removed.min(self.held.len()));
            at = edit.range.end;
        }
        let rest = length.saturating_sub(at);
        out.extend_from_slice(&self.held.split_to(rest.min(self.held.len())));
        self.base = end.max(self.base);
        self.layers.forget(self.base);
        Ok(())
    }

    fn check_second(&self, edits: &[Edit]) -> Result<(), Refusal> {
        let Some(second) = self.second else {
            return Ok(());
        };
        let says_other = |edit: &Edit| {
            let text = self.held.get(edit.range.clone());
            let before = match edit.range.start.checked_sub(1) {
                Some(at) => self.held.get(at).copied(),
                None => self.last,
            };
            // A letter of two bytes may end with the first of what was found.
            let is_cut = second.has_trails && before.is_some_and(|byte| !byte.is_ascii());
            second.is_wide || is_cut || !text.is_some_and(<[u8]>::is_ascii)
        };
        if edits.iter().any(says_other) {
            return Err(Refusal::new(ReasonCode::AnswerMalformed)
                .because("a text that says something else to those who take it for UTF-8"));
        }
        Ok(())
    }

    /// Where the hits stand in the text as it came, sorted, with reading and place among its hits.
    fn places(&self) -> Vec<(Range<u64>, usize, usize)> {
        let mut places = Vec::new();
        for (reading, search) in self.searches.iter().enumerate() {
            for (index, hit) in search.hits.iter().enumerate() {
                let span = hit.span.start..hit.span.end;
                places.push((self.layers.raw_span(reading, span), reading, index));
            }
        }
        places.sort_by_key(|(span, reading, index)| (span.start, span.end, *reading, *index));
        places
    }

    /// Takes the hits at `places`.
    fn take(&mut self, places: &[(Range<u64>, usize, usize)]) -> Vec<(usize, Hit)> {
        let mut done = Vec::with_capacity(places.len());
        for (reading, search) in self.searches.iter_mut().enumerate() {
            let mut taken = vec![false; search.hits.len()];
            for (_, of, index) in places {
                if *of == reading
                    && let Some(slot) = taken.get_mut(*index)
                {
                    *slot = true;
                }
            }
            let mut taken = taken.into_iter();
            search.hits.retain(|hit| {
                let is_taken = taken.next().unwrap_or(false);
                if is_taken {
                    done.push((reading, *hit));
                }
                !is_taken
            });
        }
        done
    }

    /// How many of the sorted hits stand in groups that end by `settled`, and up to where bytes may leave.
    fn complete(
        &self,
        places: &[(Range<u64>, usize, usize)],
        settled: u64,
    ) -> Result<(usize, u64), Refusal> {
        let mut count = 0;
        let mut group: Option<(u64, u64, usize)> = None;
        for (index, (span, ..)) in places.iter().enumerate() {
            match &mut group {
                Some((start, end, _)) if span.start < *end => {
                    *end = span.end.max(*end);
                    if *end - *start > self.limit as u64 {
                        return Err(too_long());
                    }
                }
                _ => {
                    if group.is_some_and(|(_, end, _)| end > settled) {
                        break;
                    }
                    count = index;
                    group = Some((span.start, span.end, index));
                }
            }
        }
        match group {
            Some((start, end, first)) if end > settled => Ok((first, settled.min(start))),
            Some(_) => Ok((places.len(), settled)),
            None => Ok((count, settled)),
        }
    }
}

fn too_long() -> Refusal {
    Refusal::new(ReasonCode::StringTooLong).because("a match grows beyond `limits.string`")
}

#[cfg(test)]
mod tests;
