//! The engine: finds personal data, secrets and listed terms in bytes as they stream by.
//!
//! Liftable: it imports nothing of the crate. It reports spans, never text, and gives the same hits
//! for the same bytes, however they are cut. The design is told in docs/scan.md.
//!
//! ```
//! use chaperone::scan::{PatternSet, pack};
//!
//! let mut set = PatternSet::new();
//! for detector in &pack("pii").unwrap().detectors {
//!     set.detector(detector)?;
//! }
//! let employee = set.regex("EMP-[0-9]{6}")?;
//! let automaton = set.build()?;
//! let mut hits = Vec::new();
//! automaton.find(b"EMP-123456 is ada@shop.example", &mut |hit| hits.push(hit));
//! # Ok::<(), chaperone::scan::BuildError>(())
//! ```

mod automaton;
mod dictionary;
mod error;
mod fingerprint;
mod fold;
mod gate;
mod gather;
mod hit;
mod ladder;
mod long_run;
mod matcher;
mod pack;
mod pattern;
mod plan;
mod prefix;
mod program;
mod reject;
mod sequence;
mod sieve;
mod simd;
mod stream;
mod sweep;
mod tail;
mod teddy;
mod terms;
mod token;
mod validate;

#[cfg(test)]
mod tests;

pub use automaton::Automaton;
pub use dictionary::{Dictionary, DictionaryError, DictionaryErrorKind};
pub use error::{BuildError, BuildErrorKind};
pub use hit::{Hit, PatternId, Span, Strength};
pub use pack::{Context, Detector, Examples, Pack, pack, packs};
pub use pattern::PatternSet;
pub use simd::Strategy;
pub use stream::Scanner;
pub use sweep::Sweep;
pub use tail::TailKind;
