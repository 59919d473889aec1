//! The corridor: one request in, one answer out, one record.
//!
//! [`pipeline`] is the whole way in one readable function; the other files hold its steps. Reasons
//! become status codes in [`respond`] and nowhere else.

mod answer;
mod cors;
mod destination;
mod exchange;
mod fence;
mod gate;
mod handshake;
mod headers;
mod identity;
mod judge;
mod leash;
mod normalise;
mod parting;
mod pin;
pub mod pipeline;
mod relay;
pub mod respond;
mod spelling;
mod upload;
mod upstream;
mod validators;

pub use answer::Answer;
pub use exchange::Ledger;
pub use gate::Gate;
pub use judge::Judge;
pub use pin::Pin;
pub use pipeline::Inbound;
