//! How a match goes on after its bounded head: long tokens are followed byte by byte, so that they
//! are covered to their end without a window of that size.

use serde::Deserialize;

use super::{PatternId, Span, Strength};

/// The ways a match can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TailKind {
    /// Base64url characters and dots (at most two in a row, none at the end): the rest of a JWT.
    Jwt,
    /// A PEM block to the end of its `-----END …-----` line. Without one, to its last run of 16 or
    /// more base64 characters that is no further than 256 bytes from the run before it.
    Pem,
}

/// The most bytes after the certain end of a tail that are looked at before it is given up.
pub(super) const GAP: u64 = 256;
const RUN: u64 = 16;
const END: &[u8] = b"-----END ";
const DASHES: u8 = 5;

/// A hit that is certain, but not yet known to its end.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    pub(super) program: usize,
    pub(super) pattern: PatternId,
    pub(super) strength: Strength,
    /// What is covered so far.
    pub(super) span: Span,
    kind: TailKind,
    at: u64,
    run: u64,
    matched: usize,
    dashes: u8,
    is_closing: bool,
}

impl Tail {
    pub(super) fn new(
        program: usize,
        pattern: PatternId,
        strength: Strength,
        kind: TailKind,
        span: Span,
    ) -> Self {
        Self {
            program,
            pattern,
            strength,
            span,
            kind,
            at: span.end,
            run: 0,
            matched: 0,
            dashes: 0,
            is_closing: false,
        }
    }

    /// Follows the match through `bytes`, which come right after those followed so far. True when
    /// its end is known.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().any(|byte| {
            self.at += 1;
            match self.kind {
                TailKind::Jwt => self.follow_jwt(*byte),
                TailKind::Pem => self.follow_pem(*byte),
            }
        })
    }

    fn follow_jwt(&mut self, byte: u8) -> bool {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => {
                self.span.end = self.at;
                false
            }
            b'.' => self.at - self.span.end > 2,
            _ => true,
        }
    }

    fn follow_pem(&mut self, byte: u8) -> bool {
        // What completes further away is no part of it.
        if self.at - self.span.end > GAP {
            return true;
        }
        let is_base64 =
            matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=');
        self.run = if is_base64 { self.run + 1 } else { 0 };
        if self.run >= RUN {
            self.span.end = self.at;
        }
        self.dashes = if byte == b'-' {
            (self.dashes + 1).min(DASHES)
        } else {
            0
        };
        if self.is_closing && self.dashes == DASHES {
            self.span.end = self.at;
            return true;
        }
        self.matched = match END.get(self.matched) {
            Some(expected) if *expected == byte => self.matched + 1,
            // The marker begins with five dashes and holds no other: more dashes keep it there.
            _ => usize::from(self.dashes),
        };
        if self.matched == END.len() {
            self.is_closing = true;
            self.matched = 0;
        }
        false
    }
}
