//! Matches a selector while a document streams: sets of positions in the selector, one bit each.
//!
//! A position says how many segments lead to a node. A set of them is one word, so `$..a..b` costs
//! the same on every node, however often it could be reached.

mod several;

use super::document::{Child, Document};
use super::evaluate::{Evaluation, Exhausted};
use super::selector::{Segment, Selector, Step};

pub use self::several::Selectors;

/// Positions in a selector, reached at one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct States(u64);

impl States {
    /// No position: nothing at or below the node is selected.
    pub const NONE: Self = Self(0);

    /// There is no position.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The positions of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn positions(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            (rest != 0).then(|| {
                let position = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                position
            })
        })
    }
}

/// What is known about a child before its value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The positions it has whatever its value is.
    pub states: States,
    /// The positions of its parent whose filters have to see its value.
    pub undecided: States,
}

/// What a container is, as [`Selector::names_children_of`] asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// `[…]`
    Array,
    /// `{…}`
    Object,
}

impl Selector {
    /// The positions of the root.
    #[must_use]
    pub fn at_root(&self) -> States {
        States(1)
    }

    /// The node is selected.
    #[must_use]
    pub fn selects(&self, states: States) -> bool {
        states.0 >> self.segments().len() & 1 == 1
    }

    /// Something below the node can be selected.
    #[must_use]
    pub fn is_live(&self, states: States) -> bool {
        states.0 & !(1 << self.segments().len()) != 0
    }

    /// The positions of a child of a node.
    #[must_use]
    pub fn child(&self, states: States, child: Child<'_>) -> Reach {
        let mut reach = Reach::default();
        for position in states.positions() {
            let Some(segment) = self.segments().get(position) else {
                continue;
            };
            if segment.is_descendant {
                reach.states.0 |= 1 << position;
            }
            for step in &segment.steps {
                if matches!(step, Step::Filter(_)) {
                    reach.undecided.0 |= 1 << position;
                } else if names(step, child) {
                    reach.states.0 |= 1 << (position + 1);
                }
            }
        }
        reach
    }

    /// The positions that filters give to the value at `index`.
    ///
    /// # Errors
    /// When the filters take more steps than the evaluation has.
    pub fn decide(
        &self,
        undecided: States,
        document: Document<'_>,
        index: usize,
    ) -> Result<States, Exhausted> {
        let mut states = States::NONE;
        let mut evaluation = Evaluation::new(document);
        for position in undecided.positions() {
            let steps = self.segments().get(position).map(|segment| &segment.steps);
            for step in steps.into_iter().flatten() {
                if let Step::Filter(test) = step
                    && evaluation.holds(test, index)?
                {
                    states.0 |= 1 << (position + 1);
                }
            }
        }
        Ok(states)
    }

    /// The selector's last step names the children of a container at `states` by what they are (a
    /// wildcard, a slice, a filter), so that having none of them is an honest answer.
    #[must_use]
    pub fn names_children_of(&self, states: States, container: Container) -> bool {
        let is_loose = |step: &Step| match step {
            Step::Wildcard | Step::Filter(_) => true,
            Step::Slice { .. } => container == Container::Array,
            Step::Name(_) | Step::Index(_) => false,
        };
        self.last(states)
            .is_some_and(|segment| segment.steps.iter().any(is_loose))
    }

    /// The selector's last step looks through all descendants of a node at `states`.
    #[must_use]
    pub fn descends_from(&self, states: States) -> bool {
        self.last(states)
            .is_some_and(|segment| segment.is_descendant)
    }

    /// The last segment, where it is what follows at `states`.
    fn last(&self, states: States) -> Option<&Segment> {
        let last = self.segments().len().checked_sub(1)?;
        (states.0 >> last & 1 == 1).then(|| self.segments().get(last))?
    }
}

/// Whether a step that is no filter names the child.
#[inline]
pub(super) fn names(step: &Step, child: Child<'_>) -> bool {
    match (step, child) {
        (Step::Wildcard, _) => true,
        (Step::Name(name), Child::Name(text)) => text.is(name.as_bytes()),
        (Step::Index(wanted), Child::Index(index)) => *wanted == index,
        (Step::Slice { start, end, step }, Child::Index(index)) => {
            index >= *start && end.is_none_or(|end| index < end) && (index - start) % step == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
