//! The texts of reasons that have to do with browsers and with what the sidecar serves itself.

use super::Text;
use crate::types::Control::Credential;

pub(super) const CROSS_ORIGIN_REQUEST: Text = Text(
    "cross-origin-request",
    Credential,
    "the request did not come from a page of the preview's own, and its cookie alone proves nothing",
    "open the preview in a window of its own, or send the capability as `Authorization: Bearer`",
);

pub(super) const ENDPOINT_UNKNOWN: Text = Text(
    "endpoint-unknown",
    Credential,
    "the sidecar has nothing under this address, or not for this method",
    "check the address, or ask the operator whether it is configured: nothing under `/.well-known/chaperone/` is the app's",
);

pub(super) const LOGIN_FAILED: Text = Text(
    "login-failed",
    Credential,
    "the login did not end well",
    "open the preview again and log in anew, in the same browser and without pause",
);

pub(super) const LOGIN_UNAVAILABLE: Text = Text(
    "login-unavailable",
    Credential,
    "the login's provider can't be asked",
    "try again; the operator finds the cause in the sidecar's own log",
);

pub(super) const TICKET_INVALID: Text = Text(
    "ticket-invalid",
    Credential,
    "the ticket does not hold",
    "ask for a new link, and open it whole and in time",
);

pub(super) const TICKET_SPENT: Text = Text(
    "ticket-spent",
    Credential,
    "the ticket was spent before",
    "ask for a new link; if it was not you who spent it, tell a maintainer",
);

pub(super) const TICKET_UNAVAILABLE: Text = Text(
    "ticket-unavailable",
    Credential,
    "spent tickets can't be remembered, so none is taken",
    "free the disk or correct `tickets.spent`",
);
