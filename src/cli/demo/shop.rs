//! The sample shop: an app that has not been reviewed and hands out everybody's data to anyone.
//!
//! It believes no one and checks nothing, so that whatever is kept back was kept back by the sidecar.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::runtime::task;

/// One answer of the shop.
struct Page {
    kind: &'static str,
    body: &'static str,
}

const JSON: &str = "application/json";

const FRONT: Page = Page {
    kind: "text/html; charset=utf-8",
    body: "<!doctype html>\n<title>The sample shop</title>\n<h1>The sample shop</h1>\n\
           <p>Try /api/orders, /api/messages, /api/search?q=stool, /api/projects.</p>\n",
};

const ORDERS: Page = Page {
    kind: JSON,
    body: r#"{"page": 1, "total": 5, "orders": [
{"id": 101, "customer": {"id": "u-alice", "email": "alice@shop.example"}, "item": "tea set", "note": "mail alice@shop.example first"},
{"id": 102, "customer": {"id": "u-bob", "email": "bob@shop.example"}, "item": "desk lamp", "note": ""},
{"id": 103, "customer": {"id": "u-carol", "email": "carol@shop.example"}, "item": "rain jacket", "note": "IBAN DE89 3704 0044 0532 0130 00"},
{"id": 104, "customer": {"id": "u-alice", "email": "alice@shop.example"}, "item": "blanket", "note": "a gift for carol@shop.example"},
{"id": 105, "customer": {"id": "u-bob", "email": "bob@shop.example"}, "item": "oak stool", "note": "leave at the door"}
]}
"#,
};

const ORDERED: Page = Page {
    kind: JSON,
    body: r#"{"id": 106, "customer": {"id": "u-bob"}, "item": "kite"}
"#,
};

const MESSAGES: Page = Page {
    kind: JSON,
    body: r#"[
{"id": 1, "sender": "u-alice", "recipient": "u-bob", "text": "Is the stool sold? Write to alice@shop.example"},
{"id": 2, "sender": "u-bob", "recipient": "u-alice", "text": "Yes, to carol@shop.example, card 4111 1111 1111 1111"},
{"id": 3, "sender": "u-carol", "recipient": "u-dave", "text": "Do not tell Alice about the blanket"}
]
"#,
};

const SEARCH: Page = Page {
    kind: JSON,
    body: r#"{"took_ms": 3, "hits": [
{"id": 1, "owner_id": "u-bob", "title": "oak stool, second hand"},
{"id": 2, "owner_id": "u-alice", "title": "Wanted: stool"},
{"id": 3, "owner_id": "u-dave", "title": "stool, broken; my address is Elm Street 9"}
]}
"#,
};

const ALICE: Page = Page {
    kind: JSON,
    body: r#"{"id": "u-alice", "name": "Alice Meyer", "email": "alice@shop.example", "born": "1990-04-17"}
"#,
};

const BOB: Page = Page {
    kind: JSON,
    body: r#"{"id": "u-bob", "name": "Bob Okafor", "email": "bob@shop.example", "born": "1985-11-02"}
"#,
};

const PROJECTS: Page = Page {
    kind: JSON,
    body: r#"[
{"id": 1, "name": "Spring catalogue"},
{"id": 2, "name": "Falcon IX", "launch": "with the Orbital team, in March"}
]
"#,
};

const EXPORT: Page = Page {
    kind: "application/x-ndjson",
    body: r#"{"id": 101, "customer": "u-alice", "item": "tea set", "cents": 4200}
{"id": 102, "customer": "u-bob", "item": "desk lamp", "cents": 3900}
{"id": 103, "customer": "u-carol", "item": "rain jacket", "cents": 8800}
{"id": 104, "customer": "u-alice", "item": "blanket", "cents": 5100}
"#,
};

const ADMIN: Page = Page {
    kind: "text/html; charset=utf-8",
    body: "<h1>All users</h1>\n<ul><li>u-alice<li>u-bob<li>u-carol<li>u-dave</ul>\n",
};

const DEBUG: Page = Page {
    kind: JSON,
    body: r#"{"database": "postgres://shop:hunter2@db/shop", "sessions": ["u-alice", "u-bob"]}
"#,
};

/// A shop that serves until it is dropped.
#[derive(Debug)]
pub(super) struct Shop {
    address: SocketAddr,
    accepting: tokio::task::JoinHandle<()>,
}

impl Shop {
    /// Opens the shop on a free loopback port.
    pub(super) async fn open() -> std::io::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let accepting = task::spawn(accept(listener));
        Ok(Self { address, accepting })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener) {
    while let Ok((stream, _peer)) = listener.accept().await {
        task::spawn(async move {
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service_fn(serve))
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "a connection to the sample shop ended early");
            }
        });
    }
}

async fn serve(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, page) = match page(request.method(), request.uri().path()) {
        Some(found) => found,
        None => (StatusCode::NOT_FOUND, &MISSING),
    };
    let mut response = Response::new(Full::from(page.body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        http::HeaderValue::from_static(page.kind),
    );
    Ok(response)
}

const MISSING: Page = Page {
    kind: JSON,
    body: "{\"error\": \"not found\"}\n",
};

fn page(method: &Method, path: &str) -> Option<(StatusCode, &'static Page)> {
    if method == Method::POST {
        return (path == "/api/orders").then_some((StatusCode::CREATED, &ORDERED));
    }
    let page = match path {
        "/" => &FRONT,
        "/admin/users" => &ADMIN,
        "/api/debug" => &DEBUG,
        "/api/messages" => &MESSAGES,
        "/api/orders" => &ORDERS,
        "/api/projects" => &PROJECTS,
        "/api/search" => &SEARCH,
        "/api/users/u-alice" => &ALICE,
        "/api/users/u-bob" => &BOB,
        "/export/orders.ndjson" => &EXPORT,
        _ => return None,
    };
    Some((StatusCode::OK, page))
}
