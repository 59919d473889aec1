//! WebSocket frames (RFC 6455) on a connection that has switched to them: whole messages, in bounded memory.
//!
//! Frames end here: what is sent on is framed anew. Pings are answered, and their words go no further.
//! No extension is spoken, so that reserved bits are a violation.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Utf8Bytes};

use crate::types::{Budget, Reservation};

/// Bytes that are read at once.
const CHUNK: usize = 8 << 10;

/// What frames may add to a message, for each of its bytes: a client's fragment of one byte is seven.
const OVERHEAD: usize = 8;

/// Which end of a connection the sidecar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The one that was asked: what comes is masked.
    Server,
    /// The one that asked.
    Client,
}

/// Something that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A whole text, valid UTF-8.
    Text(Bytes),
    /// Whole binary data.
    Binary(Bytes),
    /// A ping or a pong: the other side lives.
    Sign,
    /// The other side says farewell, and nothing more.
    Close(Close),
}

/// A farewell (RFC 6455 section 7.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// Why, as a number; none where none was given.
    pub code: Option<u16>,
    /// Why, in words: at most 123 bytes.
    pub reason: Box<str>,
}

impl Close {
    /// Bytes of the longest reason (RFC 6455 section 5.5).
    pub const REASON: usize = 123;

    /// A farewell for the reason `code`, in words that are cut where they are too long.
    #[must_use]
    pub fn new(code: u16, reason: &str) -> Self {
        let end = reason.floor_char_boundary(Self::REASON);
        Self {
            code: Some(code),
            reason: reason.get(..end).unwrap_or_default().into(),
        }
    }
}

/// Why nothing more comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is gone, without a farewell.
    Gone,
    /// What came breaks the protocol.
    Protocol,
    /// A text is not UTF-8.
    Utf8,
    /// A message is larger than the limit.
    TooLarge,
    /// All sockets and exchanges together hold as much as they may.
    Overloaded,
}

impl Fault {
    /// The code of the farewell to whoever is at fault (RFC 6455 section 7.4.1).
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Gone => 1001,
            Self::Protocol => 1002,
            Self::Utf8 => 1007,
            Self::TooLarge => 1009,
            Self::Overloaded => 1013,
        }
    }
}

type Stream = WebSocketStream<Counted>;

/// Takes messages off a connection.
#[derive(Debug)]
pub struct Ear {
    stream: SplitStream<Stream>,
    account: Arc<Mutex<Account>>,
}

/// Puts messages onto a connection.
#[derive(Debug)]
pub struct Mouth(SplitSink<Stream, tungstenite::Message>);

