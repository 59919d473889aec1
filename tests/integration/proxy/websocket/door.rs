//! Who may open a WebSocket by what a browser adds by itself, and what an app may say while it agrees.

use chaperone::capability::mint::Grant;
use http::{HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::stage::{ROUTES, ask, echo, key, open};
use crate::preview::{Preview, preview};
use crate::upstream::{raw, read_head};

fn cookie(preview: &Preview, named: &str) -> String {
    let grant = Grant {
        preview: Some(named.to_owned()),
        ..Grant::new("alice")
    };
    format!("__Host-chaperone={}", preview.mint(&grant))
}

#[tokio::test]
async fn opens_by_a_cookie_for_the_previews_own_pages_alone() {
    let preview = preview(echo(&[]).await).routes(ROUTES).start().await;
    let own = format!("http://{}", preview.address);
    let elsewhere = "https://pr-2.preview.example";
    let site = "sec-fetch-site";
    // A browser that opens an address in its window is exempt with a GET, and this is more than one.
    let window = [
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    let crossed = Some("cross-origin-request");
    for (named, fields, code) in [
        ("test", &[][..], crossed),
        ("test", &[("origin", elsewhere)], crossed),
        ("test", &[(site, "same-site"), ("origin", &own)], crossed),
        (
            "test",
            &[(site, "same-origin"), ("origin", elsewhere)],
            crossed,
        ),
        ("test", &window, crossed),
        ("another", &[("origin", &own)], Some("capability-forbids")),
        ("test", &[("origin", &own)], None),
        ("test", &[(site, "same-origin")], None),
    ] {
        let mut request = ask(&preview, "/chat", "alice");
        let headers = request.headers_mut();
        headers.remove("authorization");
        let cookie = HeaderValue::try_from(cookie(&preview, named)).unwrap();
        headers.insert("cookie", cookie);
        for (name, value) in fields {
            let name = HeaderName::try_from(*name).unwrap();
            headers.insert(name, HeaderValue::try_from(*value).unwrap());
        }
        match (open(&preview, request).await, code) {
            (Ok(_), None) => {}
            (Err((_, _, body)), Some(code)) => assert!(body.contains(code), "{fields:?} {body}"),
            (opened, _) => panic!("{named} {fields:?} {:?}", opened.map(|_| "opened")),
        }
    }
}

/// The answer that switches is an answer like any other to a browser, and to proxies before the sidecar.
#[tokio::test]
async fn says_nothing_in_the_sidecars_name_as_it_agrees() {
    const SAID: [(&str, &str); 9] = [
        ("set-cookie", "__Host-chaperone=mallory; Path=/; Secure"),
        ("set-cookie", "__Host-chaperone-revision=mallory; Path=/"),
        ("set-cookie", "mine=1; Domain=preview.example; Path=/"),
        ("chaperone-capability", "mallory"),
        ("x-forwarded-user", "mallory"),
        ("clear-site-data", "\"cookies\""),
        ("service-worker-allowed", "/"),
        ("x-accel-redirect", "/mallory"),
        ("strict-transport-security", "max-age=1"),
    ];
    let app = raw(|mut stream| async move {
        let head = read_head(&mut stream).await;
        let accept = derive_accept_key(key(&head).as_bytes());
        let said: String = SAID
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let answer = format!(
            "HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-accept: {accept}\r\n{said}\r\n"
        );
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let preview = preview(app).routes(ROUTES).start().await;
    let (_client, headers) = open(&preview, ask(&preview, "/chat", "alice"))
        .await
        .unwrap();
    let set: Vec<_> = headers.get_all("set-cookie").iter().collect();
    assert_eq!(set, ["mine=1; Path=/"]);
    for (name, _) in SAID.into_iter().filter(|(name, _)| *name != "set-cookie") {
        assert!(!headers.contains_key(name), "{name}");
    }
    assert!(headers.contains_key("content-security-policy"));
}
