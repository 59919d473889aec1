//! Who walks through the demo: Alice with a JWT, Bob with a Biscuit, and a stranger with a token of her own making.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use crate::capability::mint::{Grant, JwtStamp, SigningKey};
use crate::types::Secret;

/// How long the demo's tokens hold.
const LIFETIME: SignedDuration = SignedDuration::from_hours(8);

/// One who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// A user with a JWT.
    Alice,
    /// A user with a Biscuit.
    Bob,
    /// Somebody with a Biscuit that she signed herself, in Alice's name.
    Forger,
    /// Somebody without a token.
    Stranger,
}

impl Who {
    /// Everyone, in the order of the columns.
    pub(super) const ALL: [Self; 4] = [Self::Alice, Self::Bob, Self::Stranger, Self::Forger];

    /// The name in a column's head.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Alice => "Alice (JWT)",
            Self::Bob => "Bob (Biscuit)",
            Self::Forger => "a stranger (forged Biscuit)",
            Self::Stranger => "a stranger (no token)",
        }
    }
}

/// The tokens of those who have one.
#[derive(Debug)]
pub(super) struct Tokens {
    alice: Secret<String>,
    bob: Secret<String>,
    forger: Secret<String>,
}

impl Tokens {
    /// Makes an issuer of each kind, writes their public keys to `keys/` in `folder`, and mints.
    ///
    /// The stranger's own public key lies beside them, `keys/stranger.pub`; no policy names it.
    pub(super) fn mint(folder: &Path) -> anyhow::Result<Self> {
        let keys = folder.join("keys");
        std::fs::create_dir(&keys)?;
        let expires = Timestamp::now().checked_add(LIFETIME)?;

        let issuer = SigningKey::generate()?;
        std::fs::write(keys.join("issuer.pub"), format!("{}\n", issuer.public()))?;
        let stranger = SigningKey::generate()?;
        std::fs::write(
            keys.join("stranger.pub"),
            format!("{}\n", stranger.public()),
        )?;
        let provider = SigningKey::generate()?;
        std::fs::write(keys.join("jwks.json"), provider.jwks(None))?;

        let alice = Grant::new("u-alice")
            .with("email", "alice@shop.example")
            .until(expires);
        let bob = Grant::new("u-bob")
            .with("email", "bob@shop.example")
            .with("group", "buyers")
            .until(expires);
        let stamp = JwtStamp {
            issuer: "https://id.shop.example",
            audience: "shop",
            key_id: None,
            issued: Timestamp::now(),
        };
        Ok(Self {
            alice: alice.jwt(&provider, &stamp)?,
            bob: bob.biscuit(&issuer)?,
            forger: alice.biscuit(&stranger)?,
        })
    }

    /// The token that `who` shows.
    pub(super) fn of(&self, who: Who) -> Option<&str> {
        match who {
            Who::Alice => Some(self.alice.expose()),
            Who::Bob => Some(self.bob.expose()),
            Who::Forger => Some(self.forger.expose()),
            Who::Stranger => None,
        }
    }
}
