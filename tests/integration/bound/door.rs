//! Who gets through the door of a bound preview, to which routes: each refusal beside its honest twin.

use chaperone::capability::binding::{Audience, Draft};
use chaperone::capability::mint::SigningKey;
use chaperone::types::{Level, Secret};
use http::{Method, Request};
use http_body_util::Empty;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpStream;

use super::stage::{Bound, HOST, IMAGE, Setup, grant, verdict};
use crate::client;
use crate::upstream::{echo, fixed};

type Change = fn(&mut Setup);

async fn open(bound: &Bound, path: &str) -> (u16, String) {
    let token = bound.token("alice");
    verdict(&bound.ask(&Method::GET, path, &token).await)
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn refuses_what_the_level_does_not_reach() {
    let bound = Setup::default().start(echo().await).await;
    let token = bound.token("alice");
    let ask = async |method: &Method, path: &str| {
        let reply = bound.ask(method, path, &token).await;
        verdict(&reply).1
    };
    let missing = "approval-missing";
    let write = "write-not-cleared";
    let requests = [
        (Method::GET, "/tour/a"),
        (Method::POST, "/tour/a"),
        (Method::GET, "/open/a"),
        (Method::HEAD, "/open/a"),
        (Method::POST, "/open/a"),
        (Method::DELETE, "/open/a"),
        (Method::GET, "/form"),
        (Method::PUT, "/form"),
        (Method::GET, "/reserved"),
        (Method::GET, "/admin/a"),
        (Method::GET, "/nowhere"),
    ];
    let rest = ["denied-route", "no-route"];
    for (level, expected) in [
        (
            Level::Unreviewed,
            [
                "ok", "ok", missing, "", missing, missing, missing, missing, missing,
            ],
        ),
        (
            Level::OkToTest,
            ["ok", "ok", "ok", "ok", write, write, "ok", "ok", missing],
        ),
        (
            Level::Cleared,
            ["ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok"],
        ),
    ] {
        if level != Level::Unreviewed {
            bound.approve(&bound.keys.carol, level).await;
        }
        let expected = expected.into_iter().chain(rest);
        for ((method, path), expected) in requests.iter().zip(expected) {
            if expected.is_empty() {
                // A refusal of HEAD has no words.
                let reply = bound.ask(method, path, &token).await;
                assert_eq!(reply.status, 403);
            } else {
                assert_eq!(
                    ask(method, path).await,
                    expected,
                    "{level:?} {method} {path}"
                );
            }
        }
    }
    let records = bound.records();
    let levels: Vec<_> = records
        .iter()
        .map(|it| it["level"].as_str().unwrap())
        .collect();
    assert_eq!(levels.len(), 33);
    assert!(
        levels[..11].iter().all(|it| *it == "unreviewed"),
        "{levels:?}"
    );
    assert!(
        levels[11..22].iter().all(|it| *it == "ok-to-test"),
        "{levels:?}"
    );
    assert!(levels[22..].iter().all(|it| *it == "cleared"), "{levels:?}");
    let denied = records
        .iter()
        .find(|it| it["reason"] == "denied-route")
        .unwrap();
    assert_eq!(denied["rules"][0]["control"], "redistribute");
}

#[tokio::test]
async fn tells_the_contributor_what_a_maintainer_runs() {
    let bound = Setup::default().start(echo().await).await;
    let token = bound.token("alice");
    let reply = bound.ask(&Method::GET, "/open/a", &token).await;
    let problem: serde_json::Value = serde_json::from_str(reply.text()).unwrap();
    assert_eq!(
        problem["detail"],
        "revision aaa of pr-1 has 0 of 1 approvals `ok-to-test`; a maintainer runs: \
         chaperone approve --binding FILE --revision aaa --level ok-to-test --key KEY"
    );
    assert_eq!(problem["rule"], "* /open/**");
    bound.approve(&bound.keys.carol, Level::OkToTest).await;
    let reply = bound.ask(&Method::PUT, "/open/a", &token).await;
    let problem: serde_json::Value = serde_json::from_str(reply.text()).unwrap();
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("--level cleared"), "{detail}");
    assert!(
        detail.contains("an approval is for a lower level"),
        "{detail}"
    );
}

#[tokio::test]
async fn refuses_approvals_that_do_not_count() {
    let bound = Setup::default().start(echo().await).await;
    let keys = &bound.keys;
    for (name, key) in [
        ("stranger", &keys.stranger),
        ("deployer", &keys.deployer),
        ("issuer", &keys.issuer),
        ("originator", &keys.alice),
    ] {
        bound.approve(key, Level::Cleared).await;
        assert_eq!(
            open(&bound, "/open/a").await,
            is(403, "approval-missing"),
            "{name}"
        );
        // Nor does it close what needs none.
        assert_eq!(open(&bound, "/tour/a").await, is(200, "ok"), "{name}");
    }
    bound.approve(&keys.dave, Level::OkToTest).await;
    assert_eq!(open(&bound, "/open/a").await, is(200, "ok"));
}

