//! What operators and probes ask the sidecar itself: health on a port of its own, metrics on a Unix socket.
//!
//! The app shares the pod's loopback, so the port says whether we live and are ready, and nothing else.

mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};

pub use server::{UnixSocket, serve_health, serve_metrics};

use crate::audit::Writer;
use crate::runtime::Drain;
use crate::telemetry::Metrics;

/// Whether requests should be sent here.
#[derive(Clone, Debug)]
pub struct Readiness {
    has_policy: Arc<AtomicBool>,
    has_fetched: Arc<AtomicBool>,
    log: Writer,
    drain: Drain,
}

impl Readiness {
    /// Not ready: no policy is loaded yet.
    #[must_use]
    pub fn new(drain: Drain, log: Writer) -> Self {
        Self {
            has_policy: Arc::new(AtomicBool::new(false)),
            has_fetched: Arc::new(AtomicBool::new(false)),
            log,
            drain,
        }
    }

    /// A policy is in force.
    pub fn policy_loaded(&self) {
        self.has_policy.store(true, Ordering::Release);
    }

    /// What the policy reads from addresses was read once.
    pub fn fetched(&self) {
        self.has_fetched.store(true, Ordering::Release);
    }

    /// Whether a policy is in force with what it reads from addresses, the audit log can be written and the sidecar is
    /// not stopping.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.has_policy.load(Ordering::Acquire)
            && self.has_fetched.load(Ordering::Acquire)
            && self.log.is_healthy()
            && !self.drain.is_draining()
    }
}

fn health(readiness: &Readiness, method: &Method, path: &str) -> Response<Bytes> {
    match path {
        "/livez" => text(method, StatusCode::OK, "ok\n"),
        "/readyz" if readiness.is_ready() => text(method, StatusCode::OK, "ready\n"),
        "/readyz" => text(method, StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
        _ => text(method, StatusCode::NOT_FOUND, "not found\n"),
    }
}

fn metrics(metrics: &Metrics, method: &Method, path: &str) -> Response<Bytes> {
    if path != "/metrics" {
        return text(method, StatusCode::NOT_FOUND, "not found\n");
    }
    let Ok(body) = metrics.text() else {
        return text(method, StatusCode::INTERNAL_SERVER_ERROR, "no metrics\n");
    };
    let mut answer = text(method, StatusCode::OK, body);
    if answer.status() == StatusCode::OK {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        answer
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    answer
}

fn text(method: &Method, status: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
    let is_read = *method == Method::GET || *method == Method::HEAD;
    let (status, body) = if is_read {
        (status, body.into())
    } else {
        (StatusCode::METHOD_NOT_ALLOWED, Bytes::from_static(b"GET\n"))
    };
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{Readiness, health, metrics};
    use crate::audit::{Settings, Sink, Writer};
    use crate::runtime::Drain;
    use crate::telemetry::Metrics;

    #[test]
    fn is_ready_between_policy_and_drain() {
        let drain = Drain::new();
        let log = Writer::open(Settings::new(Sink::Stdout)).unwrap();
        let readiness = Readiness::new(drain.clone(), log);
        let ask = |path: &str| health(&readiness, &Method::GET, path).status().as_u16();
        assert_eq!(
            (ask("/livez"), ask("/readyz"), ask("/metrics")),
            (200, 503, 404)
        );
        readiness.policy_loaded();
        assert_eq!(ask("/readyz"), 503, "nothing was fetched yet");
        readiness.fetched();
        assert_eq!(ask("/readyz"), 200);
        drain.begin();
        assert_eq!((ask("/livez"), ask("/readyz")), (200, 503));
        assert_eq!(health(&readiness, &Method::POST, "/livez").status(), 405);
    }

    #[test]
    fn refuses_readiness_while_the_log_cannot_be_written() {
        let log = Writer::open(Settings::new(Sink::File("/dev/full".into()))).unwrap();
        let readiness = Readiness::new(Drain::new(), log);
        readiness.policy_loaded();
        readiness.fetched();
        let status = health(&readiness, &Method::GET, "/readyz").status();
        assert_eq!(status, 503);
    }

    #[test]
    fn tells_metrics_in_their_own_place() {
        let answer = metrics(&Metrics::new(), &Method::GET, "/metrics");
        assert!(answer.body().ends_with(b"# EOF\n"));
        assert_eq!(metrics(&Metrics::new(), &Method::GET, "/").status(), 404);
    }
}
