//! Runs the policy's detectors over one decoded text and says what has to be replaced in it.
//!
//! INVARIANT: matched text stays inside this file; what leaves it are ranges, replacements, keyed
//! names and counts.

mod known;
mod marks;
mod value;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use self::known::{Known, Short};
use self::marks::Marks;
use self::value::{canonical, is_address, is_same, letters, mask, number};
use crate::filter::report::{Finding, Report};
use crate::filter::{Place, Plan, Side, decode, readings};
use crate::policy::treatment::{Action, Class, DetectRule};
use crate::scan::{Hit, Scanner, Sweep};
use crate::types::{Control, ReasonCode, Refusal};

/// A piece of a text that must not pass, and what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes to replace, as a range in the text that was inspected.
    pub range: Range<usize>,
    /// What stands in their place.
    pub replacement: Box<str>,
    /// What stands in their place where a number has to stay one: as many digits.
    pub number: Option<Box<str>>,
}

/// Looks through the texts of one exchange, one way.
pub struct Inspector {
    plan: Arc<Plan>,
    side: Side,
    own: Vec<Box<str>>,
    hits: Vec<Hit>,
    /// Made when a text in a window is first looked through: few requests have one.
    sweep: Option<Sweep>,
    marks: Marks,
    known: Known,
    report: Report,
}

impl Inspector {
    /// An inspector for what goes one way in the exchange of `plan`.
    #[must_use]
    pub fn new(plan: &Arc<Plan>, side: Side) -> Self {
        let subject = &plan.subject;
        let attributes = plan.treatment.detect.own.iter();
        let own = attributes
            .flat_map(|attribute| subject.values(attribute))
            .cloned()
            .chain([subject.id().into()])
            .collect();
        Self {
            plan: plan.clone(),
            side,
            own,
            hits: Vec::new(),
            sweep: None,
            marks: Marks::default(),
            known: Known::default(),
            report: Report::default(),
        }
    }

    /// Another one for the same exchange, with a report of its own.
    pub(crate) fn anew(&self) -> Self {
        Self::new(&self.plan, self.side)
    }

    /// What it works by.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Which way it looks.
    #[must_use]
    pub fn side(&self) -> Side {
        self.side
    }

    /// What was found and done so far.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Where formats note what they withhold.
    pub(crate) fn report_mut(&mut self) -> &mut Report {
        &mut self.report
    }