/// Speaks WebSocket over `upgraded`: messages of at most `most` bytes, what has come of one on account of `budget`.
pub async fn open(upgraded: Upgraded, end: End, most: usize, budget: &Budget) -> (Ear, Mouth) {
    let account = Arc::new(Mutex::new(Account {
        most,
        came: 0,
        reservation: budget.reserve(),
    }));
    let counted = Counted {
        inner: TokioIo::new(upgraded),
        account: Arc::clone(&account),
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(CHUNK)
        .write_buffer_size(0)
        .max_message_size(Some(most))
        .max_frame_size(Some(most));
    let role = match end {
        End::Server => Role::Server,
        End::Client => Role::Client,
    };
    let stream = Stream::from_raw_socket(counted, role, Some(config)).await;
    let (sink, stream) = stream.split();
    (Ear { stream, account }, Mouth(sink))
}

impl Ear {
    /// The next message. The one before is off the account then: whoever has it accounts for it.
    ///
    /// # Errors
    /// Says why nothing more comes.
    pub async fn next(&mut self) -> Result<Message, Fault> {
        account(&self.account).settle();
        match self.stream.next().await {
            None => Err(Fault::Gone),
            Some(Err(error)) => Err(fault(&error)),
            Some(Ok(message)) => Ok(match message {
                tungstenite::Message::Text(text) => Message::Text(text.into()),
                tungstenite::Message::Binary(data) => Message::Binary(data),
                tungstenite::Message::Close(close) => Message::Close(farewell(close)),
                tungstenite::Message::Ping(_)
                | tungstenite::Message::Pong(_)
                | tungstenite::Message::Frame(_) => Message::Sign,
            }),
        }
    }
}

impl Mouth {
    /// Sends a message, and returns once the connection has taken it whole.
    ///
    /// # Errors
    /// Says why it can't.
    pub async fn send(&mut self, message: Message) -> Result<(), Fault> {
        let message = match message {
            // INVARIANT: texts come from `Ear::next`, or from the filter, which writes UTF-8.
            Message::Text(text) => {
                tungstenite::Message::Text(Utf8Bytes::try_from(text).map_err(|_| Fault::Utf8)?)
            }
            Message::Binary(data) => tungstenite::Message::Binary(data),
            Message::Sign => tungstenite::Message::Ping(Bytes::new()),
            Message::Close(close) => tungstenite::Message::Close(frame(close)),
        };
        let sent = self.0.send(message).await;
        sent.map_err(|error| fault(&error))
    }

    /// Lets the answers to pings leave.
    ///
    /// # Errors
    /// Says why it can't.
    pub async fn flush(&mut self) -> Result<(), Fault> {
        let flushed = self.0.flush().await;
        flushed.map_err(|error| fault(&error))
    }

    /// Lets what is still to be said leave.
    pub async fn finish(&mut self) {
        // Whoever is gone needs no farewell.
        let _ = self.0.close().await;
    }
}

fn farewell(frame: Option<CloseFrame>) -> Close {
    frame.map_or_else(
        || Close {
            code: None,
            reason: "".into(),
        },
        |frame| Close::new(frame.code.into(), frame.reason.as_str()),
    )
}

fn frame(close: Close) -> Option<CloseFrame> {
    close.code.map(|code| CloseFrame {
        code: CloseCode::from(code),
        reason: Utf8Bytes::from(String::from(close.reason)),
    })
}

fn fault(error: &tungstenite::Error) -> Fault {
    use tungstenite::Error;
    use tungstenite::error::ProtocolError;
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | Error::AlreadyClosed
        | Error::ConnectionClosed => Fault::Gone,
        Error::Io(error) if error.kind() == io::ErrorKind::OutOfMemory => Fault::Overloaded,
        Error::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => Fault::TooLarge,
        Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => Fault::Protocol,
        Error::Io(_) => Fault::Gone,
        Error::Capacity(_) | Error::WriteBufferFull(_) => Fault::TooLarge,
        Error::Utf8(_) => Fault::Utf8,
        _ => Fault::Protocol,
    }
}

/// What has come since the last whole message.
#[derive(Debug)]
struct Account {
    most: usize,
    came: usize,
    reservation: Reservation,
}

impl Account {
    /// Books bytes that came.
    fn take(&mut self, bytes: usize) -> io::Result<()> {
        self.came = self.came.saturating_add(bytes);
        // Frames without a byte in them end no message, either.
        if self.came > self.most.saturating_mul(OVERHEAD).saturating_add(CHUNK) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if self.reservation.resize(self.came.min(self.most)) {
            Ok(())
        } else {
            Err(io::ErrorKind::OutOfMemory.into())
        }
    }

    fn settle(&mut self) {
        self.came = 0;
        // Less is always granted.
        let _ = self.reservation.resize(0);
    }
}

fn account(account: &Mutex<Account>) -> std::sync::MutexGuard<'_, Account> {
    // Nothing that holds the lock can panic half-way.
    account.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A byte stream whose reads are booked.
#[derive(Debug)]
struct Counted {
    inner: TokioIo<Upgraded>,
    account: Arc<Mutex<Account>>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let came = buf.filled().len().saturating_sub(before);
        Poll::Ready(account(&self.account).take(came))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::{Account, CHUNK, Close, OVERHEAD};
    use crate::types::Budget;

    #[test]
    fn cuts_reasons_between_characters() {
        let close = Close::new(1008, &"é".repeat(100));
        assert_eq!((close.code, close.reason.len()), (Some(1008), 122));
    }

    #[test]
    fn holds_what_came_of_a_message_on_account() {
        let budget = Budget::new(100);
        let mut account = Account {
            most: 60,
            came: 0,
            reservation: budget.reserve(),
        };
        account.take(50).unwrap();
        assert_eq!(budget.used(), 50);
        account.take(50).unwrap();
        assert_eq!(budget.used(), 60, "no message is larger");
        let mut other = budget.reserve();
        assert!(other.resize(40));
        account.settle();
        assert!(budget.used() == 40 && other.resize(90));
        let error = account.take(50).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::OutOfMemory);
        assert!(other.resize(0));
        let error = account.take(60 * OVERHEAD + CHUNK).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::FileTooLarge);
    }
}
