//! The pod's own key, and what the app is told with it: for whom an exchange acts.
//!
//! Such a token is good for what stands inside of the pod. It has a `subject` and no `user`, so that it passes for no
//! capability even where someone configures one key for both; it is no binding either, which knows no such fact.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use biscuit_auth::builder::{Check, date};
use biscuit_auth::datalog::SymbolTable;
use biscuit_auth::error::Token;
use biscuit_auth::format::schema::{self, Term, op, term};
use biscuit_auth::{Biscuit, KeyPair};
use jiff::Timestamp;
use prost::Message;
use prost::encoding::{self, WireType, encoded_len_varint};

use super::mint::{MintError, SigningKey};
use crate::types::{DecisionId, Subject};

/// How long what is said of an exchange holds: nobody answers for one that runs longer.
const LIFETIME: Duration = Duration::from_secs(300);

/// The door at which such a token is good: what leaves the pod through this sidecar.
const AUDIENCE: &str = "outbound";

/// Attributes that the token names: those that identity headers tell, too.
const TOLD: [&str; 3] = ["email", "group", "preferred_username"];

/// Where a token's own symbols begin, behind those that every token knows (Biscuit specification, version 2).
const OWN_SYMBOLS: u64 = 1024;

/// The key with which this pod's sidecar speaks to the app.
///
/// Every exchange has a token made for it, so this is a good part of what one costs. `biscuit_auth` makes what all tokens
/// share; what one exchange says is written between that as the format's `schema.proto` lays it out, and is signed by the
/// library that does TLS. Both are held to what `biscuit_auth` itself would give: here when a key is taken, and by a test.
pub struct PodKey {
    pair: Ed25519KeyPair,
    /// The version of a block's Datalog, as a field.
    version: Vec<u8>,
    /// That a token has not ended.
    lives: schema::Check,
    /// The same as a field, for the end that it was last asked for.
    ends: Mutex<(u64, Vec<u8>)>,
    /// What is signed behind a block: the public key with whose other half the app may narrow what it is told. One for all
    /// tokens, which are all the same app's: making a pair costs as much as a signature.
    next: Vec<u8>,
    /// That public key as a field, and its other half.
    next_key: Vec<u8>,
    proof: Vec<u8>,
    known: SymbolTable,
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
        let root = key.pair()?;
        let blank = blank(&root).map_err(MintError::Biscuit)?;
        let token = schema::Biscuit::decode(&*blank).map_err(|_| MintError::Key)?;
        let block = schema::Block::decode(&*token.authority.block).map_err(|_| MintError::Key)?;
        let mut version = Vec::new();
        encoding::uint32::encode(3, &block.version.unwrap_or_default(), &mut version);
        let next = &token.authority.next_key;
        let pair = Ed25519KeyPair::from_seed_and_public_key(
            &root.private().to_bytes(),
            &root.public().to_bytes(),
        );
        let pod = Self {
            pair: pair.map_err(|_| MintError::Key)?,
            version,
            lives: block.checks.into_iter().next().ok_or(MintError::Key)?,
            ends: Mutex::default(),
            next: [&next.algorithm.to_le_bytes(), &*next.key].concat(),
            next_key: field(2, next),
            proof: field(4, &token.proof),
            known: SymbolTable::new(),
            jwks: key.jwks(None),
        };
        // Such signatures have no randomness in them: were anything laid out or signed in another way than here, this would
        // not be the same.
        let is_alike = pod.token(Words::new(&pod.known), 0) == blank;
        is_alike.then_some(pod).ok_or(MintError::Key)
    }

    /// The public key as a JSON Web Key set of one (RFC 7517, RFC 8037).
    #[must_use]
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// A Biscuit that says for whom an exchange acts, in base64.
    ///
    /// # Errors
    /// Fails where the token would end before 1970, or behind the calendar.
    pub fn attest(&self, acting: Acting<'_>) -> Result<String, MintError> {
        let decision = acting.decision.to_string();
        let mut words = Words::new(&self.known);
        words.say("subject", acting.subject.id());
        words.say("preview", acting.preview);
        words.say("decision", &decision);
        words.say("audience", AUDIENCE);
        if let Some(revision) = acting.revision {
            words.say("revision", revision);
        }
        for name in TOLD {
            for value in acting.subject.values(name) {
                words.say(name, value);
            }
        }
        let end = acting.now.checked_add(LIFETIME);
        let end = end.map_err(|_| MintError::Expires)?.as_second();
        let end = u64::try_from(end).map_err(|_| MintError::Expires)?;
        Ok(URL_SAFE.encode(self.token(words, end)))
    }

    /// The token that says `words` until `end`, in seconds since 1970.
    fn token(&self, words: Words<'_>, end: u64) -> Vec<u8> {
        let mut block = Vec::with_capacity(1024);
        for word in &words.own {
            begin(1, word.len(), &mut block);
            block.extend_from_slice(word.as_bytes());
        }
        block.extend_from_slice(&self.version);
        for (name, value) in words.facts {
            fact(name, value, &mut block);
        }
        self.ends_at(end, &mut block);
        let length = block.len();
        // Signed is the first version of the payload, which is that of two Ed25519 keys and no word of a later Datalog.
        block.extend_from_slice(&self.next);
        let signature = self.pair.sign(&block);
        block.truncate(length);
        let signature = signature.as_ref();
        let fields =
            [length, signature.len()].map(|length| 1 + encoded_len_varint(length as u64) + length);
        let signed = fields.iter().sum::<usize>() + self.next_key.len();
        let mut token = Vec::with_capacity(signed + self.proof.len() + 8);
        begin(2, signed, &mut token);
        begin(1, length, &mut token);
        token.extend_from_slice(&block);
        token.extend_from_slice(&self.next_key);
        begin(3, signature.len(), &mut token);
        token.extend_from_slice(signature);
        token.extend_from_slice(&self.proof);
        token
    }

    /// Writes the check that a token has not ended. Tokens of one second share it.
    fn ends_at(&self, end: u64, block: &mut Vec<u8>) {
        let mut last = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != end || last.1.is_empty() {
            let mut lives = self.lives.clone();
            end_at(&mut lives, end);
            *last = (end, field(6, &lives));
        }
        block.extend_from_slice(&last.1);
    }
}

