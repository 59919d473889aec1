//! Making a binding: what a deployer says of one preview, signed with its key.

use std::collections::HashMap;

use biscuit_auth::builder::{BiscuitBuilder, Fact, Term, int, string};
use jiff::Timestamp;
use thiserror::Error;

use super::Audience;
use crate::capability::mint::{MintError, SigningKey};
use crate::types::Secret;

/// The form of bindings that this version reads and writes.
pub(super) const FORM: i64 = 1;

/// What a binding will say.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The preview's name.
    pub preview: String,
    /// The hosts under which it is reached, with a port or without.
    pub hosts: Vec<String>,
    /// The commit.
    pub revision: String,
    /// Every container's image digest (`sha256:…`).
    pub images: Vec<String>,
    /// Whose change it is, as the forge says.
    pub originator: String,
    /// Who may use it.
    pub audience: Vec<Audience>,
    /// When it ends.
    pub expires: Timestamp,
}

impl Draft {
    /// The binding, signed with `key`.
    ///
    /// # Errors
    /// Refuses what no sidecar would read.
    pub fn sign(&self, key: &SigningKey) -> Result<Secret<String>, DraftError> {
        self.check()?;
        let mut builder = BiscuitBuilder::new();
        let mut facts = vec![("chaperone_binding", int(FORM))];
        facts.push(("preview", string(&self.preview)));
        facts.push(("revision", string(&self.revision)));
        facts.push(("originator", string(&self.originator)));
        facts.extend(self.hosts.iter().map(|host| ("host", string(host))));
        facts.extend(self.images.iter().map(|image| ("image", string(image))));
        let audience = self.audience.iter();
        facts.extend(audience.map(|audience| ("audience", string(&audience.to_string()))));
        for (name, term) in facts {
            builder = builder
                .fact(Fact::new(name.to_owned(), vec![term]))
                .map_err(DraftError::Biscuit)?;
        }
        let end = u64::try_from(self.expires.as_second()).map_err(|_| DraftError::Expires)?;
        let end = HashMap::from([("end".to_owned(), Term::Date(end))]);
        builder = builder
            .code_with_params("check if time($time), $time < {end}", end, HashMap::new())
            .map_err(DraftError::Biscuit)?;
        let token = builder
            .build(&key.pair().map_err(DraftError::Key)?)
            .map_err(DraftError::Biscuit)?;
        token
            .to_base64()
            .map(Secret::new)
            .map_err(DraftError::Biscuit)
    }

    fn check(&self) -> Result<(), DraftError> {
        let names = [&self.preview, &self.revision, &self.originator];
        if !names.into_iter().all(|name| is_name(name)) {
            return Err(DraftError::Name);
        }
        if self.hosts.is_empty() || !self.hosts.iter().all(|host| is_host(host)) {
            return Err(DraftError::Host);
        }
        if !self.images.iter().all(|image| is_digest(image)) {
            return Err(DraftError::Image);
        }
        if self.audience.is_empty() {
            return Err(DraftError::Audience);
        }
        Ok(())
    }
}

/// Whether text can name a preview, a revision, a user or a group: 1 to 256 bytes, no control characters.
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 256 && !text.chars().any(char::is_control)
}

/// Whether text is an image's digest: `sha256:` and 64 lower-case hexadecimal digits.
#[must_use]
pub fn is_digest(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.strip_prefix("sha256:")
        .is_some_and(|digits| digits.len() == 64 && digits.bytes().all(is_digit))
}

/// Whether text is a host as a client names it, with a port or without.
pub(super) fn is_host(text: &str) -> bool {
    let authority = text.parse::<http::uri::Authority>();
    is_name(text) && authority.is_ok_and(|it| !it.host().is_empty() && !it.as_str().contains('@'))
}

/// Why no binding was made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DraftError {
    /// Nobody may use it.
    #[error("a binding needs an audience: `originator`, `opt-in`, `user:ID` or `group:NAME`")]
    Audience,
    /// The Biscuit can't be built.
    #[error("can't build the Biscuit")]
    Biscuit(#[source] biscuit_auth::error::Token),
    /// An end before 1970.
    #[error("no binding ends before 1970")]
    Expires,
    /// A host that no client could name, or none.
    #[error("a binding needs a host such as `pr-123.preview.example`, with a port or without")]
    Host,
    /// A digest of another form.
    #[error("an image is named by its digest: `sha256:` and 64 lower-case hexadecimal digits")]
    Image,
    /// The key can't sign.
    #[error("can't sign")]
    Key(#[source] MintError),
    /// A name that is none.
    #[error(
        "preview, revision and originator are names of at most 256 bytes without control characters"
    )]
    Name,
}
