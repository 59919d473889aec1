//! `chaperone check POLICY...`: every mistake of policy files, with its place and its remedy.

use std::io::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::ExitCode;
use crate::cli::report::{self, Entry, Format};
use crate::policy::{self, Diagnostic};

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
            };
            let mut out = std::io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, &report)?;
            writeln!(out)?;
        }
        Format::Human => {
            report::print_warnings(warnings)?;
            report::print(&mistakes)?;
            let mut out = anstream::stdout().lock();
            for (path, policy) in fine {
                let (routes, rules) = (policy.routes(), policy.detect().rules.len());
                let path = path.display();
                writeln!(out, "{path}: fine ({routes} routes, {rules} detect rules)")?;
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
