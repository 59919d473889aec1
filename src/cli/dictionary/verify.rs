//! `chaperone dictionary verify FILE...`: whether dictionaries are what was written.

use std::io::Write as _;
use std::path::PathBuf;

use crate::cli::ExitCode;
use crate::scan::{Dictionary, DictionaryErrorKind};

/// What `dictionary verify` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Compiled dictionaries
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Reads the files: 0 all whole, 1 one refused, 2 one unreadable.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::Fine;
    for path in &args.files {
        let name = path.display();
        let whole = Dictionary::open(path).and_then(|dictionary| {
            dictionary.verify()?;
            Ok(dictionary)
        });
        match whole {
            Ok(dictionary) => {
                let (entries, size) = (dictionary.len(), dictionary.as_bytes().len());
                writeln!(
                    anstream::stdout(),
                    "{name}: whole, {entries} entries, {size} bytes"
                )?;
            }
            Err(error) => {
                let is_unreadable = matches!(error.kind(), DictionaryErrorKind::Io(_));
                let remedy = error.remedy();
                let error = anyhow::Error::new(error);
                anstream::eprintln!("chaperone: {name}: {error:#}; {remedy}");
                if is_unreadable {
                    code = ExitCode::Usage;
                } else if code == ExitCode::Fine {
                    code = ExitCode::Findings;
                }
            }
        }
    }
    Ok(code)
}
