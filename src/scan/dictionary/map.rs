//! Mapping a file into memory: the one unsafe step of dictionaries.

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// Maps `file`.
pub(super) fn map(file: &File) -> io::Result<Mmap> {
    if !file.metadata()?.is_file() {
        let message = "it is no plain file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    // SAFETY: the mapping is private and read-only. Others could write to the file or cut it while it
    // is mapped; that is against the contract of `Dictionary::open` (files are replaced, and the old
    // one lives as long as it is mapped), and whoever may write policies is in the trusted base. Reads
    // are of plain bytes, and bounded whatever they hold: a change can give wrong answers, a cut ends
    // the process with SIGBUS, which closes.
    unsafe { Mmap::map(file) }
}
