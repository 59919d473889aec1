//! The pod's own key, and what the app is told with it: for whom an exchange acts.
//!
//! Such a token is good for what stands inside of the pod. It has a `subject` and no `user`, so that it passes for no
//! capability even where someone configures one key for both; it is no binding either, which knows no such fact.

use std::fmt;
use std::time::Duration;

use biscuit_auth::KeyPair;
use biscuit_auth::builder::{BiscuitBuilder, Check, Fact, Term, string};
use biscuit_auth::datalog::SymbolTable;
use jiff::Timestamp;

use super::mint::{MintError, SigningKey};
use crate::types::{DecisionId, Subject};

/// How long what is said of an exchange holds: nobody answers for one that runs longer.
const LIFETIME: Duration = Duration::from_secs(300);

/// The door at which such a token is good: what leaves the pod through this sidecar.
const AUDIENCE: &str = "outbound";

/// Attributes that the token names: those that identity headers tell, too.
const TOLD: [&str; 3] = ["email", "group", "preferred_username"];

/// The key with which this pod's sidecar speaks to the app.
pub struct PodKey {
    pair: KeyPair,
    /// With which the app may narrow what it is told. One for all tokens, which are all the same app's: making a pair costs
    /// as much as a signature.
    next: KeyPair,
    /// That a token has not ended; when it does is left open.
    lives: Check,
    jwks: String,
}

/// One exchange, as the app is told of it.
#[derive(Clone, Copy, Debug)]
pub struct Acting<'a> {
    /// The user that it acts for.
    pub subject: &'a Subject,
    /// The preview's name.
    pub preview: &'a str,
    /// The revision that runs, where it is known.
    pub revision: Option<&'a str>,
    /// The decision that let the request pass.
    pub decision: DecisionId,
    /// When that was.
    pub now: Timestamp,
}

impl PodKey {
    /// The pod speaks with `key`.
    ///
    /// # Errors
    /// Fails where the key can't be used.
    pub fn of(key: &SigningKey) -> Result<Self, MintError> {
        Ok(Self {
            pair: key.pair()?,
            next: KeyPair::new(),
            lives: "check if time($time), $time < {end}"
                .parse()
                .map_err(MintError::Biscuit)?,
            jwks: key.jwks(None),
        })
    }

    /// The public key as a JSON Web Key set of one (RFC 7517, RFC 8037).
    #[must_use]
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// A Biscuit that says for whom an exchange acts, in base64.
    ///
    /// # Errors
    /// Fails where the token can't be built.
    pub fn attest(&self, acting: Acting<'_>) -> Result<String, MintError> {
        let decision = acting.decision.to_string();
        let mut facts = vec![
            ("subject", acting.subject.id()),
            ("preview", acting.preview),
            ("decision", &decision),
            ("audience", AUDIENCE),
        ];
        facts.extend(acting.revision.map(|revision| ("revision", revision)));
        for name in TOLD {
            let values = acting.subject.values(name).iter();
            facts.extend(values.map(|value| (name, &**value)));
        }
        let mut builder = BiscuitBuilder::new();
        for (name, value) in facts {
            let fact = Fact::new(name.to_owned(), vec![string(value)]);
            builder = builder.fact(fact).map_err(MintError::Biscuit)?;
        }
        let end = acting.now.checked_add(LIFETIME);
        let end = end.map_err(|_| MintError::Expires)?.as_second();
        let end = u64::try_from(end).map_err(|_| MintError::Expires)?;
        let mut lives = self.lives.clone();
        lives
            .set("end", Term::Date(end))
            .map_err(MintError::Biscuit)?;
        let token = builder
            .check(lives)
            .and_then(|it| it.build_with_key_pair(&self.pair, SymbolTable::new(), &self.next));
        let text = token.and_then(|token| token.to_base64());
        text.map_err(MintError::Biscuit)
    }
}

impl fmt::Debug for PodKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PodKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use biscuit_auth::Biscuit;
    use jiff::{SignedDuration, Timestamp};

    use super::super::mint::SigningKey;
    use super::super::{BiscuitSettings, Limits, Settings, Verifier, binding::Binding};
    use super::{Acting, PodKey};
    use crate::types::{DecisionId, ReasonCode, Secret, Subject};

    fn token(key: &SigningKey, now: Timestamp) -> (String, DecisionId) {
        let attributes = [("email", "a@x.example"), ("group", "b"), ("card", "4111")];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let subject = Subject::new("alice", attributes).unwrap();
        let decision = DecisionId::random().unwrap();
        let acting = Acting {
            subject: &subject,
            preview: "pr-1",
            revision: Some("abc"),
            decision,
            now,
        };
        (PodKey::of(key).unwrap().attest(acting).unwrap(), decision)
    }

    #[test]
    fn says_for_whom_and_until_when() {
        let key = SigningKey::generate().unwrap();
        let now = Timestamp::now();
        let (token, decision) = token(&key, now);
        let token = Biscuit::from_base64(&token, key.public().key()).unwrap();
        let block = token.print_block_source(0).unwrap();
        let end = now.as_second() + 300;
        let end = Timestamp::from_second(end).unwrap();
        let expected = format!(
            "subject(\"alice\");\npreview(\"pr-1\");\ndecision(\"{decision}\");\naudience(\"outbound\");\n\
             revision(\"abc\");\nemail(\"a@x.example\");\ngroup(\"b\");\n\
             check if time($time), $time < {end};\n"
        );
        assert_eq!(block, expected);
        for (late, holds) in [(0, true), (299, true), (301, false)] {
            let time = now + SignedDuration::from_secs(late);
            let authorizer =
                format!("time({time:.0}); allow if subject($s), audience(\"outbound\");");
            let authorizer = biscuit_auth::builder::AuthorizerBuilder::new().code(authorizer);
            let judged = authorizer.unwrap().build(&token).unwrap().authorize();
            assert_eq!(judged.is_ok(), holds, "{late} s");
        }
    }

    #[test]
    fn refuses_to_pass_for_a_capability_or_a_binding() {
        let key = SigningKey::generate().unwrap();
        let now = Timestamp::now();
        let (token, _) = token(&key, now);
        let settings = Settings {
            biscuit: Some(BiscuitSettings::new(vec![key.public()]).unwrap()),
            ..Settings::default()
        };
        let verifier = Verifier::new(settings, Limits::default()).unwrap();
        let refusal = verifier
            .verify(&Secret::new(token.clone()), now)
            .unwrap_err();
        assert_eq!(refusal.code, ReasonCode::CapabilityInvalid);
        Binding::prove(&token, &[key.public()]).unwrap_err();
    }
}
