//! Messages of every shape: what nothing is found in leaves as it came, and the rest stays a message.

use std::collections::HashMap;

use proptest::prelude::*;
use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, MapKey, Value};

use super::{calling, decode, frame, message, rule, run_as, text, under};
use crate::filter::Side;
use crate::filter::grpc::metadata::Packing;

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z \"\\\\\u{e9}\u{1}]{0,8}",
        Just("u-ann".to_owned()),
        Just("u-bob".to_owned()),
    ]
}

/// An order with what `extra` adds to its texts.
fn order(extra: &'static str) -> impl Strategy<Value = DynamicMessage> {
    let scalars = (
        proptest::option::of(words()),
        proptest::option::of(any::<i16>()),
        proptest::collection::vec(any::<i16>(), 0..4),
        proptest::collection::vec(words(), 0..4),
        proptest::collection::hash_map(words(), words(), 0..3),
        proptest::option::of(words()),
        any::<(bool, i16, u16, i16, i8)>(),
    );
    let leaf = scalars.prop_map(move |(id, number, counts, tags, labels, owner, flags)| {
        let mut order = message("Order", &[]);
        let mut put = |name: &str, value| order.set_field_by_name(name, value);
        if let Some(id) = id {
            put("id", text(&id));
            put("note", text(&format!("{id}{extra}")));
        }
        if let Some(number) = number {
            put("card", Value::I64(number.into()));
            put("balance", Value::I64(number.into()));
            put("delta", Value::I32(number.into()));
            put("amount", Value::F64(f64::from(number) / 8.0));
        }
        put(
            "counts",
            Value::List(counts.into_iter().map(|n| Value::I64(n.into())).collect()),
        );
        put(
            "tags",
            Value::List(tags.iter().map(|tag| text(tag)).collect()),
        );
        let labels: HashMap<MapKey, Value> = labels
            .into_iter()
            .map(|(name, value)| (MapKey::String(name), text(&value)))
            .collect();
        put("labels", Value::Map(labels));
        if let Some(owner) = owner {
            put("customer", super::customer(&owner));
        }
        let (is_open, offset, serial, weight, status) = flags;
        put("is_open", Value::Bool(is_open));
        put("offset", Value::I32(offset.into()));
        put("serial", Value::U64(serial.into()));
        put("weight", Value::F32(f32::from(weight) / 8.0));
        put("status", Value::EnumNumber(status.into()));
        order
    });
    leaf.prop_recursive(3, 12, 3, |inner| {
        (inner.clone(), proptest::collection::vec(inner, 0..3)).prop_map(|(mut order, parts)| {
            order.set_field_by_name("parts", super::list(parts));
            order
        })
    })
}

fn cut(body: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    places.extend([0, body.len()]);
    places.sort_unstable();
    places
        .windows(2)
        .map(|pair| body[pair[0]..pair[1]].to_vec())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn leaves_messages_alone_in_which_nothing_is_found(
        orders in proptest::collection::vec(order(""), 1..4),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let body: Vec<u8> =
            orders.iter().flat_map(|order| frame(&order.encode_to_vec())).collect();
        let plan = calling(under(None), "Watch");
        let pieces = cut(&body, &cuts);
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let (passed, report) = run_as(&plan, Side::Response, Packing::None, &pieces).unwrap();
        prop_assert_eq!(report.findings().len(), 0);
        prop_assert_eq!(passed, body);
    }

    #[test]
    fn changes_what_is_found_and_nothing_else(
        order in order(" bob@elsewhere.example"),
    ) {
        let plan = calling(under(None), "Watch");
        let body = frame(&order.encode_to_vec());
        let (passed, _) = run_as(&plan, Side::Response, Packing::None, &[&body]).unwrap();
        let passed = decode("shop.v1.Order", &passed).remove(0);
        let expected = scrubbed(&order);
        prop_assert_eq!(passed, again(&expected));
    }

    #[test]
    fn passes_the_users_records_and_no_others(
        order in order(""),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let plan = calling(under(Some(rule("$.parts[*]", "$.customer.id"))), "Watch");
        let body = frame(&order.encode_to_vec());
        let pieces = cut(&body, &cuts);
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let (passed, _) = run_as(&plan, Side::Response, Packing::None, &pieces).unwrap();
        let passed = decode("shop.v1.Order", &passed).remove(0);
        let parts = order.get_field_by_name("parts").unwrap().into_owned();
        let own: Vec<Value> = parts
            .as_list()
            .unwrap()
            .iter()
            .filter(|part| is_anns(part))
            .cloned()
            .collect();
        let expected = message("Order", &[("parts", Value::List(own))]);
        prop_assert_eq!(passed, again(&expected));
    }

    #[test]
    fn stands_any_bytes(
        mut body in proptest::collection::vec(any::<u8>(), 0..60),
        order in order(""),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let plan = calling(under(Some(rule("$", "$.customer.id"))), "Watch");
        _ = run_as(&plan, Side::Response, Packing::None, &[&frame(&body)]);
        body = order.encode_to_vec();
        if !body.is_empty() {
            let at = at.index(body.len());
            body[at] = byte;
        }
        // What passes of it is a message.
        if let Ok((passed, _)) = run_as(&plan, Side::Response, Packing::None, &[&frame(&body)]) {
            decode("shop.v1.Order", &passed);
        }
    }
}

/// The same as it comes out of its encoding, which leaves defaults out.
fn again(order: &DynamicMessage) -> DynamicMessage {
    decode("shop.v1.Order", &frame(&order.encode_to_vec())).remove(0)
}

fn is_anns(part: &Value) -> bool {
    let part = part.as_message().unwrap();
    let customer = part.get_field_by_name("customer").unwrap();
    let id = customer
        .as_message()
        .unwrap()
        .get_field_by_name("id")
        .unwrap();
    id.as_str() == Some("u-ann")
}

/// The order as it is to be: its address replaced, in its parts too.
fn scrubbed(order: &DynamicMessage) -> DynamicMessage {
    let mut order = order.clone();
    let note = order.get_field_by_name("note").unwrap().into_owned();
    let note = note
        .as_str()
        .unwrap()
        .replace("bob@elsewhere.example", "[redacted:email]");
    if !note.is_empty() {
        order.set_field_by_name("note", text(&note));
    }
    let parts = order.get_field_by_name("parts").unwrap().into_owned();
    let parts = parts.as_list().unwrap().iter();
    let parts: Vec<DynamicMessage> = parts
        .map(|part| scrubbed(part.as_message().unwrap()))
        .collect();
    order.set_field_by_name("parts", super::list(parts));
    order
}
