//! Where a finding stands: in two spellings, one for the person at the terminal, one for the log.

use std::fmt::{self, Write};

/// The place of one text that is inspected.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    /// A plain text body; the text begins this many bytes into it.
    Body(u64),
    /// A cookie of a request.
    Cookie(&'a str),
    /// A cell of a table.
    Cell {
        /// Its row, counted from 1; the header is row 0.
        row: u64,
        /// The name of its column; none where it can't be shown.
        column: Option<&'a str>,
    },
    /// The name of a table's column, counted from 1.
    Column(u64),
    /// A field of a server-sent event.
    Event {
        /// The event, counted from 1.
        number: u64,
        /// The field's name.
        field: &'a str,
    },
    /// A field of a form body.
    Field(&'a str),
    /// A header field.
    Header(&'a str),
    /// A value inside a JSON document.
    Json(&'a dyn Trail),
    /// A query parameter.
    Query(&'a str),
    /// A path segment, counted from 0.
    Segment(usize),
}

/// The way from a document's root to a value; walked only when something was found there.
pub trait Trail {
    /// Calls `visit` with each step, from the root on.
    fn walk(&self, visit: &mut dyn FnMut(Step<'_>));
}

/// One step of a [`Trail`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A name that can't be shown, because something was found in it.
    Hidden,
    /// An element of an array.
    Index(u64),
    /// A member of an object, decoded.
    Name(&'a str),
}

impl Place<'_> {
    /// How far into the place's body the text begins.
    #[must_use]
    pub fn offset(&self) -> u64 {
        match self {
            Self::Body(offset) => *offset,
            _ => 0,
        }
    }

    /// The place in full: an RFC 9535 normalized path, dotted where the name allows it; empty for a text body.
    #[must_use]
    pub fn path(&self) -> Box<str> {
        self.spell(|name, text| {
            if is_plain(name) {
                _ = write!(text, ".{name}");
            } else {
                text.push_str("['");
                quote(name, text);
                text.push_str("']");
            }
        })
    }

    /// The place for the log: names that are not plain identifiers could be data, and show as `*`.
    #[must_use]
    pub fn masked(&self) -> Box<str> {
        self.spell(|name, text| {
            let shown = if is_plain(name) { name } else { "*" };
            _ = write!(text, ".{shown}");
        })
    }

    fn spell(&self, name: impl Fn(&str, &mut String)) -> Box<str> {
        // Most places are no longer.
        let mut text = String::with_capacity(match self {
            Self::Body(_) => 0,
            _ => 96,
        });
        match self {
            Self::Body(_) => {}
            Self::Cookie(cookie) => {
                text.push_str("cookie");
                name(cookie, &mut text);
            }
            Self::Cell { row, column } => {
                _ = write!(text, "row[{row}]");
                match column {
                    Some(column) => name(column, &mut text),
                    None => text.push_str(".*"),
                }
            }
            Self::Column(column) => _ = write!(text, "column[{column}]"),
            Self::Event { number, field } => {
                _ = write!(text, "event[{number}].{field}");
            }
            Self::Field(field) => {
                text.push_str("form");
                name(field, &mut text);
            }
            Self::Header(header) => {
                text.push_str("header");
                name(header, &mut text);
            }
            Self::Json(trail) => {
                text.push('$');
                trail.walk(&mut |step| match step {
                    Step::Hidden => text.push_str(".*"),
                    Step::Index(index) => _ = write!(text, "[{index}]"),
                    Step::Name(step) => name(step, &mut text),
                });
            }
            Self::Query(parameter) => {
                text.push_str("query");
                name(parameter, &mut text);
            }
            Self::Segment(index) => _ = write!(text, "path[{index}]"),
        }
        text.into()
    }
}

impl fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// `[A-Za-z_][A-Za-z0-9_]{0,63}`: what a programmer writes, hardly what a person is called by.
fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    let starts = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    starts && name.len() <= 64 && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Writes a name as RFC 9535 section 2.7 spells it inside single quotes.
fn quote(name: &str, text: &mut String) {
    for character in name.chars() {
        match character {
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            '\'' => text.push_str("\\'"),
            '\\' => text.push_str("\\\\"),
            control if control < ' ' => _ = write!(text, "\\u{:04x}", u32::from(control)),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Step, Trail};

    struct Steps(Vec<Step<'static>>);

    impl Trail for Steps {
        fn walk(&self, visit: &mut dyn FnMut(Step<'_>)) {
            self.0.iter().copied().for_each(visit);
        }
    }

    #[test]
    fn spells_for_people_and_for_the_log() {
        let steps = Steps(vec![
            Step::Name("orders"),
            Step::Index(3),
            Step::Name("ann@ex.org's\n"),
            Step::Hidden,
        ]);
        let place = Place::Json(&steps);
        assert_eq!(&*place.path(), r"$.orders[3]['ann@ex.org\'s\n'].*");
        assert_eq!(&*place.masked(), "$.orders[3].*.*");
        assert_eq!(&*Place::Header("x-a").path(), "header['x-a']");
        assert_eq!(&*Place::Body(7).path(), "");
    }
}
