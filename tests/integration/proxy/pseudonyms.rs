//! Placeholders that apps can go on working with: the same for the same value, for one user of one preview.

use std::net::SocketAddr;

use http::Response;
use serde_json::Value;

use crate::client::get;
use crate::preview::{Preview, preview};
use crate::upstream::{app, full};

const ROUTES: &str = r#"
  - match: GET /**
    public: Nobody's data.
detect:
  - use: [email, phone]
    action: pseudonymize
  - use: [payment-card]
    action: { mask: { keep_last: 4, number: true } }
"#;

/// Orders name customers by their addresses, customers have them as keys; both come in pages.
async fn shop() -> SocketAddr {
    app(|request| async move {
        let (kind, body) = match request.uri().path_and_query().unwrap().as_str() {
            "/orders?page=1" => ("application/json", r#"[{"id":1,"by":"bob@shop.example"},{"id":2,"by":"eve@shop.example"}]"#),
            "/orders?page=2" => ("application/json", r#"[{"id":3,"by":"Bob@Shop.example"},{"id":4,"by":"alice@shop.example"}]"#),
            "/customers" => ("application/json", r#"[{"mail":"eve@shop.example","phone":"+49 30 901821"},{"mail":"bob@shop.example","phone":"+49 (30) 901-821"}]"#),
            "/cards" => ("application/json", r#"{"card":4111111111111111,"text":"4111111111111111"}"#),
            "/table" => ("text/csv", "by,item\nbob@shop.example,tea\n"),
            _ => ("text/html", "<a href=\"mailto:bob@shop.example\">x</a>"),
        };
        let answer = Response::builder().header("content-type", kind);
        answer.body(full(body)).unwrap()
    })
    .await
}

async fn start(key: &str) -> Preview {
    let app = shop().await;
    preview(app).routes(ROUTES).audit_key(key).start().await
}

async fn ask(preview: &Preview, user: &str, path: &str) -> String {
    let reply = get(preview.address, path, &preview.token(user)).await;
    reply.text().to_owned()
}

async fn rows(preview: &Preview, user: &str, path: &str, field: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(&ask(preview, user, path).await).unwrap();
    let rows = answer.as_array().unwrap().iter();
    rows.map(|row| row[field].as_str().unwrap().to_owned())
        .collect()
}

const KEY: &str = "sixteen bytes or more";

#[tokio::test]
async fn joins_what_the_app_says_in_many_answers() {
    let preview = start(KEY).await;
    let customers = rows(&preview, "alice", "/customers", "mail").await;
    let [eve, bob] = &customers[..] else {
        panic!("{customers:?}")
    };
    assert_ne!(eve, bob);
    for name in [eve, bob] {
        assert!(
            name.starts_with("p-") && name.ends_with("@pseudonym.invalid"),
            "{name}"
        );
    }
    let first = rows(&preview, "alice", "/orders?page=1", "by").await;
    assert_eq!(first, [bob.clone(), eve.clone()]);
    let second = rows(&preview, "alice", "/orders?page=2", "by").await;
    assert_eq!(second, [bob.clone(), "alice@shop.example".to_owned()]);
    assert_eq!(
        ask(&preview, "alice", "/table").await,
        format!("by,item\n{bob},tea\n")
    );
    assert_eq!(
        ask(&preview, "alice", "/page").await,
        format!("<a href=\"mailto:{bob}\">x</a>")
    );
    // Two spellings of one number are one.
    let phones = rows(&preview, "alice", "/customers", "phone").await;
    assert_eq!(phones[0], phones[1]);
    assert!(phones[0].starts_with("[phone:"), "{phones:?}");
}

#[tokio::test]
async fn tells_two_users_nothing_that_they_could_compare() {
    let preview = start(KEY).await;
    let hers = rows(&preview, "alice", "/orders?page=1", "by").await;
    let his = rows(&preview, "dan", "/orders?page=1", "by").await;
    assert!(
        hers.iter().all(|name| !his.contains(name)),
        "{hers:?} {his:?}"
    );
    let own = rows(&preview, "eve", "/orders?page=1", "by").await;
    assert_eq!(own[1], "eve@shop.example");
    assert!(!hers.contains(&own[0]) && !his.contains(&own[0]));
}

#[tokio::test]
async fn keeps_pseudonyms_over_a_restart_with_the_same_key() {
    let one = rows(&start(KEY).await, "alice", "/customers", "mail").await;
    assert_eq!(
        rows(&start(KEY).await, "alice", "/customers", "mail").await,
        one
    );
    let other = rows(
        &start("another key of many bytes").await,
        "alice",
        "/customers",
        "mail",
    )
    .await;
    assert!(one.iter().all(|name| !other.contains(name)));
}

#[tokio::test]
async fn keeps_numbers_numbers() {
    let preview = start(KEY).await;
    let answer = ask(&preview, "alice", "/cards").await;
    assert_eq!(
        answer,
        r#"{"card":1111111111111111,"text":"************1111"}"#
    );
}
