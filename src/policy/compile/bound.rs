//! What a policy asks of the preview's binding: its keys, its reviewers, its levels.

use std::ops::Range;

use crate::capability::RootKey;
use crate::capability::binding::{Review, ReviewError, Reviewer};
use crate::policy::Bound;
use crate::policy::compile::Compiler;
use crate::policy::document::{Document, LevelWord, ReviewForm, RouteForm, SubjectsWord};
use crate::policy::field::{Either, Field};
use crate::types::Level;

impl Compiler {
    /// The demands on the binding; `Some(None)` where there are none, and none where a mistake was noted.
    pub(super) fn bound(
        &mut self,
        document: &Document,
        root: &Range<usize>,
    ) -> Option<Option<Bound>> {
        let is_asked = !document.binding.is_absent() || !document.review.is_absent();
        let sharing = self.sharing(document);
        if !is_asked {
            if let Some(span) = document.subjects.span() {
                let message = "`subjects` without `binding` or `review`";
                let remedy = "add `review`: without a binding, a pod serves whoever may ask";
                self.sink.at(&self.head(span), message, remedy);
            }
            return Some(None);
        }
        let keys = self.binding_keys(document, root);
        let review = match document.review.placed() {
            Some((form, span)) => Some(self.review(form, span)?),
            None if document.review.is_absent() => None,
            None => return None,
        };
        if let (Some(_), None, Some(span)) = (&sharing, &review, document.subjects.span()) {
            let remedy = "add `review`: a pod that several users share must be cleared";
            self.sink
                .at(&self.head(span), "`shared` without `review`", remedy);
        }
        Some(Some(Bound {
            keys: keys?,
            review,
            sharing,
        }))
    }

    fn binding_keys(&mut self, document: &Document, root: &Range<usize>) -> Option<Vec<RootKey>> {
        let own = document.binding.value().map(|form| &form.root_keys);
        let tokens = document.capability.value();
        let issuers = tokens.and_then(|form| form.biscuit.value());
        let (files, span) = match (own, issuers) {
            (Some(own), _) if !own.is_absent() => own.placed()?,
            (_, Some(issuers)) if !issuers.root_keys.is_absent() => issuers.root_keys.placed()?,
            _ => {
                let place = document.binding.span().or(document.review.span());
                let place = self.head(place.unwrap_or(root));
                let message = "no key for bindings";
                let remedy = "add `binding: { root_keys: [keys/deployer.pub] }`";
                self.sink.at(&place, message, remedy);
                return None;
            }
        };
        if files.is_empty() || files.len() > 8 {
            let remedy = "list the key files of whoever deploys previews, up to 8";
            self.sink.at(span, "no key, or more than 8", remedy);
        }
        let keys = self.root_keys(files)?;
        if !keys.iter().all(RootKey::is_ed25519) {
            let message = "keys for bindings must be Ed25519";
            let remedy = "make one with `chaperone token keygen`";
            self.sink.at(span, message, remedy);
        }
        Some(keys)
    }

    fn review(&mut self, form: &ReviewForm, parent: &Range<usize>) -> Option<Review> {
        let require = form
            .require
            .value()
            .map_or(Level::OkToTest, |word| word.level());
        let approvals = form.approvals.value().copied().unwrap_or(1);
        let (files, span) = self.need(
            &form.reviewers,
            parent,
            "reviewers",
            "[keys/maintainers.pub]",
        )?;
        let mut reviewers = Vec::new();
        let mut is_sound = true;
        for (name, span) in files.iter().filter_map(Field::placed) {
            let Some(text) = self.key_file(name, span) else {
                is_sound = false;
                continue;
            };
            for (number, line) in lines(&text) {
                match Reviewer::parse(line) {
                    Ok(reviewer) => reviewers.push(reviewer),
                    Err(error) => {
                        is_sound = false;
                        let message = format!("`{name}`, line {number}: {error}");
                        let remedy = "name each reviewer as the forge and the tokens do";
                        self.sink.at(span, message, remedy);
                    }
                }
            }
        }
        if !is_sound {
            return None;
        }
        let approvals = usize::try_from(approvals).unwrap_or(usize::MAX);
        match Review::new(require, reviewers, approvals) {
            Ok(review) => Some(review),
            Err(error) => {
                let place = match error {
                    ReviewError::Few | ReviewError::Nothing => form.approvals.span(),
                    _ => None,
                };
                let remedy =
                    "list more reviewers, each with one key and one name, or ask fewer to agree";
                self.sink
                    .at(place.unwrap_or(span), error.to_string(), remedy);
                None
            }
        }
    }

