//! A parsed RFC 9535 selector: the subset that can be matched while a document streams.
//!
//! The whole grammar is read, functions are typed, and what is well-formed but can't stream (an
//! index from the back, an absolute query in a filter) is told apart from what is not a selector.

mod error;
mod expression;
mod pattern;
mod query;
mod reader;

use std::fmt;
use std::sync::Arc;

pub(crate) use self::pattern::Pattern;
pub use error::{SelectorError, SelectorErrorKind};

/// Segments beyond this are refused: a set of positions is one machine word.
const MAX_SEGMENTS: usize = 62;

/// A selector, cheap to clone.
#[derive(Clone)]
pub struct Selector {
    text: Arc<str>,
    segments: Arc<[Segment]>,
}

impl Selector {
    /// Reads a selector (`$.orders[*]`).
    ///
    /// # Errors
    /// Where `text` is no RFC 9535 query, or is one that can't be matched while streaming.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let segments = query::parse(text)?;
        Ok(Self {
            text: text.into(),
            segments: segments.into(),
        })
    }

    /// A selector of one member of the root, by its name.
    #[must_use]
    pub fn member(name: &str) -> Self {
        let mut text = String::from("$['");
        for letter in name.chars() {
            match letter {
                '\'' | '\\' => text.extend(['\\', letter]),
                control if u32::from(control) < 0x20 => {
                    text.push_str(&format!("\\u{:04x}", u32::from(control)));
                }
                other => text.push(other),
            }
        }
        text.push_str("']");
        Self {
            text: text.into(),
            segments: Arc::new([Segment {
                is_descendant: false,
                steps: vec![Step::Name(name.into())],
            }]),
        }
    }

    /// The selector as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Names at most one node of any document: names and indices alone, one a segment.
    #[must_use]
    pub fn is_singular(&self) -> bool {
        is_singular(&self.segments)
    }

    /// As deep as it is long, whatever the document: without descendants and filters.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.segments.iter().all(|segment| {
            !segment.is_descendant
                && !segment
                    .steps
                    .iter()
                    .any(|step| matches!(step, Step::Filter(_)))
        })
    }

    /// The names that the step at `depth`, counted from the root's children, gives.
    pub fn names_at(&self, depth: usize) -> impl Iterator<Item = &str> {
        let steps = self.segments.get(depth).map(|segment| &segment.steps);
        steps.into_iter().flatten().filter_map(|step| match step {
            Step::Name(name) => Some(&**name),
            _ => None,
        })
    }

    /// The member's name, where the selector is one name below the root (`$.owner_id`).
    #[must_use]
    pub fn single_name(&self) -> Option<&str> {
        match self.segments.as_ref() {
            [
                Segment {
                    is_descendant: false,
                    steps,
                },
            ] => match steps.as_slice() {
                [Step::Name(name)] => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// The selector is `$`: the whole document.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.segments.is_empty()
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Selector").field(&self.text).finish()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Selector {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Selector {}

/// One step down: to children, or to children of every descendant.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) is_descendant: bool,
    pub(crate) steps: Vec<Step>,
}

/// Which children.
#[derive(Debug)]
pub(crate) enum Step {
    Name(Box<str>),
    Wildcard,
    Index(u64),
    Slice {
        start: u64,
        end: Option<u64>,
        step: u64,
    },
    Filter(Box<Test>),
}

/// A logical expression over one candidate value.
#[derive(Debug)]
pub(crate) enum Test {
    Any(Vec<Self>),
    All(Vec<Self>),
    Not(Box<Self>),
    Exists(Vec<Segment>),
    Compare(Operand, Comparison, Operand),
    Matches { subject: Operand, pattern: Pattern },
}

/// One side of a comparison.
#[derive(Debug)]
pub(crate) enum Operand {
    Null,
    Bool(bool),
    Number(f64),
    Text(Box<str>),
    /// A singular query from the candidate.
    Query(Vec<Segment>),
    /// `length()`.
    Length(Box<Self>),
    /// `count()`.
    Count(Vec<Segment>),
    /// `value()`.
    Value(Vec<Segment>),
}

/// The comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The rule of [`Selector::is_singular`] for the segments of any query.
pub(crate) fn is_singular(segments: &[Segment]) -> bool {
    segments.iter().all(|segment| {
        !segment.is_descendant
            && matches!(segment.steps.as_slice(), [Step::Name(_) | Step::Index(_)])
    })
}

#[cfg(test)]
mod tests;
