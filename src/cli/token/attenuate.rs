//! `chaperone token attenuate`: the same Biscuit, good for less.

use std::io::Write;
use std::path::PathBuf;

use super::source;
use crate::capability::attenuate::Restrictions;
use crate::cli::ExitCode;

/// What `token attenuate` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file that holds the token, - for standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    token: PathBuf,
    /// A check in Biscuit Datalog: 'check if method("GET")'
    #[arg(long = "check", value_name = "DATALOG")]
    checks: Vec<String>,
    /// How long it still holds (90s, 1h, 7d), or until when
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// A method that stays allowed
    #[arg(long = "method", value_name = "METHOD")]
    methods: Vec<String>,
    /// A path that stays allowed: exact, or with /** at its end
    #[arg(long = "path", value_name = "PATH")]
    paths: Vec<String>,
}

/// Narrows the token and prints it.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let expires = match args.expires.as_deref().map(source::end).transpose() {
        Ok(expires) => expires,
        Err(message) => return Ok(super::usage(message)),
    };
    let token = match source::token(&args.token) {
        Ok(token) => token,
        Err(message) => return Ok(super::usage(message)),
    };
    let restrictions = Restrictions {
        checks: args.checks.clone(),
        expires,
        methods: args.methods.clone(),
        paths: args.paths.clone(),
    };
    match restrictions.attenuate(&token) {
        Ok(token) => {
            writeln!(std::io::stdout(), "{}", token.expose())?;
            Ok(ExitCode::Fine)
        }
        Err(error) => Ok(super::usage(error)),
    }
}
