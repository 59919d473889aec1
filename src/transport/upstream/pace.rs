//! A connection to the app: an app that keeps us waiting too long is cut off, a client that does is
//! not the app's fault; and what the app sends is an answer that was asked for, or an error.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::transport::framing::{Answers, Bounds, Malformed};

/// The books of one connection, kept by its byte stream and by the body of the request on it.
#[derive(Debug)]
pub struct Pace {
    began: Instant,
    is_running: AtomicBool,
    is_uploading: AtomicBool,
    is_clients_turn: AtomicBool,
    has_received: AtomicBool,
    /// More came than the answer that was asked for.
    is_spoiled: AtomicBool,
    asked: Mutex<Option<Asked>>,
    /// Milliseconds after `began` at which the request was sent.
    sent_at: AtomicU64,
}

impl Pace {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            is_running: AtomicBool::new(false),
            is_uploading: AtomicBool::new(false),
            is_clients_turn: AtomicBool::new(false),
            has_received: AtomicBool::new(false),
            is_spoiled: AtomicBool::new(false),
            asked: Mutex::new(None),
            sent_at: AtomicU64::new(0),
        })
    }

    /// The request has a body: until [`Pace::uploaded`] the app need not have answered.
    pub fn uploading(&self) {
        self.is_uploading.store(true, Ordering::Release);
    }

    /// The body waits for the client, or no longer does.
    pub fn clients_turn(&self, is_clients: bool) {
        self.is_clients_turn.store(is_clients, Ordering::Release);
    }

    /// The request's body has come to its end.
    pub fn uploaded(&self) {
        self.sent_at.store(self.now(), Ordering::Release);
        self.is_clients_turn.store(false, Ordering::Release);
        self.is_uploading.store(false, Ordering::Release);
    }

    /// Whether the app has sent a byte since the request began.
    pub(super) fn has_received(&self) -> bool {
        self.has_received.load(Ordering::Acquire)
    }

    pub(super) fn begin(&self) {
        self.has_received.store(false, Ordering::Release);
        self.sent_at.store(self.now(), Ordering::Release);
        self.is_running.store(true, Ordering::Release);
    }

    /// A request is sent now; `is_head` when its answer has no body, `may_switch` when it asks for another protocol.
    pub(super) fn asks(&self, is_head: bool, may_switch: bool) {
        *self.asked() = Some(Asked {
            is_head,
            may_switch,
        });
    }

    /// The connection speaks another protocol from now on, which has clocks of its own.
    pub(super) fn switches(&self) {
        self.is_running.store(false, Ordering::Release);
    }

    /// The exchange has ended; true when its request was sent whole and nothing came but its answer.
    pub(super) fn end(&self) -> bool {
        self.is_running.store(false, Ordering::Release);
        !self.is_uploading.load(Ordering::Acquire) && !self.is_spoiled.load(Ordering::Acquire)
    }

    /// Waits until the whole request has been sent for `limit` without an answer's head.
    pub(super) async fn head_overdue(&self, limit: Duration) {
        loop {
            let since = if self.is_uploading.load(Ordering::Acquire) {
                Instant::now()
            } else {
                self.began + Duration::from_millis(self.sent_at.load(Ordering::Acquire))
            };
            if since.elapsed() >= limit {
                return;
            }
            tokio::time::sleep_until(since + limit).await;
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn asked(&self) -> MutexGuard<'_, Option<Asked>> {
        // Nothing that holds the lock can panic half-way.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waits_for_app(&self) -> bool {
        self.is_running.load(Ordering::Acquire) && !self.is_clients_turn.load(Ordering::Acquire)
    }
}

/// A request whose answer has not begun.
#[derive(Clone, Copy, Debug)]
struct Asked {
    is_head: bool,
    may_switch: bool,
}

/// A byte stream to the app that fails when the app keeps us waiting longer than its limit, and when
/// it sends what is no answer, or can be read as two.
#[derive(Debug)]
pub(super) struct Paced<T> {
    inner: T,
    pace: Arc<Pace>,
    limit: Duration,
    waiting_since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
    /// What HTTP/1.1 is held to; none where a library reads frames.
    answers: Option<Answers>,
}

impl<T> Paced<T> {
    pub(super) fn new(inner: T, pace: Arc<Pace>, limit: Duration, bounds: Bounds) -> Self {
        Self {
            inner,
            pace,
            answers: Some(Answers::new(bounds)),
            limit,
            waiting_since: None,
            alarm: None,
        }
    }

    /// The same over HTTP/2: frames belong to the request that opened their stream, and its library refuses others.
    pub(super) fn framed(inner: T, pace: Arc<Pace>, limit: Duration) -> Self {
        Self {
            inner,
            pace,
            answers: None,
            limit,
            waiting_since: None,
            alarm: None,
        }
    }

