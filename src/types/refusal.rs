//! Why an exchange is blocked: a value that travels beside the permit, not an error.

use std::fmt;

use crate::types::{Control, Origin, ReasonCode};

/// A block: its reason, the rule that asked for it, and what may be said about it.
///
/// INVARIANT: `detail` and `note` never carry a byte of a body, a header value, a token or a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, from the closed list.
    pub code: ReasonCode,
    /// The rule that blocked, where a policy rule did.
    pub origin: Option<Origin>,
    /// What the reviewer wrote beside the rule (`deny:`, `public:`), shown to the client.
    pub note: Option<Box<str>>,
    /// What exactly was wrong, for client and log (`expected a comma at byte 17`).
    pub detail: Option<Box<str>>,
    /// The control that the rule serves, where it is not the reason's own.
    pub control: Option<Control>,
}

impl Refusal {
    /// A block for `code`, by no rule in particular.
    #[must_use]
    pub fn new(code: ReasonCode) -> Self {
        Self {
            code,
            origin: None,
            note: None,
            detail: None,
            control: None,
        }
    }

    /// The same block, asked for by the rule at `origin`.
    #[must_use]
    pub fn by(mut self, origin: &Origin) -> Self {
        self.origin = Some(origin.clone());
        self
    }

    /// The same block with the reviewer's words.
    #[must_use]
    pub fn noting(mut self, note: impl Into<Box<str>>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// The same block, for the sake of `control`.
    #[must_use]
    pub fn serving(mut self, control: Control) -> Self {
        self.control = Some(control);
        self
    }

    /// The control that it serves.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.unwrap_or_else(|| self.code.control())
    }

    /// The same block with what exactly was wrong.
    #[must_use]
    pub fn because(mut self, detail: impl Into<Box<str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same block with where it was, after what was wrong; without that it says nothing.
    #[must_use]
    pub fn placed(mut self, place: fmt::Arguments<'_>) -> Self {
        self.detail = self.detail.map(|detail| format!("{detail} {place}").into());
        self
    }
}
