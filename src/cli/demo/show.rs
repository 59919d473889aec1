//! What the demo prints.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::client::Answer;
use super::columns::{Column, lay_out};
use super::people::Who;
use super::stage::Stage;
use super::story::LOG;
use super::walk::{Played, record_of};
use crate::audit::Record;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// The cast and what does not hold yet.
pub(super) fn opening(out: &mut impl Write, stage: &Stage) -> io::Result<()> {
    writeln!(out, "{BOLD}chaperone demo{BOLD:#}\n")?;
    writeln!(
        out,
        "The sample shop at http://{} has not been reviewed: it hands everybody's data to anyone.",
        stage.app()
    )?;
    writeln!(
        out,
        "The sidecar before it listens at http://{} with the policy\n{}.",
        stage.door(),
        stage.folder().join("policy.yaml").display()
    )?;
    writeln!(
        out,
        "Alice comes with a JWT of the identity provider, Bob with a Biscuit of the issuer, a stranger \
         with nothing and once more with a forged token.\n"
    )?;
    limits(out)
}

/// What this version does not do.
fn limits(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{BOLD}What does not hold yet{BOLD:#}")?;
    writeln!(
        out,
        "- No outbound side: the app still reaches shared services by itself. What it learns there and \
         encodes in its answers is not exactly filtered."
    )?;
    writeln!(
        out,
        "- This demo's policy asks for no binding: its capabilities are not tied to a revision, and no maintainer's approval is needed. \
         docs/walk-through.md shows a preview with both.\n"
    )
}

/// One scene, side by side, with its claims and records.
pub(super) fn scene(
    out: &mut impl Write,
    number: usize,
    played: &Played,
    log: &[(String, Record)],
) -> anyhow::Result<()> {
    let scene = played.scene;
    writeln!(
        out,
        "{BOLD}{number}. {}{BOLD:#}   {} {}",
        scene.title, scene.method, scene.path
    )?;
    let app = Column {
        title: format!("the app said: {}", played.app.status),
        body: played.app.body.clone(),
        is_refusal: false,
    };
    let others: Vec<Column> = played
        .answers
        .iter()
        .map(|(who, answer)| column(*who, answer, log))
        .collect();
    write!(out, "{}", lay_out(&app, &others, width()))?;
    for (who, answer) in &played.answers {
        let record = record_of(log, answer)?;
        writeln!(
            out,
            "  {DIM}audit, {}: {}{DIM:#}",
            who.title(),
            summary(record)
        )?;
    }
    claims(out, played)?;
    writeln!(out)?;
    Ok(())
}

/// A scene's claims, one a line.
pub(super) fn claims(out: &mut impl Write, played: &Played) -> io::Result<()> {
    for (claim, doubt) in &played.verdicts {
        verdict(out, claim.name, claim.text, doubt.as_deref())?;
    }
    Ok(())
}

fn verdict(out: &mut impl Write, name: &str, text: &str, doubt: Option<&str>) -> io::Result<()> {
    match doubt {
        None => writeln!(out, "  {GOOD}holds{GOOD:#}  {text}"),
        Some(doubt) => writeln!(out, "  {BAD}FAILS{BAD:#}  {text} [{name}: {doubt}]"),
    }
}

/// The claim about the log, an example from it, and how many claims hold and fail.
pub(super) fn closing(
    out: &mut impl Write,
    played: &[Played],
    doubt: Option<&str>,
    log: &[(String, Record)],
    is_brief: bool,
) -> io::Result<(usize, usize)> {
    if !is_brief {
        writeln!(out, "{BOLD}The audit log{BOLD:#}")?;
        for (line, _) in log.iter().skip(2).take(2) {
            writeln!(out, "  {DIM}{line}{DIM:#}")?;
        }
    }
    verdict(out, "log", LOG, doubt)?;
    let all = played.iter().flat_map(|scene| &scene.verdicts);
    let total = all.clone().count() + 1;
    let failed = all.filter(|(_, doubt)| doubt.is_some()).count() + usize::from(doubt.is_some());
    Ok((total - failed, failed))
}

/// What to try while the demo keeps serving.
pub(super) fn invitation(out: &mut impl Write, stage: &Stage) -> io::Result<()> {
    let door = stage.door();
    writeln!(
        out,
        "\n{BOLD}Try it yourself{BOLD:#} (Ctrl-C ends the demo)\n"
    )?;
    for (name, who) in [("ALICE", Who::Alice), ("BOB", Who::Bob)] {
        writeln!(out, "{name}={}", stage.token(who).unwrap_or_default())?;
    }
    writeln!(
        out,
        "curl -i -H \"Authorization: Bearer $ALICE\" http://{door}/api/orders\n\
         curl -i -H \"Authorization: Bearer $BOB\" http://{door}/api/messages\n\
         curl -i -H \"Authorization: Bearer $BOB\" http://{door}/api/users/u-alice\n\
         curl -i http://{door}/api/orders\n\
         curl -i http://{}/api/orders            # the shop itself\n\
         tail -f {}\n",
        stage.app(),
        stage.folder().join("audit.jsonl").display()
    )
}

fn column(who: Who, answer: &Answer, log: &[(String, Record)]) -> Column {
    let record = record_of(log, answer).ok();
    let reason = record.and_then(|record| record.reason);
    let body = match reason {
        Some(code) => {
            let note = note(&answer.body).map_or_else(String::new, |note| format!("“{note}”\n"));
            format!(
                "refused: {code}\n{}\n{note}{}",
                code.summary(),
                code.remedy()
            )
        }
        None => answer.body.clone(),
    };
    Column {
        title: format!("{}: {}", who.title(), answer.status),
        body,
        is_refusal: reason.is_some(),
    }
}

/// What the reviewer wrote beside the rule that refused.
fn note(problem: &str) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_str(problem).ok()?;
    Some(problem.get("note")?.as_str()?.to_owned())
}

/// A record in one line: the decision and what each rule did.
fn summary(record: &Record) -> String {
    let mut text = format!("{} #{}", record.decision.as_str(), record.sequence());
    if let Some(reason) = record.reason {
        text.push_str(&format!(", {reason}"));
    }
    for hit in &record.rules {
        let action = format!("{:?}", hit.action).to_lowercase();
        text.push_str(&format!("; {} {action} × {}", hit.rule, hit.count));
    }
    text
}

/// Terminal columns to fill: as `COLUMNS` says, or enough for three columns of text.
fn width() -> usize {
    let said = std::env::var("COLUMNS").ok();
    said.and_then(|text| text.parse().ok()).unwrap_or(140)
}
