//! Record rules: which parts of a JSON answer are records, in one collection or several.

use std::ops::Range;

use crate::json::{Selector, Selectors};
use crate::policy::compile::Compiler;
use crate::policy::document::{CollectionForm, OthersWord, OwnersForm, RouteForm};
use crate::policy::field::{Either, Field};
use crate::policy::treatment::{Collection, Others, RecordRule, Select};
use crate::types::Origin;

impl Compiler {
    pub(super) fn records(
        &self,
        form: &RouteForm,
        origin: &Origin,
        is_path_owned: bool,
    ) -> Option<RecordRule> {
        let owner = if is_path_owned {
            &form.record_owner
        } else {
            if let Some(span) = form.record_owner.span() {
                let remedy = "write `owner`; `record_owner` goes with a path that names the user";
                self.sink.at(
                    &self.head(span),
                    "`record_owner` without `owner: \"{…}\"`",
                    remedy,
                );
            }
            &form.owner
        };
        let (text, span) = match form.records.placed() {
            Some((Either::Plain(text), span)) => (text, span),
            Some((Either::Nested(list), span)) => {
                return self.collections(form, origin, list, span, owner, is_path_owned);
            }
            None => {
                if form.records.is_absent() {
                    self.check_without_records(form, owner, is_path_owned);
                }
                return None;
            }
        };
        if owner.is_absent() {
            let key = if is_path_owned {
                "record_owner"
            } else {
                "owner"
            };
            let message = format!("`records` without `{key}`");
            let remedy = format!("say where a record names its owner: `{key}: \"$.user_id\"`");
            self.sink.at(span, message, remedy);
        }
        let is_anywhere = text == "anywhere";
        let select = if is_anywhere {
            Some(Select::Anywhere)
        } else {
            self.selector(text, span).map(Select::Path)
        };
        let owner = self.owners(owner, is_anywhere);
        let also = self.also(&form.also, is_anywhere);
        if let (true, Some(span)) = (is_anywhere, form.optional.span()) {
            let remedy = "take it out: `anywhere` never blocks an answer without records";
            self.sink
                .at(span, "`optional` beside `records: anywhere`", remedy);
        }
        Some(RecordRule {
            origin: origin.clone(),
            select: select?,
            owner,
            others: others(&form.others),
            also,
            is_optional: form.optional.value().copied().unwrap_or(false),
            further: Vec::new(),
        })
    }

    /// Several collections in one answer.
    fn collections(
        &self,
        form: &RouteForm,
        origin: &Origin,
        list: &[Field<CollectionForm>],
        span: &Range<usize>,
        owner: &Field<OwnersForm>,
        is_path_owned: bool,
    ) -> Option<RecordRule> {
        if let Some(span) = owner.span() {
            let key = if is_path_owned {
                "record_owner"
            } else {
                "owner"
            };
            let message = format!("`{key}` beside a list of records");
            let remedy = "give each collection in the list its own `owner`";
            self.sink.at(&self.head(span), message, remedy);
        }
        if list.is_empty() {
            let remedy = "write one collection at least: `{ at: \"$.orders[*]\", owner: \"$.customer.id\" }`";
            self.sink.at(span, "an empty list of records", remedy);
        }
        let collections: Vec<Collection> = list
            .iter()
            .filter_map(Field::placed)
            .filter_map(|(one, span)| self.collection(form, one, span))
            .collect();
        let also = self.also(&form.also, false);
        let selectors = collections.iter().map(|one| one.select.clone());
        if Selectors::new(selectors).is_none() {
            let remedy = "split the route, or write shorter paths: 64 steps are the most, with one for each collection";
            self.sink
                .at(&self.head(span), "too many collections", remedy);
        }
        let mut collections = collections.into_iter();
        let first = collections.next()?;
        Some(RecordRule {
            origin: origin.clone(),
            select: Select::Path(first.select),
            owner: first.owner,
            others: first.others,
            also,
            is_optional: first.is_optional,
            further: collections.collect(),
        })
    }

    fn collection(
        &self,
        route: &RouteForm,
        form: &CollectionForm,
        span: &Range<usize>,
    ) -> Option<Collection> {
        let at = self.need(&form.at, span, "at", "\"$.orders[*]\"");
        self.need(&form.owner, span, "owner", "\"$.customer.id\"");
        let owner = self.owners(&form.owner, false);
        let (text, span) = at?;
        if text == "anywhere" {
            let remedy =
                "write `records: anywhere` alone: it covers every object with the owner's name";
            self.sink
                .at(span, "`anywhere` in a list of records", remedy);
            return None;
        }
        let select = self.selector(text, span)?;
        let optional = form.optional.value().or(route.optional.value());
        let said = if form.others.is_absent() {
            &route.others
        } else {
            &form.others
        };
        Some(Collection {
            select,
            owner,
            others: others(said),
            is_optional: optional.copied().unwrap_or(false),
        })
    }

    fn check_without_records(
        &self,
        form: &RouteForm,
        owner: &Field<OwnersForm>,
        is_path_owned: bool,
    ) {
        let owner_key = if is_path_owned {
            "record_owner"
        } else {
            "owner"
        };
        let has_rule = !form.rows.is_absent() || !form.html.is_absent();
        let keys = [
            (owner.span(), owner_key),
            (form.others.span().filter(|_| !has_rule), "others"),
            (form.also.span(), "also"),
            (form.optional.span().filter(|_| !has_rule), "optional"),
        ];
        for (span, key) in keys {
            if let Some(span) = span {
                let message = format!("`{key}` without `records`");
                let remedy = "say which parts of the answer are records: `records: \"$.items[*]\"`, or `records: anywhere`";
                self.sink.at(&self.head(span), message, remedy);
            }
        }
    }

    pub(super) fn also(
        &self,
        field: &Field<Vec<Field<String>>>,
        is_anywhere: bool,
    ) -> Vec<Selector> {
        if let (true, Some(span)) = (is_anywhere, field.span()) {
            let remedy = "take it out: what lies outside the records passes anyway, scanned";
            self.sink.at(
                &self.head(span),
                "`also` beside `records: anywhere`",
                remedy,
            );
            return Vec::new();
        }
        let texts = field
            .value()
            .into_iter()
            .flatten()
            .filter_map(Field::placed);
        texts
            .filter_map(|(text, span)| self.selector(text, span))
            .collect()
    }
}

/// What becomes of the others' records.
pub(super) fn others(word: &Field<OthersWord>) -> Others {
    match word.value() {
        Some(OthersWord::Block) => Others::Block,
        Some(OthersWord::Hide) => Others::Hide,
        Some(OthersWord::Redact) => Others::Redact,
        Some(OthersWord::Drop) | None => Others::Drop,
    }
}
