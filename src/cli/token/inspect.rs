//! `chaperone token inspect`: what a token claims, for people or as JSON. It proves nothing, and says so.

use std::io::Write;
use std::path::PathBuf;

use super::source;
use crate::capability::inspect::Inspection;
use crate::cli::ExitCode;

/// What `token inspect` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file that holds the token, - for standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    token: PathBuf,
    /// For people, or as one JSON object
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Json,
    Text,
}

/// Prints what the token claims.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let token = match source::token(&args.token) {
        Ok(token) => token,
        Err(message) => return Ok(super::usage(message)),
    };
    let Some(inspection) = Inspection::of(token.expose()) else {
        return Ok(super::usage(
            "this is neither a Biscuit nor a JSON Web Token",
        ));
    };
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Json => writeln!(out, "{}", serde_json::to_string(&inspection)?)?,
        Format::Text => print(&inspection, &mut out)?,
    }
    Ok(ExitCode::Fine)
}

fn print(inspection: &Inspection, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(
        out,
        "NOT VERIFIED: this is what the token claims, nothing more"
    )?;
    match inspection {
        Inspection::Biscuit { blocks, .. } => {
            for (number, block) in blocks.iter().enumerate() {
                let author = match (number, &block.third_party) {
                    (_, Some(key)) => format!("added by {key}"),
                    (0, None) => "by the issuer".to_owned(),
                    (_, None) => "added by a holder".to_owned(),
                };
                writeln!(out, "\nBiscuit, block {number}, {author}")?;
                if block.may_mislead {
                    writeln!(
                        out,
                        "  a string in this token holds quotes or control characters: the text may mislead"
                    )?;
                }
                for line in block.source.lines() {
                    writeln!(out, "  {}", visible(line))?;
                }
                writeln!(out, "  revocation id {}", block.revocation_id)?;
            }
        }
        Inspection::Jwt { header, claims, .. } => {
            for (title, members) in [("header", header), ("claims", claims)] {
                writeln!(out, "\nJSON Web Token, {title}")?;
                for (name, value) in members {
                    writeln!(out, "  {}: {}", visible(name), visible(&value.to_string()))?;
                }
            }
        }
    }
    Ok(())
}

/// Text that can't move the cursor or hide anything on a terminal.
fn visible(text: &str) -> String {
    text.chars()
        .map(|letter| {
            if letter.is_control() {
                '\u{fffd}'
            } else {
                letter
            }
        })
        .collect()
}
