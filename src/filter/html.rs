//! Pages: the elements that an owner rule names are judged one by one, and what stays is scanned as a
//! browser reads it.
//!
//! A record is an element from its start tag to its end tag; it is held until it is whole, judged,
//! and leaves byte for byte or stays behind. Texts and attributes are scanned with their character
//! references undone; only the offending bytes change. Where browsers may disagree about what a
//! record is, the page is refused.

mod address;
mod element;
mod hidden;
mod looked;
mod page;
mod reader;
mod record;

use std::sync::Arc;

use encoding_rs::Encoding;

use self::looked::Looked;
use self::page::Page;
use self::reader::{Reader, Token, TokenKind};
use self::record::Record;
use crate::filter::text::{Guard, Utf8};
use crate::filter::{Format, Inspector, Output};
use crate::policy::treatment::{HtmlPlace, HtmlRule};
use crate::types::{ReasonCode, Refusal};

/// Input is taken in pieces of at most this many bytes.
const PIECE: usize = 16 << 10;

/// One page.
#[derive(Debug)]
pub(super) struct Html {
    reader: Reader,
    utf8: Utf8,
    guard: Guard,
    rule: Option<Arc<HtmlRule>>,
    page: Page,
    /// The text node that is being read: where it begins, and what kind it is.
    text: Option<Token>,
    /// Up to here tokens have come.
    seen: u64,
    record: Option<Record>,
    has_matched: bool,
    /// The encoding that the page came in, and whether any letter of it depends on that.
    encoding: &'static Encoding,
    has_letters: bool,
    limit: usize,
    refusal: Option<Refusal>,
}

impl Html {
    /// A filter for one page under `rule`, or one that is only scrubbed.
    ///
    /// # Errors
    /// Refuses rules whose selectors can't be read (policies with one are refused before).
    pub(super) fn new(inspector: &Inspector, rule: Option<Arc<HtmlRule>>) -> Result<Self, Refusal> {
        let limit = inspector.plan().context.limits.record;
        let mut selectors: Vec<&str> = Vec::new();
        if let Some(rule) = &rule {
            selectors.push(&rule.records);
            selectors.extend(rule.owner.iter().filter_map(|owner| match &owner.at {
                HtmlPlace::Text(selector) => Some(&**selector),
                HtmlPlace::Attribute(_) => None,
            }));
        }
        Ok(Self {
            reader: Reader::new(&selectors, rule.is_some(), limit)?,
            utf8: Utf8::default(),
            guard: Guard::of_page(inspector),
            page: Page::new(rule.clone(), Looked::new(&selectors)),
            rule,
            text: None,
            seen: 0,
            record: None,
            has_matched: false,
            encoding: encoding_rs::UTF_8,
            has_letters: false,
            limit,
            refusal: None,
        })
    }

    fn is_holding(&self) -> bool {
        self.rule
            .as_ref()
            .is_some_and(|rule| rule.others.holds_whole() || self.is_unmatched(rule))
    }

    fn is_unmatched(&self, rule: &HtmlRule) -> bool {
        !rule.is_optional && !self.has_matched
    }

