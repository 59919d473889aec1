//! One mistake in the configuration: where, what, and what to write instead.

use std::path::Path;

/// A mistake in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}\n  help: {remedy}")]
pub struct ConfigError {
    /// `file:line:column`; the file alone where no line is to blame.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

impl ConfigError {
    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self {
            place: path.display().to_string(),
            message: format!("can't be read: {error}"),
            remedy: "name a readable YAML file with `--config`".to_owned(),
        }
    }

    pub(super) fn at(
        path: &Path,
        location: serde_saphyr::Location,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let file = path.display();
        let place = match location.line() {
            0 => file.to_string(),
            line => format!("{file}:{line}:{}", location.column()),
        };
        Self {
            place,
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}
