//! Evaluates selectors and filters over a value in memory, in the order and number of RFC 9535.
//!
//! INVARIANT: every node that is looked at costs one of a bounded number of steps, so that neither a
//! selector nor a document can make the work explode.

use std::cmp::Ordering;

use thiserror::Error;

use super::document::{Child, Document, TokenKind};
use super::matcher::names;
use super::selector::{Comparison, Operand, Segment, Selector, Step, Test};

/// Steps that every evaluation has, however small its document.
const STEPS: u64 = 1 << 20;
/// Steps for each token of the document.
const STEPS_PER_TOKEN: u64 = 64;

/// The evaluation took more steps than it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the selector takes too many steps on this document")]
pub struct Exhausted;

/// One evaluation over one document.
#[derive(Debug)]
pub struct Evaluation<'a> {
    document: Document<'a>,
    steps: u64,
}

/// A value in a comparison; none is RFC 9535's Nothing.
#[derive(Clone, Copy)]
enum Value<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'a str),
    Node(usize),
}

impl<'a> Evaluation<'a> {
    /// An evaluation over `document`.
    #[must_use]
    pub fn new(document: Document<'a>) -> Self {
        let tokens = document.token(0).map_or(0, |root| u64::from(root.next));
        Self {
            document,
            steps: STEPS + STEPS_PER_TOKEN * tokens,
        }
    }

    /// The tokens of the nodes that `selector` gives, in the order and number of RFC 9535.
    ///
    /// # Errors
    /// When it takes too many steps.
    pub fn select(&mut self, selector: &Selector) -> Result<Vec<usize>, Exhausted> {
        self.nodes(selector.segments(), 0)
    }

    fn step(&mut self) -> Result<(), Exhausted> {
        self.steps = self.steps.checked_sub(1).ok_or(Exhausted)?;
        Ok(())
    }

    fn nodes(&mut self, segments: &[Segment], from: usize) -> Result<Vec<usize>, Exhausted> {
        let mut nodes = vec![from];
        for segment in segments {
            let mut found = Vec::new();
            for node in nodes {
                if segment.is_descendant {
                    for descendant in self.document.descendants(node) {
                        self.children(&segment.steps, descendant, &mut found)?;
                    }
                } else {
                    self.children(&segment.steps, node, &mut found)?;
                }
            }
            nodes = found;
        }
        Ok(nodes)
    }

    fn children(
        &mut self,
        steps: &[Step],
        node: usize,
        found: &mut Vec<usize>,
    ) -> Result<(), Exhausted> {
        for step in steps {
            self.step()?;
            for (child, index) in self.document.children(node) {
                self.step()?;
                let is_named = match step {
                    Step::Filter(test) => self.holds(test, index)?,
                    other => names(other, child),
                };
                if is_named {
                    found.push(index);
                }
            }
        }
        Ok(())
    }

