//! Decides what becomes of one value: the owner rule of the route, applied to what is known of it.

use std::sync::Arc;

use super::owner;
use crate::filter::Inspector;
use crate::json::{
    Child, Container, Document, Exhausted, Reach, Selector, Selectors, States, TokenKind,
};
use crate::policy::treatment::{Others, Owner, RecordRule, Select};
use crate::types::{ReasonCode, Refusal, Subject};

/// What a value is, as far as its first byte says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Object,
    Array,
    /// A string, and whether it holds escapes.
    Text(bool),
    Number,
    /// `true`, `false`, `null`.
    Word,
}

impl Shape {
    pub(super) fn is_container(self) -> bool {
        self.container().is_some()
    }

    fn container(self) -> Option<Container> {
        match self {
            Self::Object => Some(Container::Object),
            Self::Array => Some(Container::Array),
            Self::Text(_) | Self::Number | Self::Word => None,
        }
    }
}

/// A value in memory: its token, and where the document's bytes stand in the input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) document: Document<'a>,
    pub(super) index: usize,
    pub(super) base: u64,
}

impl Asked<'_> {
    /// One past the value's last byte.
    pub(super) fn end(&self) -> Option<u64> {
        let token = self.document.token(self.index)?;
        Some(self.base + u64::from(token.end))
    }
}

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It can't be told before the whole value is in memory.
    Collect,
    /// It is a record of somebody else.
    Foreign(Others),
    /// A container that may lead to something that passes.
    Lead(States),
    /// It passes; when it is plain, so does everything below it.
    Pass { states: States, is_plain: bool },
    /// It stands outside of the records.
    Withhold,
}

const PASS: Fate = Fate::Pass {
    states: States::NONE,
    is_plain: true,
};

/// The owner rule, and where the `also` selectors stand in each open ancestor.
#[derive(Debug)]
pub(super) struct Judge {
    rule: Option<Arc<RecordRule>>,
    subject: Arc<Subject>,
    /// The selectors of the rule's collections.
    selectors: Selectors,
    /// Collections, one bit each: those of which something was found, and those of which something must be.
    matched: u64,
    needed: u64,
    /// One entry for each selector of `also` and each ancestor, outermost first.
    also: Vec<States>,
    also_next: Vec<States>,
    /// Nothing may stand outside of the records: a request can't be told without it.
    is_strict: bool,
}

impl Judge {
    pub(super) fn new(rule: Option<Arc<RecordRule>>, subject: Arc<Subject>) -> Self {
        let (selectors, needed) = rule.as_deref().map(collections).unwrap_or_default();
        Self {
            rule,
            subject,
            selectors,
            matched: 0,
            needed,
            also: Vec::new(),
            also_next: Vec::new(),
            is_strict: false,
        }
    }

    /// Refuses what stands outside of the records, instead of leaving it out.
    pub(super) fn make_strict(&mut self) {
        self.is_strict = true;
    }

    /// Begins another document of the same body.
    pub(super) fn restart(&mut self) {
        self.also.clear();
    }

    /// Nothing may leave yet: a later byte can still decide against the whole body.
    pub(super) fn is_holding(&self) -> bool {
        self.holds_whole() || self.is_unmatched()
    }

    /// Every answer is held to its end: any record may decide against all of it.
    pub(super) fn holds_whole(&self) -> bool {
        self.rule.as_ref().is_some_and(|rule| rule.holds_whole())
    }

    /// The refusal of a body that ended without anything the selector names.
    pub(super) fn conclude(&self) -> Result<(), Refusal> {
        match &self.rule {
            Some(rule) if self.is_unmatched() => {
                Err(Refusal::new(ReasonCode::NothingSelected).by(&rule.origin))
            }
            _ => Ok(()),
        }
    }

    fn is_unmatched(&self) -> bool {
        self.needed & !self.matched != 0
    }

    /// A refusal by the owner rule.
    pub(super) fn refusal(&self, code: ReasonCode) -> Refusal {
        let refusal = Refusal::new(code);
        match &self.rule {
            Some(rule) => refusal.by(&rule.origin),
            None => refusal,
        }
    }

    /// Notes something that is left out because it stands outside of the records.
    pub(super) fn withhold(&self, inspector: &mut Inspector) -> Result<(), Refusal> {
        if self.is_strict {
            let refusal = self.refusal(ReasonCode::ForeignRecord);
            return Err(refusal.because("something stands outside of the records"));
        }
        self.withhold_as(inspector, Others::Drop);
        Ok(())
    }

