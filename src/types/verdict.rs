//! The closed words for how an exchange was decided, how it ended and how far its code is trusted.

use serde::{Deserialize, Serialize};

/// What was decided about an exchange (audit, metrics, `redact`).
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
pub enum Verdict {
    /// Everything left as it came.
    Allow,
    /// Something was dropped, masked or replaced.
    Redact,
    /// It was refused, or ended before its end.
    Block,
}

impl Verdict {
    /// The word in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Redact => "redact",
            Self::Block => "block",
        }
    }
}

/// How an exchange ended (audit).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The client or the app went away.
    Aborted,
    /// The answer was sent to its end.
    Complete,
    /// It has not ended: a WebSocket has begun. Another record with the same id says how it ended.
    Open,
    /// chaperone ended the answer after bytes had left.
    Reset,
}

/// How far the running code is trusted, by what reviewers have signed.
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
pub enum Level {
    /// No reviewer has looked: synthetic data alone.
    Unreviewed,
    /// A reviewer said "ok to test": the subject's own data.
    OkToTest,
    /// Cleared for what an embargo rule grants.
    Cleared,
}

impl Level {
    /// The word in policy files, commands and the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreviewed => "unreviewed",
            Self::OkToTest => "ok-to-test",
            Self::Cleared => "cleared",
        }
    }
}
