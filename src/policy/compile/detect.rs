//! The `detect` and `embargo` sections: everything that is looked for, compiled into one automaton.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::{Date, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::policy::built_in;
use crate::policy::compile::Compiler;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::dictionary::terms;
use crate::policy::document::{
    ActionForm, ActionWord, DetectForm, EmbargoForm, ExceptForm, GrantForm, LevelWord,
};
use crate::policy::field::{Either, Field};
use crate::policy::files::List;
use crate::policy::source::Source;
use crate::policy::suggest;
use crate::policy::treatment::{Action, Class, DetectPlan, DetectRule, Exception, Grant};
use crate::scan::{
    BuildError, BuildErrorKind, Detector, DictionaryErrorKind, PatternId, PatternSet, packs,
};
use crate::types::{Control, Level};

/// An embargo opens this long after its instant: the most that clocks may differ by.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// The patterns so far, and the rule behind each: a pattern's id is its rule's index.
#[derive(Default)]
struct Plan {
    set: PatternSet,
    rules: Vec<DetectRule>,
    names: BTreeMap<String, u32>,
}

/// One built-in detector that the policy uses.
struct Used<'f> {
    detector: &'static Detector,
    is_credential: bool,
    is_named: bool,
    form: &'f DetectForm,
    span: &'f Range<usize>,
}

impl Compiler {
    pub(super) fn detect(
        &mut self,
        detect: &Field<Vec<Field<DetectForm>>>,
        embargo: &Field<Vec<Field<EmbargoForm>>>,
        own: Vec<Box<str>>,
    ) -> Option<DetectPlan> {
        let mut plan = Plan::default();
        let mut used: BTreeMap<&'static str, Used<'_>> = BTreeMap::new();
        for (form, span) in detect
            .value()
            .into_iter()
            .flatten()
            .filter_map(Field::placed)
        {
            self.detect_rule(form, span, &mut used, &mut plan);
        }
        for used in used.values() {
            self.built_in(used, &mut plan);
        }
        for (form, span) in embargo
            .value()
            .into_iter()
            .flatten()
            .filter_map(Field::placed)
        {
            self.embargo(form, span, &mut plan);
        }
        if plan.rules.is_empty() {
            return Some(DetectPlan {
                automaton: None,
                rules: Vec::new(),
                own,
            });
        }
        let place = detect.span().or(embargo.span());
        match plan.set.build() {
            Ok(automaton) => Some(DetectPlan {
                automaton: Some(automaton),
                rules: plan.rules,
                own,
            }),
            Err(error) => {
                let place = self.head(place.unwrap_or(&(0..0)));
                self.sink.at(&place, error.to_string(), error.remedy());
                None
            }
        }
    }

