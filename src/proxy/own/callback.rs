//! One callback for all previews: a host of its own, which providers know, takes browsers back and sends each on to
//! the preview that began its login.
//!
//! The preview names itself in the login's `state`, under a key that both have. What is sent on is what the provider said, and
//! nothing else; the preview alone can redeem the code, since PKCE's verifier never leaves it.
//!
//! INVARIANT: a browser is sent to a host that a sidecar with the key has named as its own, and that is listed here,
//! and there to the callback's path alone.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

use super::login::only;
use super::provider::failed;
use super::{Endpoint, Told, windowed};
use crate::audit::Event;
use crate::proxy::cookie;
use crate::types::{FingerprintKey, ReasonCode, Refusal, Target};

/// What a provider says to whoever it sends back (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207), `state` aside.
const SAID: [&str; 3] = ["code", "error", "iss"];

/// The callback of a preview that stands on another host.
#[derive(Clone, Debug)]
pub struct Callback {
    /// Its address, as the provider knows it.
    pub url: Box<str>,
    /// The key that its host has, too.
    pub key: FingerprintKey,
}

impl Callback {
    /// The state of a login that `origin` began and that goes on until `ends`; `secret` makes it that login's own.
    pub(super) fn state(&self, secret: &str, origin: &str, ends: i64) -> String {
        let origin = URL_SAFE_NO_PAD.encode(origin);
        let proof = proof(&self.key, secret, &origin, &ends.to_string());
        format!("{secret}.{origin}.{ends}.{proof}")
    }
}

/// The host that takes browsers back for all previews.
#[derive(Clone, Debug)]
pub struct CallbackHost {
    /// Its own name.
    pub host: HostPattern,
    /// The previews' hosts.
    pub previews: Vec<HostPattern>,
    /// The key that the previews have, too.
    pub key: FingerprintKey,
}

impl CallbackHost {
    /// Whether a request for `host` is for this one, and for no app.
    pub(in crate::proxy) fn is(&self, host: &str) -> bool {
        self.host.matches(host)
    }

    /// Sends the browser on to the preview that its state names.
    ///
    /// # Errors
    /// Refuses everything but a provider's answer to a login of a listed preview.
    pub(in crate::proxy) fn forward(
        &self,
        endpoint: Option<Endpoint>,
        method: &Method,
        target: &Target,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Told, Refusal> {
        if endpoint != Some(Endpoint::Callback) || method != Method::GET {
            return Err(Refusal::new(ReasonCode::EndpointUnknown));
        }
        windowed(headers)?;
        let state = only(target, "state")?.unwrap_or_default();
        let origin = self.origin(state, now);
        let origin = origin
            .ok_or_else(|| failed("no preview of this host's began it, or it took too long"))?;
        let mut query = Serializer::new(String::new());
        query.append_pair("state", state);
        let mut is_answer = false;
        for name in SAID {
            if let Some(value) = only(target, name)? {
                is_answer |= name != "iss";
                query.append_pair(name, value);
            }
        }
        if !is_answer {
            return Err(failed("the provider sent no code"));
        }
        let place = format!(
            "{origin}{}?{}",
            Endpoint::Callback.address(),
            query.finish()
        );
        Ok(Told::leads_to(&place)?.did(Event::LoginForwarded))
    }

    /// The origin of the preview that a state names, if it may be sent on to.
    fn origin(&self, state: &str, now: Timestamp) -> Option<String> {
        let mut parts = state.split('.');
        let (secret, named, ends, shown) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let expected = proof(&self.key, secret, named, ends);
        let is_proven = bool::from(shown.as_bytes().ct_eq(expected.as_bytes()));
        if !is_proven || parts.next().is_some() || now.as_second() >= ends.parse().ok()? {
            return None;
        }
        let origin = String::from_utf8(URL_SAFE_NO_PAD.decode(named).ok()?).ok()?;
        let host = match origin.split_once("://")? {
            ("https", host) => host,
            ("http", host) if cookie::is_loopback(host) => host,
            _ => return None,
        };
        let is_listed = self.previews.iter().any(|preview| preview.matches(host));
        is_listed.then_some(origin)
    }
}

fn proof(key: &FingerprintKey, secret: &str, origin: &str, ends: &str) -> String {
    let parts = [secret, origin, ends].map(str::as_bytes);
    URL_SAFE_NO_PAD.encode(key.derive("login state", &parts).expose())
}

/// Hosts by their names: one, or all with one more label (`*.preview.example`), at one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    is_wild: bool,
    name: Box<str>,
    /// None is the scheme's own.
    port: Option<u16>,
}

impl HostPattern {
    /// Reads `NAME`, `*.NAME` or either with `:PORT`; a wildcard stands for one label, below a name of two at least.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = split(text)?;
        let (is_wild, name) = match host.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, &*host),
        };
        let is_name = name.split('.').all(is_label) && (!is_wild || name.contains('.'));
        is_name.then(|| Self {
            is_wild,
            name: name.into(),
            port,
        })
    }

    /// Whether it is one host alone.
    #[must_use]
    pub fn is_one(&self) -> bool {
        !self.is_wild
    }

    fn matches(&self, host: &str) -> bool {
        let Some((host, port)) = split(host) else {
            return false;
        };
        let is_named = if self.is_wild {
            let label = host.split_once('.');
            label.is_some_and(|(label, rest)| is_label(label) && *rest == *self.name)
        } else {
            *host == *self.name
        };
        is_named && port == self.port
    }
}