    fn pieces(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<bool, Refusal> {
        let mut is_undecided = false;
        for piece in chunk.chunks(PIECE) {
            self.utf8.check(piece)?;
            is_undecided = self.guard.read(piece)?;
            self.page.extend(piece);
            let (tokens, read) = self.reader.write(piece);
            for token in tokens {
                self.token(token, inspector, out)?;
            }
            read?;
            self.has_letters |= !piece.is_ascii();
            self.check_charset()?;
            self.page.forget();
            // A record, and behind it a tag that is not whole.
            if self.page.pending() > self.limit.saturating_mul(2) {
                return Err(Refusal::new(ReasonCode::RecordTooLarge));
            }
        }
        Ok(is_undecided)
    }

    /// Takes a token: parts of a text are put together, end tags are found before it.
    fn token(
        &mut self,
        token: Token,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        if let TokenKind::Text { is_open, .. } = token.kind {
            let mut text = match self.text.take() {
                Some(text) => text,
                None if token.range.is_empty() => return Ok(()),
                None => {
                    self.between(token.range.start, inspector, out)?;
                    Token {
                        range: token.range.start..token.range.start,
                        kind: token.kind,
                    }
                }
            };
            text.range.end = text.range.end.max(token.range.end);
            self.seen = self.seen.max(text.range.end);
            if is_open {
                self.text = Some(text);
                return Ok(());
            }
            return self.whole(text, inspector, out);
        }
        if let Some(text) = self.text.take() {
            self.whole(text, inspector, out)?;
        }
        self.between(token.range.start, inspector, out)?;
        self.seen = token.range.end;
        self.whole(token, inspector, out)
    }

    /// Takes what stands between the last token and `end`: end tags.
    fn between(
        &mut self,
        end: u64,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        if self.seen >= end {
            return Ok(());
        }
        let between = self.seen..end;
        self.seen = end;
        if between.end - between.start > self.limit as u64 {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        for token in self.page.end_tags(between)? {
            self.whole(token, inspector, out)?;
        }
        Ok(())
    }

    /// Takes a whole token: it joins the record at hand, begins one, or passes scanned.
    fn whole(
        &mut self,
        token: Token,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        if token.range.end - token.range.start > self.limit as u64 {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        self.settle(token, inspector, out)?;
        if self.is_holding() && out.bytes.len() > self.limit {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        Ok(())
    }

    fn settle(
        &mut self,
        token: Token,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let Some(rule) = self.rule.clone() else {
            return self.page.pass(&token, inspector, out);
        };
        let mut record = match self.record.take() {
            Some(record) => record,
            None if record::is_record(&token) => Record::default(),
            None => return self.page.pass(&token, inspector, out),
        };
        self.has_matched = true;
        let is_whole = record.push(token)?;
        if record.length() > self.limit as u64 {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        if !is_whole {
            self.record = Some(record);
            return Ok(());
        }
        record.settle(&rule, &mut self.page, inspector, out)
    }

    /// Refuses a page that says another charset than it came in, where that makes a difference.
    fn check_charset(&self) -> Result<(), Refusal> {
        // Who reads UTF-16 as something else finds no charset in it.
        let is_wide = self.encoding.output_encoding() != self.encoding;
        if self.has_letters && !is_wide && self.page.names_other(self.encoding) {
            return Err(Refusal::new(ReasonCode::AnswerMalformed)
                .because("a page that names another charset than it is read in"));
        }
        Ok(())
    }

    fn end(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        self.utf8.finish()?;
        self.guard.finish()?;
        let (tokens, read) = self.reader.finish();
        for token in tokens {
            self.token(token, inspector, out)?;
        }
        read?;
        if let Some(text) = self.text.take() {
            self.whole(text, inspector, out)?;
        }
        self.between(self.page.end(), inspector, out)?;
        self.page.end_run(inspector, out)?;
        self.check_charset()?;
        if self.record.is_some() {
            return Err(
                Refusal::new(ReasonCode::AnswerTruncated).because("a record without its end tag")
            );
        }
        match &self.rule {
            Some(rule) if self.is_unmatched(rule) => {
                Err(Refusal::new(ReasonCode::NothingSelected).by(&rule.origin))
            }
            _ => Ok(()),
        }
    }
}

impl Format for Html {
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        match self.pieces(chunk, inspector, out) {
            Ok(is_undecided) => {
                out.held = is_undecided || self.is_holding();
                Ok(())
            }
            Err(refusal) => {
                self.refusal = Some(refusal.clone());
                Err(refusal)
            }
        }
    }

    fn read_in(&mut self, encoding: &'static Encoding, is_own: bool) -> Result<(), Refusal> {
        self.encoding = encoding;
        if is_own && !self.page.names(encoding) {
            return Err(Refusal::new(ReasonCode::AnswerMalformed)
                .because("a charset that stands where only some readers look for it"));
        }
        Ok(())
    }

    fn finish(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        let ended = self.end(inspector, out);
        if let Err(refusal) = &ended {
            self.refusal = Some(refusal.clone());
        }
        out.held = ended.is_err();
        ended
    }

    fn buffered(&self) -> usize {
        let record = self.record.as_ref().map_or(0, Record::held);
        // The parser keeps a copy of a token that is not whole yet.
        2 * self.page.held() + record
    }
}

#[cfg(test)]
mod tests;
