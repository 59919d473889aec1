//! Giving up the capability that a browser keeps.

use http::HeaderValue;
use http::header::SET_COOKIE;
use maud::html;

use super::{Asked, Told, by_hand, opened};
use crate::audit::Event;
use crate::proxy::{clearing, cookie};
use crate::types::{ReasonCode, Refusal};

/// Asks whether to: a page that changes nothing.
pub(super) fn ask(asked: &Asked<'_>) -> Result<Told, Refusal> {
    opened(asked)?;
    let body = html! {
        p { "The browser forgets its capability for " b { (asked.preview) } " and what the app has stored in it." }
        form method="post" action="sign-out" { button { "Sign out" } }
    };
    Ok(Told::page("Sign out?", &body))
}

/// Has the browser forget its capability, and what the app has stored in it.
///
/// Not the cookies at once: browsers would take those of every host of the domain, other previews' sessions and the
/// company's own among them. The app's are ended at the next navigation, which comes without the marker.
pub(super) fn leave(asked: &Asked<'_>) -> Result<Told, Refusal> {
    by_hand(asked)?;
    let body = html! {
        p { "The browser has no capability for " b { (asked.preview) } " any more. The capability itself ends by itself." }
    };
    let mut told = Told::page("Signed out", &body).did(Event::SignedOut);
    let headers = told.answer.headers_mut();
    let gone = HeaderValue::try_from(cookie::set(cookie::SESSION, "", 0));
    let gone = gone.map_err(|_| Refusal::new(ReasonCode::Internal))?;
    headers.append(SET_COOKIE, gone);
    let marker = clearing::forgotten().ok_or_else(|| Refusal::new(ReasonCode::Internal))?;
    headers.append(SET_COOKIE, marker);
    headers.insert(
        "clear-site-data",
        HeaderValue::from_static("\"cache\", \"storage\""),
    );
    Ok(told)
}