    /// Notes a record that is not the subject's.
    pub(super) fn withhold_as(&self, inspector: &mut Inspector, others: Others) {
        if let Some(rule) = &self.rule {
            inspector.report_mut().withhold(&rule.origin, others);
        }
    }

    /// The container's children are what the selector names: it is shown even when it has none.
    pub(super) fn is_parent(&self, states: States, shape: Shape) -> bool {
        self.parents(states, shape) != 0
    }

    /// An empty container at `states` is an honest answer to the selector.
    pub(super) fn is_honestly_empty(&mut self, states: States) -> bool {
        let honest = bits(self.selectors.descending_from(states));
        self.matched |= honest;
        honest != 0
    }

    /// The collections whose records are the container's children.
    fn parents(&self, states: States, shape: Shape) -> u64 {
        shape.container().map_or(0, |container| {
            bits(self.selectors.naming_children_of(states, container))
        })
    }

    /// Leaves an ancestor.
    pub(super) fn leave(&mut self) {
        let selectors = self.rule.as_ref().map_or(0, |rule| rule.also.len());
        self.also
            .truncate(self.also.len().saturating_sub(selectors));
    }

    /// Decides about a value. `above` says where its parent stands and whether it passes; the root
    /// has none. `asked` is the value, where it is in memory.
    pub(super) fn fate(
        &mut self,
        above: Option<(States, bool)>,
        child: Option<Child<'_>>,
        shape: Shape,
        asked: Option<Asked<'_>>,
    ) -> Result<Fate, Refusal> {
        // Taken out for as long as it is asked: a count of its holders for every value costs more.
        let Some(rule) = self.rule.take() else {
            return Ok(PASS);
        };
        let fate = match &rule.select {
            Select::Anywhere => Ok(self.anywhere(&rule, shape, asked)),
            Select::Path(_) => self.path(&rule, above, child, shape, asked),
        };
        self.rule = Some(rule);
        fate
    }

    fn anywhere(&self, rule: &RecordRule, shape: Shape, asked: Option<Asked<'_>>) -> Fate {
        if !shape.is_container() {
            return PASS;
        }
        let Some(asked) = asked else {
            return if shape == Shape::Object {
                Fate::Collect
            } else {
                Fate::Pass {
                    states: States::NONE,
                    is_plain: false,
                }
            };
        };
        let Asked {
            document, index, ..
        } = asked;
        if shape == Shape::Object
            && owner::has_owner(rule, document, index, self.is_strict)
            && !self.is_owned(&rule.owner, document, index)
        {
            return Fate::Foreign(rule.others);
        }
        Fate::Pass {
            states: States::NONE,
            is_plain: !has_record_below(rule, document, index, self.is_strict),
        }
    }

    fn path(
        &mut self,
        rule: &RecordRule,
        above: Option<(States, bool)>,
        child: Option<Child<'_>>,
        shape: Shape,
        asked: Option<Asked<'_>>,
    ) -> Result<Fate, Refusal> {
        let reach = match (above, child) {
            (Some((parent, _)), Some(child)) => self.selectors.child(parent, child),
            _ => Reach {
                states: self.selectors.at_root(),
                undecided: States::NONE,
            },
        };
        let decide = |undecided, asked: Asked<'_>| {
            self.selectors
                .decide(undecided, asked.document, asked.index)
        };
        let Some(states) = decided(decide, reach, asked)? else {
            return Ok(Fate::Collect);
        };
        if !states.is_empty() {
            self.matched |= self.parents(states, shape);
        }
        let pass = Fate::Pass {
            states,
            is_plain: !self.selectors.is_live(states),
        };
        let selecting = bits(self.selectors.selecting(states));
        if selecting != 0 {
            self.matched |= selecting;
            let Some(asked) = asked else {
                return Ok(Fate::Collect);
            };
            return Ok(self.foreign(rule, states, asked).unwrap_or(pass));
        }
        if above.is_some_and(|(_, passes)| passes) {
            return Ok(pass);
        }
        let from = self.also.len().saturating_sub(rule.also.len());
        let mut leads = self.selectors.is_live(states);
        self.also_next.clear();
        for (position, also) in rule.also.iter().enumerate() {
            let parent = above.map(|_| self.also.get(from + position).copied().unwrap_or_default());
            let decide =
                |undecided, asked: Asked<'_>| also.decide(undecided, asked.document, asked.index);
            let Some(states) = decided(decide, self::reach(also, parent, child), asked)? else {
                return Ok(Fate::Collect);
            };
            if also.selects(states) {
                return Ok(pass);
            }
            leads |= also.is_live(states);
            self.also_next.push(states);
        }
        if leads && shape.is_container() {
            self.also.append(&mut self.also_next);
            return Ok(Fate::Lead(states));
        }
        Ok(Fate::Withhold)
    }

    /// Whether a record is the subject's; in requests to every reader.
    fn is_owned(&self, owners: &[Owner], document: Document<'_>, record: usize) -> bool {
        owner::is_owned(owners, &self.subject, document, record)
            && !(self.is_strict && owner::has_twin(owners, document, record))
    }

    /// What becomes of a record, where some collection that it is in makes it somebody else's.
    fn foreign(&self, rule: &RecordRule, states: States, asked: Asked<'_>) -> Option<Fate> {
        self.selectors.selecting(states).find_map(|place| {
            let (owners, others) = rule.collection(place)?;
            let is_owned = self.is_owned(owners, asked.document, asked.index);
            (!is_owned).then_some(Fate::Foreign(others))
        })
    }
}

