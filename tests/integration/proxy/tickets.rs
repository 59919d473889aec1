//! The ticket link from outside: opened, previewed by others, confirmed once, and signed out again.

use std::path::Path;

use bytes::Bytes;
use chaperone::capability::mint::{Grant, SigningKey};
use chaperone::capability::ticket::Ticket;
use http::{Method, Request};
use http_body_util::Full;
use jiff::{SignedDuration, Timestamp};

use crate::client::{self, Reply};
use crate::preview::{Preview, preview};
use crate::upstream::fixed;

const TICKET: &str = "/.well-known/chaperone/ticket";
const SIGN_OUT: &str = "/.well-known/chaperone/sign-out";
const SAME: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];

async fn stage(spent: &Path) -> Preview {
    let app = fixed("text/plain", "from the app").await;
    let config = format!(
        "mint: {{ key_file: issuer.key, lifetime: 10m }}\ntickets: {{ spent: {} }}\n",
        spent.display()
    );
    preview(app).config(&config).start().await
}

fn grant() -> Grant {
    Grant {
        preview: Some("test".to_owned()),
        ..Grant::new("alice").until(Timestamp::now() + SignedDuration::from_mins(5))
    }
}

fn ticket(key: &SigningKey) -> String {
    let ticket = Ticket::new(&grant(), "/open/a?b=c").unwrap();
    ticket.sign(key).unwrap().expose().clone()
}

async fn ask(
    preview: &Preview,
    method: Method,
    path: &str,
    fields: &[(&str, &str)],
    form: &str,
) -> Reply {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "app.test")
        .header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(form.to_owned())));
    client::send(preview.address, request.unwrap()).await
}

#[tokio::test]
async fn lets_its_user_in_once() {
    let spent = tempfile::tempdir().unwrap();
    let preview = stage(spent.path()).await;
    let ticket = ticket(preview.key());

    let page = ask(&preview, Method::GET, TICKET, &[], "").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<dd>test</dd>"), "{}", page.text());
    assert!(!page.headers.contains_key("set-cookie"));
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["x-frame-options"], "DENY");
    let policies = page.headers.get_all("content-security-policy").iter();
    let policies: Vec<_> = policies.map(|it| it.to_str().unwrap()).collect();
    assert!(
        policies
            .iter()
            .any(|it| it.contains("frame-ancestors 'none'"))
    );

    // Looking at it, as often as one likes, spends nothing.
    for _ in 0..3 {
        let shown = ask(
            &preview,
            Method::POST,
            TICKET,
            SAME,
            &format!("ticket={ticket}"),
        )
        .await;
        assert_eq!(shown.status, 200);
        assert!(shown.text().contains("Open as alice"), "{}", shown.text());
        assert!(!shown.headers.contains_key("set-cookie"));
        assert_eq!(std::fs::read_dir(spent.path()).unwrap().count(), 0);
    }

    let confirm = format!("ticket={ticket}&confirm=yes");
    let opened = ask(&preview, Method::POST, TICKET, SAME, &confirm).await;
    assert_eq!(opened.status, 303);
    assert_eq!(opened.headers["location"], "/open/a?b=c");
    let cookie = opened.headers["set-cookie"].to_str().unwrap().to_owned();
    let (pair, rest) = cookie.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-chaperone="));
    assert!(
        rest.starts_with("Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age="),
        "{rest}"
    );
    let reply = ask(
        &preview,
        Method::GET,
        "/open/a?b=c",
        &[("cookie", pair), SAME[0]],
        "",
    )
    .await;
    assert_eq!((reply.status.as_u16(), reply.text()), (200, "from the app"));

    let again = ask(&preview, Method::POST, TICKET, SAME, &confirm).await;
    assert_eq!(
        (again.status.as_u16(), &*again.code()),
        (410, "ticket-spent")
    );

    let records = preview.recorded(7).await;
    let events: Vec<_> = records.iter().map(|it| it["event"].as_str()).collect();
    let opened = Some("ticket-opened");
    assert_eq!(
        events,
        [
            None,
            opened,
            opened,
            opened,
            Some("ticket-spent"),
            None,
            None
        ]
    );
    assert_eq!(records[4]["subject"], "alice");
    assert_eq!(records[4]["route"], TICKET);
    assert_eq!(
        records[5]["token"], records[4]["token"],
        "the log ties the session to its ticket"
    );
    let log = std::fs::read_to_string(preview.folder().join("log/audit.jsonl")).unwrap();
    let secret = pair.split_once('=').unwrap().1;
    assert!(!log.contains(&ticket) && !log.contains(secret));
}

