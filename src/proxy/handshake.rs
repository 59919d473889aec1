//! The opening of a WebSocket (RFC 6455 section 4), once with the client and once with the app.
//!
//! Each side has a key of its own, and extensions are asked of nobody: what is compressed can't be looked at.
//! The request goes the way of every other; only its answer may be another.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::headers::{from_app, remove_where};
use crate::policy::Permit;
use crate::types::{ReasonCode, Refusal};

/// Subprotocols that a client may offer.
const OFFERS: usize = 32;

/// A client's wish to speak WebSocket.
#[derive(Debug)]
pub(super) struct Handshake {
    client_key: HeaderValue,
    app_key: String,
    offers: Vec<Box<str>>,
}

impl Handshake {
    /// Takes the wish out of a request; none where there is none. The subprotocols stay, to be looked through
    /// like every other field.
    pub(super) fn take(head: &mut http::request::Parts) -> Result<Option<Self>, Refusal> {
        let headers = &mut head.headers;
        if !is_asked(headers) {
            return Ok(None);
        }
        let wrong = |what: &str| Err(Refusal::new(ReasonCode::UpgradeRefused).because(what));
        if head.version != Version::HTTP_11 || head.method != Method::GET {
            return wrong("a WebSocket begins with a GET over HTTP/1.1");
        }
        let length = headers.get(CONTENT_LENGTH);
        if headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length != "0") {
            return wrong("a WebSocket begins with a request without a body");
        }
        if one(headers, &SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return wrong("the version of WebSocket is not 13");
        }
        let key = one(headers, &SEC_WEBSOCKET_KEY).filter(|key| {
            let bytes = STANDARD.decode(key.as_bytes());
            bytes.is_ok_and(|bytes| bytes.len() == 16)
        });
        let Some(client_key) = key.cloned() else {
            return wrong("no single `Sec-WebSocket-Key` of 16 bytes in base64");
        };
        let Some(offers) = offers(headers) else {
            return wrong("`Sec-WebSocket-Protocol` is no list of names");
        };
        headers.remove(UPGRADE);
        remove_where(headers, |name| {
            name.starts_with("sec-websocket-") && name != SEC_WEBSOCKET_PROTOCOL
        });
        remove_spellings(headers);
        Ok(Some(Self {
            client_key,
            app_key: generate_key(),
            offers,
        }))
    }

    /// Asks the app, in a request from which everything that is for one connection alone has been taken out.
    pub(super) fn ask(&self, headers: &mut HeaderMap) {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        if let Ok(key) = HeaderValue::try_from(&self.app_key) {
            headers.insert(SEC_WEBSOCKET_KEY, key);
        }
    }

    /// Makes the answer to the client of the app's, where the app agrees to what it was asked and to nothing else.
    pub(super) fn agree(&self, headers: &mut HeaderMap) -> Result<(), Refusal> {
        let wrong = |what: &str| Err(Refusal::new(ReasonCode::AppProtocol).because(what));
        if !is_asked(headers) {
            return wrong("it switches to another protocol than WebSocket");
        }
        let accept = derive_accept_key(self.app_key.as_bytes());
        if one(headers, &SEC_WEBSOCKET_ACCEPT).is_none_or(|given| *given != accept) {
            return wrong("its `Sec-WebSocket-Accept` is not the answer to the key");
        }
        if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
            return wrong("it speaks an extension that nobody asked for");
        }
        let protocol = one(headers, &SEC_WEBSOCKET_PROTOCOL).cloned();
        let is_offered = |protocol: &HeaderValue| {
            let mut offers = self.offers.iter();
            offers.any(|offer| protocol.as_bytes() == offer.as_bytes())
        };
        let is_named = headers.contains_key(SEC_WEBSOCKET_PROTOCOL);
        if is_named && !protocol.as_ref().is_some_and(is_offered) {
            return wrong("it speaks a subprotocol that nobody offered");
        }
        from_app(headers)?;
        headers.remove(CONTENT_LENGTH);
        remove_where(headers, |name| name.starts_with("sec-websocket-"));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        let accept = derive_accept_key(self.client_key.as_bytes());
        if let Ok(accept) = HeaderValue::try_from(accept) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(protocol) = protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        Ok(())
    }
}

/// The refusal of a WebSocket on a route that has none.
pub(super) fn unheard(permit: &Permit) -> Refusal {
    Refusal::new(ReasonCode::UpgradeRefused)
        .by(permit.origin())
        .because("the route does not say `websocket`")
}

/// The refusal of a WebSocket before an app that is asked over HTTP/2, on which nothing switches.
pub(super) fn framed(permit: &Permit) -> Refusal {
    Refusal::new(ReasonCode::UpgradeRefused)
        .by(permit.origin())
        .because("the app is asked over HTTP/2: `upstream.protocol`")
}