/// The selectors of a rule's collections, and those of which an answer must hold something. A collection
/// inside another one's records need not be there: nor need the records.
fn collections(rule: &RecordRule) -> (Selectors, u64) {
    let Select::Path(first) = &rule.select else {
        return Default::default();
    };
    let further = rule.further.iter();
    let further = further.map(|collection| (&collection.select, collection.is_optional));
    let all: Vec<(&Selector, bool)> = std::iter::once((first, rule.is_optional))
        .chain(further)
        .collect();
    let is_inside = |inner: &Selector, outer: &Selector| {
        inner
            .as_str()
            .strip_prefix(outer.as_str())
            .is_some_and(|rest| rest.starts_with(['.', '[']))
    };
    let needed = all.iter().enumerate().filter(|(_, (selector, optional))| {
        !optional && !all.iter().any(|(outer, _)| is_inside(selector, outer))
    });
    let needed = bits(needed.map(|(at, _)| at));
    // Policies with more than fit are refused: here nothing is selected, and nothing passes.
    let selectors = Selectors::new(all.iter().map(|(selector, _)| (*selector).clone()));
    (selectors.unwrap_or_default(), needed)
}

fn bits(places: impl Iterator<Item = usize>) -> u64 {
    places.fold(0, |bits, place| bits | 1 << place)
}

fn reach(selector: &Selector, parent: Option<States>, child: Option<Child<'_>>) -> Reach {
    match (parent, child) {
        (Some(parent), Some(child)) => selector.child(parent, child),
        _ => Reach {
            states: selector.at_root(),
            undecided: States::NONE,
        },
    }
}

/// The value's positions; none where filters have to see it and it is not in memory.
fn decided(
    decide: impl Fn(States, Asked<'_>) -> Result<States, Exhausted>,
    reach: Reach,
    asked: Option<Asked<'_>>,
) -> Result<Option<States>, Refusal> {
    if reach.undecided.is_empty() {
        return Ok(Some(reach.states));
    }
    let Some(asked) = asked else {
        return Ok(None);
    };
    let filtered = decide(reach.undecided, asked).map_err(|error: Exhausted| {
        Refusal::new(ReasonCode::RecordTooLarge).because(error.to_string())
    })?;
    Ok(Some(reach.states.and(filtered)))
}

/// Whether an object inside the container at `index` has an owner's name.
fn has_record_below(
    rule: &RecordRule,
    document: Document<'_>,
    index: usize,
    in_any_case: bool,
) -> bool {
    document.children(index).any(|(_, child)| {
        let Some(token) = document.token(child) else {
            return false;
        };
        matches!(token.kind, TokenKind::Object | TokenKind::Array)
            && (child..token.next as usize).any(|at| {
                let is_name = document
                    .token(at)
                    .is_some_and(|token| matches!(token.kind, TokenKind::Key { .. }));
                is_name
                    && document
                        .text(at)
                        .is_some_and(|name| owner::is_owner_name(rule, name, in_any_case))
            })
    })
}