    /// Before the first byte of a request leaves: what the app has sent by then is no answer to it.
    fn open(&mut self, cx: &mut Context<'_>) -> io::Result<()>
    where
        T: AsyncRead + Unpin,
    {
        let Some(answers) = self.answers.as_mut().filter(|answers| answers.is_between()) else {
            return Ok(());
        };
        let Some(asked) = self.pace.asked().take() else {
            return Ok(());
        };
        let mut byte = [0];
        let mut buf = ReadBuf::new(&mut byte);
        if let Poll::Ready(outcome) = Pin::new(&mut self.inner).poll_read(cx, &mut buf) {
            outcome?;
            return Err(match buf.filled() {
                [] => io::ErrorKind::ConnectionAborted.into(),
                _ => Malformed::Spare.into(),
            });
        }
        answers.expect(asked.is_head, asked.may_switch);
        Ok(())
    }

    /// How many of `bytes` belong to the answer that was asked for.
    fn check(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(answers) = &mut self.answers else {
            return Ok(bytes.len());
        };
        let belong = answers.check(bytes)?;
        if belong < bytes.len() {
            self.pace.is_spoiled.store(true, Ordering::Release);
            if belong == 0 {
                return Err(Malformed::Spare.into());
            }
        }
        Ok(belong)
    }

    fn progress(&mut self) {
        self.waiting_since = None;
    }

    /// Nothing has come: fails once it is the app's turn and that has lasted for the limit.
    fn wait<V>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<V>> {
        if !self.pace.is_running.load(Ordering::Acquire) {
            self.waiting_since = None;
            return Poll::Pending;
        }
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        let limit = self.limit;
        // The alarm is set once and asked on waking: moving it on every read would cost more than the read.
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(since + limit)));
        while alarm.as_mut().poll(cx).is_ready() {
            if !self.pace.waits_for_app() {
                self.waiting_since = Some(Instant::now());
            }
            let since = self.waiting_since.unwrap_or(since);
            if since.elapsed() >= limit {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            alarm.as_mut().reset(since + limit);
        }
        Poll::Pending
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.inner).poll_read(cx, buf) {
            Poll::Ready(outcome) => {
                self.progress();
                let bytes = buf.filled().get(before..).unwrap_or_default();
                if !bytes.is_empty() {
                    self.pace.has_received.store(true, Ordering::Release);
                    let belong = self.check(bytes)?;
                    buf.set_filled(before + belong);
                }
                Poll::Ready(outcome)
            }
            Poll::Pending => self.wait(cx),
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Paced<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.open(cx)?;
        let outcome = Pin::new(&mut self.inner).poll_write(cx, buf);
        if outcome.is_ready() {
            self.progress();
        }
        outcome
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.open(cx)?;
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        if outcome.is_ready() {
            self.progress();
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::{Pace, Paced};
    use crate::transport::framing::{Bounds, Malformed};

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    fn paced<T>(inner: T) -> (Arc<Pace>, Paced<T>) {
        let bounds = Bounds {
            head: 1000,
            fields: 10,
        };
        let pace = Pace::new();
        let limit = Duration::from_secs(3600);
        let paced = Paced::new(inner, Arc::clone(&pace), limit, bounds);
        (pace, paced)
    }

    #[tokio::test]
    async fn sends_nothing_to_an_app_that_has_answered_already() {
        let (ours, mut apps) = tokio::io::duplex(1000);
        let (pace, mut paced) = paced(ours);
        pace.begin();
        pace.asks(false, false);
        apps.write_all(ANSWER).await.unwrap();
        let error = paced.write_all(b"GET").await.unwrap_err();
        assert_eq!(Malformed::of(&error), Some(Malformed::Spare));
        drop(paced);
        let mut sent = Vec::new();
        apps.read_to_end(&mut sent).await.unwrap();
        assert!(sent.is_empty());
    }

    #[tokio::test]
    async fn keeps_no_connection_on_which_more_came_than_an_answer() {
        for (spare, is_kept) in [(&b""[..], true), (b"!", false)] {
            let (ours, mut apps) = tokio::io::duplex(1000);
            let (pace, mut paced) = paced(ours);
            pace.begin();
            pace.asks(false, false);
            paced.write_all(b"GET").await.unwrap();
            apps.write_all(&[ANSWER, spare].concat()).await.unwrap();
            let mut answer = vec![0; 100];
            let length = paced.read(&mut answer).await.unwrap();
            assert_eq!(answer.get(..length), Some(ANSWER));
            assert_eq!(pace.end(), is_kept);
        }
    }
}
