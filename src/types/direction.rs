//! Which door an exchange came through: a label for audit and metrics, never a switch in the pipeline.

use serde::{Deserialize, Serialize};

/// The door of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// A client asks the preview app.
    Inbound,
    /// The preview app asks a shared service.
    Outbound,
}
