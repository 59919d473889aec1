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
