//! What ends a WebSocket that nobody has ended: time, revocation, policy, the sidecar's own end.

use chaperone::capability::mint::Grant;
use futures_util::StreamExt as _;
use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};

use super::stage::{ROUTES, ask, connect, echo, open, raw_client, rest, say, text, told};
use crate::preview::{preview, until};
use crate::upstream::raw;

#[tokio::test]
async fn a_capability_that_ends_ends_the_socket() {
    let preview = preview(echo(&[]).await).routes(ROUTES).start().await;
    let expires = Timestamp::now() + SignedDuration::from_secs(2);
    let token = preview.mint(&Grant::new("alice").until(expires));
    let mut request = ask(&preview, "/chat", "alice");
    let bearer = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
    request.headers_mut().insert("authorization", bearer);
    let (mut client, _) = open(&preview, request).await.unwrap();
    say(&mut client, "hello").await;
    assert_eq!(text(&mut client).await, "hello");
    let (_, close) = rest(&mut client).await;
    assert_eq!(told(close), (1008, "capability-expired".to_owned()));
    let records = preview.recorded(2).await;
    assert_eq!(records[1]["reason"], "capability-expired");
}

#[tokio::test]
async fn a_policy_that_no_longer_lets_it_pass_ends_the_socket() {
    let preview = preview(echo(&[]).await).routes(ROUTES).start().await;
    let mut kept = connect(&preview, "/files", "alice").await;
    let mut client = connect(&preview, "/chat", "alice").await;
    say(&mut client, "hello").await;
    assert_eq!(text(&mut client).await, "hello");
    preview.edit_policy(|policy| policy.replacen("    websocket: true\n", "", 1));
    preview.handle.reload();
    let (_, close) = rest(&mut client).await;
    assert_eq!(told(close), (1008, "upgrade-refused".to_owned()));
    say(&mut kept, "still here").await;
    assert_eq!(text(&mut kept).await, "still here");
}

#[tokio::test]
async fn the_sidecars_end_is_told_to_both_sides() {
    let (send, mut closes) = tokio::sync::mpsc::unbounded_channel();
    let app = raw(move |stream| {
        let send = send.clone();
        async move {
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            let (_, close) = rest(&mut socket).await;
            let _ = send.send(close.map(|close| u16::from(close.code)));
        }
    })
    .await;
    let preview = preview(app).routes(ROUTES).start().await;
    let mut client = connect(&preview, "/chat", "alice").await;
    until(|| preview.records().len() == 1).await;
    preview.handle.stop();
    let (_, close) = rest(&mut client).await;
    assert_eq!(told(close).0, 1001);
    assert_eq!(closes.recv().await, Some(Some(1001)));
    assert!(preview.running.await.unwrap(), "nothing had to be stopped");
}

#[tokio::test]
async fn its_time_is_bounded() {
    let preview = preview(echo(&[]).await)
        .routes(ROUTES)
        .limits("websocket_time: 1s")
        .start()
        .await;
    let mut client = connect(&preview, "/chat", "alice").await;
    let (_, close) = rest(&mut client).await;
    assert_eq!(told(close).0, 1001);
    let records = preview.recorded(2).await;
    assert_eq!(records[1]["ending"], "complete");
}

#[tokio::test]
async fn who_gives_no_sign_of_life_is_left_and_who_answers_pings_is_not() {
    let preview = preview(echo(&[]).await)
        .routes(ROUTES)
        .limits("idle: 4s")
        .start()
        .await;
    let mut patient = connect(&preview, "/chat", "alice").await;
    let silent = raw_client(&preview, "/chat", "alice").await;
    // Reading answers pings; the other client does not read.
    let ended = async {
        preview.recorded(3).await;
    };
    tokio::pin!(ended);
    loop {
        tokio::select! {
            () = &mut ended => break,
            message = patient.next() => assert!(message.unwrap().unwrap().is_ping()),
        }
    }
    drop(silent);
    say(&mut patient, "still here").await;
    assert_eq!(text(&mut patient).await, "still here");
    assert_eq!(preview.records()[2]["ending"], "aborted");
}
