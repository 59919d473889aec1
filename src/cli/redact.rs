//! `chaperone redact`: a body on standard input, what may pass on standard output.
//!
//! The last line on standard error says what was decided and found, never the matched text.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde::Serialize;

use crate::cli::ExitCode;
use crate::filter::{self, Limits, Plan, Report};
use crate::policy;
use crate::types::{
    Budget, DecisionId, FingerprintKey, Level, ReasonCode, Refusal, Subject, Target, Verdict,
};

/// What `redact` is asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The policy file
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// What the body is
    #[arg(long, value_name = "TYPE")]
    content_type: String,
    /// How the body is coded (gzip, deflate, br, zstd; several by comma, in the order they were applied)
    #[arg(long, value_name = "CODING")]
    content_encoding: Option<String>,
    /// The user whose data may pass; nobody's when left out
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// An attribute of the user (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    attribute: Vec<(String, String)>,
    /// The request that the body answers; may be left out where the policy has one route alone
    #[arg(long, value_name = "METHOD TARGET")]
    request: Option<String>,
}

/// What `redact` says on its last line.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    decision: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonCode>,
    findings: Vec<Line<'a>>,
}

/// One finding, as the last line lists it.
#[derive(Debug, Serialize)]
struct Line<'a> {
    detector: &'a str,
    path: &'a str,
    start: u64,
    end: u64,
}

/// Bytes read at a time.
const PIECE: usize = 8 << 10;

/// Output of this size is written out; a smaller one waits for the decision about the whole.
const ENOUGH: usize = 64 << 10;

/// Findings listed; a person reads fewer, a measurement may want all.
const LISTED: usize = 1 << 20;

/// Filters standard input.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let policy = match policy::load(&args.policy) {
        Ok(policy) => policy,
        Err(diagnostics) => {
            for diagnostic in diagnostics {
                anstream::eprintln!("{diagnostic}");
            }
            return Ok(ExitCode::Usage);
        }
    };
    let headers = match headers(args) {
        Ok(headers) => headers,
        Err(complaint) => return Ok(usage(&complaint)),
    };
    let random = DecisionId::random().context("no randomness")?.to_string();
    let id = args.user.as_deref().unwrap_or(&random);
    let Some(subject) = Subject::new(id, args.attribute.iter().cloned()) else {
        return Ok(usage("`--user` is empty or holds a control character"));
    };
    let subject = Arc::new(subject);
    let routed = match &args.request {
        Some(request) => match request_line(request) {
            Some((method, target)) => policy.route(&method, &target),
            None => return Ok(usage("`--request` wants a method and a path: \"GET /x\"")),
        },
        None => match policy.only_route() {
            Some(routed) => Some(routed),
            None => {
                return Ok(usage(
                    "the policy has more than one route; say which with `--request \"GET /x\"`",
                ));
            }
        },
    };
    let permit = match policy.rehearse(routed, &subject) {
        Ok(permit) => permit,
        Err(refusal) => return conclude(&refused(&refusal)),
    };
    let plan = Plan {
        // What would pass is the question, also while the policy still observes.
        is_observing: false,
        level: Level::Unreviewed,
        ..Plan::of(&permit, &context()?)
    };
    let report = filter_input(&Arc::new(plan), &headers)?;
    conclude(&report)
}

fn context() -> anyhow::Result<filter::Context> {
    Ok(filter::Context {
        now: jiff::Timestamp::now(),
        preview: "redact".into(),
        key: FingerprintKey::random().context("no randomness")?,
        limits: Limits::default(),
        budget: Budget::new(64 << 20),
    })
}

/// Standard input through the filter to standard output.
fn filter_input(plan: &Arc<Plan>, headers: &HeaderMap) -> anyhow::Result<Report> {
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    let mut stream = match filter::answer_stream(plan, headers) {
        Ok(Some(stream)) => stream,
        Ok(None) => {
            std::io::copy(&mut input, &mut output).context("standard input can't be copied")?;
            return Ok(Report::default());
        }
        Err(refusal) => return Ok(refused(&refusal)),
    };
    stream.list_findings(LISTED);
    let mut buffer = vec![0; PIECE];
    loop {
        let length = match input.read(&mut buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).context("standard input can't be read"),
        };
        let Some(piece) = buffer.get(..length).filter(|piece| !piece.is_empty()) else {
            break;
        };
        if stream.write(piece).is_err() {
            return Ok(stream.report().clone());
        }
        if stream.ready() >= ENOUGH {
            output.write_all(&stream.take())?;
        }
    }
    if stream.finish().is_ok() {
        output.write_all(&stream.take())?;
        output.flush()?;
    }
    Ok(stream.report().clone())
}

fn conclude(report: &Report) -> anyhow::Result<ExitCode> {
    if let Some(refusal) = report.refusal() {
        let detail = refusal.detail.as_deref().unwrap_or_default();
        let colon = if detail.is_empty() { "" } else { ": " };
        anstream::eprintln!(
            "chaperone redact: blocked ({}): {}{colon}{detail}",
            refusal.code,
            refusal.code.summary()
        );
        if let Some(origin) = &refusal.origin {
            anstream::eprintln!("  rule {origin}");
        }
    }
    if report.is_unscanned() {
        anstream::eprintln!(
            "chaperone redact: not scanned: the route's `content` lets this type pass as it is"
        );
    }
    let lines = report.findings().iter().map(|finding| Line {
        detector: &finding.detector,
        path: &finding.path,
        start: finding.start,
        end: finding.end,
    });
    let summary = Summary {
        decision: report.verdict(),
        reason: report.refusal().map(|refusal| refusal.code),
        findings: lines.collect(),
    };
    anstream::eprintln!("{}", serde_json::to_string(&summary)?);
    Ok(match summary.decision {
        Verdict::Allow | Verdict::Redact => ExitCode::Fine,
        Verdict::Block => ExitCode::Blocked,
    })
}

fn refused(refusal: &Refusal) -> Report {
    let mut report = Report::default();
    report.refuse(refusal);
    report
}

fn headers(args: &Args) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let value = |name: &str, text: &str| {
        HeaderValue::from_str(text).map_err(|_| format!("`{name}` holds a control character"))
    };
    headers.insert(CONTENT_TYPE, value("--content-type", &args.content_type)?);
    if let Some(coding) = &args.content_encoding {
        headers.insert(CONTENT_ENCODING, value("--content-encoding", coding)?);
    }
    Ok(headers)
}

fn request_line(text: &str) -> Option<(Method, Target)> {
    let (method, target) = text.split_once(' ')?;
    let method = method.parse().ok()?;
    Some((method, Target::parse(target.trim()).ok()?))
}

fn attribute(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("an attribute is written NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn usage(complaint: &str) -> ExitCode {
    anstream::eprintln!("chaperone redact: {complaint}");
    ExitCode::Usage
}