#[tokio::test]
async fn refuses_what_runs_and_is_not_bound() {
    let app = echo().await;
    let mismatch = is(403, "revision-mismatch");
    let invalid = is(403, "binding-invalid");
    let cases: [(&str, Change, (u16, String)); 9] = [
        ("honest", |_| (), is(200, "ok")),
        (
            "revision",
            |it| it.draft.revision = "bbb".to_owned(),
            mismatch.clone(),
        ),
        (
            "running",
            |it| it.revision = "bbb".to_owned(),
            mismatch.clone(),
        ),
        ("no image", |it| it.draft.images.clear(), mismatch.clone()),
        (
            "no image runs",
            |it| it.config = it.config.replace(IMAGE, "").replace("['']", "[]"),
            mismatch.clone(),
        ),
        (
            "one more",
            |it| it.draft.images.push(format!("sha256:{}", "2".repeat(64))),
            mismatch.clone(),
        ),
        (
            "preview",
            |it| it.draft.preview = "pr-2".to_owned(),
            invalid.clone(),
        ),
        (
            "over",
            |it| it.draft.expires = Timestamp::now() - SignedDuration::from_secs(1),
            invalid.clone(),
        ),
        ("not configured", |it| it.config.clear(), invalid.clone()),
    ];
    for (name, change, expected) in cases {
        let mut setup = Setup::default();
        change(&mut setup);
        let bound = setup.start(app).await;
        assert_eq!(open(&bound, "/tour/a").await, expected, "{name}");
    }
}

#[tokio::test]
async fn closes_when_the_binding_goes_bad_and_opens_again() {
    let bound = Setup::default().start(echo().await).await;
    let invalid = is(403, "binding-invalid");
    let good = bound.binding.expose().clone();
    let foreign = bound.draft.sign(&SigningKey::generate().unwrap()).unwrap();
    let cut = good.chars().take(good.len() - 8).collect::<String>();
    for (name, text) in [
        ("garbage", "garbage"),
        ("empty", ""),
        ("cut", &cut),
        ("foreign", foreign.expose()),
        ("capability", &bound.token("alice")),
    ] {
        bound.put("binding.token", text).await;
        assert_eq!(open(&bound, "/tour/a").await, invalid, "{name}");
        bound.put("binding.token", &good).await;
        assert_eq!(open(&bound, "/tour/a").await, is(200, "ok"), "{name}");
    }
    std::fs::remove_file(bound.path().join("binding.token")).unwrap();
    crate::preview::until(|| bound.generation() > 11.0).await;
    assert_eq!(open(&bound, "/tour/a").await, invalid);
}

#[tokio::test]
async fn voids_the_approval_with_the_next_revision() {
    let bound = Setup::default().start(echo().await).await;
    bound.approve(&bound.keys.carol, Level::OkToTest).await;
    assert_eq!(open(&bound, "/open/a").await, is(200, "ok"));
    // The same revision, bound anew: what was approved is another token.
    let again = bound.draft.sign(&bound.keys.deployer).unwrap();
    bound.put("binding.token", again.expose()).await;
    assert_eq!(open(&bound, "/open/a").await, is(403, "approval-missing"));
    let next = Draft {
        revision: "bbb".to_owned(),
        ..bound.draft.clone()
    };
    let next = next.sign(&bound.keys.deployer).unwrap();
    bound.put("binding.token", next.expose()).await;
    assert_eq!(open(&bound, "/open/a").await, is(403, "revision-mismatch"));
    let approved = bound.approved(&bound.keys.carol, Level::OkToTest);
    bound.put("binding.token", approved.expose()).await;
    assert_eq!(open(&bound, "/open/a").await, is(200, "ok"));
}

#[tokio::test]
async fn asks_as_many_reviewers_as_the_policy_says() {
    let setup = Setup::default().policy(
        "reviewers: [reviewers.pub]",
        "reviewers: [reviewers.pub], approvals: 2",
    );
    let mut bound = setup.start(echo().await).await;
    bound.binding = bound.approved(&bound.keys.carol, Level::OkToTest);
    let once = bound.binding.expose().clone();
    bound.put("binding.token", &once).await;
    assert_eq!(open(&bound, "/open/a").await, is(403, "approval-missing"));
    bound.approve(&bound.keys.carol, Level::OkToTest).await;
    assert_eq!(open(&bound, "/open/a").await, is(403, "approval-missing"));
    bound.approve(&bound.keys.alice, Level::OkToTest).await;
    assert_eq!(open(&bound, "/open/a").await, is(403, "approval-missing"));
    bound.approve(&bound.keys.dave, Level::OkToTest).await;
    assert_eq!(open(&bound, "/open/a").await, is(200, "ok"));
}