/// A token that says nothing but that it has not ended, which it has.
fn blank(root: &KeyPair) -> Result<Vec<u8>, Token> {
    let mut lives: Check = "check if time($time), $time < {end}".parse()?;
    lives.set("end", date(&UNIX_EPOCH))?;
    let token = Biscuit::builder().check(lives)?;
    let token = token.build_with_key_pair(root, SymbolTable::new(), &KeyPair::new())?;
    token.to_vec()
}

/// Puts `end`, in seconds since 1970, in the place of the moment that a check names.
fn end_at(check: &mut schema::Check, end: u64) {
    let expressions = check
        .queries
        .iter_mut()
        .flat_map(|query| &mut query.expressions);
    for op in expressions.flat_map(|expression| &mut expression.ops) {
        if let Some(op::Content::Value(Term {
            content: Some(term::Content::Date(moment)),
        })) = &mut op.content
        {
            *moment = end;
        }
    }
}

/// The words of one token, each written once and named by its number, and its facts: a name and one value.
struct Words<'a> {
    known: &'a SymbolTable,
    own: Vec<&'a str>,
    facts: Vec<(u64, u64)>,
}

impl<'a> Words<'a> {
    fn new(known: &'a SymbolTable) -> Self {
        Self {
            known,
            own: Vec::with_capacity(16),
            facts: Vec::with_capacity(8),
        }
    }

    fn say(&mut self, name: &'a str, value: &'a str) {
        let fact = (self.number(name), self.number(value));
        self.facts.push(fact);
    }

    fn number(&mut self, word: &'a str) -> u64 {
        if let Some(known) = self.known.get(word) {
            return known;
        }
        let at = self.own.iter().position(|own| *own == word);
        let at = at.unwrap_or_else(|| {
            self.own.push(word);
            self.own.len() - 1
        });
        OWN_SYMBOLS + at as u64
    }
}