    /// Nothing is detected: every text passes.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.plan.treatment.detect.automaton.is_none()
    }

    /// Looks through one whole text: adds what has to be replaced to `edits`, sorted, without overlaps.
    /// In a request, which is refused or left alone, percent-escapes in it are undone and looked through, too; in an
    /// answer they and the content of `data:` URLs, where the text is a value that scripts may take for an address.
    ///
    /// # Errors
    /// Refuses when a rule blocks what it found.
    pub fn inspect(
        &mut self,
        text: &[u8],
        place: &Place<'_>,
        edits: &mut Vec<Edit>,
    ) -> Result<(), Refusal> {
        let Some(automaton) = &self.plan.treatment.detect.automaton else {
            return Ok(());
        };
        if self.has_addresses(place)
            && let Some(layers) = decode::address(text)?
        {
            return decode::search(&layers, text, place, self, edits);
        }
        let before = self.report.found();
        let mut hits = std::mem::take(&mut self.hits);
        hits.clear();
        automaton.find(text, &mut |hit| hits.push(hit));
        let judged = if hits.is_empty() {
            Ok(())
        } else {
            self.judge(&mut hits, text, 0, place, edits)
        };
        self.hits = hits;
        judged?;
        self.inspect_readings(before, text, place, edits)
    }

    /// Whether scripts may take a text at `place` for an address: a browser undoes its escapes then.
    fn has_addresses(&self, place: &Place<'_>) -> bool {
        self.side == Side::Response
            && matches!(
                place,
                Place::Json(_) | Place::Cell { .. } | Place::Column(_) | Place::Event { .. }
            )
    }

    /// Looks through what else `text` of a request says, where nothing was found in it since `before`.
    fn inspect_readings(
        &mut self,
        before: u64,
        text: &[u8],
        place: &Place<'_>,
        edits: &mut Vec<Edit>,
    ) -> Result<(), Refusal> {
        if self.side == Side::Response {
            return Ok(());
        }
        let plan = Arc::clone(&self.plan);
        let Some(automaton) = &plan.treatment.detect.automaton else {
            return Ok(());
        };
        for reading in readings::of(text) {
            // One finding for one text: in the reading that stands nearest to it.
            if self.report.found() != before {
                break;
            }
            let mut hits = Vec::new();
            automaton.find(&reading, &mut |hit| hits.push(hit));
            self.judge(&mut hits, &reading, 0, place, edits)?;
        }
        Ok(())
    }

    /// The same for a text in `window`, which does not change unless [`Inspector::restart`] is called:
    /// fast where texts follow each other. Edits count from the text's first byte.
    ///
    /// # Errors
    /// Refuses when a rule blocks what it found, and a text outside the window.
    pub(crate) fn inspect_in(
        &mut self,
        window: &[u8],
        range: Range<usize>,
        place: &Place<'_>,
        edits: &mut Vec<Edit>,
    ) -> Result<(), Refusal> {
        if self.is_idle() {
            return Ok(());
        }
        let Some(text) = window.get(range.clone()) else {
            return Err(Refusal::new(ReasonCode::Internal));
        };
        let short = match place {
            Place::Json(_) => Short::of(text),
            _ => None,
        };
        let Some(short) = short else {
            return self.look_in(window, range, text, place, edits);
        };
        if self.known.has(&short) {
            return Ok(());
        }
        let before = (edits.len(), self.report.found());
        self.look_in(window, range, text, place, edits)?;
        if before == (edits.len(), self.report.found()) {
            self.known.learn(short);
        }
        Ok(())
    }

    /// The same for a `text` that is not known.
    fn look_in(
        &mut self,
        window: &[u8],
        range: Range<usize>,
        text: &[u8],
        place: &Place<'_>,
        edits: &mut Vec<Edit>,
    ) -> Result<(), Refusal> {
        if self.has_addresses(place)
            && self.marks.may_stand_in(window, &range)
            && let Some(layers) = decode::address(text)?
        {
            return decode::search(&layers, text, place, self, edits);
        }
        let before = self.report.found();
        let base = range.start as u64;
        let Some(automaton) = &self.plan.treatment.detect.automaton else {
            return Ok(());
        };
        let sweep = self.sweep.get_or_insert_with(|| automaton.sweep());
        self.hits.clear();
        sweep.find(window, range, &mut |hit| self.hits.push(hit));
        if !self.hits.is_empty() {
            let mut hits = std::mem::take(&mut self.hits);
            let judged = self.judge(&mut hits, text, base, place, edits);
            self.hits = hits;
            judged?;
        }
        self.inspect_readings(before, text, place, edits)
    }

    /// What windows hold has changed.
    pub(crate) fn restart(&mut self) {
        self.marks.restart();
        if let Some(sweep) = &mut self.sweep {
            sweep.restart();
        }
    }

    /// A scanner for a text that comes in pieces; its hits go to [`Inspector::judge`].
    pub(crate) fn scanner(&self) -> Option<Scanner> {
        let automaton = self.plan.treatment.detect.automaton.as_ref()?;
        Some(automaton.scanner())
    }

    /// Judges hits in `text`, which begins at `base` in the counting of their spans; empties `hits`
    /// of those that are exempt, sorts the rest.
    pub(crate) fn judge(
        &mut self,
        hits: &mut Vec<Hit>,
        text: &[u8],
        base: u64,
        place: &Place<'_>,
        edits: &mut Vec<Edit>,
    ) -> Result<(), Refusal> {
        let plan = self.plan.clone();
        let rules = |hit: &Hit| plan.treatment.detect.rule(hit.pattern);
        let mut is_sound = true;
        hits.retain(|hit| {
            if let (Some(rule), Some(value)) = (rules(hit), slice(text, hit, base)) {
                return self.acts(rule, value, place);
            }
            is_sound = false;
            false
        });
        if !is_sound {
            return Err(Refusal::new(ReasonCode::Internal));
        }
        hits.sort_unstable_by_key(|hit| {
            (
                hit.span.start,
                std::cmp::Reverse(hit.span.end),
                hit.pattern.index(),
            )
        });
        let mut blocked = None;
        let mut rest = hits.as_slice();
        while let Some((cluster, after)) = split_cluster(rest) {
            rest = after;
            let mut strongest: Option<(&DetectRule, Action)> = None;
            for hit in cluster {
                let Some(rule) = rules(hit) else { continue };
                let action = self.action(rule);
                if strongest.is_none_or(|(_, other)| rank(action) > rank(other)) {
                    strongest = Some((rule, action));
                }
                if !cluster
                    .iter()
                    .any(|other| covers(other, hit, &rules, |r| self.action(r)))
                {
                    self.note(rule, action, hit, text, base, place);
                }
            }
            let Some((rule, action)) = strongest else {
                continue;
            };
            if action == Action::Block {
                blocked.get_or_insert_with(|| self.refusal(rule));
            } else if let Some(range) = union(cluster, base)
                && let Some(value) = text.get(range.clone())
            {
                let action = match action {
                    Action::Mask { .. } => least_kept(cluster, text, base, |hit| {
                        rules(hit).map(|rule| self.action(rule))
                    }),
                    other => other,
                };
                edits.push(Edit {
                    range,
                    replacement: self.replacement(rule, action, value),
                    number: number(action, value),
                });
            }
        }
        match blocked {
            None => Ok(()),
            Some(refusal) if self.plan.is_observing => {
                self.report.refuse(&refusal);
                Ok(())
            }
            Some(refusal) => Err(refusal),
        }
    }

    /// Whether `rule` does anything about `value` here and now.
    fn acts(&self, rule: &DetectRule, value: &[u8], place: &Place<'_>) -> bool {
        let now = self.plan.context.now;
        // A cookie is what the app knows its user's session by: a credential is what belongs there.
        if matches!(place, Place::Cookie(_)) && rule.control == Control::Credential {
            return false;
        }
        match rule.class {
            Class::Embargo { opens } => {
                let (subject, level) = (&self.plan.subject, self.plan.level);
                let grant = rule.grant.as_ref();
                return opens.is_none_or(|opens| now < opens)
                    && !grant.is_some_and(|grant| grant.covers(subject, level));
            }
            Class::Detector if self.side == Side::Request && rule.action != Action::Block => {
                return false;
            }
            Class::Detector | Class::Dictionary => {}
        }
        let is_excepted = rule.except.iter().any(|exception| {
            exception.until.is_none_or(|until| now <= until)
                && value.eq_ignore_ascii_case(exception.value.as_bytes())
        });
        !is_excepted && !self.own.iter().any(|own| is_same(rule, value, own))
    }

    /// Requests are refused or left alone, never changed.
    fn action(&self, rule: &DetectRule) -> Action {
        match self.side {
            Side::Request => Action::Block,
            Side::Response => rule.action,
        }
    }

    fn refusal(&self, rule: &DetectRule) -> Refusal {
        let code = match (self.side, rule.class) {
            (Side::Request, _) => ReasonCode::RequestFinding,
            (Side::Response, Class::Embargo { .. }) => ReasonCode::Embargo,
            (Side::Response, Class::Detector | Class::Dictionary) => ReasonCode::DetectorBlock,
        };
        let refusal = Refusal::new(code);
        if rule.discloses {
            refusal.by(&rule.origin)
        } else {
            refusal
        }
    }

    fn note(
        &mut self,
        rule: &DetectRule,
        action: Action,
        hit: &Hit,
        text: &[u8],
        base: u64,
        place: &Place<'_>,
    ) {
        let Some(value) = slice(text, hit, base) else {
            return;
        };
        let context = &self.plan.context;
        self.report.find(rule, action, || Finding {
            detector: rule.detector.clone(),
            path: place.path(),
            masked: place.masked(),
            start: place.offset() + (hit.span.start - base),
            end: place.offset() + (hit.span.end - base),
            action,
            fingerprint: context.key.name(
                "finding",
                &[
                    context.preview.as_bytes(),
                    rule.detector.as_bytes(),
                    &value.to_ascii_lowercase(),
                ],
            ),
        });
    }

    fn replacement(&self, rule: &DetectRule, action: Action, value: &[u8]) -> Box<str> {
        match action {
            Action::Block | Action::Redact => format!("[redacted:{}]", rule.detector).into(),
            Action::Mask { keep_last, .. } => {
                mask(&String::from_utf8_lossy(value), keep_last.into(), '*')
            }
            Action::Pseudonymize => {
                let context = &self.plan.context;
                let name = context.key.name(
                    "pseudonym",
                    &[
                        context.preview.as_bytes(),
                        self.plan.subject.id().as_bytes(),
                        rule.detector.as_bytes(),
                        &canonical(rule, value),
                    ],
                );
                if is_address(value) {
                    // RFC 2606 section 2: nobody's mail is delivered there.
                    format!("p-{name}@pseudonym.invalid").into()
                } else {
                    format!("[{}:{name}]", rule.detector).into()
                }
            }
        }
    }
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspector")
            .field("side", &self.side)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

