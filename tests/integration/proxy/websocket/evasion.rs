//! A secret planted in what an app may say over a WebSocket; each case beside an innocent twin.

use chaperone::runtime::task;

use super::stage::{ROUTES, connect, frame, rest, writes};
use crate::preview::preview;

/// The planted secret: Bob's address, or what is his alone.
const SECRETS: [&str; 3] = ["bob@shop.example", "bob\\u0040shop.example", "BOBS-SECRET"];

/// A route, the frames that an app writes, and the same with nothing to hide in them.
type Case = (&'static str, Vec<Vec<u8>>, Vec<Vec<u8>>);

fn say(text: &str) -> Vec<u8> {
    frame(0x81, false, text.as_bytes())
}

/// `text` in frames of `size` bytes.
fn cut(text: &str, size: usize) -> Vec<u8> {
    let parts: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
    let last = parts.len() - 1;
    let frames = parts.iter().enumerate().map(|(index, part)| {
        let first = if index == last { 0x80 } else { 0 } | u8::from(index == 0);
        frame(first, false, part)
    });
    frames.collect::<Vec<_>>().concat()
}

fn close(words: &str) -> Vec<u8> {
    let mut payload = 4000_u16.to_be_bytes().to_vec();
    payload.extend(words.as_bytes());
    frame(0x88, false, &payload)
}

fn cases() -> Vec<Case> {
    let bobs = r#"{"owner":"bob","note":"BOBS-SECRET"}"#;
    let alices = r#"{"owner":"alice","note":"ALICES-OWN"}"#;
    let list = |record: &str| format!("{{\"orders\":[{record}]}}");
    let mail = |name: &str| format!("write to {name}@shop.example");
    vec![
        ("/chat", vec![say(&mail("bob"))], vec![say(&mail("alice"))]),
        (
            "/chat",
            vec![cut(&mail("bob"), 1)],
            vec![cut(&mail("alice"), 1)],
        ),
        (
            "/chat",
            vec![cut(&mail("bob"), 12)],
            vec![cut(&mail("alice"), 12)],
        ),
        (
            "/chat",
            vec![say(r#"["bob\u0040shop.example"]"#)],
            vec![say(r#"["alice\u0040shop.example"]"#)],
        ),
        (
            "/chat",
            vec![say(r#"{"bob@shop.example":1}"#)],
            vec![say(r#"{"alice@shop.example":1}"#)],
        ),
        (
            "/chat",
            vec![close("bob@shop.example")],
            vec![close("alice@shop.example")],
        ),
        (
            "/chat",
            vec![frame(0x82, false, b"bob@shop.example")],
            vec![say("alice@shop.example")],
        ),
        (
            "/chat",
            vec![frame(0x89, false, b"bob@shop.example"), say("ok")],
            vec![frame(0x89, false, b"alice@shop.example"), say("ok")],
        ),
        (
            "/chat",
            vec![frame(0xc1, false, b"bob@shop.example")],
            vec![say("alice@shop.example")],
        ),
        (
            "/chat",
            vec![frame(0x81, true, b"bob@shop.example")],
            vec![say("alice@shop.example")],
        ),
        ("/order", vec![say(bobs)], vec![say(alices)]),
        ("/order", vec![cut(bobs, 3)], vec![cut(alices, 3)]),
        (
            "/order",
            vec![say(
                r#"{"owner":"alice","owner":"bob","note":"BOBS-SECRET"}"#,
            )],
            vec![say(alices)],
        ),
        (
            "/order",
            vec![say(r#"{"owner":["alice"],"note":"BOBS-SECRET"}"#)],
            vec![say(alices)],
        ),
        ("/order", vec![say("BOBS-SECRET")], vec![say(alices)]),
        ("/order", vec![say("\"BOBS-SECRET\"")], vec![say(alices)]),
        (
            "/order",
            vec![say(&format!("{alices}{bobs}"))],
            vec![say(alices)],
        ),
        (
            "/order",
            vec![say(&format!("{alices}\n{bobs}"))],
            vec![say(alices)],
        ),
        (
            "/order",
            vec![say(&format!("\u{feff}{bobs}"))],
            vec![say(alices)],
        ),
        ("/order", vec![say(&format!("42{bobs}"))], vec![say(alices)]),
        (
            "/order",
            vec![close("BOBS-SECRET")],
            vec![say(alices), close("")],
        ),
        (
            "/order",
            vec![frame(0x89, false, b"BOBS-SECRET")],
            vec![say(alices)],
        ),
        (
            "/order",
            vec![frame(0x82, false, bobs.as_bytes())],
            vec![say(alices)],
        ),
        ("/strict", vec![say(bobs)], vec![say(alices)]),
        ("/orders", vec![say(&list(bobs))], vec![say(&list(alices))]),
        (
            "/orders",
            vec![say(&format!(
                "{{\"note\":\"BOBS-SECRET\",\"orders\":[{alices}]}}"
            ))],
            vec![say(&list(alices))],
        ),
        ("/orders", vec![say(bobs)], vec![say(&list(alices))]),
        (
            "/orders",
            vec![say(&list(&format!("[{bobs}]")))],
            vec![say(&list(alices))],
        ),
    ]
}

#[tokio::test]
async fn nothing_planted_comes_through_and_every_twin_does() {
    for (path, hostile, twin) in cases() {
        let preview = preview(writes(hostile.clone()).await)
            .routes(ROUTES)
            .start()
            .await;
        let mut client = connect(&preview, path, "alice").await;
        // An app that has said everything waits: so that it ends, the sidecar does.
        crate::preview::until(|| !preview.records().is_empty()).await;
        let drain = task::spawn({
            let handle = preview.handle.clone();
            async move {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                handle.stop();
            }
        });
        let (texts, close) = rest(&mut client).await;
        drain.await.unwrap();
        let words = close
            .map(|close| close.reason.to_string())
            .unwrap_or_default();
        let seen = texts.join("\n") + &words;
        for secret in SECRETS {
            assert!(!seen.contains(secret), "{path} {hostile:?} {seen}");
        }

        let preview = crate::preview::preview(writes(twin.clone()).await)
            .routes(ROUTES)
            .start()
            .await;
        let mut client = connect(&preview, path, "alice").await;
        let is_farewell = twin.iter().all(|piece| piece.first() == Some(&0x88));
        if is_farewell {
            let (_, close) = rest(&mut client).await;
            assert_eq!(close.unwrap().reason.as_str(), "alice@shop.example");
        } else {
            let text = super::stage::text(&mut client).await;
            let expected = ["alice", "ok"];
            assert!(
                expected.iter().any(|part| text.contains(part)),
                "{path} {text}"
            );
        }
    }
}
