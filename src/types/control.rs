//! What a reason is about: the four controls.

use serde::{Deserialize, Serialize};

/// The four things that the open-service playbook asks of unreviewed code; every reason names one.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// Tokens, keys, secrets get out.
    Credential,
    /// Data is changed or deleted.
    Delete,
    /// Others' or embargoed data gets out.
    Leak,
    /// Content that users loaded is served on.
    Redistribute,
}

impl Control {
    /// The word in policy files and the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Delete => "delete",
            Self::Leak => "leak",
            Self::Redistribute => "redistribute",
        }
    }
}
