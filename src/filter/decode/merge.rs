//! From what was found in the readings of a text to what is replaced in the text as it stands.

use std::ops::Range;

use super::base64::encode;
use super::layer::{Layers, View};
use crate::filter::{Edit, Inspector, Place};
use crate::scan::{Hit, Span};
use crate::types::Refusal;

/// How many matches before one in its reading may cover it.
const NEAR: usize = 8;

/// What has to be replaced in `raw`, sorted, without overlaps, for what was `found` in its readings.
/// `place` is where the text begins.
///
/// # Errors
/// Refuses when a rule blocks what was found.
pub(in crate::filter) fn edits(
    layers: &Layers,
    raw: View<'_>,
    place: &Place<'_>,
    mut found: Vec<(usize, Hit)>,
    inspector: &mut Inspector,
) -> Result<Vec<Edit>, Refusal> {
    found.sort_by_key(|(reading, hit)| (*reading, hit.span, hit.pattern.index()));
    let repeats = repeats(layers, &found);
    let mut edits = Vec::new();
    let mut rest = found.iter().zip(repeats).peekable();
    while let Some(((reading, _), _)) = rest.peek() {
        let reading = *reading;
        let mut hits = Vec::new();
        while let Some(((_, hit), is_repeat)) = rest.next_if(|((of, _), _)| *of == reading) {
            if !is_repeat {
                hits.push(*hit);
            }
        }
        let view = if reading == 0 {
            Some(raw)
        } else {
            layers.text(reading)
        };
        if let Some(view) = view.filter(|_| !hits.is_empty()) {
            let mut own = Vec::new();
            let place = match place {
                Place::Body(offset) => Place::Body(offset + view.base),
                place => *place,
            };
            inspector.judge(&mut hits, view.text, view.base, &place, &mut own)?;
            let own = own.into_iter();
            edits.extend(own.map(|edit| settle(layers, raw, reading, view.base, edit)));
        }
    }
    Ok(merged(edits))
}

/// Which matches say nothing new: found in an earlier reading at the same place, or beside an escape where the same
/// was found in the reading that undoes it.
fn repeats(layers: &Layers, found: &[(usize, Hit)]) -> Vec<bool> {
    let mut repeats = vec![false; found.len()];
    let mut places: Vec<(Range<u64>, usize, usize)> = Vec::with_capacity(found.len());
    for (at, (reading, hit)) in found.iter().enumerate() {
        let span = range(hit.span);
        places.push((
            layers.raw_span(*reading, span.clone()),
            hit.pattern.index(),
            at,
        ));
        let covers = |(above, part): (usize, Range<u64>)| {
            let end =
                found.partition_point(|(of, hit)| (*of, hit.span.start) <= (above, part.start));
            let near = found.get(end.saturating_sub(NEAR)..end).unwrap_or_default();
            near.iter().any(|(of, other)| {
                *of == above && other.pattern == hit.pattern && other.span.end >= part.end
            })
        };
        let cut = layers.cut(*reading, &span);
        if !cut.is_empty()
            && cut.into_iter().any(covers)
            && let Some(slot) = repeats.get_mut(at)
        {
            *slot = true;
        }
    }
    places.sort_by_key(|(span, pattern, at)| (span.start, span.end, *pattern, *at));
    let mut last: Option<(Range<u64>, usize)> = None;
    for (span, pattern, at) in places {
        let Some(slot) = repeats.get_mut(at).filter(|slot| !**slot) else {
            continue;
        };
        let same = Some((span, pattern));
        *slot = last == same;
        last = same;
    }
    repeats
}

/// An edit of a reading as one of the text as it stands.
fn settle(layers: &Layers, raw: View<'_>, reading: usize, base: u64, edit: Edit) -> Edit {
    let Edit {
        range,
        replacement,
        number,
    } = edit;
    let span = base + range.start as u64..base + range.end as u64;
    let is_escaped = reading > 0 || layers.touches(reading, &span);
    let base64 = layers.in_base64(reading, &span);
    let span = layers.raw_span(reading, span);
    let index = |at: u64| usize::try_from(at.saturating_sub(raw.base)).unwrap_or(usize::MAX);
    let range = index(span.start)..index(span.end);
    if !is_escaped {
        return Edit {
            range,
            replacement,
            number,
        };
    }
    let mut replacement = plain(&replacement);
    if let Some((before, behind)) = base64 {
        replacement = encode(before, &replacement, behind);
    }
    // A section of XML that is cut has to end, or begin, all the same.
    let covered = raw.text.get(range.clone()).unwrap_or_default();
    let count = |what: &[u8]| memchr::memmem::find_iter(covered, what).count();
    let (opened, closed) = (count(b"<![CDATA["), count(b"]]>"));
    match opened.cmp(&closed) {
        std::cmp::Ordering::Less => replacement.push_str("]]>"),
        std::cmp::Ordering::Equal => {}
        std::cmp::Ordering::Greater => replacement.push_str("<![CDATA["),
    }
    Edit {
        range,
        replacement: replacement.into(),
        // Numbers have no escapes.
        number: None,
    }
}

/// A replacement that means nothing else in any language: it ends no string and begins no escape.
fn plain(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "[]:*_-.@+ ".contains(letter);
    let plain = text.chars();
    let plain: String = plain
        .map(|letter| if is_plain(letter) { letter } else { '*' })
        .collect();
    plain.replace("--", "-*")
}

/// Edits that overlap become one; what is redacted in one of them is.
pub(in crate::filter) fn merged(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.range.end)));
    let mut all: Vec<Edit> = Vec::with_capacity(edits.len());
    for edit in edits {
        match all.last_mut() {
            Some(last) if edit.range.start < last.range.end => {
                last.range.end = last.range.end.max(edit.range.end);
                let is_redacted = |edit: &Edit| edit.replacement.starts_with("[redacted");
                if is_redacted(&edit) && !is_redacted(last) {
                    last.replacement = edit.replacement;
                }
            }
            _ => all.push(edit),
        }
    }
    all
}

fn range(span: Span) -> Range<u64> {
    span.start..span.end
}
