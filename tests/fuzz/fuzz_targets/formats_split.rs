//! Tables, events, text sequences, pages and multiparts come out the same whole and at any cut.
//!
//! The first byte chooses the format and the rule, the second says how many bytes of cut sizes follow;
//! the rest is the body.

#![no_main]

use std::sync::{Arc, LazyLock};

use chaperone::filter::{Context, Finding, Limits, Plan, answer_stream};
use chaperone::json::Selector;
use chaperone::policy::treatment::{
    Action, Attribute, Class, Column, DetectPlan, DetectRule, HtmlOwner, HtmlPlace, HtmlRule,
    Others, RecordRule, RowRule, Select, Treatment,
};
use chaperone::scan::PatternSet;
use chaperone::types::{Budget, Control, FingerprintKey, Level, Origin, Refusal, Subject};
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;

const KINDS: [&str; 6] = [
    "text/csv",
    "text/tab-separated-values",
    "text/event-stream",
    "application/json-seq",
    "text/html",
    "multipart/mixed; boundary=b",
];
const OTHERS: [Others; 4] = [Others::Drop, Others::Redact, Others::Block, Others::Hide];
const LIMITS: Limits = Limits {
    record: 96,
    string: 64,
    depth: 8,
    codings: 1,
    ratio: 10,
    request_body: 1024,
};

/// For each kind: with its owner rule and each kind of others, and public without any.
static PLANS: LazyLock<Vec<Vec<Arc<Plan>>>> = LazyLock::new(|| {
    let plans = |kind: &&str| {
        let others = OTHERS.iter().flat_map(|others| [Some(*others), None]);
        others.map(|others| plan(kind, others)).collect()
    };
    KINDS.iter().map(plans).collect()
});

fn origin() -> Origin {
    Origin {
        rule: "GET /x".into(),
        file: "policy.yaml".into(),
        line: 1,
    }
}

fn treatment(kind: &str, others: Option<Others>) -> Treatment {
    let mut set = PatternSet::new();
    set.regex("E[0-9]{2}").expect("it is bounded");
    let of = |is_its: bool| others.filter(|_| is_its);
    let owners = |at| {
        vec![HtmlOwner {
            at,
            is: Attribute::id(),
        }]
    };
    Treatment {
        origin: origin(),
        records: of(kind.contains("event") || kind.contains("json") || kind.contains("multi")).map(
            |others| {
                Arc::new(RecordRule {
                    origin: origin(),
                    select: Select::Path(Selector::parse("$.a[*]").expect("it is one")),
                    owner: vec![Selector::member("o").into()],
                    others,
                    also: Vec::new(),
                    is_optional: others == Others::Redact,
                    further: Vec::new(),
                })
            },
        ),
        rows: of(kind.contains("csv") || kind.contains("tab")).map(|others| {
            Arc::new(RowRule {
                origin: origin(),
                owner: vec![Column {
                    name: "o".into(),
                    is: Attribute::id(),
                }],
                others,
                is_optional: others == Others::Redact,
                delimiter: None,
            })
        }),
        html: of(kind.contains("html")).map(|others| {
            let mut owner = owners(HtmlPlace::Attribute("o".into()));
            owner.extend(owners(HtmlPlace::Text("i".into())));
            Arc::new(HtmlRule {
                origin: origin(),
                records: ".r".into(),
                owner,
                others,
                is_optional: others == Others::Redact,
            })
        }),
        request: None,
        content: Vec::new(),
        csp: Vec::new(),
        cors: Vec::new(),
        websocket: false,
                grpc: None,
        public: others.is_none().then(|| "fuzzed".into()),
        read_as: None,
        detect: Arc::new(DetectPlan {
            automaton: Some(set.build().expect("it is small")),
            rules: vec![DetectRule {
                origin: origin(),
                detector: "e".into(),
                class: Class::Detector,
                action: Action::Redact,
                control: Control::Leak,
                except: Vec::new(),
                discloses: true,
                grant: None,
            }],
            own: Vec::new(),
        }),
    }
}

fn plan(kind: &str, others: Option<Others>) -> Arc<Plan> {
    Arc::new(Plan {
        treatment: Arc::new(treatment(kind, others)),
        subject: Arc::new(Subject::new("u", []).expect("it is one")),
        is_observing: false,
        level: Level::Unreviewed,
        call: None,
        context: Context {
            now: "2026-01-01T00:00:00Z".parse().expect("it is one"),
            preview: "fuzz".into(),
            key: FingerprintKey::from_material(b"fuzz"),
            limits: LIMITS,
            budget: Budget::new(1 << 24),
        },
    })
}

fn run<'a>(
    plan: &Arc<Plan>,
    kind: &'static str,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Result<(Vec<u8>, Vec<Finding>), Refusal> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", http::HeaderValue::from_static(kind));
    let mut stream = answer_stream(plan, &headers)?.expect("it is read");
    let mut out = Vec::new();
    for piece in pieces {
        stream.write(piece)?;
        out.extend_from_slice(&stream.take());
    }
    stream.finish()?;
    out.extend_from_slice(&stream.take());
    Ok((out, stream.report().findings().to_vec()))
}

fuzz_target!(|data: &[u8]| {
    let [choice, count, data @ ..] = data else {
        return;
    };
    let place = usize::from(choice & 0x0f) % KINDS.len();
    let (kind, plans) = (KINDS[place], &PLANS[place]);
    let plan = &plans[usize::from(choice >> 4) % plans.len()];
    let (sizes, body) = data.split_at(data.len().min(usize::from(*count % 16)));
    let whole = run(plan, kind, std::iter::once(body));

    let mut pieces = Vec::new();
    let mut rest = body;
    for size in sizes.iter().cycle().take(body.len()) {
        let (piece, after) = rest.split_at(rest.len().min(usize::from(*size)));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    let cut = run(plan, kind, pieces.into_iter());
    if std::str::from_utf8(body).is_ok() && !body.contains(&0) {
        assert_eq!(whole, cut);
    } else {
        // What can't be read may stand behind or before what must not pass: either is the reason.
        assert_eq!(whole.is_ok(), cut.is_ok());
    }
});
