//! Listening sockets: bound before anything serves, and never at a loss when descriptors run out.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

/// Connections that may wait for us in the kernel.
const BACKLOG: i32 = 4096;

/// The pause after a failed accept: descriptors are freed by others, spinning frees none.
const PAUSE: Duration = Duration::from_millis(50);

/// A bound TCP listener.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// Binds `address`; must run inside the executor.
    ///
    /// # Errors
    /// Fails when the address can't be had.
    pub fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self(TcpListener::from_std(StdListener::from(socket))?))
    }

    /// The address that was bound.
    ///
    /// # Errors
    /// Fails when the operating system does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// The next connection.
    pub async fn accept(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, peer)) => {
                    // Without it small answers wait for the client's delayed acknowledgement.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "a client left before it was served");
                        continue;
                    }
                    return (stream, peer);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection can't be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// How many connections this process can serve: at most `most`, and so that each has a descriptor
/// for itself and one for the app.
#[must_use]
pub fn connection_cap(most: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let descriptors = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse::<usize>().ok());
    match descriptors {
        Some(descriptors) => most.min((descriptors.saturating_sub(24) / 2).max(4)),
        None => most,
    }
}
