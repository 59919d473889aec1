//! What else a text says to those who undo escapes in it, and the way back to the bytes it was written with.
//!
//! A text is read as it stands and, layer by layer, with escapes undone. A layer costs nothing before its first
//! escape; from there on it holds a text of its own, piece by piece mapped to what it was made of. What is found in
//! any reading becomes an edit of the raw bytes that covers whole escapes, so that what stays is read as before.

mod base64;
mod language;
mod layer;
mod map;
mod merge;
mod reference;
mod script;
mod unseen;
mod xml;

pub(super) use self::language::Language;
pub(super) use self::layer::{Layers, View};
pub(super) use self::merge::{edits, merged};
use crate::filter::{Edit, Inspector, Place};
use crate::scan::Hit;
use crate::types::{ReasonCode, Refusal};

/// One way to write text otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// Character references, as in the value of an attribute (WHATWG HTML section 13.2.5.36).
    Attribute,
    /// The content of `data:` URLs (RFC 2397).
    Base64,
    /// Tabs and line breaks, which browsers take out of addresses (WHATWG URL section 4.4).
    Break,
    /// Line breaks with a blank behind them, which go on with the line (RFC 5545 section 3.1, RFC 6350 section 3.2).
    Fold,
    /// Percent-encoding, and `+` for a space (`application/x-www-form-urlencoded`).
    Form,
    /// Percent-encoding (RFC 3986 section 2.1).
    Percent,
    /// Character references, as in text (WHATWG HTML section 13.2.5.72).
    Reference,
    /// Backslashes, as in a JavaScript string (ECMA-262 section 12.9.4, annex B.1.2).
    Script,
    /// Backslashes, as in a style sheet (CSS Syntax Level 3 section 4.3.7).
    Style,
    /// Characters that nobody sees: soft hyphens, joiners, marks of direction.
    Unseen,
    /// References, sections, comments and instructions of XML.
    Xml,
}

/// A layer: what it undoes, in which reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    coding: Coding,
    /// The layer under it, counted from 1; 0 is the text as it stands.
    under: usize,
    /// It is only there where the layer under it found an escape.
    is_nested: bool,
}

const fn layer(coding: Coding, under: usize) -> Spec {
    Spec {
        coding,
        under,
        is_nested: false,
    }
}

/// What stands where an escape may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// More bytes decide.
    More,
    /// So many bytes stand for themselves.
    Plain(usize),
    /// So many bytes stand for those that were put out.
    Escape(usize),
}

/// Digits of a number in an escape, at most: zeros before it mean nothing.
const DIGITS: usize = 1024;

fn too_long() -> Refusal {
    Refusal::new(ReasonCode::AnswerMalformed).because("an escape without an end")
}

/// Puts out the character with this number.
fn put(code: u32, text: &mut Vec<u8>) {
    let letter = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
}

/// `text` with one kind of escape undone.
pub(super) fn decoded(text: &[u8], coding: Coding) -> Vec<u8> {
    let specs = [layer(coding, 0)];
    let mut layers = Layers::new(&specs);
    match layers.write(View { base: 0, text }, true) {
        Ok(()) => layers
            .text(1)
            .map_or_else(|| text.to_vec(), |view| view.text.to_vec()),
        // An escape that nobody reads to its end.
        Err(_) => text.to_vec(),
    }
}

/// Whether any escape of `language` can begin in `text`.
fn has_mark(text: &[u8], language: Language) -> bool {
    memchr::memchr3(b'\\', b'&', b'%', text).is_some()
        || memchr::memchr2(b';', b'+', text).is_some()
        || unseen::mark(text).is_some()
        || language == Language::Link && unseen::is_broken(text)
}

