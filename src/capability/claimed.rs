//! What a client presents, before anything of it is proven: which kind of token it claims to be.

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use biscuit_auth::format::schema;
use prost::Message;

use super::jwt::Compact;

/// Text that claims to be a token of one kind.
pub(super) enum Claimed<'t> {
    /// The bytes of a Biscuit.
    Biscuit(Vec<u8>),
    /// The three parts of a JSON Web Token.
    Jwt(Compact<'t>),
}

impl<'t> Claimed<'t> {
    /// Tells the kinds apart: only a JSON Web Token holds dots.
    pub(super) fn read(text: &'t str) -> Option<Self> {
        if text.contains('.') {
            return Compact::split(text).map(Self::Jwt);
        }
        biscuit_bytes(text).map(Self::Biscuit)
    }
}

/// The bytes behind a Biscuit's URL-safe base64, padded or not, with or without its scheme.
pub(super) fn biscuit_bytes(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix("biscuit:").unwrap_or(text);
    if text.is_empty() {
        return None;
    }
    URL_SAFE
        .decode(text)
        .or_else(|_| URL_SAFE_NO_PAD.decode(text))
        .ok()
}

/// Whether a part of `text` has the form of a token or a ticket, whoever made it.
///
/// What is base64 of a JSON object counts, too: whether that was signed is not looked at.
#[must_use]
pub fn is_within(text: &str) -> bool {
    /// Characters of the shortest part that is looked at; a multiple of four, so that they decode by themselves.
    const LEAST: usize = 16;
    let is_base64 = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    let mut parts = text.split(|letter| !is_base64(letter));
    parts.any(|part| {
        let head = part
            .get(..LEAST)
            .and_then(|head| URL_SAFE.decode(head).ok());
        let is_object = |head: Vec<u8>| head.trim_ascii_start().first() == Some(&b'{');
        let is_biscuit = || {
            biscuit_bytes(part)
                .is_some_and(|bytes| schema::Biscuit::decode(bytes.as_slice()).is_ok())
        };
        head.is_some_and(|head| is_object(head) || is_biscuit())
    })
}

/// Every string that the blocks of a Biscuit bring along, unverified.
pub(super) fn strings(bytes: &[u8]) -> Vec<String> {
    let Ok(token) = schema::Biscuit::decode(bytes) else {
        return Vec::new();
    };
    std::iter::once(&token.authority)
        .chain(&token.blocks)
        .filter_map(|signed| schema::Block::decode(signed.block.as_slice()).ok())
        .flat_map(|block| block.symbols)
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::is_within;
    use crate::capability::mint::{Grant, JwtStamp, SigningKey};
    use crate::capability::ticket::Ticket;

    #[test]
    fn finds_what_has_the_form_of_a_token() {
        let key = SigningKey::generate().unwrap();
        let now = Timestamp::now();
        let plain = Grant::new("alice").until(now + SignedDuration::from_mins(5));
        let grant = Grant {
            preview: Some("pr-1".to_owned()),
            ..plain.clone()
        };
        let stamp = JwtStamp {
            issuer: "https://id.example",
            audience: "shop",
            key_id: None,
            issued: now,
        };
        let ticket = Ticket::new(&grant, "/").unwrap();
        for token in [
            grant.biscuit(&key).unwrap(),
            plain.jwt(&key, &stamp).unwrap(),
            ticket.sign(&key).unwrap(),
        ] {
            let token = token.expose();
            for text in [
                token.clone(),
                format!("Bearer {token}"),
                format!("biscuit:{token}"),
                format!("a={token};b=1"),
                token.trim_end_matches('=').to_owned(),
            ] {
                assert!(is_within(&text), "{text}");
            }
        }
        for text in [
            "",
            "orders",
            "2026-11-25T19:00:00Z",
            "f73fc85dcb99a44449e8fb19a1edbbbe",
            "b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184",
            "a-very-long-name-of-a-page-in-a-handbook",
            "eyJhIjoxfQ",
            "Grüße aus dem Süden, und noch viel mehr davon",
        ] {
            assert!(!is_within(text), "{text}");
        }
    }
}