    fn detect_rule<'f>(
        &mut self,
        form: &'f DetectForm,
        span: &'f Range<usize>,
        used: &mut BTreeMap<&'static str, Used<'f>>,
        plan: &mut Plan,
    ) {
        let ways = [
            form.packs.is_absent(),
            form.pattern.is_absent(),
            form.dictionary.is_absent(),
        ];
        let head = self.head(span);
        match ways.iter().filter(|absent| !**absent).count() {
            0 => {
                let remedy = "add `use: [pii]`, `pattern` or `dictionary`";
                self.sink.at(&head, "a rule that looks for nothing", remedy);
            }
            1 => {}
            _ => {
                let message = "more than one of `use`, `pattern` and `dictionary`";
                self.sink.at(&head, message, "write one rule for each");
            }
        }
        if let (true, Some(span)) = (form.dictionary.is_absent(), form.disclose.span()) {
            let remedy = "take it out: detectors and own patterns are always named, dictionaries when they say so";
            self.sink
                .at(span, "`disclose` without `dictionary`", remedy);
        }
        if !form.packs.is_absent() {
            if let Some(span) = form.id.span() {
                let remedy = "take it out: built-in detectors have their own names";
                self.sink.at(span, "`id` beside `use`", remedy);
            }
            if let Some(span) = form.control.span() {
                let remedy = "take it out: built-in detectors know their control";
                self.sink.at(span, "`control` beside `use`", remedy);
            }
            self.used(form, used);
        } else if !form.pattern.is_absent() || !form.dictionary.is_absent() {
            self.own_rule(form, span, plan);
        }
    }

    fn own_rule(&mut self, form: &DetectForm, span: &Range<usize>, plan: &mut Plan) {
        if let Some((id, place)) = self.need(&form.id, span, "id", "a-name") {
            self.claim(id, place, plan);
            if let Some((pattern, place)) = form.pattern.placed() {
                self.own_pattern(form, id, pattern, place, plan);
            } else if let Some((file, place)) = form.dictionary.placed() {
                self.dictionary(form, id, file, place, plan);
            }
        }
    }

    /// Collects the detectors behind `use`: one named by itself wins over its pack.
    fn used<'f>(&self, form: &'f DetectForm, used: &mut BTreeMap<&'static str, Used<'f>>) {
        let names = form.packs.value().into_iter().flatten();
        for (name, span) in names.filter_map(Field::placed) {
            let all = packs().iter().flat_map(|pack| {
                let detectors = pack.detectors.iter();
                detectors.map(move |detector| (pack, detector))
            });
            let mut found = false;
            for (pack, detector) in all {
                let is_named = *detector.name == **name;
                if !is_named && *pack.name != **name {
                    continue;
                }
                found = true;
                let known = used.get(&*detector.name);
                if let Some(known) = known.filter(|known| known.is_named == is_named) {
                    let (line, _) = self.sink.source.position(known.span.start);
                    let message = format!("`{}` is in use since line {line}", detector.name);
                    self.sink.at(span, message, "use it once");
                    break;
                }
                if known.is_none_or(|known| !known.is_named) {
                    let one = Used {
                        detector,
                        is_credential: pack.is_credential,
                        is_named,
                        form,
                        span,
                    };
                    used.insert(&detector.name, one);
                }
            }
            if !found {
                self.unknown_detector(name, span);
            }
        }
    }

    fn unknown_detector(&self, name: &str, span: &Range<usize>) {
        let (message, remedy) = built_in::unknown(name);
        self.sink.at(span, message, remedy);
    }

    fn built_in(&self, used: &Used<'_>, plan: &mut Plan) {
        let added = plan.set.detector(used.detector);
        let control = if used.is_credential {
            Control::Credential
        } else {
            Control::Leak
        };
        let rule = DetectRule {
            origin: self.origin(&used.detector.name, used.span),
            detector: Arc::from(&*used.detector.name),
            class: Class::Detector,
            action: self.action(&used.form.action, Action::Redact),
            control,
            except: self.exceptions(&used.form.except),
            grant: None,
            discloses: true,
        };
        self.add(added, rule, used.span, "", plan);
    }

    fn own_pattern(
        &self,
        form: &DetectForm,
        id: &str,
        pattern: &str,
        span: &Range<usize>,
        plan: &mut Plan,
    ) {
        let added = plan.set.regex(pattern);
        let rule = DetectRule {
            origin: self.origin(id, span),
            detector: id.into(),
            class: Class::Detector,
            action: self.action(&form.action, Action::Redact),
            control: control(form),
            except: self.exceptions(&form.except),
            grant: None,
            discloses: true,
        };
        self.add(added, rule, span, pattern, plan);
    }

    fn dictionary(
        &mut self,
        form: &DetectForm,
        id: &str,
        file: &str,
        span: &Range<usize>,
        plan: &mut Plan,
    ) {
        let list = match self.files.dictionary(Path::new(file)) {
            Ok(list) => list,
            Err(error) => {
                let (message, remedy) = match error.kind() {
                    DictionaryErrorKind::Io(cause) => {
                        let message = format!("the dictionary `{file}` can't be read: {cause}");
                        let remedy =
                            "put it there, one term a line; names are relative to the policy file";
                        (message, remedy)
                    }
                    _ => (format!("`{file}`: {error}"), error.remedy()),
                };
                self.sink.at(span, message, remedy);
                return;
            }
        };
        let added = match &list {
            List::Compiled(dictionary) => plan.set.dictionary(dictionary.clone()),
            List::Terms(text) => {
                let terms: Vec<&str> = terms(text).collect();
                if terms.is_empty() {
                    let message = format!("the dictionary `{file}` has no terms");
                    self.sink.at(span, message, "write one term a line");
                    return;
                }
                let added = plan.set.terms(terms);
                if added.is_err() && self.blame_terms(file, text) {
                    return;
                }
                added
            }
        };
        let rule = DetectRule {
            origin: self.origin(id, span),
            detector: id.into(),
            class: Class::Dictionary,
            action: self.action(&form.action, Action::Redact),
            control: control(form),
            except: self.exceptions(&form.except),
            grant: None,
            discloses: form.disclose.value().copied().unwrap_or(false),
        };
        self.add(added, rule, span, "", plan);
    }

    /// Points at the lines of a dictionary that can't be terms; false when each alone could.
    fn blame_terms(&self, file: &str, text: &str) -> bool {
        let source = Arc::new(Source::new(file, text));
        let mut found = false;
        for line in terms(text) {
            if let Err(error) = PatternSet::new().terms([line]) {
                let start = (line.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
                let span = start..start + line.len();
                let diagnostic = Diagnostic::new(&source, span, error.to_string());
                self.sink.note(diagnostic.advising(error.remedy()));
                found = true;
            }
        }
        found
    }

    fn embargo(&self, form: &EmbargoForm, span: &Range<usize>, plan: &mut Plan) {
        let id = self.need(&form.id, span, "id", "a-name");
        if let Some((id, place)) = id {
            self.claim(id, place, plan);
        }
        let opens = form.until.placed().and_then(|(text, span)| {
            let opens = text.parse::<Timestamp>().ok();
            let opens = opens.and_then(|instant| instant.checked_add(SKEW).ok());
            if opens.is_none() {
                let remedy = "write the instant with its offset: `2027-03-01T09:00:00Z`";
                self.sink.at(
                    span,
                    format!("`{}` is no instant", suggest::shorten(text)),
                    remedy,
                );
            }
            opens
        });
        let terms = self.need(&form.terms, span, "terms", "[Falcon IX]");
        let Some((terms, terms_span)) = terms else {
            return;
        };
        if terms.is_empty() {
            self.sink
                .at(terms_span, "an embargo without terms", "list at least one");
            return;
        }
        let mut words = Vec::new();
        for (term, span) in terms.iter().filter_map(Field::placed) {
            match PatternSet::new().terms([term.as_str()]) {
                Ok(_) => words.push(term.as_str()),
                Err(error) => self.sink.at(span, error.to_string(), error.remedy()),
            }
        }
        let (Some((id, place)), false) = (id, words.is_empty()) else {
            return;
        };
        let added = plan.set.terms(words);
        let rule = DetectRule {
            origin: self.origin(id, place),
            detector: id.as_str().into(),
            class: Class::Embargo { opens },
            action: self.action(&form.action, Action::Block),
            control: Control::Leak,
            except: Vec::new(),
            grant: self.grant(&form.except),
            discloses: form.disclose.value().copied().unwrap_or(false),
        };
        self.add(added, rule, terms_span, "", plan);
    }

    /// Whom an embargo spares.
    fn grant(&self, field: &Field<GrantForm>) -> Option<Grant> {
        let (form, span) = field.placed()?;
        let level = self.need(&form.level, span, "level", "cleared");
        let group = self.need(&form.group, span, "group", "launch-team");
        if let Some((LevelWord::OkToTest, place)) = level {
            let remedy = "write `level: cleared`: embargoed data needs a review of its own";
            self.sink.at(
                place,
                "an embargo opens for nothing less than cleared code",
                remedy,
            );
        }
        let (group, place) = group?;
        if group.trim().is_empty() {
            self.sink.at(
                place,
                "a group without a name",
                "write one, such as `launch-team`",
            );
        }
        level?;
        Some(Grant {
            level: Level::Cleared,
            group: group.as_str().into(),
        })
    }

    fn add(
        &self,
        added: Result<PatternId, BuildError>,
        rule: DetectRule,
        span: &Range<usize>,
        pattern: &str,
        plan: &mut Plan,
    ) {
        match added {
            Ok(_) => plan.rules.push(rule),
            Err(error) => {
                let place = match error.kind() {
                    BuildErrorKind::Syntax { offset, .. } => self.inside(span, pattern, *offset),
                    _ => self.head(span),
                };
                let message = match error.kind() {
                    BuildErrorKind::Syntax { reason, .. } => {
                        format!("not a regular expression: {reason}")
                    }
                    _ => error.to_string(),
                };
                self.sink.at(&place, message, error.remedy());
            }
        }
    }

    /// Takes a name, once.
    fn claim(&self, id: &str, span: &Range<usize>, plan: &mut Plan) {
        if !self.check_name(id, span) {
            return;
        }
        if built_in::is_detector(id) {
            let message = format!("`{id}` is a built-in detector's name");
            self.sink.at(
                span,
                message,
                "choose another: findings are told apart by it",
            );
            return;
        }
        let (line, _) = self.sink.source.position(span.start);
        if let Some(before) = plan.names.insert(id.to_owned(), line) {
            let message = format!("`{id}` is taken since line {before}");
            self.sink.at(span, message, "give each rule its own name");
        }
    }

    fn action(&self, field: &Field<Either<ActionWord, ActionForm>>, default: Action) -> Action {
        match field.value() {
            None => default,
            Some(Either::Plain(ActionWord::Block)) => Action::Block,
            Some(Either::Plain(ActionWord::Mask)) => Action::Mask {
                keep_last: 0,
                number: false,
            },
            Some(Either::Plain(ActionWord::Pseudonymize)) => Action::Pseudonymize,
            Some(Either::Plain(ActionWord::Redact)) => Action::Redact,
            Some(Either::Nested(form)) => {
                if let (true, Some(span)) = (form.mask.is_absent(), field.span()) {
                    let remedy = "write `{ mask: { keep_last: 4 } }`, or one word: redact, mask, pseudonymize, block";
                    self.sink
                        .at(&self.head(span), "an action that says nothing", remedy);
                }
                let mask = form.mask.value();
                let keep = mask.and_then(|mask| mask.keep_last.value());
                let number = mask.and_then(|mask| mask.number.value());
                Action::Mask {
                    keep_last: keep.copied().unwrap_or(0),
                    number: number.copied().unwrap_or(false),
                }
            }
        }
    }

    fn exceptions(&self, field: &Field<Vec<Field<ExceptForm>>>) -> Vec<Exception> {
        let forms = field
            .value()
            .into_iter()
            .flatten()
            .filter_map(Field::placed);
        forms
            .filter_map(|(form, span)| self.exception(form, span))
            .collect()
    }

    fn exception(&self, form: &ExceptForm, span: &Range<usize>) -> Option<Exception> {
        let value = self.need(&form.value, span, "value", "press@shop.example");
        self.need(&form.reason, span, "reason", "printed on every page");
        self.reason(&form.reason);
        let until = form.until.placed().and_then(|(text, span)| {
            let last = last_instant(text);
            if last.is_none() {
                let remedy = "write its last day, `2027-06-30`, or instant, `2027-06-30T12:00:00Z`";
                self.sink.at(
                    span,
                    format!("`{}` is no date", suggest::shorten(text)),
                    remedy,
                );
            }
            last
        });
        let (value, span) = value?;
        if value.trim().is_empty() {
            self.sink
                .at(span, "an empty value", "write the value that may pass");
        }
        Some(Exception {
            value: value.to_ascii_lowercase().into(),
            until,
        })
    }
}

/// The control of an own rule.
fn control(form: &DetectForm) -> Control {
    form.control
        .value()
        .map_or(Control::Leak, |word| word.control())
}

/// The instant itself, or the last one of a day.
fn last_instant(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse() {
        return Some(instant);
    }
    let well_formed = text.len() == 10;
    let date: Date = text.parse().ok().filter(|_| well_formed)?;
    let end = date.to_datetime(time(23, 59, 59, 999_999_999));
    Some(end.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
