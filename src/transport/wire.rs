//! A client's byte stream: it keeps the connection's books, and stands before hyper so that no
//! request with two readings gets there.
//!
//! INVARIANT: of a request whose head is refused hyper is never given a whole head. It is given
//! bytes that nobody can take for one, once every answer before has left, and its bare answer to
//! them is replaced by the sidecar's own.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;

use super::framing::{Bounds, Malformed, Place, Requests, Stop};
use super::meter::Meter;

/// No head goes on like this, wherever it broke off.
const POISON: &[u8] = b"\0\r\n\r\n";

/// How long a client that is still sending is listened to after its answer: a socket closed with
/// bytes unread is reset, and the answer lost with it.
const LINGER: Duration = Duration::from_secs(1);

/// Makes the whole answer to a request that can't be read.
#[derive(Clone)]
pub struct Misread(Arc<dyn Fn(Malformed) -> Making + Send + Sync>);

/// An answer that is being made.
type Making = Pin<Box<dyn Future<Output = Vec<u8>> + Send>>;

impl Misread {
    /// Answers by `answer`, an HTTP/1.1 message that closes the connection.
    pub fn new<A, F>(answer: A) -> Self
    where
        A: Fn(Malformed) -> F + Send + Sync + 'static,
        F: Future<Output = Vec<u8>> + Send + 'static,
    {
        Self(Arc::new(move |malformed| Box::pin(answer(malformed))))
    }
}

impl std::fmt::Debug for Misread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Misread")
    }
}

/// A byte stream over TCP that can be ended with a reset.
pub(super) trait Resets {
    /// Has the connection reset when it is closed.
    fn reset_on_close(&self);
}

impl Resets for TcpStream {
    fn reset_on_close(&self) {
        if let Err(error) = SockRef::from(self).set_linger(Some(Duration::ZERO)) {
            tracing::debug!(%error, "a broken connection can't be reset");
        }
    }
}

impl Resets for TlsStream<TcpStream> {
    fn reset_on_close(&self) {
        self.get_ref().0.reset_on_close();
    }
}

/// A client's byte stream.
#[derive(Debug)]
pub(super) struct Wire<T: Resets> {
    inner: T,
    meter: Arc<Meter>,
    requests: Requests,
    misread: Misread,
    stop: Option<Stop>,
    poison: &'static [u8],
    /// Whoever waits to be told of a refused head until the answers before it have left.
    waiting: Option<Waker>,
    own: Own,
    linger: Option<Pin<Box<Sleep>>>,
}

/// The sidecar's own answer in place of hyper's.
enum Own {
    None,
    Making(Making),
    Leaving(Vec<u8>, usize),
    Gone,
}

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Own")
    }
}

impl<T: Resets> Wire<T> {
    pub(super) fn new(inner: T, meter: Arc<Meter>, bounds: Bounds, misread: Misread) -> Self {
        Self {
            inner,
            meter,
            requests: Requests::new(bounds),
            misread,
            stop: None,
            poison: POISON,
            waiting: None,
            own: Own::None,
            linger: None,
        }
    }

    /// What is wrong with the request that hyper answers by writing `head`, where it is not an answer of ours.
    fn is_answered_with(&self, head: &[u8]) -> Option<Malformed> {
        if matches!(self.own, Own::Gone) {
            return None;
        }
        if self.poison.len() < POISON.len() {
            return self.stop.map(|stop| stop.malformed);
        }
        // What these readers let pass and hyper does not.
        let is_error = (head.starts_with(b"HTTP/1.1 4") || head.starts_with(b"HTTP/1.0 4"))
            && self.meter.is_between()
            && !self.meter.is_multiplexed()
            && memchr::memmem::find(head, b"chaperone-decision").is_none();
        is_error.then(|| match head.get(9..12) {
            Some(b"414") => Malformed::TargetTooLong,
            Some(b"431") => Malformed::HeadTooLarge,
            _ => Malformed::Unreadable,
        })
    }