/// Looks through a whole text in all readings of its language: what has to be replaced in it, sorted, without overlaps.
///
/// # Errors
/// Refuses when a rule blocks what it found, and escapes without an end.
pub(super) fn inspect(
    text: &[u8],
    language: Language,
    offset: u64,
    inspector: &mut Inspector,
    edits: &mut Vec<Edit>,
) -> Result<(), Refusal> {
    if inspector.is_idle() {
        return Ok(());
    }
    if !has_mark(text, language) {
        return inspector.inspect(text, &Place::Body(offset), edits);
    }
    let mut layers = Layers::new(language.layers());
    layers.write(View { base: 0, text }, true)?;
    if !layers.is_active() {
        return inspector.inspect(text, &Place::Body(offset), edits);
    }
    search(&layers, text, &Place::Body(offset), inspector, edits)
}

/// Where the first byte stands without which no text has other readings as an address, or as markup.
pub(super) fn address_mark(text: &[u8]) -> Option<usize> {
    // Each search ends where the one before found something.
    let until = |mark: Option<usize>| text.get(..mark?).or(Some(text));
    let escape = memchr::memchr3(b'%', b'&', b';', text);
    let before = until(escape).unwrap_or(text);
    let escape = memchr::memchr(b'\\', before).or(escape);
    let before = until(escape).unwrap_or(text);
    unseen::mark(before).or(escape)
}

/// The readings of a text that scripts may take for an address, or for markup; none where they say nothing else.
///
/// # Errors
/// Refuses escapes without an end.
pub(super) fn address(text: &[u8]) -> Result<Option<Layers>, Refusal> {
    if address_mark(text).is_none() {
        return Ok(None);
    }
    let mut layers = Layers::new(Language::Address.layers());
    layers.write(View { base: 0, text }, true)?;
    Ok(layers.is_active().then_some(layers))
}

/// Looks through a whole text in all its readings.
///
/// # Errors
/// Refuses when a rule blocks what it found.
pub(super) fn search(
    layers: &Layers,
    text: &[u8],
    place: &Place<'_>,
    inspector: &mut Inspector,
    edits: &mut Vec<Edit>,
) -> Result<(), Refusal> {
    let raw = View { base: 0, text };
    let found = find(layers, raw, inspector);
    edits.extend(self::edits(layers, raw, place, found, inspector)?);
    Ok(())
}

/// What is found in a whole text in all its readings.
fn find(layers: &Layers, raw: View<'_>, inspector: &Inspector) -> Vec<(usize, Hit)> {
    let mut found: Vec<(usize, Hit)> = Vec::new();
    for reading in 0..=layers.count() {
        let view = if reading == 0 {
            Some(raw)
        } else {
            layers.text(reading)
        };
        let automaton = inspector.plan().treatment.detect.automaton.as_ref();
        if let (Some(view), Some(automaton)) = (view, automaton) {
            automaton.find(view.text, &mut |hit| found.push((reading, hit)));
        }
    }
    found
}

/// Looks through a text that was put together of pieces, in all readings of its language, for what stands in none of
/// them alone. `joins` are the places where they meet, sorted.
///
/// # Errors
/// Refuses when a rule blocks what it found, and escapes without an end.
pub(super) fn inspect_across(
    text: &[u8],
    joins: &[usize],
    language: Language,
    offset: u64,
    inspector: &mut Inspector,
) -> Result<Vec<Edit>, Refusal> {
    let raw = View { base: 0, text };
    let mut layers = Layers::new(language.layers());
    layers.write(raw, true)?;
    let mut found = find(&layers, raw, inspector);
    found.retain(|(reading, hit)| {
        let span = layers.raw_span(*reading, hit.span.start..hit.span.end);
        let next = joins.partition_point(|join| *join as u64 <= span.start);
        joins
            .get(next)
            .is_some_and(|join| (*join as u64) < span.end)
    });
    edits(&layers, raw, &Place::Body(offset), found, inspector)
}

/// How many bytes around a place decide what is found there.
pub(super) fn reach(inspector: &Inspector) -> u64 {
    let automaton = inspector.plan().treatment.detect.automaton.as_ref();
    automaton.map_or(0, |automaton| automaton.max_len() as u64)
}

#[cfg(test)]
mod tests;