/// A host in lower case and its port, where it is not that of HTTPS.
fn split(text: &str) -> Option<(String, Option<u16>)> {
    let text = text.to_ascii_lowercase();
    let Some((host, port)) = text.rsplit_once(':') else {
        return Some((text, None));
    };
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| is_number && *port != 0)?;
    Some((host.to_owned(), Some(port).filter(|port| *port != 443)))
}

fn is_label(label: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !label.is_empty() && label.len() <= 63 && label.bytes().all(is_letter)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};
    use jiff::{SignedDuration, Timestamp};

    use super::{Callback, CallbackHost, Endpoint, HostPattern};
    use crate::types::{FingerprintKey, Target};

    fn key(text: &str) -> FingerprintKey {
        FingerprintKey::from_material(text.as_bytes())
    }

    fn host() -> CallbackHost {
        let pattern = |text: &str| HostPattern::parse(text).unwrap();
        CallbackHost {
            host: pattern("auth.example"),
            previews: vec![pattern("*.preview.example"), pattern("localhost:8443")],
            key: key("shared"),
        }
    }

    fn state(origin: &str, shared: &str) -> String {
        let url = "https://auth.example/.well-known/chaperone/callback".into();
        let ends = Timestamp::now().as_second() + 600;
        let callback = Callback {
            url,
            key: key(shared),
        };
        callback.state("secret", origin, ends)
    }

    fn forwarded(query: &str, now: Timestamp) -> Option<String> {
        let target = Target::parse(&format!("/.well-known/chaperone/callback?{query}")).unwrap();
        let (endpoint, headers) = (Endpoint::of(&target), HeaderMap::new());
        let told = host().forward(endpoint, &Method::GET, &target, &headers, now);
        let told = told.ok()?;
        Some(
            told.answer.headers()["location"]
                .to_str()
                .unwrap()
                .to_owned(),
        )
    }

    #[test]
    fn sends_on_to_the_preview_that_began() {
        let now = Timestamp::now();
        for origin in [
            "https://pr-1.preview.example",
            "http://localhost:8443",
            "https://localhost:8443",
        ] {
            let state = state(origin, "shared");
            for said in [
                "code=a%2Bb",
                "error=access_denied",
                "code=c&iss=https%3A%2F%2Fid.example",
            ] {
                let place = forwarded(&format!("{said}&state={state}&more=x"), now).unwrap();
                let head = format!("{origin}/.well-known/chaperone/callback?state={state}&");
                assert_eq!(place, format!("{head}{said}"));
            }
        }
    }

    #[test]
    fn refuses_every_other_place() {
        let now = Timestamp::now();
        for origin in [
            "https://evil.example",
            "https://preview.example",
            "https://a.b.preview.example",
            "https://pr-1.preview.example.evil.example",
            "https://pr-1.preview.example:8443",
            "https://pr-1.preview.example@evil.example",
            "https://evil.example/pr-1.preview.example",
            "https://evil.example#.preview.example",
            "https://.preview.example",
            "https://*.preview.example",
            "http://pr-1.preview.example",
            "http://localhost",
            "javascript://pr-1.preview.example",
            "//pr-1.preview.example",
            "pr-1.preview.example",
            "",
        ] {
            let state = state(origin, "shared");
            assert_eq!(
                forwarded(&format!("code=a&state={state}"), now),
                None,
                "{origin}"
            );
        }
    }

    #[test]
    fn refuses_states_that_no_preview_made() {
        let now = Timestamp::now();
        let good = state("https://pr-1.preview.example", "shared");
        let innocent = format!("code=a&state={good}");
        assert!(forwarded(&innocent, now).is_some());
        assert_eq!(
            forwarded(&innocent, now + SignedDuration::from_secs(601)),
            None
        );
        let strange = state("https://pr-1.preview.example", "another");
        assert_eq!(forwarded(&format!("code=a&state={strange}"), now), None);
        for at in 0..good.len() {
            let mut changed = good.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(
                forwarded(&format!("code=a&state={changed}"), now),
                None,
                "{changed}"
            );
        }
        for query in [
            "code=a",
            "code=a&state=",
            "code=a&state=a.b.c.d",
            &format!("state={good}"),
            &format!("state={good}&iss=x"),
            &format!("code=a&state={good}."),
            &format!("code=a&state={good}&state={good}"),
            &format!("code=a&code=b&state={good}"),
        ] {
            assert_eq!(forwarded(query, now), None, "{query}");
        }
    }

    #[test]
    fn reads_hosts() {
        for text in [
            "a",
            "a.example",
            "A.Example:8443",
            "*.b.example",
            "*.b.example:1",
        ] {
            assert!(HostPattern::parse(text).is_some(), "{text}");
        }
        for text in [
            "",
            "*",
            "*.example",
            "*.*.example",
            "a.*",
            "a..b",
            "a/b",
            "a:0",
            "a:x",
            "a:+1",
            "https://a",
            "[::1]",
        ] {
            assert!(HostPattern::parse(text).is_none(), "{text}");
        }
        let host = host();
        assert!(host.is("AUTH.example") && host.is("auth.example:443"));
        assert!(!host.is("auth.example:8443") && !host.is("x.auth.example"));
    }
}
