//! Texts with comments between them: one text to whoever looks at the page. Frameworks write such comments between the
//! values that they put together (`bob@<!-- -->shop.example`).

use std::ops::Range;

use lol_html::html_content::TextType;

use super::{Page, escaped, holds_tag, is_open};
use crate::filter::decode::{self, Language};
use crate::filter::html::reader::TokenKind;
use crate::filter::{Edit, Inspector, Output};
use crate::types::{ReasonCode, Refusal};

/// Tokens between two tags.
#[derive(Debug, Default)]
pub(super) struct Run {
    parts: Vec<(Range<u64>, Part)>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Text(TextType),
    Comment,
    /// The brackets of character data.
    Bracket,
}

/// What stands in the place of a comment that may hold records.
const COMMENT: &str = "<!---->";

impl Part {
    /// What a token is in a run, if it can be in one.
    pub(super) fn of(kind: &TokenKind) -> Option<Self> {
        match kind {
            TokenKind::Text {
                kind: kind @ (TextType::Data | TextType::CDataSection),
                ..
            } => Some(Self::Text(*kind)),
            TokenKind::Comment => Some(Self::Comment),
            TokenKind::Between => Some(Self::Bracket),
            TokenKind::Text { .. }
            | TokenKind::Start(_)
            | TokenKind::End(_)
            | TokenKind::Doctype => None,
        }
    }
}

impl Run {
    /// Takes the next token.
    pub(super) fn push(
        &mut self,
        range: Range<u64>,
        part: Part,
        inspector: &Inspector,
    ) -> Result<(), Refusal> {
        let limit = inspector.plan().context.limits.record;
        let start = self
            .parts
            .first()
            .map_or(range.start, |(first, _)| first.start);
        // A token of few bytes takes many to be kept in mind.
        if range.end - start > limit as u64 || self.parts.len() > limit / 16 {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        self.parts.push((range, part));
        Ok(())
    }

    pub(super) fn held(&self) -> usize {
        self.parts.capacity() * size_of::<(Range<u64>, Part)>()
    }

    /// Whether more than one text is in it.
    fn is_joined(&self) -> bool {
        let texts = self.parts.iter().map(|(_, part)| part);
        texts.filter(|part| matches!(part, Part::Text(_))).count() > 1
    }
}

impl Page {
    /// Lets the run at hand pass, scanned: what comes next does not go on with it.
    pub(in crate::filter::html) fn end_run(
        &mut self,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let run = std::mem::take(&mut self.run);
        let across = if run.is_joined() && !inspector.is_idle() {
            self.across(&run, inspector)?
        } else {
            Vec::new()
        };
        if let (Some((first, _)), Some((last, _)), false) =
            (run.parts.first(), run.parts.last(), across.is_empty())
        {
            return self.replace(&run, (first.start..last.end, across), inspector, out);
        }
        for (range, part) in run.parts {
            self.is_open = false;
            match part {
                Part::Text(kind) => self.text(&range, kind, inspector, out)?,
                Part::Comment if self.is_hiding(&range, inspector)? => {
                    self.keep(range.start, out);
                    self.insert(COMMENT, out);
                    self.leave_out(range.end);
                }
                Part::Comment | Part::Bracket => {
                    self.scrub(&range, Language::Inner, inspector, out)?;
                }
            }
            self.keep(range.end, out);
        }
        Ok(())
    }

    /// Whether a comment may hold records.
    fn is_hiding(&self, range: &Range<u64>, inspector: &mut Inspector) -> Result<bool, Refusal> {
        let comment = self.bytes(range);
        let is_bogus = !comment.starts_with(b"<!--");
        if self.rule.is_some() && is_bogus && holds_tag(comment) {
            return Err(Refusal::new(ReasonCode::AnswerMalformed)
                .because("a tag inside of what browsers take for a comment"));
        }
        Ok(self.may_hide(comment, inspector))
    }

    /// What has to be replaced because it stands in several texts together; ranges count from the run's first byte.
    fn across(&self, run: &Run, inspector: &mut Inspector) -> Result<Vec<Edit>, Refusal> {
        let base = run.parts.first().map_or(0, |(first, _)| first.start);
        let mut text = Vec::new();
        // Where each text begins in what is put together, and where it came from.
        let mut pieces: Vec<(usize, u64)> = Vec::new();
        let mut language = Language::Markup;
        for (range, part) in &run.parts {
            if let Part::Text(kind) = part {
                if self.language(*kind) != Language::Markup {
                    language = Language::Inner;
                }
                pieces.push((text.len(), range.start - base));
                text.extend_from_slice(self.bytes(range));
            }
        }
        let joins: Vec<usize> = pieces.iter().skip(1).map(|(at, _)| *at).collect();
        let found = decode::inspect_across(&text, &joins, language, base, inspector)?;
        let place = |at: usize| {
            let next = pieces.partition_point(|(start, _)| *start <= at);
            let (start, raw) = next
                .checked_sub(1)
                .and_then(|last| pieces.get(last))
                .copied()
                .unwrap_or_default();
            usize::try_from(raw)
                .unwrap_or(usize::MAX)
                .saturating_add(at - start)
        };
        let settled = found.into_iter().map(|edit| {
            let start = place(edit.range.start);
            let end = place(edit.range.end.saturating_sub(1)).saturating_add(1);
            Edit {
                range: start..end,
                ..edit
            }
        });
        Ok(settled.collect())
    }

    /// Lets a run pass in which something stands in several texts together.
    fn replace(
        &mut self,
        run: &Run,
        (whole, mut edits): (Range<u64>, Vec<Edit>),
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        for (range, part) in &run.parts {
            let shift = usize::try_from(range.start - whole.start).unwrap_or(usize::MAX);
            let raw = self.bytes(range);
            let language = match part {
                Part::Text(kind) => self.language(*kind),
                Part::Comment | Part::Bracket => Language::Inner,
            };
            let mut own = Vec::new();
            if matches!(part, Part::Comment) && self.is_hiding(range, inspector)? {
                own.push(Edit {
                    range: 0..raw.len(),
                    replacement: COMMENT.into(),
                    number: None,
                });
            } else {
                decode::inspect(raw, language, range.start, inspector, &mut own)?;
                for edit in &mut own {
                    edit.replacement = escaped(&edit.replacement, language).into();
                }
            }
            edits.extend(own.into_iter().map(|edit| Edit {
                range: edit.range.start + shift..edit.range.end + shift,
                ..edit
            }));
        }
        let covered = |edit: &Edit| {
            let start = whole.start + edit.range.start as u64;
            start..whole.start + edit.range.end as u64
        };
        for edit in decode::merged(edits) {
            let range = covered(&edit);
            let raw = self.bytes(&range);
            let count = |what: &[u8]| memchr::memmem::find_iter(raw, what).count();
            // Character data that is cut has to end, or begin, all the same.
            let bracket = match count(b"<![CDATA[").cmp(&count(b"]]>")) {
                std::cmp::Ordering::Less => "]]>",
                std::cmp::Ordering::Equal => "",
                std::cmp::Ordering::Greater => "<![CDATA[",
            };
            self.keep(range.start, out);
            self.insert(&edit.replacement, out);
            self.insert(bracket, out);
            self.leave_out(range.end);
        }
        self.keep(whole.end, out);
        let last = run.parts.last().map(|(range, _)| self.bytes(range));
        self.is_open = last.is_some_and(is_open);
        Ok(())
    }
}
