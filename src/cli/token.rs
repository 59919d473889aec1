//! `chaperone token`: make, narrow, look into and judge capabilities.

mod attenuate;
mod exchange;
mod inspect;
mod keygen;
mod mint;
mod revoke;
pub(super) mod source;
mod verify;

use crate::cli::ExitCode;

/// What `token` was asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Add a block of checks to a Biscuit: whoever holds it can narrow it, without a key
    Attenuate(attenuate::Args),
    /// Make a short capability for one preview of a JSON Web Token
    Exchange(exchange::Args),
    /// Show what a token claims, without verifying it
    Inspect(inspect::Args),
    /// Make an issuer's Ed25519 key
    Keygen(keygen::Args),
    /// Make a token for a user
    Mint(mint::Args),
    /// Put ids on a list of capabilities that no longer hold
    Revoke(revoke::Args),
    /// Judge a token: 0 accepted, 1 rejected, 2 usage
    Verify(verify::Args),
}

/// Runs the verb.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Attenuate(args) => attenuate::run(args),
        Verb::Exchange(args) => exchange::run(args),
        Verb::Inspect(args) => inspect::run(args),
        Verb::Keygen(args) => keygen::run(args),
        Verb::Mint(args) => mint::run(args),
        Verb::Revoke(args) => revoke::run(args),
        Verb::Verify(args) => verify::run(args),
    }
}

/// Says on standard error what can't be used.
pub(super) fn usage(message: impl std::fmt::Display) -> ExitCode {
    anstream::eprintln!("chaperone: {message}");
    ExitCode::Usage
}
