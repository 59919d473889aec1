//! Messages under a route's rules, both ways.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message;

use super::stage::{ROUTES, connect, echo, frame, rest, say, text, told, writes};
use crate::preview::preview;
use crate::upstream::raw;

/// An app that says everybody's order, again whenever it is asked.
const ORDERS: &[&str] = &[
    r#"{"orders":[{"owner":"bob","n":1},{"owner":"alice","n":2}],"total":2}"#,
    r#"{"orders":[{"owner":"bob","n":3}]}"#,
    r#"{"type":"sign of life"}"#,
    r#"{"orders":[{"owner":"alice","note":"ask bob\u0040shop.example, not alice@shop.example"}]}"#,
];

#[tokio::test]
async fn each_user_sees_the_own_records_of_each_message() {
    let preview = preview(echo(ORDERS).await).routes(ROUTES).start().await;
    let mut alice = connect(&preview, "/orders", "alice").await;
    let mut bob = connect(&preview, "/orders", "bob").await;
    for seen in [
        r#"{"orders":[{"owner":"alice","n":2}]}"#,
        r#"{"orders":[]}"#,
        "{}",
        r#"{"orders":[{"owner":"alice","note":"ask [redacted:email], not alice@shop.example"}]}"#,
    ] {
        assert_eq!(text(&mut alice).await, seen);
    }
    for seen in [
        r#"{"orders":[{"owner":"bob","n":1}]}"#,
        r#"{"orders":[{"owner":"bob","n":3}]}"#,
        "{}",
        r#"{"orders":[]}"#,
    ] {
        assert_eq!(text(&mut bob).await, seen);
    }
}

#[tokio::test]
async fn a_message_that_is_anothers_stays_behind_and_the_rest_goes_on() {
    const SAID: &[&str] = &[
        r#"{"owner":"bob","note":"secret"}"#,
        r#"{"owner":"alice","note":"mine"}"#,
    ];
    let preview = preview(echo(SAID).await).routes(ROUTES).start().await;
    let mut alice = connect(&preview, "/order", "alice").await;
    assert_eq!(text(&mut alice).await, SAID[1]);
    let mut blocked = connect(&preview, "/strict", "alice").await;
    let (texts, close) = rest(&mut blocked).await;
    assert!(texts.is_empty());
    assert_eq!(told(close), (1008, "foreign-record".to_owned()));
}

#[tokio::test]
async fn messages_leave_one_by_one_without_delay() {
    let preview = preview(echo(&[]).await).routes(ROUTES).start().await;
    let mut client = connect(&preview, "/chat", "alice").await;
    // Each is sent only after the one before has come back.
    for number in 0..50 {
        let said = format!("{{\"n\":{number}}}");
        say(&mut client, &said).await;
        assert_eq!(text(&mut client).await, said);
    }
    client.close(None).await.unwrap();
    rest(&mut client).await;
    let records = preview.recorded(2).await;
    let [opening, closing] = &records[..] else {
        panic!("{records:?}");
    };
    assert_eq!(opening["id"], closing["id"]);
    assert_eq!(
        (&opening["ending"], &opening["status"]),
        (&"open".into(), &101.into())
    );
    assert_eq!(
        (&closing["ending"], &closing["decision"]),
        (&"complete".into(), &"allow".into())
    );
    assert_eq!(
        (&closing["messages_in"], &closing["messages_out"]),
        (&50.into(), &50.into())
    );
    let bytes = (10 * 7) + (40 * 8);
    assert_eq!(
        (&closing["bytes_in"], &closing["bytes_out"]),
        (&bytes.into(), &bytes.into())
    );
    assert_eq!(
        preview.metric("chaperone_websocket_messages_total{from=\"app\"} "),
        Some(50.0)
    );
}

#[tokio::test]
async fn every_fragmentation_of_a_message_gives_the_same() {
    let said = r#"{"orders":[{"owner":"bob"},{"owner":"alice","s":"é😀"}]}"#;
    let seen = r#"{"orders":[{"owner":"alice","s":"é😀"}]}"#;
    let bytes = said.as_bytes();
    let mut ways: Vec<Vec<&[u8]>> = vec![vec![bytes], bytes.chunks(1).collect()];
    for at in 0..=bytes.len() {
        let (a, b) = bytes.split_at(at);
        ways.push(vec![a, &[], b]);
    }
    let mut pieces = Vec::new();
    for way in &ways {
        for (index, part) in way.iter().enumerate() {
            let fin = if index + 1 == way.len() { 0x80 } else { 0 };
            let opcode = if index == 0 { 1 } else { 0 };
            pieces.push(frame(fin | opcode, false, part));
            // Control frames may come between fragments.
            pieces.push(frame(0x8a, false, b""));
        }
    }
    let preview = preview(writes(pieces).await).routes(ROUTES).start().await;
    let mut client = connect(&preview, "/orders", "alice").await;
    for way in &ways {
        assert_eq!(text(&mut client).await, seen, "{way:?}");
    }
}

