//! What a permit asks of the filter: the owner rule of the answer and the detectors that run over it.
//!
//! Plain data, made by `policy::compile` alone and read by the filter. It holds no decision.

use std::fmt;
use std::sync::Arc;

use crate::json::Selector;
use crate::scan::{Automaton, PatternId};
use crate::types::{Control, Level, Origin, Subject};

pub use crate::policy::descriptors::{Call, Descriptors};

/// Everything that is done to one route's exchanges.
#[derive(Clone, Debug)]
pub struct Treatment {
    /// The route that asks for it.
    pub origin: Origin,
    /// The owner rule for answers that have structure.
    pub records: Option<Arc<RecordRule>>,
    /// The owner rule for the bodies of requests (`request:`): a body that breaks it is refused.
    pub request: Option<Arc<RecordRule>>,
    /// The owner rule for pages.
    pub html: Option<Arc<HtmlRule>>,
    /// The owner rule for answers in rows.
    pub rows: Option<Arc<RowRule>>,
    /// The reviewer's reason why answers outside the owner rule are nobody's data; without it (and
    /// outside the owner rules) a body is blocked.
    pub public: Option<Arc<str>>,
    /// The kind to read answers as, where the app's content type misleads (`as:`).
    pub read_as: Option<Kind>,
    /// The types that pass unscanned, where they can't be scanned (`content:`).
    pub content: Vec<MediaRange>,
    /// Origins beside the preview's own that pages may turn to, by the directive of the content security policy (`csp:`).
    pub csp: Vec<(&'static str, Vec<Box<str>>)>,
    /// Origins whose pages may ask and read the answers (`cors:`).
    pub cors: Vec<Box<str>>,
    /// Requests may switch to WebSocket, whose messages are held against the same rules (`websocket:`).
    pub websocket: bool,
    /// The methods of gRPC that may be called, and their messages (`grpc:`).
    pub grpc: Option<Arc<Descriptors>>,
    /// The detectors, dictionaries and embargoes of the policy.
    pub detect: Arc<DetectPlan>,
}

impl Treatment {
    /// Some kind of answer has an owner rule.
    #[must_use]
    pub fn has_owner_rule(&self) -> bool {
        self.records.is_some() || self.html.is_some() || self.rows.is_some()
    }

    /// Some owner rule decides before the first byte.
    #[must_use]
    pub fn holds_whole(&self) -> bool {
        self.records.as_ref().is_some_and(|rule| rule.holds_whole())
            || self
                .html
                .as_ref()
                .is_some_and(|rule| rule.others.holds_whole())
            || self
                .rows
                .as_ref()
                .is_some_and(|rule| rule.others.holds_whole())
    }

    /// Answers pass unread: they are nobody's data, and nothing is detected in them.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        !self.has_owner_rule() && self.public.is_some() && self.detect.automaton.is_none()
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
    /// Rows of cells between commas: `text/csv` (RFC 4180).
    Csv,
    /// `text/event-stream` (WHATWG): the data of each event is a document.
    Events,
    /// Lines that go on behind a break and a blank: `text/calendar` (RFC 5545), `text/vcard` (RFC 6350).
    Folded,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// A page: `text/html`.
    Html,
    /// One JSON document: `application/json`, `*/*+json`.
    Json,
    /// One JSON document behind each record separator: `application/json-seq` (RFC 7464).
    JsonSequence,
    /// Several answers in one: `multipart/*`.
    Multipart,
    /// One JSON document a line: `application/x-ndjson`, `application/jsonl`.
    Ndjson,
    /// JavaScript, and other languages whose strings have its escapes.
    Script,
    /// `text/css`.
    Style,
    /// `text/*` and the textual application types.
    Text,
    /// Rows of cells between tabs: `text/tab-separated-values`.
    Tsv,
    /// XML: `application/xml`, `*/*+xml`.
    Xml,
}

/// Which parts of a structured body are records, whose they are, and what becomes of the others'.
#[derive(Clone, Debug)]
pub struct RecordRule {
    /// Where the rule stands.
    pub origin: Origin,
    /// Which values are records.
    pub select: Select,
    /// Where a record names its owner, relative to the record: any of these may be the subject.
    pub owner: Vec<Owner>,
    /// What becomes of records whose owner is not the subject.
    pub others: Others,
    /// Members outside the records that may pass.
    pub also: Vec<Selector>,
    /// An answer in which the selector matches nothing passes (without its other members).
    pub is_optional: bool,
    /// More collections of records in the same answers (none under [`Select::Anywhere`]).
    pub further: Vec<Collection>,
}

/// One more collection of records beside a rule's first.
#[derive(Clone, Debug)]
pub struct Collection {
    /// Which values are records.
    pub select: Selector,
    /// Where such a record names its owner: any of these may be the subject.
    pub owner: Vec<Owner>,
    /// What becomes of such records whose owner is not the subject.
    pub others: Others,
    /// An answer in which the selector matches nothing passes.
    pub is_optional: bool,
}

impl RecordRule {
    /// The owners of the records in the collection at `place` (0 is the rule's own), and what becomes of the others'.
    #[must_use]
    pub fn collection(&self, place: usize) -> Option<(&[Owner], Others)> {
        match place.checked_sub(1) {
            None => Some((&self.owner, self.others)),
            Some(further) => {
                let collection = self.further.get(further)?;
                Some((&collection.owner, collection.others))
            }
        }
    }