    /// Tells of the request that is refused: by an error in its body, or by a head that hyper answers.
    fn poll_stop(
        &mut self,
        stop: Stop,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if stop.place == Place::Body {
            return Poll::Ready(Err(stop.malformed.into()));
        }
        if !self.meter.is_between() {
            self.waiting = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let length = self.poison.len().min(buf.remaining());
        if let Some((now, later)) = self.poison.split_at_checked(length) {
            buf.put_slice(now);
            self.poison = later;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: Resets> Drop for Wire<T> {
    fn drop(&mut self) {
        if self.meter.is_broken() && !self.meter.is_multiplexed() {
            self.inner.reset_on_close();
        }
    }
}

impl<T: AsyncRead + Resets + Unpin> AsyncRead for Wire<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.meter.is_switched() {
            // What came behind the request, and is none, was not for the protocol that it asked for.
            return match this.stop {
                Some(stop) => Poll::Ready(Err(stop.malformed.into())),
                None => Pin::new(&mut this.inner).poll_read(cx, buf),
            };
        }
        if this.meter.is_late() && this.requests.is_mid_message() {
            this.stop.get_or_insert(Stop {
                malformed: Malformed::Late,
                passed: 0,
                place: Place::Head,
            });
        }
        if let Some(stop) = this.stop {
            return this.poll_stop(stop, cx, buf);
        }
        let before = buf.filled().len();
        let outcome = ready!(Pin::new(&mut this.inner).poll_read(cx, buf));
        this.meter.has_read();
        outcome?;
        let bytes = buf.filled().get(before..).unwrap_or_default();
        let checked = match bytes {
            // Not the end: there was no room to read into.
            [] if buf.remaining() == 0 => Ok(()),
            [] => this.requests.end(),
            bytes => this.requests.check(bytes),
        };
        let Err(stop) = checked else {
            return Poll::Ready(Ok(()));
        };
        tracing::debug!(error = %stop.malformed, "a request is malformed");
        this.stop = Some(stop);
        buf.set_filled(before + stop.passed);
        if stop.passed > 0 {
            return Poll::Ready(Ok(()));
        }
        this.poll_stop(stop, cx, buf)
    }
}

impl<T: AsyncWrite + Resets + Unpin> Wire<T> {
    /// Writes the sidecar's own answer where hyper begins a bare one, and says that `length` bytes
    /// were written; none where it does not.
    fn poll_own(
        &mut self,
        cx: &mut Context<'_>,
        head: &[u8],
        length: usize,
    ) -> Poll<Option<io::Result<usize>>> {
        loop {
            match &mut self.own {
                Own::None | Own::Gone => match self.is_answered_with(head) {
                    Some(malformed) => self.own = Own::Making((self.misread.0)(malformed)),
                    None => return Poll::Ready(None),
                },
                Own::Making(making) => {
                    self.own = Own::Leaving(ready!(making.as_mut().poll(cx)), 0);
                }
                Own::Leaving(answer, written) => {
                    let rest = answer.get(*written..).unwrap_or_default();
                    if rest.is_empty() {
                        self.own = Own::Gone;
                        return Poll::Ready(Some(Ok(length)));
                    }
                    match ready!(Pin::new(&mut self.inner).poll_write(cx, rest)) {
                        Ok(0) => return Poll::Ready(Some(Err(io::ErrorKind::WriteZero.into()))),
                        Ok(more) => *written += more,
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    }
                }
            }
        }
    }
}

impl<T: AsyncRead + Unpin + Resets> Wire<T> {
    /// Reads and forgets what the client still sends, for a while.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let linger = self
            .linger
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        let mut scratch = [0; 4096];
        loop {
            if linger.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Resets + Unpin> AsyncWrite for Wire<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(outcome) = ready!(self.poll_own(cx, buf, buf.len())) {
            return Poll::Ready(outcome);
        }
        let outcome = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.meter.has_written(&outcome);
        outcome
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_flush(cx);
        if outcome.is_ready() {
            self.meter.has_flushed();
            if self.meter.is_between()
                && let Some(waiting) = self.waiting.take()
            {
                waiting.wake();
            }
        }
        outcome
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
        if self.stop.is_some() || self.requests.is_mid_message() {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let head: &[u8] = bufs.first().map_or(&[], |head| head);
        let length = bufs.iter().map(|buf| buf.len()).sum();
        if let Some(outcome) = ready!(self.poll_own(cx, head, length)) {
            return Poll::Ready(outcome);
        }
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.meter.has_written(&outcome);
        outcome
    }
}
