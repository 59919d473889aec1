//! The corridor: one request in, one answer out, one record.
//!
//! [`pipeline`] is the whole way in one readable function; the other files hold its steps. Reasons
//! become status codes in [`respond`] and nowhere else.

mod answer;
mod cors;
mod exchange;
mod fence;
mod headers;
mod identity;
mod normalise;
pub mod pipeline;
pub mod respond;
mod upload;
mod upstream;
mod validators;

pub use answer::Answer;
pub use exchange::Ledger;
pub use pipeline::{Inbound, Judge};
