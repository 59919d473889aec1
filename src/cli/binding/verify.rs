//! `chaperone binding verify`: what a sidecar with this policy would make of a binding.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::inspect;
use crate::capability::binding::{Binding, Running};
use crate::cli::ExitCode;
use crate::cli::report::{self, Format};
use crate::cli::token::{source, usage};
use crate::policy;
use crate::types::Level;

/// What `binding verify` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file that holds the binding, - for standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    binding: PathBuf,
    /// The policy file that names keys and reviewers
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The preview that it must be for [default: whichever it names]
    #[arg(long, value_name = "NAME")]
    preview: Option<String>,
    /// The commit that it must be for [default: whichever it names]
    #[arg(long, value_name = "SHA")]
    revision: Option<String>,
    /// The digest of an image that it must be for [default: whichever it names]
    #[arg(long = "image", value_name = "DIGEST")]
    images: Vec<String>,
    /// The level that it must have
    #[arg(long, value_enum)]
    level: Option<Asked>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A level that reviewers grant.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(in crate::cli) enum Asked {
    /// The user's own data
    OkToTest,
    /// What embargo rules, writes and shared pods need beyond that
    Cleared,
}

impl Asked {
    pub(in crate::cli) fn level(self) -> Level {
        match self {
            Self::OkToTest => Level::OkToTest,
            Self::Cleared => Level::Cleared,
        }
    }
}

/// The output for machines, version 1.
#[derive(Serialize)]
struct Verdict {
    version: u8,
    holds: bool,
    level: Level,
    why: Option<String>,
}

/// Judges the binding: 0 it holds, 1 it does not.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let text = match source::token(&args.binding) {
        Ok(text) => text,
        Err(message) => return Ok(usage(message)),
    };
    let policy = match policy::load(&args.policy) {
        Ok(policy) => policy,
        Err(mistakes) => {
            report::print(&mistakes)?;
            return Ok(ExitCode::Usage);
        }
    };
    if !policy.is_bound() {
        let message = "the policy asks for no binding: add `review` or `binding`";
        return Ok(usage(message));
    }
    let now = Timestamp::now();
    let proven = Binding::prove(text.expose(), policy.binding_keys());
    let (binding, verdict) = match proven {
        Ok(binding) => {
            let verdict = judge(args, &policy, &binding, now);
            (Some(binding), verdict)
        }
        Err(error) => {
            let verdict = Verdict {
                version: 1,
                holds: false,
                level: Level::Unreviewed,
                why: Some(error.to_string()),
            };
            (None, verdict)
        }
    };
    let mut out = std::io::stdout().lock();
    match (args.format, binding) {
        (Format::Json, _) => {
            serde_json::to_writer_pretty(&mut out, &verdict)?;
            writeln!(out)?;
        }
        (Format::Human, binding) => {
            if let Some(binding) = binding {
                inspect::write(&mut out, &binding)?;
            }
            writeln!(out, "level:      {}", verdict.level.as_str())?;
            let word = if verdict.holds { "holds" } else { "REFUSED" };
            match &verdict.why {
                Some(why) => writeln!(out, "{word}: {why}")?,
                None => writeln!(out, "{word}")?,
            }
        }
    }
    Ok(if verdict.holds {
        ExitCode::Fine
    } else {
        ExitCode::Findings
    })
}

fn judge(args: &Args, policy: &policy::Policy, binding: &Binding, now: Timestamp) -> Verdict {
    let preview = args.preview.as_deref().unwrap_or(binding.preview());
    let revision = args.revision.as_deref().unwrap_or(binding.revision());
    let images: BTreeSet<Box<str>> = if args.images.is_empty() {
        binding.images().clone()
    } else {
        args.images.iter().map(|it| it.as_str().into()).collect()
    };
    let running = Running {
        preview: Arc::from(preview),
        revision: Arc::from(revision),
        images,
    };
    let review = policy.review();
    let level = review.map_or(Level::Unreviewed, |review| review.level(binding, now));
    let wanted = args.level.map_or(Level::Unreviewed, Asked::level);
    let why = match (binding.fits(&running, now), review) {
        (Err(refusal), _) => {
            let detail = refusal.detail.as_deref().unwrap_or_default();
            Some(format!("{}: {detail}", refusal.code))
        }
        (Ok(()), Some(review)) if level < wanted => Some(review.missing(binding, wanted, now)),
        (Ok(()), None) if level < wanted => Some("the policy names no reviewers".to_owned()),
        (Ok(()), _) => None,
    };
    Verdict {
        version: 1,
        holds: why.is_none(),
        level,
        why,
    }
}
