//! One line of the audit log: wire format, version 1.
//!
//! Field names and their order are stable; consumers must ignore members they do not know. The
//! published schema, `policies/audit.schema.json`, is generated from these types.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types::{Control, DecisionId, Direction, Ending, Level, ReasonCode, Verdict};

/// What happened in one exchange. Members that do not apply are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "chaperone audit record, version 1")]
pub struct Record {
    /// Version of this format: 1.
    version: u32,
    /// Position in the log, counted from 1; the writer assigns it.
    sequence: u64,
    /// When the request arrived, RFC 3339 in UTC.
    #[serde(with = "time")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub time: Timestamp,
    /// The decision's random id, as the response's `Chaperone-Decision` names it.
    pub id: String,
    /// The preview that this sidecar stands before.
    pub preview: String,
    /// The revision that runs in the preview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Hash of the policy that judged; absent when none was loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// How many times the policy had been loaded when this request took it.
    pub generation: u64,
    /// The door the exchange came through.
    pub direction: Direction,
    /// The shared service that was asked (outbound).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The user: `keyed:` and a keyed hash, unless the configuration says plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// A one-way name of the capability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The request's method.
    pub method: String,
    /// What the sidecar itself did for the user, where the request was for one of its own addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// The policy's route, as its `match` says, or the sidecar's own address; absent when none covers the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The request target byte for byte as forwarded; only where the configuration says `path: raw`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The status that the client was sent; absent when it was sent none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What was decided.
    pub decision: Verdict,
    /// Why it was blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonCode>,
    /// How the exchange ended.
    pub ending: Ending,
    /// How far the running code is trusted.
    pub level: Level,
    /// What each rule did.
    pub rules: Vec<RuleHit>,
    /// Bytes of the request's body that were read.
    pub bytes_in: u64,
    /// Bytes of the answer's body that were let go.
    pub bytes_out: u64,
    /// Messages of a WebSocket that came from the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages_in: Option<u64>,
    /// Messages of a WebSocket that came from the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages_out: Option<u64>,
    /// Microseconds from the request's arrival to this record.
    pub duration_us: u64,
    /// Hash of the record before; absent until the log is chained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
}

/// What one rule did in an exchange. Never a matched value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleHit {
    /// The rule's name: a route's `match`, a detector's, dictionary's or embargo's id.
    pub rule: String,
    /// The control it serves.
    pub control: Control,
    /// What was done.
    pub action: RuleAction,
    /// How many times.
    pub count: u64,
    /// The detector that matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<String>,
    /// Where it matched first: names that are not plain identifiers are shown as `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Keyed one-way name of the value that matched first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// What a rule does with what it covers.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RuleAction {
    /// Let pass because a rule says so: unscanned, by the route's `content`.
    Allow,
    /// The exchange was refused or ended.
    Block,
    /// A record or a header was left out.
    Drop,
    /// The answer became a 404.
    Hide,
    /// All but the last characters were covered.
    Mask,
    /// A keyed name took its place.
    Pseudonymize,
    /// A placeholder took its place.
    Redact,
}

impl RuleAction {
    /// The word in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
            Self::Drop => "drop",
            Self::Hide => "hide",
            Self::Mask => "mask",
            Self::Pseudonymize => "pseudonymize",
            Self::Redact => "redact",
        }
    }
}

/// What the sidecar itself did for a user. Never a secret: tickets, tokens and what a provider said stay out.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A login was begun: the browser was sent to the provider.
    LoginBegun,
    /// A browser was sent on to the preview that began its login.
    LoginForwarded,
    /// A login became a capability.
    SignedIn,
    /// The browser's capability was given up.
    SignedOut,
    /// A ticket was shown to its user.
    TicketOpened,
    /// A ticket became a capability.
    TicketSpent,
    /// Another token became a capability.
    TokenExchanged,
}

impl Record {
    /// The version of the format that [`Record`] writes.
    pub const VERSION: u32 = 1;

    /// A record of an exchange that so far has come to nothing: blocked, aborted, without rules.
    ///
    /// Whoever fills it in less than fully thus errs towards the block.
    #[must_use]
    pub fn new(id: DecisionId, time: Timestamp, direction: Direction, preview: &str) -> Self {
        Self {
            version: Self::VERSION,
            sequence: 0,
            time,
            id: id.to_string(),
            preview: preview.to_owned(),
            revision: None,
            policy: None,
            generation: 0,
            direction,
            service: None,
            subject: None,
            token: None,
            method: String::new(),
            event: None,
            route: None,
            path: None,
            status: None,
            decision: Verdict::Block,
            reason: None,
            ending: Ending::Aborted,
            level: Level::Unreviewed,
            rules: Vec::new(),
            bytes_in: 0,
            bytes_out: 0,
            messages_in: None,
            messages_out: None,
            duration_us: 0,
            previous: None,
        }
    }

    /// The position in the log; 0 until the writer has taken the record.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The JSON Schema of one line.
    #[must_use]
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(Self)
    }

    /// Appends this record as line number `sequence` to `lines`.
    pub(super) fn write_line(
        &mut self,
        sequence: u64,
        lines: &mut Vec<u8>,
    ) -> Result<(), serde_json::Error> {
        self.sequence = sequence;
        let start = lines.len();
        let written = serde_json::to_writer(&mut *lines, self);
        if written.is_err() {
            lines.truncate(start);
        } else {
            lines.push(b'\n');
        }
        written
    }
}

/// RFC 3339 timestamps.
mod time {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        time: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{time:.6}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Record {
        let id = DecisionId::random().unwrap();
        let time = "2026-11-23T02:00:00.25Z".parse().unwrap();
        Record::new(id, time, Direction::Inbound, "pr-1")
    }

    #[test]
    fn writes_members_in_their_published_order() {
        let mut record = sample();
        record.id = "00".repeat(16);
        record.method = "GET".to_owned();
        record.reason = Some(ReasonCode::NoRoute);
        record.rules.push(RuleHit {
            rule: "pii".to_owned(),
            control: Control::Leak,
            action: RuleAction::Redact,
            count: 2,
            detector: Some("iban".to_owned()),
            place: Some("$.a".to_owned()),
            fingerprint: None,
        });
        let mut line = Vec::new();
        record.write_line(7, &mut line).unwrap();
        insta::assert_snapshot!(String::from_utf8(line).unwrap(), @r#"{"version":1,"sequence":7,"time":"2026-11-23T02:00:00.250000Z","id":"00000000000000000000000000000000","preview":"pr-1","generation":0,"direction":"inbound","method":"GET","decision":"block","reason":"no-route","ending":"aborted","level":"unreviewed","rules":[{"rule":"pii","control":"leak","action":"redact","count":2,"detector":"iban","place":"$.a"}],"bytes_in":0,"bytes_out":0,"duration_us":0}"#);
    }

    #[test]
    fn reads_what_it_writes() {
        let mut record = sample();
        let mut line = Vec::new();
        record.write_line(3, &mut line).unwrap();
        let read: Record = serde_json::from_slice(&line).unwrap();
        assert_eq!(read, record);
        assert_eq!(read.sequence(), 3);
    }

    #[test]
    fn schema_file_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/audit.schema.json");
        let current = serde_json::to_string_pretty(&Record::schema()).unwrap() + "\n";
        let published = std::fs::read_to_string(path).unwrap_or_default();
        if published != current && std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(path, &current).unwrap();
            return;
        }
        assert!(
            published == current,
            "policies/audit.schema.json is not current: run with UPDATE_SCHEMAS=1"
        );
    }
}
