//! How long one whole exchange takes over loopback: client → sidecar → app and back, on one kept connection.
//!
//! `pass` runs no rule over the answer, `job` verifies a Biscuit, filters records by owner, runs both
//! packs and writes the audit record. Each answer's length is checked: fast and wrong fails.

#![expect(clippy::unwrap_used, reason = "a bench that can't be set up must stop")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use chaperone::app;
use chaperone::capability::mint::{Grant, SigningKey};
use chaperone::config::{Config, Overrides};
use chaperone::runtime::{self, task};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

const POLICY: &str = r#"
version: 1
policy: bench
capability: { biscuit: { root_keys: [issuer.pub] } }
subject: { id: user, own: [email] }
routes:
  - { match: "GET /pass/**", public: x }
  - { match: "GET /job/**", records: "$[*]", owner: "$.owner" }
"#;

const DETECT: &str = "detect: [{ use: [pii, secrets], action: redact }]\n";

fn exchange(criterion: &mut Criterion) {
    let runtime = runtime::executor().unwrap();
    let mut group = criterion.benchmark_group("exchange");
    for (name, size, detect) in [
        ("pass/1KiB", 1 << 10, ""),
        ("pass/1MiB", 1 << 20, ""),
        ("job/10KiB", 10 << 10, DETECT),
        ("job/1MiB", 1 << 20, DETECT),
    ] {
        let (body, hers) = orders(size);
        let kept = if detect.is_empty() { body.len() } else { hers };
        group.throughput(Throughput::Bytes(body.len() as u64));
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::generate().unwrap();
        std::fs::write(folder.path().join("issuer.pub"), key.public().to_string()).unwrap();
        let policy = format!("{POLICY}{detect}");
        std::fs::write(folder.path().join("policy.yaml"), policy).unwrap();
        let app = runtime.block_on(app(body.into()));
        let sidecar = runtime.block_on(sidecar(folder.path(), app));
        let token = Grant::new("alice").biscuit(&key).unwrap();
        let mut sender = runtime.block_on(connect(sidecar));
        group.bench_function(name, |bencher| {
            let request = || {
                Request::get(format!("/{name}"))
                    .header("host", "shop.example")
                    .header("chaperone-capability", token.expose())
                    .body(Empty::new())
                    .unwrap()
            };
            bencher.iter_batched(
                request,
                |request| assert_eq!(ask(&runtime, &mut sender, request), kept),
                BatchSize::SmallInput,
            );
        });
    }
}

/// One exchange; gives the length of the answer.
fn ask(
    runtime: &Runtime,
    sender: &mut SendRequest<Empty<Bytes>>,
    request: Request<Empty<Bytes>>,
) -> usize {
    runtime.block_on(async {
        sender.ready().await.unwrap();
        let answer = sender.send_request(request).await.unwrap();
        answer.into_body().collect().await.unwrap().to_bytes().len()
    })
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
         audit: {{ to: file, file: audit.jsonl }}\n"
    );
    let path = folder.join("chaperone.yaml");
    let config = Config::parse(&path, &config, &Overrides::default()).unwrap();
    let bound = app::build(config).await.unwrap();
    let address = bound.inbound_addr();
    task::spawn(bound.run());
    address
}

/// An app that answers everything with `body`.
async fn app(body: Bytes) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    task::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let body = body.clone();
            let service = service_fn(move |_: Request<Incoming>| {
                let answer = Response::builder()
                    .header("content-type", "application/json")
                    .body(Full::new(body.clone()));
                async move { Ok::<_, Infallible>(answer.unwrap()) }
            });
            let server = hyper::server::conn::http1::Builder::new();
            task::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

/// An array of about `size` bytes in which every fourth order is Alice's, and the length of her part.
fn orders(size: usize) -> (String, usize) {
    let (mut all, mut hers) = (Vec::new(), Vec::new());
    let mut length = 2;
    for owner in ["alice", "bob", "carol", "dave"].into_iter().cycle() {
        let order = format!(
            r#"{{"number":{},"owner":"{owner}","note":"two parcels, ring twice","total":"12.50"}}"#,
            all.len()
        );
        length += order.len() + 1;
        if length > size {
            break;
        }
        if owner == "alice" {
            hers.push(order.clone());
        }
        all.push(order);
    }
    let kept = hers.join(",").len() + 2;
    (format!("[{}]", all.join(",")), kept)
}

criterion_group!(benches, exchange);
criterion_main!(benches);
