//! The audit log: one JSON object a line, written before the last byte of the answer leaves.
//!
//! [`Record`] is the wire format (version 1), [`Writer`] puts records into the [`Sink`] in the order
//! of their sequence numbers. No record carries a matched value, a body's byte or a token: rules
//! name a detector, a place and a keyed fingerprint. What can't be written is an error for whoever
//! waits for it, and requests are refused until the log can be written again.

mod file;
mod gather;
mod naming;
pub mod receipt;
mod record;
#[cfg(test)]
mod tests;
mod writer;

pub use naming::{Naming, PathForm, SubjectForm};
pub use record::{Event, Record, RuleAction, RuleHit};
pub use writer::{AuditError, Settings, Sink, Writer};
