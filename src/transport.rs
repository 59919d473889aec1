//! Sockets and HTTP connections on both sides; what an exchange means is no business of this room.
//!
//! Downstream: [`listen`] takes connections, [`tls`] unwraps them, [`serve`] speaks HTTP/1 and HTTP/2
//! and ends what is idle or slow. Upstream: [`upstream`] keeps connections to the app, each for one subject.
//! [`fetch`] reads what policy or configuration names by address. On both sides `framing` lets no HTTP/1 message pass that has two readings.

pub mod fetch;
mod framing;
pub mod listen;
pub mod meter;
pub mod serve;
pub mod socket;
pub mod tls;
pub mod upstream;
pub mod wire;

pub use framing::{Malformed, is_authority, is_token, may_be_trailer};
pub use listen::Listener;
pub use meter::{Busy, Meter, Peer};
pub use serve::{Limits, Server};
pub use tls::{Acceptor, Identification};
pub use upstream::{Lease, Upstream, UpstreamError};
pub use wire::Misread;
