//! Looking into a token without proving anything about it.

use biscuit_auth::UnverifiedBiscuit;
use serde::Serialize;
use serde_json::{Map, Value};

use super::claimed::{self, Claimed};
use super::jwt::Compact;

/// What a token claims. Nothing of it is proven.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Inspection {
    /// A Biscuit's blocks.
    Biscuit {
        /// Always false: inspecting proves nothing.
        verified: bool,
        /// The issuer's block first.
        blocks: Vec<Block>,
    },
    /// A JSON Web Token's header and claims.
    Jwt {
        /// Always false: inspecting proves nothing.
        verified: bool,
        /// Its header.
        header: Map<String, Value>,
        /// Its claims.
        claims: Map<String, Value>,
    },
}

/// One block of a Biscuit.
#[derive(Debug, Serialize)]
pub struct Block {
    /// Its Datalog. Strings are printed as they are, so that this is to be read, not to be run.
    pub source: String,
    /// Whether a string in the token holds a quote or a control character, so that the text may mislead.
    pub may_mislead: bool,
    /// The key of the third party that signed it, if one did.
    pub third_party: Option<String>,
    /// Its revocation id, in hexadecimal digits.
    pub revocation_id: String,
}

impl Inspection {
    /// Reads what `text` claims; none when it is neither kind of token.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        match Claimed::read(text.trim())? {
            Claimed::Jwt(token) => Self::jwt(&token),
            Claimed::Biscuit(bytes) => Self::biscuit(&bytes),
        }
    }

    fn jwt(token: &Compact<'_>) -> Option<Self> {
        let (header, claims) = token.members()?;
        Some(Self::Jwt {
            verified: false,
            header,
            claims,
        })
    }

    fn biscuit(bytes: &[u8]) -> Option<Self> {
        let claimed = UnverifiedBiscuit::from(bytes).ok()?;
        let keys = claimed.external_public_keys();
        let ids = claimed.revocation_identifiers();
        let may_mislead = claimed::strings(bytes)
            .iter()
            .any(|text| text.contains(['"', '\\']) || text.chars().any(char::is_control));
        let blocks = ids
            .iter()
            .enumerate()
            .map(|(index, id)| {
                let source = claimed.print_block_source(index).ok()?;
                let key = keys.get(index).copied().flatten();
                Some(Block {
                    source,
                    may_mislead,
                    third_party: key.map(|key| key.print()),
                    revocation_id: hex::encode(id),
                })
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Self::Biscuit {
            verified: false,
            blocks,
        })
    }
}
