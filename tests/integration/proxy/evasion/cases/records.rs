//! Records in JSON.

use super::{ALICE, BOB, Case, JSON, Who, each, order, own, pair};

pub(super) fn all(all: &mut Vec<Case>) {
    all.push(own("order", "orders", JSON, order));
    all.push(own("order-bom", "orders", JSON, |who| {
        format!("\u{feff}{}", order(who))
    }));
    all.push(own("order-last", "orders", JSON, |who| {
        format!(
            "[{{\"note\":\"{}\",\"x\":[1,{{}}],\"owner\":\"{}\"}}]",
            who.note, who.owner
        )
    }));
    all.push(own("order-escaped", "orders", JSON, |who| {
        let owner = each(who.owner, |n| format!("\\u{n:04x}"));
        format!(
            "[{{\"\\u006fwner\":\"{owner}\",\"note\":\"{}\"}}]",
            who.note
        )
    }));
    all.push(own("order-deep", "orders", JSON, |who| {
        let (open, close) = ("[".repeat(60), "]".repeat(60));
        format!(
            "[{{\"note\":{open}\"{}\"{close},\"owner\":\"{}\"}}]",
            who.note, who.owner
        )
    }));
    all.push(own("order-long", "orders", JSON, |who| {
        format!(
            "[{{\"pad\":\"{}\",\"note\":\"{}\",\"owner\":\"{}\"}}]",
            "x".repeat(90_000),
            who.note,
            who.owner
        )
    }));
    let fine = order(ALICE);
    for (name, body) in [
        (
            "twice",
            r#"[{"owner":"alice","owner":"bob","note":"zq7-secret"}]"#,
        ),
        (
            "twice-turned",
            r#"[{"owner":"bob","note":"zq7-secret","owner":"alice"}]"#,
        ),
        (
            "twice-escaped",
            r#"[{"owner":"alice","\u006fwner":"bob","note":"zq7-secret"}]"#,
        ),
        ("list", r#"[{"owner":["alice","bob"],"note":"zq7-secret"}]"#),
        (
            "object",
            r#"[{"owner":{"owner":"alice"},"note":"zq7-secret"}]"#,
        ),
        ("missing", r#"[{"note":"zq7-secret"}]"#),
        ("null", r#"[{"owner":null,"note":"zq7-secret"}]"#),
        ("true", r#"[{"owner":true,"note":"zq7-secret"}]"#),
        ("empty", r#"[{"owner":"","note":"zq7-secret"}]"#),
        ("case", r#"[{"owner":"Alice","note":"zq7-secret"}]"#),
        ("space", r#"[{"owner":"alice ","note":"zq7-secret"}]"#),
        ("nul", r#"[{"owner":"alice\u0000","note":"zq7-secret"}]"#),
        ("prefix", r#"[{"owner":"alic","note":"zq7-secret"}]"#),
        ("other-name", r#"[{"Owner":"alice","note":"zq7-secret"}]"#),
        (
            "nested-decoy",
            r#"[{"a":{"owner":"alice"},"owner":"bob","note":"zq7-secret"}]"#,
        ),
        ("bare", r#"["zq7-secret"]"#),
        (
            "list-in-list",
            r#"[[{"owner":"alice","note":"zq7-secret"}]]"#,
        ),
        ("object-root", r#"{"owner":"alice","note":"zq7-secret"}"#),
        ("string-root", r#""zq7-secret""#),
        ("trailing", r#"[{"owner":"alice"}] "zq7-secret""#),
        (
            "second-text",
            r#"[{"owner":"alice"}][{"owner":"bob","note":"zq7-secret"}]"#,
        ),
        ("cut-off", r#"[{"owner":"bob","note":"zq7-secret""#),
        ("comment", r#"[{"owner":"alice"} /* zq7-secret */]"#),
        ("single-quotes", r"[{'owner':'alice','note':'zq7-secret'}]"),
        (
            "trailing-comma",
            r#"[{"owner":"bob","note":"zq7-secret"},]"#,
        ),
        (
            "prefix-guard",
            r#")]}',[{"owner":"bob","note":"zq7-secret"}]"#,
        ),
        ("callback", r#"f([{"owner":"bob","note":"zq7-secret"}])"#),
        (
            "lone-surrogate",
            r#"[{"owner":"alice\ud800","note":"zq7-secret"}]"#,
        ),
    ] {
        all.push(pair(
            &format!("order-{name}"),
            "orders",
            (JSON, body),
            (JSON, &fine),
        ));
    }
    let bytes = [b"[{\"owner\":\"\xc1\xa1lice\",\"note\":\"zq7-secret\"}]".as_slice()];
    all.push(pair(
        "order-overlong",
        "orders",
        (JSON, bytes[0]),
        (JSON, &fine),
    ));
    for (name, kind) in [
        ("html", "text/html"),
        ("text", "text/plain"),
        ("none", "application/octet-stream"),
        ("image", "image/png"),
        ("xml", "application/xml"),
        ("csv", "text/csv"),
        ("script", "text/javascript"),
        ("charset", "application/json; charset=utf-7"),
        ("two", "text/html\r\ncontent-type: application/json"),
        ("list", "application/json, text/html"),
        ("empty", ""),
    ] {
        all.push(pair(
            &format!("order-as-{name}"),
            "orders",
            (kind, order(BOB)),
            (JSON, &fine),
        ));
    }
    let items = |who: Who| {
        format!(
            "{{\"page\":1,\"items\":[{{\"owner\":{{\"id\":\"{}\"}},\"note\":\"{}\"}}]}}",
            who.owner, who.note
        )
    };
    all.push(own("items", "items", JSON, items));
    for (name, body) in [
        (
            "beside",
            r#"{"note":"zq7-secret","items":[{"owner":{"id":"alice"}}]}"#,
        ),
        (
            "behind",
            r#"{"items":[{"owner":{"id":"alice"}}],"note":"zq7-secret"}"#,
        ),
        (
            "as-key",
            r#"{"zq7-secret":1,"items":[{"owner":{"id":"alice"}}]}"#,
        ),
        (
            "twice",
            r#"{"items":[{"owner":{"id":"bob"},"note":"zq7-secret"}],"items":[]}"#,
        ),
        (
            "owner-twice",
            r#"{"items":[{"owner":{"id":"bob"},"owner":{"id":"alice"},"note":"zq7-secret"}]}"#,
        ),
        (
            "object",
            r#"{"items":{"owner":{"id":"alice"},"note":"zq7-secret"}}"#,
        ),
        ("no-items", r#"{"page":"none","note":"zq7-secret"}"#),
    ] {
        all.push(pair(
            &format!("items-{name}"),
            "items",
            (JSON, body),
            (JSON, items(ALICE)),
        ));
    }
    for (name, body) in [
        (
            "in-own",
            r#"{"owner":"alice","a":{"owner":"bob","note":"zq7-secret"}}"#,
        ),
        (
            "in-others",
            r#"{"a":{"owner":"bob","note":"zq7-secret","b":{"owner":"alice"}}}"#,
        ),
        (
            "in-list",
            r#"{"a":[1,[{"owner":"bob","note":"zq7-secret"}]]}"#,
        ),
        ("as-text", r#"{"a":{"owner":["bob"],"note":"zq7-secret"}}"#),
    ] {
        let twin = r#"{"a":[1,{"owner":"alice","note":"mine"}],"total":2}"#;
        all.push(pair(
            &format!("anywhere-{name}"),
            "anywhere",
            (JSON, body),
            (JSON, twin),
        ));
    }
}
