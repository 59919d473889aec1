//! Which bytes are scanned: files, the files of folders, standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use ignore::{WalkBuilder, WalkState};

/// What stands for standard input.
pub(super) const STDIN: &str = "-";

/// One thing to scan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Input {
    pub(super) path: PathBuf,
    /// It was found in a folder rather than named: it is skipped where it is binary.
    pub(super) is_found: bool,
}

/// How folders are walked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    pub(super) takes_hidden: bool,
    pub(super) heeds_ignore: bool,
    pub(super) threads: usize,
}

/// The inputs behind `paths` by path, each once, and complaints about what can't be read.
pub(super) fn collect(paths: &[PathBuf], walk: Walk) -> (Vec<Input>, Vec<String>) {
    let mut inputs = Vec::new();
    let mut complaints = Vec::new();
    for path in paths {
        if path.as_os_str() == STDIN {
            inputs.push(named(path));
            continue;
        }
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                walk.folder(path, &mut inputs, &mut complaints);
            }
            Ok(_) => inputs.push(named(path)),
            Err(error) => complaints.push(complaint(path, &error)),
        }
    }
    if paths.is_empty() {
        inputs.push(named(Path::new(STDIN)));
    }
    // One that was named comes before the same one found.
    inputs.sort_unstable();
    inputs.dedup_by(|next, before| next.path == before.path);
    complaints.sort_unstable();
    (inputs, complaints)
}

fn named(path: &Path) -> Input {
    Input {
        path: path.to_owned(),
        is_found: false,
    }
}

pub(super) fn complaint(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", shown(path))
}

/// A path as people and terminals can take it.
pub(super) fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.replace(char::is_control, "\u{fffd}")
}

impl Walk {
    fn folder(self, path: &Path, inputs: &mut Vec<Input>, complaints: &mut Vec<String>) {
        let (sender, found) = mpsc::channel();
        // What a person's own configuration ignores does not count: everybody gets the same findings.
        let walker = WalkBuilder::new(path)
            .hidden(!self.takes_hidden)
            .parents(self.heeds_ignore)
            .ignore(self.heeds_ignore)
            .git_ignore(self.heeds_ignore)
            .git_global(false)
            .git_exclude(false)
            .require_git(false)
            .follow_links(false)
            .threads(self.threads)
            .build_parallel();
        walker.run(|| {
            let sender = sender.clone();
            Box::new(move |entry| match sender.send(entry) {
                Ok(()) => WalkState::Continue,
                Err(_) => WalkState::Quit,
            })
        });
        drop(sender);
        for entry in found {
            match entry {
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                    inputs.push(Input {
                        path: entry.into_path(),
                        is_found: true,
                    });
                }
                Ok(_) => {}
                Err(error) => complaints.push(error.to_string().replace(char::is_control, " ")),
            }
        }
    }
}

impl Input {
    pub(super) fn open(&self) -> io::Result<Box<dyn Read>> {
        if !self.is_found && self.path.as_os_str() == STDIN {
            Ok(Box::new(io::stdin()))
        } else {
            Ok(Box::new(File::open(&self.path)?))
        }
    }
}