    /// Whether a filter's expression holds for the value at `index`.
    pub(crate) fn holds(&mut self, test: &Test, index: usize) -> Result<bool, Exhausted> {
        match test {
            Test::Any(tests) => {
                for test in tests {
                    if self.holds(test, index)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::All(tests) => {
                for test in tests {
                    if !self.holds(test, index)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Test::Not(test) => Ok(!self.holds(test, index)?),
            Test::Exists(query) => self.exists(query, index),
            Test::Compare(left, comparison, right) => {
                let left = self.value(left, index)?;
                let right = self.value(right, index)?;
                self.compare(left, *comparison, right)
            }
            Test::Matches { subject, pattern } => {
                let value = self.value(subject, index)?;
                Ok(match value {
                    Some(Value::Text(text)) => pattern.is_match(text),
                    Some(Value::Node(node)) => self
                        .decoded(node)
                        .is_some_and(|text| pattern.is_match(&text)),
                    _ => false,
                })
            }
        }
    }

    fn exists(&mut self, query: &[Segment], from: usize) -> Result<bool, Exhausted> {
        // A single plain step, the common case, needs no list of nodes.
        if let [segment] = query
            && !segment.is_descendant
            && let [step] = segment.steps.as_slice()
            && !matches!(step, Step::Filter(_))
        {
            for (child, _) in self.document.children(from) {
                self.step()?;
                if names(step, child) {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        Ok(!self.nodes(query, from)?.is_empty())
    }

    /// The node of a singular query; none where it gives no node, or several (a name stands twice).
    fn single(&mut self, query: &[Segment], from: usize) -> Result<Option<usize>, Exhausted> {
        let mut node = from;
        for segment in query {
            let mut found = None;
            for (child, index) in self.document.children(node) {
                self.step()?;
                if segment.steps.iter().any(|step| names(step, child))
                    && found.replace(index).is_some()
                {
                    return Ok(None);
                }
            }
            match found {
                Some(index) => node = index,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    fn value<'v>(
        &mut self,
        operand: &'v Operand,
        index: usize,
    ) -> Result<Option<Value<'v>>, Exhausted> {
        Ok(match operand {
            Operand::Null => Some(Value::Null),
            Operand::Bool(value) => Some(Value::Bool(*value)),
            Operand::Number(value) => Some(Value::Number(*value)),
            Operand::Text(text) => Some(Value::Text(text)),
            Operand::Query(query) => self.single(query, index)?.map(|node| self.scalar(node)),
            Operand::Length(inner) => {
                let length = match self.value(inner, index)? {
                    Some(Value::Text(text)) => Some(text.chars().count()),
                    Some(Value::Node(node)) => self.length(node),
                    _ => None,
                };
                length.map(number)
            }
            Operand::Count(query) => Some(number(self.nodes(query, index)?.len())),
            Operand::Value(query) => match self.nodes(query, index)?.as_slice() {
                [node] => Some(self.scalar(*node)),
                _ => None,
            },
        })
    }

    /// The value at a node: strings and containers stay nodes.
    fn scalar(&self, node: usize) -> Value<'static> {
        match self.document.token(node).map(|token| token.kind) {
            Some(TokenKind::Null) => Value::Null,
            Some(TokenKind::Bool(value)) => Value::Bool(value),
            Some(TokenKind::Number) => std::str::from_utf8(self.document.bytes(node))
                .ok()
                .and_then(|literal| literal.parse().ok())
                .map_or(Value::Node(node), Value::Number),
            _ => Value::Node(node),
        }
    }

    fn length(&self, node: usize) -> Option<usize> {
        match self.document.token(node)?.kind {
            TokenKind::Object | TokenKind::Array => Some(self.document.children(node).count()),
            TokenKind::String { .. } => self.document.text(node).map(|text| text.characters()),
            _ => None,
        }
    }

    fn decoded(&self, node: usize) -> Option<String> {
        let TokenKind::String { .. } = self.document.token(node)?.kind else {
            return None;
        };
        let mut bytes = Vec::new();
        self.document.text(node)?.decode_into(&mut bytes);
        String::from_utf8(bytes).ok()
    }

    fn compare(
        &mut self,
        left: Option<Value<'_>>,
        comparison: Comparison,
        right: Option<Value<'_>>,
    ) -> Result<bool, Exhausted> {
        Ok(match comparison {
            Comparison::Equal => self.equal(left, right)?,
            Comparison::NotEqual => !self.equal(left, right)?,
            Comparison::Less => self.order(left, right) == Some(Ordering::Less),
            Comparison::Greater => self.order(left, right) == Some(Ordering::Greater),
            Comparison::LessOrEqual => {
                self.order(left, right) == Some(Ordering::Less) || self.equal(left, right)?
            }
            Comparison::GreaterOrEqual => {
                self.order(left, right) == Some(Ordering::Greater) || self.equal(left, right)?
            }
        })
    }

    /// Only numbers and strings have an order.
    fn order(&self, left: Option<Value<'_>>, right: Option<Value<'_>>) -> Option<Ordering> {
        match (left?, right?) {
            (Value::Number(left), Value::Number(right)) => left.partial_cmp(&right),
            (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
            (Value::Node(left), Value::Text(right)) => {
                Some(self.decoded(left)?.as_str().cmp(right))
            }
            (Value::Text(left), Value::Node(right)) => Some(left.cmp(&self.decoded(right)?)),
            (Value::Node(left), Value::Node(right)) => {
                Some(self.decoded(left)?.cmp(&self.decoded(right)?))
            }
            _ => None,
        }
    }

    fn equal(
        &mut self,
        left: Option<Value<'_>>,
        right: Option<Value<'_>>,
    ) -> Result<bool, Exhausted> {
        let (Some(left), Some(right)) = (left, right) else {
            return Ok(left.is_none() && right.is_none());
        };
        Ok(match (left, right) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(left), Value::Bool(right)) => left == right,
            (Value::Number(left), Value::Number(right)) => left == right,
            (Value::Text(left), Value::Text(right)) => left == right,
            (Value::Node(node), Value::Text(text)) | (Value::Text(text), Value::Node(node)) => {
                self.is_text(node, text)
            }
            (Value::Node(left), Value::Node(right)) => self.equal_nodes(left, right)?,
            _ => false,
        })
    }

    fn is_text(&self, node: usize, text: &str) -> bool {
        let kind = self.document.token(node).map(|token| token.kind);
        matches!(kind, Some(TokenKind::String { .. }))
            && self
                .document
                .text(node)
                .is_some_and(|found| found.is(text.as_bytes()))
    }

    fn equal_nodes(&mut self, left: usize, right: usize) -> Result<bool, Exhausted> {
        let document = self.document;
        let mut pairs = vec![(left, right)];
        while let Some((left, right)) = pairs.pop() {
            self.step()?;
            let kinds = (document.token(left), document.token(right));
            let (Some(left_token), Some(right_token)) = kinds else {
                return Ok(false);
            };
            let is_equal = match (left_token.kind, right_token.kind) {
                (TokenKind::Object, TokenKind::Object) => {
                    self.pair_members(left, right, &mut pairs)?
                }
                (TokenKind::Array, TokenKind::Array) => {
                    let elements = |node| document.children(node).map(|(_, index)| index);
                    pairs.extend(elements(left).zip(elements(right)));
                    elements(left).count() == elements(right).count()
                }
                (TokenKind::String { .. }, TokenKind::String { .. }) => {
                    self.decoded(left) == self.decoded(right)
                }
                (TokenKind::Number, TokenKind::Number) => {
                    let (left, right) = (self.scalar(left), self.scalar(right));
                    matches!((left, right), (Value::Number(a), Value::Number(b)) if a == b)
                }
                (left, right) => left == right,
            };
            if !is_equal {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Pairs the members of two objects by name; false where they can't be paired.
    fn pair_members(
        &mut self,
        left: usize,
        right: usize,
        pairs: &mut Vec<(usize, usize)>,
    ) -> Result<bool, Exhausted> {
        let document = self.document;
        if document.children(left).count() != document.children(right).count() {
            return Ok(false);
        }
        let mut name = Vec::new();
        for (child, index) in document.children(left) {
            let Child::Name(text) = child else {
                return Ok(false);
            };
            name.clear();
            text.decode_into(&mut name);
            let mut twin = None;
            for (other, other_index) in document.children(right) {
                self.step()?;
                if matches!(other, Child::Name(other) if other.is(&name)) {
                    twin = Some(other_index);
                    break;
                }
            }
            match twin {
                Some(other) => pairs.push((index, other)),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

#[expect(clippy::cast_precision_loss, reason = "no document has 2^53 nodes")]
fn number(count: usize) -> Value<'static> {
    Value::Number(count as f64)
}
