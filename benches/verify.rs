//! What a token costs: proving it the first time, finding it again, and holding it against a request.
//!
//! `beside` takes turns with the crates that check the signatures, each by its own one call that verifies, on the same tokens,
//! and prints how many times theirs ours takes, by the medians of single calls: figures wander with the machine, such a ratio does less.
//!
//! Every measurement is one token and states what became of it: a wrong verdict fails the run.

#![expect(clippy::unwrap_used, reason = "a bench that can't go on ends")]
#![expect(clippy::print_stderr, reason = "ratios are for people")]
#![expect(
    clippy::disallowed_methods,
    reason = "the crate's own is what ours is held beside"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use chaperone::capability::attenuate::Restrictions;
use chaperone::capability::mint::{Grant, JwtStamp, SigningKey};
use chaperone::capability::{
    Acting, BiscuitSettings, Facts, JwtAlgorithm, JwtSettings, KeySet, Limits, PodKey, Rule,
    Settings, Verifier,
};
use chaperone::types::{DecisionId, Secret, Subject};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};

/// More tokens than the smallest cache remembers: in turn, each is new.
const TOKENS: u32 = 8;

fn verify(c: &mut Criterion) {
    let mut group = c.benchmark_group("verify");
    group.throughput(Throughput::Elements(1));
    for Kind {
        name,
        settings,
        tokens,
        ..
    } in kinds()
    {
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

/// Proving a new token, in turns with the crate that checks its signature.
fn beside(c: &mut Criterion) {
    let mut group = c.benchmark_group("beside");
    for kind in kinds() {
        let verifier = Verifier::new(kind.settings.clone(), none()).unwrap();
        let now = Timestamp::now();
        let ours = |token: &Secret<String>| {
            let verified = verifier.verify(black_box(token), now).unwrap();
            assert_eq!(verified.subject().id(), "ada");
        };
        let theirs = |token: &Secret<String>| kind.peer.verify(black_box(token.expose()));
        let (mut all, mut peers) = (Vec::new(), Vec::new());
        group.bench_function(kind.name, |b| {
            b.iter_custom(|rounds| {
                let mut sum = Duration::ZERO;
                for _ in 0..rounds {
                    for token in &kind.tokens {
                        let took = timed(|| ours(token));
                        all.push(took);
                        peers.push(timed(|| theirs(token)));
                        sum += took;
                    }
                }
                sum
            });
        });
        // Of single calls: who else runs on the machine makes some of them long, and no median.
        if let (Some(ours), Some(theirs)) = (median(all), median(peers)) {
            let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
            eprintln!(
                "beside/{}: {ours:?} a token, {ratio:.2} times its crate's own",
                kind.name
            );
        }
    }
    group.finish();
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

fn authorize(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let rule = Rule::parse("allow if user($u), group($u, \"buyers\")").unwrap();
    let mut group = c.benchmark_group("authorize");
    group.throughput(Throughput::Elements(1));
    for Kind {
        name,
        settings,
        tokens,
        ..
    } in kinds()
    {
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

struct Kind {
    name: &'static str,
    settings: Settings,
    tokens: Vec<Secret<String>>,
    peer: Peer,
}

/// The crate that checks the signature, and what it needs.
enum Peer {
    Biscuit(biscuit_auth::PublicKey),
    Jwt(Box<DecodingKey>, Validation),
}

/// What an application that uses the crate itself would read.
#[derive(serde::Deserialize)]
struct Claims {
    sub: String,
    email: String,
    #[serde(default)]
    groups: Vec<String>,
}

impl Peer {
    fn jwt(key: DecodingKey, algorithm: Algorithm) -> Self {
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&["https://id.example"]);
        validation.set_audience(&["shop"]);
        Self::Jwt(Box::new(key), validation)
    }

    fn verify(&self, token: &str) {
        match self {
            Self::Biscuit(root) => {
                let token = biscuit_auth::Biscuit::from_base64(token, *root).unwrap();
                assert!(token.block_count() > 0);
            }
            Self::Jwt(key, validation) => {
                let data = jsonwebtoken::decode::<Claims>(token, key, validation).unwrap();
                assert_eq!(data.claims.sub, "ada");
                black_box((data.claims.email, data.claims.groups));
            }
        }
    }
}

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
    let root = key.public().to_string();
    let root = root.strip_prefix("ed25519/").unwrap();
    let ed25519 = biscuit_auth::builder::Algorithm::Ed25519;
    let root = biscuit_auth::PublicKey::from_bytes_hex(root, ed25519).unwrap();
    vec![
        Kind {
            name: "biscuit of 1 block",
            settings: settings.clone(),
            tokens: one,
            peer: Peer::Biscuit(root),
        },
        Kind {
            name: "biscuit of 2 blocks",
            settings,
            tokens: two,
            peer: Peer::Biscuit(root),
        },
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
    let set: JwkSet = serde_json::from_str(&key.jwks(None)).unwrap();
    let public = DecodingKey::from_jwk(set.keys.first().unwrap()).unwrap();
    Kind {
        name: "JWT EdDSA",
        settings: jwt(&key.jwks(None), JwtAlgorithm::EdDSA),
        tokens,
        peer: Peer::jwt(public, Algorithm::EdDSA),
    }
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
    Kind {
        name,
        settings: jwt(&serde_json::to_string(&jwk).unwrap(), offered),
        tokens,
        peer: Peer::jwt(DecodingKey::from_jwk(&jwk).unwrap(), algorithm),
    }
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

criterion_group!(benches, verify, beside, authorize, attest, dearest);
criterion_main!(benches);
