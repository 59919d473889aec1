//! `chaperone receipt`: one page on what a log's sidecar withheld and blocked, signed, for a pull request.

mod page;
mod signed;
mod verify;

use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};

use crate::audit::receipt::{Receipt, Scope};
use crate::cli::ExitCode;
use crate::cli::token::{source, usage};
use signed::Signed;

/// What `receipt` was asked.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    write: Option<Write>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Judge a receipt, and the log that it was made of: 0 genuine, 1 not, 2 usage
    Verify(verify::Args),
}

#[derive(Debug, clap::Args)]
struct Write {
    /// The audit log
    #[arg(long, value_name = "FILE", required = true)]
    log: PathBuf,
    /// The private key file that signs
    #[arg(long, value_name = "FILE", required = true)]
    key: PathBuf,
    /// The records of this preview alone
    #[arg(long, value_name = "NAME")]
    preview: Option<String>,
    /// The records of this revision alone
    #[arg(long, value_name = "SHA")]
    revision: Option<String>,
    /// The form of the receipt
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// The form of a receipt.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Form {
    /// A page for a pull request; the signed form stands at its end
    #[default]
    Markdown,
    /// The signed form alone, one line of JSON
    Json,
}

/// Writes or judges a receipt.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match (&args.verb, &args.write) {
        (Some(Verb::Verify(args)), _) => verify::run(args),
        (None, Some(args)) => write(args),
        (None, None) => Ok(usage("name a log with --log and a key with --key")),
    }
}

fn write(args: &Write) -> anyhow::Result<ExitCode> {
    let scope = Scope {
        preview: args.preview.clone(),
        revision: args.revision.clone(),
    };
    let receipt = match read(&args.log, &scope) {
        Ok(receipt) => receipt,
        Err(message) => return Ok(usage(message)),
    };
    let key = match source::key(&args.key) {
        Ok(key) => key,
        Err(message) => return Ok(usage(message)),
    };
    let signed = Signed::new(&receipt, &key)?;
    let text = match args.format {
        Form::Json => format!("{}\n", signed.text()?),
        Form::Markdown => page::render(&receipt, &signed)?,
    };
    write!(std::io::stdout(), "{text}")?;
    Ok(ExitCode::Fine)
}

/// The receipt of the log at `path`.
fn read(path: &Path, scope: &Scope) -> Result<Receipt, String> {
    File::open(path)
        .and_then(|file| Receipt::of(BufReader::new(file), scope))
        .map_err(|error| format!("can't read `{}`: {error}", path.display()))
}
