//! Records one after the other: NDJSON, JSON text sequences, events.

use super::{ALICE, BOB, Case, Who, own, pair};

pub(super) fn all(all: &mut Vec<Case>) {
    let record = |who: Who| format!("{{\"owner\":\"{}\",\"note\":\"{}\"}}", who.owner, who.note);
    let events = "text/event-stream";
    let (fine, event) = (record(ALICE) + "\n", format!("data: {}\n\n", record(ALICE)));
    for (name, end) in [("lf", "\n"), ("crlf", "\r\n"), ("no-end", "")] {
        all.push(own(
            &format!("ndjson-{name}"),
            "lines",
            "application/x-ndjson",
            |who| record(who) + end,
        ));
    }
    all.push(own("json-seq", "lines", "application/json-seq", |who| {
        format!("\u{1e}{}\n", record(who))
    }));
    for (name, body) in [
        (
            "ndjson-two-a-line",
            format!("{} {}\n", record(ALICE), record(BOB)),
        ),
        (
            "ndjson-comment",
            format!("# {}\n{}", record(BOB), record(ALICE)),
        ),
        ("ndjson-array", format!("[{}]\n", record(BOB))),
        (
            "ndjson-broken",
            "{\"owner\":\"alice\",\n\"note\":\"zq7-secret\"}\n".to_owned(),
        ),
    ] {
        let kind = "application/x-ndjson";
        all.push(pair(name, "lines", (kind, body), (kind, &fine)));
    }
    for (name, body) in [
        ("sse-data", format!("data: {}\n\n", record(BOB))),
        (
            "sse-id",
            format!("id: zq7-secret\ndata: {}\n\n", record(BOB)),
        ),
        (
            "sse-event",
            format!("event: zq7-secret\ndata: {}\n\n", record(BOB)),
        ),
        (
            "sse-comment",
            format!(": zq7-secret\ndata: {}\n\n", record(BOB)),
        ),
        ("sse-no-space", format!("data:{}\n\n", record(BOB))),
        (
            "sse-split",
            "data: {\"owner\":\"bob\",\ndata: \"note\":\"zq7-secret\"}\n\n".to_owned(),
        ),
        ("sse-cr", format!("data: {}\r\r", record(BOB))),
        (
            "sse-unfinished",
            format!("data: {}\n\ndata: {}", record(ALICE), record(BOB)),
        ),
        ("sse-no-json", "data: zq7-secret\n\n".to_owned()),
        ("sse-other-field", format!("Data: zq7-secret\n{event}")),
        ("sse-retry", format!("retry: zq7-secret\n{event}")),
        ("sse-id-mail", format!("id: bob@shop.example\n{event}")),
    ] {
        all.push(pair(name, "lines", (events, body), (events, &event)));
    }
}
