//! Where tokens, keys and times on the command line come from. Tokens and private keys never stand on it themselves.

use std::fs::{File, Permissions};
use std::io::{Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use crate::capability::mint::SigningKey;
use crate::types::Secret;

/// The bytes of a file, or of standard input for `-`; at most a mebibyte.
pub(in crate::cli) fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(MOST + 1)
            .read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes))
    };
    match read {
        Ok(_) if bytes.len() as u64 > MOST => {
            Err(format!("`{}` is larger than 1 MiB", path.display()))
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(format!("can't read `{}`: {error}", path.display())),
    }
}

/// The text of a file or of standard input.
pub(in crate::cli) fn text(path: &Path) -> Result<String, String> {
    String::from_utf8(bytes(path)?).map_err(|_| format!("`{}` is not UTF-8 text", path.display()))
}

/// A token, without the line end that files have.
pub(in crate::cli) fn token(path: &Path) -> Result<Secret<String>, String> {
    let text = Secret::new(text(path)?);
    Ok(Secret::new(text.expose().trim().to_owned()))
}

/// A token in the environment variable `name`.
pub(in crate::cli) fn variable(name: &str) -> Result<Secret<String>, String> {
    let text = std::env::var(name)
        .map(Secret::new)
        .map_err(|_| format!("the environment variable `{name}` holds no text"))?;
    Ok(Secret::new(text.expose().trim().to_owned()))
}

/// An Ed25519 private key.
pub(in crate::cli) fn key(path: &Path) -> Result<SigningKey, String> {
    let pem = Secret::new(text(path)?);
    SigningKey::parse(pem.expose()).map_err(|error| format!("{}: {error}", path.display()))
}

/// What an issuer vouches for, as the command line says it: NAME=VALUE.
pub(in crate::cli) fn attributes(pairs: &[String]) -> Result<Vec<(String, String)>, String> {
    let pair = |attribute: &String| match attribute.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(format!("write `{attribute}` as NAME=VALUE")),
    };
    pairs.iter().map(pair).collect()
}

/// Writes a file whole or not at all; a watcher never sees half of it.
pub(in crate::cli) fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut new = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(path)?;
    Ok(())
}

/// A point in time: an RFC 3339 date, or how long from now (`90s`, `1h 30m`, `7d`).
pub(in crate::cli) fn end(text: &str) -> Result<Timestamp, String> {
    if let Ok(end) = text.parse::<Timestamp>() {
        return Ok(end);
    }
    let days = text
        .trim()
        .strip_suffix('d')
        .and_then(|days| days.parse::<i64>().ok());
    let duration = match days {
        Some(days) => days
            .checked_mul(24)
            .and_then(SignedDuration::try_from_hours),
        None => text.parse().ok(),
    };
    duration
        .filter(SignedDuration::is_positive)
        .and_then(|duration| Timestamp::now().checked_add(duration).ok())
        .ok_or_else(|| {
            "write how long it holds (`90s`, `1h`, `7d`) or a date (`2027-03-01T09:00:00Z`)"
                .to_owned()
        })
}

const MOST: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::end;

    #[test]
    fn reads_durations_and_dates() {
        for text in ["90s", "1h", "1h 30m", "7d", "2100-01-01T00:00:00Z"] {
            assert!(end(text).unwrap() > jiff::Timestamp::now(), "{text}");
        }
        for text in ["", "soon", "-1h", "0s", "d", "1x"] {
            end(text).unwrap_err();
        }
    }
}