    /// Why several users may share a pod.
    fn sharing(&self, document: &Document) -> Option<Box<str>> {
        match document.subjects.placed()? {
            (Either::Plain(SubjectsWord::One), _) => None,
            (Either::Plain(SubjectsWord::Shared), span) => {
                let remedy = "write `subjects: { shared: \"why this app can't carry data from user to user\" }`";
                self.sink.at(span, "`shared` without a reason", remedy);
                None
            }
            (Either::Nested(form), span) => {
                self.need(&form.shared, span, "shared", "\"why\"");
                self.reason(&form.shared).map(|reason| reason.trim().into())
            }
        }
    }

    /// The level that a route states.
    pub(super) fn level(&self, form: &RouteForm) -> Option<Level> {
        let stated = form.level.placed();
        let Some((true, span)) = form.synthetic.placed() else {
            return stated.map(|(word, _)| word.level());
        };
        if stated.is_some() {
            let remedy = "made-up data needs no level: keep one of the two";
            self.sink.at(span, "`synthetic` beside `level`", remedy);
        }
        Some(Level::Unreviewed)
    }

    /// Warns of routes with people's data that need no approval, and refuses words without a meaning.
    pub(super) fn check_levels(&self, document: &Document) {
        let routes = document.routes.value().into_iter().flatten();
        let routes = routes.filter_map(Field::placed);
        let data = routes.filter(|(form, _)| form.has_owners());
        if document.review.is_absent() {
            self.refuse_levels(document);
            let places: Vec<_> = data.map(|(form, span)| place(form, span)).collect();
            if let Some(first) = places.first() {
                let message = match places.len() {
                    1 => "a route with data that needs no approval".to_owned(),
                    count => format!("{count} routes with data that need no approval"),
                };
                let remedy = "add `review`, so that code which nobody reviewed meets no data";
                self.sink.warn(first, message, remedy);
            }
            return;
        }
        for (form, span) in data {
            if form.synthetic.value() == Some(&true) {
                let message = "a route with owners that needs no approval";
                let remedy = "take `synthetic` out, unless all of its records are made up";
                self.sink.warn(place(form, span), message, remedy);
            }
        }
    }

    /// Without `review`, nobody grants a level.
    fn refuse_levels(&self, document: &Document) {
        let remedy = "add `review` with the reviewers who grant levels, or take it out";
        let routes = document.routes.value().into_iter().flatten();
        for (form, _) in routes.filter_map(Field::placed) {
            for (span, key) in [
                (form.level.span(), "level"),
                (form.synthetic.span(), "synthetic"),
            ] {
                if let Some(span) = span {
                    let message = format!("`{key}` without `review`");
                    self.sink.at(&self.head(span), message, remedy);
                }
            }
        }
        let embargoes = document.embargo.value().into_iter().flatten();
        for (form, _) in embargoes.filter_map(Field::placed) {
            if let Some(span) = form.except.span() {
                let message = "an embargo's `except` without `review`";
                self.sink.at(&self.head(span), message, remedy);
            }
        }
    }
}

impl LevelWord {
    fn level(self) -> Level {
        match self {
            Self::OkToTest => Level::OkToTest,
            Self::Cleared => Level::Cleared,
        }
    }
}

fn place<'f>(form: &'f RouteForm, span: &'f Range<usize>) -> &'f Range<usize> {
    form.pattern.span().unwrap_or(span)
}

/// The lines that say something, and their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    lines
        .map(|(number, line)| (number + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}
