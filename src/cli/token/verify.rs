//! `chaperone token verify`: accepted (0) or rejected (1), for any well-formed token, in bounded time.
//!
//! Others measure through this verb: see the interfaces in the docs. What can't be read is usage (2); a key
//! or key set that must not be trusted rejects every token.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::source;
use crate::capability::judge::{self, Authorizer, Rejection};
use crate::capability::{KeySet, RootKey};
use crate::cli::ExitCode;

/// What `token verify` was asked.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("keys").required(true).args(["jwks", "biscuit_root"])))]
pub(super) struct Args {
    /// The file that holds the token, - for standard input
    #[arg(long, value_name = "FILE")]
    token: PathBuf,
    /// The key set that a JSON Web Token is verified with
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// The issuer that the token must name
    #[arg(long, requires = "jwks", conflicts_with = "jws")]
    issuer: Option<String>,
    /// The audience that the token must be for
    #[arg(long, requires = "jwks", conflicts_with = "jws")]
    audience: Option<String>,
    /// Judge signature and key only, no claims
    #[arg(long, requires = "jwks")]
    jws: bool,
    /// The public key that a Biscuit's first block is signed with: ed25519/HEX or secp256r1/HEX
    #[arg(long, value_name = "ALG/HEX", requires = "authorizer")]
    biscuit_root: Option<String>,
    /// The Datalog that a Biscuit is held against
    #[arg(long, value_name = "FILE", requires = "biscuit_root")]
    authorizer: Option<PathBuf>,
}

/// Judges the token.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let verdict = match (&args.jwks, &args.biscuit_root, &args.authorizer) {
        (Some(jwks), ..) => web(args, jwks),
        (None, Some(root), Some(authorizer)) => biscuit(args, root, authorizer),
        _ => Err("name a key set, or a root key and an authorizer".to_owned()),
    };
    Ok(match verdict {
        Ok(Ok(())) => {
            anstream::eprintln!("accepted");
            ExitCode::Fine
        }
        Ok(Err(reason)) => {
            anstream::eprintln!("rejected: {reason}");
            ExitCode::Findings
        }
        Err(message) => super::usage(message),
    })
}

type Verdict = Result<Result<(), String>, String>;

fn web(args: &Args, jwks: &std::path::Path) -> Verdict {
    let keys = source::text(jwks)?;
    let token = source::bytes(&args.token)?;
    let keys = match KeySet::parse(&keys) {
        Ok(keys) => keys,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let Ok(token) = std::str::from_utf8(&token).map(|token| token.trim_end_matches(['\r', '\n']))
    else {
        return Ok(Err("it is not text".to_owned()));
    };
    let verdict = if args.jws {
        judge::jws(&keys, token)
    } else {
        judge::jwt(
            &keys,
            args.issuer.as_deref(),
            args.audience.as_deref(),
            token,
            Timestamp::now(),
        )
    };
    Ok(verdict.map_err(|rejection| rejection.to_string()))
}

fn biscuit(args: &Args, root: &str, authorizer: &std::path::Path) -> Verdict {
    let root = RootKey::parse(root).map_err(|error| error.to_string())?;
    let authorizer = Authorizer::parse(&source::text(authorizer)?)
        .map_err(|error| format!("{error} in the authorizer: {}", cause(&error)))?;
    let token = source::bytes(&args.token)?;
    let verdict = judge::biscuit(&root, authorizer, &token, TIME);
    Ok(verdict.map_err(|rejection| match &rejection {
        Rejection::Authorizer(_) => format!("{rejection}: {}", cause(&rejection)),
        _ => rejection.to_string(),
    }))
}

fn cause(error: &dyn std::error::Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

/// How long a Biscuit may take.
const TIME: Duration = Duration::from_secs(1);
