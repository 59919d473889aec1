//! What a policy reads from addresses, key sets and revocations: where, how often, and how old it may become.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::capability::{
    Address, JwtAlgorithm, KeySet, Keys, Published, Revocations, Revoked, RootKey, SettingsError,
};
use crate::policy::compile::Compiler;
use crate::policy::document::{CapabilityForm, PublishedForm, RevokedForm};
use crate::policy::field::{Either, Field};
use crate::types::parse_duration;

/// A file's name or an address, and its place.
enum Place<'f> {
    File(&'f str, &'f Range<usize>),
    At(Address),
}

/// How often something is read and how old it may become, where the policy does not say.
struct Pace {
    every: Duration,
    max_age: Duration,
}

const KEYS: Pace = Pace {
    every: Duration::from_secs(300),
    max_age: Duration::from_secs(24 * 3600),
};
const REVOKED: Pace = Pace {
    every: Duration::from_secs(60),
    max_age: Duration::from_secs(3600),
};

impl Compiler {
    /// The keys of an issuer that signs by `algorithms`.
    pub(super) fn keys(
        &mut self,
        form: &Either<String, PublishedForm>,
        span: &Range<usize>,
        algorithms: &[JwtAlgorithm],
    ) -> Option<Keys> {
        match self.place(form, span, &KEYS)? {
            Place::File(name, span) => self.key_set(name, span).map(Keys::from),
            Place::At(address) => {
                let algorithms = algorithms.to_vec();
                let read = move |text: &str, _: Option<&KeySet>| {
                    let keys = KeySet::parse(text)?;
                    if keys.covers_any(&algorithms) {
                        Ok(keys)
                    } else {
                        Err(SettingsError::Keys.into())
                    }
                };
                let keys = Published::new(address, "key set", read);
                Some(Keys::from(Arc::new(keys)))
            }
        }
    }

    /// The list of what no longer holds; none where a mistake was noted.
    pub(super) fn revoked(&mut self, form: Option<&CapabilityForm>) -> Option<Revocations> {
        let Some(form) = form.filter(|form| !form.revoked.is_absent()) else {
            return Some(Revocations::default());
        };
        let (form, parent) = form.revoked.placed()?;
        let (list, span) = self.need(&form.list, parent, "list", "revoked.txt")?;
        let key = match form.key.is_absent() {
            true => None,
            false => Some(self.revoker(form)?),
        };
        let max_age = self.length(&form.max_age);
        match self.place(list, span, &REVOKED)? {
            Place::File(name, span) => {
                let text = self.key_file(name, span)?;
                match Revoked::parse(&text, key.as_ref()) {
                    Ok(list) => Some(Revocations::fixed(list, max_age)),
                    Err(error) => {
                        let message = format!("`{name}` is no list of revocations: {error}");
                        let remedy = "write it with `chaperone token revoke`";
                        self.sink.at(span, message, remedy);
                        None
                    }
                }
            }
            Place::At(address) => {
                if let Some(span) = form.max_age.span() {
                    let remedy = "write it beside the URL: `list: { url: …, max_age: 1h }`";
                    self.sink.at(span, "`max_age` is a file's here", remedy);
                }
                if key.is_none() {
                    let message = "a list from a URL that nobody signs: whoever can change it lets revoked capabilities in again";
                    let remedy = "sign it with `chaperone token revoke --key`, and name the public key: `key: keys/revoker.pub`";
                    self.sink.warn(&self.head(parent), message, remedy);
                }
                let is_signed = key.is_some();
                let read = move |text: &str, before: Option<&Revoked>| {
                    let list = Revoked::parse(text, key.as_ref())?;
                    Ok(match before {
                        Some(before) => list.replaces(before)?,
                        None => list,
                    })
                };
                let list = Published::new(address, "revocations", read);
                Some(Revocations::published(Arc::new(list), is_signed))
            }
        }
    }

    fn revoker(&mut self, form: &RevokedForm) -> Option<RootKey> {
        let (name, span) = form.key.placed()?;
        let text = self.key_file(name, span)?;
        let key = RootKey::parse(&text).ok().filter(RootKey::is_ed25519);
        if key.is_none() {
            let message = format!("`{name}` holds no Ed25519 public key");
            let remedy = "make one with `chaperone token keygen`";
            self.sink.at(span, message, remedy);
        }
        key
    }

    fn place<'f>(
        &mut self,
        form: &'f Either<String, PublishedForm>,
        span: &'f Range<usize>,
        pace: &Pace,
    ) -> Option<Place<'f>> {
        let form = match form {
            Either::Plain(text) if text.contains("://") => {
                let url = self.url(text, span)?;
                return Some(Place::At(Address {
                    url,
                    ca: None,
                    every: pace.every,
                    max_age: pace.max_age,
                }));
            }
            Either::Plain(name) => return Some(Place::File(name, span)),
            Either::Nested(form) => form,
        };
        let (url, place) = self.need(&form.url, span, "url", "\"https://id.example/jwks.json\"")?;
        let url = self.url(url, place);
        let ca = match form.ca.placed() {
            Some((name, span)) => Some(self.certificates(name, span)?),
            None if form.ca.is_absent() => None,
            None => return None,
        };
        let every = self.length(&form.every).unwrap_or(pace.every);
        let max_age = self.length(&form.max_age).unwrap_or(pace.max_age);
        if let Some(span) = form.every.span()
            && every < Duration::from_secs(1)
        {
            self.sink
                .at(span, "read more often than every second", "write `1m`");
        }
        if max_age < every {
            let span = form.max_age.span().or(form.every.span()).unwrap_or(span);
            let message = "it would be too old before it is read again";
            self.sink
                .at(span, message, "write a longer `max_age` than `every`");
        }
        Some(Place::At(Address {
            url: url?,
            ca,
            every,
            max_age,
        }))
    }

    fn url(&self, text: &str, span: &Range<usize>) -> Option<http::Uri> {
        match Address::url(text) {
            Ok(url) => Some(url),
            Err(error) => {
                let remedy = "write `https://` and where it is published";
                self.sink.at(span, error.to_string(), remedy);
                None
            }
        }
    }

    fn certificates(&mut self, name: &str, span: &Range<usize>) -> Option<Arc<str>> {
        let read = self.files.read(Path::new(name));
        let text = read
            .ok()
            .filter(|text| text.contains("-----BEGIN CERTIFICATE-----"));
        if text.is_none() {
            let message = format!("`{name}` can't be read, or holds no certificate");
            self.sink.at(
                span,
                message,
                "name a PEM file with the authority's certificate",
            );
        }
        text.map(Arc::from)
    }

    fn length(&self, field: &Field<String>) -> Option<Duration> {
        let (text, span) = field.placed()?;
        let length = parse_duration(text);
        if length.is_none() {
            let message = format!("`{text}` is no length of time");
            self.sink.at(span, message, "write `30s`, `5m` or `24h`");
        }
        length
    }
}
