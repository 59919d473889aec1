//! The bytes of a page: what passes is scanned and written, what does not is left out.

use std::ops::Range;
use std::sync::Arc;

use encoding_rs::Encoding;
use lol_html::html_content::TextType;

use super::address::{self, Address};
use super::element;
use super::looked::Looked;
use super::reader::{Named, Reader, Tag, Token, TokenKind};
use super::record::is_record;
use super::unescape::{Escapes, Unescaped};
use crate::filter::{Edit, Inspector, Output, Place, charset};
use crate::policy::treatment::{HtmlRule, Others};
use crate::types::{ReasonCode, Refusal};

/// The bytes that have not been settled.
#[derive(Debug)]
pub(super) struct Page {
    /// Input from `base` on.
    window: Vec<u8>,
    base: u64,
    /// What stands before is kept or left out for good.
    cursor: u64,
    rule: Option<Arc<HtmlRule>>,
    looked: Looked,
    /// The element that the last start tag began: its content is text to some and markup to others.
    is_doubtful: bool,
    /// What passed last is a text that what follows could make a tag or a character reference of.
    is_open: bool,
    unescaped: Unescaped,
    edits: Vec<Edit>,
    /// The charsets that it names.
    named: Vec<&'static Encoding>,
    /// The same, as far as browsers look for it before they read.
    named_early: Vec<&'static Encoding>,
}

impl Page {
    pub(super) fn new(rule: Option<Arc<HtmlRule>>, looked: Looked) -> Self {
        Self {
            window: Vec::new(),
            base: 0,
            cursor: 0,
            rule,
            looked,
            is_doubtful: false,
            is_open: false,
            unescaped: Unescaped::default(),
            edits: Vec::new(),
            named: Vec::new(),
            named_early: Vec::new(),
        }
    }

    /// Takes the next bytes.
    pub(super) fn extend(&mut self, piece: &[u8]) {
        self.window.extend_from_slice(piece);
    }

    /// Gives up bytes that are settled.
    pub(super) fn forget(&mut self) {
        let settled = usize::try_from(self.cursor - self.base).unwrap_or(usize::MAX);
        self.window.drain(..settled.min(self.window.len()));
        self.base = self.cursor;
    }

    /// Where the bytes end that have come.
    pub(super) fn end(&self) -> u64 {
        self.base + self.window.len() as u64
    }

    /// Bytes that are not settled.
    pub(super) fn pending(&self) -> usize {
        self.window.len()
    }

    pub(super) fn held(&self) -> usize {
        self.window.capacity() + self.unescaped.held()
    }

    fn bytes(&self, range: &Range<u64>) -> &[u8] {
        let index = |offset: u64| usize::try_from(offset.checked_sub(self.base)?).ok();
        index(range.start)
            .zip(index(range.end))
            .and_then(|(start, end)| self.window.get(start..end))
            .unwrap_or_default()
    }

    /// The text at `range` as a browser reads it.
    pub(super) fn decoded(&self, range: &Range<u64>, escapes: Escapes) -> Vec<u8> {
        let mut unescaped = Unescaped::default();
        unescaped.read(self.bytes(range), escapes);
        unescaped.text().to_vec()
    }

    /// Lets everything up to `end` pass.
    pub(super) fn keep(&mut self, end: u64, out: &mut Output) {
        let bytes = self.bytes(&(self.cursor..end));
        out.bytes.extend_from_slice(bytes);
        self.cursor = self.cursor.max(end);
    }

    /// Leaves everything up to `end` out.
    pub(super) fn leave_out(&mut self, end: u64) {
        self.cursor = self.cursor.max(end);
    }

    /// Writes what is not in the page.
    pub(super) fn insert(&self, text: &str, out: &mut Output) {
        out.bytes.extend_from_slice(text.as_bytes());
    }

    /// Puts a comment where something was left out, if what stands before and behind it would become
    /// something else when it meets.
    pub(super) fn part(&mut self, out: &mut Output) {
        if std::mem::take(&mut self.is_open) {
            self.insert("<!---->", out);
        }
    }

