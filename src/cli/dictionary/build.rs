//! `chaperone dictionary build LIST... --out FILE`: lists of terms become one compiled dictionary.
//!
//! The file appears whole or not at all: it is written beside its place and renamed into it, so that
//! a sidecar that has the old one mapped keeps it until it reloads.

use std::fs::Permissions;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::ExitCode;
use crate::policy::dictionary;
use crate::scan::Dictionary;

/// What `dictionary build` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Lists with one term a line; `-` is standard input
    #[arg(required = true, value_name = "LIST")]
    lists: Vec<PathBuf>,
    /// Where the dictionary goes; what is there is replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Mistakes shown; the rest is counted.
const SHOWN: usize = 20;

/// Compiles the lists: 0 written, 2 a list that can't be used.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut texts = Vec::new();
    for list in &args.lists {
        match read(list) {
            Ok(text) => texts.push((list, text)),
            Err(error) => {
                let list = list.display();
                anstream::eprintln!("chaperone: the list `{list}` can't be read: {error}");
                return Ok(ExitCode::Usage);
            }
        }
    }
    let lines = texts.iter().flat_map(|(_, text)| dictionary::terms(text));
    let dictionary = match Dictionary::build(lines) {
        Ok(dictionary) if !dictionary.is_empty() => dictionary,
        Ok(_) => {
            anstream::eprintln!("chaperone: the lists have no terms: write one a line");
            return Ok(ExitCode::Usage);
        }
        Err(error) => {
            if !blame(&texts) {
                anstream::eprintln!("chaperone: {error}: {}", error.remedy());
            }
            return Ok(ExitCode::Usage);
        }
    };
    if let Err(error) = write(&args.out, dictionary.as_bytes()) {
        let out = args.out.display();
        anstream::eprintln!("chaperone: `{out}` can't be written: {error}");
        return Ok(ExitCode::Usage);
    }
    let (out, entries) = (args.out.display(), dictionary.len());
    let size = dictionary.as_bytes().len();
    writeln!(
        io::stdout().lock(),
        "{out}: {entries} entries, {size} bytes"
    )
    .context("standard output can't be written")?;
    Ok(ExitCode::Fine)
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(path)?;
    }
    // Some editors begin a file with a mark, which would be part of its first term.
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    let text = String::from_utf8(bytes);
    text.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Says which lines can't be entries; false when each alone could.
fn blame(texts: &[(&PathBuf, String)]) -> bool {
    let mut found = 0;
    for (path, text) in texts {
        for (number, line) in text.lines().enumerate() {
            let Some(Err(error)) = dictionary::terms(line).next().map(Dictionary::accepts) else {
                continue;
            };
            found += 1;
            if found <= SHOWN {
                let (path, number) = (path.display(), number + 1);
                anstream::eprintln!("chaperone: {path}:{number}: {error}: {}", error.remedy());
            }
        }
    }
    if found > SHOWN {
        anstream::eprintln!("chaperone: and {} lines more", found - SHOWN);
    }
    found > 0
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    // As any new file: what the umask leaves.
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
