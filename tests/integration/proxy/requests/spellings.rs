//! Fields that an app server folds into one.

use super::{Scene, get};

/// Every character but letters, digits and the hyphen that a field's name may hold.
const SIGNS: &str = "!#$%&'*+.^_`|~";

#[tokio::test]
async fn refuses_identities_in_every_spelling() {
    let scene = Scene::new(|builder| builder).await;
    let names = [
        "X-Forwarded-User",
        "X-Forwarded-Email",
        "X-Forwarded-Groups",
        "X-Forwarded-Preferred-Username",
        "Chaperone-Decision",
        "Remote-User",
        "X-Auth-Request-User",
        "HTTP-X-Forwarded-User",
    ];
    let spell = |name: &str, sign: char| {
        let all = name.replace('-', &sign.to_string());
        let first = name.replacen('-', &sign.to_string(), 1);
        [all.to_uppercase(), all.to_lowercase(), all, first]
    };
    for sign in SIGNS.chars().chain(['-']) {
        let mut ask = get("/open/a");
        for spelling in names.iter().flat_map(|name| spell(name, sign)) {
            ask = ask.with(&spelling, "mallory");
        }
        let answer = scene.say(&ask, false).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{sign} {answer}");
        let head = scene.got().pop().unwrap().head;
        assert!(!head.contains("mallory"), "{head}");
        for own in [
            "x-forwarded-user: alice",
            "x-forwarded-email: alice@shop.example",
            "x-forwarded-groups: buyers",
        ] {
            assert_eq!(head.matches(&format!("\r\n{own}")).count(), 1, "{head}");
        }
    }
}

#[tokio::test]
async fn refuses_two_spellings_of_one_name() {
    let scene = Scene::new(|builder| builder).await;
    let two = |first: &str, second: &str| get("/open/a").with(first, "1").with(second, "2");
    let one = |name: &str| get("/open/a").with(name, "1");
    let mut pairs = Vec::new();
    for sign in SIGNS.chars() {
        let odd = format!("x{sign}tenant");
        pairs.push((
            two("X-Tenant", &odd),
            "ambiguous-request",
            two("X-Tenant", &format!("{odd}s")),
        ));
    }
    for (odd, plain) in [
        ("Content_Type", "X-Content-Type-Note"),
        ("Transfer_Encoding", "X-Encoding"),
        ("X_Forwarded_For", "X-Forwarded-For"),
        ("X.Forwarded.Host", "X-Forwarded-Host"),
        ("x_forwarded_proto", "X-Forwarded-Proto"),
        ("X_Real_IP", "X-Real-IP"),
        ("if_match", "If-Match"),
        ("sec_fetch_site", "Sec-Fetch-Site"),
        ("HTTP_X_Forwarded_For", "X-Tenant"),
        ("proxy_", "api_key"),
    ] {
        pairs.push((one(odd), "ambiguous-request", one(plain)));
    }
    assert_eq!(scene.judges(pairs).await, 24);
}
