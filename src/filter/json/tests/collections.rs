//! Several collections of records on one route, beside each other and nested.

use std::sync::Arc;

use super::{Rule, filter};
use crate::filter::Plan;
use crate::json::Selector;
use crate::policy::treatment::{Collection, Kind, Others, RecordRule};
use crate::types::ReasonCode;

/// The rule for `$.orders[*]` with what others there are: path, owner, others.
fn plan(further: &[(&str, &str, Others)]) -> Arc<Plan> {
    let rule = Rule::path("$.orders[*]").also("$.page");
    let mut plan: Plan = (*rule.plan()).clone();
    let mut record: RecordRule = (*rule.build()).clone();
    record.further = further
        .iter()
        .map(|(select, owner, others)| Collection {
            select: Selector::parse(select).unwrap(),
            owner: vec![Selector::parse(owner).unwrap().into()],
            others: *others,
            is_optional: false,
        })
        .collect();
    let mut treatment = (*plan.treatment).clone();
    treatment.records = Some(Arc::new(record));
    plan.treatment = Arc::new(treatment);
    Arc::new(plan)
}

fn run(further: &[(&str, &str, Others)], body: &str) -> Result<String, ReasonCode> {
    filter(&plan(further), Kind::Json, body.as_bytes())
        .0
        .map_err(|refusal| refusal.code)
}

#[test]
fn judges_each_collection_by_its_own_owner() {
    let mail: &[_] = &[("$.mail[*]", "$.to", Others::Redact)];
    assert_eq!(
        run(
            mail,
            r#"{"page":1,"mail":[{"to":"u-bob"},{"to":"u-ann"}],"total":9,"orders":[{"o":"u-bob"},{"o":"u-ann"}]}"#
        )
        .as_deref(),
        Ok(
            r#"{"page":1,"mail":[{"chaperone":"redacted"},{"to":"u-ann"}],"orders":[{"o":"u-ann"}]}"#
        )
    );
    // The owner of the other collection says nothing here.
    assert_eq!(
        run(
            mail,
            r#"{"mail":[{"o":"u-ann"}],"orders":[{"to":"u-ann"}]}"#
        )
        .as_deref(),
        Ok(r#"{"mail":[{"chaperone":"redacted"}],"orders":[]}"#)
    );
    let blocks: &[_] = &[("$.mail[*]", "$.to", Others::Block)];
    assert_eq!(
        run(
            blocks,
            r#"{"orders":[{"o":"u-ann"}],"mail":[{"to":"u-bob"}]}"#
        ),
        Err(ReasonCode::ForeignRecord)
    );
    let hides: &[_] = &[("$.mail[*]", "$.to", Others::Hide)];
    assert_eq!(
        run(
            hides,
            r#"{"orders":[{"o":"u-bob"}],"mail":[{"to":"u-bob"}]}"#
        ),
        Err(ReasonCode::Hidden)
    );
}

#[test]
fn wants_something_of_each_collection() {
    let mail: &[_] = &[("$.mail[*]", "$.to", Others::Drop)];
    let empty = r#"{"mail":[],"orders":[]}"#;
    assert_eq!(run(mail, empty).as_deref(), Ok(empty));
    for body in [
        r#"{"orders":[{"o":"u-ann"}]}"#,
        r#"{"mail":[{"to":"u-ann"}]}"#,
        r#"{"mail":null,"orders":[]}"#,
        "{}",
    ] {
        assert_eq!(run(mail, body), Err(ReasonCode::NothingSelected), "{body}");
    }
}

#[test]
fn judges_records_inside_of_records() {
    let lines: &[_] = &[("$.orders[*].lines[*]", "$.by", Others::Drop)];
    for (body, expected) in [
        (
            r#"{"orders":[{"o":"u-ann","lines":[{"by":"u-bob"},{"by":"u-ann"}, {"by":"u-eve"}],"n":1},{"o":"u-bob","lines":[{"by":"u-ann"}]}]}"#,
            r#"{"orders":[{"o":"u-ann","lines":[{"by":"u-ann"}],"n":1}]}"#,
        ),
        // Neither the records nor what is in them has to be there.
        (r#"{"orders":[]}"#, r#"{"orders":[]}"#),
        (r#"{"orders":[{"o":"u-bob"}]}"#, r#"{"orders":[]}"#),
        (
            r#"{"orders":[{"o":"u-ann"}]}"#,
            r#"{"orders":[{"o":"u-ann"}]}"#,
        ),
    ] {
        assert_eq!(run(lines, body).as_deref(), Ok(expected), "{body}");
    }
    let buyer: &[_] = &[("$.orders[*].buyer", "$.id", Others::Redact)];
    assert_eq!(
        run(
            buyer,
            r#"{"orders":[{"o":"u-ann","buyer":{"id":"u-bob","iban":1}},{"o":"u-ann","buyer":{"id":"u-ann"}}]}"#
        )
        .as_deref(),
        Ok(
            r#"{"orders":[{"o":"u-ann","buyer":{"chaperone":"redacted"}},{"o":"u-ann","buyer":{"id":"u-ann"}}]}"#
        )
    );
}

#[test]
fn wants_every_owner_of_a_record_in_two_collections() {
    let both: &[_] = &[("$.orders[?@.kind == 'gift']", "$.to", Others::Drop)];
    assert_eq!(
        run(
            both,
            r#"{"orders":[{"o":"u-ann"},{"o":"u-ann","kind":"gift","to":"u-bob"},{"o":"u-bob","kind":"gift","to":"u-ann"},{"o":"u-ann","kind":"gift","to":"u-ann"}]}"#
        )
        .as_deref(),
        Ok(r#"{"orders":[{"o":"u-ann"},{"o":"u-ann","kind":"gift","to":"u-ann"}]}"#)
    );
}

#[test]
fn finds_collections_wherever_they_stand() {
    let anywhere: &[_] = &[("$..card", "$.holder", Others::Drop)];
    assert_eq!(
        run(
            anywhere,
            r#"{"orders":[{"o":"u-ann","pay":{"card":{"holder":"u-bob"},"x":1}},{"o":"u-ann","card":{"holder":"u-ann"}}],"z":{"card":{"holder":"u-bob"}}}"#
        )
        .as_deref(),
        Ok(r#"{"orders":[{"o":"u-ann","pay":{"x":1}},{"o":"u-ann","card":{"holder":"u-ann"}}],"z":{}}"#)
    );
}
