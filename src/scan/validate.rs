//! The checks that a candidate must pass after its form was found: checksums, lengths, ranges.
//!
//! A validator may look at four bytes around the candidate, and may shorten it (the form of an IBAN
//! runs on into the words after it), never lengthen it.

mod address;
mod america;
mod civil;
mod coin;
mod digits;
mod europe;
mod number;
mod phone;
mod place;
mod register;
mod tax;
mod token;
mod word;
mod world;

#[cfg(test)]
mod tests;

use std::fmt;

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
#[derive(Clone, Copy)]
pub(super) struct Validator {
    name: &'static str,
    check: Check,
    /// Digits of a larger number, or of a longer row, are none.
    is_number: bool,
    /// What can be asked before the match is known.
    pub(super) shape: Shape,
}

/// The validators that `reject` knows the beginning of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Card,
    Email,
    Ipv6,
    Other,
}

/// How many bytes of the candidate are the match; none when it is none.
type Check = fn(&Candidate<'_>) -> Option<usize>;

/// The checks of each family.
const FAMILIES: [&[(&str, Check)]; 12] = [
    address::CHECKS,
    number::CHECKS,
    phone::CHECKS,
    place::CHECKS,
    token::CHECKS,
    europe::CHECKS,
    world::CHECKS,
    coin::CHECKS,
    register::CHECKS,
    america::CHECKS,
    civil::CHECKS,
    tax::CHECKS,
];

impl Validator {
    /// The validator of that name.
    pub(super) fn named(name: &str) -> Result<Self, BuildError> {
        let known = FAMILIES.into_iter().flatten().find(|check| check.0 == name);
        let numbers = [
            europe::CHECKS,
            world::CHECKS,
            register::CHECKS,
            america::CHECKS,
            civil::CHECKS,
            tax::CHECKS,
        ];
        let known = known.map(|(name, check)| Self {
            name,
            check: *check,
            is_number: matches!(*name, "digits" | "licence" | "national-id" | "us-ssn")
                || numbers.into_iter().flatten().any(|check| check.0 == *name),
            shape: match *name {
                "card" => Shape::Card,
                "email" => Shape::Email,
                "ipv6" => Shape::Ipv6,
                _ => Shape::Other,
            },
        });
        let name = || name.to_owned();
        known.ok_or_else(|| BuildErrorKind::UnknownValidator { name: name() }.into())
    }

    /// How many bytes of the candidate are the match; none when it is none.
    pub(super) fn accept(self, candidate: &Candidate<'_>) -> Option<usize> {
        if self.is_number && candidate.is_cut_from_a_number() {
            return None;
        }
        (self.check)(candidate)
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Candidate<'_> {
    /// All of it, if it is one.
    fn when(&self, is_match: bool) -> Option<usize> {
        is_match.then_some(self.text.len())
    }

    /// Digits beside a decimal point, or groups with hyphens in a longer row of them (such as an ISBN).
    fn is_cut_from_a_number(&self) -> bool {
        let others = || self.text.iter().filter(|byte| !byte.is_ascii_digit());
        let begins = self.text.first().is_some_and(u8::is_ascii_digit);
        let ends = self.text.last().is_some_and(u8::is_ascii_digit);
        let mark = match others().count() {
            0 => b'.',
            1 if !ends && others().all(u8::is_ascii_alphabetic) => b'.',
            _ if others().all(|byte| *byte == b'-') => b'-',
            _ => return false,
        };
        let follows =
            matches!(self.before, [.., digit, last] if digit.is_ascii_digit() && *last == mark);
        let precedes =
            matches!(self.after, [first, digit, ..] if digit.is_ascii_digit() && *first == mark);
        begins && (follows || ends && precedes)
    }
}
