//! `chaperone binding inspect`: what a binding claims. Nothing of it is proven.

use std::io::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use crate::capability::binding::Binding;
use crate::cli::ExitCode;
use crate::cli::report::Format;
use crate::cli::token::{source, usage};

/// What `binding inspect` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file that holds the binding, - for standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    binding: PathBuf,
    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The output for machines, version 1.
#[derive(Serialize)]
struct Inspection<'a> {
    version: u8,
    verified: bool,
    #[serde(flatten)]
    binding: &'a Binding,
}

/// Prints what it claims.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let text = match source::token(&args.binding) {
        Ok(text) => text,
        Err(message) => return Ok(usage(message)),
    };
    let binding = match Binding::inspect(text.expose()) {
        Ok(binding) => binding,
        Err(error) => return Ok(usage(format_args!("not a binding: {error}"))),
    };
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Json => {
            let inspection = Inspection {
                version: 1,
                verified: false,
                binding: &binding,
            };
            serde_json::to_writer_pretty(&mut out, &inspection)?;
            writeln!(out)?;
        }
        Format::Human => {
            writeln!(out, "NOT VERIFIED: what this binding claims")?;
            write(&mut out, &binding)?;
        }
    }
    Ok(ExitCode::Fine)
}

/// A binding, for people. `{:?}` escapes what a name may hold.
pub(super) fn write(out: &mut impl std::io::Write, binding: &Binding) -> std::io::Result<()> {
    writeln!(out, "preview:    {:?}", binding.preview())?;
    writeln!(out, "revision:   {:?}", binding.revision())?;
    for image in binding.images() {
        writeln!(out, "image:      {image}")?;
    }
    for host in binding.hosts() {
        writeln!(out, "host:       {host}")?;
    }
    writeln!(out, "originator: {:?}", binding.originator())?;
    for audience in binding.audience() {
        writeln!(out, "audience:   {:?}", audience.to_string())?;
    }
    writeln!(out, "ends:       {:.0}", binding.expires())?;
    for approval in binding.approvals() {
        writeln!(
            out,
            "approval:   {} of {:?} by {}, ends {:.0}",
            approval.level().as_str(),
            approval.revision(),
            approval.key(),
            approval.expires(),
        )?;
    }
    Ok(())
}
