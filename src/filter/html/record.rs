//! One record: the tokens of an element that the owner rule names, and whose it is.

use super::element;
use super::page::Page;
use super::reader::{Tag, Token, TokenKind};
use crate::filter::decode::Coding;
use crate::filter::{Inspector, Output};
use crate::policy::treatment::{HtmlPlace, HtmlRule, Others};
use crate::types::{ReasonCode, Refusal};

/// The mark of elements that are records; those of owners follow.
const RECORD: u64 = 1;

/// An element that is a record, and everything in it.
#[derive(Debug, Default)]
pub(super) struct Record {
    tokens: Vec<Token>,
    /// For each token, where what it begins ends.
    ends: Vec<usize>,
    /// The start tags whose elements are open.
    open: Vec<usize>,
}

/// Whether a token begins a record.
pub(super) fn is_record(token: &Token) -> bool {
    tag(token).is_some_and(|tag| tag.matches & RECORD != 0)
}

impl Record {
    /// Takes the next token; true when the record is whole.
    ///
    /// Elements inside have to end in order, but for those whose end tag may be left out.
    pub(super) fn push(&mut self, token: Token) -> Result<bool, Refusal> {
        let at = self.tokens.len();
        let mut is_whole = false;
        match &token.kind {
            TokenKind::Start(tag) if tag.has_content => self.open.push(at),
            TokenKind::Start(_) => is_whole = self.open.is_empty(),
            TokenKind::End(name) => {
                self.close(name, at)?;
                is_whole = self.open.is_empty();
            }
            TokenKind::Text { .. }
            | TokenKind::Comment
            | TokenKind::Doctype
            | TokenKind::Between => {}
        }
        self.tokens.push(token);
        self.ends.push(at);
        Ok(is_whole)
    }

    /// Bytes from its start tag on.
    pub(super) fn length(&self) -> u64 {
        let first = self.tokens.first().map_or(0, |token| token.range.start);
        let last = self.tokens.last().map_or(0, |token| token.range.end);
        last - first
    }

    /// Lets the whole record pass, or not, and so the records inside it.
    pub(super) fn settle(
        &self,
        rule: &HtmlRule,
        page: &mut Page,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let mut at = 0;
        while let (Some(token), Some(end)) = (self.tokens.get(at), self.ends.get(at)) {
            if is_record(token) && !self.is_owned(rule, at, page, inspector) {
                page.end_run(inspector, out)?;
                inspector.report_mut().withhold(&rule.origin, rule.others);
                let code = match rule.others {
                    Others::Block => Some(ReasonCode::ForeignRecord),
                    Others::Hide => Some(ReasonCode::Hidden),
                    Others::Drop | Others::Redact => None,
                };
                if let Some(code) = code {
                    return Err(Refusal::new(code).by(&rule.origin));
                }
                if let (Others::Redact, Some(tag)) = (rule.others, tag(token)) {
                    page.keep(token.range.start, out);
                    page.insert(&element::placeholder(&tag.name), out);
                } else {
                    page.keep(token.range.start, out);
                    page.part(out);
                }
                let last = self.tokens.get(*end).unwrap_or(token);
                page.leave_out(last.range.end);
                at = end + 1;
                continue;
            }
            page.pass(token, inspector, out)?;
            at += 1;
        }
        Ok(())
    }

    pub(super) fn held(&self) -> usize {
        let attributes = self.tokens.iter().filter_map(tag);
        let attributes = attributes.map(|tag| tag.attributes.capacity() * 64);
        self.tokens.capacity() * (size_of::<Token>() + 16) + attributes.sum::<usize>()
    }

    fn close(&mut self, name: &str, at: usize) -> Result<(), Refusal> {
        while let Some(top) = self.open.pop() {
            if let Some(end) = self.ends.get_mut(top) {
                *end = at;
            }
            let Some(token) = self.tokens.get(top) else {
                break;
            };
            let Some(tag) = tag(token) else { break };
            if *tag.name == *name {
                return Ok(());
            }
            if is_record(token) || !element::may_stay_open(&tag.name) {
                break;
            }
        }
        Err(Refusal::new(ReasonCode::AnswerMalformed)
            .because("a record in which elements do not end in order"))
    }

    /// Whether the record that begins at token `at` is the subject's.
    fn is_owned(&self, rule: &HtmlRule, at: usize, page: &Page, inspector: &Inspector) -> bool {
        let subject = &inspector.plan().subject;
        let mut is_owned = false;
        let mut mark = RECORD;
        for owner in &rule.owner {
            let found = match &owner.at {
                HtmlPlace::Attribute(name) => self.attributes(at, name, page),
                HtmlPlace::Text(_) => {
                    mark <<= 1;
                    self.texts(at, mark, page)
                }
            };
            match found.as_slice() {
                [] => {}
                [text] => is_owned |= owner.is.names(subject, text),
                // Which of them counts is anyone's guess.
                _ => return false,
            }
        }
        is_owned
    }

    fn attributes(&self, at: usize, name: &str, page: &Page) -> Vec<Vec<u8>> {
        let tag = self.tokens.get(at).and_then(tag);
        let named = tag.into_iter().flat_map(|tag| &tag.attributes);
        named
            .filter(|attribute| *attribute.name == *name)
            .map(|attribute| match &attribute.value {
                Some(value) => page.decoded(value, Coding::Attribute),
                None => Vec::new(),
            })
            .collect()
    }

    /// The texts of the marked elements in the record, but not in those inside it.
    fn texts(&self, record: usize, mark: u64, page: &Page) -> Vec<Vec<u8>> {
        let end = self.ends.get(record).copied().unwrap_or(record);
        let mut texts = Vec::new();
        let mut at = record + 1;
        while at < end {
            let (Some(token), Some(next)) = (self.tokens.get(at), self.ends.get(at)) else {
                break;
            };
            if is_record(token) {
                at = next + 1;
                continue;
            }
            if tag(token).is_some_and(|tag| tag.matches & mark != 0) {
                texts.push(self.text(at, *next, page));
            }
            at += 1;
        }
        texts
    }

    /// The text inside of an element, without the white space around it.
    fn text(&self, start: usize, end: usize, page: &Page) -> Vec<u8> {
        let inside = self.tokens.get(start..=end).unwrap_or_default();
        let mut text = Vec::new();
        for token in inside {
            if let TokenKind::Text { kind, .. } = token.kind
                && kind.allows_html_entities()
            {
                text.extend(page.decoded(&token.range, Coding::Reference));
            }
        }
        text.trim_ascii().to_vec()
    }
}

fn tag(token: &Token) -> Option<&Tag> {
    match &token.kind {
        TokenKind::Start(tag) => Some(tag),
        _ => None,
    }
}
