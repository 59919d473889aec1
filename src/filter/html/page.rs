//! The bytes of a page: what passes is scanned and written, what does not is left out.

mod run;

use std::ops::Range;
use std::sync::Arc;

use encoding_rs::Encoding;
use lol_html::html_content::TextType;

use self::run::{Part, Run};
use super::address::{self, Address};
use super::element;
use super::hidden::{holds_tag, is_veiled, may_hold_record, names_other};
use super::looked::Looked;
use super::reader::{Named, Tag, Token, TokenKind};
use crate::filter::decode::{self, Coding, Language};
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
    /// That element is a style sheet.
    is_style: bool,
    /// Text comes that is a script or a style sheet to browsers, and markup to parsers: that of drawings.
    is_code: bool,
    /// What has come and may go on with what comes next.
    run: Run,
    /// What passed last is a text that what follows could make a tag or a character reference of.
    is_open: bool,
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
            is_style: false,
            is_code: false,
            run: Run::default(),
            is_open: false,
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
        self.window.capacity() + self.run.held()
    }

    fn bytes(&self, range: &Range<u64>) -> &[u8] {
        let index = |offset: u64| usize::try_from(offset.checked_sub(self.base)?).ok();
        index(range.start)
            .zip(index(range.end))
            .and_then(|(start, end)| self.window.get(start..end))
            .unwrap_or_default()
    }

    /// The text at `range` as a browser reads it.
    pub(super) fn decoded(&self, range: &Range<u64>, coding: Coding) -> Vec<u8> {
        decode::decoded(self.bytes(range), coding)
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

    /// Lets a token pass, scanned; what may go on with the next one waits for it.
    pub(super) fn pass(
        &mut self,
        token: &Token,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        if let Some(part) = Part::of(&token.kind) {
            return self.run.push(token.range.clone(), part, inspector);
        }
        self.end_run(inspector, out)?;
        self.is_open = false;
        match &token.kind {
            TokenKind::Start(tag) => self.start(tag, inspector, out)?,
            TokenKind::Text { kind, .. } => self.text(&token.range, *kind, inspector, out)?,
            TokenKind::End(name) => {
                self.is_code &= !element::is_code(name);
                self.name(name, inspector)?;
            }
            TokenKind::Comment | TokenKind::Doctype | TokenKind::Between => {
                self.scrub(&token.range, Language::Inner, inspector, out)?;
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
        self.is_style = *tag.name == *"style";
        self.is_code |= !tag.is_html && tag.has_content && element::is_code(&tag.name);
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
            self.scrub(&attribute.at, Language::Plain, inspector, out)?;
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
        if self.address(attribute, value, inspector, out)? {
            return Ok(());
        }
        let language = if element::is_link(&attribute.name) {
            Language::Link
        } else {
            Language::Attribute
        };
        self.scrub(value, language, inspector, out)
    }

    /// Takes out what an attribute holds in other words and must not pass: true where it did.
    fn address(
        &mut self,
        attribute: &Named,
        value: &Range<u64>,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<bool, Refusal> {
        let raw = self.bytes(value);
        // An address of its own has a scheme.
        let may_say_more = memchr::memchr2(b':', b'&', raw).is_some();
        let is_page = *attribute.name == *"srcdoc";
        if !is_page && !may_say_more {
            return Ok(false);
        }
        let decoded = self.decoded(value, Coding::Attribute);
        let mut instead = None;
        if is_page && self.may_hide(&decoded, inspector) {
            instead = Some("");
        }
        for address in address::all(&decoded) {
            let content = match address::read(&address) {
                None => continue,
                Some(Address::Content(content)) => content,
                Some(Address::Unreadable) if element::is_address(&attribute.name) => {
                    return Err(Refusal::new(ReasonCode::AnswerMalformed)
                        .because("a `data:` address that can't be read"));
                }
                Some(Address::Unreadable) => continue,
            };
            self.edits.clear();
            let place = value.start;
            decode::inspect(&content, Language::Inner, place, inspector, &mut self.edits)?;
            if !self.edits.is_empty() || self.may_hide(&content, inspector) {
                instead = Some("data:,");
            }
        }
        if let Some(instead) = instead {
            self.keep(value.start, out);
            self.insert(instead, out);
            self.leave_out(value.end);
        }
        Ok(instead.is_some())
    }

    fn text(
        &mut self,
        range: &Range<u64>,
        kind: TextType,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let is_doubtful = std::mem::take(&mut self.is_doubtful) && kind == TextType::RawText;
        if is_doubtful && self.may_hide(self.bytes(range), inspector) {
            self.keep(range.start, out);
            self.leave_out(range.end);
            return Ok(());
        }
        if kind == TextType::ScriptData && self.writes_records(range, inspector) {
            self.keep(range.start, out);
            self.leave_out(range.end);
            return Ok(());
        }
        self.is_open = is_open(self.bytes(range));
        self.scrub(range, self.language(kind), inspector, out)
    }

    /// What a text is read as.
    fn language(&self, kind: TextType) -> Language {
        match kind {
            TextType::Data if self.is_code => Language::Inner,
            TextType::Data | TextType::RCData => Language::Markup,
            TextType::ScriptData => Language::Script,
            TextType::RawText if self.is_style => Language::Style,
            TextType::PlainText | TextType::RawText | TextType::CDataSection => Language::Inner,
        }
    }

    /// Whether the script at `range` holds markup of records that are another's; it is noted then.
    fn writes_records(&self, range: &Range<u64>, inspector: &mut Inspector) -> bool {
        let Some(rule) = &self.rule else {
            return false;
        };
        let raw = self.bytes(range);
        let decoded = decode::decoded(raw, Coding::Script);
        let subject = &inspector.plan().subject;
        let writes = names_other(raw, rule, subject) || names_other(&decoded, rule, subject);
        if writes {
            inspector.report_mut().withhold(&rule.origin, Others::Drop);
        }
        writes
    }

    /// Whether a text that is markup to some readers may hold records; it is noted then.
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
        language: Language,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        if inspector.is_idle() {
            return Ok(());
        }
        let mut edits = std::mem::take(&mut self.edits);
        edits.clear();
        let raw = self.bytes(range);
        decode::inspect(raw, language, range.start, inspector, &mut edits)?;
        for edit in &edits {
            self.keep(range.start + edit.range.start as u64, out);
            self.insert(&escaped(&edit.replacement, language), out);
            self.leave_out(range.start + edit.range.end as u64);
        }
        self.edits = edits;
        Ok(())
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
            let value = self.decoded(value, Coding::Attribute).to_ascii_lowercase();
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

/// A replacement that means the same in a text or an attribute, quoted or not.
fn escaped(text: &str, language: Language) -> String {
    let is_special = |letter: char| match language {
        Language::Markup => matches!(letter, '&' | '<' | '>'),
        Language::Attribute | Language::Link => {
            letter.is_ascii_whitespace()
                || matches!(letter, '&' | '<' | '>' | '"' | '\'' | '=' | '`')
        }
        _ => false,
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
