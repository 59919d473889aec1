//! Walks through the story: asks, and holds every claim against what came back.

use anyhow::Context as _;

use super::client::{self, Answer};
use super::people::Who;
use super::stage::Stage;
use super::story::{Claim, Expect, NEVER_LOGGED, Scene};
use crate::audit::Record;
use crate::types::Verdict;

/// One scene with all its answers.
#[derive(Debug)]
pub(super) struct Played {
    /// The scene.
    pub(super) scene: &'static Scene,
    /// What the shop itself says.
    pub(super) app: Answer,
    /// What each of them got through the sidecar.
    pub(super) answers: Vec<(Who, Answer)>,
    /// The scene's claims and why each is false, if it is.
    pub(super) verdicts: Vec<(&'static Claim, Option<String>)>,
}

/// Asks everything that `scene` asks.
pub(super) async fn play(stage: &Stage, scene: &'static Scene) -> anyhow::Result<Played> {
    let app = client::ask(stage.app(), &scene.method, scene.path, scene.body, None).await?;
    let mut answers = Vec::new();
    for who in Who::ALL {
        if scene.claims.iter().any(|claim| claim.who == who) {
            let token = stage.token(who);
            let answer =
                client::ask(stage.door(), &scene.method, scene.path, scene.body, token).await?;
            answers.push((who, answer));
        }
    }
    let verdicts = scene
        .claims
        .iter()
        .map(|claim| {
            let answer = answers.iter().find(|(who, _)| *who == claim.who);
            let doubt = match answer {
                Some((_, answer)) => doubt(&claim.expect, answer, &app),
                None => Some("nobody asked".to_owned()),
            };
            (claim, doubt)
        })
        .collect();
    Ok(Played {
        scene,
        app,
        answers,
        verdicts,
    })
}

/// Why `answer` is not as expected; none when it is.
fn doubt(expect: &Expect, answer: &Answer, app: &Answer) -> Option<String> {
    match expect {
        Expect::Refused(status, code) => {
            if answer.status != *status {
                return Some(format!("the status is {}, not {status}", answer.status));
            }
            let says = answer.body.contains(code.as_str());
            (!says).then(|| format!("the answer does not say `{code}`"))
        }
        Expect::Served(status, kept, gone) => {
            if answer.status != *status {
                return Some(format!("the status is {}, not {status}", answer.status));
            }
            let missing = kept.iter().find(|text| !answer.body.contains(**text));
            if let Some(text) = missing {
                return Some(format!("`{text}` is missing"));
            }
            let leaked = gone.iter().find(|text| answer.body.contains(**text));
            leaked.map(|text| format!("`{text}` came through"))
        }
        Expect::Untouched => (answer.status != app.status || answer.body != app.body)
            .then(|| "it was changed".to_owned()),
    }
}

/// Why the log does not tell what was `played`; none when it does.
pub(super) fn doubt_log(log: &[(String, Record)], played: &[Played]) -> Option<String> {
    for (_, answer) in played.iter().flat_map(|scene| &scene.answers) {
        let record = answer
            .decision
            .as_ref()
            .and_then(|id| log.iter().find(|(_, record)| record.id == *id));
        let Some((_, record)) = record else {
            return Some("an answer has no record".to_owned());
        };
        let is_block = record.decision == Verdict::Block;
        let code = record.reason.map(|code| code.as_str());
        let says = code.is_some_and(|code| answer.body.contains(code));
        if is_block && !says || !is_block && code.is_some() {
            return Some(format!("record {} and its answer differ", record.id));
        }
        if is_block != (answer.status >= 400) {
            return Some(format!("record {} tells another decision", record.id));
        }
    }
    let answers: usize = played.iter().map(|scene| scene.answers.len()).sum();
    if log.len() != answers {
        return Some(format!("{} records for {answers} answers", log.len()));
    }
    let leaked = NEVER_LOGGED
        .iter()
        .find(|text| log.iter().any(|(line, _)| line.contains(**text)));
    leaked.map(|text| format!("`{text}` stands in the log"))
}

/// The record behind `answer`.
pub(super) fn record_of<'a>(
    log: &'a [(String, Record)],
    answer: &Answer,
) -> anyhow::Result<&'a Record> {
    let id = answer
        .decision
        .as_ref()
        .context("an answer without a decision id")?;
    let found = log.iter().find(|(_, record)| record.id == *id);
    found
        .map(|(_, record)| record)
        .context("an answer without an audit record")
}
