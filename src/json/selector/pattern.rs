//! RFC 9485 patterns (I-Regexp) for `match()` and `search()`.
//!
//! A pattern that is not I-Regexp matches nothing, as RFC 9535 has it. `^` and `$` outside of classes
//! are anchors, as the compliance suite reads them.

use regex::{Regex, RegexBuilder};

/// Bytes that one compiled pattern may take.
const SIZE_LIMIT: usize = 1 << 20;

/// A compiled pattern; none matches nothing.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Option<Regex>);

impl Pattern {
    /// Compiles `text`, for the whole subject (`match`) or any part of it (`search`).
    pub(crate) fn new(text: &str, is_whole: bool) -> Self {
        let regex = translate(text).and_then(|body| {
            let pattern = if is_whole {
                format!(r"\A(?:{body})\z")
            } else {
                body
            };
            RegexBuilder::new(&pattern)
                .size_limit(SIZE_LIMIT)
                .build()
                .ok()
        });
        Self(regex)
    }

    /// The pattern that matches nothing.
    pub(crate) fn never() -> Self {
        Self(None)
    }

    pub(crate) fn is_match(&self, subject: &str) -> bool {
        self.0.as_ref().is_some_and(|regex| regex.is_match(subject))
    }
}

/// Rewrites I-Regexp in the regex crate's syntax; none where it is not I-Regexp.
fn translate(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 8);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '.' => out.push_str(r"[^\n\r]"),
            '\\' => escape(&mut letters, &mut out)?,
            '[' => class(&mut letters, &mut out)?,
            ']' | '}' => return None,
            '(' if letters.peek() == Some(&'?') => return None,
            '*' | '+' | '?' => {
                out.push(letter);
                // I-Regexp has neither lazy nor possessive nor doubled quantifiers.
                if matches!(letters.peek(), Some('*' | '+' | '?' | '{')) {
                    return None;
                }
            }
            '{' => {
                out.push('{');
                quantity(&mut letters, &mut out)?;
                if matches!(letters.peek(), Some('*' | '+' | '?' | '{')) {
                    return None;
                }
            }
            other => out.push(other),
        }
    }
    Some(out)
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// `{2}`, `{2,}` or `{2,3}`, the brace already read.
fn quantity(letters: &mut Letters<'_>, out: &mut String) -> Option<()> {
    let (mut digits, mut commas) = (0, 0);
    loop {
        let letter = letters.next()?;
        out.push(letter);
        match letter {
            '0'..='9' => digits += 1,
            ',' if commas == 0 && digits > 0 => commas = 1,
            '}' if digits > 0 => return Some(()),
            _ => return None,
        }
    }
}

/// An escape, the backslash already read.
fn escape(letters: &mut Letters<'_>, out: &mut String) -> Option<()> {
    match letters.next()? {
        letter @ ('(' | ')' | '*' | '+' | '-' | '.' | '?' | '[' | '\\' | ']' | '^' | 'n' | 'r'
        | 't' | '{' | '|' | '}') => out.extend(['\\', letter]),
        letter @ ('p' | 'P') => {
            out.extend(['\\', letter]);
            if letters.next()? != '{' {
                return None;
            }
            out.push('{');
            loop {
                match letters.next()? {
                    '}' => break out.push('}'),
                    name if name.is_ascii_alphabetic() => out.push(name),
                    _ => return None,
                }
            }
        }
        _ => return None,
    }
    Some(())
}

/// A character class, the bracket already read.
fn class(letters: &mut Letters<'_>, out: &mut String) -> Option<()> {
    out.push('[');
    if letters.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut is_empty = true;
    loop {
        match letters.next()? {
            ']' if is_empty => return None,
            ']' => break,
            '\\' => escape(letters, out)?,
            '[' => return None,
            // The regex crate reads `&&`, `--` and `~~` as set operations; I-Regexp has none.
            letter @ ('&' | '~' | '^') => out.extend(['\\', letter]),
            '-' if is_empty || letters.peek() == Some(&']') => out.push_str(r"\-"),
            other => out.push(other),
        }
        is_empty = false;
    }
    out.push(']');
    Some(())
}
