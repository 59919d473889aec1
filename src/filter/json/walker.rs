//! Walks a document and settles each value: it passes, is left out, is replaced, or leads to others.
//!
//! One set of frames serves the streamed outer layer and what is replayed from memory. A container
//! that may lead to records is an ancestor; its opening is written when something below it passes.
//!
//! Separators: whitespace after `[`, `{` or `,` goes with the value that follows, whitespace before
//! `,` with the value before it, whitespace before the closing bracket stays. The first value that
//! is kept loses its comma.

mod flow;
mod scrub;

use std::sync::Arc;

use super::desk::{Desk, Scrubber};
use super::fate::{Asked, Fate, Judge, Shape};
use super::way::{Level, Way};
use crate::json::{Child, Document, Event, EventKind, States, Text, TokenKind};
use crate::policy::treatment::{Others, RecordRule};
use crate::types::{ReasonCode, Refusal, Subject};

/// What the caller has to do with the value that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Go on with the next event.
    Walk,
    /// Collect the value whole, then replay it.
    Collect,
    /// Pass over the rest of the value.
    Skip,
}

/// An open container.
#[derive(Debug)]
struct Frame {
    is_object: bool,
    /// Its children pass unless they are records; otherwise they are withheld unless named.
    passes: bool,
    /// Its children pass, and none of them can be a record.
    is_plain: bool,
    /// Its opening has been written.
    is_open: bool,
    /// A child has been kept.
    has_kept: bool,
    /// The last child has been kept.
    kept_last: bool,
    has_children: bool,
    elements: u64,
    states: States,
    /// Where its opening waits in `Walker::waiting`, and its name in that opening.
    opening: usize,
    name: Option<(usize, usize)>,
}

/// The state of a walk over one document.
#[derive(Debug)]
pub(super) struct Walker {
    judge: Judge,
    frames: Vec<Frame>,
    /// The openings of ancestors that nothing has passed below yet.
    waiting: Vec<u8>,
    way: Way,
    scrubber: Scrubber,
    levels: Vec<Level>,
    /// The ends of replayed containers, as tokens.
    ends: Vec<usize>,
    /// The name of the member that begins: start and end of its quotes, and whether it is escaped.
    name: Option<(u64, u64, bool)>,
    /// The same inside of what flows, while the way does not have it yet.
    fresh: Option<(u64, u64, bool)>,
    /// What became of the root, once it is settled.
    root: Option<bool>,
    /// A foreign root is left out, not a reason to block (one line of many).
    drops_root: bool,
}

impl Walker {
    pub(super) fn new(
        rule: Option<Arc<RecordRule>>,
        subject: Arc<Subject>,
        drops_root: bool,
    ) -> Self {
        Self {
            judge: Judge::new(rule, subject),
            frames: Vec::new(),
            waiting: Vec::new(),
            way: Way::default(),
            scrubber: Scrubber::default(),
            levels: Vec::new(),
            ends: Vec::new(),
            name: None,
            fresh: None,
            root: None,
            drops_root,
        }
    }

    /// Refuses what stands outside of the records, instead of leaving it out.
    pub(super) fn make_strict(&mut self) {
        self.judge.make_strict();
    }

    /// Begins another document.
    pub(super) fn restart(&mut self) {
        self.frames.clear();
        self.waiting.clear();
        self.way.leave(0);
        self.ends.clear();
        self.name = None;
        self.fresh = None;
        self.root = None;
        self.judge.restart();
    }

    /// The root was kept; none while it is not settled.
    pub(super) fn root_kept(&self) -> Option<bool> {
        self.root
    }

    /// What still has to be known about the document.
    pub(super) fn judge(&self) -> &Judge {
        &self.judge
    }

    /// The bytes at the desk pass as they are, without another decision.
    pub(super) fn flows(&self) -> bool {
        self.root == Some(true) || self.is_plain()
    }

