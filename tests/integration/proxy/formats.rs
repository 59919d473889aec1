//! Answers that are no JSON document, each from an app that hands out what it must not and from one that does not.

use crate::client::get;
use crate::preview::preview;
use crate::upstream::fixed;

const ROUTES: &str = r#"
  - match: GET /export
    rows: { owner: owner }
"#;

#[tokio::test]
async fn gives_each_user_their_own_rows() {
    let body = "owner,note\r\nalice,\"two\r\nlines\"\r\nbob,secret\r\nalice,3\r\n";
    let app = fixed("text/csv; charset=utf-8", body).await;
    let preview = preview(app).routes(ROUTES).start().await;
    let reply = get(preview.address, "/export", &preview.token("alice")).await;
    assert_eq!(
        reply.text(),
        "owner,note\r\nalice,\"two\r\nlines\"\r\nalice,3\r\n"
    );
    assert_eq!(reply.headers["chaperone-filter"], "owner");
    let record = &preview.recorded(1).await[0];
    assert_eq!(record["rules"][0]["count"], 1);
    let eve = get(preview.address, "/export", &preview.token("eve")).await;
    assert_eq!(eve.text(), "owner,note\r\n");
}

#[tokio::test]
async fn blocks_tables_that_hide_rows() {
    for (kind, body, code) in [
        (
            "text/csv",
            "owner,note\nalice,1\rbob,secret\n",
            "answer-malformed",
        ),
        (
            "text/csv",
            "owner,note\nalice,a\"\nbob,secret\"\n",
            "answer-malformed",
        ),
        (
            "text/csv",
            "owner,owner\nalice,bob secret\n",
            "answer-malformed",
        ),
        ("text/csv", "note\nsecret\n", "nothing-selected"),
        ("text/csv", "owner;note\nbob;secret\n", "nothing-selected"),
        (
            "text/csv; charset=utf-16",
            "owner,note\nbob,secret\n",
            "type-unsupported",
        ),
        ("text/plain", "owner,note\nbob,secret\n", "type-unsupported"),
        (
            "application/json",
            r#"[{"owner":"bob"}]"#,
            "type-unsupported",
        ),
    ] {
        let preview = preview(fixed(kind, body).await)
            .routes(ROUTES)
            .start()
            .await;
        let reply = get(preview.address, "/export", &preview.token("alice")).await;
        assert_eq!(reply.code(), code, "{body:?}");
        assert!(!reply.text().contains("secret"));
    }
}
