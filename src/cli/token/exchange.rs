//! `chaperone token exchange`: a JSON Web Token becomes a short capability for one preview, on standard output.
//!
//! With `--at`, the preview's sidecar is asked (RFC 8693). Without, whoever has the minting key does the same here: the policy
//! says which tokens are taken.

mod online;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{source, usage};
use crate::capability::mint::MintError;
use crate::capability::{Limits, Minter, Verifier};
use crate::cli::{ExitCode, report};
use crate::policy;
use crate::types::Secret;

/// What `token exchange` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The preview whose sidecar is asked, `https://HOST`; plain HTTP on the loopback alone
    #[arg(long, value_name = "URL", conflicts_with_all = ["policy", "key", "expires"])]
    at: Option<String>,
    /// The authorities (PEM) that the sidecar's certificate may lead to instead of the public ones
    #[arg(long, value_name = "FILE", requires = "at")]
    ca: Option<PathBuf>,
    /// The policy that says which JSON Web Tokens are taken
    #[arg(long, value_name = "FILE", required_unless_present = "at")]
    policy: Option<PathBuf>,
    /// The private key file that signs the capability
    #[arg(long, value_name = "FILE", required_unless_present = "at")]
    key: Option<PathBuf>,
    /// The preview it is for; with `--at`, another one's sidecar refuses
    #[arg(long, value_name = "NAME", required_unless_present = "at")]
    preview: Option<String>,
    /// How long it holds at most (90s, 1h); never longer than the token itself
    #[arg(long, value_name = "TIME", default_value = "1h")]
    expires: String,
    /// The file that holds the token, - for standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    token: PathBuf,
    /// The environment variable that holds the token
    #[arg(long, value_name = "NAME", conflicts_with = "token")]
    token_env: Option<String>,
}

impl Args {
    fn token(&self) -> Result<Secret<String>, String> {
        match &self.token_env {
            None => source::token(&self.token),
            Some(name) => source::variable(name),
        }
    }
}

/// Prints the capability that the token becomes: 0 made, 1 refused, 2 usage or nobody to ask.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match (&args.at, &args.policy, &args.key, &args.preview) {
        (Some(at), ..) => online::run(args, at),
        (None, Some(policy), Some(key), Some(preview)) => offline(args, policy, key, preview),
        // The command line's own rules leave no other.
        (None, ..) => Ok(usage("name `--at`, or `--policy`, `--key` and `--preview`")),
    }
}

/// Proves the token here.
fn offline(args: &Args, policy: &Path, key: &Path, preview: &str) -> anyhow::Result<ExitCode> {
    let policy = match policy::load(policy) {
        Ok(policy) => policy,
        Err(mistakes) => {
            report::print(&mistakes)?;
            return Ok(ExitCode::Usage);
        }
    };
    let read =
        source::key(key).and_then(|key| Ok((key, source::end(&args.expires)?, args.token()?)));
    let (key, end, token) = match read {
        Ok(read) => read,
        Err(message) => return Ok(usage(message)),
    };
    let now = Timestamp::now();
    let lifetime = end.duration_since(now).min(LONGEST);
    let minter = Minter::new(Arc::new(key), Arc::from(preview), lifetime);
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
