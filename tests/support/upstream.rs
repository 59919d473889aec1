//! The app behind the sidecar: answers by a function, or byte by byte.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use chaperone::runtime::task;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

pub(crate) type AppBody = BoxBody<Bytes, std::io::Error>;

/// A whole body.
pub(crate) fn full(body: impl Into<Bytes>) -> AppBody {
    Full::new(body.into())
        .map_err(|never| match never {})
        .boxed()
}

/// An app that answers every request with `answer`.
pub(crate) async fn app<A, F>(answer: A) -> SocketAddr
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<AppBody>> + Send + 'static,
{
    raw(move |stream| {
        let answer = answer.clone();
        async move {
            let service = service_fn(move |request| {
                let answered = answer(request);
                async move { Ok::<_, Infallible>(answered.await) }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        }
    })
    .await
}

/// The same over HTTP/2 by prior knowledge; what it says of connections and streams is in `notes`.
pub(crate) async fn app_h2<A, F>(notes: &Notes, answer: A) -> SocketAddr
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<AppBody>> + Send + 'static,
{
    let notes = Arc::clone(notes);
    raw(move |stream| {
        let answer = answer.clone();
        let notes = Arc::clone(&notes);
        async move {
            notes.lock().unwrap().push("connected".to_owned());
            let service = service_fn(move |request| {
                let answered = answer(request);
                async move { Ok::<_, Infallible>(answered.await) }
            });
            let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
            notes.lock().unwrap().push("closed".to_owned());
        }
    })
    .await
}

/// An app that sends `body` as `kind`, whatever it is asked.
pub(crate) async fn fixed(kind: &'static str, body: impl Into<Bytes>) -> SocketAddr {
    let body = body.into();
    app(move |_| {
        let body = body.clone();
        async move {
            let answer = Response::builder().header("content-type", kind);
            answer.body(full(body)).unwrap()
        }
    })
    .await
}

/// An app that tells the head of the request, one field a line, and then its body.
pub(crate) async fn echo() -> SocketAddr {
    app(|request| async move {
        let mut text = format!("{} {}\n", request.method(), request.uri());
        for (name, value) in request.headers() {
            text.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
        }
        if let Ok(body) = request.into_body().collect().await {
            let trailers = body.trailers().cloned();
            text.push_str(std::str::from_utf8(&body.to_bytes()).unwrap());
            for (name, value) in trailers.iter().flatten() {
                text.push_str(&format!("\ntrailer {name}: {}", value.to_str().unwrap()));
            }
        }
        let answer = Response::builder().header("content-type", "text/plain");
        answer.body(full(text)).unwrap()
    })
    .await
}

/// An app that does with each connection what `script` says.
pub(crate) async fn raw<S, F>(script: S) -> SocketAddr
where
    S: Fn(TcpStream) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    task::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            task::spawn(script(stream));
        }
    });
    address
}

/// Reads the head of one request.
pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            break;
        };
        head.push(byte);
    }
    String::from_utf8(head).unwrap()
}

/// A list that scripts write and tests read.
pub(crate) type Notes = Arc<Mutex<Vec<String>>>;