    /// The innermost container passes, and nothing in it can be a record.
    pub(super) fn is_plain(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.is_plain)
    }

    /// Containers that are open, as far as they were told.
    pub(super) fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Bytes of openings that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn held(&self) -> usize {
        self.waiting.capacity() + self.way.held()
    }

    /// Takes an event of the streamed layer.
    pub(super) fn event(&mut self, desk: &mut Desk<'_>, event: Event) -> Result<Next, Refusal> {
        let shape = match event.kind {
            EventKind::Comma | EventKind::Colon => return Ok(Next::Walk),
            EventKind::Key { is_escaped } => {
                self.key(desk, event.start, event.end, is_escaped)?;
                return Ok(Next::Walk);
            }
            EventKind::EndObject | EventKind::EndArray => {
                self.close(desk, event.end)?;
                return Ok(Next::Walk);
            }
            EventKind::BeginObject => Shape::Object,
            EventKind::BeginArray => Shape::Array,
            EventKind::String { is_escaped } => Shape::Text(is_escaped),
            EventKind::Number => Shape::Number,
            EventKind::Bool(_) | EventKind::Null => Shape::Word,
        };
        self.value(desk, shape, event.start, event.end, None)
    }

    /// Takes a value that was collected: all of it is settled.
    pub(super) fn replay(
        &mut self,
        desk: &mut Desk<'_>,
        document: Document<'_>,
        base: u64,
    ) -> Result<(), Refusal> {
        let mut at = 0;
        self.ends.clear();
        while let Some(token) = document.token(at) {
            let (start, end) = (base + u64::from(token.start), base + u64::from(token.end));
            let shape = match token.kind {
                TokenKind::Key { is_escaped } => {
                    self.key(desk, start, end, is_escaped)?;
                    at += 1;
                    continue;
                }
                TokenKind::Object => Shape::Object,
                TokenKind::Array => Shape::Array,
                TokenKind::String { is_escaped } => Shape::Text(is_escaped),
                TokenKind::Number => Shape::Number,
                TokenKind::Bool(_) | TokenKind::Null => Shape::Word,
            };
            let head = if shape.is_container() { start + 1 } else { end };
            let asked = Asked {
                document,
                index: at,
                base,
            };
            match self.value(desk, shape, start, head, Some(asked))? {
                Next::Walk if shape.is_container() => {
                    self.ends.push(at);
                    at += 1;
                }
                _ => at = token.next as usize,
            }
            while let Some(open) = self.ends.last().and_then(|open| document.token(*open))
                && open.next as usize == at
            {
                self.ends.pop();
                let end = base + u64::from(open.end);
                self.close(desk, end)?;
            }
        }
        Ok(())
    }

    /// A value that was passed over has ended.
    pub(super) fn skipped(&mut self, desk: &mut Desk<'_>, end: u64) {
        desk.leave_out(end);
    }

    /// Begins a member.
    fn key(
        &mut self,
        desk: &mut Desk<'_>,
        start: u64,
        end: u64,
        is_escaped: bool,
    ) -> Result<(), Refusal> {
        self.gap(desk, start);
        self.name = Some((start, end, is_escaped));
        let depth = self.frames.len().saturating_sub(1);
        let name = name(desk, (start, end, is_escaped));
        self.way.turn(depth, Child::Name(name));
        if self.frames.last().is_some_and(|frame| frame.is_plain) {
            self.scrub_name(desk, (start, end, is_escaped))?;
        }
        Ok(())
    }

    /// Settles what stands between two children: the whitespace before the comma and the comma.
    fn gap(&mut self, desk: &mut Desk<'_>, next: u64) {
        let Some(frame) = self.frames.last_mut().filter(|frame| !frame.is_plain) else {
            return;
        };
        if std::mem::replace(&mut frame.has_children, true) {
            let between = desk.bytes(desk.cursor, next);
            // Without a comma the child was begun before, and is now taken up again from memory.
            if let Some(comma) = between.iter().position(|byte| *byte == b',') {
                let comma = desk.cursor + comma as u64;
                if frame.kept_last {
                    desk.keep(comma);
                }
                desk.leave_out(comma + 1);
            }
        }
        frame.kept_last = false;
    }

    /// Settles a value, or begins it; `head` is the end of a scalar or of an opening bracket.
    fn value(
        &mut self,
        desk: &mut Desk<'_>,
        shape: Shape,
        start: u64,
        head: u64,
        asked: Option<Asked<'_>>,
    ) -> Result<Next, Refusal> {
        let is_in_object = self.frames.last().is_some_and(|frame| frame.is_object);
        if !is_in_object && !self.frames.is_empty() && self.name.is_none() {
            self.gap(desk, start);
            let depth = self.frames.len() - 1;
            if let Some(frame) = self.frames.last_mut() {
                self.way.turn(depth, Child::Index(frame.elements));
            }
        }
        let parent = self.frames.last();
        let child = match (self.name, parent) {
            (Some(key), _) => Some(Child::Name(name(desk, key))),
            (None, Some(frame)) => Some(Child::Index(frame.elements)),
            (None, None) => None,
        };
        if parent.is_some_and(|frame| frame.is_plain) {
            return self.plain(desk, shape, start, head);
        }
        let above = parent.map(|frame| (frame.states, frame.passes));
        let fate = self.judge.fate(above, child, shape, asked)?;
        if fate == Fate::Collect {
            return Ok(Next::Collect);
        }
        self.settle(desk, fate, shape, start, head, asked)
    }

    /// A child of a plain container (in memory those are scrubbed without frames).
    fn plain(
        &mut self,
        desk: &mut Desk<'_>,
        shape: Shape,
        start: u64,
        head: u64,
    ) -> Result<Next, Refusal> {
        self.name = None;
        if let Some(frame) = self.frames.last_mut() {
            frame.elements += 1;
        }
        if shape.is_container() {
            self.push(shape, true, true, States::NONE);
            if let Some(frame) = self.frames.last_mut() {
                frame.is_open = true;
            }
            return Ok(Next::Walk);
        }
        self.scrub(desk, shape, start, head)?;
        Ok(Next::Walk)
    }

    fn settle(
        &mut self,
        desk: &mut Desk<'_>,
        fate: Fate,
        shape: Shape,
        start: u64,
        head: u64,
        asked: Option<Asked<'_>>,
    ) -> Result<Next, Refusal> {
        let is_container = shape.is_container();
        let end = match asked {
            Some(asked) => asked.end().unwrap_or(head),
            None => head,
        };
        let next = match fate {
            Fate::Collect => Next::Collect,
            Fate::Foreign(others) => {
                self.foreign(desk, others, shape, start, end)?;
                Next::Skip
            }
            Fate::Withhold => {
                self.judge.withhold(desk.inspector)?;
                if self.frames.is_empty() {
                    self.lead(desk, start)?;
                    desk.insert(b"null");
                    self.root = Some(true);
                }
                desk.leave_out(end);
                Next::Skip
            }
            Fate::Lead(states) => {
                self.lead_on(desk, shape, states, start, head)?;
                Next::Walk
            }
            Fate::Pass { states, is_plain } => {
                self.lead(desk, start)?;
                match (is_container, is_plain, asked) {
                    (false, ..) => {
                        self.scrub(desk, shape, start, head)?;
                        desk.keep(end);
                        self.kept();
                        Next::Walk
                    }
                    (true, true, Some(asked)) => {
                        self.scrub_below(desk, asked)?;
                        desk.keep(end);
                        self.kept();
                        Next::Skip
                    }
                    (true, ..) => {
                        desk.keep(head);
                        self.kept_container(shape, is_plain, states);
                        Next::Walk
                    }
                }
            }
        };
        self.name = None;
        // A container that was entered counts in its parent when it begins, before its frame.
        let entered = is_container && next == Next::Walk;
        let depth = self.frames.len() - usize::from(entered);
        if let Some(frame) = depth.checked_sub(1).and_then(|at| self.frames.get_mut(at)) {
            frame.elements += 1;
        }
        Ok(if asked.is_none() && !is_container {
            Next::Walk
        } else {
            next
        })
    }

    fn foreign(
        &mut self,
        desk: &mut Desk<'_>,
        others: Others,
        shape: Shape,
        start: u64,
        end: u64,
    ) -> Result<(), Refusal> {
        self.judge.withhold_as(desk.inspector, others);
        let code = match others {
            Others::Block => Some(ReasonCode::ForeignRecord),
            Others::Hide => Some(ReasonCode::Hidden),
            Others::Drop if self.frames.is_empty() && !self.drops_root => {
                Some(ReasonCode::ForeignRecord)
            }
            Others::Drop | Others::Redact => None,
        };
        if let Some(code) = code {
            return Err(self.judge.refusal(code));
        }
        if others == Others::Redact {
            self.lead(desk, start)?;
            desk.insert(if shape == Shape::Object {
                br#"{"chaperone":"redacted"}"#
            } else {
                br#""[redacted]""#
            });
            self.kept();
        } else {
            // A record that is left out still shows that its ancestors lead to records.
            self.open(desk)?;
            if self.frames.is_empty() {
                self.root = Some(false);
            }
        }
        desk.leave_out(end);
        Ok(())
    }

    /// Enters a container that may lead to something that passes.
    fn lead_on(
        &mut self,
        desk: &mut Desk<'_>,
        shape: Shape,
        states: States,
        start: u64,
        head: u64,
    ) -> Result<(), Refusal> {
        if self.frames.is_empty() || self.judge.is_parent(states, shape) {
            self.lead(desk, start)?;
            desk.keep(head);
            self.kept_container(shape, false, states);
            if let Some(frame) = self.frames.last_mut() {
                frame.passes = false;
            }
            return Ok(());
        }
        let opening = self.waiting.len();
        self.waiting
            .extend_from_slice(desk.bytes(desk.cursor, head));
        let shift = |offset: u64| {
            opening + usize::try_from(offset.saturating_sub(desk.cursor)).unwrap_or_default()
        };
        let name = self.name.map(|(start, end, _)| (shift(start), shift(end)));
        desk.leave_out(head);
        self.push(shape, false, false, states);
        if let Some(frame) = self.frames.last_mut() {
            frame.opening = opening;
            frame.name = name;
        }
        Ok(())
    }

    fn push(&mut self, shape: Shape, passes: bool, is_plain: bool, states: States) {
        self.frames.push(Frame {
            is_object: shape == Shape::Object,
            passes,
            is_plain,
            is_open: false,
            has_kept: false,
            kept_last: false,
            has_children: false,
            elements: 0,
            states,
            opening: 0,
            name: None,
        });
    }

    /// The value at hand was kept whole.
    fn kept(&mut self) {
        match self.frames.last_mut() {
            Some(frame) => (frame.has_kept, frame.kept_last) = (true, true),
            None => self.root = Some(true),
        }
    }

    /// The container at hand is open, and its children pass.
    fn kept_container(&mut self, shape: Shape, is_plain: bool, states: States) {
        if let Some(frame) = self.frames.last_mut() {
            (frame.has_kept, frame.kept_last) = (true, true);
        }
        self.push(shape, true, is_plain, states);
        if let Some(frame) = self.frames.last_mut() {
            frame.is_open = true;
        }
    }

    /// Writes what stands before a value that passes: open ancestors, the comma, its name.
    fn lead(&mut self, desk: &mut Desk<'_>, start: u64) -> Result<(), Refusal> {
        self.open(desk)?;
        if self.frames.last().is_some_and(|frame| frame.has_kept) {
            desk.insert(b",");
        }
        if let Some(key) = self.name {
            self.scrub_name(desk, key)?;
        }
        desk.keep(start);
        Ok(())
    }

    /// Writes the openings that wait.
    fn open(&mut self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        for depth in 0..self.frames.len() {
            let end = self
                .frames
                .get(depth + 1)
                .map_or(waiting.len(), |next| next.opening);
            let Some((parent, frame)) = depth
                .checked_sub(1)
                .and_then(|above| self.frames.get_disjoint_mut([above, depth]).ok())
                .map(|[parent, frame]| (parent, frame))
            else {
                continue;
            };
            if std::mem::replace(&mut frame.is_open, true) {
                continue;
            }
            if std::mem::replace(&mut parent.has_kept, true) {
                desk.insert(b",");
            }
            parent.kept_last = true;
            let mut from = frame.opening;
            if let Some((start, after)) = frame.name {
                let part = |from, to| waiting.get(from..to).unwrap_or_default();
                desk.insert(part(from, start + 1));
                let found = desk.found();
                let place = self.way.to_name(depth - 1);
                self.scrubber
                    .copied_name(desk, part(start + 1, after - 1), &place)?;
                if desk.found() != found {
                    self.way.hide(depth - 1);
                }
                from = after - 1;
            }
            desk.insert(waiting.get(from..end).unwrap_or_default());
        }
        self.waiting = waiting;
        self.waiting.clear();
        Ok(())
    }

    /// Ends the innermost container, whose bracket ends at `end`.
    fn close(&mut self, desk: &mut Desk<'_>, end: u64) -> Result<(), Refusal> {
        let Some(frame) = self.frames.last() else {
            return Ok(());
        };
        if !frame.has_children && self.judge.is_honestly_empty(frame.states) {
            self.open(desk)?;
        }
        let Some(frame) = self.frames.pop() else {
            return Ok(());
        };
        if !frame.passes {
            self.judge.leave();
        }
        self.way.leave(self.frames.len());
        let is_below_plain = self.frames.last().is_some_and(|parent| parent.is_plain);
        if frame.is_open {
            if !is_below_plain {
                desk.keep(end);
            }
        } else {
            self.judge.withhold(desk.inspector)?;
            self.waiting.truncate(frame.opening);
            desk.leave_out(end);
        }
        if self.frames.is_empty() {
            self.root = Some(true);
        }
        Ok(())
    }
}

fn name<'a>(desk: &Desk<'a>, (start, end, is_escaped): (u64, u64, bool)) -> Text<'a> {
    Text {
        raw: desk.bytes(start + 1, end.saturating_sub(1)),
        is_escaped,
    }
}
