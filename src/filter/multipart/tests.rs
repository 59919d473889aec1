//! Bodies of parts: the same bytes come out, whatever the cut, or nothing does.

use proptest::prelude::*;

use super::{Boundary, Event, Multipart, Splitter};
use crate::filter::fixture::Fixture;
use crate::filter::{Inspector, Side, Stream};
use crate::policy::treatment::{Action, Class};
use crate::types::ReasonCode;

fn boundary(text: &str) -> Boundary {
    Boundary::of(
        &format!("multipart/form-data; boundary={text}")
            .parse()
            .unwrap(),
    )
    .unwrap()
}

/// The events of `body`, those of one kind put together.
fn split(body: &[u8], size: usize) -> Result<Vec<String>, ReasonCode> {
    let mut events: Vec<(char, Vec<u8>)> = Vec::new();
    let mut take = |event: Event<'_>| {
        let (kind, bytes) = match event {
            Event::Frame(bytes) => ('f', bytes),
            Event::Head(bytes) => ('h', bytes),
            Event::Data(bytes) => ('d', bytes),
            Event::End => ('e', &[][..]),
        };
        match events.last_mut() {
            Some((last, whole)) if *last == kind => whole.extend_from_slice(bytes),
            _ => events.push((kind, bytes.to_vec())),
        }
        Ok(())
    };
    let mut splitter = Splitter::new(&boundary("b"));
    for piece in body.chunks(size) {
        splitter
            .write(piece, &mut take)
            .map_err(|refusal| refusal.code)?;
    }
    splitter.finish(&mut take).map_err(|refusal| refusal.code)?;
    let whole: Vec<u8> = events
        .iter()
        .flat_map(|(_, bytes)| bytes)
        .copied()
        .collect();
    assert_eq!(whole, body);
    let spell =
        |(kind, bytes): (char, Vec<u8>)| format!("{kind}{}", String::from_utf8_lossy(&bytes));
    Ok(events.into_iter().map(spell).collect())
}

#[test]
fn splits_strictly() {
    let events = split(
        b"--b\r\nA: 1\r\n\r\nx\r\n--c\r\n--b\r\n\r\n\r\n--b--\r\n",
        4,
    )
    .unwrap();
    assert_eq!(events[1..4], ["hA: 1\r\n\r\n", "dx\r\n--c", "e"]);
    assert_eq!(events[5..7], ["h\r\n", "e"]);
    for body in ["--b--", "\r\n--b--\r\n", "--b\r\n\r\na--b\r\n--b--"] {
        assert!(split(body.as_bytes(), 3).is_ok(), "{body}");
    }
    for body in [
        "",
        "x\r\n--b--",
        "--b",
        "--b\r\n\r\nx",
        "--b\r\n\r\nx\r\n--b",
        "--bx\r\n\r\nx\r\n--b--",
        "--b \r\n\r\nx\r\n--b--",
        "--b\n\nx\n--b--",
        "--b\r\n\r\nx\n--b--",
        "--b\r\n\r\nx\r--b--",
        "--b\r\n\r\n--b--",
        "--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n--b--",
        "--b\r\n\r\nx\r\n--b--\r\nepilogue",
        "--b\r\nA: --b\r\n\r\nx\r\n--b--",
        "-",
    ] {
        assert_eq!(
            split(body.as_bytes(), 3),
            Err(ReasonCode::RequestMalformed),
            "{body:?}"
        );
    }
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "--b",
        "--b--",
        "\r\n",
        "\r",
        "\n",
        "-",
        "--",
        "b",
        "x",
        "A: 1",
        "\r\n--b\r\n",
        "\r\n\r\n",
        "\r\n--b--",
    ])
}

proptest! {
    #[test]
    fn splits_alike_whatever_the_cut(pieces in prop::collection::vec(piece(), 0..14), size in 1usize..9) {
        let body = format!("--b\r\n{}", pieces.concat());
        prop_assert_eq!(split(body.as_bytes(), size), split(body.as_bytes(), body.len()));
    }
}

fn filter(body: &[u8], size: usize) -> Result<Vec<u8>, ReasonCode> {
    let fixture = Fixture::new().terms("names", Class::Dictionary, "Bob Byte", Action::Redact);
    let plan = fixture.plan();
    let inspector = Inspector::new(&plan, Side::Request);
    let format = Box::new(Multipart::new(&boundary("b")));
    let mut stream = Stream::over(inspector, format, &[]).unwrap();
    let mut out = Vec::new();
    for piece in body.chunks(size) {
        stream.write(piece).map_err(|refusal| refusal.code)?;
        out.extend_from_slice(&stream.take());
    }
    stream.finish().map_err(|refusal| refusal.code)?;
    out.extend_from_slice(&stream.take());
    Ok(out)
}

fn form(head: &str, value: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n--b--\r\n")
}

#[test]
fn scans_every_part_as_what_it_is() {
    let found = ReasonCode::RequestFinding;
    for (head, value, code) in [
        ("name=\"a\"", "Bob Byte", found),
        ("name=\"a\"", "Bob%20Byte", found),
        ("name=\"a\"", "Bob%2520Byte", found),
        ("name=\"a\"", "Bob+Byte", found),
        ("name=\"Bob Byte\"", "x", found),
        ("name=\"a\"; filename=\"Bob Byte.txt\"", "x", found),
        ("name=\"a\"; filename*=UTF-8''Bob%20Byte", "x", found),
        ("name=\"a\"; filename=\"f\"", "x Bob Byte x", found),
        (
            "name=\"a\"\r\nContent-Type: application/json",
            r#"{"a":"\u0042ob Byte"}"#,
            found,
        ),
        (
            "name=\"a\"\r\nContent-Type: application/x-www-form-urlencoded",
            "a=%42ob+Byte",
            found,
        ),
        ("name=\"a\"\r\nContent-Type: a/b; c=Bob Byte", "x", found),
        ("name=\"a\"\r\nX-Note: x", "x", ReasonCode::RequestMalformed),
        (
            "name=\"a\"\r\nContent-Type: application/json",
            "{",
            ReasonCode::RequestMalformed,
        ),
        (
            "name=\"a\"\r\nContent-Transfer-Encoding: base64",
            "Qm9iIEJ5dGU=",
            ReasonCode::RequestUnreadable,
        ),
        (
            "name=\"a\"\r\nContent-Type: text/plain; charset=utf-16",
            "x",
            ReasonCode::RequestUnreadable,
        ),
        (
            "name=\"a\"\r\nContent-Type: a\r\nContent-Type: b",
            "x",
            ReasonCode::RequestMalformed,
        ),
    ] {
        let body = form(head, value);
        for size in [1, 5, 1000] {
            assert_eq!(filter(body.as_bytes(), size), Err(code), "{body}");
        }
    }
    for (head, value) in [
        ("name=\"a\"", "Bob Bytes"),
        ("name=\"a\"; filename=\"Bob.txt\"", "Bob.\r\nThe Byte"),
        (
            "name=\"a\"\r\nContent-Type: application/json",
            r#"{"a": "\u0042ob"}"#,
        ),
        (
            "name=\"a\"; filename=\"a.bin\"\r\nContent-Type: image/png",
            "\u{1}\0\r\n--",
        ),
        ("name=\"a\"\r\nContent-Transfer-Encoding: binary", ""),
    ] {
        let body = form(head, value);
        for size in [1, 5, 1000] {
            assert_eq!(
                filter(body.as_bytes(), size).unwrap(),
                body.as_bytes(),
                "{body}"
            );
        }
    }
}