/// Writes a fact of one string, field 4 of a block: a `Fact` of a `Predicate` of a name and a `Term`.
fn fact(name: u64, value: u64, block: &mut Vec<u8>) {
    let term = 1 + encoded_len_varint(value);
    let predicate = 1 + encoded_len_varint(name) + 2 + term;
    begin(4, 2 + predicate, block);
    begin(1, predicate, block);
    encoding::uint64::encode(1, &name, block);
    begin(2, term, block);
    encoding::uint64::encode(3, &value, block);
}

/// Begins a field of `length` bytes.
fn begin(tag: u32, length: usize, out: &mut Vec<u8>) {
    encoding::encode_key(tag, WireType::LengthDelimited, out);
    encoding::encode_varint(length as u64, out);
}

/// A message as a field.
fn field(tag: u32, message: &impl Message) -> Vec<u8> {
    let mut out = Vec::new();
    encoding::message::encode(tag, message, &mut out);
    out
}

impl fmt::Debug for PodKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PodKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use biscuit_auth::builder::{BiscuitBuilder, Check, Fact, Term, string};
    use biscuit_auth::datalog::SymbolTable;
    use biscuit_auth::{Algorithm, Biscuit, KeyPair, PrivateKey};
    use jiff::{SignedDuration, Timestamp};
    use proptest::collection::vec;
    use proptest::prelude::*;

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

    /// The same token as `biscuit_auth` builds it, with the same key for what is appended.
    fn built(key: &SigningKey, pod: &PodKey, acting: Acting<'_>) -> String {
        // Field 4, and its field 1, with their lengths, before the 32 bytes of the key.
        let next = &pod.proof[4..];
        let next = KeyPair::from(&PrivateKey::from_bytes(next, Algorithm::Ed25519).unwrap());
        let decision = acting.decision.to_string();
        let mut facts = vec![
            ("subject", acting.subject.id()),
            ("preview", acting.preview),
            ("decision", &decision),
            ("audience", "outbound"),
        ];
        facts.extend(acting.revision.map(|revision| ("revision", revision)));
        for name in ["email", "group", "preferred_username"] {
            let values = acting.subject.values(name).iter();
            facts.extend(values.map(|value| (name, &**value)));
        }
        let mut builder = BiscuitBuilder::new();
        for (name, value) in facts {
            let fact = Fact::new(name.to_owned(), vec![string(value)]);
            builder = builder.fact(fact).unwrap();
        }
        let end = acting.now.as_second() + 300;
        let mut lives: Check = "check if time($time), $time < {end}".parse().unwrap();
        lives
            .set("end", Term::Date(end.try_into().unwrap()))
            .unwrap();
        let token = builder.check(lives).unwrap();
        let pair = key.pair().unwrap();
        let token = token.build_with_key_pair(&pair, SymbolTable::new(), &next);
        token.unwrap().to_base64().unwrap()
    }

    proptest! {
        #[test]
        fn says_it_as_biscuit_auth_would(
            id in word(),
            preview in word(),
            revision in proptest::option::of(word()),
            attributes in vec((name(), word()), 0..8),
            second in 0_i64..10_000_000_000,
        ) {
            let key = SigningKey::generate().unwrap();
            let pod = PodKey::of(&key).unwrap();
            let subject = Subject::new(&id, attributes).unwrap();
            let acting = Acting {
                subject: &subject,
                preview: &preview,
                revision: revision.as_deref(),
                decision: DecisionId::random().unwrap(),
                now: Timestamp::from_second(second).unwrap(),
            };
            prop_assert_eq!(pod.attest(acting).unwrap(), built(&key, &pod, acting));
        }
    }

    /// Words that every Biscuit knows are among them, names of facts, and some that stand twice in a token.
    fn word() -> impl Strategy<Value = String> {
        prop_oneof![
            "(admin|user|email|time|query|read|subject|decision|outbound|alice|check)",
            "[a-c]{1,2}",
            "[^\\p{C}]{1,40}",
        ]
    }

    fn name() -> impl Strategy<Value = String> {
        "(email|group|preferred_username|card)"
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
