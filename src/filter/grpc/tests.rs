use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, MapKey, MessageDescriptor, Value};

use super::Grpc;
use super::metadata::Packing;
use crate::filter::fixture::Fixture;
use crate::filter::{Coding, Inspector, Limits, Plan, Report, Side, Stream};
use crate::json::Selector;
use crate::policy::treatment::{
    Action, Attribute, Class, Descriptors, MediaRange, Others, Owner, RecordRule, Select,
};
use crate::types::{Origin, ReasonCode, Refusal};

mod hostile;
mod random;

static SET: LazyLock<Descriptors> = LazyLock::new(|| {
    Descriptors::read(include_bytes!("../../../tests/data/grpc/shop.binpb")).unwrap()
});

fn rule(select: &str, owner: &str) -> RecordRule {
    RecordRule {
        origin: Origin {
            rule: "POST /x".into(),
            file: "policy.yaml".into(),
            line: 3,
        },
        select: Select::Path(Selector::parse(select).unwrap()),
        owner: vec![Selector::parse(owner).unwrap().into()],
        others: Others::Drop,
        also: Vec::new(),
        is_optional: false,
        further: Vec::new(),
    }
}

/// A route under `rule`, which finds e-mail addresses and cards.
fn under(rule: Option<RecordRule>) -> Fixture {
    let mut fixture = Fixture::new()
        .detector("email", Action::Redact)
        .detector("payment-card", Action::Redact);
    if rule.is_some() {
        fixture.treatment.public = None;
    }
    fixture.treatment.records = rule.map(Arc::new);
    fixture
}

fn calling(fixture: Fixture, method: &str) -> Arc<Plan> {
    let plan = fixture.plan();
    let call = SET.call(&format!("/shop.v1.Orders/{method}")).cloned();
    Arc::new(Plan {
        call,
        ..(*plan).clone()
    })
}

fn message_type(name: &str) -> MessageDescriptor {
    let call = SET.call("/shop.v1.Orders/List").unwrap();
    call.answer.parent_pool().get_message_by_name(name).unwrap()
}

