//! What the program says about itself: log lines and metrics. Never a body, a token or a user.

pub mod logging;
pub mod metrics;

pub use metrics::Metrics;
