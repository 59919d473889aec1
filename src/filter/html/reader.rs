//! A page as tokens with their places, as lol_html's parser reads it. The bytes stay with the caller.
//!
//! The parser follows the tokens of the standard and, where an owner rule needs it, stops at markup
//! that only a whole tree could settle. It tells nothing of end tags: they are what stands between.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lol_html::errors::RewritingError;
use lol_html::html_content::TextType;
use lol_html::send::{DocumentContentHandlers, Element, ElementContentHandlers, Settings};
use lol_html::{MemorySettings, Selector};

use crate::types::{ReasonCode, Refusal};

/// Something that begins at a place and ends at another.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) range: Range<u64>,
    pub(super) kind: TokenKind,
}

#[derive(Debug)]
pub(super) enum TokenKind {
    Start(Tag),
    /// Text up to the next token; or, while `is_open`, a part of it.
    Text {
        kind: TextType,
        is_open: bool,
    },
    Comment,
    Doctype,
    /// An end tag, by its name in lower case.
    End(Box<str>),
    /// What was not read as anything: brackets around character data, the rest of a page that was cut off.
    Between,
}

/// A start tag.
#[derive(Debug)]
pub(super) struct Tag {
    /// In lower case.
    pub(super) name: Box<str>,
    pub(super) attributes: Vec<Named>,
    /// An end tag follows somewhere.
    pub(super) has_content: bool,
    pub(super) is_html: bool,
    /// The selectors that name the element, one bit each, in the order they were given.
    pub(super) matches: u64,
}

/// An attribute.
#[derive(Debug)]
pub(super) struct Named {
    /// In lower case.
    pub(super) name: Box<str>,
    pub(super) at: Range<u64>,
    /// Where its value stands, without quotes.
    pub(super) value: Option<Range<u64>>,
}

/// The parser at work.
pub(super) struct Reader {
    rewriter: Option<Box<Rewriter>>,
    found: Arc<Mutex<Found>>,
    /// The bytes of a character that is not whole: the parser would lose its place.
    open: Vec<u8>,
}

/// What the parser has found since it was asked last.
#[derive(Debug, Default)]
struct Found {
    tokens: Vec<Token>,
    /// Where the start tag at hand begins, and the selectors that name its element.
    marks: (u64, u64),
}

type Rewriter = lol_html::send::HtmlRewriter<'static, fn(&[u8])>;

impl Reader {
    /// A parser that marks the elements that `selectors` name; with an owner rule it is `strict`.
    ///
    /// # Errors
    /// Refuses selectors that can't be read (policies with one are refused before).
    pub(super) fn new(selectors: &[&str], is_strict: bool, limit: usize) -> Result<Self, Refusal> {
        let found: Arc<Mutex<Found>> = Arc::default();
        let memory = MemorySettings::new()
            .with_max_allowed_memory_usage(limit.saturating_mul(2).saturating_add(64 << 10));
        let all = selector("*")?;
        let sink = found.clone();
        let every = ElementContentHandlers::default().element(move |element: &mut Element| {
            push(&sink, start(element));
            Ok(())
        });
        let mut settings = Settings::new_send()
            .with_strict(is_strict)
            .with_memory_settings(memory)
            .append_document_content_handler(document(&found))
            .append_element_content_handler((std::borrow::Cow::Owned(all), every));
        for (at, text) in selectors.iter().enumerate() {
            let sink = found.clone();
            let marks = ElementContentHandlers::default().element(move |element: &mut Element| {
                mark(&sink, element.source_location().bytes(), at);
                Ok(())
            });
            let selector = std::borrow::Cow::Owned(selector(text)?);
            settings = settings.append_element_content_handler((selector, marks));
        }
        let sink: fn(&[u8]) = |_| {};
        Ok(Self {
            rewriter: Some(Box::new(Rewriter::new(settings, sink))),
            found,
            open: Vec::new(),
        })
    }