    /// The end tags, and the brackets of character data, that `range` consists of.
    pub(super) fn end_tags(&self, range: Range<u64>) -> Result<Vec<Token>, Refusal> {
        let mut tokens = Vec::new();
        let mut rest = self.bytes(&range);
        let mut at = range.start;
        while !rest.is_empty() {
            let (length, kind) = match end_tag(rest) {
                Some(found) => found,
                None if self.rule.is_some() => {
                    return Err(Refusal::new(ReasonCode::AnswerMalformed)
                        .because("a tag that is not whole, or an end tag with attributes"));
                }
                None => (rest.len(), TokenKind::Between),
            };
            let end = at + length as u64;
            tokens.push(Token {
                range: at..end,
                kind,
            });
            at = end;
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(tokens)
    }

    /// Lets a token pass, scanned.
    pub(super) fn pass(
        &mut self,
        token: &Token,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        self.is_open = false;
        match &token.kind {
            TokenKind::Start(tag) => self.start(tag, inspector, out)?,
            TokenKind::Text { kind, .. } => self.text(&token.range, *kind, inspector, out)?,
            TokenKind::Comment => {
                let comment = self.bytes(&token.range);
                let is_bogus = !comment.starts_with(b"<!--");
                if self.rule.is_some() && is_bogus && holds_tag(comment) {
                    return Err(Refusal::new(ReasonCode::AnswerMalformed)
                        .because("a tag inside of what browsers take for a comment"));
                }
                if self.hides(&token.range, Escapes::Raw, inspector) {
                    self.keep(token.range.start, out);
                    self.insert("<!---->", out);
                    self.leave_out(token.range.end);
                } else {
                    self.scrub(&token.range, Escapes::Raw, inspector, out)?;
                }
            }
            TokenKind::End(name) => self.name(name, inspector)?,
            TokenKind::Doctype | TokenKind::Between => {
                self.scrub(&token.range, Escapes::Raw, inspector, out)?;
            }
        }
        self.keep(token.range.end, out);
        Ok(())
    }

    fn start(
        &mut self,
        tag: &Tag,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        self.is_doubtful = tag.is_html && element::is_doubtful(&tag.name);
        if self.rule.is_some() && *tag.name == *"plaintext" {
            return Err(Refusal::new(ReasonCode::AnswerMalformed)
                .because("an element that makes text of all that follows"));
        }
        if self.rule.is_some() && is_veiled(tag, &self.looked, |at| self.bytes(at)) {
            return Err(Refusal::new(ReasonCode::AnswerMalformed)
                .because("a character reference in what the rule's selectors look at"));
        }
        if *tag.name == *"meta" {
            self.check_charset(tag)?;
        }
        self.name(&tag.name, inspector)?;
        for attribute in &tag.attributes {
            self.scrub(&attribute.at, Escapes::Raw, inspector, out)?;
            if let Some(value) = &attribute.value {
                self.value(attribute, value, inspector, out)?;
            }
        }
        Ok(())
    }

    fn value(
        &mut self,
        attribute: &Named,
        value: &Range<u64>,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        if *attribute.name == *"srcdoc" && self.hides(value, Escapes::Attribute, inspector) {
            self.keep(value.start, out);
            self.leave_out(value.end);
            return Ok(());
        }
        let is_clean = self.scrub(value, Escapes::Attribute, inspector, out)?;
        if is_clean && element::is_address(&attribute.name) {
            self.address(value, inspector, out)?;
        }
        Ok(())
    }

    /// Takes out an address that says in other words what must not pass.
    fn address(
        &mut self,
        value: &Range<u64>,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let address = self.decoded(value, Escapes::Attribute);
        let (text, is_markup, instead) = match address::read(&address) {
            None | Some(Address::Binary) => return Ok(()),
            Some(Address::Decoded(text)) => (text, false, "#"),
            Some(Address::Content { text, is_markup }) => (text, is_markup, "data:,"),
        };
        self.edits.clear();
        inspector.inspect(&text, &Place::Body(value.start), &mut self.edits)?;
        if !self.edits.is_empty() || is_markup && self.may_hide(&text, inspector) {
            self.keep(value.start, out);
            self.insert(instead, out);
            self.leave_out(value.end);
        }
        Ok(())
    }

    fn text(
        &mut self,
        range: &Range<u64>,
        kind: TextType,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let is_doubtful = std::mem::take(&mut self.is_doubtful) && kind == TextType::RawText;
        if is_doubtful && self.hides(range, Escapes::Raw, inspector) {
            self.keep(range.start, out);
            self.leave_out(range.end);
            return Ok(());
        }
        let escapes = match kind {
            TextType::Data | TextType::RCData => Escapes::Text,
            TextType::ScriptData => Escapes::Script,
            TextType::PlainText | TextType::RawText | TextType::CDataSection => Escapes::Raw,
        };
        self.is_open = is_open(self.bytes(range));
        self.scrub(range, escapes, inspector, out)?;
        Ok(())
    }

    /// Whether the text at `range`, which is markup to some readers, may hold records; it is noted then.
    fn hides(&self, range: &Range<u64>, escapes: Escapes, inspector: &mut Inspector) -> bool {
        self.rule.is_some() && self.may_hide(&self.decoded(range, escapes), inspector)
    }

    fn may_hide(&self, text: &[u8], inspector: &mut Inspector) -> bool {
        let Some(rule) = &self.rule else {
            return false;
        };
        let may_hold = holds_tag(text) && may_hold_record(text, &rule.records, &self.looked);
        if may_hold {
            inspector.report_mut().withhold(&rule.origin, Others::Drop);
        }
        may_hold
    }

    /// Scans the text at `range`, as it is read and as it is written, and replaces what is found.
    fn scrub(
        &mut self,
        range: &Range<u64>,
        escapes: Escapes,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<bool, Refusal> {
        if inspector.is_idle() {
            return Ok(true);
        }
        let mut edits = std::mem::take(&mut self.edits);
        let mut unescaped = std::mem::take(&mut self.unescaped);
        edits.clear();
        let raw = self.bytes(range);
        let place = Place::Body(range.start);
        unescaped.read(raw, escapes);
        inspector.inspect(unescaped.text(), &place, &mut edits)?;
        for edit in &mut edits {
            edit.range = unescaped.raw_start(edit.range.start)..unescaped.raw_end(edit.range.end);
        }
        if edits.is_empty() && unescaped.text() != raw {
            inspector.inspect(raw, &place, &mut edits)?;
        }
        let is_clean = edits.is_empty();
        for edit in &edits {
            self.keep(range.start + edit.range.start as u64, out);
            self.insert(&escaped(&edit.replacement, escapes), out);
            self.leave_out(range.start + edit.range.end as u64);
        }
        (self.edits, self.unescaped) = (edits, unescaped);
        Ok(is_clean)
    }

    /// Looks at the name of a tag: it can't be replaced.
    fn name(&mut self, name: &str, inspector: &mut Inspector) -> Result<(), Refusal> {
        if inspector.is_idle() {
            return Ok(());
        }
        self.edits.clear();
        inspector.inspect(name.as_bytes(), &Place::Body(self.cursor), &mut self.edits)?;
        if self.edits.is_empty() {
            return Ok(());
        }
        Err(Refusal::new(ReasonCode::DetectorBlock).because("something found in the name of a tag"))
    }

    /// Notes what the page says of its charset: browsers take its word where its head says none, others before that.
    fn check_charset(&mut self, tag: &Tag) -> Result<(), Refusal> {
        for attribute in &tag.attributes {
            let Some(value) = &attribute.value else {
                continue;
            };
            let value = self.decoded(value, Escapes::Attribute).to_ascii_lowercase();
            let label = match &*attribute.name {
                "charset" => Some(value.as_slice()),
                "content" => memchr::memmem::find(&value, b"charset")
                    .and_then(|at| value.get(at + 7..))
                    .map(|rest| rest.trim_ascii_start())
                    .and_then(|rest| rest.strip_prefix(b"="))
                    .map(|rest| rest.trim_ascii_start().trim_ascii_end())
                    .map(|rest| rest.split(|byte| *byte == b';').next().unwrap_or(rest))
                    .map(|rest| {
                        let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'');
                        let from = usize::from(rest.first().is_some_and(is_quote));
                        let to = rest.len() - usize::from(rest.last().is_some_and(is_quote));
                        rest.get(from..to).unwrap_or(rest)
                    }),
                _ => None,
            };
            let Some(label) = label else {
                continue;
            };
            if charset::is_hiding(label) {
                return Err(Refusal::new(ReasonCode::AnswerMalformed)
                    .because("a page that names a charset in which ASCII is something else"));
            }
            let encoding = charset::read_label(label);
            self.named.extend(encoding);
            self.named.dedup();
            if attribute.at.end < charset::SEEN {
                self.named_early.extend(encoding);
            }
            if self.named.len() > MAX_NAMED {
                return Err(Refusal::new(ReasonCode::AnswerMalformed)
                    .because("a page that names many charsets"));
            }
        }
        Ok(())
    }

    /// Whether the page names `encoding`, in a tag that every browser looks at.
    pub(super) fn names(&self, encoding: &'static Encoding) -> bool {
        self.named_early.contains(&encoding)
    }

    /// Whether the page names another charset than `encoding`.
    pub(super) fn names_other(&self, encoding: &'static Encoding) -> bool {
        self.named.iter().any(|named| *named != encoding)
    }
}

/// Honest pages name one.
const MAX_NAMED: usize = 16;

/// The end tag, or the bracket of character data, at the front of `text`, and its length.
fn end_tag(text: &[u8]) -> Option<(usize, TokenKind)> {
    for bracket in [&b"<![CDATA["[..], b"]]>", b"</>"] {
        if text.starts_with(bracket) {
            return Some((bracket.len(), TokenKind::Between));
        }
    }
    let end = memchr::memchr(b'>', text)?;
    let name = text.get(..end)?.strip_prefix(b"</")?.trim_ascii_end();
    let is_name = name.first().is_some_and(u8::is_ascii_alphabetic)
        && !name.iter().any(|byte| {
            byte.is_ascii_whitespace() || matches!(byte, b'/' | b'<' | b'"' | b'\'' | b'=')
        });
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    is_name.then(|| (end + 1, TokenKind::End(name.into())))
}

/// Whether a text ends as a tag or a character reference begins.
fn is_open(text: &[u8]) -> bool {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'#';
    let name = text.iter().rev().take_while(is_part).count();
    let before = text.len().checked_sub(name + 1);
    text.ends_with(b"<") || before.is_some_and(|at| text.get(at) == Some(&b'&'))
}

/// Whether a text holds what would be a start tag, were it markup.
fn holds_tag(text: &[u8]) -> bool {
    memchr::memchr_iter(b'<', text).any(|at| text.get(at + 1).is_some_and(u8::is_ascii_alphabetic))
}

/// Whether markup holds an element that `selector` names, as far as can be told without what stands around it.
fn may_hold_record(markup: &[u8], selector: &str, looked: &Looked) -> bool {
    let is_related = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'+' | b'~');
    if selector.trim().bytes().any(is_related) {
        return true;
    }
    // A comment's own mark would make a comment of it again.
    let markup = markup.strip_prefix(b"<!--").unwrap_or(markup);
    let Ok(mut reader) = Reader::new(&[selector], true, markup.len()) else {
        return true;
    };
    let (tokens, read) = reader.write(markup);
    let (last, end) = reader.finish();
    let tokens = || tokens.iter().chain(&last);
    // A tag that is not whole goes on behind what some take for its end.
    let seen = tokens().map(|token| token.range.end).max().unwrap_or(0);
    let rest = markup.get(usize::try_from(seen).unwrap_or(usize::MAX)..);
    let bytes = |at: &Range<u64>| {
        let index = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = markup.get(index(at.start)..index(at.end));
        bytes.unwrap_or_default()
    };
    let may_be_record = |token: &Token| match &token.kind {
        TokenKind::Start(tag) => is_record(token) || is_veiled(tag, looked, bytes),
        _ => false,
    };
    read.is_err() || end.is_err() || rest.is_some_and(holds_tag) || tokens().any(may_be_record)
}

/// Whether character references in a tag may hide from the selectors what browsers see.
fn is_veiled<'a>(tag: &Tag, looked: &Looked, bytes: impl Fn(&Range<u64>) -> &'a [u8]) -> bool {
    tag.attributes.iter().any(|attribute| {
        let raw = attribute.value.as_ref().map_or(&b""[..], &bytes);
        let mut unescaped = Unescaped::default();
        unescaped.read(raw, Escapes::Attribute);
        looked.is_veiled(&attribute.name, raw, unescaped.text())
    })
}

/// A replacement that means the same in a text or an attribute, quoted or not.
fn escaped(text: &str, escapes: Escapes) -> String {
    let is_special = |letter: char| match escapes {
        Escapes::Text => matches!(letter, '&' | '<' | '>'),
        Escapes::Attribute => {
            letter.is_ascii_whitespace()
                || matches!(letter, '&' | '<' | '>' | '"' | '\'' | '=' | '`')
        }
        Escapes::Raw | Escapes::Script => false,
    };
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_special(letter) {
            escaped.push_str(&format!("&#{};", u32::from(letter)));
        } else {
            escaped.push(letter);
        }
    }
    escaped
}
