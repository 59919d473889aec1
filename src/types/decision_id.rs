//! The random id that names one decision in the response, the log and the metrics.

use std::fmt;

/// 128 random bits, written as 32 lower-case hexadecimal digits.
///
/// It says nothing about the request: a client that is told its id learns nothing about others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DecisionId([u8; 16]);

impl DecisionId {
    /// A new id from the operating system's random source.
    ///
    /// # Errors
    /// Fails when the operating system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 32];
        hex::encode_to_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}
