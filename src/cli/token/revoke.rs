//! `chaperone token revoke`: puts ids on the list of what no longer holds, dates it and signs it anew.

use std::io::ErrorKind;
use std::path::PathBuf;

use jiff::Timestamp;

use super::source;
use crate::capability::revoked::{self, RevokedError};
use crate::cli::ExitCode;

/// What `token revoke` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The list; it is made where there is none
    #[arg(long, value_name = "FILE")]
    list: PathBuf,
    /// The private key file that signs the list
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Revocation ids, as `token inspect` prints them, or `jti:` and a JSON Web Token's id; none dates and signs the list anew
    #[arg(value_name = "ID")]
    ids: Vec<String>,
}

/// Extends and signs the list.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let text = match std::fs::read_to_string(&args.list) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => {
            let list = args.list.display();
            return Ok(super::usage(format_args!("can't read `{list}`: {error}")));
        }
    };
    let key = match args.key.as_deref().map(source::key).transpose() {
        Ok(key) => key,
        Err(message) => return Ok(super::usage(message)),
    };
    if key.is_none() && revoked::is_signed(&text) {
        return Ok(super::usage(
            "the list is signed: name the key that signs it with --key",
        ));
    }
    match revoked::extend(&text, &args.ids, key.as_ref(), Timestamp::now()) {
        Ok(list) => {
            source::replace(&args.list, &list)?;
            Ok(ExitCode::Fine)
        }
        Err(error @ RevokedError::Key(_)) => Err(error.into()),
        Err(error) => Ok(super::usage(error)),
    }
}
