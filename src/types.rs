//! Words that two or more rooms share: small types without I/O that can't hold nonsense.

pub mod control;
pub mod decision_id;
pub mod direction;
pub mod duration;
pub mod fingerprint;
pub mod limits;
pub mod origin;
pub mod parameter;
pub mod reason;
pub mod refusal;
pub mod secret;
pub mod subject;
pub mod target;
pub mod verdict;

pub use control::Control;
pub use decision_id::DecisionId;
pub use direction::Direction;
pub use duration::parse_duration;
pub use fingerprint::FingerprintKey;
pub use limits::{Budget, Reservation};
pub use origin::Origin;
pub use reason::ReasonCode;
pub use refusal::Refusal;
pub use secret::Secret;
pub use subject::Subject;
pub use target::Target;
pub use verdict::{Ending, Level, Verdict};
