//! `chaperone completions SHELL`: a completion script on standard output.

use std::io::Write as _;

use crate::cli::{ExitCode, command};

/// What `completions` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell that reads the script
    shell: clap_complete::Shell,
}

/// Prints the script.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "chaperone", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(ExitCode::Fine)
}
