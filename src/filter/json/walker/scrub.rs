//! What a walk hands to the detectors: values that pass, their names, and everything below them.

use super::Walker;
use crate::filter::json::desk::Desk;
use crate::filter::json::fate::{Asked, Shape};
use crate::filter::json::way::{Below, Level};
use crate::json::TokenKind;
use crate::types::Refusal;

impl Walker {
    pub(super) fn scrub(
        &mut self,
        desk: &mut Desk<'_>,
        shape: Shape,
        start: u64,
        end: u64,
    ) -> Result<(), Refusal> {
        match shape {
            _ if desk.inspector.is_idle() => Ok(()),
            Shape::Text(is_escaped) => {
                self.scrubber
                    .text(desk, (start, end), is_escaped, &self.way)
            }
            Shape::Number => self.scrubber.number(desk, (start, end), &self.way),
            Shape::Object | Shape::Array | Shape::Word => Ok(()),
        }
    }

    pub(super) fn scrub_name(
        &mut self,
        desk: &mut Desk<'_>,
        (start, end, is_escaped): (u64, u64, bool),
    ) -> Result<(), Refusal> {
        if desk.inspector.is_idle() {
            return Ok(());
        }
        let depth = self.frames.len().saturating_sub(1);
        let found = desk.found();
        let place = self.way.to_name(depth);
        self.scrubber.text(desk, (start, end), is_escaped, &place)?;
        if desk.found() != found {
            self.way.hide(depth);
        }
        Ok(())
    }

    /// Scrubs a container in memory that passes whole.
    pub(super) fn scrub_below(
        &mut self,
        desk: &mut Desk<'_>,
        asked: Asked<'_>,
    ) -> Result<(), Refusal> {
        if desk.inspector.is_idle() {
            return Ok(());
        }
        let Asked {
            document,
            index,
            base,
        } = asked;
        let Self {
            way,
            scrubber,
            levels,
            ..
        } = self;
        levels.clear();
        let last = document
            .token(index)
            .map_or(index, |token| token.next as usize);
        for at in index..last {
            while levels.last().is_some_and(|level| level.end == at) {
                levels.pop();
            }
            let Some(token) = document.token(at) else {
                break;
            };
            let span = (base + u64::from(token.start), base + u64::from(token.end));
            if let Some(level) = levels.last_mut() {
                if let TokenKind::Key { is_escaped } = token.kind {
                    (level.at, level.is_hidden) = (at, true);
                    let found = desk.found();
                    let place = Below {
                        way,
                        document,
                        levels,
                    };
                    scrubber.text(desk, span, is_escaped, &place)?;
                    let is_hidden = desk.found() != found;
                    if let Some(level) = levels.last_mut() {
                        level.is_hidden = is_hidden;
                    }
                    continue;
                }
                if !level.is_object {
                    level.at += 1;
                }
            }
            let place = Below {
                way,
                document,
                levels,
            };
            match token.kind {
                TokenKind::String { is_escaped } => {
                    scrubber.text(desk, span, is_escaped, &place)?;
                }
                TokenKind::Number => scrubber.number(desk, span, &place)?,
                TokenKind::Object | TokenKind::Array => levels.push(Level {
                    end: token.next as usize,
                    is_object: token.kind == TokenKind::Object,
                    at: 0,
                    is_hidden: false,
                }),
                TokenKind::Key { .. } | TokenKind::Bool(_) | TokenKind::Null => {}
            }
        }
        Ok(())
    }
}
