//! What the JSON room and the record filter do a second, in bytes of the answer as it came.
//!
//! Each answer is made here from a fixed seed, and the records that leave are counted before it is
//! timed: fast and wrong fails.

#![expect(clippy::unwrap_used, reason = "a bench that can't be set up must stop")]

use std::hint::black_box;
use std::sync::Arc;

use chaperone::filter::{Context, Limits, Plan, Side, Stream};
use chaperone::json::{Lexer, LexerLimits, Selector};
use chaperone::policy::treatment::{
    Action, Class, DetectPlan, DetectRule, Kind, Others, RecordRule, Select, Treatment,
};
use chaperone::scan::{PatternSet, pack};
use chaperone::types::{Budget, Control, FingerprintKey, Level, Origin, Subject};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const ORDERS: usize = 20_000;
/// What the sidecar's buffers hand over at a time.
const PIECE: usize = 16 << 10;

fn order(id: usize) -> String {
    format!(
        "{{\"id\":{id},\"created\":\"2026-11-{:02}T08:{:02}:17Z\",\"status\":\"shipped\",\"total\":{}.{:02},\"note\":\"left at the door {:x}, please ring twice\",\"tags\":[\"gift\",\"express\"],\"customer\":{{\"id\":\"u-{}\",\"name\":\"Ada B.\"}}}}",
        id % 28 + 1,
        id % 60,
        id * 7 % 900,
        id % 100,
        id * 7919,
        id % 2,
    )
}

fn orders(separator: &str) -> String {
    (0..ORDERS).map(order).collect::<Vec<_>>().join(separator)
}

fn origin() -> Origin {
    Origin {
        rule: "GET /orders".into(),
        file: "policy.yaml".into(),
        line: 1,
    }
}

fn plan(select: Option<Select>, owner: &str, has_packs: bool) -> Arc<Plan> {
    let mut set = PatternSet::new();
    let mut rules = Vec::new();
    for detector in ["pii", "secrets"]
        .into_iter()
        .flat_map(|name| &pack(name).unwrap().detectors)
    {
        set.detector(detector).unwrap();
        rules.push(DetectRule {
            origin: origin(),
            detector: (&*detector.name).into(),
            class: Class::Detector,
            action: Action::Redact,
            control: Control::Leak,
            except: Vec::new(),
            grant: None,
            discloses: true,
        });
    }
    let records = select.map(|select| {
        Arc::new(RecordRule {
            origin: origin(),
            select,
            owner: vec![Selector::parse(owner).unwrap().into()],
            others: Others::Drop,
            also: Vec::new(),
            is_optional: false,
            further: Vec::new(),
        })
    });
    Arc::new(Plan {
        treatment: Arc::new(Treatment {
            origin: origin(),
            records,
            request: None,
            rows: None,
            html: None,
            public: Some("a bench".into()),
            read_as: None,
            content: Vec::new(),
            csp: Vec::new(),
            cors: Vec::new(),
            websocket: false,
            grpc: None,
            detect: Arc::new(DetectPlan {
                automaton: has_packs.then(|| set.build().unwrap()),
                rules,
                own: Vec::new(),
            }),
        }),
        subject: Arc::new(Subject::new("u-1", []).unwrap()),
        is_observing: false,
        level: Level::Unreviewed,
        call: None,
        context: Context {
            now: jiff::Timestamp::UNIX_EPOCH,
            preview: "bench".into(),
            key: FingerprintKey::from_material(b"bench"),
            limits: Limits::default(),
            budget: Budget::new(64 << 20),
        },
    })
}

/// Runs a body through the filter; the bytes that left.
fn filter(plan: &Arc<Plan>, kind: Kind, body: &[u8]) -> Vec<u8> {
    let mut stream = Stream::new(plan, Side::Response, Some(kind), &[]).unwrap();
    let mut out = Vec::with_capacity(body.len());
    for piece in body.chunks(PIECE) {
        stream.write(piece).unwrap();
        out.extend_from_slice(&stream.take());
    }
    stream.finish().unwrap();
    out.extend_from_slice(&stream.take());
    out
}

fn lex(body: &[u8]) -> usize {
    let mut lexer = Lexer::new(LexerLimits {
        depth: 128,
        string: 1 << 20,
    });
    let mut events = 0;
    for mut piece in body.chunks(PIECE) {
        while lexer.next(&mut piece).unwrap().is_some() {
            events += 1;
        }
    }
    lexer.finish().unwrap();
    events
}

fn benches(criterion: &mut Criterion) {
    let array = format!("[{}]", orders(","));
    let lines = orders("\n");
    let path = |text: &str| Some(Select::Path(Selector::parse(text).unwrap()));
    let mut group = criterion.benchmark_group("filter");

    group.throughput(Throughput::Bytes(array.len() as u64));
    assert!(lex(array.as_bytes()) > ORDERS * 20);
    group.bench_function("lex", |bencher| {
        bencher.iter(|| black_box(lex(black_box(array.as_bytes()))));
    });

    let cases = [
        ("public", Kind::Json, None, "$.customer.id", 1),
        ("records", Kind::Json, path("$[*]"), "$.customer.id", 2),
        (
            "filtered records",
            Kind::Json,
            path("$[?@.total >= 0]"),
            "$.customer.id",
            2,
        ),
        ("anywhere", Kind::Json, Some(Select::Anywhere), "$.name", 1),
        ("lines", Kind::Ndjson, path("$"), "$.customer.id", 2),
    ];
    for (name, kind, select, owner, share) in cases {
        let body = if kind == Kind::Json { &array } else { &lines };
        for (pack, has_packs) in [("", false), (" with both packs", true)] {
            let plan = plan(select.clone(), owner, has_packs);
            let out = filter(&plan, kind, body.as_bytes());
            let left = out.split(|byte| *byte == b'{').count() / 2;
            // Under `anywhere` the customers inside the orders are records, and nobody's.
            assert!(left >= ORDERS / (2 * share), "{name}: {left}");
            group.throughput(Throughput::Bytes(body.len() as u64));
            group.bench_function(format!("{name}{pack}"), |bencher| {
                bencher.iter(|| filter(&plan, kind, black_box(body.as_bytes())));
            });
        }
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
