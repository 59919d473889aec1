//! The semantics, told as simply as they can be: one pattern at a time, over the whole haystack.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use crate::scan::gate::{Gate, Words};
use crate::scan::validate::Candidate;
use crate::scan::{Detector, TailKind};

type Form = (Regex, Option<Gate>);

thread_local! {
    /// The forms of each detector, compiled once.
    static FORMS: RefCell<HashMap<String, Rc<Vec<Form>>>> = RefCell::default();
}

fn forms(detector: &Detector) -> Rc<Vec<Form>> {
    let compile = || {
        let words = Words::of(detector).unwrap();
        let forms = detector.forms().map(|(pattern, is_weak)| {
            let config = syntax::Config::new().utf8(false).unicode(false);
            let regex = Regex::builder().syntax(config).build(pattern).unwrap();
            let gate = Gate::new(detector, pattern, words.as_ref(), is_weak).unwrap();
            (regex, gate)
        });
        Rc::new(forms.collect())
    };
    FORMS.with_borrow_mut(|known| {
        let name = detector.name.to_string();
        known.entry(name).or_insert_with(compile).clone()
    })
}

/// Matches of a detector: `find_iter`, but a candidate that the validator rejects gives back all but
/// its first byte.
pub(super) fn detector(detector: &Detector, haystack: &[u8]) -> Vec<(u64, u64)> {
    let mut spans = Vec::new();
    for (regex, gate) in forms(detector).iter() {
        let mut from = 0;
        while let Some(found) = regex.search(&Input::new(haystack).range(from..)) {
            let (start, end) = (found.start(), found.end());
            let accepted = match gate {
                None => Some((0, end - start)),
                Some(gate) => gate
                    .judge(
                        &Candidate {
                            before: &haystack[start.saturating_sub(gate.reach())..start],
                            text: &haystack[start..end],
                            after: &haystack[end..haystack.len().min(end + 4)],
                        },
                        detector.strength,
                    )
                    .map(|verdict| (verdict.start, verdict.end)),
            };
            let Some((first, last)) = accepted else {
                from = start + 1;
                continue;
            };
            let end = match detector.continues {
                None => start + last,
                Some(kind) => end + tail(kind, &haystack[end..]),
            };
            let start = start + first;
            spans.push((start as u64, end as u64));
            from = end;
        }
    }
    spans.sort_unstable();
    spans
}

/// How many bytes of `rest` go on with a match.
fn tail(kind: TailKind, rest: &[u8]) -> usize {
    let regex = |pattern: &str| {
        Regex::builder()
            .syntax(syntax::Config::new().utf8(false).unicode(false))
            .build(pattern)
            .unwrap()
    };
    match kind {
        TailKind::Jwt => {
            let run = regex(r"\A(?:\.{0,2}[A-Za-z0-9_-])*");
            run.find(rest).map_or(0, |found| found.end())
        }
        TailKind::Pem => {
            let (closing, run) = (
                regex(r"-----END [^\x00]*?-----"),
                regex(r"[A-Za-z0-9+/=]{16,}"),
            );
            let mut end = 0;
            // The end moves with each long run; it is final at the closing line, or when nothing
            // qualifies within 256 bytes.
            let close = closing.find(rest).map(|found| (found.start(), found.end()));
            let mut at = 0;
            while let Some(found) = run.search(&Input::new(rest).range(at..)) {
                if close.is_some_and(|(_, close)| close <= end + 256 && close <= found.start() + 16)
                {
                    break;
                }
                if found.start() + 16 > end + 256 {
                    break;
                }
                end = found.end();
                at = found.end();
            }
            match close {
                Some((_, close)) if close >= end && close <= end + 256 => close,
                _ => end,
            }
        }
    }
}

/// Matches of a list of terms that have no white space and only ASCII letters.
pub(super) fn terms(list: &[&str], haystack: &[u8]) -> Vec<(u64, u64)> {
    let mut spans = Vec::new();
    for term in list {
        for start in 0..haystack.len() {
            let end = start + term.len();
            let is_term = haystack
                .get(start..end)
                .is_some_and(|text| text.eq_ignore_ascii_case(term.as_bytes()));
            let before =
                String::from_utf8_lossy(&haystack[start.saturating_sub(4)..start]).into_owned();
            let after = haystack
                .get(end..haystack.len().min(end + 4))
                .unwrap_or_default();
            let after = String::from_utf8_lossy(after).into_owned();
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let is_bounded = !before.chars().next_back().is_some_and(is_word)
                && !after.chars().next().is_some_and(is_word);
            if is_term && is_bounded {
                spans.push((start as u64, end as u64));
            }
        }
    }
    spans.sort_unstable();
    spans.dedup();
    spans
}
