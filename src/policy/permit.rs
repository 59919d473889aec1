//! The proof that policy lets one request pass, and on which terms.
//!
//! INVARIANT: [`Permit`] has one maker, `policy::decide`; the app can't be asked without one.

use std::sync::Arc;

use crate::policy::Mode;
use crate::policy::descriptors::Call;
use crate::policy::treatment::Treatment;
use crate::types::{Level, Origin, Subject};

/// One request may pass, on these terms.
#[derive(Clone, Debug)]
pub struct Permit {
    subject: Arc<Subject>,
    treatment: Arc<Treatment>,
    mode: Mode,
    level: Level,
    call: Option<Arc<Call>>,
}

impl Permit {
    pub(in crate::policy) fn new(
        subject: Arc<Subject>,
        treatment: Arc<Treatment>,
        mode: Mode,
        level: Level,
        call: Option<Arc<Call>>,
    ) -> Self {
        Self {
            subject,
            treatment,
            mode,
            level,
            call,
        }
    }

    /// A permit that no policy gave.
    #[cfg(test)]
    pub(crate) fn for_test(subject: Arc<Subject>, treatment: Arc<Treatment>) -> Self {
        Self::new(subject, treatment, Mode::Enforce, Level::Unreviewed, None)
    }

    /// The user that the request acts for.
    #[must_use]
    pub fn subject(&self) -> &Arc<Subject> {
        &self.subject
    }

    /// What is done to the exchange.
    #[must_use]
    pub fn treatment(&self) -> &Arc<Treatment> {
        &self.treatment
    }

    /// The route's `match`, as the policy writes it.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.treatment.origin.rule
    }

    /// Where the route stands.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.treatment.origin
    }

    /// How far reviewers trust what answers.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// The method of gRPC that is called, where the route's descriptor set has it.
    #[must_use]
    pub fn call(&self) -> Option<&Arc<Call>> {
        self.call.as_ref()
    }

    /// The same, where reviewers trust what answers this far.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn at(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Answers leave as the app made them.
    #[must_use]
    pub fn is_verbatim(&self) -> bool {
        self.mode == Mode::Observe || self.treatment.is_unread()
    }

    /// Whether the treatment is enforced or only recorded.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }
}
