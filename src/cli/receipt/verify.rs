//! `chaperone receipt verify`: whether a receipt is whose it should be, and says what its log says.

use std::io::Write as _;
use std::path::PathBuf;

use super::signed::Signed;
use super::{page, read};
use crate::audit::receipt::Receipt;
use crate::capability::RootKey;
use crate::cli::ExitCode;
use crate::cli::token::{source, usage};

/// What `receipt verify` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The receipt, in either form; - for standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    receipt: PathBuf,
    /// The public key file of whoever should have signed it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The log that it should have been made of
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

/// Judges: 0 genuine, 1 not.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let text = match source::text(&args.receipt) {
        Ok(text) => text,
        Err(message) => return Ok(usage(message)),
    };
    let key = match source::text(&args.key) {
        Ok(key) => RootKey::parse(&key),
        Err(message) => return Ok(usage(message)),
    };
    let key = match key {
        Ok(key) => key,
        Err(error) => return Ok(usage(format_args!("{}: {error}", args.key.display()))),
    };
    let judged = judge(args, &text, &key);
    match judged {
        Ok(receipt) => {
            let log = &receipt.log;
            writeln!(
                std::io::stdout(),
                "genuine: {} records of the log {}",
                log.records,
                log.blake3
            )?;
            Ok(ExitCode::Fine)
        }
        Err(error) => {
            anstream::eprintln!("chaperone: not genuine: {error:#}");
            Ok(ExitCode::Findings)
        }
    }
}

fn judge(args: &Args, text: &str, key: &RootKey) -> anyhow::Result<Receipt> {
    let signed = Signed::read(text)?;
    let receipt = signed.open(key)?;
    // What people read above the signed form must say the same.
    let is_page = !text.trim_start().starts_with('{');
    anyhow::ensure!(
        !is_page || page::render(&receipt, &signed)?.trim() == text.replace("\r\n", "\n").trim(),
        "its page was changed"
    );
    if let Some(log) = &args.log {
        let again = read(log, &receipt.scope).map_err(anyhow::Error::msg)?;
        anyhow::ensure!(again == receipt, "the log says something else");
    }
    Ok(receipt)
}
