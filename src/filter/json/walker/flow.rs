//! The walk through a container that passes and in which nothing can be a record: only detectors look at it.

use super::{Frame, Walker, name};
use crate::filter::json::desk::Desk;
use crate::filter::json::fate::Shape;
use crate::filter::json::way::{AtChild, Way};
use crate::json::{Child, Event, EventKind, States, Text};
use crate::types::Refusal;

impl Walker {
    /// Takes a token of such a container, which is open; commas and colons may be left out.
    #[inline]
    pub(in crate::filter::json) fn flow(
        &mut self,
        desk: &mut Desk<'_>,
        event: Event,
    ) -> Result<(), Refusal> {
        let (start, end) = (event.start, event.end);
        match event.kind {
            EventKind::Comma | EventKind::Colon => return Ok(()),
            EventKind::Key { is_escaped } => return self.flow_name(desk, (start, end, is_escaped)),
            EventKind::EndObject | EventKind::EndArray => return self.close(desk, end),
            EventKind::BeginObject => {
                self.flow_in(desk, Shape::Object);
                return Ok(());
            }
            EventKind::BeginArray => {
                self.flow_in(desk, Shape::Array);
                return Ok(());
            }
            EventKind::String { is_escaped } => {
                let place = place(
                    &self.way,
                    &self.frames,
                    self.fresh.map(|key| name(desk, key)),
                );
                self.scrubber.text(desk, (start, end), is_escaped, &place)?;
            }
            EventKind::Number => {
                let place = place(
                    &self.way,
                    &self.frames,
                    self.fresh.map(|key| name(desk, key)),
                );
                self.scrubber.number(desk, (start, end), &place)?;
            }
            EventKind::Bool(_) | EventKind::Null => {}
        }
        self.fresh = None;
        if let Some(frame) = self.frames.last_mut() {
            frame.elements += 1;
        }
        Ok(())
    }

    /// Begins a member.
    fn flow_name(&mut self, desk: &mut Desk<'_>, key: (u64, u64, bool)) -> Result<(), Refusal> {
        let (start, end, is_escaped) = key;
        let depth = self.frames.len().saturating_sub(1);
        let found = desk.found();
        let place = self.way.to_name(depth);
        self.scrubber.text(desk, (start, end), is_escaped, &place)?;
        self.fresh = Some(key);
        if desk.found() != found {
            self.remember(desk);
            self.way.hide(depth);
        }
        Ok(())
    }

    /// Begins a container.
    fn flow_in(&mut self, desk: &Desk<'_>, shape: Shape) {
        self.remember(desk);
        let depth = self.frames.len().saturating_sub(1);
        if let Some(frame) = self.frames.last_mut() {
            if !frame.is_object {
                self.way.turn(depth, Child::Index(frame.elements));
            }
            frame.elements += 1;
        }
        self.push(shape, true, true, States::NONE);
        if let Some(frame) = self.frames.last_mut() {
            frame.is_open = true;
        }
    }

    /// Copies the name at hand, which its value may outlive.
    pub(in crate::filter::json) fn remember(&mut self, desk: &Desk<'_>) {
        if let Some(key) = self.fresh.take() {
            let depth = self.frames.len().saturating_sub(1);
            self.way.turn(depth, Child::Name(name(desk, key)));
        }
    }
}

/// Where a value stands in the innermost container: behind the name at hand, or behind one that the way has.
fn place<'a>(way: &'a Way, frames: &[Frame], fresh: Option<Text<'a>>) -> AtChild<'a> {
    let child = match frames.last() {
        Some(frame) if !frame.is_object => Some(Child::Index(frame.elements)),
        _ => fresh.map(Child::Name),
    };
    AtChild::new(way, frames.len(), child)
}
