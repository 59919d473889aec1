//! `chaperone demo`: a sample shop, the sidecar before it, and what three people get from the same answers.

mod client;
mod columns;
mod people;
mod shop;
mod show;
mod sidecar;
mod stage;
mod story;
#[cfg(test)]
mod tests;
mod walk;

use std::io::{IsTerminal as _, Write};

use crate::cli::ExitCode;
use crate::runtime;
use stage::Stage;

/// What `demo` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Check every claim of the demo without the show: exit code 0 when all hold, 1 otherwise
    #[arg(long)]
    check: bool,
}

/// Runs the demo.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    runtime::executor()?.block_on(tell(args))
}

async fn tell(args: &Args) -> anyhow::Result<ExitCode> {
    let mut out = anstream::AutoStream::auto(std::io::stdout());
    let stage = Stage::set(stage::POLICY).await?;
    let has_audience = !args.check && std::io::stdout().is_terminal();
    if !args.check {
        show::opening(&mut out, &stage)?;
    }
    let mut played = Vec::new();
    for (number, scene) in story::SCENES.iter().enumerate() {
        let scene = walk::play(&stage, scene).await?;
        if args.check {
            show::claims(&mut out, &scene)?;
        } else {
            show::scene(&mut out, number + 1, &scene, &stage.log()?)?;
        }
        out.flush()?;
        played.push(scene);
    }
    let log = stage.log()?;
    let doubt = walk::doubt_log(&log, &played);
    let (held, failed) = show::closing(&mut out, &played, doubt.as_deref(), &log, args.check)?;
    out.flush()?;
    if has_audience {
        show::invitation(&mut out, &stage)?;
        out.flush()?;
        tokio::signal::ctrl_c().await?;
    }
    stage.strike().await?;
    writeln!(out, "{held} claims hold, {failed} fail")?;
    Ok(if failed == 0 {
        ExitCode::Fine
    } else {
        ExitCode::Findings
    })
}