/// A message of `shop.v1`, with these fields.
fn message(name: &str, fields: &[(&str, Value)]) -> DynamicMessage {
    let mut message = DynamicMessage::new(message_type(&format!("shop.v1.{name}")));
    for (name, value) in fields {
        message.set_field_by_name(name, value.clone());
    }
    message
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn list(values: impl IntoIterator<Item = DynamicMessage>) -> Value {
    Value::List(values.into_iter().map(Value::Message).collect())
}

fn customer(id: &str) -> Value {
    Value::Message(message("Customer", &[("id", text(id))]))
}

fn order(id: &str, owner: &str) -> DynamicMessage {
    message("Order", &[("id", text(id)), ("customer", customer(owner))])
}

fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = vec![0];
    frame.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

fn framed(message: &DynamicMessage) -> Vec<u8> {
    frame(&message.encode_to_vec())
}

/// The messages of a stream, of which the prefixes say that they are not coded.
fn frames(mut stream: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    while let Some((prefix, rest)) = stream.split_first_chunk::<5>() {
        let [flag, length @ ..] = *prefix;
        assert_eq!(flag, 0);
        let (message, rest) = rest.split_at(u32::from_be_bytes(length) as usize);
        frames.push(message);
        stream = rest;
    }
    assert!(stream.is_empty());
    frames
}

fn decode(name: &str, stream: &[u8]) -> Vec<DynamicMessage> {
    let read = |bytes: &&[u8]| DynamicMessage::decode(message_type(name), *bytes).unwrap();
    frames(stream).iter().map(read).collect()
}

fn stream(plan: &Arc<Plan>, side: Side, packing: Packing) -> Result<Stream, Refusal> {
    let inspector = Inspector::new(plan, side);
    let messages = match side {
        Side::Request => Grpc::request(&inspector, packing)?,
        Side::Response => Grpc::answer(&inspector, packing)?,
    };
    Stream::of_messages(inspector, messages, &[])
}

fn run_as(
    plan: &Arc<Plan>,
    side: Side,
    packing: Packing,
    pieces: &[&[u8]],
) -> Result<(Vec<u8>, Report), Refusal> {
    let mut stream = stream(plan, side, packing)?;
    let mut output = Vec::new();
    for piece in pieces {
        stream.write(piece)?;
        output.extend(stream.take());
    }
    stream.finish()?;
    output.extend(stream.take());
    Ok((output, stream.report().clone()))
}

fn answer(plan: &Arc<Plan>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let whole = run_as(plan, Side::Response, Packing::None, &[body]).map(|(output, _)| output);
    // However it is cut.
    for at in 0..body.len() {
        let (a, b) = body.split_at(at);
        let cut = run_as(plan, Side::Response, Packing::None, &[a, b]).map(|(output, _)| output);
        assert_eq!(cut, whole, "cut at {at}");
    }
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    let cut = run_as(plan, Side::Response, Packing::None, &bytes).map(|(output, _)| output);
    assert_eq!(cut, whole);
    whole
}

fn refused(plan: &Arc<Plan>, body: &[u8]) -> ReasonCode {
    answer(plan, body).unwrap_err().code
}

#[test]
fn passes_the_users_own_records_alone() {
    let page = message(
        "Page",
        &[
            (
                "orders",
                list([
                    order("1", "u-ann"),
                    order("2", "u-bob"),
                    order("3", "u-ann"),
                ]),
            ),
            ("title", text("All orders")),
            ("total", Value::I64(3)),
        ],
    );
    let mut owned = rule("$.orders[*]", "$.customer.id");
    let plan = calling(under(Some(owned.clone())), "List");
    let passed = answer(&plan, &framed(&page)).unwrap();
    let own = list([order("1", "u-ann"), order("3", "u-ann")]);
    let expected = message("Page", &[("orders", own.clone())]);
    assert_eq!(decode("shop.v1.Page", &passed), [expected]);

    owned.also = vec![Selector::parse("$.total").unwrap()];
    owned.others = Others::Redact;
    let plan = calling(under(Some(owned)), "List");
    let passed = answer(&plan, &framed(&page)).unwrap();
    let blank = message("Order", &[]);
    let orders = list([order("1", "u-ann"), blank, order("3", "u-ann")]);
    let expected = message("Page", &[("orders", orders), ("total", Value::I64(3))]);
    assert_eq!(decode("shop.v1.Page", &passed), [expected]);
}

#[test]
fn passes_an_empty_list() {
    let plan = calling(under(Some(rule("$.orders[*]", "$.customer.id"))), "List");
    assert_eq!(answer(&plan, &frame(b"")).unwrap(), frame(b""));
    let titled = message("Page", &[("title", text("All orders"))]);
    assert_eq!(answer(&plan, &framed(&titled)).unwrap(), frame(b""));
    // An answer without a message is the app's way of saying no: its trailers say why.
    assert_eq!(answer(&plan, b"").unwrap(), b"");
    let plan = calling(under(Some(rule("$.lists[*]", "$.customer.id"))), "List");
    assert_eq!(refused(&plan, &frame(b"")), ReasonCode::NothingSelected);
}

#[test]
fn lets_messages_of_a_stream_go_one_by_one() {
    let plan = calling(under(Some(rule("$", "$.customer.id"))), "Watch");
    let (own, other) = (framed(&order("1", "u-ann")), framed(&order("2", "u-bob")));
    let mut stream = stream(&plan, Side::Response, Packing::None).unwrap();
    for (message, passed) in [(&own, &own[..]), (&other, b""), (&own, &own)] {
        let (last, before) = message.split_last().unwrap();
        stream.write(before).unwrap();
        assert_eq!(stream.ready(), 0);
        stream.write(&[*last]).unwrap();
        assert_eq!(&*stream.take(), passed);
    }
    stream.finish().unwrap();
    assert_eq!(stream.report().counts().len(), 1);
}

#[test]
fn refuses_a_single_message_that_is_anothers() {
    for (method, is_fine) in [("Talk", true), ("Watch", true)] {
        let plan = calling(under(Some(rule("$", "$.customer.id"))), method);
        assert_eq!(
            answer(&plan, &framed(&order("2", "u-bob"))).is_ok(),
            is_fine
        );
    }
    let plan = calling(under(Some(rule("$", "$.title"))), "List");
    let page = |title| framed(&message("Page", &[("title", text(title))]));
    assert_eq!(answer(&plan, &page("u-ann")).unwrap(), page("u-ann"));
    assert_eq!(refused(&plan, &page("u-bob")), ReasonCode::ForeignRecord);
    for (others, code) in [
        (Others::Block, ReasonCode::ForeignRecord),
        (Others::Hide, ReasonCode::Hidden),
    ] {
        let mut rule = rule("$.orders[*]", "$.customer.id");
        rule.others = others;
        let plan = calling(under(Some(rule)), "List");
        let page = message(
            "Page",
            &[("orders", list([order("1", "u-ann"), order("2", "u-bob")]))],
        );
        assert_eq!(refused(&plan, &framed(&page)), code);
    }
}

#[test]
fn reads_owners_that_are_numbers_keys_and_nested() {
    let mut number = rule("$", "$.owner_number");
    number.owner = vec![Owner {
        at: Selector::parse("$.owner_number").unwrap(),
        is: Attribute {
            name: "phone".into(),
            folds_case: false,
        },
    }];
    // The fixture's telephone number is no number, and nobody's.
    let plan = calling(under(Some(number)), "Watch");
    let numbered = message("Order", &[("owner_number", Value::U32(49))]);
    assert_eq!(answer(&plan, &framed(&numbered)).unwrap(), b"");

    let labels = |owner: &str| {
        let labels = HashMap::from([(MapKey::String("owner".to_owned()), text(owner))]);
        framed(&message("Order", &[("labels", Value::Map(labels))]))
    };
    let plan = calling(under(Some(rule("$", "$.labels.owner"))), "Watch");
    assert_eq!(answer(&plan, &labels("u-ann")).unwrap(), labels("u-ann"));
    assert_eq!(answer(&plan, &labels("u-bob")).unwrap(), b"");

    let any = |owner: &str| {
        let held = message("Customer", &[("id", text(owner))]).encode_to_vec();
        let mut any = DynamicMessage::new(message_type("google.protobuf.Any"));
        any.set_field_by_name("type_url", text("type.googleapis.com/shop.v1.Customer"));
        any.set_field_by_name("value", Value::Bytes(held.into()));
        framed(&message("Order", &[("extra", Value::Message(any))]))
    };
    let plan = calling(under(Some(rule("$", "$.extra.value.id"))), "Watch");
    assert_eq!(answer(&plan, &any("u-ann")).unwrap(), any("u-ann"));
    assert_eq!(answer(&plan, &any("u-bob")).unwrap(), b"");
}

#[test]
fn replaces_what_detectors_find_wherever_it_stands() {
    let email = "bob@elsewhere.example";
    let held = message("Customer", &[("email", text(email))]).encode_to_vec();
    let mut any = DynamicMessage::new(message_type("google.protobuf.Any"));
    any.set_field_by_name("type_url", text("t/shop.v1.Customer"));
    any.set_field_by_name("value", Value::Bytes(held.into()));
    let card = 4_111_111_111_111_111_i64;
    let labels = HashMap::from([(MapKey::String(format!("of {email}")), text(email))]);
    let people = HashMap::from([
        (MapKey::I64(card), customer("x")),
        (MapKey::I64(7), customer(email)),
    ]);
    let order = message(
        "Order",
        &[
            ("id", text("1")),
            ("note", text(&format!("ask \"{email}\"\n"))),
            ("card", Value::I64(card)),
            ("tags", Value::List(vec![text("a"), text(email)])),
            ("labels", Value::Map(labels)),
            ("people", Value::Map(people)),
            #[expect(clippy::cast_precision_loss, reason = "it has fewer digits")]
            ("amount", Value::F64(card as f64)),
            ("raw", Value::Bytes(email.as_bytes().into())),
            (
                "counts",
                Value::List(vec![Value::I64(1), Value::I64(card), Value::I64(-3)]),
            ),
            ("serial", Value::U64(card.unsigned_abs())),
            ("balance", Value::I64(card)),
            ("ticket", Value::U64(card.unsigned_abs())),
            ("mail", text(email)),
            ("extra", Value::Message(any)),
            ("parts", list([message("Order", &[("note", text(email))])])),
            ("is_open", Value::Bool(true)),
            ("delta", Value::I32(-5)),
        ],
    );
    let plan = calling(under(None), "Watch");
    let (passed, report) =
        run_as(&plan, Side::Response, Packing::None, &[&framed(&order)]).unwrap();
    let passed = decode("shop.v1.Order", &passed).remove(0);
    let at = |name: &str| passed.get_field_by_name(name).unwrap().into_owned();
    let blank = "[redacted:email]";
    assert_eq!(at("id"), text("1"));
    assert_eq!(at("note"), text(&format!("ask \"{blank}\"\n")));
    for number in ["card", "balance"] {
        assert_eq!(at(number), Value::I64(0), "{number}");
    }
    assert_eq!(at("serial"), Value::U64(0));
    assert_eq!(at("ticket"), Value::U64(0));
    assert_eq!(at("amount"), Value::F64(0.0));
    assert_eq!(at("tags"), Value::List(vec![text("a"), text(blank)]));
    let labels = HashMap::from([(MapKey::String(format!("of {blank}")), text(blank))]);
    assert_eq!(at("labels"), Value::Map(labels));
    assert_eq!(
        at("people"),
        Value::Map(HashMap::from([(MapKey::I64(7), customer(blank))]))
    );
    assert_eq!(at("raw"), Value::Bytes(blank.as_bytes().into()));
    assert_eq!(
        at("counts"),
        Value::List(vec![Value::I64(1), Value::I64(0), Value::I64(-3)])
    );
    assert_eq!(at("mail"), text(blank));
    assert_eq!(
        at("parts"),
        list([message("Order", &[("note", text(blank))])])
    );
    assert_eq!(at("is_open"), Value::Bool(true));
    assert_eq!(at("delta"), Value::I32(-5));
    let Value::Message(any) = at("extra") else {
        panic!("it is no message");
    };
    let held = any.get_field_by_name("value").unwrap();
    let held = DynamicMessage::decode(
        message_type("shop.v1.Customer"),
        held.as_bytes().unwrap().clone(),
    );
    assert_eq!(
        held.unwrap().get_field_by_name("email").unwrap().as_str(),
        Some(blank)
    );
    let places: Vec<&str> = report
        .findings()
        .iter()
        .map(|finding| &*finding.path)
        .collect();
    assert!(places.contains(&"$.extra.value.email"), "{places:?}");
    assert!(places.contains(&"$.parts[0].note"), "{places:?}");
    assert!(places.contains(&"$.counts[1]"), "{places:?}");
}

#[test]
fn keeps_numbers_under_a_mask() {
    let mask = Action::Mask {
        keep_last: 4,
        number: true,
    };
    let plan = calling(Fixture::new().detector("payment-card", mask), "Watch");
    let card = Value::I64(4_111_111_111_111_111);
    let order = message("Order", &[("card", card.clone()), ("balance", card)]);
    let passed = answer(&plan, &framed(&order)).unwrap();
    let masked = Value::I64(1_111_111_111_111_111);
    let expected = message("Order", &[("card", masked.clone()), ("balance", masked)]);
    assert_eq!(decode("shop.v1.Order", &passed), [expected]);
}

#[test]
fn names_the_values_of_enums() {
    // What a dictionary says about a word holds for the name of a value, too.
    let fixture = Fixture::new().terms("words", Class::Dictionary, "sent", Action::Redact);
    let plan = calling(fixture, "Watch");
    let order = message(
        "Order",
        &[("id", text("1")), ("status", Value::EnumNumber(1))],
    );
    let passed = answer(&plan, &framed(&order)).unwrap();
    let passed = decode("shop.v1.Order", &passed).remove(0);
    assert_eq!(
        passed.get_field_by_name("status").unwrap().as_enum_number(),
        Some(0)
    );
    let order = message("Order", &[("status", Value::EnumNumber(99))]);
    assert_eq!(answer(&plan, &framed(&order)).unwrap(), framed(&order));
}

#[test]
fn leaves_bytes_that_are_no_text_to_content() {
    let raw = Value::Bytes(vec![0xff, 0xd8, 0xff, 0xe0].into());
    let order = framed(&message("Order", &[("id", text("1")), ("raw", raw)]));
    let plan = calling(under(None), "Watch");
    assert_eq!(refused(&plan, &order), ReasonCode::TypeUnsupported);
    let mut fixture = under(None);
    fixture.treatment.content = vec![MediaRange {
        top: "application".into(),
        sub: Some("octet-stream".into()),
    }];
    let plan = calling(fixture, "Watch");
    let (passed, report) = run_as(&plan, Side::Response, Packing::None, &[&order]).unwrap();
    assert_eq!(passed, order);
    assert!(report.is_unscanned());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    coder.write_all(bytes).unwrap();
    coder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    coder.write_all(bytes).unwrap();
    coder.finish().unwrap()
}

fn flagged(message: &[u8]) -> Vec<u8> {
    let mut frame = frame(message);
    frame[0] = 1;
    frame
}

#[test]
fn undoes_the_coding_of_messages() {
    let plan = calling(under(Some(rule("$", "$.customer.id"))), "Watch");
    let plain = order("1", "u-ann").encode_to_vec();
    let run = |packing, body: &[u8]| {
        run_as(&plan, Side::Response, packing, &[body])
            .map(|(output, _)| output)
            .map_err(|refusal| refusal.code)
    };
    for (coding, coded) in [
        (Coding::Gzip, gzip(&plain)),
        (Coding::Deflate, zlib(&plain)),
    ] {
        let body = [flagged(&coded), frame(&plain)].concat();
        assert_eq!(
            run(Packing::Known(coding), &body).unwrap(),
            [frame(&plain), frame(&plain)].concat()
        );
        // A flag that lies, either way.
        assert!(run(Packing::Known(coding), &flagged(&plain)).is_err());
        assert!(run(Packing::Known(coding), &frame(&coded)).is_err());
        let spare = [&coded[..], b"x"].concat();
        assert!(run(Packing::Known(coding), &flagged(&spare)).is_err());
        let (_, cut) = coded.split_last().unwrap();
        assert!(run(Packing::Known(coding), &flagged(cut)).is_err());
        let anothers = order("1", "u-bob").encode_to_vec();
        let coded = if coding == Coding::Gzip {
            gzip(&anothers)
        } else {
            zlib(&anothers)
        };
        assert_eq!(run(Packing::Known(coding), &flagged(&coded)).unwrap(), b"");
    }
    let coded = flagged(&gzip(&plain));
    assert_eq!(run(Packing::None, &coded), Err(ReasonCode::AnswerMalformed));
    assert_eq!(
        run(Packing::Unknown, &coded),
        Err(ReasonCode::CodingUnsupported)
    );
    assert_eq!(
        run(Packing::Unknown, &frame(&plain)).unwrap(),
        frame(&plain)
    );
}

#[test]
fn ends_bombs_and_messages_that_are_too_large() {
    let mut fixture = under(None);
    fixture.limits = Limits {
        record: 10_000,
        ..fixture.limits
    };
    let plan = calling(fixture, "Watch");
    let run = |packing, body: &[u8]| {
        run_as(&plan, Side::Response, packing, &[body]).map_err(|refusal| refusal.code)
    };
    let note = |length| message("Order", &[("note", text(&"x".repeat(length)))]).encode_to_vec();
    assert!(run(Packing::None, &frame(&note(9000))).is_ok());
    let too_large = Err(ReasonCode::RecordTooLarge);
    assert_eq!(run(Packing::None, &frame(&note(10_001))), too_large);
    assert!(run(Packing::Known(Coding::Gzip), &flagged(&gzip(&note(9000)))).is_ok());
    let bomb = flagged(&gzip(&note(10_001)));
    assert_eq!(run(Packing::Known(Coding::Gzip), &bomb), too_large);
    // The length alone is enough: nothing is waited for.
    let mut stream = stream(&plan, Side::Response, Packing::None).unwrap();
    let refusal = stream.write(&[0, 0xff, 0xff, 0xff, 0xff]).unwrap_err();
    assert_eq!(refusal.code, ReasonCode::RecordTooLarge);
    // Few bytes that stand for many values.
    let counts = Value::List(vec![Value::I64(0); 5000]);
    let many = message("Order", &[("counts", counts)]);
    assert_eq!(run(Packing::None, &framed(&many)), too_large);
}

#[test]
fn holds_requests_against_their_rule() {
    let mut fixture = under(None);
    fixture.treatment.request = Some(Arc::new(rule("$", "$.customer.id")));
    let run = |method, body: &[u8]| {
        let mut fixture = under(None);
        fixture.treatment.request = Some(Arc::new(rule("$", "$.customer.id")));
        let plan = calling(fixture, method);
        run_as(&plan, Side::Request, Packing::Known(Coding::Gzip), &[body])
            .map(|(output, _)| output)
            .map_err(|refusal| refusal.code)
    };
    let (own, other) = (framed(&order("1", "u-ann")), framed(&order("2", "u-bob")));
    let coded = flagged(&gzip(&order("1", "u-ann").encode_to_vec()));
    let foreign = Err(ReasonCode::RequestForeignRecord);
    for (method, body, passed) in [
        ("Put", own.clone(), Ok(own.clone())),
        ("Put", coded.clone(), Ok(coded)),
        ("Put", other.clone(), foreign.clone()),
        ("Put", Vec::new(), foreign.clone()),
        (
            "Put",
            [&*own, &*own].concat(),
            Err(ReasonCode::RequestMalformed),
        ),
        (
            "PutAll",
            [&*own, &*own].concat(),
            Ok([&*own, &*own].concat()),
        ),
        ("PutAll", [&*own, &*other].concat(), foreign),
        (
            "Put",
            own[..own.len() - 1].to_vec(),
            Err(ReasonCode::RequestMalformed),
        ),
    ] {
        assert_eq!(run(method, &body), passed, "{method} {body:?}");
    }
    let plan = calling(fixture, "PutAll");
    let mut stream = stream(&plan, Side::Request, Packing::None).unwrap();
    stream.write(&own).unwrap();
    assert_eq!(stream.ready(), 0);
    stream.finish().unwrap();
    assert_eq!(&*stream.take(), own);
}

#[test]
fn refuses_requests_that_hold_what_is_blocked() {
    let fixture = || Fixture::new().detector("email", Action::Block);
    let plan = calling(fixture(), "Put");
    let run = |body: &[u8]| {
        run_as(&plan, Side::Request, Packing::None, &[body])
            .map(|(output, _)| output)
            .map_err(|refusal| refusal.code)
    };
    let mail = |mail: &[u8]| {
        framed(&message(
            "Order",
            &[("raw", Value::Bytes(mail.to_vec().into()))],
        ))
    };
    let own = mail(b"ann@shop.example");
    assert_eq!(run(&own), Ok(own));
    for mail in [
        mail(b"bob@elsewhere.example"),
        mail(b"\xff bob@elsewhere.example"),
    ] {
        assert_eq!(run(&mail), Err(ReasonCode::RequestFinding));
    }
    let fine = mail(b"\xff\xfe no address");
    assert_eq!(run(&fine), Ok(fine));
    let unknown = calling(fixture(), "Nothing");
    let refusal = stream(&unknown, Side::Request, Packing::None).unwrap_err();
    assert_eq!(refusal.code, ReasonCode::RequestUnreadable);
}

#[test]
fn refuses_answers_to_methods_that_the_set_lacks() {
    let plan = calling(under(None), "Nothing");
    assert_eq!(refused(&plan, &frame(b"")), ReasonCode::TypeUnsupported);
    let mut fixture = under(None);
    fixture.treatment.public = None;
    let plan = calling(fixture, "List");
    assert_eq!(refused(&plan, &frame(b"")), ReasonCode::TypeUnsupported);
}
