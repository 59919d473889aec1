//! `chaperone dictionary`: compile lists of terms, and look at what was compiled.

mod build;
mod verify;

use crate::cli::ExitCode;

/// What `dictionary` was asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Compile lists of terms into a file that sidecars map
    Build(build::Args),
    /// Compare a compiled dictionary with the hash of what was written: 0 whole, 1 refused
    Verify(verify::Args),
}

/// Runs the verb.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Build(args) => build::run(args),
        Verb::Verify(args) => verify::run(args),
    }
}