    /// Reads on in what must be UTF-8; the tokens that are complete.
    /// What it can't read comes with the tokens before it.
    pub(super) fn write(&mut self, chunk: &[u8]) -> (Vec<Token>, Result<(), Refusal>) {
        let Some(rewriter) = &mut self.rewriter else {
            return (Vec::new(), Err(Refusal::new(ReasonCode::Internal)));
        };
        self.open.extend_from_slice(chunk);
        let whole = match std::str::from_utf8(&self.open) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.open.len(),
        };
        let rest = self.open.split_off(whole);
        let read = rewriter.write(&self.open);
        self.open = rest;
        if read.is_err() {
            // It panics when it is asked again.
            self.rewriter = None;
        }
        (self.take(), read.map_err(|error| explain(&error)))
    }

    /// Reads the end of the page; the last tokens.
    pub(super) fn finish(&mut self) -> (Vec<Token>, Result<(), Refusal>) {
        let read = match self.rewriter.take() {
            Some(rewriter) => rewriter.end().map_err(|error| explain(&error)),
            None => Ok(()),
        };
        (self.take(), read)
    }

    fn take(&self) -> Vec<Token> {
        std::mem::take(&mut lock(&self.found).tokens)
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

fn selector(text: &str) -> Result<Selector, Refusal> {
    text.parse().map_err(|_| Refusal::new(ReasonCode::Internal))
}

fn document(found: &Arc<Mutex<Found>>) -> DocumentContentHandlers<'static> {
    let (texts, comments, doctypes) = (found.clone(), found.clone(), found.clone());
    DocumentContentHandlers::default()
        .text(move |text: &mut lol_html::html_content::TextChunk<'_>| {
            let kind = TokenKind::Text {
                kind: text.text_type(),
                is_open: !text.last_in_text_node(),
            };
            push(&texts, token(text.source_location().bytes(), kind));
            Ok(())
        })
        .comments(move |comment: &mut lol_html::html_content::Comment<'_>| {
            let range = comment.source_location().bytes();
            push(&comments, token(range, TokenKind::Comment));
            Ok(())
        })
        .doctype(move |doctype: &mut lol_html::html_content::Doctype<'_>| {
            let range = doctype.source_location().bytes();
            push(&doctypes, token(range, TokenKind::Doctype));
            Ok(())
        })
}

fn lock(found: &Mutex<Found>) -> MutexGuard<'_, Found> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

fn push(found: &Mutex<Found>, mut token: Token) {
    let mut found = lock(found);
    if let TokenKind::Start(tag) = &mut token.kind
        && found.marks.0 == token.range.start
    {
        tag.matches |= found.marks.1;
    }
    found.tokens.push(token);
}

/// Marks the element whose start tag is at hand, whether its token was pushed already or not.
fn mark(found: &Mutex<Found>, range: Range<usize>, at: usize) {
    let mut found = lock(found);
    let start = range.start as u64;
    if found.marks.0 != start {
        found.marks = (start, 0);
    }
    found.marks.1 |= 1 << at;
    let marks = found.marks.1;
    if let Some(Token {
        range,
        kind: TokenKind::Start(tag),
    }) = found.tokens.last_mut()
        && range.start == start
    {
        tag.matches |= marks;
    }
}

fn start(element: &Element<'_, '_>) -> Token {
    let attributes = element.attributes().iter().filter_map(|attribute| {
        Some(Named {
            name: attribute.name().into(),
            at: wide(attribute.name_source_location()?.bytes()),
            value: attribute
                .value_source_location()
                .map(|place| wide(place.bytes())),
        })
    });
    let tag = Tag {
        name: element.tag_name().into(),
        attributes: attributes.collect(),
        has_content: element.can_have_content(),
        is_html: element.namespace_uri() == "http://www.w3.org/1999/xhtml",
        matches: 0,
    };
    token(element.source_location().bytes(), TokenKind::Start(tag))
}

fn token(range: Range<usize>, kind: TokenKind) -> Token {
    let range = wide(range);
    Token { range, kind }
}

fn wide(range: Range<usize>) -> Range<u64> {
    range.start as u64..range.end as u64
}

fn explain(error: &RewritingError) -> Refusal {
    match error {
        RewritingError::MemoryLimitExceeded(_) => Refusal::new(ReasonCode::RecordTooLarge),
        RewritingError::ParsingAmbiguity(_) => Refusal::new(ReasonCode::AnswerMalformed)
            .because("markup that browsers may read in two ways"),
        _ => Refusal::new(ReasonCode::Internal),
    }
}
