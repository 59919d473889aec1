//! Owners by several members and by other attributes than the id.

use std::sync::Arc;

use super::{Rule, filter, json};
use crate::filter::Plan;
use crate::policy::treatment::{Attribute, Kind, RecordRule};

fn is_kept(owner: &'static str, record: &str) -> bool {
    let body = format!("[{record}]");
    let out = json(&Rule::path("$[*]").owner(owner), &body).unwrap();
    assert!(out == body || out == "[]", "{out}");
    out == body
}

#[test]
fn takes_any_element_of_a_list_for_the_owner() {
    for record in [
        r#"{"m":["u-bob","u-ann"]}"#,
        r#"{"m":["u\u002dann"]}"#,
        r#"{"m":{"a":"u-bob","b":"u-ann"}}"#,
        r#"{"m":[{"id":"u-ann"},"u-ann"]}"#,
    ] {
        assert!(is_kept("$.m[*]", record), "{record}");
    }
    for record in [
        "{}",
        r#"{"m":"u-ann"}"#,
        r#"{"m":[]}"#,
        r#"{"m":["u-bob",["u-ann"],null]}"#,
        r#"{"m":["u-ann"],"m":["u-bob"]}"#,
        r#"{"m":["u-bob"],"\u006d":["u-ann"]}"#,
        r#"{"m":{"a":"u-ann","\u0061":"u-bob"}}"#,
    ] {
        assert!(!is_kept("$.m[*]", record), "{record}");
    }
    assert!(is_kept("$.m[1:]", r#"{"m":["u-bob","u-ann"]}"#));
    assert!(!is_kept("$.m[1:]", r#"{"m":["u-ann","u-bob"]}"#));
    assert!(is_kept("$.m[*].id", r#"{"m":[{"id":1},{"id":"u-ann"}]}"#));
    assert!(!is_kept(
        "$.m[*].id",
        r#"{"m":[{"id":"u-ann"},{"id":"u-bob","id":"u-bob"}]}"#
    ));
}

#[test]
fn holds_owners_against_the_attribute_that_the_rule_names() {
    let passed = |name: &str, folds_case| {
        let rule = Rule::path("$[*]");
        let mut plan: Plan = (*rule.plan()).clone();
        let mut record: RecordRule = (*rule.build()).clone();
        for owner in &mut record.owner {
            owner.is = Attribute {
                name: name.into(),
                folds_case,
            };
        }
        let mut treatment = (*plan.treatment).clone();
        treatment.records = Some(Arc::new(record));
        plan.treatment = Arc::new(treatment);
        let body = br#"[{"o":"launch-team"},{"o":"ANN\u0040shop.example"},{"o":"u-ann"},{"o":""}]"#;
        filter(&Arc::new(plan), Kind::Json, body).0.unwrap()
    };
    assert_eq!(passed("group", false), r#"[{"o":"launch-team"}]"#);
    assert_eq!(passed("email", false), "[]");
    assert_eq!(passed("email", true), r#"[{"o":"ANN\u0040shop.example"}]"#);
    assert_eq!(passed("user", false), r#"[{"o":"u-ann"}]"#);
    assert_eq!(passed("badge", true), "[]");
}
