//! Owners: where a record or a row names one, and which attribute of the subject must stand there.

use std::ops::Range;

use crate::json::Selector;
use crate::policy::compile::Compiler;
use crate::policy::compile::records::others;
use crate::policy::document::{OwnersForm, RouteForm, SubjectForm};
use crate::policy::field::{Either, Field};
use crate::policy::treatment::{Attribute, Column, HtmlOwner, HtmlPlace, HtmlRule, Owner, RowRule};
use crate::types::Origin;

/// What may stand between cells: nothing that a placeholder, a quote or a line break holds.
const DELIMITERS: [&str; 4] = [",", ";", "\t", "|"];

impl Compiler {
    /// The attributes that are compared whatever the letter case.
    pub(super) fn fold_case(&self, form: Option<&SubjectForm>) -> Vec<Box<str>> {
        let names = form.and_then(|form| form.fold_case.value());
        let names = names.into_iter().flatten().filter_map(Field::placed);
        names
            .filter_map(|(name, span)| {
                let is_name = self.is_attribute(name, span);
                is_name.then(|| name.as_str().into())
            })
            .collect()
    }

    /// Where a record of a JSON answer names its owner.
    pub(super) fn owners(&self, field: &Field<OwnersForm>, is_anywhere: bool) -> Vec<Owner> {
        self.each(field, |text, span, is| {
            let at = self.owner(text, span, is_anywhere)?;
            Some(Owner { at, is })
        })
    }

    /// The owner rule for pages.
    pub(super) fn html(&self, form: &RouteForm, origin: &Origin) -> Option<HtmlRule> {
        let (html, span) = form.html.placed()?;
        let records = self.need(&html.records, span, "records", "\"tr.order\"");
        self.need(&html.owner, span, "owner", "data-customer");
        let owner = self.each(&html.owner, |text, span, is| {
            let at = if is_attribute_name(text) {
                HtmlPlace::Attribute(text.to_ascii_lowercase().into())
            } else {
                HtmlPlace::Text(self.css(text, span)?)
            };
            Some(HtmlOwner { at, is })
        });
        if owner.len() > MOST_OWNERS {
            let remedy = format!("name {MOST_OWNERS} at most");
            self.sink.at(&self.head(span), "too many owners", remedy);
        }
        let (text, span) = records?;
        Some(HtmlRule {
            origin: origin.clone(),
            records: self.css(text, span)?,
            owner,
            others: others(&form.others),
            is_optional: form.optional.value().copied().unwrap_or(false),
        })
    }

    fn css(&self, text: &str, span: &Range<usize>) -> Option<Box<str>> {
        match text.parse::<lol_html::Selector>() {
            Ok(_) => Some(text.into()),
            Err(error) => {
                let message = format!("not a CSS selector: {error}");
                let remedy = "write one such as `tr.order`, `#orders > li` or `[data-order]`";
                self.sink.at(span, message, remedy);
                None
            }
        }
    }

    /// The owner rule for tables.
    pub(super) fn rows(&self, form: &RouteForm, origin: &Origin) -> Option<RowRule> {
        let (rows, span) = form.rows.placed()?;
        self.need(&rows.owner, span, "owner", "customer_id");
        let owner = self.each(&rows.owner, |text, span, is| {
            if text.is_empty() || text.starts_with(['$', '{']) {
                let remedy = "write the column's name as the first row spells it: `customer_id`";
                self.sink.at(span, "not a column's name", remedy);
                return None;
            }
            let name = text.into();
            Some(Column { name, is })
        });
        let delimiter = rows.delimiter.placed().and_then(|(text, span)| {
            if !DELIMITERS.contains(&text.as_str()) {
                let remedy = r#"write one of `","`, `";"`, `"\t"` and `"|"`"#;
                self.sink.at(span, "not a delimiter", remedy);
            }
            text.bytes().next()
        });
        Some(RowRule {
            origin: origin.clone(),
            owner,
            others: others(&form.others),
            is_optional: form.optional.value().copied().unwrap_or(false),
            delimiter,
        })
    }

    /// Reads each owner by `read`, with the attribute that it is held against.
    fn each<T>(
        &self,
        field: &Field<OwnersForm>,
        read: impl Fn(&str, &Range<usize>, Attribute) -> Option<T>,
    ) -> Vec<T> {
        let Some((owners, span)) = field.placed() else {
            return Vec::new();
        };
        if owners.all().is_empty() {
            self.sink
                .at(span, "an empty list of owners", "name at least one member");
        }
        let owners = owners.all().iter().filter_map(Field::placed);
        owners
            .filter_map(|(owner, span)| match owner {
                Either::Plain(text) => read(text, span, self.attribute(Attribute::ID)),
                Either::Nested(form) => {
                    let at = self.need(&form.at, span, "at", "\"$.group_id\"");
                    let is = match form.is.placed() {
                        Some((name, span)) if !self.is_attribute(name, span) => return None,
                        Some((name, _)) => name,
                        None => Attribute::ID,
                    };
                    let (text, span) = at?;
                    read(text, span, self.attribute(is))
                }
            })
            .collect()
    }

    fn attribute(&self, name: &str) -> Attribute {
        Attribute {
            name: name.into(),
            folds_case: self.folding.iter().any(|folding| **folding == *name),
        }
    }

    fn is_attribute(&self, name: &str, span: &Range<usize>) -> bool {
        let is_name = !name.trim().is_empty();
        if !is_name {
            self.sink.at(
                span,
                "an attribute without a name",
                "write one, such as `email`",
            );
        }
        is_name
    }

    fn owner(&self, text: &str, span: &Range<usize>, is_anywhere: bool) -> Option<Selector> {
        if text.starts_with('{') {
            let remedy = "a path owner stands alone; name the record's owner with `record_owner`";
            self.sink.at(
                span,
                "a path owner where a record's owner is expected",
                remedy,
            );
            return None;
        }
        if !text.starts_with('$') {
            if text.is_empty() || text.contains(['.', '[', ']', '*', ' ', '{', '}']) {
                let remedy =
                    "write a JSONPath from the record (`$.customer.id`), or a member's bare name";
                self.sink
                    .at(span, "neither a JSONPath nor a member's name", remedy);
                return None;
            }
            return Some(Selector::member(text));
        }
        let selector = self.selector(text, span)?;
        if is_anywhere && selector.single_name().is_none() {
            let remedy = "with `records: anywhere`, write the bare name of one member: `owner_id`";
            self.sink
                .at(span, "a path where a member's name is expected", remedy);
            return None;
        }
        if selector.is_root() || !selector.is_fixed() {
            let message = if selector.is_root() {
                "a record is not its own owner"
            } else {
                "an owner's path with descendants or a filter"
            };
            let remedy = "write names, indices, slices and `*` alone: `$.customer.id`, `$.members[*]`; several owners go into a list";
            self.sink.at(span, message, remedy);
            return None;
        }
        Some(selector)
    }
}

/// A page's reader has one mark for each selector.
const MOST_OWNERS: usize = 32;

/// A bare name is an attribute's; a selector has more to it.
fn is_attribute_name(text: &str) -> bool {
    let starts = text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    starts
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
