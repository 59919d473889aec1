//! What must hold when everything else does not: starved, slow and endless peers.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chaperone::capability::mint::{Grant, SigningKey};
use http::Request;
use http_body_util::Full;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{self, get};
use crate::preview::{preview, until};
use crate::upstream::{echo, fixed, raw, read_head};

/// The program itself, with few descriptors.
struct Starved {
    program: Child,
    address: SocketAddr,
    token: String,
    _folder: tempfile::TempDir,
}

impl Starved {
    async fn start(app: SocketAddr, descriptors: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::generate().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("issuer.pub", &key.public().to_string());
        write(
            "policy.yaml",
            "version: 1\npolicy: test\ncapability:\n  biscuit: { root_keys: [issuer.pub] }\n\
             subject: { id: user }\nroutes:\n  - match: \"* /open/**\"\n    public: Nobody's data.\n",
        );
        // The port is free now; nobody else on this machine is told of it.
        let address = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        write(
            "chaperone.yaml",
            &format!(
                "listen: {{ inbound: '{address}', health: 127.0.0.1:0 }}\nupstream: {{ url: 'http://{app}' }}\n\
                 policy: policy.yaml\naudit: {{ to: file, file: audit.jsonl }}\n"
            ),
        );
        let program = Command::new("sh")
            .args([
                "-c",
                &format!("ulimit -n {descriptors}; exec \"$0\" run --config chaperone.yaml"),
            ])
            .arg(Path::new(env!("CARGO_BIN_EXE_chaperone")))
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let token = Grant::new("alice").biscuit(&key).unwrap().expose().clone();
        Self {
            program,
            address,
            token,
            _folder: folder,
        }
    }

    fn ask(&self) -> String {
        format!(
            "GET /open/a HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n",
            self.token
        )
    }

    /// Ticks of the processor that the program has used.
    fn ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.program.id())).unwrap();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }
}

