//! Reads segments and their selectors.

use super::error::{SelectorError, SelectorErrorKind};
use super::expression;
use super::reader::Reader;
use super::{MAX_SEGMENTS, Segment, Step};

/// Reads a whole selector.
pub(super) fn parse(text: &str) -> Result<Vec<Segment>, SelectorError> {
    let mut reader = Reader::new(text);
    if !reader.eat("$") {
        return Err(reader.invalid("a selector begins with `$`"));
    }
    let segments = segments(&mut reader)?;
    if !reader.rest().is_empty() {
        return Err(reader.invalid("expected `.`, `..`, `[` or the end"));
    }
    if segments.len() > MAX_SEGMENTS {
        reader.unsupported(text.len(), "more than 62 segments");
    }
    reader.into_unsupported().map_or(Ok(segments), Err)
}

/// Reads the segments that follow `$` or `@`; blanks before what is no segment are left unread.
pub(super) fn segments(reader: &mut Reader<'_>) -> Result<Vec<Segment>, SelectorError> {
    let mut segments = Vec::new();
    loop {
        let start = reader.offset();
        reader.blanks();
        if reader.eat("..") {
            let steps = match reader.peek() {
                Some('[') => bracketed(reader)?,
                _ => vec![dotted(reader)?],
            };
            segments.push(Segment {
                is_descendant: true,
                steps,
            });
        } else if reader.eat(".") {
            segments.push(Segment {
                is_descendant: false,
                steps: vec![dotted(reader)?],
            });
        } else if reader.peek() == Some('[') {
            segments.push(Segment {
                is_descendant: false,
                steps: bracketed(reader)?,
            });
        } else {
            reader.rewind(start);
            return Ok(segments);
        }
    }
}

fn dotted(reader: &mut Reader<'_>) -> Result<Step, SelectorError> {
    if reader.eat("*") {
        return Ok(Step::Wildcard);
    }
    reader.shorthand().map(Step::Name)
}

fn bracketed(reader: &mut Reader<'_>) -> Result<Vec<Step>, SelectorError> {
    reader.eat("[");
    reader.enter()?;
    let mut steps = Vec::new();
    loop {
        reader.blanks();
        steps.push(step(reader)?);
        reader.blanks();
        if reader.eat("]") {
            reader.leave();
            return Ok(steps);
        }
        if !reader.eat(",") {
            return Err(reader.invalid("expected `,` or `]`"));
        }
    }
}

fn step(reader: &mut Reader<'_>) -> Result<Step, SelectorError> {
    match reader.peek() {
        Some('\'' | '"') => reader.string().map(Step::Name),
        Some('*') => {
            reader.eat("*");
            Ok(Step::Wildcard)
        }
        Some('?') => {
            reader.eat("?");
            reader.blanks();
            expression::parse(reader).map(|test| Step::Filter(Box::new(test)))
        }
        Some('-' | ':' | '0'..='9') => index_or_slice(reader),
        _ => Err(reader.invalid("expected a quoted name, an index, a slice, `*` or `?`")),
    }
}

fn index_or_slice(reader: &mut Reader<'_>) -> Result<Step, SelectorError> {
    let offset = reader.offset();
    let first = reader.integer()?;
    let after = reader.offset();
    reader.blanks();
    if !reader.eat(":") {
        reader.rewind(after);
        let Some(index) = first else {
            return Err(reader.invalid("expected an index"));
        };
        return Ok(Step::Index(from_front(reader, offset, index)));
    }
    let start = first.map_or(0, |index| from_front(reader, offset, index));
    reader.blanks();
    let offset = reader.offset();
    let end = reader.integer()?;
    let end = end.map(|index| from_front(reader, offset, index));
    let after = reader.offset();
    reader.blanks();
    if !reader.eat(":") {
        reader.rewind(after);
        return Ok(Step::Slice {
            start,
            end,
            step: 1,
        });
    }
    let after = reader.offset();
    reader.blanks();
    let offset = reader.offset();
    let Some(step) = reader.integer()? else {
        reader.rewind(after);
        return Ok(Step::Slice {
            start,
            end,
            step: 1,
        });
    };
    if step <= 0 {
        reader.unsupported(offset, "a slice that streams has a step of 1 or more");
    }
    Ok(Step::Slice {
        start,
        end,
        step: u64::try_from(step).unwrap_or(1).max(1),
    })
}

fn from_front(reader: &mut Reader<'_>, offset: usize, index: i64) -> u64 {
    u64::try_from(index).unwrap_or_else(|_| {
        reader.unsupported(
            offset,
            "an index from the back can't be matched while the array streams",
        );
        0
    })
}

/// The error for a query that reaches out of the candidate.
pub(super) fn refuse_absolute(reader: &mut Reader<'_>, offset: usize) {
    reader.unsupported(
        offset,
        "a filter that streams sees its own candidate (`@`) only, not the document (`$`)",
    );
}

impl SelectorError {
    /// It is well-formed, but outside the streaming subset.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        self.kind == SelectorErrorKind::Unsupported
    }
}
