//! The files that a policy names: read once, bounded, hashed and remembered for reload.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::scan::{Dictionary, DictionaryError};

/// What a policy's `dictionary` names.
#[derive(Debug)]
pub(in crate::policy) enum List {
    /// A text with one term a line.
    Terms(String),
    Compiled(Dictionary),
}

/// One reading of a file, by the name that the policy gives it.
#[derive(Debug)]
enum Reading {
    Bytes(PathBuf),
    Compiled(PathBuf),
    Text(PathBuf),
}

/// What a policy was read from.
#[derive(Debug, Default)]
pub(in crate::policy) struct Inputs {
    /// The hash of everything read.
    pub(in crate::policy) hash: Box<str>,
    /// Every path.
    pub(in crate::policy) paths: Vec<PathBuf>,
    readings: Vec<Reading>,
}

impl Inputs {
    /// Whether a policy at `path` would be read from the same bytes again. Nothing is compiled for that.
    pub(in crate::policy) fn are_current(&self, path: &Path) -> bool {
        let mut files = Files::of(path);
        let are_readable = self.readings.iter().all(|reading| match reading {
            Reading::Bytes(name) => files.bytes(name).is_ok(),
            Reading::Compiled(name) => matches!(files.dictionary(name), Ok(List::Compiled(_))),
            Reading::Text(name) => files.read(name).is_ok(),
        });
        are_readable && !self.readings.is_empty() && files.finish().hash == self.hash
    }
}

/// The largest policy file, key file or list of terms, in bytes.
const LIMIT: u64 = 64 * 1024 * 1024;

/// What was read so far, in order.
#[derive(Debug)]
pub(in crate::policy) struct Files {
    folder: PathBuf,
    hasher: blake3::Hasher,
    paths: Vec<PathBuf>,
    readings: Vec<Reading>,
}

impl Files {
    /// Files named by the policy at `path`.
    pub(in crate::policy) fn of(path: &Path) -> Self {
        Self {
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
            hasher: blake3::Hasher::new_derive_key("chaperone 2026-11 policy hash"),
            paths: Vec::new(),
            readings: Vec::new(),
        }
    }

    /// What `name` holds, relative to the policy's folder.
    pub(in crate::policy) fn bytes(&mut self, name: &Path) -> io::Result<Vec<u8>> {
        let bytes = self.whole(name)?;
        self.readings.push(Reading::Bytes(name.to_owned()));
        Ok(bytes)
    }

    /// The text of `name`, relative to the policy's folder.
    pub(in crate::policy) fn read(&mut self, name: &Path) -> io::Result<String> {
        let bytes = self.whole(name)?;
        self.readings.push(Reading::Text(name.to_owned()));
        // Some editors begin a file with a mark, which would be part of its first term.
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let text = std::str::from_utf8(text).map(str::to_owned);
        text.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
    }

    fn whole(&mut self, name: &Path) -> io::Result<Vec<u8>> {
        let file = File::open(self.plain(name)?)?;
        let mut bytes = Vec::new();
        file.take(LIMIT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LIMIT {
            let message = "it is larger than 64 MiB";
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        self.include(name, &bytes);
        Ok(bytes)
    }

    /// The dictionary in `name`: a list of terms, or one that was compiled.
    pub(in crate::policy) fn dictionary(&mut self, name: &Path) -> Result<List, DictionaryError> {
        let path = self.plain(name)?;
        let mut magic = [0; 8];
        let length = File::open(&path)?.read(&mut magic)?;
        if !Dictionary::is_compiled(magic.get(..length).unwrap_or_default()) {
            return Ok(List::Terms(self.read(name)?));
        }
        let dictionary = Dictionary::open(&path)?;
        // What is damaged would be missed in silence.
        dictionary.verify()?;
        self.include(name, dictionary.head());
        self.readings.push(Reading::Compiled(name.to_owned()));
        Ok(List::Compiled(dictionary))
    }

    /// The path of `name`, which is watched from now on.
    fn plain(&mut self, name: &Path) -> io::Result<PathBuf> {
        let path = self.folder.join(name);
        // Remembered also when it can't be read: it may be mended while the old policy serves.
        if !self.paths.contains(&path) {
            self.paths.push(path.clone());
        }
        // Looked at before it is opened: opening a pipe waits for its writer.
        if !std::fs::metadata(&path)?.is_file() {
            let message = "it is no plain file";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(path)
    }

    /// Counts the content of `name` as read.
    pub(in crate::policy) fn include(&mut self, name: &Path, bytes: &[u8]) {
        let name = name.as_os_str().as_encoded_bytes();
        for part in [name, bytes] {
            self.hasher.update(&(part.len() as u64).to_le_bytes());
            self.hasher.update(part);
        }
    }

    /// What was read, all of it.
    pub(in crate::policy) fn finish(self) -> Inputs {
        Inputs {
            hash: self.hasher.finalize().to_hex().as_str().into(),
            paths: self.paths,
            readings: self.readings,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Files;

    #[test]
    fn knows_whether_anything_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("policy.yaml", "a");
        write("names.txt", "b");
        let mut files = Files::of(&path);
        for name in ["policy.yaml", "names.txt", "policy.yaml"] {
            files.read(Path::new(name)).unwrap();
        }
        let inputs = files.finish();
        assert!(inputs.are_current(&path));
        write("names.txt", "bb");
        assert!(!inputs.are_current(&path));
        write("names.txt", "b");
        assert!(inputs.are_current(&path));
        // What is no text, too.
        let set = folder.path().join("set.binpb");
        std::fs::write(&set, b"\xff\x01").unwrap();
        let mut files = Files::of(&path);
        assert_eq!(files.bytes(Path::new("set.binpb")).unwrap(), b"\xff\x01");
        let with_set = files.finish();
        assert!(with_set.are_current(&path) && with_set.paths == [set.clone()]);
        std::fs::write(&set, b"\xff\x02").unwrap();
        assert!(!with_set.are_current(&path));
        write("policy.yaml", "b");
        write("names.txt", "a");
        assert!(!inputs.are_current(&path));
        std::fs::remove_file(folder.path().join("names.txt")).unwrap();
        assert!(!inputs.are_current(&path));
        let other = folder.path().join("other.yaml");
        assert!(!Files::of(&other).finish().are_current(&other));
    }

    #[test]
    fn reads_text_without_its_mark() {
        let folder = tempfile::tempdir().unwrap();
        for (bytes, text) in [
            (&b"\xef\xbb\xbfAda\r\n"[..], Some("Ada\r\n")),
            (b"Ada", Some("Ada")),
            (b"\xff\xfeA\0", None),
        ] {
            std::fs::write(folder.path().join("names.txt"), bytes).unwrap();
            let mut files = Files::of(&folder.path().join("policy.yaml"));
            assert_eq!(files.read(Path::new("names.txt")).ok().as_deref(), text);
        }
    }
}
