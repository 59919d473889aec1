//! `chaperone run --config FILE`: the sidecar itself, until a signal ends it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::app::{self, AppError};
use crate::cli::{ExitCode, report};
use crate::config::{Config, Overrides};
use crate::policy::Diagnostic;
use crate::runtime::{self, Signal, Signals, task};
use crate::telemetry::logging;

/// What `run` was asked. Flags stand above the environment, that above the file.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration file
    #[arg(long, env = "CHAPERONE_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Where clients come in
    #[arg(long, env = "CHAPERONE_LISTEN_INBOUND", value_name = "ADDRESS")]
    listen_inbound: Option<SocketAddr>,
    /// Where probes come in
    #[arg(long, env = "CHAPERONE_LISTEN_HEALTH", value_name = "ADDRESS")]
    listen_health: Option<SocketAddr>,
    /// The metrics socket, `unix:PATH`
    #[arg(long, env = "CHAPERONE_LISTEN_ADMIN", value_name = "SOCKET")]
    listen_admin: Option<String>,
    /// The app, `http://host:port`
    #[arg(long, env = "CHAPERONE_UPSTREAM", value_name = "URL")]
    upstream: Option<String>,
    /// The policy file
    #[arg(long, env = "CHAPERONE_POLICY", value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The preview's name
    #[arg(long, env = "CHAPERONE_PREVIEW", value_name = "NAME")]
    preview: Option<String>,
    /// The revision that runs
    #[arg(long, env = "CHAPERONE_REVISION", value_name = "REVISION")]
    revision: Option<String>,
    /// The digests of the images that run, joined by commas
    #[arg(
        long = "image",
        env = "CHAPERONE_IMAGES",
        value_name = "DIGEST",
        value_delimiter = ','
    )]
    images: Option<Vec<String>>,
    /// The file with the preview's binding; CHAPERONE_BINDING may hold the binding itself
    #[arg(long, env = "CHAPERONE_BINDING_FILE", value_name = "FILE")]
    binding_file: Option<PathBuf>,
    /// The audit log's file
    #[arg(long, env = "CHAPERONE_AUDIT_FILE", value_name = "FILE")]
    audit_file: Option<PathBuf>,
}

/// Runs the sidecar: 0 stopped cleanly, 1 policy refused, 2 configuration refused, 4 can't start.
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let overrides = Overrides {
        inbound: args.listen_inbound,
        health: args.listen_health,
        admin: args.listen_admin,
        upstream: args.upstream,
        policy: args.policy,
        preview: args.preview,
        revision: args.revision,
        images: args.images,
        // A token has no place on the command line.
        binding: std::env::var("CHAPERONE_BINDING").ok(),
        binding_file: args.binding_file,
        audit_file: args.audit_file,
    };
    let config = match Config::load(&args.config, &overrides) {
        Ok(config) => config,
        Err(mistakes) => {
            let mut out = anstream::stderr().lock();
            for mistake in mistakes {
                writeln!(out, "error: {mistake}")?;
            }
            return Ok(ExitCode::Usage);
        }
    };
    logging::start();
    runtime::executor()?.block_on(serve(config))
}

async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    // Before anything serves: a signal that comes early is not lost.
    let mut signals = Signals::new()?;
    let bound = match app::build(config).await {
        Ok(bound) => bound,
        Err(AppError::Policy(mistakes)) => {
            report::print(&mistakes)?;
            return Ok(if mistakes.iter().any(Diagnostic::is_unreadable) {
                ExitCode::Usage
            } else {
                ExitCode::Findings
            });
        }
        Err(error) => return Err(error.into()),
    };
    let handle = bound.handle();
    task::spawn_named("signals", async move {
        loop {
            match signals.next().await {
                Signal::Reload => handle.reload(),
                Signal::Stop => handle.stop(),
            }
        }
    });
    bound.run().await;
    Ok(ExitCode::Fine)
}
