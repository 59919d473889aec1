//! `chaperone check POLICY...`: every mistake of policy files, with its place and its remedy.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::ExitCode;
use crate::cli::report::{self, Entry, Format};
use crate::policy::{self, Diagnostic, Opening, Policy};

/// What `check` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The form of the report
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The policy files
    #[arg(required = true, value_name = "POLICY")]
    policies: Vec<PathBuf>,
}

/// The report for machines, version 1.
#[derive(Debug, Serialize)]
struct Report<'a> {
    version: u8,
    files: usize,
    mistakes: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Entry<'a>>,
    openings: Vec<Open<'a>>,
}

/// A route that opens what is closed unless said, as machines read it.
#[derive(Debug, Serialize)]
struct Open<'a> {
    file: &'a str,
    line: u32,
    route: &'a str,
    content: Vec<String>,
    csp: BTreeMap<&'static str, &'a [Box<str>]>,
    cors: &'a [Box<str>],
}

impl<'a> From<Opening<'a>> for Open<'a> {
    fn from(opening: Opening<'a>) -> Self {
        Self {
            file: &opening.origin.file,
            line: opening.origin.line,
            route: &opening.origin.rule,
            content: opening.content.iter().map(ToString::to_string).collect(),
            csp: opening
                .csp
                .iter()
                .map(|(directive, origins)| (*directive, origins.as_slice()))
                .collect(),
            cors: opening.cors,
        }
    }
}

/// Checks the files: 0 fine, 1 mistakes, 2 unreadable.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut mistakes: Vec<Diagnostic> = Vec::new();
    let mut fine = Vec::new();
    for path in &args.policies {
        match policy::load(path) {
            Ok(policy) => fine.push((path, policy)),
            Err(found) => mistakes.extend(found),
        }
    }
    let warnings = fine.iter().flat_map(|(_, policy)| policy.warnings());
    match args.format {
        Format::Json => {
            let report = Report {
                version: 1,
                files: args.policies.len(),
                mistakes: mistakes.iter().map(Entry::from).collect(),
                warnings: warnings.map(Entry::from).collect(),
                openings: openings(&fine),
            };
            let mut out = std::io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, &report)?;
            writeln!(out)?;
        }
        Format::Human => {
            report::print_warnings(warnings)?;
            report::print(&mistakes)?;
            let mut out = anstream::stdout().lock();
            for (path, policy) in &fine {
                let (routes, rules) = (policy.routes(), policy.detect().rules.len());
                let path = path.display();
                writeln!(out, "{path}: fine ({routes} routes, {rules} detect rules)")?;
            }
            for open in openings(&fine) {
                let place = format!("{}:{}: `{}`", open.file, open.line, open.route);
                if !open.content.is_empty() {
                    let types = open.content.join(", ");
                    writeln!(
                        out,
                        "{place} lets pass what nothing can scan ({types}): the app can hide anything in it"
                    )?;
                }
                if !open.cors.is_empty() {
                    let origins = open.cors.join(", ");
                    writeln!(
                        out,
                        "{place} lets pages of other origins ask ({origins}): they can read what the user may"
                    )?;
                }
                for (directive, origins) in &open.csp {
                    let origins = origins.join(", ");
                    writeln!(
                        out,
                        "{place} lets pages turn elsewhere ({directive} {origins}): the app can tell these origins what a page shows"
                    )?;
                }
            }
            if !mistakes.is_empty() {
                let count = mistakes.len();
                let word = if count == 1 { "mistake" } else { "mistakes" };
                writeln!(anstream::stderr().lock(), "{count} {word}")?;
            }
        }
    }
    Ok(if mistakes.iter().any(Diagnostic::is_unreadable) {
        ExitCode::Usage
    } else if mistakes.is_empty() {
        ExitCode::Fine
    } else {
        ExitCode::Findings
    })
}

fn openings<'a>(policies: &'a [(&PathBuf, Policy)]) -> Vec<Open<'a>> {
    let all = policies.iter().flat_map(|(_, policy)| policy.openings());
    all.map(Open::from).collect()
}
