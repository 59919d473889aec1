//! The receipt: what was withheld and blocked in one log, by control, rule and count. Never a value.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Record, RuleAction};
use crate::types::{Control, Ending, Level, ReasonCode, Verdict};

/// The longest line that is read as a record.
const LINE: u64 = 1 << 20;

/// What one log comes to, version 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Version of this form: 1.
    pub version: u32,
    /// Which records it is about.
    pub scope: Scope,
    /// The previews in it.
    pub previews: BTreeSet<String>,
    /// The revisions that ran.
    pub revisions: BTreeSet<String>,
    /// The hashes of the policies that judged.
    pub policies: BTreeSet<String>,
    /// How many requests were answered at each level.
    pub levels: BTreeMap<Level, u64>,
    /// How many requests were decided each way.
    pub decisions: BTreeMap<Verdict, u64>,
    /// What each control did, in a fixed order.
    pub controls: Vec<Tally>,
    /// The log itself.
    pub log: Log,
}

/// What one control did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The control.
    pub control: Control,
    /// What was taken out of answers that passed.
    pub withheld: Vec<Withheld>,
    /// The requests that were blocked.
    pub blocked: Vec<Blocked>,
}

/// How often one rule took something out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// The rule.
    pub rule: String,
    /// What it did.
    pub action: RuleAction,
    /// How often.
    pub count: u64,
}

/// How many requests were blocked for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// The reason.
    pub reason: ReasonCode,
    /// The rule, or the route where no rule of its own blocked; absent where there is neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// How many.
    pub count: u64,
}

/// The log that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// The BLAKE3 hash (hexadecimal) of all of its bytes.
    pub blake3: String,
    /// The records that this receipt is about.
    pub records: u64,
    /// Records of other previews and revisions, left out.
    pub others: u64,
    /// Lines that are no records.
    pub unreadable: u64,
    /// Numbers that are missing between records: lines that were lost or taken out.
    pub missing: u64,
    /// When the first request arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// When the last request arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// Which records a receipt is about; all, unless said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Those of this preview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<String>,
    /// Those of this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

impl Scope {
    fn covers(&self, record: &Record) -> bool {
        let preview = self.preview.as_ref();
        preview.is_none_or(|preview| *preview == record.preview)
            && (self.revision.is_none() || self.revision == record.revision)
    }
}

impl Receipt {
    /// Reads a whole log.
    ///
    /// # Errors
    /// Fails when the log can't be read; lines that are no records are counted.
    pub fn of(mut log: impl BufRead, scope: &Scope) -> io::Result<Self> {
        let mut sums = Sums::default();
        let mut hasher = blake3::Hasher::new();
        let mut line = Vec::new();
        loop {
            line.clear();
            io::Read::take(&mut log, LINE).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                break;
            }
            hasher.update(&line);
            if line.trim_ascii().is_empty() {
                continue;
            }
            match serde_json::from_slice(&line) {
                Ok(record) => sums.add(&record, scope),
                Err(_) => sums.log.unreadable += 1,
            }
        }
        sums.log.blake3 = hasher.finalize().to_hex().to_string();
        Ok(sums.finish(scope))
    }

    /// Nothing is known to be missing from the log.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.log.unreadable == 0 && self.log.missing == 0
    }
}

#[derive(Default)]
struct Sums {
    previews: BTreeSet<String>,
    revisions: BTreeSet<String>,
    policies: BTreeSet<String>,
    levels: BTreeMap<Level, u64>,
    decisions: BTreeMap<Verdict, u64>,
    withheld: BTreeMap<(Control, String, RuleAction), u64>,
    blocked: BTreeMap<(Control, ReasonCode, Option<String>), u64>,
    last: Option<u64>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    log: Log,
}

impl Sums {
    fn add(&mut self, record: &Record, scope: &Scope) {
        let sequence = record.sequence();
        let expected = self.last.map_or(1, |last| last.saturating_add(1));
        // A log that was rotated begins anywhere; from there on numbers have no gaps.
        if self.last.is_some() {
            self.log.missing += sequence.abs_diff(expected);
        }
        self.last = Some(sequence);
        if !scope.covers(record) {
            self.log.others += 1;
            return;
        }
        self.log.records += 1;
        // Told of again when it ends.
        if record.ending == Ending::Open {
            return;
        }
        let time = record.time;
        self.from = Some(self.from.map_or(time, |from| from.min(time)));
        self.to = Some(self.to.map_or(time, |to| to.max(time)));
        self.previews.insert(record.preview.clone());
        self.revisions.extend(record.revision.clone());
        self.policies.extend(record.policy.clone());
        *self.levels.entry(record.level).or_default() += 1;
        *self.decisions.entry(record.decision).or_default() += 1;
        let mut blocker = None;
        for hit in &record.rules {
            match hit.action {
                RuleAction::Allow => {}
                RuleAction::Block | RuleAction::Hide => {
                    blocker.get_or_insert(hit);
                }
                action => {
                    let key = (hit.control, hit.rule.clone(), action);
                    *self.withheld.entry(key).or_default() += hit.count;
                }
            }
        }
        if record.decision == Verdict::Block
            && let Some(reason) = record.reason
        {
            let control = blocker.map_or(reason.control(), |hit| hit.control);
            let rule = blocker.map(|hit| hit.rule.clone());
            let rule = rule.or_else(|| record.route.clone());
            *self.blocked.entry((control, reason, rule)).or_default() += 1;
        }
    }

