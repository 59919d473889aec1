//! Records in tables.

use super::{Case, own, pair};

pub(super) fn all(all: &mut Vec<Case>) {
    let csv = "text/csv; charset=utf-8";
    let fine = "owner,note\r\nalice,mine\r\n";
    for (name, before, after) in [("plain", "", ""), ("quoted", "\"", "\"")] {
        all.push(own(&format!("csv-{name}"), "rows", csv, |who| {
            format!(
                "owner,note\r\n{before}{}{after},{before}{}{after}\r\n",
                who.owner, who.note
            )
        }));
    }
    all.push(own("csv-bom", "rows", csv, |who| {
        format!("\u{feff}owner,note\n{},{}\n", who.owner, who.note)
    }));
    all.push(own("tsv", "rows", "text/tab-separated-values", |who| {
        format!("owner\tnote\n{}\t{}\n", who.owner, who.note)
    }));
    for (name, sign) in [
        ("feed", '\u{c}'),
        ("separator", '\u{1e}'),
        ("next-line", '\u{85}'),
        ("line-separator", '\u{2028}'),
        ("paragraph-separator", '\u{2029}'),
    ] {
        let body = |owner| format!("owner,note\nalice,\"a{sign}{owner},zq7-secret\"\n");
        let twin = format!("owner,note\nalice,\"a{sign}b\"\n");
        let case = pair(
            &format!("csv-line-{name}"),
            "rows",
            (csv, body("bob")),
            (csv, twin),
        );
        all.push(case);
    }
    for (name, body) in [
        ("lone-cr", "owner,note\nalice,1\rbob,zq7-secret\n"),
        ("quote-inside", "owner,note\nalice,a\"\nbob,zq7-secret\"\n"),
        ("owner-twice", "owner,owner\nalice,zq7-secret\n"),
        ("no-owner", "note\nzq7-secret\n"),
        ("delimiter", "owner;note\nalice;zq7-secret\n"),
        ("ragged", "owner,note\nalice,1,zq7-secret\n"),
        ("short", "owner,note\nzq7-secret\n"),
        ("backslash", "owner,note\nalice,\"a\\\",zq7-secret\"\n"),
        ("space-owner", "owner,note\n alice,zq7-secret\n"),
        ("zero", "owner,note\nalice\0,zq7-secret\n"),
        ("mail-in-head", "owner,bob@shop.example\nalice,1\n"),
        ("mail-in-cell", "owner,note\nalice,bob@shop.example\n"),
    ] {
        all.push(pair(
            &format!("csv-{name}"),
            "rows",
            (csv, body),
            (csv, fine),
        ));
    }
}
