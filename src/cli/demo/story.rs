//! The story as a table: what is asked, and what each answer is claimed to hold.
//!
//! Every sentence that the demo prints about an answer is a claim here, and every claim is checked.

use super::people::Who;
use crate::types::ReasonCode;

/// One request that everybody makes.
#[derive(Debug)]
pub(super) struct Scene {
    /// What it is about.
    pub(super) title: &'static str,
    /// The method.
    pub(super) method: http::Method,
    /// Path and query.
    pub(super) path: &'static str,
    /// What is sent along as JSON; nothing where it is empty.
    pub(super) body: &'static str,
    /// What is claimed about the answers.
    pub(super) claims: &'static [Claim],
}

/// One sentence about what one of them got.
#[derive(Debug)]
pub(super) struct Claim {
    /// A short name, for tests and failures.
    pub(super) name: &'static str,
    /// Who asked.
    pub(super) who: Who,
    /// The sentence.
    pub(super) text: &'static str,
    /// What must be so for it to be true.
    pub(super) expect: Expect,
}

/// What must be so.
#[derive(Debug)]
pub(super) enum Expect {
    /// Refused, for this reason, and the answer holds none of these.
    Refused(u16, ReasonCode),
    /// Answered with this status; the body holds all of the first and none of the second.
    Served(u16, &'static [&'static str], &'static [&'static str]),
    /// Byte for byte what the app said.
    Untouched,
}

use Expect::{Refused, Served, Untouched};
use Who::{Alice, Bob, Forger, Stranger};

const fn claim(name: &'static str, who: Who, text: &'static str, expect: Expect) -> Claim {
    Claim {
        name,
        who,
        text,
        expect,
    }
}

const STRANGERS: &[Claim] = &[
    claim(
        "no-token",
        Stranger,
        "A stranger without a token gets nothing.",
        Refused(401, ReasonCode::CapabilityMissing),
    ),
    claim(
        "forged-token",
        Forger,
        "A stranger with a Biscuit of her own making, in Alice's name, gets nothing.",
        Refused(401, ReasonCode::CapabilityInvalid),
    ),
];

