//! The `routes` section: what each route covers, and what becomes of its answers.

use std::ops::Range;
use std::sync::Arc;

use crate::capability::Rule;
use crate::json::{Selector, SelectorErrorKind};
use crate::policy::compile::Compiler;
use crate::policy::document::{KindWord, OthersWord, RouteForm};
use crate::policy::field::{Either, Field};
use crate::policy::pattern::Pattern;
use crate::policy::route::{Effect, Route, Table};
use crate::policy::suggest;
use crate::policy::treatment::{DetectPlan, Kind, Others, RecordRule, Select, Treatment};
use crate::types::Origin;

/// One owner, or several of which any may be the subject.
type Owners = Either<Field<String>, Vec<Field<String>>>;

impl Compiler {
    pub(super) fn routes(
        &mut self,
        forms: &[Field<RouteForm>],
        span: &Range<usize>,
        detect: Option<&Arc<DetectPlan>>,
    ) -> Option<Table> {
        if forms.is_empty() {
            let remedy = "name what may pass; what no route names is blocked";
            self.sink
                .at(&self.head(span), "a policy without routes", remedy);
        }
        let mut patterns: Vec<(Pattern, &str, &Range<usize>)> = Vec::new();
        let mut routes = Vec::new();
        for (form, span) in forms.iter().filter_map(Field::placed) {
            let pattern = self.pattern(form, span);
            if let Some((pattern, text, place)) = &pattern {
                patterns.push((pattern.clone(), text, place));
            }
            let route = self.route(form, span, pattern, detect);
            routes.extend(route.map(Arc::new));
        }
        self.check_overlaps(&patterns);
        Some(Table::new(routes))
    }