/// Whether a head speaks of switching to WebSocket and to nothing else.
fn is_asked(headers: &HeaderMap) -> bool {
    let is_upgrade = |value: &HeaderValue| {
        let mut options = value.as_bytes().split(|byte| *byte == b',');
        options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
    };
    headers.get_all(CONNECTION).iter().any(is_upgrade)
        && one(headers, &UPGRADE)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// The only field of this name.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// The subprotocols that a client offers, each once (RFC 6455 section 4.1).
fn offers(headers: &HeaderMap) -> Option<Vec<Box<str>>> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let mut offers: Vec<Box<str>> = Vec::new();
    for value in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
        for offer in value.to_str().ok()?.split(',') {
            let offer = offer.trim_ascii();
            let is_new = offers.iter().all(|known| **known != *offer);
            if offer.is_empty() || !offer.bytes().all(is_letter) || !is_new {
                return None;
            }
            offers.push(offer.into());
        }
    }
    (offers.len() <= OFFERS).then_some(offers)
}

/// Takes out what an app server could fold into the list of subprotocols.
fn remove_spellings(headers: &mut HeaderMap) {
    let others: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("sec") && name.as_str().ends_with("protocol"))
        .filter(|name| **name != SEC_WEBSOCKET_PROTOCOL)
        .cloned()
        .collect();
    for name in others {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Request};

    use super::Handshake;

    const GOOD: &[(&str, &str)] = &[
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-extensions", "permessage-deflate"),
        ("sec-websocket-protocol", "chat, superchat"),
    ];

    fn request(fields: &[(&str, &str)]) -> http::request::Parts {
        let mut request = Request::get("/chat");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn with(name: &str, value: Option<&'static str>) -> Vec<(&'static str, &'static str)> {
        let mut fields = GOOD.to_vec();
        fields.retain(|(known, _)| *known != name);
        let names = GOOD.iter().map(|(known, _)| *known);
        let known = names.into_iter().find(|known| *known == name);
        fields.extend(known.zip(value));
        fields
    }

    #[test]
    fn takes_the_wish_and_leaves_the_subprotocols() {
        let mut head = request(GOOD);
        let handshake = Handshake::take(&mut head).unwrap().unwrap();
        assert_eq!(handshake.offers, ["chat".into(), "superchat".into()]);
        let left: Vec<&str> = head.headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["connection", "sec-websocket-protocol"]);
        let mut plain = request(&[("connection", "close")]);
        assert!(Handshake::take(&mut plain).unwrap().is_none());
    }

    #[test]
    fn refuses_half_a_wish() {
        for (name, value) in [
            ("sec-websocket-version", None),
            ("sec-websocket-version", Some("8")),
            ("sec-websocket-key", None),
            ("sec-websocket-key", Some("c2hvcnQ=")),
            ("sec-websocket-key", Some("no base64 at all, really")),
            ("sec-websocket-protocol", Some("chat, chat")),
            ("sec-websocket-protocol", Some("a,,b")),
            ("sec-websocket-protocol", Some("a b")),
        ] {
            let mut head = request(&with(name, value));
            assert!(Handshake::take(&mut head).is_err(), "{name} {value:?}");
        }
        for (name, value) in [("sec-websocket-key", GOOD[3].1), ("content-length", "1")] {
            let mut head = request(&[GOOD, &[(name, value)]].concat());
            assert!(Handshake::take(&mut head).is_err(), "{name}");
        }
        for (name, value) in [("upgrade", "h2c"), ("upgrade", "websocket, h2c")] {
            let mut head = request(&with(name, Some(value)));
            assert!(Handshake::take(&mut head).unwrap().is_none(), "{value}");
        }
    }

    fn agrees(change: impl FnOnce(&mut HeaderMap)) -> Option<HeaderMap> {
        let handshake = Handshake {
            client_key: HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="),
            app_key: "dGhlIHNhbXBsZSBub25jZQ==".to_owned(),
            offers: vec!["chat".into()],
        };
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            // The sample of RFC 6455 section 1.3.
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("content-length", "0"),
            ("x-app", "1"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        change(&mut headers);
        handshake.agree(&mut headers).ok().map(|()| headers)
    }

    #[test]
    fn believes_no_other_answer_than_the_one_asked_for() {
        let put = |name: &'static str, value: &'static str| {
            move |headers: &mut HeaderMap| {
                headers.append(name, HeaderValue::from_static(value));
            }
        };
        let plain = agrees(|_| {}).unwrap();
        assert!(plain.contains_key("x-app") && !plain.contains_key("content-length"));
        let chat = agrees(put("sec-websocket-protocol", "chat")).unwrap();
        assert_eq!(chat["sec-websocket-protocol"], "chat");
        assert!(agrees(put("sec-websocket-protocol", "Chat")).is_none());
        assert!(agrees(put("sec-websocket-extensions", "permessage-deflate")).is_none());
        assert!(agrees(put("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")).is_none());
        assert!(agrees(put("upgrade", "h2c")).is_none());
        for name in ["connection", "upgrade", "sec-websocket-accept"] {
            let without = |headers: &mut HeaderMap| {
                headers.remove(name);
            };
            assert!(agrees(without).is_none(), "{name}");
        }
    }
}
