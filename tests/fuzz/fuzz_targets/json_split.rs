//! The record filter gives the same output and findings whole and at any cut, and what it lets pass
//! is JSON whenever what came was.
//!
//! The first byte chooses the rule, the second says how many bytes of cut sizes follow; the rest is
//! the body.

#![no_main]

use std::sync::{Arc, LazyLock};

use chaperone::filter::{Context, Finding, Limits, Plan, Side, Stream};
use chaperone::json::{Lexer, LexerLimits, Selector};
use chaperone::policy::treatment::{
    Action, Class, DetectPlan, DetectRule, Kind, Others, RecordRule, Select, Treatment,
};
use chaperone::scan::PatternSet;
use chaperone::types::{Budget, Control, FingerprintKey, Origin, Refusal, Subject};
use libfuzzer_sys::fuzz_target;

const SELECTORS: [Option<&str>; 8] = [
    None,
    Some("$"),
    Some("$[*]"),
    Some("$.a[*]"),
    Some("$..a"),
    Some("$..a..b"),
    Some("$[?@.a].b"),
    Some("$[0:4:2, 'a']"),
];
const OTHERS: [Others; 4] = [Others::Drop, Others::Redact, Others::Block, Others::Hide];
const LIMITS: Limits = Limits {
    record: 64,
    string: 32,
    depth: 8,
    codings: 1,
    ratio: 10,
    request_body: 1024,
};

static PLANS: LazyLock<Vec<Arc<Plan>>> = LazyLock::new(|| {
    let mut plans = vec![plan(None)];
    for selector in SELECTORS {
        for others in OTHERS {
            let parse = |text: &str| Selector::parse(text).expect("it is one");
            plans.push(plan(Some(RecordRule {
                origin: origin(),
                select: selector.map_or(Select::Anywhere, |text| Select::Path(parse(text))),
                owner: vec![parse("$.o").into()],
                others,
                also: selector.map_or(Vec::new(), |_| vec![parse("$.c"), parse("$..d[?@.e]")]),
                is_optional: others == Others::Redact,
                further: Vec::new(),
            })));
        }
    }
    plans
});

fn origin() -> Origin {
    Origin {
        rule: "GET /x".into(),
        file: "policy.yaml".into(),
        line: 1,
    }
}

fn plan(records: Option<RecordRule>) -> Arc<Plan> {
    let mut set = PatternSet::new();
    set.regex("E[0-9]{2}").expect("it is bounded");
    Arc::new(Plan {
        treatment: Arc::new(Treatment {
            origin: origin(),
            records: records.map(Arc::new),
            request: None,
            rows: None,
            html: None,
            public: Some("fuzzed".into()),
            read_as: None,
            content: Vec::new(),
            csp: Vec::new(),
            cors: Vec::new(),
            websocket: false,
                grpc: None,
            detect: Arc::new(DetectPlan {
                automaton: Some(set.build().expect("it is small")),
                rules: vec![DetectRule {
                    origin: origin(),
                    detector: "e".into(),
                    class: Class::Detector,
                    action: Action::Redact,
                    control: Control::Leak,
                    except: Vec::new(),
                    grant: None,
                    discloses: true,
                }],
                own: Vec::new(),
            }),
        }),
        subject: Arc::new(Subject::new("u", []).expect("it is one")),
        is_observing: false,
        level: chaperone::types::Level::Unreviewed,
        call: None,
        context: Context {
            now: "2026-01-01T00:00:00Z".parse().expect("it is one"),
            preview: "fuzz".into(),
            key: FingerprintKey::from_material(b"fuzz"),
            limits: LIMITS,
            budget: Budget::new(1 << 20),
        },
    })
}

fn run<'a>(
    plan: &Arc<Plan>,
    kind: Kind,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Result<(Vec<u8>, Vec<Finding>), Refusal> {
    let mut stream = Stream::new(plan, Side::Response, Some(kind), &[])?;
    let mut out = Vec::new();
    for piece in pieces {
        stream.write(piece)?;
        out.extend_from_slice(&stream.take());
    }
    stream.finish()?;
    out.extend_from_slice(&stream.take());
    Ok((out, stream.report().findings().to_vec()))
}

fn is_json(text: &[u8]) -> bool {
    let mut lexer = Lexer::new(LexerLimits {
        depth: 100,
        string: 1 << 20,
    });
    let mut rest = text;
    loop {
        match lexer.next(&mut rest) {
            Ok(Some(_)) => {}
            Ok(None) => return lexer.finish().is_ok(),
            Err(_) => return false,
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let [choice, count, data @ ..] = data else {
        return;
    };
    let kind = if choice & 0x80 == 0 {
        Kind::Json
    } else {
        Kind::Ndjson
    };
    let plan = &PLANS[usize::from(choice & 0x7F) % PLANS.len()];
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
    assert_eq!(whole, run(plan, kind, pieces.into_iter()));
    if let (Ok((out, _)), Kind::Json) = (&whole, kind) {
        assert!(is_json(out));
    }
});
