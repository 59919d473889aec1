//! gRPC through the sidecar: an app and clients that speak HTTP/2, messages by a descriptor set.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use chaperone::runtime::task;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost_reflect::prost::Message as _;
use prost_reflect::prost_types::FileDescriptorSet;
use prost_reflect::{DescriptorPool, DynamicMessage, Value};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::preview::{Builder, Preview, preview, until};
use crate::upstream::{AppBody, Notes, app_h2, full};

const SET: &[u8] = include_bytes!("../../data/grpc/shop.binpb");

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(SET).unwrap());

const ROUTES: &str = r#"
  - match: POST /shop.v1.Orders/List
    records: "$.orders[*]"
    owner: "$.customer.id"
    grpc: shop.binpb
  - match: POST /shop.v1.Orders/Watch
    records: "$"
    owner: "$.customer.id"
    grpc: shop.binpb
  - match: POST /shop.v1.Orders/*
    public: Says only whether it worked.
    grpc: shop.binpb
    request: { records: "$", owner: "$.customer.id" }
  - match: POST /shop.v1.Orders/Talk
    public: Everybody hears the same.
    grpc: shop.binpb
detect:
  - use: [email]
"#;

fn served(app: SocketAddr) -> Builder {
    preview(app)
        .protocol("h2c")
        .routes(ROUTES)
        .binary("shop.binpb", SET)
}

fn message(name: &str, fields: &[(&str, Value)]) -> DynamicMessage {
    let kind = POOL
        .get_message_by_name(&format!("shop.v1.{name}"))
        .unwrap();
    let mut message = DynamicMessage::new(kind);
    for (name, value) in fields {
        message.set_field_by_name(name, value.clone());
    }
    message
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn order(owner: &str, note: &str) -> DynamicMessage {
    let customer = Value::Message(message("Customer", &[("id", text(owner))]));
    message("Order", &[("customer", customer), ("note", text(note))])
}

fn page(orders: &[DynamicMessage]) -> DynamicMessage {
    let orders = orders.iter().cloned().map(Value::Message).collect();
    message("Page", &[("orders", Value::List(orders))])
}

fn framed(message: &DynamicMessage) -> Vec<u8> {
    let message = message.encode_to_vec();
    let mut frame = vec![0];
    frame.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(&message);
    frame
}

fn fields(fields: &[(&'static str, &str)]) -> HeaderMap {
    let fields = fields
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    fields.collect()
}

/// A body in pieces, each a frame of its own, and trailers.
fn body(pieces: &[&[u8]], trailers: &[(&'static str, &str)]) -> AppBody {
    let data = pieces
        .iter()
        .map(|piece| Frame::data(Bytes::copy_from_slice(piece)));
    let frames: Vec<Result<_, std::io::Error>> = data
        .chain([Frame::trailers(fields(trailers))])
        .map(Ok)
        .collect();
    StreamBody::new(futures_util::stream::iter(frames)).boxed()
}

fn answer(body: AppBody) -> Response<AppBody> {
    let answer = Response::builder().header("content-type", "application/grpc");
    answer.body(body).unwrap()
}

async fn open(
    preview: &Preview,
    path: &str,
    user: &str,
    body: impl Into<Bytes>,
) -> Response<Incoming> {
    let stream = TcpStream::connect(preview.address).await.unwrap();
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    task::spawn(connection);
    let request = Request::post(format!("http://app.test{path}"))
        .header("authorization", format!("Bearer {}", preview.token(user)))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", "5S");
    let request = request.body(Full::new(body.into())).unwrap();
    sender.send_request(request).await.unwrap()
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    /// None where it did not end cleanly.
    body: Option<Vec<u8>>,
    trailers: HeaderMap,
}

impl Reply {
    fn code(&self) -> String {
        let problem: serde_json::Value =
            serde_json::from_slice(self.body.as_deref().unwrap()).unwrap();
        problem["code"].as_str().unwrap().to_owned()
    }
}

async fn call(preview: &Preview, path: &str, user: &str, body: impl Into<Bytes>) -> Reply {
    let (head, body) = open(preview, path, user, body).await.into_parts();
    let collected = body.collect().await.ok();
    let trailers = collected.as_ref().and_then(|body| body.trailers().cloned());
    Reply {
        status: head.status,
        headers: head.headers,
        body: collected.map(|body| body.to_bytes().to_vec()),
        trailers: trailers.unwrap_or_default(),
    }
}

const LIST: &str = "/shop.v1.Orders/List";
const WATCH: &str = "/shop.v1.Orders/Watch";
const PUT: &str = "/shop.v1.Orders/Put";

#[tokio::test]
async fn passes_the_users_own_records_of_a_message() {
    let notes = Notes::default();
    let seen = Notes::default();
    let heads = Arc::clone(&seen);
    let app = app_h2(&notes, move |request: Request<Incoming>| {
        let heads = Arc::clone(&heads);
        async move {
            let mut head = format!("{:?} {}", request.version(), request.uri());
            for name in [
                "te",
                "grpc-timeout",
                "grpc-accept-encoding",
                "x-forwarded-user",
            ] {
                let value = request
                    .headers()
                    .get(name)
                    .map(|value| value.to_str().unwrap());
                head.push_str(&format!(" {name}={}", value.unwrap_or("-")));
            }
            assert!(!request.headers().contains_key("authorization"));
            let asked = request.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(asked, framed(&message("Ask", &[("id", text("7"))])));
            heads.lock().unwrap().push(head);
            let page = framed(&page(&[
                order("alice", "mine"),
                order("bob", "his secret"),
                order("alice", "ask carol@elsewhere.example"),
            ]));
            let pieces: Vec<&[u8]> = page.chunks(7).collect();
            answer(body(&pieces, &[("grpc-status", "0"), ("x-more", "fine")]))
        }
    })
    .await;
    let preview = served(app).start().await;
    let ask = framed(&message("Ask", &[("id", text("7"))]));
    let reply = call(&preview, LIST, "alice", ask).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["content-type"], "application/grpc");
    let expected = page(&[
        order("alice", "mine"),
        order("alice", "ask [redacted:email]"),
    ]);
    assert_eq!(reply.body, Some(framed(&expected)));
    assert_eq!(reply.trailers["grpc-status"], "0");
    assert_eq!(reply.trailers["x-more"], "fine");
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "HTTP/2.0 http://app.test/shop.v1.Orders/List te=trailers grpc-timeout=5S \
          grpc-accept-encoding=identity,deflate,gzip x-forwarded-user=alice"
        ]
    );
    let records = preview.recorded(1).await;
    assert_eq!(records[0]["decision"], "redact", "{}", records[0]);
}

#[tokio::test]
async fn lets_each_message_go_before_the_next_one_comes() {
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    let receiver = Arc::new(std::sync::Mutex::new(Some(receiver)));
    let app = app_h2(&Notes::default(), move |_| {
        let mut receiver = receiver.lock().unwrap().take().unwrap();
        let frames = futures_util::stream::poll_fn(move |cx| {
            receiver
                .poll_recv(cx)
                .map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
        });
        async move { answer(StreamBody::new(frames).boxed()) }
    })
    .await;
    let preview = served(app).start().await;
    let (own, other) = (framed(&order("alice", "a")), framed(&order("bob", "b")));
    let first = [&*other, &*own].concat();
    sender.send(first.into()).await.unwrap();
    let mut body = open(&preview, WATCH, "alice", framed(&message("Ask", &[])))
        .await
        .into_body();
    for _ in 0..3 {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(frame, own);
        let (one, two) = own.split_at(9);
        for piece in [&*other, one, two] {
            sender.send(Bytes::copy_from_slice(piece)).await.unwrap();
        }
    }
    drop(sender);
}

#[tokio::test]
async fn cuts_off_a_stream_that_can_not_be_read() {
    let app = app_h2(&Notes::default(), |request: Request<Incoming>| async move {
        let is_bad = request.uri().path() == WATCH;
        let own = framed(&order("alice", "a"));
        // A field that the descriptor set lacks.
        let bad = [0, 0, 0, 0, 4, 0x9a, 0x06, 1, b'x'];
        let pause = futures_util::stream::once(async move {
            tokio::time::sleep(std::time::Duration::from_millis(400)).await;
            let last: &[u8] = if is_bad { &bad } else { &[] };
            Ok(Frame::data(Bytes::copy_from_slice(last)))
        });
        let first = futures_util::stream::iter([Ok(Frame::data(Bytes::from(own)))]);
        answer(StreamBody::new(futures_util::StreamExt::chain(first, pause)).boxed())
    })
    .await;
    let preview = served(app).start().await;
    let reply = call(&preview, WATCH, "alice", framed(&message("Ask", &[]))).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body, None);
    let records = preview.recorded(1).await;
    assert_eq!(records[0]["reason"], "answer-malformed", "{}", records[0]);
    let talk = "/shop.v1.Orders/Talk";
    let reply = call(&preview, talk, "alice", framed(&order("alice", ""))).await;
    assert_eq!(reply.body, Some(framed(&order("alice", "a"))));
}

#[tokio::test]
async fn filters_what_stands_around_messages() {
    let app = app_h2(&Notes::default(), |request: Request<Incoming>| async move {
        let words = request.headers()["grpc-timeout"]
            .to_str()
            .unwrap()
            .to_owned();
        drop(request);
        let message = if words == "5S" {
            "no order of bob%40elsewhere.example"
        } else {
            "no order"
        };
        let status = [
            ("grpc-status", "5"),
            ("grpc-message", message),
            ("grpc-status-details-bin", "Ym9iQGVsc2V3aGVyZS5leGFtcGxl"),
        ];
        if words == "5S" {
            answer(body(&[], &status))
        } else {
            // A head that is trailers, too.
            let mut answer = answer(full(""));
            answer.headers_mut().extend(fields(&status));
            answer
        }
    })
    .await;
    let preview = served(app).start().await;
    let reply = call(&preview, LIST, "alice", framed(&message("Ask", &[]))).await;
    assert_eq!(
        (reply.status, reply.body),
        (StatusCode::OK, Some(Vec::new()))
    );
    assert_eq!(reply.trailers["grpc-status"], "5");
    assert!(!reply.trailers.contains_key("grpc-message"));
    assert!(!reply.trailers.contains_key("grpc-status-details-bin"));
    let stream = TcpStream::connect(preview.address).await.unwrap();
    let request = Request::post(format!("http://app.test{LIST}"))
        .header(
            "authorization",
            format!("Bearer {}", preview.token("alice")),
        )
        .header("content-type", "application/grpc")
        .header("grpc-timeout", "1S")
        .body(Full::new(Bytes::from(framed(&message("Ask", &[])))))
        .unwrap();
    let reply = crate::client::send_h2(stream, request).await;
    assert_eq!(reply.headers["grpc-status"], "5");
    assert_eq!(reply.headers["grpc-message"], "no order");
    assert!(!reply.headers.contains_key("grpc-status-details-bin"));
}

#[tokio::test]
async fn refuses_what_has_no_reading_before_the_app_is_asked() {
    let notes = Notes::default();
    let app = app_h2(&notes, |_| async {
        answer(body(
            &[&framed(&message("Done", &[]))],
            &[("grpc-status", "0")],
        ))
    })
    .await;
    let preview = served(app).start().await;
    let foreign = framed(&order("bob", "x"));
    for (path, request, code) in [
        (
            "/shop.v1.Orders/Nothing",
            foreign.clone(),
            "request-unreadable",
        ),
        (
            "/shop.v1.Orders/%50ut",
            foreign.clone(),
            "request-unreadable",
        ),
        (PUT, foreign, "request-foreign-record"),
        (PUT, vec![0, 0, 0, 0, 2, 0x0b, 0x0c], "request-malformed"),
        (PUT, vec![1, 0, 0, 0, 0], "request-malformed"),
        (PUT, vec![0, 0, 0, 0, 9], "request-malformed"),
    ] {
        let reply = call(&preview, path, "alice", request).await;
        assert_eq!(reply.code(), code, "{path}");
    }
    assert!(notes.lock().unwrap().is_empty());
    let reply = call(&preview, PUT, "alice", framed(&order("alice", "x"))).await;
    assert_eq!(reply.body, Some(framed(&message("Done", &[]))));
    assert_eq!(reply.trailers["grpc-status"], "0");
}

#[tokio::test]
async fn carries_one_subject_a_connection_over_http2() {
    let notes = Notes::default();
    let app = app_h2(&notes, |request: Request<Incoming>| async move {
        drop(request.into_body().collect().await);
        answer(body(&[&framed(&page(&[]))], &[("grpc-status", "0")]))
    })
    .await;
    let preview = served(app).start().await;
    let ask = framed(&message("Ask", &[]));
    let connected = || {
        let notes = notes.lock().unwrap();
        notes.iter().filter(|note| *note == "connected").count()
    };
    for (user, count) in [
        ("alice", 1),
        ("alice", 1),
        ("bob", 2),
        ("alice", 2),
        ("bob", 2),
    ] {
        let reply = call(&preview, LIST, user, ask.clone()).await;
        assert_eq!(reply.trailers["grpc-status"], "0");
        assert_eq!(connected(), count, "{user}");
    }
    // A client that leaves takes its connection with it.
    let held = app_h2(&notes, |_| async {
        let own = Bytes::from(framed(&order("alice", "a")));
        let first = futures_util::stream::iter([Ok(Frame::data(own))]);
        let rest = futures_util::stream::pending();
        answer(StreamBody::new(futures_util::StreamExt::chain(first, rest)).boxed())
    })
    .await;
    let preview = served(held).start().await;
    let mut body = open(&preview, WATCH, "alice", ask).await.into_body();
    body.frame().await.unwrap().unwrap();
    let closed = || {
        let notes = notes.lock().unwrap();
        notes.iter().filter(|note| *note == "closed").count()
    };
    assert_eq!(closed(), 0);
    drop(body);
    until(|| closed() == 1).await;
}

#[tokio::test]
async fn blocks_other_variants_and_says_why() {
    for kind in [
        "application/grpc-web+proto",
        "application/grpc-web",
        "application/grpc+thrift",
    ] {
        let app = app_h2(&Notes::default(), move |_| async move {
            let answer = Response::builder().header("content-type", kind);
            answer.body(full(framed(&page(&[])))).unwrap()
        })
        .await;
        let preview = served(app).start().await;
        let reply = call(&preview, LIST, "alice", framed(&message("Ask", &[]))).await;
        assert_eq!(reply.code(), "type-unsupported", "{kind}");
    }
}

#[tokio::test]
async fn speaks_http2_to_an_app_whatever_it_answers() {
    let app = app_h2(&Notes::default(), |request: Request<Incoming>| async move {
        let answer = Response::builder().header("content-type", "application/json");
        let asked = format!(
            r#"[{{"owner":"alice","at":"{}"}},{{"owner":"bob"}}]"#,
            request.uri()
        );
        answer.body(full(asked)).unwrap()
    })
    .await;
    let preview = preview(app).protocol("h2c").start().await;
    let reply = crate::client::get(preview.address, "/orders", &preview.token("alice")).await;
    assert_eq!(
        reply.text(),
        r#"[{"owner":"alice","at":"http://app.test/orders"}]"#
    );
}

#[tokio::test]
async fn says_what_an_app_that_speaks_no_http2_did() {
    let app = crate::upstream::fixed("text/plain", "hello").await;
    let preview = preview(app).protocol("h2c").start().await;
    let reply = crate::client::get(preview.address, "/open/a", &preview.token("alice")).await;
    assert_eq!(
        (reply.status, &*reply.code()),
        (StatusCode::BAD_GATEWAY, "answer-truncated")
    );
}

#[tokio::test]
async fn reads_a_changed_descriptor_set_and_keeps_the_old_one_where_it_can_not() {
    let app = app_h2(&Notes::default(), |_| async {
        let page = framed(&message("Page", &[("title", text("All orders"))]));
        answer(body(&[&page], &[("grpc-status", "0")]))
    })
    .await;
    let routes = "  - match: POST /shop.v1.Orders/*\n    public: Nobody's.\n    grpc: shop.binpb\n\
                  detect:\n  - use: [email]\n";
    let preview = served(app).routes(routes).start().await;
    let put = |content: &[u8]| {
        std::fs::write(preview.folder().join("new"), content).unwrap();
        std::fs::rename(
            preview.folder().join("new"),
            preview.folder().join("shop.binpb"),
        )
        .unwrap();
    };
    let ask = framed(&message("Ask", &[]));
    let reply = call(&preview, LIST, "alice", ask.clone()).await;
    assert_eq!(reply.trailers["grpc-status"], "0");
    let refused = "chaperone_reloads_total{what=\"policy\",outcome=\"refused\"}";
    let before = preview.metric(refused).unwrap_or_default();
    put(b"\xff\xff");
    until(|| preview.metric(refused).unwrap_or_default() > before).await;
    let reply = call(&preview, LIST, "alice", ask.clone()).await;
    assert_eq!(reply.trailers["grpc-status"], "0");
    // The same set, in which pages have no titles.
    let mut set = FileDescriptorSet::decode(SET).unwrap();
    for file in &mut set.file {
        for kind in &mut file.message_type {
            if kind.name() == "Page" {
                kind.field.retain(|field| field.name() != "title");
            }
        }
    }
    put(&set.encode_to_vec());
    until(|| preview.metric("chaperone_policy_generation") == Some(2.0)).await;
    let reply = call(&preview, LIST, "alice", ask).await;
    assert_eq!(reply.code(), "answer-malformed");
    let records = preview.recorded(3).await;
    assert_eq!(records[0]["policy"], records[1]["policy"]);
    assert_ne!(records[0]["policy"], records[2]["policy"]);
}
