//! What a permit asks of the filter: the owner rule of the answer and the detectors that run over it.
//!
//! Plain data, made by `policy::compile` alone and read by the filter. It holds no decision.

use std::fmt;
use std::sync::Arc;

use crate::json::Selector;
use crate::scan::{Automaton, PatternId};
use crate::types::{Control, Origin};

/// Everything that is done to one route's exchanges.
#[derive(Clone, Debug)]
pub struct Treatment {
    /// The route that asks for it.
    pub origin: Origin,
    /// The owner rule for answers that have structure.
    pub records: Option<Arc<RecordRule>>,
    /// The reviewer's reason why answers outside the owner rule are nobody's data; without it (and
    /// outside `records`) a body is blocked.
    pub public: Option<Arc<str>>,
    /// The kind to read answers as, where the app's content type misleads (`as:`).
    pub read_as: Option<Kind>,
    /// The types that pass unscanned, where they can't be scanned (`content:`).
    pub content: Vec<MediaRange>,
    /// Origins beside the preview's own that pages may turn to, by the directive of the content security policy (`csp:`).
    pub csp: Vec<(&'static str, Vec<Box<str>>)>,
    /// Origins whose pages may ask and read the answers (`cors:`).
    pub cors: Vec<Box<str>>,
    /// The detectors, dictionaries and embargoes of the policy.
    pub detect: Arc<DetectPlan>,
}

impl Treatment {
    /// Answers pass unread: they are nobody's data, and nothing is detected in them.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.records.is_none() && self.public.is_some() && self.detect.automaton.is_none()
    }
}

/// A media type, or all of one top-level type: `application/pdf`, `image/*`. In lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaRange {
    /// The top-level type.
    pub top: Box<str>,
    /// The subtype; none stands for all.
    pub sub: Option<Box<str>>,
}

impl MediaRange {
    /// Whether the range holds the type `essence`: `type/subtype` in lower case, without parameters.
    #[must_use]
    pub fn covers(&self, essence: &str) -> bool {
        essence.split_once('/').is_some_and(|(top, sub)| {
            *self.top == *top && self.sub.as_deref().is_none_or(|own| own == sub)
        })
    }
}

impl fmt::Display for MediaRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.top, self.sub.as_deref().unwrap_or("*"))
    }
}

/// The kinds of bodies that can be scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `application/x-www-form-urlencoded` (requests).
    Form,
    /// One JSON document: `application/json`, `*/*+json`.
    Json,
    /// One JSON document a line: `application/x-ndjson`, `application/jsonl`.
    Ndjson,
    /// `text/*` and the textual application types.
    Text,
}

/// Which parts of a structured answer are records, whose they are, and what becomes of the others'.
#[derive(Clone, Debug)]
pub struct RecordRule {
    /// Where the rule stands.
    pub origin: Origin,
    /// Which values are records.
    pub select: Select,
    /// Where a record names its owner, relative to the record: any of these may be the subject.
    /// Each is a singular path (names and indices from the front alone).
    pub owner: Vec<Selector>,
    /// What becomes of records whose owner is not the subject.
    pub others: Others,
    /// Members outside the records that may pass.
    pub also: Vec<Selector>,
    /// An answer in which the selector matches nothing passes (without its other members).
    pub is_optional: bool,
}

/// Which values are records.
#[derive(Clone, Debug)]
pub enum Select {
    /// Every object that has a member with the owner's name, the root included; what lies outside passes.
    Anywhere,
    /// The nodes of a streaming selector; what lies outside them is withheld but for `also`.
    Path(Selector),
}

/// What becomes of a record that is not the subject's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Others {
    /// The whole answer is blocked.
    Block,
    /// It is left out.
    Drop,
    /// The whole answer is the app's own 404, or looks like it.
    Hide,
    /// A placeholder stands in its place.
    Redact,
}

/// Detectors, own patterns, dictionaries and embargoes, compiled into one automaton.
#[derive(Debug)]
pub struct DetectPlan {
    /// Finds every pattern of every rule in one pass; none when the policy detects nothing.
    pub automaton: Option<Automaton>,
    /// The rule behind each pattern, by [`PatternId`].
    pub rules: Vec<DetectRule>,
    /// The subject's attributes whose values detectors leave alone (`subject.own`), the id included.
    pub own: Vec<Box<str>>,
}

impl DetectPlan {
    /// The rule that a pattern belongs to.
    #[must_use]
    pub fn rule(&self, pattern: PatternId) -> Option<&DetectRule> {
        self.rules.get(pattern.index())
    }
}

/// One detector, own pattern, dictionary or embargo.
#[derive(Clone, Debug)]
pub struct DetectRule {
    /// Where the rule stands in the policy.
    pub origin: Origin,
    /// The detector's name (`iban`, `customers`, `falcon`), as findings and placeholders show it.
    pub detector: Arc<str>,
    /// What kind of rule it is.
    pub class: Class,
    /// What becomes of a match.
    pub action: Action,
    /// The control it serves.
    pub control: Control,
    /// Values that are left alone, ASCII case folded, and until when.
    pub except: Vec<Exception>,
    /// The answer may name the rule (`disclose: true`, and every detector and own pattern).
    pub discloses: bool,
}

/// What kind of rule found something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A built-in detector or an own pattern: the subject's own values are exempt.
    Detector,
    /// A list of identifiers: the subject's own values are exempt; blocks requests that name one.
    Dictionary,
    /// Embargoed terms: nothing is exempt; ends at the instant given (clock skew added already).
    Embargo {
        /// When the embargo opens by itself; never when absent.
        opens: Option<jiff::Timestamp>,
    },
}

/// What becomes of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The whole answer is blocked.
    Block,
    /// Its letters and digits become `*`, but for the last `keep_last`.
    Mask {
        /// Characters at the end that stay, at most half of the match.
        keep_last: u8,
    },
    /// A keyed name stands in its place, the same for the same value within preview and subject.
    Pseudonymize,
    /// `[redacted:<detector>]` stands in its place.
    Redact,
}

/// One value that a detector leaves alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The value, compared with ASCII case folded.
    pub value: Box<str>,
    /// The last instant of its exemption; no end when absent.
    pub until: Option<jiff::Timestamp>,
}
