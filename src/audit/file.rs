//! The opened sink: a locked append-only file whose lines are whole, or a stream such as stdout.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::Record;

/// How far back the last whole record is looked for at open.
const TAIL: u64 = 1 << 20;
/// What a probe reserves: more than the records that may be on their way when the disk fills again.
const PROBE: usize = 64 << 10;

/// A sink that is open for writing.
#[derive(Debug)]
pub(super) struct Opened {
    sink: Handle,
    /// The last write broke off inside a line and could not be taken back.
    torn: bool,
}

#[derive(Debug)]
enum Handle {
    /// A file on a disk: may be measured and cut.
    Regular(File),
    /// A device: what is written stays written.
    Stream(File),
    Stdout(io::Stdout),
}

impl Opened {
    /// Opens (and creates, mode 0600) the file, and reads where its records end.
    ///
    /// The lock keeps a second writer out: two would mix their sequence numbers, and one would
    /// cut the other's lines when it takes a torn batch back.
    pub(super) fn file(path: &Path) -> io::Result<(Self, Option<u64>)> {
        if std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo()) {
            // Opening one waits for a reader, for ever perhaps.
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the audit log is a named pipe: write to standard output instead",
            ));
        }
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        if file.metadata()?.file_type().is_char_device() {
            let sink = Handle::Stream(file);
            return Ok((Self { sink, torn: false }, None));
        }
        file.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another process writes this audit log",
            ),
        })?;
        let tail = read_tail(path)?;
        if tail.last().is_some_and(|byte| *byte != b'\n') {
            file.write_all(b"\n")?;
        }
        let sequence = last_sequence(&tail);
        let sink = Handle::Regular(file);
        Ok((Self { sink, torn: false }, sequence))
    }

    /// Standard output of this process.
    pub(super) fn stdout() -> Self {
        Self {
            sink: Handle::Stdout(io::stdout()),
            torn: false,
        }
    }

    /// Writes whole lines with one `write(2)` (more only where the kernel takes less).
    ///
    /// A batch that fails half-way is cut off again, so that no torn line is left.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.torn {
            self.raw(b"\n")?;
            self.torn = false;
        }
        let base = match &self.sink {
            Handle::Regular(file) => {
                let metadata = file.metadata()?;
                if metadata.nlink() == 0 {
                    return Err(io::Error::new(
                        io::ErrorKind::NotFound,
                        "the audit log was removed",
                    ));
                }
                Some(metadata.len())
            }
            Handle::Stream(_) | Handle::Stdout(_) => None,
        };
        let written = self.raw(lines);
        if written.is_err() {
            self.torn = match (&self.sink, base) {
                (Handle::Regular(file), Some(base)) => file.set_len(base).is_err(),
                _ => true,
            };
        }
        written
    }

    /// Whether records could be written again: reserves room on a disk and gives it back, and
    /// sends an empty line down a stream.
    pub(super) fn probe(&mut self) -> io::Result<()> {
        let Handle::Regular(file) = &self.sink else {
            self.raw(b"\n")?;
            self.torn = false;
            return Ok(());
        };
        let base = file.metadata()?.len();
        let written = self.raw(&[b' '; PROBE]);
        let Handle::Regular(file) = &self.sink else {
            return written;
        };
        file.set_len(base)?;
        written
    }

    /// Waits until what was written is on the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Handle::Regular(file) => file.sync_data(),
            Handle::Stream(file) => file.flush(),
            Handle::Stdout(out) => out.flush(),
        }
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.sink {
            Handle::Regular(file) | Handle::Stream(file) => file.write_all(bytes),
            Handle::Stdout(out) => {
                out.write_all(bytes)?;
                out.flush()
            }
        }
    }
}

/// The last bytes of the file.
fn read_tail(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    Ok(tail)
}

/// The sequence number of the last whole record in `tail`.
fn last_sequence(tail: &[u8]) -> Option<u64> {
    tail.rsplit(|byte| *byte == b'\n')
        .find_map(|line| serde_json::from_slice::<Record>(line).ok())
        .map(|record| record.sequence())
}
