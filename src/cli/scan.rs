//! `chaperone scan [PATH]...`: what the engine finds in files, folders and standard input.
//!
//! Findings say where, by which detector and how sure; no output holds the text that was found.

mod finding;
mod input;
mod lines;
mod progress;
mod reading;
mod report;
mod sarif;
mod search;
mod stats;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::cli::ExitCode;
use crate::cli::scan::input::{Input, Walk};
use crate::cli::scan::progress::Progress;
use crate::cli::scan::reading::Outcome;
use crate::cli::scan::report::{Format, Report};
use crate::cli::scan::search::{Asked, Search};
use crate::scan::Strength;

/// What `scan` is asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The files and folders; standard input when left out, or for `-`
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The packs and detectors to use (repeatable, or by comma); pii and secrets when nothing is asked for
    #[arg(long = "use", value_name = "NAME", value_delimiter = ',')]
    packs: Vec<String>,
    /// A pattern of your own, in Rust regex syntax (repeatable)
    #[arg(long, value_name = "NAME=REGEX", value_parser = pattern)]
    pattern: Vec<(String, String)>,
    /// A list of terms, one a line, or a compiled dictionary, named after its file (repeatable)
    #[arg(long, value_name = "FILE")]
    terms: Vec<PathBuf>,
    /// The least that a finding must say by itself
    #[arg(long, value_enum, value_name = "STRENGTH", default_value_t = Least::Likely)]
    min_strength: Least,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Measure what each detector costs, one file at a time
    #[arg(long, conflicts_with = "jobs")]
    stats: bool,
    /// Look into hidden files and folders too
    #[arg(long)]
    hidden: bool,
    /// Take no notice of .gitignore and .ignore
    #[arg(long)]
    no_ignore: bool,
    /// How many files to scan at once; as many as there are processors when left out
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Print nothing but errors: the exit code tells whether there are findings
    #[arg(long, short, conflicts_with_all = ["format", "stats"])]
    quiet: bool,
}

/// The least strength that is reported.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Least {
    /// The form alone; other things look like it
    Weak,
    /// The form is rare in anything else
    Likely,
    /// A checksum, an issuer's prefix or a listed value
    Certain,
}

impl From<Least> for Strength {
    fn from(least: Least) -> Self {
        match least {
            Least::Weak => Self::Weak,
            Least::Likely => Self::Likely,
            Least::Certain => Self::Certain,
        }
    }
}

/// Scans: 0 nothing found, 1 findings, 2 something can't be read or wasn't understood.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let asked = Asked {
        packs: &args.packs,
        patterns: &args.pattern,
        terms: &args.terms,
        is_measured: args.stats,
    };
    let search = match search::compile(asked) {
        Ok(search) => search,
        Err(complaint) => {
            anstream::eprintln!("chaperone scan: {complaint}");
            return Ok(ExitCode::Usage);
        }
    };
    let processors = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let jobs = match args.jobs {
        // Costs that are measured side by side would disturb each other.
        _ if args.stats => NonZeroUsize::MIN,
        Some(jobs) => jobs,
        None => processors(),
    };
    let walk = Walk {
        takes_hidden: args.hidden,
        heeds_ignore: !args.no_ignore,
        threads: jobs.min(processors()).get(),
    };
    let (inputs, complaints) = input::collect(&args.paths, walk);
    let format = (!args.quiet).then_some(args.format);
    let mut report = Report::begin(format, &search, std::io::stdout())?;
    for complaint in &complaints {
        report.complain(complaint);
    }
    let progress = Progress::new(&inputs, args.quiet);
    let scan = Scan {
        search: &search,
        least: args.min_strength.into(),
        inputs: &inputs,
        progress: &progress,
    };
    scan.each(jobs, |input, outcome| {
        if outcome.is_silent() {
            report.outcome(input, outcome)
        } else {
            progress.aside(|| report.outcome(input, outcome))
        }
    })?;
    progress.end();
    report.end()
}

/// The inputs, and what is done with each.
#[derive(Clone, Copy)]
struct Scan<'a> {
    search: &'a Search,
    least: Strength,
    inputs: &'a [Input],
    progress: &'a Progress,
}

impl Scan<'_> {
    /// Reads up to `jobs` inputs at once, and visits what came of them in their order.
    fn each(
        self,
        jobs: NonZeroUsize,
        mut visit: impl FnMut(&Input, Outcome) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let next = &AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let (sender, outcomes) = mpsc::channel();
            for _ in 0..jobs.get().min(self.inputs.len()) {
                let sender = sender.clone();
                scope.spawn(move || {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(input) = self.inputs.get(index) else {
                            break;
                        };
                        let tell = |bytes| self.progress.read(bytes);
                        let outcome = reading::read(self.search, self.least, input, tell);
                        self.progress.file();
                        // Nobody listens once the report can't be written.
                        if sender.send((index, outcome)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let mut waiting = BTreeMap::new();
            let mut inputs = self.inputs.iter().enumerate();
            let mut turn = inputs.next();
            for (index, outcome) in outcomes {
                waiting.insert(index, outcome);
                while let Some((at, input)) = turn
                    && let Some(outcome) = waiting.remove(&at)
                {
                    visit(input, outcome)?;
                    turn = inputs.next();
                }
            }
            Ok(())
        })
    }
}

fn pattern(text: &str) -> Result<(String, String), String> {
    let (name, pattern) = text
        .split_once('=')
        .ok_or("a pattern is written NAME=REGEX")?;
    Ok((name.to_owned(), pattern.to_owned()))
}
