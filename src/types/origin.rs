//! Where a rule stands, so that whoever meets it can find it.

use std::fmt;
use std::sync::Arc;

/// A rule's name and its place in a policy file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The rule's name: a route's `match`, a detector's or an embargo's id.
    pub rule: Arc<str>,
    /// The policy file, as the operator named it.
    pub file: Arc<str>,
    /// The line in that file, counted from 1.
    pub line: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.rule, self.file, self.line)
    }
}
