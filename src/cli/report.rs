//! How mistakes in a file look: with their excerpt for people, as JSON for machines.

use std::io::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use crate::policy::Diagnostic;

/// The form of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Human,
    /// One JSON document
    Json,
}

/// A mistake, as machines read it.
#[derive(Debug, Serialize)]
pub(super) struct Entry<'a> {
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    message: &'a str,
    remedy: Option<&'a str>,
}

impl<'a> From<&'a Diagnostic> for Entry<'a> {
    fn from(diagnostic: &'a Diagnostic) -> Self {
        let (line, column) = diagnostic.position().unzip();
        Self {
            file: diagnostic.file(),
            line,
            column,
            message: diagnostic.message(),
            remedy: diagnostic.remedy(),
        }
    }
}

/// Prints mistakes for people, on standard error; in colour where that is a terminal.
pub(super) fn print(diagnostics: &[Diagnostic]) -> std::io::Result<()> {
    let mut out = anstream::stderr().lock();
    for diagnostic in diagnostics {
        writeln!(out, "{}\n", human(diagnostic, Level::ERROR))?;
    }
    Ok(())
}

/// Prints warnings the same way.
pub(super) fn print_warnings<'d>(
    warnings: impl Iterator<Item = &'d Diagnostic>,
) -> std::io::Result<()> {
    let mut out = anstream::stderr().lock();
    for warning in warnings {
        writeln!(out, "{}\n", human(warning, Level::WARNING))?;
    }
    Ok(())
}

/// One mistake with its excerpt, styled: the stream takes the style out where it must.
fn human(diagnostic: &Diagnostic, level: Level<'_>) -> String {
    let renderer = Renderer::styled();
    let Some((text, span)) = diagnostic.excerpt() else {
        let message = format!("{}: {}", diagnostic.file(), diagnostic.message());
        let title = level.primary_title(message);
        return renderer.render(&[Group::with_title(title)]);
    };
    let mark = AnnotationKind::Primary.span(span);
    let snippet = Snippet::source(text)
        .path(diagnostic.file())
        .annotation(mark);
    let mut group = level.primary_title(diagnostic.message()).element(snippet);
    if let Some(remedy) = diagnostic.remedy() {
        group = group.element(Level::HELP.message(remedy));
    }
    renderer.render(&[group])
}
