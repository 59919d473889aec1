//! Login at an OpenID provider: the authorization code flow with PKCE (RFC 6749, RFC 7636, OpenID Connect Core 1.0).
//!
//! Nothing is kept here between its two steps: the browser carries what must be remembered, sealed. So a
//! code counts in the browser alone that began the login, at any replica.

use http::HeaderValue;
use http::header::SET_COOKIE;
use subtle::ConstantTimeEq as _;

use super::provider::{Returned, failed};
use super::seal::{self, Pending};
use super::{Asked, Endpoint, Own, Provider, Told, opened};
use crate::audit::Event;
use crate::capability::ticket::is_own_path;
use crate::proxy::cookie;
use crate::types::{ReasonCode, Refusal, Target};

/// The cookie that holds a login on its way.
const PENDING: &str = "__Host-chaperone-login";

impl Own {
    /// Sends the browser to the provider.
    pub(super) async fn begin_login(&self, asked: &Asked<'_>) -> Result<Told, Refusal> {
        let provider = self.provider()?;
        opened(asked)?;
        let to = only(asked.target, "to")?.unwrap_or("/");
        let to = if is_own_path(to) { to } else { "/" };
        let mut pending = Pending::begin(to, asked.now)?;
        if let Some(callback) = &self.callback {
            let origin = self.origin(asked);
            pending.state = callback.state(&pending.state, &origin, pending.ends);
        }
        let place = provider.invitation(&pending, &self.callback(asked)).await?;
        let sealed = pending.seal(self.minter()?, asked.host)?;
        let kept = cookie::set(PENDING, sealed.expose(), seal::AGE);
        Ok(remember(Told::leads_to(&place)?, &kept)?.did(Event::LoginBegun))
    }

    /// Takes the browser back from the provider.
    pub(super) async fn end_login(&self, asked: &Asked<'_>) -> Result<Told, Refusal> {
        let provider = self.provider()?;
        opened(asked)?;
        let mut kept = cookie::values(asked.headers, PENDING);
        let (Some(sealed), None) = (kept.next(), kept.next()) else {
            return Err(failed("this browser began no login, or keeps no cookies"));
        };
        let pending = Pending::open(sealed, self.minter()?, asked.host, asked.now);
        let pending = pending.ok_or_else(|| failed("it took too long, or was begun elsewhere"))?;
        let said = |name| only(asked.target, name);
        let state = said("state")?.unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(pending.state.as_bytes())) {
            return Err(failed("it is the answer to another login"));
        }
        if let Some(error) = said("error")? {
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            let is_name = error.len() <= 64 && error.bytes().all(is_plain);
            let error = if is_name { error } else { "an error" };
            return Err(failed(&format!("the provider says `{error}`")));
        }
        let at = self.callback(asked);
        let returned = Returned {
            code: said("code")?.ok_or_else(|| failed("the provider sent no code"))?,
            issuer: said("iss")?,
            prefix: asked.judge.policy.capability().prefix_of(provider.issuer()),
            at: &at,
        };
        let shown = provider.redeem(&pending, returned, asked.now).await?;
        // A capability of its own, that the provider's token does not end: that one says who logged in, once.
        let (minted, verified) = self.mint(asked, shown.subject(), None)?;
        let told = Told::leads_to(&pending.to)?.keeping(&minted, asked.now)?;
        let told = remember(told, &cookie::set(PENDING, "", 0))?;
        Ok(told.did(Event::SignedIn).acting_for(verified))
    }

    /// Where the provider sends the browser back to.
    fn callback(&self, asked: &Asked<'_>) -> String {
        match &self.callback {
            Some(callback) => callback.url.to_string(),
            None => format!("{}{}", self.origin(asked), Endpoint::Callback.address()),
        }
    }

    /// The preview's own pages. Browsers keep these cookies over TLS alone, or on the loopback.
    fn origin(&self, asked: &Asked<'_>) -> String {
        let is_plain = !self.is_tls && cookie::is_loopback(asked.host);
        let scheme = if is_plain { "http" } else { "https" };
        format!("{scheme}://{}", asked.host.to_ascii_lowercase())
    }

    fn provider(&self) -> Result<&Provider, Refusal> {
        self.minter()?;
        let missing = || Refusal::new(ReasonCode::EndpointUnknown);
        self.provider.as_ref().ok_or_else(missing)
    }
}

fn remember(mut told: Told, cookie: &str) -> Result<Told, Refusal> {
    let mut field =
        HeaderValue::try_from(cookie).map_err(|_| Refusal::new(ReasonCode::Internal))?;
    field.set_sensitive(true);
    told.answer.headers_mut().append(SET_COOKIE, field);
    Ok(told)
}

/// The value of one parameter.
///
/// # Errors
/// Refuses one that stands twice (RFC 6749 section 3.1).
pub(super) fn only<'t>(target: &'t Target, name: &str) -> Result<Option<&'t str>, Refusal> {
    let mut found = target.query().iter().filter(|(known, _)| **known == *name);
    let value = found.next().map(|(_, value)| &**value);
    match found.next() {
        None => Ok(value),
        Some(_) => Err(failed("a parameter stands twice")),
    }
}
