//! How long one decision takes: the route of a request and the verdict on it, in policies of 5 and 100 routes.
//!
//! Each policy is asked for every kind of outcome in turn, and each outcome is checked before it is timed.

#![expect(clippy::unwrap_used, reason = "a bench that can't be set up must stop")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;

use chaperone::capability::mint::{Grant, SigningKey};
use chaperone::capability::{Capability, Facts, Limits, Verifier};
use chaperone::policy::{self, Decision, Policy};
use chaperone::types::{Level, Target};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::Method;
use jiff::Timestamp;

/// A policy of `count` routes, three of which the requests below fall under.
fn load(key: &SigningKey, count: usize) -> Policy {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("issuer.pub"), key.public().to_string()).unwrap();
    let mut text = String::from(
        "version: 1
policy: bench
capability: { biscuit: { root_keys: [issuer.pub] } }
routes:
  - { match: 'GET /api/users/{user}', owner: '{user}', records: $, record_owner: id }
  - { match: 'GET /api/orders?page={page}', records: '$.orders[*]', owner: $.customer.id }
  - { match: '* /admin/**', deny: Acts on everybody. }
",
    );
    for route in 3..count {
        let line = format!("  - {{ match: 'GET /api/v{route}/{{a}}/items/*', public: x }}\n");
        text.write_str(&line).unwrap();
    }
    policy::parse(&folder.path().join("policy.yaml"), &text).unwrap()
}

fn capability(key: &SigningKey, policy: &Policy) -> Capability {
    let token = Grant::new("ada").biscuit(key).unwrap();
    let verifier = Verifier::new(policy.capability().clone(), Limits::default()).unwrap();
    let now = Timestamp::UNIX_EPOCH;
    let facts = Facts {
        method: "GET".to_owned(),
        path: "/".to_owned(),
        host: "shop.example".to_owned(),
        preview: None,
        revision: None,
        now,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let verified = verifier.verify(&token, now).unwrap();
    runtime
        .block_on(verifier.authorize(verified, &facts, None))
        .unwrap()
}

fn decide(criterion: &mut Criterion) {
    let key = SigningKey::generate().unwrap();
    let requests: [(&str, bool); 5] = [
        ("/api/users/ada", true),
        ("/api/users/bob", false),
        ("/api/orders?page=2&sort=date", true),
        ("/admin/users/7/delete", false),
        ("/no/such/page", false),
    ];
    let requests = requests.map(|(raw, passes)| (Target::parse(raw).unwrap(), passes));
    let mut group = criterion.benchmark_group("decide");
    group.throughput(Throughput::Elements(requests.len() as u64));
    for count in [5, 100] {
        let policy = load(&key, count);
        assert_eq!(policy.routes(), count);
        let capability = capability(&key, &policy);
        let ask = |target: &Target| {
            let routed = policy.route(&Method::GET, target);
            matches!(
                policy.decide(routed, &capability, Level::Unreviewed),
                Decision::Permit(_)
            )
        };
        for (target, passes) in &requests {
            assert_eq!(ask(target), *passes, "{target}");
        }
        group.bench_function(format!("{count} routes"), |bencher| {
            bencher.iter(|| {
                for (target, _) in &requests {
                    black_box(ask(black_box(target)));
                }
            });
        });
    }
    group.finish();
}

fn check(criterion: &mut Criterion) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/catch-all/policy.yaml");
    assert!(policy::load(&path).is_ok());
    criterion.bench_function("load the catch-all policy", |bencher| {
        bencher.iter(|| policy::load(black_box(&path)).is_ok());
    });
}

criterion_group!(benches, decide, check);
criterion_main!(benches);
