//! Who may use a preview, as bindings and the command line write it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::is_name;

/// One kind of people; a binding lists several, and any lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Whoever's change it is.
    Originator,
    /// Everybody whose capability was made for this preview.
    OptIn,
    /// Users with this value of the attribute `group`.
    Group(Box<str>),
    /// This user.
    User(Box<str>),
}

impl FromStr for Audience {
    type Err = UnknownAudience;

    fn from_str(text: &str) -> Result<Self, UnknownAudience> {
        match text.split_once(':') {
            Some(("group", group)) if is_name(group) => Ok(Self::Group(group.into())),
            Some(("user", user)) if is_name(user) => Ok(Self::User(user.into())),
            None if text == "originator" => Ok(Self::Originator),
            None if text == "opt-in" => Ok(Self::OptIn),
            _ => Err(UnknownAudience),
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Originator => f.write_str("originator"),
            Self::OptIn => f.write_str("opt-in"),
            Self::Group(group) => write!(f, "group:{group}"),
            Self::User(user) => write!(f, "user:{user}"),
        }
    }
}

impl Serialize for Audience {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Words that name nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write `originator`, `opt-in`, `user:ID` or `group:NAME`")]
pub struct UnknownAudience;
