//! The checks that a candidate must pass after its form was found: checksums, lengths, ranges.
//!
//! A validator may look at four bytes around the candidate, and may shorten it (the form of an IBAN
//! runs on into the words after it), never lengthen it.

mod address;
mod number;
mod token;

#[cfg(test)]
mod tests;

use super::{BuildError, BuildErrorKind};

/// A match that is still to be checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'h> {
    /// Up to four bytes before it.
    pub(super) before: &'h [u8],
    /// The match.
    pub(super) text: &'h [u8],
    /// Up to four bytes after it.
    pub(super) after: &'h [u8],
}

/// A check, by the name that definitions call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Validator {
    AwsSecret,
    Card,
    Email,
    Iban,
    Ipv4,
    Ipv6,
    Jwt,
    Phone,
    UsSsn,
}

impl Validator {
    /// The validator of that name.
    pub(super) fn named(name: &str) -> Result<Self, BuildError> {
        Ok(match name {
            "aws-secret" => Self::AwsSecret,
            "card" => Self::Card,
            "email" => Self::Email,
            "iban" => Self::Iban,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "jwt" => Self::Jwt,
            "phone" => Self::Phone,
            "us-ssn" => Self::UsSsn,
            _ => {
                let name = name.to_owned();
                return Err(BuildErrorKind::UnknownValidator { name }.into());
            }
        })
    }

    /// How many bytes of the candidate are the match; none when it is none.
    pub(super) fn accept(self, candidate: &Candidate<'_>) -> Option<usize> {
        let text = candidate.text;
        let is_match = match self {
            Self::Email => return address::email(text),
            Self::Iban => return number::iban(text),
            Self::Ipv6 => return address::ipv6(candidate),
            Self::Phone => return number::phone(text),
            Self::AwsSecret => token::aws_secret(text),
            Self::Card => number::card(text),
            Self::Ipv4 => address::ipv4(candidate),
            Self::Jwt => token::jwt(text),
            Self::UsSsn => number::us_ssn(text),
        };
        is_match.then_some(text.len())
    }
}
