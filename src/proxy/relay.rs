//! A WebSocket on its way: messages from the client to the app and back, each let go as soon as it has passed the
//! filter, until one side says farewell or something ends both.
//!
//! INVARIANT: nothing but what [`Messages`] gave out, farewells and pings of our own are sent to either side. The
//! record of the end is written before the farewells leave.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use hyper::upgrade::OnUpgrade;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::exchange::Exchange;
use super::leash::Leash;
use super::parting::{Farewells, Parting, Party};
use super::upstream::Outgoing;
use crate::filter::{Messages, Outcome};
use crate::runtime::Drain;
use crate::transport::Lease;
use crate::transport::socket::{self, Close, Ear, End, Fault, Message, Mouth};
use crate::types::{Budget, DecisionId};

/// How long both sides may take over their farewells.
const FAREWELL: Duration = Duration::from_secs(2);

/// Signs of life that a side may give while it does not take what it is sent.
const SIGNS: u32 = 1024;

/// Two connections that are about to switch, and what holds for what is sent over them.
#[derive(Debug)]
pub(super) struct Relay {
    /// The answer to the client.
    pub(super) head: Response<Bytes>,
    pub(super) id: DecisionId,
    pub(super) client: OnUpgrade,
    pub(super) app: OnUpgrade,
    pub(super) lease: Lease<Outgoing>,
    pub(super) requests: Messages,
    pub(super) answers: Messages,
    pub(super) leash: Leash,
    pub(super) drain: Drain,
    pub(super) budget: Budget,
    pub(super) bounds: Bounds,
}

/// The bounds of one WebSocket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes of a message.
    pub(super) message: usize,
    /// How long either side may be silent, pings answered included, or not take what it is sent.
    pub(super) idle: Duration,
    /// How long it may stay open.
    pub(super) time: Duration,
}

impl Relay {
    /// Begins, once the answer that this returns has left.
    pub(super) fn begin(mut self, exchange: Exchange) -> Response<Bytes> {
        let head = std::mem::take(&mut self.head);
        let drain = self.drain.clone();
        drain.track(self.run(exchange));
        head
    }

    async fn run(self, exchange: Exchange) {
        let Self {
            id,
            client,
            app,
            lease,
            mut requests,
            mut answers,
            leash,
            drain,
            budget,
            bounds,
            ..
        } = self;
        let switched = async { tokio::try_join!(client, app) };
        // Dropped unclosed, the exchange is written down as one that the client gave up.
        let Ok(Ok((client, app))) = timeout(bounds.idle, switched).await else {
            return;
        };
        lease.switch();
        let (mut client_ear, client_mouth) =
            socket::open(client, End::Server, bounds.message, &budget).await;
        let (mut app_ear, app_mouth) =
            socket::open(app, End::Client, bounds.message, &budget).await;
        let (client_mouth, app_mouth) = (Mutex::new(client_mouth), Mutex::new(app_mouth));
        let idle = bounds.idle;
        let carried = async {
            tokio::select! {
                parting = carry(Party::Client, &mut client_ear, [&client_mouth, &app_mouth], &mut requests, idle) => parting,
                parting = carry(Party::App, &mut app_ear, [&app_mouth, &client_mouth], &mut answers, idle) => parting,
                parting = ping(idle / 2, [&client_mouth, &app_mouth]) => parting,
            }
        };
        let parting = tokio::select! {
            biased;
            refusal = leash.torn() => Parting::Refused(refusal),
            () = drain.begun() => Parting::Leaving,
            () = tokio::time::sleep(bounds.time) => Parting::Spent,
            parting = carried => parting,
        };
        let mut farewells = Farewells::of(parting, id);
        let end = farewells.end.clone();
        let report = answers.report().clone();
        let recorded = close(exchange, &requests, &answers, Outcome { report, end }).await;
        if !recorded {
            farewells.are_unwritten();
        }
        let both = async {
            tokio::join!(
                part(client_ear, client_mouth, farewells.client),
                part(app_ear, app_mouth, farewells.app),
            )
        };
        // Whoever does not listen is left.
        let _ = timeout(FAREWELL, both).await;
    }
}

/// Writes the record of the end; false where it can't.
async fn close(
    mut exchange: Exchange,
    requests: &Messages,
    answers: &Messages,
    outcome: Outcome,
) -> bool {
    exchange.carried(requests.count(), answers.count());
    let status = http::StatusCode::SWITCHING_PROTOCOLS.as_u16();
    let recorded = exchange.ended(&outcome, Some(requests.report()), status);
    recorded.await.is_ok()
}

/// Carries what `from` sends to the other side's `mouth`; its pings are answered by its `own`. The next message is not read before this one has been taken.
async fn carry(
    from: Party,
    ear: &mut Ear,
    [own, mouth]: [&Mutex<Mouth>; 2],
    messages: &mut Messages,
    idle: Duration,
) -> Parting {
    let mut unanswered = 0;
    loop {
        let message = match timeout(idle, ear.next()).await {
            Err(_) => return Parting::Silent(from),
            Ok(Err(fault)) => return Parting::Faulty(from, fault),
            Ok(Ok(message)) => message,
        };
        let passed = match message {
            Message::Sign => {
                // The answers to pings leave before more is read, or they would pile up.
                if let Ok(mut own) = own.try_lock() {
                    if timeout(idle, own.flush()).await.is_err() {
                        return Parting::Silent(from);
                    }
                    unanswered = 0;
                }
                unanswered += 1;
                if unanswered > SIGNS {
                    return Parting::Faulty(from, Fault::Protocol);
                }
                continue;
            }
            Message::Text(text) => messages.text(&text).map(|text| text.map(Message::Text)),
            Message::Binary(data) => messages.binary(&data).map(Message::Binary).map(Some),
            Message::Close(close) => {
                return match messages.reason(&close.reason) {
                    Ok(reason) => Parting::Closed(from, close.code, reason),
                    Err(refusal) => Parting::Refused(refusal),
                };
            }
        };
        let message = match passed {
            Ok(Some(message)) => message,
            Ok(None) => continue,
            Err(refusal) => return Parting::Refused(refusal),
        };
        let sent = timeout(idle, async { mouth.lock().await.send(message).await });
        match sent.await {
            Ok(Ok(())) => {}
            Err(_) => return Parting::Silent(from.other()),
            Ok(Err(fault)) => {
                // It may have said farewell: whoever listens to it tells.
                tokio::time::sleep(FAREWELL).await;
                return Parting::Faulty(from.other(), fault);
            }
        }
    }
}

/// Asks both sides for a sign of life again and again; one that is being talked to has no need.
async fn ping(pause: Duration, mouths: [&Mutex<Mouth>; 2]) -> Parting {
    loop {
        tokio::time::sleep(pause).await;
        for mouth in mouths {
            if let Ok(mut mouth) = mouth.try_lock() {
                // Whoever can't be written to is found out by whoever listens to it.
                let _ = timeout(pause, mouth.send(Message::Sign)).await;
            }
        }
    }
}

/// Says farewell and listens until the other side has, too.
async fn part(mut ear: Ear, mouth: Mutex<Mouth>, close: Option<Close>) {
    let mut mouth = mouth.into_inner();
    if let Some(close) = close {
        // Whoever is gone needs no farewell.
        let _ = mouth.send(Message::Close(close)).await;
    }
    mouth.finish().await;
    while ear.next().await.is_ok() {}
}
