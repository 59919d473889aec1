//! Records in what is markup to some readers, and text to others.

use std::ops::Range;

use super::looked::Looked;
use super::reader::{Reader, Tag, Token, TokenKind};
use super::record::is_record;
use crate::filter::decode::{self, Coding};
use crate::policy::treatment::{Attribute, HtmlPlace, HtmlRule};
use crate::types::Subject;

/// Whether a text holds what would be a start tag, were it markup.
pub(super) fn holds_tag(text: &[u8]) -> bool {
    memchr::memchr_iter(b'<', text).any(|at| text.get(at + 1).is_some_and(u8::is_ascii_alphabetic))
}

/// Whether markup holds an element that `selector` names, as far as can be told without what stands around it.
pub(super) fn may_hold_record(markup: &[u8], selector: &str, looked: &Looked) -> bool {
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
pub(super) fn is_veiled<'a>(
    tag: &Tag,
    looked: &Looked,
    bytes: impl Fn(&Range<u64>) -> &'a [u8],
) -> bool {
    tag.attributes.iter().any(|attribute| {
        let raw = attribute.value.as_ref().map_or(&b""[..], &bytes);
        let decoded = decode::decoded(raw, Coding::Attribute);
        looked.is_veiled(&attribute.name, raw, &decoded)
    })
}

/// Bytes of one tag in a script, at most; and how many tags near an owner's attribute are looked at.
const TAG: usize = 2 << 10;
const TAGS: usize = 4096;

/// Whether a script holds the markup of a record in which an attribute names an owner who is not `subject`. What the
/// script puts together itself (`data-owner="${id}"`) names nobody. Each tag is read by itself: where strings end is
/// the script's to say.
pub(super) fn names_other(script: &[u8], rule: &HtmlRule, subject: &Subject) -> bool {
    let places = rule.owner.iter().filter_map(|owner| match &owner.at {
        HtmlPlace::Attribute(name) => Some((&**name, &owner.is)),
        HtmlPlace::Text(_) => None,
    });
    let places: Vec<(&str, &Attribute)> = places.collect();
    let lower = script.to_ascii_lowercase();
    let mut tags = 0;
    for at in memchr::memchr_iter(b'<', &lower) {
        let tag = lower.get(at..).unwrap_or_default();
        let tag = tag.get(..TAG).unwrap_or(tag);
        let holds = |name: &str| memchr::memmem::find(tag, name.as_bytes()).is_some();
        if !holds_tag(tag.get(..2).unwrap_or_default())
            || !places.iter().any(|(name, _)| holds(name))
        {
            continue;
        }
        tags += 1;
        let tag = script.get(at..at + tag.len()).unwrap_or_default();
        if tags > TAGS || is_others(tag, &rule.records, &places, subject) {
            return true;
        }
    }
    false
}

/// Whether `text` begins with the tag of a record that names another than `subject`; a tag without an end may be one.
fn is_others(
    text: &[u8],
    selector: &str,
    places: &[(&str, &Attribute)],
    subject: &Subject,
) -> bool {
    let Ok(mut reader) = Reader::new(&[selector], false, TAG) else {
        return true;
    };
    let (tokens, read) = reader.write(text);
    let Some(token) = tokens.first() else {
        return read.is_err() || text.len() == TAG;
    };
    let TokenKind::Start(tag) = &token.kind else {
        return false;
    };
    let is_name =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.@:".contains(byte) || *byte >= 0x80;
    let bytes = |at: &Range<u64>| {
        let index = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        text.get(index(at.start)..index(at.end)).unwrap_or_default()
    };
    is_record(token)
        && tag.attributes.iter().any(|attribute| {
            let mut named = places.iter().filter(|(name, _)| *attribute.name == **name);
            named.any(|(_, is)| {
                let raw = attribute.value.as_ref().map_or(&b""[..], bytes);
                let value = decode::decoded(raw, Coding::Attribute);
                !value.is_empty() && value.iter().all(is_name) && !is.names(subject, &value)
            })
        })
}
