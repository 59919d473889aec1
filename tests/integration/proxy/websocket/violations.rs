//! Apps and clients that break the protocol, die, or send without end; each beside the twin that does not.

use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

use super::stage::{
    ROUTES, connect, echo, frame, raw_client, rest, say, switch, text, told, writes,
};
use crate::preview::preview;
use crate::upstream::raw;

/// What is wrong in frames whichever side sends them: `true` to whoever must mask.
fn wrong(is_masked: bool) -> Vec<(&'static str, Vec<u8>)> {
    let frame = |first, payload: &[u8]| frame(first, is_masked, payload);
    vec![
        ("a reserved bit", frame(0xc1, b"hi")),
        ("another reserved bit", frame(0xa1, b"hi")),
        ("an unknown opcode", frame(0x83, b"hi")),
        ("an unknown control frame", frame(0x8b, b"hi")),
        ("a fragmented ping", frame(0x09, b"hi")),
        ("a ping too long", frame(0x89, &[b'a'; 126])),
        ("a farewell of one byte", frame(0x88, b"x")),
        ("a farewell that is no UTF-8", frame(0x88, b"\x0f\xa1\xff")),
        ("nothing to go on with", frame(0x80, b"hi")),
        (
            "a message in a message",
            [frame(1, b"a"), frame(0x81, b"b")].concat(),
        ),
        ("a text that is no UTF-8", frame(0x81, b"a\xffb")),
        ("half a character", frame(0x81, b"a\xc3")),
        (
            "half a character over fragments",
            [frame(1, b"a\xc3"), frame(0, b""), frame(0x80, b"b")].concat(),
        ),
        ("a surrogate", frame(0x81, b"\xed\xa0\x80")),
    ]
}

#[tokio::test]
async fn an_app_that_breaks_the_protocol_is_cut_off() {
    let mut cases = wrong(false);
    cases.push(("a mask", frame(0x81, true, b"hi")));
    for (what, bytes) in cases {
        let hello = frame(0x81, false, b"hello");
        let preview = preview(writes(vec![[hello, bytes].concat()]).await)
            .routes(ROUTES)
            .start()
            .await;
        let mut client = connect(&preview, "/chat", "alice").await;
        let (texts, close) = rest(&mut client).await;
        assert_eq!(texts, ["hello"], "{what}");
        assert_eq!(u16::from(close.unwrap().code), 1011, "{what}");
        let records = preview.recorded(2).await;
        let reason = records[1]["reason"].as_str().unwrap();
        assert!(
            ["app-protocol", "answer-malformed"].contains(&reason),
            "{what} {reason}"
        );
    }
}

#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_cut_off() {
    let preview = preview(echo(&[]).await).routes(ROUTES).start().await;
    let mut cases = wrong(true);
    cases.push(("no mask", frame(0x81, false, b"hi")));
    for (count, (what, bytes)) in cases.into_iter().enumerate() {
        let mut client = raw_client(&preview, "/chat", "alice").await;
        client.write_all(&bytes).await.unwrap();
        let mut seen = Vec::new();
        let _ = client.read_to_end(&mut seen).await;
        assert_eq!(seen.first(), Some(&0x88), "{what} {seen:?}");
        let code = u16::from_be_bytes([seen[2], seen[3]]);
        assert!([1002, 1007].contains(&code), "{what} {code}");
        let records = preview.recorded(2 * (count + 1)).await;
        let reasons = records
            .iter()
            .filter_map(|record| record["reason"].as_str());
        assert!(
            reasons
                .into_iter()
                .all(|reason| reason == "request-malformed")
        );
    }
}

#[tokio::test]
async fn an_app_that_dies_in_a_message_leaves_nothing_of_it() {
    let app = raw(|mut stream| async move {
        switch(&mut stream).await;
        let half = [frame(0x81, false, b"hello"), vec![0x81, 10, b'h', b'a']].concat();
        stream.write_all(&half).await.unwrap();
    })
    .await;
    let preview = preview(app).routes(ROUTES).start().await;
    let mut client = connect(&preview, "/chat", "alice").await;
    let (texts, close) = rest(&mut client).await;
    assert_eq!(texts, ["hello"]);
    assert_eq!(told(close), (1011, "answer-truncated".to_owned()));
    let records = preview.recorded(2).await;
    assert_eq!(records[1]["ending"], "reset");
}

