//! What `scan` says: findings for people, as JSON lines or as SARIF, and how it went.

use std::io::{BufWriter, Write};
use std::time::Duration;

use serde::Serialize;

use crate::cli::ExitCode;
use crate::cli::scan::finding::{Finding, word};
use crate::cli::scan::input::{self, Input};
use crate::cli::scan::reading::Outcome;
use crate::cli::scan::sarif::Sarif;
use crate::cli::scan::search::Search;
use crate::cli::scan::stats::{Costs, rate};

/// The form of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people: a line a finding
    Text,
    /// JSON lines: an object a finding, and a summary
    Json,
    /// One SARIF 2.1.0 document
    Sarif,
}

/// A line for machines, version 1.
#[derive(Debug, Serialize)]
struct Line<T> {
    version: u8,
    #[serde(flatten)]
    event: T,
}

/// What a line tells.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Event<'a> {
    Finding {
        path: &'a str,
        detector: &'a str,
        strength: &'a str,
        start: u64,
        end: u64,
        line: u64,
        column: u64,
    },
    Cost {
        detector: &'a str,
        hits: u64,
        seconds: f64,
        megabytes_per_second: f64,
    },
    Summary(&'a Summary),
}

/// How it went.
#[derive(Debug, Default, Serialize)]
struct Summary {
    findings: u64,
    files: u64,
    files_with_findings: u64,
    bytes: u64,
    skipped_binary: u64,
    unreadable: u64,
    /// The time of one pass for all detectors; only where costs are measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

/// The report while it is written.
#[derive(Debug)]
pub(super) struct Report<'s, W: Write> {
    form: Option<Form>,
    search: &'s Search,
    out: BufWriter<W>,
    summary: Summary,
    costs: Option<Costs>,
}

#[derive(Debug)]
enum Form {
    Text,
    Json,
    Sarif(Sarif),
}

impl<'s, W: Write> Report<'s, W> {
    /// Without a format, nothing is said but complaints.
    pub(super) fn begin(
        format: Option<Format>,
        search: &'s Search,
        out: W,
    ) -> anyhow::Result<Self> {
        let mut out = BufWriter::new(out);
        let form = match format {
            None => None,
            Some(Format::Text) => Some(Form::Text),
            Some(Format::Json) => Some(Form::Json),
            Some(Format::Sarif) => Some(Form::Sarif(Sarif::begin(search, &mut out)?)),
        };
        Ok(Self {
            form,
            search,
            out,
            summary: Summary::default(),
            costs: Costs::new(search),
        })
    }

    /// Something can't be read.
    pub(super) fn complain(&mut self, complaint: &str) {
        self.summary.unreadable += 1;
        anstream::eprintln!("chaperone scan: {complaint}");
    }

    /// What came of one input.
    pub(super) fn outcome(&mut self, input: &Input, outcome: Outcome) -> anyhow::Result<()> {
        let findings = match outcome {
            Outcome::Binary => {
                self.summary.skipped_binary += 1;
                return Ok(());
            }
            Outcome::Read {
                findings,
                bytes,
                costs,
            } => {
                self.summary.files += 1;
                self.summary.bytes += bytes;
                if let (Some(all), Some(costs)) = (&mut self.costs, costs) {
                    all.add(&costs);
                }
                findings
            }
            Outcome::Failed { findings, error } => {
                self.complain(&input::complaint(&input.path, &error));
                findings
            }
        };
        self.summary.findings += findings.len() as u64;
        self.summary.files_with_findings += u64::from(!findings.is_empty());
        for finding in &findings {
            self.finding(input, finding)?;
        }
        self.out.flush()?;
        Ok(())
    }

    fn finding(&mut self, input: &Input, finding: &Finding) -> anyhow::Result<()> {
        let Some(known) = self.search.detectors.get(finding.detector) else {
            return Ok(());
        };
        let (span, position) = (finding.span, finding.position);
        let strength = word(finding.strength);
        match &mut self.form {
            None => {}
            Some(Form::Text) => writeln!(
                self.out,
                "{}:{}:{}: {} ({strength}), bytes {}..{}",
                input::shown(&input.path),
                position.line,
                position.column,
                known.name,
                span.start,
                span.end,
            )?,
            Some(Form::Json) => self.line(Event::Finding {
                path: &input.path.to_string_lossy(),
                detector: &known.name,
                strength,
                start: span.start,
                end: span.end,
                line: position.line,
                column: position.column,
            })?,
            Some(Form::Sarif(sarif)) => {
                sarif.finding(&input.path, finding, &known.name, &mut self.out)?;
            }
        }
        Ok(())
    }

