//! The way to the value at hand: kept for every open container, spelled only when something is found.

use crate::filter::{Step, Trail};
use crate::json::{Child, Document, Text};

/// The steps from the root through the open containers; the names are copies, since the bytes that
/// they came from may have left.
#[derive(Debug, Default)]
pub(super) struct Way {
    steps: Vec<WayStep>,
    names: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum WayStep {
    Hidden,
    Index(u64),
    Name {
        start: usize,
        end: usize,
        is_escaped: bool,
    },
}

impl Way {
    /// Leaves what is deeper than `depth` steps, then takes one step more.
    pub(super) fn turn(&mut self, depth: usize, child: Child<'_>) {
        self.leave(depth);
        self.steps.push(match child {
            Child::Index(index) => WayStep::Index(index),
            Child::Name(text) => {
                let start = self.names.len();
                self.names.extend_from_slice(text.raw);
                WayStep::Name {
                    start,
                    end: self.names.len(),
                    is_escaped: text.is_escaped,
                }
            }
        });
    }

    /// Leaves what is deeper than `depth` steps.
    pub(super) fn leave(&mut self, depth: usize) {
        for step in self.steps.drain(depth.min(self.steps.len())..).rev() {
            if let WayStep::Name { start, .. } = step {
                self.names.truncate(start);
            }
        }
    }

    /// Hides the name at `depth`: something was found in it.
    pub(super) fn hide(&mut self, depth: usize) {
        if let Some(step) = self.steps.get_mut(depth) {
            *step = WayStep::Hidden;
        }
    }

    /// The way to the name at `depth`, itself hidden.
    pub(super) fn to_name(&self, depth: usize) -> ToName<'_> {
        ToName { way: self, depth }
    }

    pub(super) fn held(&self) -> usize {
        self.names.capacity() + self.steps.capacity() * size_of::<WayStep>()
    }

    fn walk_to(&self, depth: usize, visit: &mut dyn FnMut(Step<'_>)) {
        for step in self.steps.iter().take(depth) {
            match *step {
                WayStep::Hidden => visit(Step::Hidden),
                WayStep::Index(index) => visit(Step::Index(index)),
                WayStep::Name {
                    start,
                    end,
                    is_escaped,
                } => {
                    let raw = self.names.get(start..end).unwrap_or_default();
                    visit_name(Text { raw, is_escaped }, visit);
                }
            }
        }
    }
}

impl Trail for Way {
    fn walk(&self, visit: &mut dyn FnMut(Step<'_>)) {
        self.walk_to(self.steps.len(), visit);
    }
}

fn visit_name(text: Text<'_>, visit: &mut dyn FnMut(Step<'_>)) {
    if !text.is_escaped {
        visit(Step::Name(&String::from_utf8_lossy(text.raw)));
        return;
    }
    let mut name = Vec::new();
    text.decode_into(&mut name);
    visit(Step::Name(&String::from_utf8_lossy(&name)));
}

/// The place of a value in the innermost of `depth` open containers, which the way leads to.
pub(super) struct AtChild<'a> {
    way: &'a Way,
    depth: usize,
    child: Option<Child<'a>>,
}

impl<'a> AtChild<'a> {
    /// How it is reached from there: by `child`, or as the way says.
    pub(super) fn new(way: &'a Way, depth: usize, child: Option<Child<'a>>) -> Self {
        Self { way, depth, child }
    }
}

impl Trail for AtChild<'_> {
    fn walk(&self, visit: &mut dyn FnMut(Step<'_>)) {
        match self.child {
            None => self.way.walk_to(self.depth, visit),
            Some(child) => {
                self.way.walk_to(self.depth.saturating_sub(1), visit);
                match child {
                    Child::Index(index) => visit(Step::Index(index)),
                    Child::Name(text) => visit_name(text, visit),
                }
            }
        }
    }
}

/// The place of a name.
pub(super) struct ToName<'a> {
    way: &'a Way,
    depth: usize,
}

impl Trail for ToName<'_> {
    fn walk(&self, visit: &mut dyn FnMut(Step<'_>)) {
        self.way.walk_to(self.depth, visit);
        visit(Step::Hidden);
    }
}

/// An open container inside a value in memory, and its child at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    /// The token after the container.
    pub(super) end: usize,
    pub(super) is_object: bool,
    /// Elements begun so far, or the token of the name at hand.
    pub(super) at: usize,
    pub(super) is_hidden: bool,
}

/// The way into a value in memory, from the way that leads to it.
pub(super) struct Below<'a> {
    pub(super) way: &'a Way,
    pub(super) document: Document<'a>,
    pub(super) levels: &'a [Level],
}

impl Trail for Below<'_> {
    fn walk(&self, visit: &mut dyn FnMut(Step<'_>)) {
        self.way.walk(visit);
        for level in self.levels {
            if level.is_hidden {
                visit(Step::Hidden);
            } else if !level.is_object {
                visit(Step::Index((level.at as u64).saturating_sub(1)));
            } else if let Some(text) = self.document.text(level.at) {
                visit_name(text, visit);
            }
        }
    }
}
