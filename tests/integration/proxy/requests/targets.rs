//! Paths and queries with more than one reading, and hosts that don't agree.

use bytes::Bytes;
use chaperone::capability::attenuate::Restrictions;
use http::{Request, Version};
use http_body_util::Empty;
use tokio::net::TcpStream;

use super::{Scene, get, line};
use crate::client;

const ROUTES: &str = "
  - { match: '* /open/**', public: Nobody's data. }
  - { match: '* /admin/**', deny: Nobody may. }
  - { match: 'GET /page?user={user}', owner: '{user}', public: A page. }
  - { match: GET /page, public: A page. }
";

#[tokio::test]
async fn refuses_targets_with_two_readings() {
    let scene = Scene::new(|builder| builder.routes(ROUTES)).await;
    let pairs = [
        ("/open/../admin/x", "/open/..admin/x"),
        ("/open/./x", "/open/.x"),
        ("/open/%2e%2e/admin/x", "/open/%2e%2ea"),
        ("/open/.%2E/admin", "/open/a.%2E"),
        ("/open/%2e", "/open/%2ea"),
        ("/open/a/..", "/open/a/..b"),
        ("/open/a/.", "/open/a/"),
        ("/open/...", "/open/...a"),
        ("/open/..%20", "/open/a%20"),
        ("/open//x", "/open/x/"),
        ("//open/x", "/open/x"),
        ("/open/x//", "/open/x/y/"),
        ("/open/a%2fb", "/open/a?b=c%2fd"),
        ("/open/a%2Fb", "/open/a-b"),
        ("/open/a%5cb", "/open/a?b=%5c"),
        ("/open/a\\b", "/open/a_b"),
        ("/open/a;b=c", "/open/a?b;c"),
        ("/open/;/x", "/open/,/x"),
        ("/open/..;/admin", "/open/.,/admin"),
        ("/open/a%3Bb", "/open/a?b=%3B"),
        ("/open/a%00", "/open/a0"),
        ("/open/a%0d%0ab", "/open/a?b=%0d%0a"),
        ("/open/a%7f", "/open/a%7e"),
        ("/open/%252e%252e/admin", "/open/a?b=%252e"),
        ("/open/a%25", "/open/a?b=100%25"),
        ("/open/%c0%ae%c0%ae/admin", "/open/%c3%ae"),
        ("/open/%e0%80%af", "/open/%e0%a4%85"),
        ("/open/%ff", "/open/%c3%bf"),
        ("/open/%ed%a0%80", "/open/%ed%95%9c"),
        ("/open/a#b", "/open/a%23b"),
        ("/open/a%", "/open/a"),
        ("/open/a%4", "/open/a%41"),
        ("/open/a%u0041", "/open/au0041"),
        ("/open/a?b=%00", "/open/a?b=0"),
        ("/open/a?b=%ff", "/open/a?b=%c3%bf"),
        ("/open/a?b=%", "/open/a?b=%25"),
        ("/page?user=alice&user=bob", "/page?user=alice&users=bob"),
        ("/page?user=alice;user=bob", "/page?user=alice&x=1;y=2"),
        ("/page?user=alice&User=bob", "/page?user=alice&Users=bob"),
        (
            "/page?user=alice&user[]=bob",
            "/page?user=alice&users[]=bob",
        ),
        ("/page?x=1;user=bob", "/page?x=1;y=bob"),
    ];
    let pairs = pairs.map(|(hostile, twin)| (get(hostile), "ambiguous-request", get(twin)));
    assert_eq!(scene.judges(pairs).await, 41);
    scene.refuses(&line("OPTIONS *"), "ambiguous-request").await;
    scene
        .refuses(&line("GET http://app.test/open/a"), "ambiguous-request")
        .await;
    scene
        .refuses(&line("GET http://other/open/a"), "ambiguous-request")
        .await;
    // A fragment is no part of a target: whatever becomes of it, the app is not told another path than the log.
    let answer = scene.say(&get("/open/a#/../admin"), false).await;
    let got = scene.got();
    let is_refused = answer.starts_with("HTTP/1.1 400 ") && got.is_empty();
    assert!(
        is_refused || got[0].head.starts_with("GET /open/a HTTP/1.1\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn refuses_other_spellings_of_a_path_that_the_capability_excludes() {
    let mut scene = Scene::new(|builder| builder.routes(ROUTES)).await;
    let check = "check if path($path), !$path.starts_with(\"/open/secret\")";
    scene.narrow(&Restrictions {
        checks: vec![check.to_owned()],
        ..Restrictions::default()
    });
    let pairs = [
        ("/open/secret", "/open/open"),
        ("/open/%73ecret", "/open/%73"),
        ("/%6fpen/secret/a?b", "/%6fpen/a?b"),
        ("/open/%73%65%63%72%65%74", "/open/a%20secret"),
    ];
    let pairs = pairs.map(|(hostile, twin)| (get(hostile), "capability-forbids", get(twin)));
    assert_eq!(scene.judges(pairs).await, 4);
}

#[tokio::test]
async fn judges_logs_and_forwards_the_same_bytes() {
    const PIECES: [&str; 24] = [
        "/", "a", "b.c", ".", "..", "%2e", "%2F", "%5c", "%25", "%41", "%c3%a9", "%ff", "%00",
        "%3b", ";", "//", "?", "&", "=", "+", "%20", "admin", "~", "open",
    ];
    let scene = Scene::new(|builder| builder.routes(ROUTES)).await;
    let mut state: u64 = 7;
    let mut draw = |count: usize| {
        // Knuth's MMIX generator: the same targets on every run.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % count
    };
    let (mut passed, mut refused) = (0, 0);
    for _ in 0..400 {
        let pieces: String = (0..draw(7)).map(|_| PIECES[draw(PIECES.len())]).collect();
        let target = format!("/open/{pieces}");
        let answer = scene.say(&get(&target), false).await;
        let got = scene.got();
        let record = scene.preview.records().pop().unwrap();
        if answer.starts_with("HTTP/1.1 200 ") {
            assert!(
                got[0]
                    .head
                    .starts_with(&format!("GET {target} HTTP/1.1\r\n")),
                "{target} {got:?}"
            );
            assert_eq!(
                (&record["path"], &record["route"]),
                (&target.as_str().into(), &"* /open/**".into())
            );
            passed += 1;
        } else {
            assert!(answer.starts_with("HTTP/1.1 400 "), "{target} {answer}");
            assert!(got.is_empty(), "{target} {got:?}");
            assert_eq!(record["reason"], "ambiguous-request", "{target}");
            refused += 1;
        }
    }
    assert!(passed > 50 && refused > 50, "{passed} {refused}");
}

#[tokio::test]
async fn refuses_hosts_that_do_not_agree() {
    let scene = Scene::new(|builder| builder.routes(ROUTES)).await;
    let ask = |uri: &str, hosts: &[&str]| {
        let mut request = Request::get(uri)
            .version(Version::HTTP_2)
            .header("chaperone-capability", &scene.token);
        for host in hosts {
            request = request.header("host", *host);
        }
        request.body(Empty::<Bytes>::new()).unwrap()
    };
    for (uri, hosts, is_refused) in [
        ("http://app.test/open/a", &[][..], false),
        ("http://app.test/open/a", &["app.test"], false),
        ("http://app.test/open/a", &["App.Test"], false),
        ("http://app.test/open/a", &["other.test"], true),
        ("http://app.test/open/a", &["app.test:80"], true),
        ("http://app.test/open/a", &["app.test", "app.test"], true),
        ("http://user@app.test/open/a", &[], true),
        ("http://app.test/open/%2e%2e/admin", &[], true),
    ] {
        let stream = TcpStream::connect(scene.preview.address).await.unwrap();
        let reply = client::send_h2(stream, ask(uri, hosts)).await;
        let got = scene.got();
        if is_refused {
            assert_eq!(reply.code(), "ambiguous-request", "{uri} {hosts:?}");
            assert!(got.is_empty(), "{got:?}");
        } else {
            assert_eq!(reply.status, 200, "{uri} {hosts:?}");
            let head = got[0].head.to_ascii_lowercase();
            assert_eq!(head.matches("\r\nhost: app.test\r\n").count(), 1, "{head}");
        }
    }
    let tail = format!(
        "chaperone-capability: {}\r\nconnection: close\r\n\r\n",
        scene.token
    );
    for hosts in [
        "",
        "host: a\r\nhost: a\r\n",
        "host: a\r\nHost: b\r\n",
        "host:\r\n",
        "host: a b\r\n",
        "host: u@a\r\n",
    ] {
        let request = format!("GET /open/a HTTP/1.1\r\n{hosts}{tail}");
        let answer = client::bytes(scene.preview.address, request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{hosts}{answer}");
        assert!(scene.got().is_empty());
    }
}