#[tokio::test]
async fn refuses_capabilities_of_other_previews_and_other_people() {
    let bound = Setup::default()
        .audience(&["originator", "group:launch-team"])
        .start(echo().await)
        .await;
    let forbids = is(401, "capability-forbids");
    for (user, group, preview, expected) in [
        ("bob", "buyers", Some("pr-1"), is(403, "not-in-audience")),
        ("Alice", "buyers", Some("pr-1"), is(403, "not-in-audience")),
        ("alice", "buyers", Some("pr-2"), forbids.clone()),
        ("alice", "buyers", None, forbids.clone()),
        ("alice", "buyers", Some("pr-1"), is(200, "ok")),
    ] {
        let mut grant = grant(user, preview);
        grant.attributes = vec![("group".to_owned(), group.to_owned())];
        let token = bound.mint(&grant);
        let reply = bound.ask(&Method::GET, "/tour/a", &token).await;
        assert_eq!(verdict(&reply), expected, "{user} {preview:?}");
    }
    // The binding itself opens nothing.
    let binding = bound.binding.expose().clone();
    let reply = bound.ask(&Method::GET, "/tour/a", &binding).await;
    assert_eq!(verdict(&reply), is(401, "capability-invalid"));
}

#[tokio::test]
async fn refuses_other_hosts_in_both_versions() {
    let bound = Setup::default().start(echo().await).await;
    let token = bound.token("alice");
    for (host, expected) in [
        (HOST, is(200, "ok")),
        ("PR-1.preview.example:443", is(200, "ok")),
        ("pr-2.preview.example", is(421, "misdirected")),
        ("127.0.0.1", is(421, "misdirected")),
        ("pr-1.preview.example.evil.example", is(421, "misdirected")),
    ] {
        let reply = bound.ask_at(host, &Method::GET, "/tour/a", &token).await;
        assert_eq!(verdict(&reply), expected, "{host}");
        // A browser coalesces: the connection was made for one host, and the request names another.
        let request = Request::get(format!("http://{host}/tour/a"))
            .header("authorization", format!("Bearer {token}"))
            .body(Empty::<bytes::Bytes>::new())
            .unwrap();
        let stream = TcpStream::connect(bound.address).await.unwrap();
        let reply = client::send_h2(stream, request).await;
        assert_eq!(verdict(&reply), expected, "{host} over HTTP/2");
    }
    let old = "GET /tour/a HTTP/1.0\r\n\r\n";
    let answer = client::bytes(bound.address, old).await;
    assert!(
        answer.contains("misdirected") || answer.contains("ambiguous-request"),
        "{answer}"
    );
}

#[tokio::test]
async fn pins_the_pod_to_its_first_user() {
    let setup = || Setup::default().audience(&["opt-in"]);
    let pinned = is(403, "pod-pinned");
    let ask = async |bound: &Bound, user: &str, path: &str| {
        let token = bound.token(user);
        verdict(&bound.ask(&Method::GET, path, &token).await)
    };
    let bound = setup().start(echo().await).await;
    // Who is refused has not been here.
    assert_eq!(
        ask(&bound, "eve", "/open/a").await,
        is(403, "approval-missing")
    );
    assert_eq!(
        ask(&bound, "eve", "/admin/a").await,
        is(403, "denied-route")
    );
    assert_eq!(ask(&bound, "bob", "/tour/a").await, is(200, "ok"));
    assert_eq!(ask(&bound, "alice", "/tour/a").await, pinned);
    assert_eq!(ask(&bound, "bob", "/tour/a").await, is(200, "ok"));
    // A new binding of the same pod is no new pod.
    bound.approve(&bound.keys.carol, Level::Cleared).await;
    assert_eq!(ask(&bound, "alice", "/open/a").await, pinned);
    assert_eq!(ask(&bound, "bob", "/open/a").await, is(200, "ok"));

    // Sharing is for cleared code alone.
    let shared = setup().policy(
        "review:",
        "subjects: { shared: It keeps nothing. }\nreview:",
    );
    let bound = shared.start(echo().await).await;
    assert_eq!(ask(&bound, "bob", "/tour/a").await, is(200, "ok"));
    assert_eq!(ask(&bound, "alice", "/tour/a").await, pinned);
    bound.approve(&bound.keys.carol, Level::Cleared).await;
    assert_eq!(ask(&bound, "alice", "/tour/a").await, is(200, "ok"));
    assert_eq!(ask(&bound, "bob", "/tour/a").await, is(200, "ok"));
    bound.approve(&bound.keys.carol, Level::OkToTest).await;
    assert_eq!(ask(&bound, "alice", "/tour/a").await, pinned);
    assert_eq!(ask(&bound, "bob", "/tour/a").await, pinned);
}

