//! `chaperone schema NAME`: the JSON Schema of a file or a log, on standard output.

use std::io::Write as _;

use crate::cli::ExitCode;
use crate::{audit, policy};

/// What `schema` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to describe
    #[arg(value_enum)]
    name: Name,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Name {
    /// Records of the audit log
    Audit,
    /// Policy files
    Policy,
}

/// Prints the schema.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let schema = match args.name {
        Name::Audit => schemars::schema_for!(audit::Record),
        Name::Policy => policy::schema(),
    };
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &schema)?;
    writeln!(out)?;
    Ok(ExitCode::Fine)
}
