//! Requests that copy or move what they name somewhere else.

use chaperone::capability::attenuate::Restrictions;

use super::{Scene, line};

const POLICY: &str = "
  - { match: '* /dav/{user}/**', owner: '{user}', public: Files of one user. }
  - { match: '* /shared/**', public: Everybody's files. }
  - { match: GET /read/**, public: Only to be read. }
  - { match: '* /admin/**', deny: Nobody may. }
";

#[tokio::test]
async fn refuses_to_move_where_the_user_may_not() {
    let scene = Scene::new(|builder| builder.routes(POLICY)).await;
    let ask =
        |method: &str, to: &str| line(&format!("{method} /dav/alice/a")).with("destination", to);
    let pairs = [
        (
            ask("MOVE", "/dav/bob/a"),
            "not-owner",
            ask("MOVE", "/dav/alice/b"),
        ),
        (
            ask("COPY", "/dav/bob/a"),
            "not-owner",
            ask("COPY", "/shared/a"),
        ),
        (
            ask("MOVE", "http://app.test/dav/bob/a"),
            "not-owner",
            ask("MOVE", "http://app.test/dav/alice/b"),
        ),
        (
            ask("MOVE", "/admin/a"),
            "denied-route",
            ask("MOVE", "https://APP.test/shared/a%20b"),
        ),
        (
            ask("MOVE", "/elsewhere"),
            "no-route",
            ask("MOVE", "/shared/elsewhere"),
        ),
        (
            ask("MOVE", "/read/a"),
            "no-route",
            ask("MOVE", "/shared/read/a"),
        ),
        (
            ask("PUT", "/dav/bob/a"),
            "not-owner",
            ask("PUT", "/dav/alice/b"),
        ),
        (
            ask("MOVE", "/dav/alice/../bob/a"),
            "ambiguous-request",
            ask("MOVE", "/dav/alice/..bob/a"),
        ),
        (
            ask("MOVE", "/dav/alice/%2e%2e/bob"),
            "ambiguous-request",
            ask("MOVE", "/dav/alice/%2ebob"),
        ),
        (
            ask("MOVE", "http://other/dav/alice/b"),
            "ambiguous-request",
            ask("MOVE", "http://app.test/dav/alice/b"),
        ),
        (
            ask("MOVE", "//other/dav/alice/b"),
            "ambiguous-request",
            ask("MOVE", "/dav/alice/other"),
        ),
        (
            ask("MOVE", "dav/alice/b"),
            "ambiguous-request",
            ask("MOVE", "/dav/alice/b?x=1"),
        ),
        (
            ask("MOVE", "/dav/alice/b").with("destination", "/dav/bob/b"),
            "ambiguous-request",
            ask("MOVE", "/dav/alice/b").with("overwrite", "F"),
        ),
    ];
    assert_eq!(scene.judges(pairs).await, 13);
}

#[tokio::test]
async fn refuses_to_move_where_the_capability_may_not() {
    let mut scene = Scene::new(|builder| builder.routes(POLICY)).await;
    let paths = vec!["/dav/alice/**".to_owned()];
    scene.narrow(&Restrictions {
        paths,
        ..Restrictions::default()
    });
    let ask = |to: &str| line("MOVE /dav/alice/a").with("destination", to);
    let pairs = [(ask("/shared/a"), "capability-forbids", ask("/dav/alice/b"))];
    assert_eq!(scene.judges(pairs).await, 1);
}
