//! `chaperone token keygen`: an issuer's key, the private half in a file that only its owner can read.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::capability::mint::SigningKey;
use crate::cli::ExitCode;

/// What `token keygen` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the key goes: NAME.key (private) and NAME.pub
    #[arg(long, value_name = "NAME", default_value = "issuer")]
    out: PathBuf,
    /// Also write NAME.jwks.json, the public key for verifiers of JSON Web Tokens
    #[arg(long)]
    jwks: bool,
    /// The key's id in the key set [default: made from the key]
    #[arg(long, requires = "jwks")]
    kid: Option<String>,
}

/// Makes the key and writes its files.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let key = SigningKey::generate()?;
    let mut files = vec![
        ("key", 0o600, key.pem().expose().clone()),
        ("pub", 0o644, format!("{}\n", key.public())),
    ];
    if args.jwks {
        files.push((
            "jwks.json",
            0o644,
            format!("{}\n", key.jwks(args.kid.as_deref())),
        ));
    }
    let named: Vec<_> = files
        .into_iter()
        .map(|(end, mode, text)| (beside(&args.out, end), mode, zeroize::Zeroizing::new(text)))
        .collect();
    if let Some((path, ..)) = named
        .iter()
        .find(|(path, ..)| path.symlink_metadata().is_ok())
    {
        return Ok(super::usage(format_args!(
            "`{}` exists already; it is left alone",
            path.display()
        )));
    }
    for (path, mode, text) in &named {
        if let Err(error) = write_new(path, *mode, text) {
            return Ok(match error.kind() {
                ErrorKind::AlreadyExists => super::usage(format_args!(
                    "`{}` exists already; it is left alone",
                    path.display()
                )),
                _ => super::usage(format_args!("can't write `{}`: {error}", path.display())),
            });
        }
        writeln!(std::io::stdout(), "{}", path.display())?;
    }
    Ok(ExitCode::Fine)
}

/// `NAME.end`, whatever dots NAME holds.
fn beside(name: &Path, end: &str) -> PathBuf {
    let mut path = name.as_os_str().to_owned();
    path.push(".");
    path.push(end);
    path.into()
}

fn write_new(path: &Path, mode: u32, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
