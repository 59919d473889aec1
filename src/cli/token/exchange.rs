//! `chaperone token exchange`: a JSON Web Token becomes a short capability for one preview, on standard output.
//!
//! The same as the sidecar's own address for it, for whoever has the minting key: the policy says which tokens are taken.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{source, usage};
use crate::capability::mint::MintError;
use crate::capability::{Limits, Minter, Verifier};
use crate::cli::{ExitCode, report};
use crate::policy;

/// What `token exchange` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The policy that says which JSON Web Tokens are taken
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The private key file that signs the capability
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The preview it is for
    #[arg(long, value_name = "NAME")]
    preview: String,
    /// How long it holds at most (90s, 1h); never longer than the token itself
    #[arg(long, value_name = "TIME", default_value = "1h")]
    expires: String,
    /// The file that holds the token, - for standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    token: PathBuf,
}

/// Proves the token and prints the capability.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let policy = match policy::load(&args.policy) {
        Ok(policy) => policy,
        Err(mistakes) => {
            report::print(&mistakes)?;
            return Ok(ExitCode::Usage);
        }
    };
    let read = source::key(&args.key).and_then(|key| {
        Ok((
            key,
            source::end(&args.expires)?,
            source::token(&args.token)?,
        ))
    });
    let (key, end, token) = match read {
        Ok(read) => read,
        Err(message) => return Ok(usage(message)),
    };
    let now = Timestamp::now();
    let lifetime = end.duration_since(now).min(LONGEST);
    let minter = Minter::new(Arc::new(key), Arc::from(&*args.preview), lifetime);
    if !minter.is_accepted(policy.capability()) {
        let key = minter.public();
        return Ok(usage(format_args!(
            "the policy does not take what this key signs: add `{key}` to `capability.biscuit.root_keys`"
        )));
    }
    let verifier = Verifier::new(policy.capability().clone(), Limits::default())?;
    let shown = verifier.verify(&token, now);
    let shown = shown.and_then(|shown| policy.revoked().refuse(&shown, now).map(|()| shown));
    let shown = match shown {
        Ok(shown) => shown,
        Err(refusal) => {
            let why = refusal.detail.as_deref().unwrap_or(refusal.code.summary());
            anstream::eprintln!("refused: {}: {why}", refusal.code);
            return Ok(ExitCode::Findings);
        }
    };
    match minter.exchange(&shown, now) {
        Ok(minted) => {
            writeln!(std::io::stdout(), "{}", minted.token.expose())?;
            Ok(ExitCode::Fine)
        }
        Err(error @ MintError::Biscuit(_)) => Err(error.into()),
        Err(error) => {
            anstream::eprintln!("refused: {error}");
            Ok(ExitCode::Findings)
        }
    }
}

/// No capability of this kind holds longer.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