#[tokio::test]
async fn opens_an_embargo_for_the_group_before_cleared_code() {
    let app = fixed("text/plain", "Falcon IX flies").await;
    let bound = Setup::default()
        .audience(&["opt-in"])
        .policy(
            "review:",
            "subjects: { shared: It keeps nothing. }\nreview:",
        )
        .start(app)
        .await;
    let ask = async |group: &str| {
        let mut grant = grant("alice", Some("pr-1"));
        grant.attributes = vec![("group".to_owned(), group.to_owned())];
        let token = bound.mint(&grant);
        verdict(&bound.ask(&Method::GET, "/open/a", &token).await)
    };
    bound.approve(&bound.keys.carol, Level::OkToTest).await;
    assert_eq!(ask("launch-team").await, is(403, "embargo"));
    bound.approve(&bound.keys.carol, Level::Cleared).await;
    assert_eq!(ask("buyers").await, is(403, "embargo"));
    assert_eq!(ask("launch-team").await, is(200, "ok"));
}

#[tokio::test]
async fn refuses_revoked_capabilities_at_once() {
    let bound = Setup::default()
        .policy(
            "capability:\n",
            "capability:\n  revoked: { list: reviewers.txt }\n",
        )
        .policy("reviewers.txt", "revoked.txt");
    // The list must be there, even if it is empty.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("revoked.txt"), "# nobody yet\n").unwrap();
    let bound = bound.start_with(echo().await, folder).await;
    let token = bound.token("alice");
    let other = bound.token("alice");
    let ask = async |token: &str| {
        let reply = bound.ask(&Method::GET, "/tour/a", token).await;
        verdict(&reply)
    };
    assert_eq!(ask(&token).await, is(200, "ok"));
    let narrowed = chaperone::capability::attenuate::Restrictions {
        methods: vec!["GET".to_owned()],
        ..Default::default()
    };
    let narrowed = narrowed.attenuate(&Secret::new(token.clone())).unwrap();
    assert_eq!(ask(narrowed.expose()).await, is(200, "ok"));
    let id = |token: &str| {
        let inspection = chaperone::capability::inspect::Inspection::of(token).unwrap();
        let seen = serde_json::to_value(inspection).unwrap();
        seen["blocks"][0]["revocation_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let list = format!("{} lost on a train\n", id(&token).to_uppercase());
    bound.put("revoked.txt", &list).await;
    assert_eq!(ask(&token).await, is(401, "capability-revoked"));
    assert_eq!(ask(narrowed.expose()).await, is(401, "capability-revoked"));
    assert_eq!(ask(&other).await, is(200, "ok"));
    // A list that can't be read changes nothing: the old one stays.
    std::fs::write(bound.path().join("revoked.txt"), "half a li").unwrap();
    bound.handle.reload();
    let refused = "chaperone_reloads_total{what=\"policy\",outcome=\"refused\"}";
    crate::preview::until(|| bound.handle.metrics().text().unwrap().contains(refused)).await;
    assert_eq!(ask(&token).await, is(401, "capability-revoked"));
    assert_eq!(ask(&other).await, is(200, "ok"));
}

#[tokio::test]
async fn lets_in_without_reviewers_where_the_policy_names_none() {
    let policy = format!(
        "version: 1\npolicy: test\ncapability:\n  biscuit: {{ root_keys: [issuer.pub] }}\n\
         binding: {{ root_keys: [deployer.pub] }}\n{}",
        "routes:\n  - { match: '* /open/**', public: Nobody's data. }\n"
    );
    let setup = Setup {
        policy,
        ..Setup::default()
    };
    let bound = setup.audience(&["user:bob"]).start(echo().await).await;
    assert_eq!(bound.draft.audience, [Audience::User("bob".into())]);
    assert_eq!(open(&bound, "/open/a").await, is(403, "not-in-audience"));
    let token = bound.token("bob");
    let reply = bound.ask(&Method::POST, "/open/a", &token).await;
    assert_eq!(verdict(&reply), is(200, "ok"));
}
