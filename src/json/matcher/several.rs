//! Several selectors matched in one walk: their positions share one set.

use super::{Child, Container, Document, Exhausted, Reach, Selector, States};

/// Selectors that are matched side by side, each with bits of its own.
#[derive(Clone, Debug, Default)]
pub struct Selectors {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    selector: Selector,
    /// Its lowest bit, and how many it has.
    base: u32,
    width: u32,
}

impl Part {
    fn of(&self, states: States) -> States {
        let mask = u64::MAX >> (u64::BITS - self.width);
        States(states.0 >> self.base & mask)
    }

    fn widen(&self, states: States) -> States {
        States(states.0 << self.base)
    }
}

impl Selectors {
    /// The selectors side by side; none when their segments and they are more than 64 together.
    #[must_use]
    pub fn new(selectors: impl IntoIterator<Item = Selector>) -> Option<Self> {
        let mut base = 0;
        let mut parts = Vec::new();
        for selector in selectors {
            let width = u32::try_from(selector.segments().len()).ok()? + 1;
            if base + width > u64::BITS {
                return None;
            }
            parts.push(Part {
                selector,
                base,
                width,
            });
            base += width;
        }
        Some(Self { parts })
    }

    /// The positions of the root.
    #[must_use]
    pub fn at_root(&self) -> States {
        let roots = self.parts.iter();
        roots.fold(States::NONE, |states, part| {
            states.and(part.widen(part.selector.at_root()))
        })
    }

    /// The positions of a child of a node.
    #[must_use]
    pub fn child(&self, states: States, child: Child<'_>) -> Reach {
        let mut reach = Reach::default();
        for part in &self.parts {
            let own = part.of(states);
            if !own.is_empty() {
                let step = part.selector.child(own, child);
                reach.states = reach.states.and(part.widen(step.states));
                reach.undecided = reach.undecided.and(part.widen(step.undecided));
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
        for part in &self.parts {
            let own = part.of(undecided);
            if !own.is_empty() {
                let decided = part.selector.decide(own, document, index)?;
                states = states.and(part.widen(decided));
            }
        }
        Ok(states)
    }

    /// Something below the node can be selected.
    #[must_use]
    pub fn is_live(&self, states: States) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| part.selector.is_live(part.of(states)))
    }

    /// The selectors that select the node, by their places.
    pub fn selecting(&self, states: States) -> impl Iterator<Item = usize> {
        self.those(move |selector, own| selector.selects(own), states)
    }

    /// The selectors for which [`Selector::names_children_of`] holds.
    pub fn naming_children_of(
        &self,
        states: States,
        container: Container,
    ) -> impl Iterator<Item = usize> {
        let names = move |selector: &Selector, own| selector.names_children_of(own, container);
        self.those(names, states)
    }

    /// The selectors for which [`Selector::descends_from`] holds.
    pub fn descending_from(&self, states: States) -> impl Iterator<Item = usize> {
        self.those(|selector, own| selector.descends_from(own), states)
    }

    fn those(
        &self,
        holds: impl Fn(&Selector, States) -> bool,
        states: States,
    ) -> impl Iterator<Item = usize> {
        let parts = self.parts.iter().enumerate();
        parts.filter_map(move |(at, part)| holds(&part.selector, part.of(states)).then_some(at))
    }
}
