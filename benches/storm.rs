//! A storm of capabilities that don't hold, each another one: what it does to memory, and to the one who is let in.
//!
//! An honest client asks every millisecond over one kept connection, with a capability that is known: alone, beside
//! four connections that ask as fast as they are answered with a good one, and beside four that send bad ones, all
//! of one client, then each of a client of its own. Memory is that of the process, clients and app included. Bad ones are in turn JSON Web
//! Tokens of the right key id with a wrong signature, Biscuits that the issuer signed and somebody changed, and noise.
//!
//! `cargo bench --bench storm` sends a million (`CHAPERONE_STORM` says another number); a test run sends few.

#![expect(clippy::unwrap_used, reason = "a bench that can't be set up must stop")]
#![expect(clippy::print_stdout, reason = "what it measures is what it prints")]

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use bytes::Bytes;
use chaperone::app;
use chaperone::capability::mint::{Grant, JwtStamp, SigningKey};
use chaperone::config::{Config, Overrides};
use chaperone::runtime::{self, task};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use tokio::net::{TcpListener, TcpStream};

const POLICY: &str = r#"
version: 1
policy: bench
capability:
  biscuit: { root_keys: [issuer.pub] }
  jwt: { issuer: id, audience: shop, jwks: keys.json, algorithms: [EdDSA] }
routes:
  - { match: "GET /pass", public: x }
"#;

const CONNECTIONS: usize = 4;
/// Bytes by which memory may grow between a tenth of a storm and its end.
const GROWTH: u64 = 16 << 20;

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let told = std::env::var("CHAPERONE_STORM").ok();
    let count = told.map_or(if is_bench { 1_000_000 } else { 20_000 }, |count| {
        count.parse().unwrap()
    });
    let runtime = runtime::executor().unwrap();
    let client = runtime::executor().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::generate().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("issuer.pub", &key.public().to_string());
    write("keys.json", &key.jwks(Some("k")));
    write("policy.yaml", POLICY);
    let sidecar = runtime.block_on(async { sidecar(folder.path(), app().await).await });
    let kinds = Arc::new(Kinds::of(&key));
    let count_good = count / 4;
    for (name, load) in [
        ("alone", None),
        ("beside as many good ones", Some((Load::Good, count_good))),
        (
            "beside bad ones of one client",
            Some((Load::OneClient, count)),
        ),
        (
            "beside bad ones of many clients",
            Some((Load::ManyClients, count)),
        ),
    ] {
        let ran = client.block_on(run(sidecar, Arc::clone(&kinds), load));
        println!("{name}: {ran}");
        assert!(ran.growth < GROWTH, "memory grew by {} bytes", ran.growth);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    Good,
    OneClient,
    ManyClients,
}

struct Ran {
    sent: u32,
    refused_unseen: u32,
    took: Duration,
    honest: Vec<Duration>,
    growth: u64,
    resident: u64,
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = |share: usize| {
            let index = (self.honest.len() * share / 1000).min(self.honest.len() - 1);
            self.honest.get(index).unwrap().as_micros()
        };
        let rate = f64::from(self.sent) / self.took.as_secs_f64();
        write!(
            f,
            "{} sent, {rate:.0} a second, {} of them refused unseen; honest: {} asked, {} µs (median), {} µs (99 %); \
             memory {} MB, grown by {} KB",
            self.sent,
            self.refused_unseen,
            self.honest.len(),
            at(500),
            at(990),
            self.resident >> 20,
            self.growth >> 10,
        )
    }
}

