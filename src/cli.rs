//! The command line: one verb per file, each with its `Args` and `run(Args) -> anyhow::Result<ExitCode>`.
//!
//! A verb prints its own results and expected complaints and says how it ended; an `Err` that
//! reaches this file is an internal error (exit code 4).

mod approve;
mod binding;
mod check;
mod completions;
mod demo;
mod dictionary;
mod exit;
mod jsonpath;
mod receipt;
mod redact;
mod report;
mod run;
mod scan;
mod schema;
mod ticket;
mod token;

use clap::{CommandFactory as _, Parser, Subcommand};

pub use exit::ExitCode;

/// Lets not-yet-reviewed code meet real data, and only the data of the person it acts for.
#[derive(Debug, Parser)]
#[command(name = "chaperone", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the sidecar
    Run(run::Args),
    /// Approve the revision of a preview, with a reviewer's own key
    Approve(approve::Args),
    /// Make, look into and judge a preview's own token
    Binding(binding::Args),
    /// Find the mistakes in policy files
    Check(check::Args),
    /// Print a shell's completion script
    Completions(completions::Args),
    /// Show a sample shop with and without the sidecar before it
    Demo(demo::Args),
    /// Compile lists of terms, and look at what was compiled
    Dictionary(dictionary::Args),
    /// Print a JSON Schema
    Schema(schema::Args),
    /// Print the nodes of a JSON document that a selector names
    Jsonpath(jsonpath::Args),
    /// Sum up an audit log for a pull request: what was withheld and blocked, signed
    Receipt(receipt::Args),
    /// Filter a body from standard input as a policy says
    Redact(redact::Args),
    /// Find personal data, secrets and terms in files, folders or standard input
    Scan(scan::Args),
    /// Make a link that lets one user into a preview, once
    Ticket(ticket::Args),
    /// Make, narrow, look into and judge capabilities
    Token(token::Args),
}

impl Verb {
    fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Run(args) => run::run(args),
            Self::Approve(args) => approve::run(&args),
            Self::Binding(args) => binding::run(&args),
            Self::Check(args) => check::run(&args),
            Self::Completions(args) => completions::run(&args),
            Self::Demo(args) => demo::run(&args),
            Self::Dictionary(args) => dictionary::run(&args),
            Self::Schema(args) => schema::run(&args),
            Self::Jsonpath(args) => jsonpath::run(&args),
            Self::Receipt(args) => receipt::run(&args),
            Self::Redact(args) => redact::run(&args),
            Self::Scan(args) => scan::run(&args),
            Self::Ticket(args) => ticket::run(&args),
            Self::Token(args) => token::run(&args),
        }
    }
}

/// Reads the command line, runs the verb and says how it ended.
#[must_use]
pub fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() {
                ExitCode::Usage
            } else {
                ExitCode::Fine
            };
            return match error.print() {
                Ok(()) => code.into(),
                Err(_) => ExitCode::Internal.into(),
            };
        }
    };
    match cli.verb.run() {
        Ok(code) => code.into(),
        Err(error) if is_broken_pipe(&error) => ExitCode::Fine.into(),
        Err(error) => {
            anstream::eprintln!("chaperone: {error:#}");
            ExitCode::Internal.into()
        }
    }
}

/// The whole command, for completions and docs.
fn command() -> clap::Command {
    Cli::command()
}

/// A reader that left (`chaperone … | head`) is no failure of ours.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    #[test]
    fn holds_a_command_line_that_clap_accepts() {
        super::command().debug_assert();
    }
}
