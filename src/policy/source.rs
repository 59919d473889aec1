//! The text of a policy file, and the way from a place in a decoded scalar back to it.

use std::ops::Range;
use std::sync::Arc;

/// One policy file: its name and its text.
#[derive(Debug)]
pub(in crate::policy) struct Source {
    file: Arc<str>,
    text: Box<str>,
    lines: Vec<usize>,
}

impl Source {
    /// Takes in the text of `file`.
    pub(in crate::policy) fn new(file: &str, text: &str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file: file.into(),
            text: text.into(),
            lines: std::iter::once(0).chain(starts).collect(),
        }
    }

    /// The file's name.
    pub(in crate::policy) fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// The whole text.
    pub(in crate::policy) fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte offset, counted from 1.
    pub(in crate::policy) fn position(&self, offset: usize) -> (u32, u32) {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let column = self
            .text
            .get(start..offset)
            .map_or(0, |s| s.chars().count());
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (number(line), number(column + 1))
    }

    /// The character at a line and column, both counted from 1.
    pub(in crate::policy) fn at(&self, line: u64, column: u64) -> Range<usize> {
        let index = |n: u64| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
        let start = self.lines.get(index(line)).copied();
        let start = start.unwrap_or(self.text.len());
        let rest = self.text.get(start..).unwrap_or_default();
        let mut letters = rest.char_indices().skip(index(column));
        match letters.next() {
            Some((at, letter)) => start + at..start + at + letter.len_utf8(),
            None => self.text.len()..self.text.len(),
        }
    }

    /// The same range, inside the text and on character boundaries.
    pub(in crate::policy) fn clamp(&self, span: Range<usize>) -> Range<usize> {
        let floor = |mut at: usize| {
            at = at.min(self.text.len());
            while !self.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = floor(span.start);
        start..floor(span.end).max(start)
    }

    /// Where byte `offset` of the decoded `value` stands, given the scalar's span.
    ///
    /// Plain and quoted scalars and block scalars are walked beside their decoded text; where the
    /// walk loses its way, the scalar's beginning is the answer.
    pub(in crate::policy) fn inside(
        &self,
        span: &Range<usize>,
        value: &str,
        offset: usize,
    ) -> Range<usize> {
        let span = self.clamp(span.clone());
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let Some(at) = walk(raw, value, offset) else {
            return span;
        };
        let start = span.start + at;
        let rest = self.text.get(start..span.end).unwrap_or_default();
        let width = rest.chars().next().map_or(0, char::len_utf8);
        start..start + width
    }
}

/// The offset in `raw` of the character at `offset` of `value`.
fn walk(raw: &str, value: &str, offset: usize) -> Option<usize> {
    match raw.chars().next()? {
        '"' => walk_quoted(raw, value, offset, '"'),
        '\'' => walk_quoted(raw, value, offset, '\''),
        '|' | '>' => {
            let header = raw.find('\n')? + 1;
            Some(header + walk_loose(raw.get(header..)?, value, offset)?)
        }
        _ => walk_loose(raw, value, offset),
    }
}

fn walk_quoted(raw: &str, value: &str, offset: usize, quote: char) -> Option<usize> {
    let mut letters = raw.char_indices().skip(1).peekable();
    for (at, expected) in value.char_indices() {
        let (start, letter) = letters.next()?;
        if at >= offset {
            return Some(start);
        }
        if letter == '\\' && quote == '"' {
            let (_, escaped) = letters.next()?;
            let digits = match escaped {
                'x' => 2,
                'u' => 4,
                'U' => 8,
                '\n' | '\r' => return None,
                _ => 0,
            };
            for _ in 0..digits {
                letters.next()?;
            }
        } else if letter == quote {
            letters.next()?;
        } else if letter.is_whitespace() && expected.is_whitespace() {
            // A line end and its indentation fold into one space.
            if letter != expected {
                while letters.next_if(|(_, c)| c.is_whitespace()).is_some() {}
            }
        } else if letter != expected {
            return None;
        }
    }
    letters.next().map(|(start, _)| start)
}

/// Plain and block scalars: each letter stands as it is, but for indentation and folded line ends.
fn walk_loose(raw: &str, value: &str, offset: usize) -> Option<usize> {
    let mut letters = raw.char_indices().peekable();
    let mut last = 0;
    for (at, expected) in value.char_indices() {
        if expected.is_whitespace() {
            if at >= offset {
                return letters.peek().map(|(start, _)| *start);
            }
            letters.next_if(|(_, c)| c.is_whitespace());
            continue;
        }
        while letters.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        let (start, letter) = letters.next()?;
        if at >= offset {
            return Some(start);
        }
        if letter != expected {
            return None;
        }
        last = start + letter.len_utf8();
    }
    Some(last)
}

#[cfg(test)]
mod tests {
    use super::Source;

    fn place(text: &str, value: &str, offset: usize) -> (u32, u32) {
        let start = text.find(": ").unwrap() + 2;
        let source = Source::new("p.yaml", text);
        let span = source.inside(&(start..text.trim_end().len()), value, offset);
        source.position(span.start)
    }

    #[test]
    fn counts_lines_and_characters() {
        let source = Source::new("p.yaml", "a: é\nb: x\n");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(5), (1, 5));
        assert_eq!(source.position(6), (2, 1));
        assert_eq!(source.position(9), (2, 4));
    }

    #[test]
    fn finds_a_place_inside_every_kind_of_scalar() {
        assert_eq!(place("k: $.a[?]\n", "$.a[?]", 4), (1, 8));
        assert_eq!(place("k: \"$.a\\\"[?]\"\n", "$.a\"[?]", 5), (1, 11));
        assert_eq!(place("k: 'a''b?'\n", "a'b?", 3), (1, 9));
        assert_eq!(place("k: \"a\\u0041?\"\n", "aA?", 2), (1, 12));
        assert_eq!(
            place("k: |\n  allow\n  iff x;\n", "allow\niff x;\n", 6),
            (3, 3)
        );
        assert_eq!(
            place("k: >-\n  allow\n  iff x;\n", "allow iff x;", 6),
            (3, 3)
        );
        assert_eq!(place("k: one\n  two\n", "one two", 4), (2, 3));
        assert_eq!(place("k: \"one\n  two?\"\n", "one two?", 7), (2, 6));
        assert_eq!(place("k: 'a\\b?'\n", "a\\b?", 3), (1, 8));
    }

    #[test]
    fn points_at_the_beginning_when_lost() {
        assert_eq!(place("k: \"a\\\n  b?\"\n", "ab?", 2), (1, 4));
        assert_eq!(place("k: other\n", "xyz", 2), (1, 4));
    }
}