/// Splits sorted hits after the first group of overlapping ones.
fn split_cluster(hits: &[Hit]) -> Option<(&[Hit], &[Hit])> {
    let mut end = hits.first()?.span.end;
    let mut length = 0;
    for hit in hits {
        if length > 0 && hit.span.start >= end {
            break;
        }
        end = end.max(hit.span.end);
        length += 1;
    }
    hits.split_at_checked(length)
}

/// A match inside a longer, no less certain match that is treated no less strictly says nothing new.
fn covers<'a>(
    outer: &Hit,
    inner: &Hit,
    rules: &impl Fn(&Hit) -> Option<&'a DetectRule>,
    action: impl Fn(&DetectRule) -> Action,
) -> bool {
    let (outer_length, inner_length) = (
        outer.span.end - outer.span.start,
        inner.span.end - inner.span.start,
    );
    let is_inside = outer.span.start <= inner.span.start && inner.span.end <= outer.span.end;
    let (Some(outer_rule), Some(inner_rule)) = (rules(outer), rules(inner)) else {
        return false;
    };
    is_inside
        && outer_length > inner_length
        && outer.strength >= inner.strength
        && inner_rule.class == Class::Detector
        && rank(action(outer_rule)) >= rank(action(inner_rule))
}

/// The mask over `cluster`: it keeps what the strictest of its masks would keep of its own match.
fn least_kept(
    cluster: &[Hit],
    text: &[u8],
    base: u64,
    action: impl Fn(&Hit) -> Option<Action>,
) -> Action {
    let kept = cluster
        .iter()
        .map(|hit| match (action(hit), slice(text, hit, base)) {
            (Some(Action::Mask { keep_last, number }), Some(value)) => {
                let half = letters(&String::from_utf8_lossy(value)) / 2;
                (keep_last.min(u8::try_from(half).unwrap_or(u8::MAX)), number)
            }
            _ => (0, false),
        });
    let least = kept.reduce(|one, other| (one.0.min(other.0), one.1 && other.1));
    let (keep_last, number) = least.unwrap_or_default();
    Action::Mask { keep_last, number }
}

fn rank(action: Action) -> u8 {
    match action {
        Action::Block => 3,
        Action::Redact => 2,
        Action::Pseudonymize => 1,
        Action::Mask { .. } => 0,
    }
}

fn union(cluster: &[Hit], base: u64) -> Option<Range<usize>> {
    let start = cluster.iter().map(|hit| hit.span.start).min()?;
    let end = cluster.iter().map(|hit| hit.span.end).max()?;
    Some(offset(start, base)?..offset(end, base)?)
}

fn slice<'a>(text: &'a [u8], hit: &Hit, base: u64) -> Option<&'a [u8]> {
    text.get(offset(hit.span.start, base)?..offset(hit.span.end, base)?)
}

fn offset(position: u64, base: u64) -> Option<usize> {
    usize::try_from(position.checked_sub(base)?).ok()
}

#[cfg(test)]
mod tests;
