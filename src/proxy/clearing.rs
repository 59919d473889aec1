//! What an earlier revision left in the browser: it must not live on in this one.
//!
//! A cookie of the sidecar's own, the marker, names the revision for which a browser was cleared. Scripts can't read it, the app
//! never sees it, and it is made with a key, so that no revision can leave the marker of the next. A navigation
//! without it clears the browser (`Clear-Site-Data`) and sets it.
//!
//! Not cleared wholesale are cookies: browsers would take those of all sibling hosts, the sidecar's own session among them.
//! The app's are expired one by one, at each path at which the request could have brought them, and the app does not see
//! them. Cookies that this request does not bring (of deeper paths) stay.

use http::header::{COOKIE, HeaderName, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method};

use super::cookie;
use crate::types::{FingerprintKey, ReasonCode, Refusal};

/// Marks a browser that was cleared for the revision that runs.
#[derive(Clone, Debug)]
pub struct Marker {
    value: Box<str>,
    cookie: HeaderValue,
}

/// The marker's name: no app can set it, and its prefix keeps it to the host.
const NAME: &str = "__Host-chaperone-revision";

/// What is cleared. Browsers skip what they don't know.
const CLEARED: HeaderValue = HeaderValue::from_static(r#""cache", "storage", "executionContexts""#);
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
const SERVICE_WORKER: HeaderName = HeaderName::from_static("service-worker");

/// Cookies that one answer expires: routers before the sidecar bound an answer's head.
const MOST: usize = 48;

/// The longest lifetime that browsers give a cookie: 400 days, in seconds.
const LONGEST: u32 = 34_560_000;

impl Marker {
    /// The marker for what `running` names: preview, revision, images.
    #[must_use]
    pub fn of(key: &FingerprintKey, running: &[&[u8]]) -> Self {
        let digest = key.derive("revision marker", running);
        let digits = digest.expose().iter().take(16);
        let value: String = digits.map(|byte| format!("{byte:02x}")).collect();
        let cookie =
            format!("{NAME}={value}; Path=/; Max-Age={LONGEST}; Secure; HttpOnly; SameSite=Lax");
        Self {
            value: value.into(),
            // Digits and the words above are no bytes that a field refuses; without one the browser is cleared each time.
            cookie: HeaderValue::try_from(cookie).unwrap_or(HeaderValue::from_static("")),
        }
    }

    /// Refuses what a page of an earlier revision asks for: what it was given, it was given for that one. Navigation of
    /// the whole window may go on, and is cleared.
    pub(super) fn refuse_outdated(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let is_outdated = self.state(headers) == State::Other
            && headers.contains_key(FETCH_MODE)
            && !is_navigation(headers);
        if is_outdated {
            return Err(Refusal::new(ReasonCode::PageOutdated));
        }
        Ok(())
    }

    /// What this request's answer must clear, if anything. The app's cookies are taken out of its head.
    pub(super) fn clearing(
        &self,
        method: &Method,
        path: &str,
        headers: &mut HeaderMap,
    ) -> Option<Clearing> {
        if self.state(headers) == State::Current {
            return None;
        }
        // A worker that was there before the sidecar asks for its script again, or for a page in the window's place. What it
        // keeps until it has ended is cleared with the next page, so that one sets the marker.
        let is_worker = headers.contains_key(SERVICE_WORKER)
            || is(headers, &FETCH_MODE, "navigate") && is(headers, &FETCH_DEST, "empty");
        if !is_worker && !is_navigation(headers) {
            return None;
        }
        // Other sites may not have browsers cleared at will: of what they send, the marker comes along with safe requests alone.
        if !method.is_safe() && is(headers, &FETCH_SITE, "cross-site") {
            return None;
        }
        let expired = expire(headers, path);
        let is_whole = expired.len() <= MOST;
        withhold(headers);
        Some(Clearing {
            expired: expired.into_iter().take(MOST).collect(),
            marker: (is_whole && !is_worker).then(|| self.cookie.clone()),
        })
    }

    fn state(&self, headers: &HeaderMap) -> State {
        let mut markers = cookies(headers)
            .filter(|cookie| name(cookie) == NAME.as_bytes())
            .map(|cookie| cookie.get(NAME.len() + 1..).unwrap_or_default());
        match markers.next() {
            None => State::None,
            Some(first) if first == self.value.as_bytes() && markers.next().is_none() => {
                State::Current
            }
            Some(_) => State::Other,
        }
    }
}

/// The field that has a browser forget its marker, so that the next navigation is cleared.
pub(super) fn forgotten() -> Option<HeaderValue> {
    HeaderValue::try_from(cookie::set(NAME, "", 0)).ok()
}

/// What a request's marker says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    None,
    Current,
    Other,
}

