//! Sizes (`64KiB`) and lengths of time (`10s`) as people write them.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::types::parse_duration;

/// A number of bytes: `64KiB`, `8MiB`, `1GiB`, `500B` or a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub usize);

/// A length of time: `500ms`, `10s`, `5m`, `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(pub Duration);

impl Size {
    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split(text)?;
        let factor: usize = match unit {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        usize::try_from(number).ok()?.checked_mul(factor).map(Self)
    }
}

impl Length {
    fn parse(text: &str) -> Option<Self> {
        parse_duration(text).map(Self)
    }
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit.trim()))
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Scalar {
            parse: Self::parse,
            expected: "a size such as `64KiB`, `8MiB` or `500B`",
        })
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Scalar {
            parse: Self::parse,
            expected: "a length of time such as `500ms`, `10s` or `5m`",
        })
    }
}

struct Scalar<T> {
    parse: fn(&str) -> Option<T>,
    expected: &'static str,
}

impl<T> Visitor<'_> for Scalar<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let wrong = || E::custom(format_args!("`{text}` is not {}", self.expected));
        (self.parse)(text).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Length, Size};

    #[test]
    fn reads_what_people_write() {
        assert_eq!(Size::parse("64KiB"), Some(Size(65536)));
        assert_eq!(Size::parse("100"), Some(Size(100)));
        assert_eq!(Length::parse("10s"), Some(Length(Duration::from_secs(10))));
        assert_eq!(
            Length::parse("500ms"),
            Some(Length(Duration::from_millis(500)))
        );
    }

    #[test]
    fn refuses_what_can_be_misread() {
        for text in ["", "KiB", "1kb", "-1B", "1.5MiB", "99999999999999999999B"] {
            assert_eq!(Size::parse(text), None, "{text}");
        }
        for text in ["10", "s", "0s", "1d", "99999999999h"] {
            assert_eq!(Length::parse(text), None, "{text}");
        }
    }
}