#[tokio::test]
async fn the_app_gets_whole_messages_however_the_client_cuts_them() {
    let preview = preview(echo(&[]).await).routes(ROUTES).start().await;
    let mut client = super::stage::raw_client(&preview, "/chat", "alice").await;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    for byte in [
        frame(1, true, b"hel"),
        frame(0x89, true, b"ping"),
        frame(0x80, true, b"lo"),
    ]
    .concat()
    {
        client.write_all(&[byte]).await.unwrap();
    }
    let expected = [frame(0x8a, false, b"ping"), frame(0x81, false, b"hello")].concat();
    let mut seen = vec![0; expected.len()];
    client.read_exact(&mut seen).await.unwrap();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn what_the_app_must_not_learn_ends_the_socket() {
    let preview = preview(echo(&[]).await).routes(ROUTES).start().await;
    for (path, said, code) in [
        ("/chat", r#"{"of":"Falcon\u0020IX"}"#, "request-finding"),
        ("/chat", "tell me of Falcon IX", "request-finding"),
        (
            "/order",
            r#"{"owner":"bob","n":1}"#,
            "request-foreign-record",
        ),
        ("/order", "no record", "request-malformed"),
    ] {
        let mut client = connect(&preview, path, "alice").await;
        say(&mut client, said).await;
        let (texts, close) = rest(&mut client).await;
        assert!(texts.is_empty(), "{said} {texts:?}");
        let (number, words) = told(close);
        assert_eq!(number, 1008, "{said}");
        assert_eq!(words, code, "{said}");
    }
    for (path, said) in [
        ("/chat", "tell me of Falcon X"),
        ("/order", r#"{"owner":"alice","n":1}"#),
    ] {
        let mut client = connect(&preview, path, "alice").await;
        say(&mut client, said).await;
        assert_eq!(text(&mut client).await, said);
    }
}

#[tokio::test]
async fn an_embargo_ends_both_sides() {
    let preview = preview(echo(&["hello", "Falcon IX flies", "more"]).await)
        .routes(ROUTES)
        .start()
        .await;
    let mut client = connect(&preview, "/chat", "alice").await;
    let (texts, close) = rest(&mut client).await;
    assert_eq!(texts, ["hello"]);
    assert_eq!(told(close).0, 1008);
    let records = preview.recorded(2).await;
    let closing = &records[1];
    assert_eq!(
        (&closing["decision"], &closing["ending"]),
        (&"block".into(), &"reset".into())
    );
    assert_eq!(
        (&closing["reason"], &closing["bytes_out"]),
        (&"embargo".into(), &5.into())
    );
}

#[tokio::test]
async fn binary_messages_need_the_routes_word() {
    let preview = preview(echo(&[]).await).routes(ROUTES).start().await;
    let data = Message::binary(&b"\x00\x01\xff"[..]);
    let mut open = connect(&preview, "/files", "alice").await;
    open.send(data.clone()).await.unwrap();
    assert_eq!(open.next().await.unwrap().unwrap(), data);
    let mut shut = connect(&preview, "/chat", "alice").await;
    shut.send(data).await.unwrap();
    let (_, close) = rest(&mut shut).await;
    assert_eq!(told(close), (1008, "request-unreadable".to_owned()));
    let app = writes(vec![frame(0x82, false, b"\x00bob@shop.example")]).await;
    let preview = crate::preview::preview(app).routes(ROUTES).start().await;
    let mut shut = connect(&preview, "/chat", "alice").await;
    let (_, close) = rest(&mut shut).await;
    assert_eq!(told(close), (1008, "type-unsupported".to_owned()));
}

#[tokio::test]
async fn farewells_pass_as_far_as_their_words_may() {
    for (path, words, code, seen) in [
        ("/chat", "bye", 4001, "bye"),
        (
            "/chat",
            "ask bob@shop.example",
            4001,
            "ask [redacted:email]",
        ),
        ("/orders", "ask for order 7 of Bob", 4001, ""),
        ("/chat", "Falcon IX", 1008, "embargo"),
    ] {
        let mut close = 4001_u16.to_be_bytes().to_vec();
        close.extend(words.as_bytes());
        let app = writes(vec![frame(0x88, false, &close)]).await;
        let preview = preview(app).routes(ROUTES).start().await;
        let mut client = connect(&preview, path, "alice").await;
        let (_, close) = rest(&mut client).await;
        let (number, words) = told(close);
        assert_eq!(number, code, "{words}");
        assert!(words == seen || seen == "embargo", "{words}");
    }
}

#[tokio::test]
async fn a_farewell_of_the_clients_reaches_the_app() {
    let (send, mut closes) = tokio::sync::mpsc::unbounded_channel();
    let app = raw(move |stream| {
        let send = send.clone();
        async move {
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Close(Some(close)) = message {
                    let _ = send.send((u16::from(close.code), close.reason.to_string()));
                }
            }
        }
    })
    .await;
    let preview = preview(app).routes(ROUTES).start().await;
    let mut client = connect(&preview, "/chat", "alice").await;
    let close = tokio_tungstenite::tungstenite::protocol::CloseFrame {
        code: 4002.into(),
        reason: "done".into(),
    };
    client.close(Some(close)).await.unwrap();
    rest(&mut client).await;
    assert_eq!(closes.recv().await.unwrap(), (4002, "done".to_owned()));
}
