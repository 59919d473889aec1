//! How a WebSocket ends: what both sides are told, and what is written down.

use crate::filter::End;
use crate::transport::socket::{Close, Fault};
use crate::types::{DecisionId, ReasonCode, Refusal};

/// The codes of farewells that this file says of its own (RFC 6455 section 7.4.1).
const GOING_AWAY: u16 = 1001;
const POLICY: u16 = 1008;
const FAILED: u16 = 1011;
const BUSY: u16 = 1013;

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Party {
    App,
    Client,
}

impl Party {
    pub(super) fn other(self) -> Self {
        match self {
            Self::App => Self::Client,
            Self::Client => Self::App,
        }
    }
}

/// What ends a WebSocket.
#[derive(Clone, Debug)]
pub(super) enum Parting {
    /// A side said farewell, with a code and words that have passed the filter.
    Closed(Party, Option<u16>, Option<String>),
    /// A side broke the protocol, or is gone.
    Faulty(Party, Fault),
    /// The sidecar stops.
    Leaving,
    /// A message must not pass, or nothing may any more.
    Refused(Refusal),
    /// A side gave no sign of life, or did not take what it was sent.
    Silent(Party),
    /// Its time is up.
    Spent,
}

/// What both sides are told, and what is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Farewells {
    /// Nothing of our own where it was the client that said farewell.
    pub(super) client: Option<Close>,
    /// Nothing of our own where it was the app that said farewell.
    pub(super) app: Option<Close>,
    pub(super) end: End,
}

impl Farewells {
    /// The end by `parting` of the exchange `id`.
    pub(super) fn of(parting: Parting, id: DecisionId) -> Self {
        let away = || Close::new(GOING_AWAY, "");
        let refused = |refusal: Refusal, client: u16, app: u16| Self {
            client: Some(Close::new(client, &words(&refusal, id))),
            app: Some(Close::new(app, "")),
            end: End::Refused(refusal),
        };
        match parting {
            Parting::Closed(by, code, reason) => {
                let close = Close {
                    code: code.map(sendable),
                    ..Close::new(GOING_AWAY, reason.as_deref().unwrap_or_default())
                };
                let (client, app) = match by {
                    Party::Client => (None, Some(close)),
                    Party::App => (Some(close), None),
                };
                Self {
                    client,
                    app,
                    end: End::Complete,
                }
            }
            Parting::Faulty(_, Fault::Overloaded) => {
                refused(Refusal::new(ReasonCode::Overloaded), BUSY, BUSY)
            }
            Parting::Faulty(Party::Client, Fault::Gone) | Parting::Silent(Party::Client) => Self {
                client: Some(away()),
                app: Some(away()),
                end: End::Aborted,
            },
            Parting::Faulty(Party::Client, fault) => {
                let refusal = Refusal::new(match fault {
                    Fault::TooLarge => ReasonCode::RequestTooLarge,
                    _ => ReasonCode::RequestMalformed,
                });
                refused(refusal.because(said(fault)), fault.code(), GOING_AWAY)
            }
            Parting::Faulty(Party::App, fault) => {
                let refusal = Refusal::new(match fault {
                    Fault::Gone => ReasonCode::AnswerTruncated,
                    Fault::TooLarge => ReasonCode::RecordTooLarge,
                    Fault::Utf8 => ReasonCode::AnswerMalformed,
                    Fault::Protocol | Fault::Overloaded => ReasonCode::AppProtocol,
                });
                refused(refusal.because(said(fault)), FAILED, fault.code())
            }
            Parting::Silent(Party::App) => {
                let refusal = Refusal::new(ReasonCode::AppTimeout);
                refused(refusal, FAILED, GOING_AWAY)
            }
            Parting::Refused(refusal) => refused(refusal, POLICY, POLICY),
            Parting::Leaving | Parting::Spent => Self {
                client: Some(away()),
                app: Some(away()),
                end: End::Complete,
            },
        }
    }

    /// The end could not be written down.
    pub(super) fn are_unwritten(&mut self) {
        let code = ReasonCode::AuditUnavailable.to_string();
        self.client = Some(Close::new(FAILED, &code));
    }
}

/// What the client is told: the reason's code and where more of it stands.
fn words(refusal: &Refusal, id: DecisionId) -> String {
    match refusal.code {
        ReasonCode::Hidden => String::new(),
        code => format!("{code}; decision {id}"),
    }
}

fn said(fault: Fault) -> &'static str {
    match fault {
        Fault::Gone => "the connection ended without a farewell",
        Fault::Protocol => "a frame breaks the protocol",
        Fault::Utf8 => "a text message that is not UTF-8",
        Fault::TooLarge => "a message beyond `limits.record`",
        Fault::Overloaded => "no memory for a message",
    }
}

/// A code that may be sent (RFC 6455 section 7.4.2), in place of one that may not.
fn sendable(code: u16) -> u16 {
    match code {
        1000..=1003 | 1007..=1014 | 3000..=4999 => code,
        _ => GOING_AWAY,
    }
}

#[cfg(test)]
mod tests {
    use super::{Farewells, Parting, Party};
    use crate::filter::End;
    use crate::transport::socket::{Close, Fault};
    use crate::types::{DecisionId, ReasonCode, Refusal};

    /// The codes that client and app are told, and the reason in the record.
    fn told(parting: Parting) -> (Option<u16>, Option<u16>, Option<ReasonCode>) {
        let farewells = Farewells::of(parting, DecisionId::random().unwrap());
        let code = |close: Option<Close>| close.and_then(|close| close.code);
        let reason = match farewells.end {
            End::Refused(refusal) => Some(refusal.code),
            End::Complete | End::Aborted => None,
        };
        (code(farewells.client), code(farewells.app), reason)
    }

    #[test]
    fn ends_both_sides_visibly() {
        let refusal = Refusal::new(ReasonCode::DetectorBlock);
        for (parting, client, app, reason) in [
            (
                Parting::Closed(Party::App, Some(4001), None),
                Some(4001),
                None,
                None,
            ),
            (
                Parting::Closed(Party::Client, Some(1004), None),
                None,
                Some(1001),
                None,
            ),
            (
                Parting::Refused(refusal.clone()),
                Some(1008),
                Some(1008),
                Some(ReasonCode::DetectorBlock),
            ),
            (Parting::Leaving, Some(1001), Some(1001), None),
            (Parting::Spent, Some(1001), Some(1001), None),
            (
                Parting::Faulty(Party::Client, Fault::Utf8),
                Some(1007),
                Some(1001),
                Some(ReasonCode::RequestMalformed),
            ),
            (
                Parting::Faulty(Party::App, Fault::TooLarge),
                Some(1011),
                Some(1009),
                Some(ReasonCode::RecordTooLarge),
            ),
            (
                Parting::Silent(Party::App),
                Some(1011),
                Some(1001),
                Some(ReasonCode::AppTimeout),
            ),
        ] {
            let named = format!("{parting:?}");
            assert_eq!(told(parting), (client, app, reason), "{named}");
        }
    }

    #[test]
    fn tells_the_client_where_to_look_and_the_app_nothing() {
        let id = DecisionId::random().unwrap();
        let refused = |code| Farewells::of(Parting::Refused(Refusal::new(code)), id);
        let blocked = refused(ReasonCode::DetectorBlock);
        let words = format!("detector-block; decision {id}");
        assert_eq!(*blocked.client.unwrap().reason, *words);
        assert_eq!(&*blocked.app.unwrap().reason, "");
        assert_eq!(&*refused(ReasonCode::Hidden).client.unwrap().reason, "");
    }
}
