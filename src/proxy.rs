//! The corridor: one request in, one answer out, one record.
//!
//! `pipeline.rs` is the whole way in one readable function; the other files hold its steps. Reasons
//! become status codes in [`respond`] and nowhere else.

mod admission;
mod answer;
mod clearing;
mod confine;
mod cookie;
mod cors;
mod destination;
mod exchange;
mod fence;
mod gate;
mod handshake;
mod headers;
mod hops;
mod identity;
pub mod inbound;
mod judge;
mod leash;
mod normalise;
mod own;
mod page;
mod parting;
mod passed;
mod pin;
mod pipeline;
mod proofs;
mod relay;
pub mod respond;
mod spelling;
mod throttle;
mod upload;
mod upstream;
mod validators;

pub use admission::Admission;
pub use answer::Answer;
pub use clearing::Marker;
pub use exchange::Ledger;
pub use gate::Gate;
pub use hops::{HopField, Hops, Network};
pub use inbound::Inbound;
pub use judge::Judge;
pub use own::{Callback, CallbackHost, HostPattern, Own, Provider, ProviderSettings, Spent};
pub use pin::Pin;
pub use proofs::Proofs;

pub use throttle::Throttle;
