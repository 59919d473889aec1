//! `chaperone binding`: make, look into and judge a preview's own token.

mod create;
mod inspect;
mod verify;

use crate::cli::ExitCode;

pub(super) use verify::Asked;

/// What `binding` was asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make the token of a preview: what runs, whose change it is, who may use it
    Create(create::Args),
    /// Show what a binding claims, without verifying it
    Inspect(inspect::Args),
    /// Judge a binding as a sidecar would: 0 it holds, 1 it does not, 2 usage
    Verify(verify::Args),
}

/// Runs the verb.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Create(args) => create::run(args),
        Verb::Inspect(args) => inspect::run(args),
        Verb::Verify(args) => verify::run(args),
    }
}