#[tokio::test]
async fn refuses_a_spent_ticket_after_a_restart_and_at_a_replica() {
    let spent = tempfile::tempdir().unwrap();
    let (one, other) = (stage(spent.path()).await, stage(spent.path()).await);
    // Both sidecars must take the same ticket: it is signed by the first one's issuer.
    let key = one.key().public().to_string();
    other.edit_policy(|policy| policy.replace("[issuer.pub]", "[issuer.pub, other.pub]"));
    std::fs::write(other.folder().join("other.pub"), key).unwrap();
    other.handle.reload();
    crate::preview::until(|| other.metric("chaperone_policy_generation") > Some(1.0)).await;

    let form = format!("ticket={}&confirm=yes", ticket(one.key()));
    let tries = [&one, &other, &one, &other].map(|it| ask(it, Method::POST, TICKET, SAME, &form));
    let mut passed = 0;
    for tried in tries {
        let reply = tried.await;
        match reply.status.as_u16() {
            303 => passed += 1,
            _ => assert_eq!(reply.code(), "ticket-spent"),
        }
    }
    assert_eq!(passed, 1);
    one.handle.stop();
}

#[tokio::test]
async fn takes_none_where_it_can_not_remember() {
    let spent = tempfile::tempdir().unwrap();
    let folder = spent.path().join("spent");
    std::fs::create_dir(&folder).unwrap();
    let preview = stage(&folder).await;
    std::fs::remove_dir(&folder).unwrap();
    let form = format!("ticket={}&confirm=yes", ticket(preview.key()));
    let closed = ask(&preview, Method::POST, TICKET, SAME, &form).await;
    assert_eq!(
        (closed.status.as_u16(), &*closed.code()),
        (503, "ticket-unavailable")
    );
    assert!(!closed.headers.contains_key("set-cookie"));
    std::fs::create_dir(&folder).unwrap();
    let opened = ask(&preview, Method::POST, TICKET, SAME, &form).await;
    assert_eq!(opened.status, 303);
}

