//! What the sidecar itself serves, under `/.well-known/chaperone/`: nothing of it ever reaches the app.
//!
//! INVARIANT: what changes something is a POST that a page of the preview's own origin made as it left, and no fetch of
//! a script. The app's pages are of that origin, too, and may submit a form: what it does needs no reading of the answer.

mod callback;
mod form;
mod login;
mod provider;
mod seal;
mod sign_out;
mod spent;
mod ticket;
mod token;

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, LOCATION, PRAGMA, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use jiff::Timestamp;
use maud::Markup;

use super::admission::Admission;
use super::cookie;
use super::judge::Judge;
use super::page;
use super::upload::Upload;
use crate::audit::Event;
use crate::capability::mint::MintError;
use crate::capability::ticket::is_own_path;
use crate::capability::{Minted, Minter, Verified};
use crate::types::{ReasonCode, Refusal, Subject, Target};

pub use callback::{Callback, CallbackHost, HostPattern};
pub use provider::{Provider, ProviderSettings};
pub use spent::Spent;

/// Where everything of the sidecar's own stands.
const HOME: [&str; 2] = [".well-known", "chaperone"];

/// What the sidecar itself can do for its users, beside letting them in.
#[derive(Debug, Default)]
pub struct Own {
    /// Makes capabilities; without it nothing is exchanged and no ticket is taken.
    pub minter: Option<Minter>,
    /// Remembers the tickets that were spent; without it none is taken.
    pub spent: Option<Spent>,
    /// Where users log in; without it nobody does.
    pub provider: Option<Provider>,
    /// Where the provider sends browsers back to, where that is no host of the preview's.
    pub callback: Option<Callback>,
    /// The host on which this sidecar takes browsers back for all previews.
    pub callback_host: Option<CallbackHost>,
    /// Whether clients come in over TLS; something before the sidecar may add it.
    pub is_tls: bool,
}

/// One of the sidecar's own addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Callback,
    Login,
    SignOut,
    Ticket,
    Token,
    Unknown,
}

impl Endpoint {
    /// The address that `target` is, where it is one of the sidecar's: in any letter case, so that no app takes it for its own.
    pub(super) fn of(target: &Target) -> Option<Self> {
        let mut segments = target.segments().iter();
        let is_home = HOME.iter().all(|name| {
            let segment = segments.next();
            segment.is_some_and(|segment| segment.eq_ignore_ascii_case(name))
        });
        if !is_home {
            return None;
        }
        let rest: Vec<&str> = segments.map(AsRef::as_ref).collect();
        let known = [
            Self::Callback,
            Self::Login,
            Self::SignOut,
            Self::Ticket,
            Self::Token,
        ];
        let named = known.into_iter().find(|known| rest == [known.name()]);
        Some(named.unwrap_or(Self::Unknown))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Callback => "callback",
            Self::Login => "login",
            Self::SignOut => "sign-out",
            Self::Ticket => "ticket",
            Self::Token => "token",
            Self::Unknown => "*",
        }
    }

    /// Its address, as the audit log names it.
    pub(super) fn address(self) -> String {
        format!("/{}/{}/{}", HOME[0], HOME[1], self.name())
    }
}

/// A request for one of the sidecar's own addresses.
pub(super) struct Asked<'a> {
    pub(super) endpoint: Endpoint,
    pub(super) method: &'a Method,
    pub(super) target: &'a Target,
    pub(super) headers: &'a HeaderMap,
    pub(super) host: &'a str,
    pub(super) body: Upload,
    pub(super) judge: &'a Judge,
    pub(super) admission: &'a Admission,
    pub(super) client: IpAddr,
    pub(super) preview: &'a str,
    pub(super) revision: Option<&'a str>,
    pub(super) now: Timestamp,
}

/// What the sidecar says, and what it did.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) answer: Response<Bytes>,
    pub(super) event: Option<Event>,
    /// For whom, by which capability.
    pub(super) verified: Option<Verified>,
    /// It is a refusal that has a form of its own.
    pub(super) refusal: Option<Refusal>,
}

impl Told {
    fn page(title: &str, body: &Markup) -> Self {
        let mut answer = Response::new(Bytes::from(page::page(title, body)));
        page::protect(answer.headers_mut());
        Self::plain(answer)
    }

    fn plain(answer: Response<Bytes>) -> Self {
        Self {
            answer,
            event: None,
            verified: None,
            refusal: None,
        }
    }

    /// Sends the browser on to `place`, to be asked for by GET.
    fn leads_to(place: &str) -> Result<Self, Refusal> {
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = StatusCode::SEE_OTHER;
        let place = HeaderValue::try_from(place).map_err(|_| Refusal::new(ReasonCode::Internal))?;
        answer.headers_mut().insert(LOCATION, place);
        page::protect(answer.headers_mut());
        Ok(Self::plain(answer))
    }

    fn did(mut self, event: Event) -> Self {
        self.event = Some(event);
        self
    }

    fn acting_for(mut self, verified: Verified) -> Self {
        self.verified = Some(verified);
        self
    }

