//! What a token costs: proving it the first time, finding it again, and holding it against a request.
//!
//! Every measurement is one token and states what became of it: a wrong verdict fails the run.

#![expect(clippy::unwrap_used, reason = "a bench that can't go on ends")]

use std::hint::black_box;

use chaperone::capability::attenuate::Restrictions;
use chaperone::capability::mint::{Grant, JwtStamp, SigningKey};
use chaperone::capability::{
    Acting, BiscuitSettings, Facts, JwtAlgorithm, JwtSettings, KeySet, Limits, PodKey, Rule,
    Settings, Verifier,
};
use chaperone::types::{DecisionId, Secret, Subject};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};

/// More tokens than the smallest cache remembers: in turn, each is new.
const TOKENS: u32 = 8;

fn verify(c: &mut Criterion) {
    let mut group = c.benchmark_group("verify");
    group.throughput(Throughput::Elements(1));
    for (name, settings, tokens) in kinds() {
        let size = tokens.first().map_or(0, |token| token.expose().len());
        for (limits, cached) in [(none(), "new"), (Limits::default(), "cached")] {
            let verifier = Verifier::new(settings.clone(), limits).unwrap();
            let now = Timestamp::now();
            let mut turn = tokens.iter().cycle();
            let id = BenchmarkId::new(name, format!("{cached}, {size} bytes"));
            group.bench_function(id, |b| {
                b.iter(|| {
                    let token = turn.next().unwrap();
                    let verified = verifier.verify(black_box(token), now).unwrap();
                    assert_eq!(verified.subject().id(), "ada");
                });
            });
        }
    }
    group.finish();
}

fn authorize(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let rule = Rule::parse("allow if user($u), group($u, \"buyers\")").unwrap();
    let mut group = c.benchmark_group("authorize");
    group.throughput(Throughput::Elements(1));
    for (name, settings, tokens) in kinds() {
        let verifier = Verifier::new(settings, Limits::default()).unwrap();
        let token = tokens.first().unwrap();
        let verified = verifier.verify(token, Timestamp::now()).unwrap();
        for (rule, kind) in [(None, "checks"), (Some(&rule), "checks and rule")] {
            group.bench_function(BenchmarkId::new(name, kind), |b| {
                b.iter(|| {
                    let verified = verified.clone();
                    let judged = runtime.block_on(verifier.authorize(verified, &facts(), rule));
                    black_box(judged.unwrap());
                });
            });
        }
    }
    group.finish();
}

/// What the app is told of one exchange.
fn attest(c: &mut Criterion) {
    let key = PodKey::of(&SigningKey::generate().unwrap()).unwrap();
    let attributes = [("email", "ada@shop.example"), ("group", "buyers")];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let subject = Subject::new("ada", attributes).unwrap();
    let acting = Acting {
        subject: &subject,
        preview: "pr-1",
        revision: Some("4f2c9e1"),
        decision: DecisionId::random().unwrap(),
        now: Timestamp::now(),
    };
    c.bench_function("attest", |b| {
        b.iter(|| assert!(!key.attest(black_box(acting)).unwrap().is_empty()));
    });
}

/// The dearest token that passes the gate: what one thread of the pool is busy with.
fn dearest(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let (key, settings) = issuer();
    let mut code: String = (0..120).map(|number| format!("n({number});")).collect();
    code.push_str("check if n($a), n($b), $a > $b + 1000");
    let token = Grant::new("ada").biscuit(&key).unwrap();
    let token = biscuit_auth::UnverifiedBiscuit::from_base64(token.expose()).unwrap();
    let block = biscuit_auth::BlockBuilder::new().code(code).unwrap();
    let token = Secret::new(token.append(block).unwrap().to_base64().unwrap());
    let verifier = Verifier::new(settings, Limits::default()).unwrap();
    let verified = verifier.verify(&token, Timestamp::now()).unwrap();
    c.bench_function("authorize/dearest, refused", |b| {
        b.iter(|| {
            let verified = verified.clone();
            assert!(
                runtime
                    .block_on(verifier.authorize(verified, &facts(), None))
                    .is_err()
            );
        });
    });
}

