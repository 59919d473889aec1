//! The small servers behind health and metrics: HTTP/1.1, few connections, no patience.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;

use super::Readiness;
use crate::runtime::{Drain, task};
use crate::telemetry::Metrics;
use crate::transport::Listener;

/// Connections at once; a probe that finds none free comes again.
const CONNECTIONS: usize = 64;

/// Time for one request on one connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// A bound Unix socket; its file goes when it is dropped.
#[derive(Debug)]
pub struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl UnixSocket {
    /// Binds `path`, which may hold the socket of a process that is gone; readable by the owner alone.
    ///
    /// # Errors
    /// Fails when the path holds something else, or can't be bound.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            path: path.to_path_buf(),
        })
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the admin socket's file was gone");
        }
    }
}

/// Answers probes until the program is over.
pub async fn serve_health(listener: Listener, readiness: Readiness, drain: Drain) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = drain.over() => return,
        };
        let readiness = readiness.clone();
        serve(&room, stream, move |method, path| {
            super::health(&readiness, method, path)
        });
    }
}

/// Answers collectors until the program is over.
pub async fn serve_metrics(socket: UnixSocket, metrics: Metrics, drain: Drain) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = socket.listener.accept() => accepted,
            () = drain.over() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let metrics = metrics.clone();
                serve(&room, stream, move |method, path| {
                    super::metrics(&metrics, method, path)
                });
            }
            Err(error) => {
                tracing::warn!(%error, "an admin connection can't be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

fn serve<S, A>(room: &Arc<Semaphore>, stream: S, answer: A)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    A: Fn(&Method, &str) -> Response<Bytes> + Send + Sync + 'static,
{
    let Ok(permit) = Arc::clone(room).try_acquire_owned() else {
        return;
    };
    task::spawn(async move {
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let answer = answer(request.method(), request.uri().path()).map(Full::new);
            async move { Ok::<_, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        if let Ok(Err(error)) = tokio::time::timeout(PATIENCE, connection).await {
            tracing::debug!(%error, "a probe's connection ended early");
        }
        drop(permit);
    });
}
