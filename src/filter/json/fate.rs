//! Decides what becomes of one value: the owner rule of the route, applied to what is known of it.

use std::sync::Arc;

use super::owner;
use crate::filter::Inspector;
use crate::json::{Child, Container, Document, Exhausted, Reach, Selector, States, TokenKind};
use crate::policy::treatment::{Others, RecordRule, Select};
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
    /// One entry for each selector of `also` and each ancestor, outermost first.
    also: Vec<States>,
    also_next: Vec<States>,
    has_matched: bool,
}

impl Judge {
    pub(super) fn new(rule: Option<Arc<RecordRule>>, subject: Arc<Subject>) -> Self {
        Self {
            rule,
            subject,
            also: Vec::new(),
            also_next: Vec::new(),
            has_matched: false,
        }
    }

    /// Begins another document of the same body.
    pub(super) fn restart(&mut self) {
        self.also.clear();
    }

    /// Nothing may leave yet: a later byte can still decide against the whole body.
    pub(super) fn is_holding(&self) -> bool {
        self.rule.as_ref().is_some_and(|rule| {
            matches!(rule.others, Others::Block | Others::Hide) || self.is_unmatched(rule)
        })
    }

    /// Every answer is held to its end: any record may decide against all of it.
    pub(super) fn holds_whole(&self) -> bool {
        self.rule
            .as_ref()
            .is_some_and(|rule| matches!(rule.others, Others::Block | Others::Hide))
    }

    /// The refusal of a body that ended without anything the selector names.
    pub(super) fn conclude(&self) -> Result<(), Refusal> {
        match &self.rule {
            Some(rule) if self.is_unmatched(rule) => {
                Err(Refusal::new(ReasonCode::NothingSelected).by(&rule.origin))
            }
            _ => Ok(()),
        }
    }

    fn is_unmatched(&self, rule: &RecordRule) -> bool {
        matches!(rule.select, Select::Path(_)) && !rule.is_optional && !self.has_matched
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
    pub(super) fn withhold(&self, inspector: &mut Inspector) {
        self.withhold_as(inspector, Others::Drop);
    }

    /// Notes a record that is not the subject's.
    pub(super) fn withhold_as(&self, inspector: &mut Inspector, others: Others) {
        if let Some(rule) = &self.rule {
            inspector.report_mut().withhold(&rule.origin, others);
        }
    }

    /// The container's children are what the selector names: it is shown even when it has none.
    pub(super) fn is_parent(&self, states: States, shape: Shape) -> bool {
        self.selector()
            .zip(shape.container())
            .is_some_and(|(selector, container)| selector.names_children_of(states, container))
    }

    /// An empty container at `states` is an honest answer to the selector.
    pub(super) fn is_honestly_empty(&mut self, states: States) -> bool {
        let is_honest = self
            .selector()
            .is_some_and(|selector| selector.descends_from(states));
        self.has_matched |= is_honest;
        is_honest
    }

    fn selector(&self) -> Option<&Selector> {
        match &self.rule.as_ref()?.select {
            Select::Path(selector) => Some(selector),
            Select::Anywhere => None,
        }
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
        let Some(rule) = self.rule.clone() else {
            return Ok(PASS);
        };
        match &rule.select {
            Select::Anywhere => Ok(self.anywhere(&rule, shape, asked)),
            Select::Path(selector) => self.path(&rule, selector, above, child, shape, asked),
        }
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
            && owner::has_owner(rule, document, index)
            && !owner::is_owned(rule, &self.subject, document, index)
        {
            return Fate::Foreign(rule.others);
        }
        Fate::Pass {
            states: States::NONE,
            is_plain: !has_record_below(rule, document, index),
        }
    }

    fn path(
        &mut self,
        rule: &RecordRule,
        selector: &Selector,
        above: Option<(States, bool)>,
        child: Option<Child<'_>>,
        shape: Shape,
        asked: Option<Asked<'_>>,
    ) -> Result<Fate, Refusal> {
        let reach = reach(selector, above.map(|(states, _)| states), child);
        let Some(states) = decided(selector, reach, asked)? else {
            return Ok(Fate::Collect);
        };
        if !states.is_empty() && self.is_parent(states, shape) {
            self.has_matched = true;
        }
        let pass = Fate::Pass {
            states,
            is_plain: !selector.is_live(states),
        };
        if selector.selects(states) {
            self.has_matched = true;
            let Some(asked) = asked else {
                return Ok(Fate::Collect);
            };
            let is_owned = owner::is_owned(rule, &self.subject, asked.document, asked.index);
            return Ok(if is_owned {
                pass
            } else {
                Fate::Foreign(rule.others)
            });
        }
        if above.is_some_and(|(_, passes)| passes) {
            return Ok(pass);
        }
        let from = self.also.len().saturating_sub(rule.also.len());
        let mut leads = selector.is_live(states);
        self.also_next.clear();
        for (position, also) in rule.also.iter().enumerate() {
            let parent = above.map(|_| self.also.get(from + position).copied().unwrap_or_default());
            let Some(states) = decided(also, self::reach(also, parent, child), asked)? else {
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
    selector: &Selector,
    reach: Reach,
    asked: Option<Asked<'_>>,
) -> Result<Option<States>, Refusal> {
    if reach.undecided.is_empty() {
        return Ok(Some(reach.states));
    }
    let Some(asked) = asked else {
        return Ok(None);
    };
    let filtered = selector
        .decide(reach.undecided, asked.document, asked.index)
        .map_err(|error: Exhausted| {
            Refusal::new(ReasonCode::RecordTooLarge).because(error.to_string())
        })?;
    Ok(Some(reach.states.and(filtered)))
}

/// Whether an object inside the container at `index` has an owner's name.
fn has_record_below(rule: &RecordRule, document: Document<'_>, index: usize) -> bool {
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
                        .is_some_and(|name| owner::is_owner_name(rule, name))
            })
    })
}