type Kind = (&'static str, Settings, Vec<Secret<String>>);

fn kinds() -> Vec<Kind> {
    let (key, settings) = issuer();
    let one: Vec<_> = (0..TOKENS)
        .map(|_| grant().biscuit(&key).unwrap())
        .collect();
    let narrowing = Restrictions {
        methods: vec!["GET".to_owned()],
        ..Restrictions::default()
    };
    let two = one
        .iter()
        .map(|token| narrowing.attenuate(token).unwrap())
        .collect();
    vec![
        ("biscuit of 1 block", settings.clone(), one),
        ("biscuit of 2 blocks", settings, two),
        eddsa(),
        web("JWT ES256", Algorithm::ES256, JwtAlgorithm::ES256),
        web("JWT RS256", Algorithm::RS256, JwtAlgorithm::RS256),
    ]
}

fn issuer() -> (SigningKey, Settings) {
    let key = SigningKey::generate().unwrap();
    let biscuit = BiscuitSettings::new(vec![key.public()]).unwrap();
    (
        key,
        Settings {
            biscuit: Some(biscuit),
            jwt: Vec::new(),
        },
    )
}

fn eddsa() -> Kind {
    let key = SigningKey::generate().unwrap();
    let tokens = (0..TOKENS).map(|number| {
        let stamp = JwtStamp {
            issuer: "https://id.example",
            audience: "shop",
            key_id: None,
            issued: Timestamp::now() - SignedDuration::from_secs(number.into()),
        };
        grant().jwt(&key, &stamp).unwrap()
    });
    let tokens = tokens.collect();
    (
        "JWT EdDSA",
        jwt(&key.jwks(None), JwtAlgorithm::EdDSA),
        tokens,
    )
}

fn web(name: &'static str, algorithm: Algorithm, offered: JwtAlgorithm) -> Kind {
    let key = if algorithm == Algorithm::ES256 {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap()
    } else {
        let size = rcgen::RsaKeySize::_2048;
        let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size).unwrap();
        EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap()
    };
    let jwk = Jwk::from_encoding_key(&key, algorithm).unwrap();
    let header = jsonwebtoken::Header::new(algorithm);
    let tokens = (0..TOKENS).map(|number| {
        let claims = serde_json::json!({
            "iss": "https://id.example", "aud": "shop", "sub": "ada", "email": "ada@shop.example",
            "email_verified": true, "groups": ["buyers"], "jti": number,
            "exp": (Timestamp::now() + SignedDuration::from_hours(1)).as_second(),
        });
        Secret::new(jsonwebtoken::encode(&header, &claims, &key).unwrap())
    });
    let tokens = tokens.collect();
    (
        name,
        jwt(&serde_json::to_string(&jwk).unwrap(), offered),
        tokens,
    )
}

fn jwt(keys: &str, algorithm: JwtAlgorithm) -> Settings {
    let keys = KeySet::parse(keys).unwrap();
    let jwt = JwtSettings::new("https://id.example", "shop", vec![algorithm], keys).unwrap();
    Settings {
        biscuit: None,
        jwt: vec![jwt],
    }
}

fn grant() -> Grant {
    Grant::new("ada")
        .with("email", "ada@shop.example")
        .with("group", "buyers")
        .until(Timestamp::now() + SignedDuration::from_hours(1))
}

fn facts() -> Facts {
    Facts {
        method: "GET".to_owned(),
        path: "/api/orders".to_owned(),
        host: "pr-1.preview.example".to_owned(),
        preview: None,
        revision: None,
        now: Timestamp::now(),
    }
}

fn none() -> Limits {
    Limits {
        cached: 0,
        ..Limits::default()
    }
}

criterion_group!(benches, verify, authorize, attest, dearest);
criterion_main!(benches);
