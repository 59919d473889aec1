//! One mistake in a policy file: what is wrong, where, and what to write instead.
//!
//! Holds the excerpt's source, so that whoever renders it needs no second look at the file.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::policy::source::Source;

/// A mistake, with its place and its remedy.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    source: Option<Arc<Source>>,
    span: Range<usize>,
    file: Arc<str>,
    message: Box<str>,
    remedy: Option<Box<str>>,
}

impl Diagnostic {
    /// A mistake at `span` of `source`.
    pub(in crate::policy) fn new(
        source: &Arc<Source>,
        span: Range<usize>,
        message: impl Into<Box<str>>,
    ) -> Self {
        Self {
            span: source.clamp(span),
            file: Arc::clone(source.file()),
            source: Some(Arc::clone(source)),
            message: message.into(),
            remedy: None,
        }
    }

    /// A file that can't be read at all: it has no place to point at.
    pub(in crate::policy) fn unreadable(file: &str, message: impl Into<Box<str>>) -> Self {
        Self {
            source: None,
            span: 0..0,
            file: file.into(),
            message: message.into(),
            remedy: None,
        }
    }

    /// The same mistake with what to write instead.
    pub(in crate::policy) fn advising(mut self, remedy: impl Into<Box<str>>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The file, as the operator named it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The text of the file and the bytes in question; none when it can't be read.
    #[must_use]
    pub fn excerpt(&self) -> Option<(&str, Range<usize>)> {
        let source = self.source.as_ref()?;
        Some((source.text(), self.span.clone()))
    }

    /// Line and column, both counted from 1, the column in characters.
    #[must_use]
    pub fn position(&self) -> Option<(u32, u32)> {
        Some(self.source.as_ref()?.position(self.span.start))
    }

    /// What is wrong, in one lower-case clause.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to write instead.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }

    /// The file itself could not be read: a usage error, not a mistake in it.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        self.source.is_none()
    }
}

/// `file:line:column: message (remedy)`, for logs.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.position() {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        match &self.remedy {
            Some(remedy) => write!(f, " ({remedy})"),
            None => Ok(()),
        }
    }
}