    fn pattern<'f>(
        &self,
        form: &'f RouteForm,
        span: &Range<usize>,
    ) -> Option<(Pattern, &'f str, &'f Range<usize>)> {
        let (text, span) = self.need(&form.pattern, span, "match", "GET /path")?;
        match Pattern::parse(text) {
            Ok(pattern) => Some((pattern, text, span)),
            Err(error) => {
                let place = self.inside(span, text, error.offset);
                self.sink.at(&place, error.message, error.remedy);
                None
            }
        }
    }

    fn route(
        &self,
        form: &RouteForm,
        span: &Range<usize>,
        pattern: Option<(Pattern, &str, &Range<usize>)>,
        detect: Option<&Arc<DetectPlan>>,
    ) -> Option<Route> {
        let place = form.pattern.span().unwrap_or(span);
        let text = form.pattern.value().map_or("", String::as_str);
        let origin = self.origin(text, place);
        let rule = self.rule(&form.authorize);
        let effect = if form.deny.is_absent() {
            self.treatment(
                form,
                place,
                &origin,
                pattern.as_ref().map(|(p, ..)| p),
                detect,
            )
        } else {
            self.denial(form)
        };
        Some(Route {
            pattern: pattern?.0,
            origin,
            rule,
            effect: effect?,
        })
    }

    fn rule(&self, field: &Field<String>) -> Option<Rule> {
        let (text, span) = field.placed()?;
        match Rule::parse(text) {
            Ok(rule) => Some(rule),
            Err(error) => {
                let place = self.inside(span, text, error.offset);
                let remedy = "write Biscuit Datalog: `allow if user($u), group($u, \"buyers\")`";
                self.sink.at(&place, format!("not a rule: {error}"), remedy);
                None
            }
        }
    }

    fn denial(&self, form: &RouteForm) -> Option<Effect> {
        let others = [
            (form.records.span(), "records"),
            (form.owner.span(), "owner"),
            (form.record_owner.span(), "record_owner"),
            (form.others.span(), "others"),
            (form.also.span(), "also"),
            (form.optional.span(), "optional"),
            (form.read_as.span(), "as"),
            (form.content.span(), "content"),
            (form.cors.span(), "cors"),
            (form.csp.span(), "csp"),
            (form.public.span(), "public"),
            (form.authorize.span(), "authorize"),
        ];
        for (span, key) in others {
            if let Some(span) = span {
                let message = format!("`{key}` beside `deny`");
                let remedy = "a denied route lets nothing pass: keep one of the two";
                self.sink.at(&self.head(span), message, remedy);
            }
        }
        let reason = self.reason(&form.deny)?;
        Some(Effect::Deny(reason.trim().into()))
    }

    fn treatment(
        &self,
        form: &RouteForm,
        place: &Range<usize>,
        origin: &Origin,
        pattern: Option<&Pattern>,
        detect: Option<&Arc<DetectPlan>>,
    ) -> Option<Effect> {
        let path_owner = form.owner.value().and_then(path_owner);
        if let (Some((name, span)), Some(pattern)) = (path_owner, pattern) {
            self.check_path_owner(name, span, pattern);
        }
        let nothing = form.records.is_absent() && form.public.is_absent();
        if nothing && path_owner.is_some() {
            let remedy = "the path says whose page it is, not whose data is on it: add `records` and `record_owner`, or `public` with the reason";
            self.sink.at(place, "no rule on the answer", remedy);
        } else if nothing && form.owner.is_absent() {
            let message = if form.authorize.is_absent() {
                "a route that says nothing"
            } else {
                "`authorize` says who may ask, not whose data the answer is"
            };
            let remedy = "add `records` and `owner`, or `deny` or `public` with the reason";
            self.sink.at(place, message, remedy);
        }
        let records = self.records(form, origin, path_owner.is_some());
        Some(Effect::Treat {
            path_owner: path_owner.map(|(name, _)| name.into()),
            treatment: Arc::new(Treatment {
                origin: origin.clone(),
                records: records.map(Arc::new),
                public: self.reason(&form.public).map(|reason| reason.trim().into()),
                read_as: form.read_as.value().map(|word| match word {
                    KindWord::Json => Kind::Json,
                    KindWord::Ndjson => Kind::Ndjson,
                    KindWord::Text => Kind::Text,
                }),
                content: self.content(form),
                csp: self.csp(form),
                cors: self.origins(&form.cors),
                detect: Arc::clone(detect?),
            }),
        })
    }

    fn check_path_owner(&self, name: &str, span: &Range<usize>, pattern: &Pattern) {
        let names: Vec<&str> = pattern.params().collect();
        if names.contains(&name) {
            return;
        }
        let remedy = match suggest::nearest(name, &names) {
            Some(near) => format!("did you mean `\"{{{near}}}\"`?"),
            None => format!("put `{{{name}}}` into the path, or name a member with `$.{name}`"),
        };
        let message = format!("`match` has no `{{{name}}}`");
        self.sink.at(span, message, remedy);
    }

    fn records(
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
        let Some((text, span)) = form.records.placed() else {
            if form.records.is_absent() {
                self.check_without_records(form, owner, is_path_owned);
            }
            return None;
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
            others: match form.others.value() {
                Some(OthersWord::Block) => Others::Block,
                Some(OthersWord::Hide) => Others::Hide,
                Some(OthersWord::Redact) => Others::Redact,
                Some(OthersWord::Drop) | None => Others::Drop,
            },
            also,
            is_optional: form.optional.value().copied().unwrap_or(false),
        })
    }

    fn check_without_records(&self, form: &RouteForm, owner: &Field<Owners>, is_path_owned: bool) {
        let owner_key = if is_path_owned {
            "record_owner"
        } else {
            "owner"
        };
        let keys = [
            (owner.span(), owner_key),
            (form.others.span(), "others"),
            (form.also.span(), "also"),
            (form.optional.span(), "optional"),
        ];
        for (span, key) in keys {
            if let Some(span) = span {
                let message = format!("`{key}` without `records`");
                let remedy = "say which parts of the answer are records: `records: \"$.items[*]\"`, or `records: anywhere`";
                self.sink.at(&self.head(span), message, remedy);
            }
        }
    }

    fn owners(&self, field: &Field<Owners>, is_anywhere: bool) -> Vec<Selector> {
        let Some((owners, span)) = field.placed() else {
            return Vec::new();
        };
        if owners.all().is_empty() {
            self.sink
                .at(span, "an empty list of owners", "name at least one member");
        }
        let owners = owners.all().iter().filter_map(Field::placed);
        owners
            .filter_map(|(text, span)| self.owner(text, span, is_anywhere))
            .collect()
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
        if !selector.is_singular() || selector.is_root() {
            let message = if selector.is_root() {
                "a record is not its own owner"
            } else {
                "an owner's path that may name several members"
            };
            let remedy =
                "write names and indices alone: `$.customer.id`; several owners go into a list";
            self.sink.at(span, message, remedy);
            return None;
        }
        Some(selector)
    }

    fn also(&self, field: &Field<Vec<Field<String>>>, is_anywhere: bool) -> Vec<Selector> {
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

    fn selector(&self, text: &str, span: &Range<usize>) -> Option<Selector> {
        match Selector::parse(text) {
            Ok(selector) => Some(selector),
            Err(error) => {
                let place = self.inside(span, text, error.offset);
                let (message, remedy) = match error.kind {
                    SelectorErrorKind::Invalid => (
                        format!("not a JSONPath: {}", error.reason),
                        "write an RFC 9535 selector, such as `$.orders[*]`",
                    ),
                    SelectorErrorKind::Unsupported => (
                        format!("unsupported JSONPath: {}", error.reason),
                        "see the supported subset in docs/policy-reference.md",
                    ),
                };
                self.sink.at(&place, message, remedy);
                None
            }
        }
    }

    fn check_overlaps(&self, patterns: &[(Pattern, &str, &Range<usize>)]) {
        for (at, (pattern, text, span)) in patterns.iter().enumerate() {
            let before = patterns.iter().take(at);
            let mut twins = before.filter(|(other, ..)| pattern.is_ambiguous_with(other));
            if let Some((_, twin, place)) = twins.next() {
                let (line, _) = self.sink.source.position(place.start);
                let message = format!("as specific as `{twin}` in line {line}");
                let remedy =
                    "some request would fall under both: keep one, or make one more specific";
                self.sink.at(span, message, remedy);
                continue;
            }
            let others = patterns
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != at);
            let others: Vec<&Pattern> = others.map(|(_, (pattern, ..))| pattern).collect();
            if pattern.is_shadowed_by(&others) {
                let message = format!("no request can reach `{text}`");
                let remedy = "more specific routes cover everything under it: take it out";
                self.sink.at(span, message, remedy);
            }
        }
    }
}

/// The name in `"{name}"`, where it stands alone.
fn path_owner(owners: &Owners) -> Option<(&str, &Range<usize>)> {
    let Either::Plain(field) = owners else {
        return None;
    };
    let (text, span) = field.placed()?;
    let name = text.strip_prefix('{')?.strip_suffix('}')?;
    Some((name, span))
}