    /// Has the browser keep `minted`.
    fn keeping(mut self, minted: &Minted, now: Timestamp) -> Result<Self, Refusal> {
        /// Bytes of name and value that every browser keeps.
        const MOST: usize = 4096;
        let token = minted.token.expose();
        if cookie::SESSION.len() + token.len() > MOST {
            let why = "its user has more attributes than a cookie holds";
            return Err(Refusal::new(ReasonCode::CapabilityTooLarge).because(why));
        }
        let age = minted.expires.duration_since(now).as_secs();
        let session = cookie::set(cookie::SESSION, token, age);
        let mut session =
            HeaderValue::try_from(session).map_err(|_| Refusal::new(ReasonCode::Internal))?;
        session.set_sensitive(true);
        self.answer.headers_mut().append(SET_COOKIE, session);
        Ok(self)
    }
}

impl Own {
    /// The address at which a user who wants `path` logs in, where there is a login.
    pub(super) fn login_for(&self, path: &str) -> Option<String> {
        if self.minter.is_none() || self.provider.is_none() {
            return None;
        }
        let to = if is_own_path(path) { path } else { "/" };
        let to: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
        Some(format!("{}?to={to}", Endpoint::Login.address()))
    }

    /// Answers a request for one of the sidecar's own addresses.
    ///
    /// # Errors
    /// Refuses what is not there, and what each address refuses.
    pub(super) async fn answer(&self, asked: Asked<'_>) -> Result<Told, Refusal> {
        match (asked.endpoint, asked.method) {
            (Endpoint::Callback, &Method::GET) => self.end_login(&asked).await,
            (Endpoint::Login, &Method::GET) => self.begin_login(&asked).await,
            (Endpoint::SignOut, &Method::GET) => sign_out::ask(&asked),
            (Endpoint::SignOut, &Method::POST) => sign_out::leave(&asked),
            (Endpoint::Ticket, &Method::GET) => self.ticket_page(&asked),
            (Endpoint::Ticket, &Method::POST) => self.ticket(asked).await,
            (Endpoint::Token, &Method::POST) => self.token(asked).await,
            _ => Err(Refusal::new(ReasonCode::EndpointUnknown)),
        }
    }

    /// Makes a capability of `subject`, and holds it against everything that the next request would be held against.
    fn mint(
        &self,
        asked: &Asked<'_>,
        subject: &Subject,
        end: Option<Timestamp>,
    ) -> Result<(Minted, Verified), Refusal> {
        let minter = self.minter()?;
        let minted = minter
            .mint(subject, asked.now, end)
            .map_err(|error| unmintable(&error))?;
        let verified = admit(asked, &minted)?;
        Ok((minted, verified))
    }

    fn minter(&self) -> Result<&Minter, Refusal> {
        let missing = || Refusal::new(ReasonCode::EndpointUnknown);
        self.minter.as_ref().ok_or_else(missing)
    }
}

/// Whether the next request with `minted` would be let in.
fn admit(asked: &Asked<'_>, minted: &Minted) -> Result<Verified, Refusal> {
    let judge = asked.judge;
    let verified = judge.verifier.verify(&minted.token, asked.now)?;
    judge.gate.admit(&judge.policy, &verified, asked.now)?;
    Ok(verified)
}

fn unmintable(error: &MintError) -> Refusal {
    Refusal::new(ReasonCode::CapabilityInvalid).because(error.to_string())
}

/// An answer that programs read and nobody keeps (RFC 6749 section 5.1).
fn unkept(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
}

/// Lets through what a page of the preview's own origin sent in a window of its own; a script of the app's is none.
fn by_hand(asked: &Asked<'_>) -> Result<(), Refusal> {
    cookie::same_origin(asked.headers, asked.host)?;
    opened(asked)
}

/// Lets through what a browser opens in a window of its own: these pages are not for scripts to read.
fn opened(asked: &Asked<'_>) -> Result<(), Refusal> {
    windowed(asked.headers)
}

fn windowed(headers: &HeaderMap) -> Result<(), Refusal> {
    if cookie::is_script(headers) {
        let why = "scripts and frames have no part in this";
        return Err(Refusal::new(ReasonCode::CrossOriginRequest).because(why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Endpoint;
    use crate::types::Target;

    #[test]
    fn knows_its_own_addresses_in_every_spelling() {
        for (path, endpoint) in [
            ("/.well-known/chaperone/ticket", Some(Endpoint::Ticket)),
            ("/.well-known/chaperone/ticket?a=b", Some(Endpoint::Ticket)),
            ("/.well-known/ch%61perone/sign-out", Some(Endpoint::SignOut)),
            ("/.Well-Known/CHAPERONE/token", Some(Endpoint::Token)),
            ("/.well-known/chaperone", Some(Endpoint::Unknown)),
            ("/.well-known/chaperone/", Some(Endpoint::Unknown)),
            ("/.well-known/chaperone/Ticket", Some(Endpoint::Unknown)),
            ("/.well-known/chaperone/ticket/x", Some(Endpoint::Unknown)),
            ("/.well-known/chaperones/ticket", None),
            ("/a/.well-known/chaperone/ticket", None),
            ("/.well-known", None),
        ] {
            let target = Target::parse(path).unwrap();
            assert_eq!(Endpoint::of(&target), endpoint, "{path}");
        }
    }
}