#[tokio::test]
async fn refuses_pages_of_others_and_scripts_of_the_app() {
    let spent = tempfile::tempdir().unwrap();
    let preview = stage(spent.path()).await;
    let form = format!("ticket={}&confirm=yes", ticket(preview.key()));
    let script = [
        SAME[0],
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-dest", "empty"),
    ];
    let frame = [
        SAME[0],
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "iframe"),
    ];
    for fields in [
        &[][..],
        &[("origin", "https://pr-2.test")],
        &[("sec-fetch-site", "same-site")],
        &[
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
        &script,
        &frame,
    ] {
        for path in [TICKET, SIGN_OUT] {
            let refused = ask(&preview, Method::POST, path, fields, &form).await;
            assert_eq!(refused.status, 403, "{path} {fields:?}");
            assert_eq!(refused.code(), "cross-origin-request");
            assert!(!refused.headers.contains_key("set-cookie"));
        }
    }
    for path in [TICKET, SIGN_OUT] {
        let refused = ask(&preview, Method::GET, path, &script, "").await;
        assert_eq!(refused.code(), "cross-origin-request");
    }
    assert_eq!(std::fs::read_dir(spent.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn refuses_tickets_that_do_not_hold() {
    let spent = tempfile::tempdir().unwrap();
    let preview = stage(spent.path()).await;
    let stranger = SigningKey::generate().unwrap();
    let elsewhere = Grant {
        preview: Some("another".to_owned()),
        ..grant()
    };
    let elsewhere = Ticket::new(&elsewhere, "/").unwrap();
    let elsewhere = elsewhere.sign(preview.key()).unwrap().expose().clone();
    let capability = preview.mint(&grant());
    for text in ["", "x", &*ticket(&stranger), &*elsewhere, &*capability] {
        let form = format!("ticket={text}&confirm=yes");
        let refused = ask(&preview, Method::POST, TICKET, SAME, &form).await;
        assert_eq!(
            (refused.status.as_u16(), &*refused.code()),
            (403, "ticket-invalid"),
            "{text}"
        );
    }
    let good = ticket(preview.key());
    let twice = format!("ticket={good}&ticket={good}");
    let long = format!("ticket={}", "x".repeat(40_000));
    for (form, code) in [
        (&*twice, "request-malformed"),
        (&*long, "request-too-large"),
    ] {
        let refused = ask(&preview, Method::POST, TICKET, SAME, form).await;
        assert_eq!(refused.code(), code);
    }
    let bearer = format!("Bearer {good}");
    let refused = ask(
        &preview,
        Method::GET,
        "/open/a",
        &[("authorization", &bearer)],
        "",
    )
    .await;
    assert_eq!(refused.code(), "capability-invalid");
    assert_eq!(std::fs::read_dir(spent.path()).unwrap().count(), 0);
}

/// Each that is looked at costs a signature: whoever tries many is told to wait, and nobody else is.
#[tokio::test]
async fn lets_one_client_try_few_that_do_not_hold() {
    let spent = tempfile::tempdir().unwrap();
    let app = fixed("text/plain", "from the app").await;
    let config = format!(
        "mint: {{ key_file: issuer.key }}\ntickets: {{ spent: {} }}\n\
         trusted_hops: {{ addresses: [127.0.0.1] }}\n",
        spent.path().display()
    );
    let preview = preview(app)
        .config(&config)
        .limits("failures: 1")
        .start()
        .await;
    let from = |client| [SAME[0], ("x-forwarded-for", client)];
    let forged = format!("ticket={}", ticket(&SigningKey::generate().unwrap()));
    let good = format!("ticket={}", ticket(preview.key()));
    let mut told = Vec::new();
    for _ in 0..12 {
        let fields = from("192.0.2.1");
        let refused = ask(&preview, Method::POST, TICKET, &fields, &forged).await;
        told.push((refused.status.as_u16(), refused.code()));
    }
    assert!(
        told[..10]
            .iter()
            .all(|it| *it == (403, "ticket-invalid".to_owned())),
        "{told:?}"
    );
    assert_eq!(told[11], (429, "too-many-failures".to_owned()));
    for (client, status) in [("192.0.2.1", 429), ("192.0.2.2", 200)] {
        let shown = ask(&preview, Method::POST, TICKET, &from(client), &good).await;
        assert_eq!(shown.status, status, "{client}");
    }
}

#[tokio::test]
async fn signs_out() {
    let spent = tempfile::tempdir().unwrap();
    let preview = stage(spent.path()).await;
    let page = ask(&preview, Method::GET, SIGN_OUT, &[], "").await;
    assert!(page.text().contains("Sign out"));
    assert!(!page.headers.contains_key("set-cookie"));
    let gone = ask(&preview, Method::POST, SIGN_OUT, SAME, "").await;
    assert_eq!(gone.status, 200);
    let ended = |name: &str| format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    let both = ["__Host-chaperone", "__Host-chaperone-revision"].map(ended);
    let told = |reply: &Reply| -> Vec<String> {
        let set = reply.headers.get_all("set-cookie").iter();
        set.map(|it| it.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(told(&gone), both);
    // Browsers would take the cookies of the whole domain, other previews' sessions among them.
    assert_eq!(gone.headers["clear-site-data"], "\"cache\", \"storage\"");
    let records = preview.recorded(2).await;
    assert_eq!(records[1]["event"], "signed-out");

    // The next page is cleared of the app's cookies, and a marker in the same answer does not outlive the sign-out.
    let window = [
        SAME[0],
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("cookie", "app=alices"),
    ];
    let gone = ask(&preview, Method::POST, SIGN_OUT, &window, "").await;
    assert!(told(&gone).ends_with(&both), "{:?}", told(&gone));
    let next = ask(&preview, Method::GET, "/open/a", &window, "").await;
    let ends_it = |it: &String| it.starts_with("app=x; Path=/; Max-Age=0");
    assert!(told(&next).iter().any(ends_it), "{:?}", told(&next));
}

#[tokio::test]
async fn keeps_its_own_addresses_from_the_app() {
    let app = fixed("text/plain", "from the app").await;
    let preview = preview(app)
        .routes("  - match: \"* /**\"\n    public: All.\n")
        .start()
        .await;
    let token = preview.token("alice");
    for path in [
        TICKET,
        "/.well-known/chaperone/token",
        "/.well-known/chaperone",
        "/.well-known/chaperone/x/y",
        "/.WELL-KNOWN/ch%61perone/ticket",
    ] {
        let reply = client::get(preview.address, path, &token).await;
        assert_eq!(
            (reply.status.as_u16(), &*reply.code()),
            (404, "endpoint-unknown"),
            "{path}"
        );
    }
    let reply = client::get(preview.address, "/.well-known/security.txt", &token).await;
    assert_eq!(reply.text(), "from the app");
}
