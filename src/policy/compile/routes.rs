//! The `routes` section: what each route covers, and what becomes of its answers.

use std::ops::Range;
use std::sync::Arc;

use crate::capability::Rule;
use crate::json::{Selector, SelectorErrorKind};
use crate::policy::compile::Compiler;
use crate::policy::document::{KindWord, OwnersForm, RouteForm};
use crate::policy::field::{Either, Field, OneOrMany};
use crate::policy::pattern::Pattern;
use crate::policy::route::{Effect, Route, Table};
use crate::policy::suggest;
use crate::policy::treatment::{DetectPlan, Kind, Treatment};
use crate::types::{Control, Origin};

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
        self.descriptors(forms);
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
            level: self.level(form),
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
            (form.html.span(), "html"),
            (form.rows.span(), "rows"),
            (form.others.span(), "others"),
            (form.also.span(), "also"),
            (form.optional.span(), "optional"),
            (form.read_as.span(), "as"),
            (form.request.span(), "request"),
            (form.content.span(), "content"),
            (form.cors.span(), "cors"),
            (form.csp.span(), "csp"),
            (form.websocket.span(), "websocket"),
            (form.grpc.span(), "grpc"),
            (form.public.span(), "public"),
            (form.authorize.span(), "authorize"),
            (form.level.span(), "level"),
            (form.synthetic.span(), "synthetic"),
        ];
        for (span, key) in others {
            if let Some(span) = span {
                let message = format!("`{key}` beside `deny`");
                let remedy = "a denied route lets nothing pass: keep one of the two";
                self.sink.at(&self.head(span), message, remedy);
            }
        }
        let reason = self.reason(&form.deny)?;
        let control = form.control.value().map(|word| word.control());
        Some(Effect::Deny(
            reason.trim().into(),
            control.unwrap_or(Control::Delete),
        ))
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
        let rules = [
            form.records.is_absent(),
            form.html.is_absent(),
            form.rows.is_absent(),
            form.public.is_absent(),
        ];
        let nothing = rules.into_iter().all(|is_absent| is_absent);
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
        if let Some(span) = form.control.span() {
            let remedy = "take it out: what this route withholds is a `leak`";
            self.sink
                .at(&self.head(span), "`control` without `deny`", remedy);
        }
        let records = self.records(form, origin, path_owner.is_some());
        let rows = self.rows(form, origin);
        Some(Effect::Treat {
            path_owner: path_owner.map(|(name, _)| name.into()),
            treatment: Arc::new(Treatment {
                origin: origin.clone(),
                records: records.map(Arc::new),
                request: self.request(&form.request, origin).map(Arc::new),
                html: self.html(form, origin).map(Arc::new),
                rows: rows.map(Arc::new),
                public: self.reason(&form.public).map(|reason| reason.trim().into()),
                read_as: form.read_as.value().map(|word| match word {
                    KindWord::Csv => Kind::Csv,
                    KindWord::Events => Kind::Events,
                    KindWord::Html => Kind::Html,
                    KindWord::Json => Kind::Json,
                    KindWord::JsonSeq => Kind::JsonSequence,
                    KindWord::Ndjson => Kind::Ndjson,
                    KindWord::Text => Kind::Text,
                    KindWord::Tsv => Kind::Tsv,
                }),
                content: self.content(form),
                csp: self.csp(form),
                cors: self.origins(&form.cors),
                websocket: self.websocket(form, pattern),
                grpc: self.grpc(form, pattern),
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

    pub(super) fn selector(&self, text: &str, span: &Range<usize>) -> Option<Selector> {
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
fn path_owner(owners: &OwnersForm) -> Option<(&str, &Range<usize>)> {
    let OneOrMany::One(field) = owners else {
        return None;
    };
    let (Either::Plain(text), span) = field.placed()? else {
        return None;
    };
    let name = text.strip_prefix('{')?.strip_suffix('}')?;
    Some((name, span))
}
