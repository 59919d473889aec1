//! How far the scan is, where standard error is a terminal.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::cli::scan::input::{Input, STDIN};

/// A line that tells how many files and bytes were read; nothing where nobody would see it.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    bytes: AtomicU64,
}

impl Progress {
    pub(super) fn new(inputs: &[Input], is_quiet: bool) -> Self {
        // A person may be typing standard input.
        let has_stdin = inputs.iter().any(|input| input.path == Path::new(STDIN));
        let is_seen = !is_quiet && !has_stdin && std::io::stderr().is_terminal();
        let bar = is_seen.then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} files, {msg}");
            ProgressBar::new(inputs.len() as u64)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self {
            bar,
            bytes: AtomicU64::new(0),
        }
    }

    /// So many bytes more were read.
    pub(super) fn read(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            let all = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
            bar.set_message(HumanBytes(all).to_string());
        }
    }

    /// A file was read to its end.
    pub(super) fn file(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Lets something be printed beside the line.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
