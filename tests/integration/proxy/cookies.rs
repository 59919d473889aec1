//! The capability in a cookie: for the preview's own pages alone, never for the app's eyes.

use std::net::SocketAddr;

use bytes::Bytes;
use chaperone::capability::mint::Grant;
use http::{Method, Request, Response};
use http_body_util::Empty;

use crate::client::{self, Reply};
use crate::preview::{Preview, preview};
use crate::upstream::{app, full};

const HOST: &str = "pr-1.preview.example";
const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

/// An app that says which cookies it was sent.
async fn mirror() -> SocketAddr {
    app(|request| async move {
        let cookies = request.headers().get_all("cookie").iter();
        let cookies: Vec<_> = cookies.map(|it| it.to_str().unwrap().to_owned()).collect();
        let answer = Response::builder()
            .header("content-type", "text/plain")
            .header("set-cookie", "__HOST-chaperone=planted; Path=/; Secure")
            .header("set-cookie", "__Host-chaperone-login=x; Path=/; Secure")
            .header("set-cookie", "mine=1; Path=/")
            .header("clear-site-data", "\"cookies\"");
        answer.body(full(format!("cookies: {cookies:?}"))).unwrap()
    })
    .await
}

async fn ask(preview: &Preview, method: Method, fields: &[(&str, &str)]) -> Reply {
    let mut request = Request::builder()
        .method(method)
        .uri("/open/a")
        .header("host", HOST);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    client::send(preview.address, request).await
}

fn cookie(preview: &Preview, named: Option<&str>) -> String {
    let grant = Grant {
        preview: named.map(str::to_owned),
        ..Grant::new("alice")
    };
    format!("__Host-chaperone={}", preview.mint(&grant))
}

/// What a browser keeps that has been cleared for what runs.
async fn marker(preview: &Preview) -> String {
    let window = [
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    let reply = ask(preview, Method::GET, &window).await;
    let set = reply.headers["set-cookie"].to_str().unwrap();
    let (pair, _) = set.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-chaperone-revision="), "{set}");
    pair.to_owned()
}

#[tokio::test]
async fn lets_the_previews_own_pages_in_by_their_cookie() {
    let preview = preview(mirror().await).start().await;
    let own = cookie(&preview, Some("test"));
    let marker = marker(&preview).await;
    let cookies = format!("a=1; {own}; __%48ost-chaperone-login=y; {marker}; b=2");
    let origin = format!("https://{HOST}");
    for (method, fields) in [
        (Method::GET, vec![("cookie", &*cookies), SAME]),
        (Method::POST, vec![("cookie", &*cookies), SAME]),
        (
            Method::POST,
            vec![("cookie", &*cookies), ("origin", &*origin)],
        ),
        (
            Method::GET,
            vec![
                ("cookie", &*cookies),
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
            ],
        ),
    ] {
        let reply = ask(&preview, method, &fields).await;
        assert_eq!(reply.status, 200, "{fields:?}");
        assert_eq!(reply.text(), "cookies: [\"a=1; b=2\"]");
        let set: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
        assert_eq!(set, ["mine=1; Path=/"]);
        assert!(!reply.headers.contains_key("clear-site-data"));
    }
}

#[tokio::test]
async fn refuses_cookies_that_a_page_from_elsewhere_had_sent() {
    let preview = preview(mirror().await).start().await;
    let own = cookie(&preview, Some("test"));
    for (method, fields) in [
        (Method::GET, vec![]),
        (
            Method::POST,
            vec![("origin", "https://pr-2.preview.example")],
        ),
        (Method::POST, vec![("sec-fetch-site", "same-site")]),
        (
            Method::GET,
            vec![
                ("sec-fetch-site", "same-site"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "iframe"),
            ],
        ),
        (
            Method::POST,
            vec![
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
            ],
        ),
    ] {
        let mut fields = fields;
        fields.push(("cookie", &own));
        let reply = ask(&preview, method, &fields).await;
        assert_eq!(reply.status, 403, "{fields:?}");
        assert_eq!(reply.code(), "cross-origin-request");
    }
    // What a client itself says, no page can: there the cookie is not what proves it.
    let bearer = own.replace("__Host-chaperone=", "Bearer ");
    let reply = ask(
        &preview,
        Method::POST,
        &[("cookie", &own), ("authorization", &bearer)],
    )
    .await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn refuses_cookies_that_do_not_name_the_preview() {
    let preview = preview(mirror().await).start().await;
    for named in [None, Some("another")] {
        let reply = ask(
            &preview,
            Method::GET,
            &[("cookie", &cookie(&preview, named)), SAME],
        )
        .await;
        assert_eq!(
            (reply.status.as_u16(), &*reply.code()),
            (401, "capability-forbids")
        );
    }
    let two = format!(
        "{}; {}",
        cookie(&preview, Some("test")),
        cookie(&preview, Some("test"))
    );
    let reply = ask(&preview, Method::GET, &[("cookie", &two), SAME]).await;
    assert_eq!(reply.code(), "capability-conflict");
}

/// What leads a browser here from elsewhere is exempt as the GET that it is, and as nothing that an app could make of it.
#[tokio::test]
async fn refuses_other_methods_in_an_address_that_another_site_leads_to() {
    let preview = preview(mirror().await).start().await;
    let own = cookie(&preview, Some("test"));
    let led = [
        ("cookie", &*own),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    let at_home = [("cookie", &*own), SAME];
    let bearer = format!("Bearer {}", preview.token("alice"));
    let said = [("authorization", &*bearer), led[1], led[2], led[3]];
    for (fields, query, code) in [
        (&led[..], "", None),
        (&led, "?_method=GET", None),
        (&led, "?_method=DELETE", Some("ambiguous-request")),
        // Pages of the preview's own may ask so, where the route takes both methods alike.
        (&at_home, "?_method=DELETE", None),
        (&said, "?_method=DELETE", None),
    ] {
        let mut request = Request::get(format!("/open/a{query}")).header("host", HOST);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let reply = client::send(preview.address, request).await;
        match code {
            None => assert_eq!(reply.status, 200, "{fields:?} {query}"),
            Some(code) => assert_eq!(reply.code(), code, "{fields:?} {query}"),
        }
    }
}