    fn finish(mut self, scope: &Scope) -> Receipt {
        self.log.from = self.from.map(|time| format!("{time:.0}"));
        self.log.to = self.to.map(|time| format!("{time:.0}"));
        let controls = [
            Control::Leak,
            Control::Credential,
            Control::Delete,
            Control::Redistribute,
        ];
        let controls = controls.map(|control| Tally {
            control,
            withheld: self
                .withheld
                .iter()
                .filter(|((its, ..), _)| *its == control)
                .map(|((_, rule, action), count)| Withheld {
                    rule: rule.clone(),
                    action: *action,
                    count: *count,
                })
                .collect(),
            blocked: self
                .blocked
                .iter()
                .filter(|((its, ..), _)| *its == control)
                .map(|((_, reason, rule), count)| Blocked {
                    reason: *reason,
                    rule: rule.clone(),
                    count: *count,
                })
                .collect(),
        });
        Receipt {
            version: 1,
            scope: scope.clone(),
            previews: self.previews,
            revisions: self.revisions,
            policies: self.policies,
            levels: self.levels,
            decisions: self.decisions,
            controls: controls.into(),
            log: self.log,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Receipt, Scope};
    use crate::audit::{Record, RuleAction, RuleHit};
    use crate::types::{Control, DecisionId, Direction, ReasonCode, Verdict};

    fn record(sequence: u64, fill: impl FnOnce(&mut Record)) -> String {
        let id = DecisionId::random().unwrap();
        let time = "2026-11-23T02:00:00Z".parse().unwrap();
        let mut record = Record::new(id, time, Direction::Inbound, "pr-1");
        record.decision = Verdict::Allow;
        fill(&mut record);
        let mut line = Vec::new();
        record.write_line(sequence, &mut line).unwrap();
        String::from_utf8(line).unwrap()
    }

    fn hit(rule: &str, control: Control, action: RuleAction, count: u64) -> RuleHit {
        RuleHit {
            rule: rule.to_owned(),
            control,
            action,
            count,
            detector: None,
            place: Some("$.secret".to_owned()),
            fingerprint: Some("00".repeat(8)),
        }
    }

    fn receipt(log: &str, scope: &Scope) -> Receipt {
        Receipt::of(log.as_bytes(), scope).unwrap()
    }

    #[test]
    fn sums_up_by_control_and_rule() {
        let drop = || hit("GET /orders", Control::Leak, RuleAction::Drop, 3);
        let mask = || hit("api-key", Control::Credential, RuleAction::Mask, 1);
        let log = [
            record(1, |it| it.rules = vec![drop(), mask()]),
            record(2, |it| it.rules = vec![drop()]),
            record(3, |it| {
                it.decision = Verdict::Block;
                it.reason = Some(ReasonCode::DeniedRoute);
                it.rules = vec![hit("* /admin", Control::Redistribute, RuleAction::Block, 1)];
            }),
            record(4, |it| {
                it.decision = Verdict::Block;
                it.reason = Some(ReasonCode::CapabilityMissing);
            }),
        ]
        .concat();
        let receipt = receipt(&log, &Scope::default());
        assert!(receipt.is_whole());
        assert_eq!(receipt.log.records, 4);
        assert_eq!(receipt.decisions[&Verdict::Block], 2);
        let [leak, credential, delete, redistribute] = receipt.controls.as_slice() else {
            panic!("four controls");
        };
        assert_eq!((leak.withheld[0].count, leak.blocked.len()), (6, 0));
        assert_eq!(credential.withheld[0].rule, "api-key");
        assert_eq!(credential.blocked[0].reason, ReasonCode::CapabilityMissing);
        assert_eq!(delete.withheld.len() + delete.blocked.len(), 0);
        assert_eq!(redistribute.blocked[0].rule.as_deref(), Some("* /admin"));
        let text = serde_json::to_string(&receipt).unwrap();
        assert!(
            !text.contains("$.secret") && !text.contains("0000000000"),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), receipt);
    }

    #[test]
    fn tells_what_is_missing() {
        let plain = |sequence| record(sequence, |_| ());
        for (name, log, missing, unreadable) in [
            ("whole", [plain(1), plain(2), plain(3)].concat(), 0, 0),
            ("rotated", [plain(7), plain(8)].concat(), 0, 0),
            ("a hole", [plain(1), plain(4)].concat(), 2, 0),
            ("twice", [plain(1), plain(1)].concat(), 1, 0),
            ("torn", format!("{}{{\"ver\n{}", plain(1), plain(2)), 0, 1),
            ("blank", format!("{}\n\n{}", plain(1), plain(2)), 0, 0),
        ] {
            let receipt = receipt(&log, &Scope::default());
            let found = (receipt.log.missing, receipt.log.unreadable);
            assert_eq!(found, (missing, unreadable), "{name}");
            assert_eq!(receipt.is_whole(), missing + unreadable == 0, "{name}");
        }
    }

    #[test]
    fn leaves_other_revisions_out() {
        let of = |sequence, revision: &str| {
            record(sequence, |it| it.revision = Some(revision.to_owned()))
        };
        let log = [of(1, "aaa"), of(2, "bbb"), of(3, "aaa")].concat();
        let scope = Scope {
            revision: Some("aaa".to_owned()),
            ..Scope::default()
        };
        let receipt = receipt(&log, &scope);
        assert_eq!((receipt.log.records, receipt.log.others), (2, 1));
        assert_eq!(receipt.log.missing, 0);
        assert_eq!(receipt.revisions.len(), 1);
    }
}