/// Asks honestly until the load is through; alone for as long as it takes to ask a thousand times.
async fn run(sidecar: SocketAddr, kinds: Arc<Kinds>, load: Option<(Load, u32)>) -> Ran {
    let (sent, unseen) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let tenth = Arc::new(AtomicU32::new(0));
    let is_over = Arc::new(AtomicBool::new(load.is_none()));
    let honest = {
        let (kinds, is_over) = (Arc::clone(&kinds), Arc::clone(&is_over));
        task::spawn(async move {
            let mut sender = connect(sidecar).await;
            let mut took = Vec::new();
            while took.len() < 1000 || !is_over.load(Ordering::Relaxed) {
                let request = request(&kinds.good, Ipv4Addr::LOCALHOST);
                let began = Instant::now();
                assert_eq!(ask(&mut sender, request).await, StatusCode::OK);
                took.push(began.elapsed());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            took
        })
    };
    let began = Instant::now();
    let before = resident();
    if let Some((load, count)) = load {
        let storm = (0..CONNECTIONS).map(|_| {
            let (kinds, sent) = (Arc::clone(&kinds), Arc::clone(&sent));
            let (unseen, tenth) = (Arc::clone(&unseen), Arc::clone(&tenth));
            task::spawn(async move {
                let mut sender = connect(sidecar).await;
                loop {
                    let number = sent.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    if number == count / 10 {
                        tenth.store(u32::try_from(resident() >> 10).unwrap(), Ordering::Relaxed);
                    }
                    let (token, from) = match load {
                        Load::Good => (kinds.good.clone(), Ipv4Addr::LOCALHOST),
                        Load::OneClient => (kinds.bad(number), Ipv4Addr::new(192, 0, 2, 1)),
                        Load::ManyClients => {
                            (kinds.bad(number), Ipv4Addr::from(0x6440_0000 + number))
                        }
                    };
                    let status = ask(&mut sender, request(&token, from)).await;
                    match (load, status) {
                        (Load::Good, StatusCode::OK) | (_, StatusCode::UNAUTHORIZED) => {}
                        (_, StatusCode::TOO_MANY_REQUESTS) => {
                            unseen.fetch_add(1, Ordering::Relaxed);
                        }
                        (_, other) => assert_eq!(other, StatusCode::UNAUTHORIZED),
                    }
                }
            })
        });
        let storm: Vec<_> = storm.collect();
        for part in storm {
            part.await.unwrap();
        }
    }
    let took = began.elapsed();
    is_over.store(true, Ordering::Relaxed);
    let resident = resident();
    let mut honest = honest.await.unwrap();
    honest.sort_unstable();
    let tenth = u64::from(tenth.load(Ordering::Relaxed)) << 10;
    Ran {
        sent: load.map_or(0, |(_, count)| count),
        refused_unseen: unseen.load(Ordering::Relaxed),
        took,
        honest,
        growth: resident.saturating_sub(if tenth > 0 { tenth } else { before }),
        resident,
    }
}

/// Capabilities, good and bad.
struct Kinds {
    good: String,
    jwt: String,
    biscuit: Vec<u8>,
}

impl Kinds {
    fn of(key: &SigningKey) -> Self {
        let now = Timestamp::now();
        let grant = Grant::new("alice").with("email", "alice@shop.example");
        let grant = grant.until(now + SignedDuration::from_hours(12));
        let stamp = JwtStamp {
            issuer: "id",
            audience: "shop",
            key_id: Some("k"),
            issued: now,
        };
        let jwt = grant.jwt(key, &stamp).unwrap().expose().clone();
        let biscuit = grant.biscuit(key).unwrap();
        Self {
            good: biscuit.expose().clone(),
            jwt: jwt.rsplit_once('.').unwrap().0.to_owned(),
            biscuit: URL_SAFE.decode(biscuit.expose()).unwrap(),
        }
    }

    fn bad(&self, number: u32) -> String {
        let noise = blake3::hash(&number.to_le_bytes());
        match number % 3 {
            0 => {
                let signature = [*noise.as_bytes(), *noise.as_bytes()].concat();
                format!("{}.{}", self.jwt, URL_SAFE_NO_PAD.encode(signature))
            }
            1 => {
                let mut bytes = self.biscuit.clone();
                let end = bytes.len();
                // The last bytes are the secret that proves whose the token is.
                let tail = bytes.get_mut(end - 16..).unwrap();
                tail.copy_from_slice(noise.as_bytes().get(..16).unwrap());
                URL_SAFE.encode(bytes)
            }
            _ => noise.to_hex().to_string(),
        }
    }
}

fn request(token: &str, from: Ipv4Addr) -> Request<Empty<Bytes>> {
    Request::get("/pass")
        .header("host", "shop.example")
        .header("x-forwarded-for", from.to_string())
        .header("chaperone-capability", token)
        .body(Empty::new())
        .unwrap()
}

async fn ask(sender: &mut SendRequest<Empty<Bytes>>, request: Request<Empty<Bytes>>) -> StatusCode {
    sender.ready().await.unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let status = answer.status();
    answer.into_body().collect().await.unwrap();
    status
}

async fn connect(address: SocketAddr) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    task::spawn(connection);
    sender
}

async fn sidecar(folder: &Path, app: SocketAddr) -> SocketAddr {
    let config = format!(
        "listen: {{ inbound: 127.0.0.1:0, health: 127.0.0.1:0 }}\n\
         upstream: {{ url: 'http://{app}' }}\npolicy: policy.yaml\n\
         trusted_hops: {{ addresses: [127.0.0.1] }}\n\
         audit: {{ to: file, file: /dev/null }}\n"
    );
    let path = folder.join("chaperone.yaml");
    let config = Config::parse(&path, &config, &Overrides::default()).unwrap();
    let bound = app::build(config).await.unwrap();
    let address = bound.inbound_addr();
    task::spawn(bound.run());
    address
}

/// An app that answers everything with a kilobyte.
async fn app() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    task::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let service = service_fn(|_: Request<Incoming>| async {
                let answer = Response::builder()
                    .header("content-type", "text/plain")
                    .body(Full::new(Bytes::from_static(&[b'a'; 1024])));
                Ok::<_, Infallible>(answer.unwrap())
            });
            let server = hyper::server::conn::http1::Builder::new();
            task::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() << 10
}