    fn line(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.out, &Line { version: 1, event })?;
        writeln!(self.out)?;
        Ok(())
    }

    /// Says how it went.
    pub(super) fn end(mut self) -> anyhow::Result<ExitCode> {
        let summary = std::mem::take(&mut self.summary);
        let costs = self.costs.take();
        let code = if summary.unreadable > 0 {
            ExitCode::Usage
        } else if summary.findings > 0 {
            ExitCode::Findings
        } else {
            ExitCode::Fine
        };
        match &self.form {
            None => return Ok(code),
            Some(Form::Json) => {
                let ranked = costs.as_ref().map(|costs| self.ranked(costs));
                for (name, hits, time) in ranked.into_iter().flatten() {
                    self.line(Event::Cost {
                        detector: name,
                        hits,
                        seconds: time.as_secs_f64(),
                        megabytes_per_second: rate(summary.bytes, time),
                    })?;
                }
                self.line(Event::Summary(&Summary {
                    seconds: costs.map(|costs| costs.together.as_secs_f64()),
                    ..summary
                }))?;
                self.out.flush()?;
                return Ok(code);
            }
            Some(Form::Sarif(_)) => Sarif::end(summary.unreadable == 0, &mut self.out)?,
            Some(Form::Text) => {}
        }
        self.out.flush()?;
        if let Some(costs) = &costs {
            anstream::eprint!("{}", self.table(costs, summary.bytes));
        }
        anstream::eprintln!("{}", summary.sentence());
        Ok(code)
    }

    /// The costs of the detectors, the greatest first.
    fn ranked(&self, costs: &Costs) -> Vec<(&'s str, u64, Duration)> {
        let names = self.search.detectors.iter().map(|known| &*known.name);
        let costs = costs.alone.iter().map(|cost| (cost.hits, cost.time));
        let mut ranked: Vec<_> = names
            .zip(costs)
            .map(|(name, (hits, time))| (name, hits, time))
            .collect();
        ranked.sort_by_key(|(name, _, time)| (std::cmp::Reverse(*time), *name));
        ranked
    }

    fn table(&self, costs: &Costs, bytes: u64) -> String {
        let ranked = self.ranked(costs);
        let width = ranked.iter().map(|(name, ..)| name.len()).max();
        let width = width.unwrap_or(0).max("all together".len());
        let hits = ranked.iter().map(|(_, hits, _)| hits).sum();
        let row = |name: &str, hits: u64, time: Duration| {
            let (seconds, rate) = (time.as_secs_f64(), rate(bytes, time));
            format!("{name:width$} {hits:>9} {seconds:>14.6} {rate:>11.0}\n")
        };
        let head = format!(
            "{:width$} {:>9} {:>14} {:>11}\n",
            "detector", "hits", "seconds alone", "MB/s alone"
        );
        let rows = ranked
            .iter()
            .map(|(name, hits, time)| row(name, *hits, *time));
        let all = row("all together", hits, costs.together);
        [head].into_iter().chain(rows).chain([all]).collect()
    }
}

impl Summary {
    fn sentence(&self) -> String {
        let count = |number: u64, word: &str| {
            let plural = if number == 1 { "" } else { "s" };
            format!("{number} {word}{plural}")
        };
        let mut text = format!(
            "{} in {} of {}, {} scanned",
            count(self.findings, "finding"),
            self.files_with_findings,
            count(self.files, "file"),
            count(self.bytes, "byte"),
        );
        if self.skipped_binary > 0 {
            let skipped = count(self.skipped_binary, "binary file");
            text = format!("{text}; {skipped} skipped");
        }
        if self.unreadable > 0 {
            text = format!("{text}; {} unreadable", self.unreadable);
        }
        text
    }
}