#[tokio::test]
async fn a_client_that_vanishes_ends_the_apps_side() {
    let (send, mut ended) = tokio::sync::mpsc::unbounded_channel();
    let app = raw(move |stream| {
        let send = send.clone();
        async move {
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            let message = socket.next().await.unwrap().unwrap();
            let Message::Close(Some(close)) = message else {
                panic!("{message:?}");
            };
            send.send(u16::from(close.code)).unwrap();
        }
    })
    .await;
    let preview = preview(app).routes(ROUTES).start().await;
    drop(raw_client(&preview, "/chat", "alice").await);
    assert_eq!(ended.recv().await, Some(1001));
    let records = preview.recorded(2).await;
    assert_eq!(records[1]["ending"], "aborted");
}

#[tokio::test]
async fn messages_are_bounded_in_whatever_pieces_they_come() {
    let long = vec![b'a'; 3000];
    let endless = || {
        let mut frames = frame(1, false, b"a");
        frames.extend(frame(0, false, b"").repeat(40_000));
        frames
    };
    let by_ones = || {
        let mut frames = frame(1, false, b"a");
        frames.extend(frame(0, false, b"a").repeat(3000));
        frames
    };
    for bytes in [frame(0x81, false, &long), by_ones(), endless()] {
        let preview = preview(writes(vec![bytes]).await)
            .routes(ROUTES)
            .limits("record: 2KiB")
            .start()
            .await;
        let mut client = connect(&preview, "/chat", "alice").await;
        let (texts, close) = rest(&mut client).await;
        assert!(texts.is_empty());
        assert_eq!(told(close), (1011, "record-too-large".to_owned()));
    }
    let fit = "a".repeat(2048);
    let preview = preview(echo(&[]).await)
        .routes(ROUTES)
        .limits("record: 2KiB")
        .start()
        .await;
    let mut client = connect(&preview, "/chat", "alice").await;
    say(&mut client, &fit).await;
    assert_eq!(text(&mut client).await, fit);
}

#[tokio::test]
async fn ten_thousand_pings_are_answered_by_the_sidecar_and_reach_nobody() {
    let mut frames = frame(0x89, false, b"bob@shop.example").repeat(10_000);
    frames.extend(frame(0x81, false, b"done"));
    let preview = preview(writes(vec![frames]).await)
        .routes(ROUTES)
        .start()
        .await;
    let mut client = raw_client(&preview, "/chat", "alice").await;
    let mut seen = [0; 6];
    client.read_exact(&mut seen).await.unwrap();
    assert_eq!(seen.to_vec(), frame(0x81, false, b"done"));
}

#[tokio::test]
async fn both_sides_may_send_at_once_without_reading() {
    const COUNT: usize = 200;
    let app = raw(|stream| async move {
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        // Answers each message before it reads the next, as a program with one thread does.
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text()
                && futures_util::SinkExt::send(&mut socket, message)
                    .await
                    .is_err()
            {
                return;
            }
        }
    })
    .await;
    let preview = preview(app).routes(ROUTES).start().await;
    let client = connect(&preview, "/chat", "alice").await;
    let (mut sink, mut stream) = client.split();
    let said = "x".repeat(64 << 10);
    let sending = async {
        for _ in 0..COUNT {
            let message = Message::text(said.clone());
            futures_util::SinkExt::send(&mut sink, message)
                .await
                .unwrap();
        }
    };
    let receiving = async {
        let mut count = 0;
        while count < COUNT {
            if let Message::Text(text) = stream.next().await.unwrap().unwrap() {
                assert_eq!(text.len(), said.len());
                count += 1;
            }
        }
    };
    tokio::join!(sending, receiving);
}