impl Drop for Starved {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// Reads one answer of a connection that stays open.
async fn answer(stream: &mut TcpStream) -> String {
    let head = read_head(stream).await;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    head + std::str::from_utf8(&body).unwrap()
}

#[tokio::test]
async fn serves_on_when_descriptors_run_out() {
    let starved = Starved::start(echo().await, 64).await;
    let mut open = TcpStream::connect(starved.address).await.unwrap();
    open.write_all(starved.ask().as_bytes()).await.unwrap();
    assert!(answer(&mut open).await.starts_with("HTTP/1.1 200 "));
    let mut crowd = Vec::new();
    for _ in 0..300 {
        if let Ok(stream) = TcpStream::connect(starved.address).await {
            crowd.push(stream);
        }
    }
    let before = starved.ticks();
    for _ in 0..20 {
        open.write_all(starved.ask().as_bytes()).await.unwrap();
        assert!(
            answer(&mut open).await.starts_with("HTTP/1.1 200 "),
            "whoever was served is served on"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let spent = starved.ticks() - before;
    assert!(
        spent < 60,
        "a second of waiting took {spent} ticks of the processor"
    );
    drop(crowd);
    // It takes new ones again by itself.
    loop {
        let mut stream = TcpStream::connect(starved.address).await.unwrap();
        let _ = stream.write_all(starved.ask().as_bytes()).await;
        let mut start = [0; 13];
        if stream.read_exact(&mut start).await.is_ok() {
            assert_eq!(&start, b"HTTP/1.1 200 ");
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Writes `piece` again and again until the other side answers, and reads what it says.
async fn drip(address: SocketAddr, start: &str, piece: &str) -> String {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    write.write_all(start.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let dripping = async {
        while write.write_all(piece.as_bytes()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = dripping => {}
        _ = read.read_to_string(&mut answer) => {}
    }
    answer
}

#[tokio::test]
async fn ends_clients_that_drip() {
    let limits = "head_time: 300ms, body_time: 300ms, headers: 10000";
    let preview = preview(echo().await).limits(limits).start().await;
    let token = preview.token("alice");
    let head = format!("POST /open/a HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n");
    let fixed = format!("{head}content-length: 100000\r\n\r\n");
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n");
    for (start, piece) in [
        ("G", "E"),
        ("GET /", "a"),
        (&*head, "x"),
        (&*head, "x: y\r\n"),
        (&*fixed, "x"),
        (&*chunked, "1\r\nx\r\n"),
        (&*chunked, "0"),
    ] {
        let answer = drip(preview.address, start, piece).await;
        let is_chunk_size = start == chunked && piece == "0";
        let is_timeout = answer.starts_with("HTTP/1.1 408 ") && answer.contains("request-timeout");
        assert!(
            is_timeout || is_chunk_size && answer.starts_with("HTTP/1.1 400 "),
            "{start} {piece}: {answer}"
        );
        assert_eq!(get(preview.address, "/open/a", &token).await.status, 200);
    }
}

#[tokio::test]
async fn ends_apps_that_never_come_to_the_point() {
    for (piece, status, code) in [
        ("HTTP/1.1 103 Early Hints\r\n\r\n", 504, "app-timeout"),
        ("x: y\r\n", 504, "app-timeout"),
    ] {
        let app = raw(move |mut stream| async move {
            read_head(&mut stream).await;
            let start = if piece.starts_with('x') {
                "HTTP/1.1 200 OK\r\n"
            } else {
                ""
            };
            let _ = stream.write_all(start.as_bytes()).await;
            while stream.write_all(piece.as_bytes()).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        })
        .await;
        let preview = preview(app).limits("upstream_time: 300ms").start().await;
        let reply = get(preview.address, "/open/a", &preview.token("alice")).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_str()),
            (status, code),
            "{piece}"
        );
    }
}

#[tokio::test]
async fn blocks_what_is_too_deep_or_too_long() {
    let deep = format!("[{{\"owner\":\"alice\",\"a\":{}", "[".repeat(200_000));
    let closed = format!("{deep}{}}}]", "]".repeat(200_000));
    let objects = format!(
        "[{{\"owner\":\"alice\",\"a\":{}1{}}}]",
        "{\"a\":".repeat(200_000),
        "}".repeat(200_000)
    );
    let string = format!(
        "[{{\"owner\":\"alice\",\"a\":\"{}\"}}]",
        "a".repeat(16 << 20)
    );
    let name = format!("[{{\"owner\":\"alice\",\"{}\":1}}]", "a".repeat(16 << 20));
    let names: String = (0..1_000_000)
        .map(|number| format!(",\"{number}\":1"))
        .collect();
    let names = format!("[{{\"owner\":\"alice\"{names}}}]");
    for (body, codes) in [
        (deep, &["answer-too-deep"][..]),
        (closed, &["answer-too-deep"]),
        (objects, &["answer-too-deep"]),
        (string, &["string-too-long", "record-too-large"]),
        (name, &["string-too-long", "record-too-large"]),
        (names, &["record-too-large"]),
    ] {
        let start = body.get(..40).unwrap().to_owned();
        let preview = preview(fixed("application/json", body).await).start().await;
        let reply = get(preview.address, "/orders", &preview.token("alice")).await;
        assert!(
            reply.status == 502 || reply.body.is_none(),
            "{start}: the client can tell"
        );
        let record = preview.recorded(1).await.remove(0);
        let reason = record["reason"].as_str().unwrap();
        assert!(codes.contains(&reason), "{start}: {record}");
    }
}

#[tokio::test]
async fn lets_no_request_pass_unseen_however_it_nests() {
    let preview = preview(echo().await).start().await;
    let token = preview.token("alice");
    for body in ["[".repeat(1_000_000), "{\"a\":".repeat(1_000_000)] {
        let request = Request::post("/orders")
            .header("host", "a")
            .header("content-type", "application/json")
            .header("chaperone-capability", &token);
        let reply = client::send(preview.address, request.body(Full::from(body)).unwrap()).await;
        assert!(
            reply.status.is_client_error() || reply.status.is_server_error(),
            "{}",
            reply.status
        );
    }
    until(|| preview.records().len() == 2).await;
}