/// What an answer clears in the browser.
#[derive(Debug)]
pub(super) struct Clearing {
    expired: Vec<HeaderValue>,
    marker: Option<HeaderValue>,
}

impl Clearing {
    /// Says it in the answer's head. What the app sets in the same answer stands.
    pub(super) fn tell(self, headers: &mut HeaderMap) {
        headers.insert(CLEAR_SITE_DATA, CLEARED);
        let apps: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().cloned().collect();
        headers.remove(SET_COOKIE);
        // Browsers take them in turn: the app's own come last.
        for cookie in self.expired.into_iter().chain(self.marker).chain(apps) {
            headers.append(SET_COOKIE, cookie);
        }
    }
}

/// Whether the browser's window itself goes there. A page that is fetched ahead, or into a frame, is still that of another.
fn is_navigation(headers: &HeaderMap) -> bool {
    is(headers, &FETCH_MODE, "navigate")
        && is(headers, &FETCH_DEST, "document")
        && !headers.contains_key(PURPOSE)
}

fn is(headers: &HeaderMap, name: &HeaderName, value: &str) -> bool {
    let mut values = headers.get_all(name).iter();
    values.next().is_some_and(|found| found == value) && values.next().is_none()
}

/// Every cookie of a request, without the spaces around it.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let fields = headers.get_all(COOKIE).iter();
    let cookies = fields.flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    cookies
        .map(<[u8]>::trim_ascii)
        .filter(|cookie| !cookie.is_empty())
}

/// A cookie's name; one without a name is all value.
fn name(cookie: &[u8]) -> &[u8] {
    match cookie.iter().position(|byte| *byte == b'=') {
        Some(end) => cookie.get(..end).unwrap_or_default().trim_ascii(),
        None => b"",
    }
}

/// `Set-Cookie` values that end the app's cookies, one more than are told at most.
fn expire(headers: &HeaderMap, path: &str) -> Vec<HeaderValue> {
    let mut names: Vec<&[u8]> = cookies(headers)
        .map(name)
        .filter(|name| !cookie::is_ours(name))
        .collect();
    names.sort_unstable();
    names.dedup();
    let paths = scopes(path);
    let pairs = names
        .into_iter()
        .flat_map(|name| paths.iter().map(move |path| (name, *path)));
    let ways = pairs.flat_map(|pair| ["", "; Partitioned"].map(|kind| (pair, kind)));
    let values = ways.filter_map(|((name, path), kind)| {
        let tail = format!("=x; Path={path}; Max-Age=0; Secure{kind}");
        HeaderValue::from_bytes(&[name, tail.as_bytes()].concat()).ok()
    });
    values.take(MOST + 1).collect()
}

/// Every `Path` that a cookie sent to `path` can have (RFC 6265 section 5.1.4).
fn scopes(path: &str) -> Vec<&str> {
    let mut scopes = vec!["/"];
    if !path
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b';')
    {
        return scopes;
    }
    for (at, _) in path.match_indices('/').skip(1) {
        scopes.extend(path.get(..at));
        scopes.extend(path.get(..=at));
    }
    scopes.push(path);
    scopes.dedup();
    scopes
}

/// Leaves the sidecar's own cookies alone.
fn withhold(headers: &mut HeaderMap) {
    let own: Vec<HeaderValue> = cookies(headers)
        .filter(|cookie| cookie::is_ours(name(cookie)))
        .filter_map(|cookie| HeaderValue::from_bytes(cookie).ok())
        .collect();
    headers.remove(COOKIE);
    for cookie in own {
        headers.append(COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests;