/// The scenes, in the order of the story.
pub(super) const SCENES: &[Scene] = &[
    Scene {
        title: "Without a capability, nothing",
        method: http::Method::GET,
        path: "/",
        body: "",
        claims: STRANGERS,
    },
    Scene {
        title: "Own orders, and nobody else's",
        method: http::Method::GET,
        path: "/api/orders",
        body: "",
        claims: &[
            claim(
                "orders-alice",
                Alice,
                "Alice gets her two orders; the others are dropped as they stream.",
                Served(
                    200,
                    &["\"id\": 101", "\"id\": 104"],
                    &["\"id\": 102", "\"id\": 103", "\"id\": 105"],
                ),
            ),
            claim(
                "orders-bob",
                Bob,
                "Bob gets his.",
                Served(
                    200,
                    &["\"id\": 102", "\"id\": 105"],
                    &["\"id\": 101", "\"id\": 103", "\"id\": 104"],
                ),
            ),
            claim(
                "orders-outside",
                Alice,
                "What stands outside the records passes only where the policy names it: the page, not the total.",
                Served(200, &["\"page\": 1"], &["\"total\""]),
            ),
            claim(
                "orders-own-values",
                Alice,
                "Alice's own address stays.",
                Served(200, &["mail alice@shop.example first"], &[]),
            ),
            claim(
                "orders-others-values",
                Alice,
                "Carol's address in Alice's own order does not.",
                Served(200, &["a gift for [redacted:email]"], &["carol@"]),
            ),
        ],
    },
    Scene {
        title: "A record with two owners",
        method: http::Method::GET,
        path: "/api/messages",
        body: "",
        claims: &[
            claim(
                "messages-alice",
                Alice,
                "Alice reads what she sent and received, not what others wrote about her.",
                Served(200, &["\"id\": 1", "\"id\": 2"], &["\"id\": 3", "blanket"]),
            ),
            claim(
                "messages-values",
                Bob,
                "Cards and others' addresses in the text are covered.",
                Served(
                    200,
                    &["[redacted:payment-card]", "[redacted:email]"],
                    &["4111", "alice@", "carol@"],
                ),
            ),
        ],
    },
    Scene {
        title: "Search: records wherever they stand",
        method: http::Method::GET,
        path: "/api/search?q=stool",
        body: "",
        claims: &[claim(
            "search-alice",
            Alice,
            "Alice's own hit stays; a placeholder stands for each of the others.",
            Served(
                200,
                &["Wanted: stool", "{\"chaperone\":\"redacted\"}"],
                &["second hand", "Elm Street"],
            ),
        )],
    },
    Scene {
        title: "A path that names its owner",
        method: http::Method::GET,
        path: "/api/users/u-alice",
        body: "",
        claims: &[
            claim(
                "profile-alice",
                Alice,
                "Alice's profile reaches her byte for byte.",
                Untouched,
            ),
            claim(
                "profile-bob",
                Bob,
                "Bob is told why he can't see it.",
                Refused(403, ReasonCode::NotOwner),
            ),
        ],
    },
    Scene {
        title: "A right that only some users have",
        method: http::Method::POST,
        path: "/api/orders",
        body: r#"{"customer": {"id": "u-bob"}, "item": "kite"}"#,
        claims: &[
            claim(
                "order-bob",
                Bob,
                "Bob is in the group of buyers and may order.",
                Served(201, &["\"id\": 106"], &[]),
            ),
            claim(
                "order-alice",
                Alice,
                "Alice is not; the app never hears of her attempt.",
                Refused(403, ReasonCode::NotAuthorized),
            ),
        ],
    },
    Scene {
        title: "An order in another's name",
        method: http::Method::POST,
        path: "/api/orders",
        body: r#"{"customer": {"id": "u-alice"}, "item": "kite"}"#,
        claims: &[claim(
            "order-in-alices-name",
            Bob,
            "Bob may not order for Alice; the app never hears of his attempt.",
            Refused(403, ReasonCode::RequestForeignRecord),
        )],
    },
    Scene {
        title: "An export, one record a line",
        method: http::Method::GET,
        path: "/export/orders.ndjson",
        body: "",
        claims: &[claim(
            "export-alice",
            Alice,
            "Alice's lines alone.",
            Served(
                200,
                &["\"id\": 101", "\"id\": 104"],
                &["\"id\": 102", "\"id\": 103"],
            ),
        )],
    },
    Scene {
        title: "An embargo",
        method: http::Method::GET,
        path: "/api/projects",
        body: "",
        claims: &[claim(
            "embargo",
            Bob,
            "The list names an embargoed project: it stays closed, whoever asks.",
            Refused(403, ReasonCode::Embargo),
        )],
    },
    Scene {
        title: "The same embargo in a request",
        method: http::Method::GET,
        path: "/api/search?q=Falcon%20IX",
        body: "",
        claims: &[claim(
            "embargo-request",
            Alice,
            "Nobody can ask the app about it either.",
            Refused(403, ReasonCode::RequestFinding),
        )],
    },
    Scene {
        title: "Pages that act on everybody's data",
        method: http::Method::GET,
        path: "/admin/users",
        body: "",
        claims: &[claim(
            "admin",
            Alice,
            "Denied, in the reviewer's own words.",
            Refused(403, ReasonCode::DeniedRoute),
        )],
    },
    Scene {
        title: "What no route names",
        method: http::Method::GET,
        path: "/api/debug",
        body: "",
        claims: &[claim(
            "debug",
            Alice,
            "The debug page that the change forgot to remove is not served.",
            Refused(403, ReasonCode::NoRoute),
        )],
    },
];

/// What the whole log is claimed to hold, beside one record for each answer.
pub(super) const LOG: &str = "Each answer has its record in the audit log, with the same decision and reason, \
     and no record holds a matched value, a name or a token.";

/// Values that must stand in no audit record.
pub(super) const NEVER_LOGGED: &[&str] = &[
    "shop.example",
    "4111 1111",
    "Falcon",
    "u-alice",
    "u-bob",
    "DE89",
    "Elm Street",
];
