//! Runs of tokens that need no decision each: what is passed over, what is collected, what passes as it stands.
//!
//! INVARIANT: sizes are judged as if every token were: inside a run only the size of what is collected grows.

use super::desk::Desk;
use super::{Json, Mode};
use crate::json::{Event, EventKind};
use crate::types::Refusal;

impl Json {
    /// Reads on; false where the input at hand has ended.
    pub(super) fn run(&mut self, rest: &mut &[u8], desk: &mut Desk<'_>) -> Result<bool, Refusal> {
        match self.mode {
            Mode::Skip(depth) => self.pass_over(rest, desk, depth),
            Mode::Collect(start) => self.collect(rest, desk, start),
            Mode::Walk if self.walker.is_plain() && !self.is_holding() => {
                if desk.inspector.is_idle() {
                    self.flow_unseen(rest, desk)
                } else {
                    self.flow(rest, desk)
                }
            }
            Mode::Walk => self.single(rest, desk),
        }
    }

    /// Takes one token.
    fn single(&mut self, rest: &mut &[u8], desk: &mut Desk<'_>) -> Result<bool, Refusal> {
        match self.lexer.next(rest) {
            Ok(Some(event)) => self.event(event, desk).map(|()| true),
            Ok(None) => Ok(false),
            Err(error) => Err(self.malformed(desk, error)),
        }
    }

    /// The next token of a run, commas and colons apart.
    #[inline]
    fn item(&mut self, rest: &mut &[u8], desk: &Desk<'_>) -> Result<Option<Event>, Refusal> {
        let next = self.lexer.next_item(rest);
        next.map_err(|error| self.malformed(desk, error))
    }

    /// Passes over what is in a container that was opened at `depth`.
    fn pass_over(
        &mut self,
        rest: &mut &[u8],
        desk: &mut Desk<'_>,
        depth: usize,
    ) -> Result<bool, Refusal> {
        while let Some(event) = self.item(rest, desk)? {
            if is_end(event) && self.lexer.depth() < depth {
                self.token_end = event.end;
                self.walker.skipped(desk, event.end);
                self.mode = Mode::Walk;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Collects a value that begins at `start`.
    fn collect(
        &mut self,
        rest: &mut &[u8],
        desk: &mut Desk<'_>,
        start: u64,
    ) -> Result<bool, Refusal> {
        while let Some(event) = self.item(rest, desk)? {
            if event.end.saturating_sub(start) > self.limits.record as u64 {
                self.check_size(desk, event.end, event.start)?;
            }
            if self.tape.push(event, start) {
                self.token_end = event.end;
                self.replay(event.end, start, desk)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads what passes and is not looked at.
    fn flow_unseen(&mut self, rest: &mut &[u8], desk: &mut Desk<'_>) -> Result<bool, Refusal> {
        let depth = self.walker.depth();
        while let Some(event) = self.item(rest, desk)? {
            // The walker has not been told of containers inside this one.
            if is_end(event) && self.lexer.depth() < depth {
                self.token_end = event.end;
                self.walker.event(desk, event)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads what passes but for what detectors find in it.
    fn flow(&mut self, rest: &mut &[u8], desk: &mut Desk<'_>) -> Result<bool, Refusal> {
        while let Some(event) = self.item(rest, desk)? {
            self.token_end = event.end;
            self.walker.flow(desk, event)?;
            if is_end(event) && !self.walker.is_plain() {
                return Ok(true);
            }
        }
        self.walker.remember(desk);
        Ok(false)
    }
}

fn is_end(event: Event) -> bool {
    matches!(event.kind, EventKind::EndObject | EventKind::EndArray)
}