    /// What becomes of some collection's others is decided before the first byte.
    #[must_use]
    pub fn holds_whole(&self) -> bool {
        self.others.holds_whole() || self.further.iter().any(|one| one.others.holds_whole())
    }
}

/// Where a record names an owner.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The path from the record: names, indices, wildcards and slices.
    pub at: Selector,
    /// What of the subject must stand there.
    pub is: Attribute,
}

impl From<Selector> for Owner {
    /// An owner that is held against the subject's id.
    fn from(at: Selector) -> Self {
        let is = Attribute::id();
        Self { at, is }
    }
}

/// One named attribute of the subject, which owners are held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name; `user` is the subject's id.
    pub name: Box<str>,
    /// ASCII letter case makes no difference.
    pub folds_case: bool,
}

impl Attribute {
    /// The name of the subject's id.
    pub const ID: &'static str = "user";

    /// The subject's id, octet for octet.
    #[must_use]
    pub fn id() -> Self {
        Self {
            name: Self::ID.into(),
            folds_case: false,
        }
    }

    /// What the subject may be called by this attribute; nothing where its issuer did not say.
    pub fn values<'a>(&self, subject: &'a Subject) -> impl Iterator<Item = &'a str> + use<'a> {
        let (id, values) = if *self.name == *Self::ID {
            (Some(subject.id()), &[][..])
        } else {
            (None, subject.values(&self.name))
        };
        id.into_iter().chain(values.iter().map(AsRef::as_ref))
    }

    /// Whether `text`, decoded, is one of the attribute's values. Empty text is nobody's.
    #[must_use]
    pub fn names(&self, subject: &Subject, text: &[u8]) -> bool {
        !text.is_empty()
            && self.values(subject).any(|value| {
                if self.folds_case {
                    value.as_bytes().eq_ignore_ascii_case(text)
                } else {
                    value.as_bytes() == text
                }
            })
    }
}

/// Whose the rows of a table are, and what becomes of the others'.
#[derive(Clone, Debug)]
pub struct RowRule {
    /// Where the rule stands.
    pub origin: Origin,
    /// The columns that name a row's owner: any of these may be the subject.
    pub owner: Vec<Column>,
    /// What becomes of rows whose owner is not the subject.
    pub others: Others,
    /// A table without the owner's column passes, empty.
    pub is_optional: bool,
    /// What stands between cells, where the media type does not say it.
    pub delimiter: Option<u8>,
}

/// A column that names owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the header row.
    pub name: Box<str>,
    /// What of the subject must stand there.
    pub is: Attribute,
}

/// Whose the parts of a page are, and what becomes of the others'.
#[derive(Clone, Debug)]
pub struct HtmlRule {
    /// Where the rule stands.
    pub origin: Origin,
    /// The CSS selector of the elements that are records; it has been read before.
    pub records: Box<str>,
    /// Where such an element names its owner: any of these may be the subject.
    pub owner: Vec<HtmlOwner>,
    /// What becomes of records whose owner is not the subject.
    pub others: Others,
    /// A page without such elements passes.
    pub is_optional: bool,
}

/// Where an element names an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HtmlOwner {
    /// The place.
    pub at: HtmlPlace,
    /// What of the subject must stand there.
    pub is: Attribute,
}

/// A place in an element that is a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HtmlPlace {
    /// An attribute of the element, by its name in lower case.
    Attribute(Box<str>),
    /// The text of the one element inside that a CSS selector, read before, names.
    Text(Box<str>),
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

impl Others {
    /// It is decided before the first byte: any record may decide against the whole answer.
    #[must_use]
    pub fn holds_whole(self) -> bool {
        matches!(self, Self::Block | Self::Hide)
    }
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
    /// Whom an embargo spares.
    pub grant: Option<Grant>,
    /// The answer may name the rule (`disclose: true`, and every detector and own pattern).
    pub discloses: bool,
}

/// Whom an embargo spares: users of a group, where reviewers trust what runs this far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The least level.
    pub level: Level,
    /// The group.
    pub group: Box<str>,
}

impl Grant {
    /// Whether it spares `subject` before code of `level`.
    #[must_use]
    pub fn covers(&self, subject: &Subject, level: Level) -> bool {
        level >= self.level && subject.values("group").contains(&self.group)
    }
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
        /// A JSON number stays a number: its digits become `1`.
        number: bool,
    },
    /// A keyed name stands in its place, the same for the same value within preview and subject;
    /// for an e-mail address one of nobody's.
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
