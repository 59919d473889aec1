//! How far the scan is, where standard error is a terminal.

use std::fmt::Write;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressState, ProgressStyle};

use crate::cli::scan::input::{Input, STDIN};

/// How often the line is drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// A line that tells how many files and bytes were read; nothing where nobody would see it.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    bytes: Arc<AtomicU64>,
}

impl Progress {
    pub(super) fn new(inputs: &[Input], is_quiet: bool) -> Self {
        // A person may be typing standard input.
        let has_stdin = inputs.iter().any(|input| input.path == Path::new(STDIN));
        let is_seen = !is_quiet && !has_stdin && std::io::stderr().is_terminal();
        let bytes = Arc::new(AtomicU64::new(0));
        let bar = is_seen.then(|| {
            let read = Arc::clone(&bytes);
            let amount = move |_: &ProgressState, out: &mut dyn Write| {
                _ = write!(out, "{}", HumanBytes(read.load(Ordering::Relaxed)));
            };
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} files, {amount}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(inputs.len() as u64);
            bar.set_style(style.with_key("amount", amount));
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { bar, bytes }
    }

    /// So many bytes more were read.
    pub(super) fn read(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
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
