//! `chaperone approve`: a reviewer's word on the revision of a binding, signed with the reviewer's own key.

use std::io::Write as _;
use std::path::PathBuf;

use jiff::Timestamp;

use super::binding::Asked;
use crate::capability::binding::{Approve, ApproveError};
use crate::cli::ExitCode;
use crate::cli::token::{source, usage};

/// What `approve` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file that holds the binding, - for standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    binding: PathBuf,
    /// The commit that was reviewed: the binding must be for it
    #[arg(long, value_name = "SHA")]
    revision: String,
    /// What is granted
    #[arg(long, value_enum, default_value = "ok-to-test")]
    level: Asked,
    /// The reviewer's own private key file
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// How long it holds (12h, 7d), or until when; 90 days at most
    #[arg(long, value_name = "TIME", default_value = "7d")]
    expires: String,
    /// Replace this file with the approved binding [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Signs, and prints or writes the binding with the approval.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let expires = match source::end(&args.expires) {
        Ok(expires) => expires,
        Err(message) => return Ok(usage(message)),
    };
    let binding = match source::token(&args.binding) {
        Ok(binding) => binding,
        Err(message) => return Ok(usage(message)),
    };
    let key = match source::key(&args.key) {
        Ok(key) => key,
        Err(message) => return Ok(usage(message)),
    };
    let approve = Approve {
        revision: args.revision.clone(),
        level: args.level.level(),
        expires,
    };
    let approved = match approve.sign(&binding, &key, Timestamp::now()) {
        Ok(approved) => approved,
        Err(error @ ApproveError::Revision(_)) => {
            usage(error);
            return Ok(ExitCode::Findings);
        }
        Err(error) => return Ok(usage(error)),
    };
    let Some(out) = &args.out else {
        writeln!(std::io::stdout(), "{}", approved.expose())?;
        return Ok(ExitCode::Fine);
    };
    let text = format!("{}\n", approved.expose());
    if let Err(error) = source::replace(out, &text) {
        return Ok(usage(format_args!(
            "can't write `{}`: {error}",
            out.display()
        )));
    }
    Ok(ExitCode::Fine)
}
