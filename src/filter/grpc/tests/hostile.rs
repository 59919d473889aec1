//! Bytes that are no message of the type, or that two parsers may read differently; each beside one that is fine.

use prost_reflect::{MapKey, Value};

use super::{answer, calling, frame, framed, message, refused, rule, text, under};
use crate::filter::{Limits, Side, Stream};
use crate::json::Selector;
use crate::policy::treatment::Others;
use crate::types::ReasonCode;

/// A record of bytes.
fn record(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut record = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
    record.extend_from_slice(bytes);
    record
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn refuses_what_the_descriptors_do_not_explain() {
    let plan = calling(under(None), "Watch");
    let customer = |id: &[u8]| record(2, &record(1, id));
    let any = |name: &[u8], held: &[u8]| {
        let held = record(2, held);
        record(13, &joined(&[&record(1, name), &held]))
    };
    for (what, bad, fine) in [
        (
            "an unknown field",
            vec![0x9a, 0x06, 1, b'x'],
            record(1, b"x"),
        ),
        ("one inside", record(2, &record(9, b"x")), customer(b"x")),
        ("a group", vec![0x0b, 0x0c], record(1, b"x")),
        (
            "a wire type of another kind",
            vec![0x08, 1],
            record(1, b"x"),
        ),
        ("a message as a number", vec![0x10, 1], customer(b"x")),
        (
            "a string twice",
            joined(&[&record(1, b"x"), &record(1, b"y")]),
            record(1, b"x"),
        ),
        (
            "a message twice",
            joined(&[&customer(b"x"), &customer(b"y")]),
            customer(b"x"),
        ),
        (
            "two of a oneof",
            joined(&[&record(11, b"x"), &record(12, b"y")]),
            record(11, b"x"),
        ),
        (
            "no UTF-8",
            record(1, b"\xff"),
            record(1, "\u{e9}".as_bytes()),
        ),
        (
            "an overlong letter",
            record(1, b"\xc0\x80"),
            record(1, b"\0"),
        ),
        (
            "a packed number cut off",
            record(9, &[1, 0x80]),
            record(9, &[1, 2]),
        ),
        ("a packed string", record(4, &[1]), vec![0x20, 1]),
        (
            "an unknown type",
            any(b"t/shop.v1.Nothing", b""),
            any(b"t/shop.v1.Customer", b""),
        ),
        (
            "a type without a name",
            any(b"", b"x"),
            any(b"t/shop.v1.Done", b""),
        ),
        (
            "unknown in a known type",
            any(b"t/shop.v1.Customer", &record(3, b"x")),
            any(b"t/shop.v1.Customer", &record(1, b"x")),
        ),
        (
            "bytes without a type",
            record(13, &record(2, b"x")),
            record(13, &record(2, b"")),
        ),
        (
            "a key twice in an entry",
            record(6, &joined(&[&record(1, b"a"), &record(1, b"b")])),
            record(6, &joined(&[&record(1, b"a"), &record(2, b"b")])),
        ),
        (
            "something else in an entry",
            record(6, &joined(&[&record(1, b"a"), &record(3, b"b")])),
            record(6, &record(1, b"a")),
        ),
        (
            "32 bits too many",
            vec![0xa0, 1, 0xff, 0xff, 0xff, 0xff, 0x1f],
            vec![0xa0, 1, 7],
        ),
        (
            "a value of an enum that is none",
            vec![0x50, 0xff, 0xff, 0xff, 0xff, 0x1f],
            vec![0x50, 0xff, 0xff, 0xff, 0xff, 0x0f],
        ),
        (
            "a length beyond the end",
            vec![0x0a, 5, b'x'],
            vec![0x0a, 1, b'x'],
        ),
        (
            "an endless varint",
            [&[0x20][..], &[0xff; 11]].concat(),
            vec![0x20, 0x81, 0x00],
        ),
    ] {
        assert_eq!(
            refused(&plan, &frame(&bad)),
            ReasonCode::AnswerMalformed,
            "{what}"
        );
        assert_eq!(
            answer(&plan, &frame(&fine)).unwrap(),
            frame(&fine),
            "{what}"
        );
    }
}

#[test]
fn refuses_framing_with_two_readings() {
    let plan = calling(under(Some(rule("$.orders[*]", "$.customer.id"))), "List");
    let fine = framed(&message("Page", &[]));
    let trailers = [&[0x80, 0, 0, 0, 15][..], b"grpc-status: 0\r"].concat();
    for (body, code) in [
        (joined(&[&fine, &fine]), ReasonCode::AnswerMalformed),
        (joined(&[&fine, &trailers]), ReasonCode::AnswerMalformed),
        (joined(&[&fine, b"\0\0\0"]), ReasonCode::AnswerTruncated),
        (vec![2, 0, 0, 0, 0], ReasonCode::AnswerMalformed),
        (vec![0, 0, 0, 0, 1], ReasonCode::AnswerTruncated),
        (b"{\"orders\":[]}".to_vec(), ReasonCode::AnswerMalformed),
    ] {
        assert_eq!(refused(&plan, &body), code, "{body:?}");
    }
    assert_eq!(answer(&plan, &fine).unwrap(), fine);
}

#[test]
fn refuses_messages_that_are_too_deep() {
    let mut fixture = under(None);
    fixture.limits = Limits {
        depth: 20,
        ..fixture.limits
    };
    let plan = calling(fixture, "Watch");
    let nested = |levels: usize| {
        let mut order = message("Order", &[("id", text("1"))]);
        for _ in 0..levels {
            order = message("Order", &[("parts", super::list([order]))]);
        }
        framed(&order)
    };
    // Each level is an object and a list.
    let fine = nested(9);
    assert_eq!(answer(&plan, &fine).unwrap(), fine);
    for levels in [10, 20, 60] {
        assert_eq!(refused(&plan, &nested(levels)), ReasonCode::AnswerTooDeep);
    }
}

#[test]
fn withholds_what_stands_outside_of_the_records() {
    let plan = calling(under(Some(rule("$.parts[*]", "$.customer.id"))), "Watch");
    let own = super::order("1", "u-ann");
    let order = message(
        "Order",
        &[
            ("note", text("of everybody")),
            (
                "parts",
                super::list([own.clone(), super::order("2", "u-bob")]),
            ),
            ("mail", text("x")),
            ("customer", super::customer("u-ann")),
        ],
    );
    let passed = answer(&plan, &framed(&order)).unwrap();
    let expected = message("Order", &[("parts", super::list([own]))]);
    assert_eq!(super::decode("shop.v1.Order", &passed), [expected]);
}

#[test]
fn lets_nothing_out_after_a_refusal() {
    let plan = calling(under(None), "Watch");
    let fine = framed(&message("Order", &[("id", text("1"))]));
    let mut stream: Stream = super::stream(&plan, Side::Response, super::Packing::None).unwrap();
    stream.write(&fine).unwrap();
    assert_eq!(&*stream.take(), fine);
    let refusal = stream.write(&frame(&[0x9a, 0x06, 1, b'x'])).unwrap_err();
    assert_eq!(
        refusal.detail.as_deref(),
        Some("field 99 of `shop.v1.Order` is not in the descriptor set in message 2")
    );
    assert!(stream.write(&fine).is_err());
    assert!(stream.finish().is_err());
    assert_eq!(stream.ready(), 0);
}

#[test]
fn finds_its_way_back_through_what_only_leads_to_records() {
    let people = |people: &[(i64, &str)]| {
        let entry = |(key, id): &(i64, &str)| (MapKey::I64(*key), super::customer(id));
        Value::Map(people.iter().map(entry).collect())
    };
    let order = |inner: Value, email: bool| {
        let mut customer = message("Customer", &[]);
        if email {
            customer.set_field_by_name("email", text("x"));
        } else {
            customer.set_field_by_name("id", text("somebody"));
            customer.set_field_by_name("email", text("x"));
        }
        let mut order = message("Order", &[("people", inner)]);
        order.set_field_by_name("customer", Value::Message(customer));
        order
    };
    for (others, left) in [
        (Others::Drop, people(&[(7, "u-ann")])),
        (Others::Redact, {
            let blank = Value::Message(message("Customer", &[]));
            let own = super::customer("u-ann");
            Value::Map([(MapKey::I64(7), own), (MapKey::I64(8), blank)].into())
        }),
    ] {
        let mut rule = rule("$.parts[*].people.*", "$.id");
        rule.also = vec![Selector::parse("$.parts[*].customer.email").unwrap()];
        rule.others = others;
        let plan = calling(under(Some(rule)), "Watch");
        let part = order(people(&[(7, "u-ann"), (8, "u-bob")]), false);
        let nobodys = message("Order", &[("note", text("of nobody"))]);
        let whole = message(
            "Order",
            &[
                ("note", text("outside")),
                ("parts", super::list([nobodys, part])),
            ],
        );
        let passed = answer(&plan, &framed(&whole)).unwrap();
        let passed = super::decode("shop.v1.Order", &passed).remove(0);
        let parts = passed.get_field_by_name("parts").unwrap().into_owned();
        let parts = parts.as_list().unwrap();
        assert_eq!(
            parts.last(),
            Some(&Value::Message(order(left, true))),
            "{passed:?}"
        );
        assert!(!passed.has_field_by_name("note"));
    }
}
