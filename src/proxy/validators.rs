//! Validators of filtered answers: an app's entity tag says nothing about what the filter made of the entity,
//! and would carry whatever the app writes into it.
//!
//! A client gets a sealed tag instead, and the app gets its own back. The seal is bound to whatever else decides about the
//! answer, so that a tag from elsewhere (another user, another policy, the app itself) matches nothing. Sealing is
//! deterministic, as comparison needs it: a synthetic initialisation vector (after RFC 5297, with BLAKE3 in its keyed
//! mode as the pseudorandom function) that is the key stream's nonce and proves the tag.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;

use crate::policy::Permit;
use crate::policy::treatment::Class;
use crate::types::{FingerprintKey, ReasonCode, Refusal, Secret};

/// The longest tag of an app's that is passed on, in bytes between the quotes: a SHA-512 in hexadecimal fits. Shorter
/// ones are filled up, so that a length says nothing either.
const LONGEST: usize = 128;

/// Bytes of what proves a tag.
const PROOF: usize = blake3::OUT_LEN;

/// A tag before it is sealed: whether it is weak, its length, its text.
const PLAIN: usize = LONGEST + 2;

/// The validators of one exchange.
pub(super) struct Validators {
    seal: Option<Seal>,
    if_match: Option<HeaderValue>,
    if_none_match: Option<HeaderValue>,
}

impl Validators {
    /// Takes the conditions out of a request's head and reads the tags in them; `setting` names the preview and the policy's
    /// text. On routes whose answers nothing changes they stay as they are.
    pub(super) fn take(
        headers: &mut HeaderMap,
        key: &FingerprintKey,
        setting: &[&str],
        permit: &Permit,
        now: Timestamp,
    ) -> Self {
        if permit.is_verbatim() {
            return Self {
                seal: None,
                if_match: None,
                if_none_match: None,
            };
        }
        let seal = Seal::of(key, setting, permit, now);
        let if_match = condition(headers, &IF_MATCH, &seal, |text| {
            // Without a tag that may match, the condition must fail, not be gone.
            vec![seal.unknown(text)]
        });
        let if_none_match = condition(headers, &IF_NONE_MATCH, &seal, |_| Vec::new());
        headers.remove(IF_MATCH);
        headers.remove(IF_NONE_MATCH);
        Self {
            seal: Some(seal),
            if_match,
            if_none_match,
        }
    }

    /// Puts the conditions into the request's head as the app knows them.
    pub(super) fn put(&self, headers: &mut HeaderMap) {
        let conditions = [
            (IF_MATCH, &self.if_match),
            (IF_NONE_MATCH, &self.if_none_match),
        ];
        for (name, value) in conditions {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
    }

    /// Seals the tag of the app's answer, which the filter must not see in its place.
    ///
    /// # Errors
    /// Refuses an answer that says that something is unchanged which the app was not asked to compare.
    pub(super) fn seal(
        &self,
        status: StatusCode,
        headers: &mut HeaderMap,
    ) -> Result<Option<HeaderValue>, Refusal> {
        let Some(seal) = &self.seal else {
            return Ok(None);
        };
        if status == StatusCode::NOT_MODIFIED && self.if_none_match.is_none() {
            return Err(Refusal::new(ReasonCode::AppProtocol)
                .because("it says that something is unchanged, without having been told what"));
        }
        let mut tags = headers.get_all(ETAG).iter();
        let tag = match (tags.next(), tags.next()) {
            (Some(value), None) => Tag::parse(value.as_bytes()),
            _ => None,
        };
        let sealed = tag.and_then(|tag| seal.close(tag));
        headers.remove(ETAG);
        Ok(sealed)
    }
}

/// The condition in the fields `name`: its tags as the app knows them, or what `otherwise` makes of their text if none is left.
fn condition(
    headers: &HeaderMap,
    name: &HeaderName,
    seal: &Seal,
    otherwise: impl Fn(&[u8]) -> Vec<Vec<u8>>,
) -> Option<HeaderValue> {
    let texts: Vec<&[u8]> = headers
        .get_all(name)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if texts.is_empty() {
        return None;
    }
    let text = texts.join(&b","[..]);
    let tags = match text.trim_ascii() {
        b"*" => vec![b"*".to_vec()],
        list => {
            // A list that is none may mean anything: it matches nothing.
            let tags = tags(list).unwrap_or_default();
            tags.into_iter().filter_map(|tag| seal.open(tag)).collect()
        }
    };
    let tags = if tags.is_empty() {
        otherwise(&text)
    } else {
        tags
    };
    let value = HeaderValue::from_bytes(&tags.join(&b", "[..])).ok()?;
    (!value.is_empty()).then_some(value)
}

/// An entity tag (RFC 9110 section 8.8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tag<'a> {
    is_weak: bool,
    /// What stands between the quotes.
    opaque: &'a [u8],
}

impl<'a> Tag<'a> {
    /// Reads a field that is one tag.
    fn parse(text: &'a [u8]) -> Option<Self> {
        let (tag, rest) = Self::begin(text.trim_ascii())?;
        rest.is_empty().then_some(tag)
    }

    /// Reads the tag that `text` begins with, and gives the rest.
    fn begin(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (is_weak, quoted) = match text.strip_prefix(b"W/") {
            Some(quoted) => (true, quoted),
            None => (false, text),
        };
        let inside = quoted.strip_prefix(b"\"")?;
        let end = inside.iter().position(|byte| *byte == b'"')?;
        let (opaque, rest) = inside.split_at_checked(end)?;
        let is_plain = |byte: &u8| *byte == 0x21 || (0x23..=0x7e).contains(byte) || *byte >= 0x80;
        let tag = Self { is_weak, opaque };
        (opaque.iter().all(is_plain)).then_some((tag, rest.strip_prefix(b"\"")?))
    }

    fn write(self) -> Vec<u8> {
        let weak = if self.is_weak { &b"W/"[..] } else { b"" };
        [weak, b"\"", self.opaque, b"\""].concat()
    }
}

/// Reads a list of tags (RFC 9110 section 5.6.1); none where anything else stands in it.
fn tags(list: &[u8]) -> Option<Vec<Tag<'_>>> {
    let mut tags = Vec::new();
    let mut rest = list.trim_ascii();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(b",") {
            rest = after.trim_ascii_start();
            continue;
        }
        let (tag, after) = Tag::begin(rest)?;
        rest = after.trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(b",") {
            return None;
        }
        tags.push(tag);
    }
    Some(tags)
}

/// Seals and opens tags for one subject under one policy.
struct Seal {
    proof: Secret<[u8; 32]>,
    stream: Secret<[u8; 32]>,
}

impl Seal {
    /// The seal of everything that decides, beside the entity, about what of it leaves: the policy's text, the subject
    /// with its attributes, and which exceptions and embargoes have ended by `now`. Not the route: what was read on one is
    /// written on another.
    fn of(key: &FingerprintKey, setting: &[&str], permit: &Permit, now: Timestamp) -> Self {
        let subject = permit.subject();
        let detect = &permit.treatment().detect;
        let mut parts: Vec<&[u8]> = setting.iter().map(|text| text.as_bytes()).collect();
        parts.push(subject.id().as_bytes());
        for (name, values) in subject.attributes() {
            parts.push(name.as_bytes());
            parts.extend(values.iter().map(|value| value.as_bytes()));
            // No value is empty: this is where they end.
            parts.push(b"");
        }
        let is_past = |moment: Option<Timestamp>| moment.is_some_and(|moment| moment <= now);
        let ended: Vec<u8> = detect
            .rules
            .iter()
            .flat_map(|rule| {
                let opens = match rule.class {
                    Class::Embargo { opens } => opens,
                    _ => None,
                };
                let ends = rule.except.iter().map(|except| except.until);
                std::iter::once(opens).chain(ends)
            })
            .map(|moment| u8::from(is_past(moment)))
            .collect();
        parts.push(&ended);
        let grants = detect.rules.iter().filter_map(|rule| rule.grant.as_ref());
        let spared: Vec<u8> = grants
            .map(|grant| u8::from(grant.covers(subject, permit.level())))
            .collect();
        parts.push(&spared);
        Self {
            proof: key.derive("entity tags, proof", &parts),
            stream: key.derive("entity tags, stream", &parts),
        }
    }

    /// The tag that the client gets; none where the app's is too long.
    fn close(&self, tag: Tag<'_>) -> Option<HeaderValue> {
        let mut plain = [0; PLAIN];
        let (head, text) = plain.split_at_mut_checked(2)?;
        head.copy_from_slice(&[u8::from(tag.is_weak), u8::try_from(tag.opaque.len()).ok()?]);
        text.get_mut(..tag.opaque.len())?
            .copy_from_slice(tag.opaque);
        let proof = self.prove(&plain);
        self.cover(proof.as_bytes(), &mut plain);
        let sealed = URL_SAFE_NO_PAD.encode([&proof.as_bytes()[..], &plain].concat());
        let sealed = Tag {
            is_weak: tag.is_weak,
            opaque: sealed.as_bytes(),
        };
        HeaderValue::from_bytes(&sealed.write()).ok()
    }

    /// The app's tag behind the client's; none where it is no tag of this seal. Weak it is where either says so: what
    /// stands between may weaken a tag.
    fn open(&self, tag: Tag<'_>) -> Option<Vec<u8>> {
        let sealed = URL_SAFE_NO_PAD.decode(tag.opaque).ok()?;
        let (proof, covered) = sealed.split_first_chunk::<PROOF>()?;
        let mut plain: [u8; PLAIN] = covered.try_into().ok()?;
        self.cover(proof, &mut plain);
        // Hashes compare in constant time: how much of a guess was right does not show.
        if self.prove(&plain) != *proof {
            return None;
        }
        let ([weak, length], text) = plain.split_first_chunk::<2>()?;
        let opened = Tag {
            is_weak: *weak == 1 || tag.is_weak,
            opaque: text.get(..usize::from(*length))?,
        };
        Some(opened.write())
    }

    /// A tag that no app has: that of a condition which must not hold.
    fn unknown(&self, text: &[u8]) -> Vec<u8> {
        let name = blake3::keyed_hash(self.proof.expose(), text);
        let text = name.to_hex();
        Tag {
            is_weak: false,
            opaque: text.as_bytes(),
        }
        .write()
    }

    fn prove(&self, plain: &[u8; PLAIN]) -> blake3::Hash {
        blake3::keyed_hash(self.proof.expose(), plain)
    }

    /// Covers or uncovers `bytes`.
    fn cover(&self, proof: &[u8; PROOF], bytes: &mut [u8; PLAIN]) {
        let mut stream = [0; PLAIN];
        let mut hasher = blake3::Hasher::new_keyed(self.stream.expose());
        hasher.update(proof).finalize_xof().fill(&mut stream);
        for (byte, cover) in bytes.iter_mut().zip(stream) {
            *byte ^= cover;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::HeaderMap;
    use http::header::{IF_MATCH, IF_NONE_MATCH};
    use proptest::prelude::*;

    use super::{LONGEST, Seal, Tag, condition, tags};
    use crate::filter::fixture::Fixture;
    use crate::policy::Permit;
    use crate::policy::treatment::{Action, Class, Grant};
    use crate::types::{FingerprintKey, Level, Secret, Subject};

    fn seal(name: &str) -> Seal {
        let key = FingerprintKey::from_material(b"test");
        let derive = |purpose| -> Secret<[u8; 32]> { key.derive(purpose, &[name.as_bytes()]) };
        Seal {
            proof: derive("a"),
            stream: derive("b"),
        }
    }

    fn sealed(seal: &Seal, text: &[u8]) -> Option<Vec<u8>> {
        let value = seal.close(Tag::parse(text).unwrap())?;
        Some(value.as_bytes().to_vec())
    }

    fn opened(seal: &Seal, text: &[u8]) -> Option<Vec<u8>> {
        seal.open(Tag::parse(text)?)
    }

    #[test]
    fn reads_tags_as_the_rfc_writes_them() {
        for (text, is_weak) in [
            (&b"\"a\""[..], false),
            (b"W/\"\"", true),
            (b" \"\xff!\" ", false),
        ] {
            assert_eq!(Tag::parse(text).unwrap().is_weak, is_weak, "{text:?}");
        }
        for text in [
            "",
            "a",
            "\"a",
            "w/\"a\"",
            "\"a b\"",
            "\"a\"b",
            "W/ \"a\"",
            "\"a\", \"b\"",
        ] {
            assert_eq!(Tag::parse(text.as_bytes()), None, "{text}");
        }
        for (list, count) in [
            ("\"a\"", Some(1)),
            ("\"a,b\" ,, W/\"c\",", Some(2)),
            ("", Some(0)),
            ("\"a\" \"b\"", None),
            ("\"a\", b", None),
            ("*, \"a\"", None),
        ] {
            assert_eq!(
                tags(list.as_bytes()).map(|tags| tags.len()),
                count,
                "{list}"
            );
        }
    }

    #[test]
    fn keeps_what_is_weak_weak() {
        let seal = seal("alice");
        let weak = sealed(&seal, b"W/\"1\"").unwrap();
        assert_eq!(opened(&seal, &weak).unwrap(), b"W/\"1\"");
        let stripped = weak.strip_prefix(b"W/").unwrap();
        assert_eq!(opened(&seal, stripped).unwrap(), b"W/\"1\"");
        let strong = sealed(&seal, b"\"1\"").unwrap();
        let weakened = [b"W/", &strong[..]].concat();
        assert_eq!(opened(&seal, &weakened).unwrap(), b"W/\"1\"");
    }

    #[test]
    fn binds_tags_to_all_that_decides() {
        let permit = |until: &str, subject: Subject| {
            let opens = Some("2026-11-23T18:00:00Z".parse().unwrap());
            let embargo = Class::Embargo { opens };
            let plan = Fixture::new()
                .detector("email", Action::Redact)
                .except("a@shop.example", Some(until))
                .terms("falcon", embargo, "Falcon IX", Action::Block)
                .plan();
            Permit::for_test(Arc::new(subject), plan.treatment.clone())
        };
        let subject = |email: &str| {
            let attributes = [("email".to_owned(), email.to_owned())];
            Subject::new("ann", attributes).unwrap()
        };
        let key = FingerprintKey::from_material(b"test");
        let tag = |setting: &[&str], permit: &Permit, now: &str| {
            let seal = Seal::of(&key, setting, permit, now.parse().unwrap());
            sealed(&seal, b"\"1\"").unwrap()
        };
        let own = permit("2026-11-23T15:00:00Z", subject("ann@shop.example"));
        let (noon, later) = ("2026-11-23T12:00:00Z", "2026-11-23T14:00:00Z");
        let first = tag(&["pr-1", "policy"], &own, noon);
        assert_eq!(tag(&["pr-1", "policy"], &own, later), first);
        let other = permit("2026-11-23T15:00:00Z", subject("a@shop.example"));
        let others = [
            tag(&["pr-2", "policy"], &own, noon),
            tag(&["pr-1", "policy2"], &own, noon),
            tag(&["pr-1p", "olicy"], &own, noon),
            tag(&["pr-1", "policy"], &other, noon),
            tag(&["pr-1", "policy"], &own, "2026-11-23T16:00:00Z"),
            tag(&["pr-1", "policy"], &own, "2026-11-23T19:00:00Z"),
        ];
        let all: std::collections::BTreeSet<_> = others.iter().chain([&first]).collect();
        assert_eq!(all.len(), 7);
    }

    /// What an embargo spares cleared code, a browser must not go on showing when it is no longer cleared, nor miss
    /// when it has become so.
    #[test]
    fn binds_tags_to_what_an_embargo_spares() {
        let permit = |level: Level, group: &str| {
            let embargo = Class::Embargo { opens: None };
            let grant = Grant {
                level: Level::Cleared,
                group: "launch".into(),
            };
            let fixture = Fixture::new()
                .terms("falcon", embargo, "Falcon IX", Action::Block)
                .spares(grant);
            let attributes = [("group".to_owned(), group.to_owned())];
            let subject = Subject::new("ann", attributes).unwrap();
            let plan = fixture.plan();
            Permit::for_test(Arc::new(subject), plan.treatment.clone()).at(level)
        };
        let key = FingerprintKey::from_material(b"test");
        let tag = |permit: &Permit| {
            let now = "2026-11-23T12:00:00Z".parse().unwrap();
            sealed(&Seal::of(&key, &["pr-1"], permit, now), b"\"1\"").unwrap()
        };
        let (cleared, tested) = (Level::Cleared, Level::OkToTest);
        assert_ne!(
            tag(&permit(cleared, "launch")),
            tag(&permit(tested, "launch"))
        );
        // Nothing is spared either way: the answer is the same.
        assert_eq!(
            tag(&permit(cleared, "press")),
            tag(&permit(tested, "press"))
        );
    }

    #[test]
    fn passes_no_tag_that_is_too_long() {
        let text = |length| format!("\"{}\"", "a".repeat(length)).into_bytes();
        assert!(sealed(&seal("alice"), &text(LONGEST)).is_some());
        assert_eq!(sealed(&seal("alice"), &text(LONGEST + 1)), None);
        assert_eq!(sealed(&seal("alice"), &text(300)), None);
    }

    #[test]
    fn lets_no_foreign_tag_match() {
        let (alice, bob) = (seal("alice"), seal("bob"));
        let own = sealed(&alice, b"\"1\"").unwrap();
        let others = sealed(&bob, b"\"1\"").unwrap();
        let ask = |name: &http::HeaderName, values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(name, http::HeaderValue::from_bytes(value).unwrap());
            }
            let value = condition(&headers, name, &alice, |text| {
                if *name == IF_MATCH {
                    vec![alice.unknown(text)]
                } else {
                    Vec::new()
                }
            });
            value.map(|value| value.as_bytes().to_vec())
        };
        let is_unknown = |value: &[u8]| value.len() == 66 && opened(&alice, value).is_none();
        for foreign in [&others[..], b"\"1\"", b"W/\"1\"", b"1", b"", b"*, \"1\""] {
            assert!(
                is_unknown(&ask(&IF_MATCH, &[foreign]).unwrap()),
                "{foreign:?}"
            );
            assert_eq!(ask(&IF_NONE_MATCH, &[foreign]), None, "{foreign:?}");
        }
        for name in [IF_MATCH, IF_NONE_MATCH] {
            assert_eq!(ask(&name, &[]), None);
            assert_eq!(ask(&name, &[b" * "]).unwrap(), b"*");
            assert_eq!(ask(&name, &[&others, &own]).unwrap(), b"\"1\"");
            let twice = [&own[..], b", ", &others, b",", &own].concat();
            assert_eq!(ask(&name, &[&twice]).unwrap(), b"\"1\", \"1\"");
        }
    }

    proptest! {
        #[test]
        fn opens_what_it_sealed_and_nothing_else(
            text in "(W/)?\"[!#-~]{0,128}\"",
            at in any::<prop::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let seal = seal("alice");
            let client = sealed(&seal, text.as_bytes()).unwrap();
            prop_assert_eq!(client.len(), 218 + if text.starts_with('W') { 2 } else { 0 });
            prop_assert_eq!(opened(&seal, &client).unwrap(), text.as_bytes());
            prop_assert_eq!(sealed(&seal, text.as_bytes()).unwrap(), &client[..]);
            let mut forged = client.clone();
            let from = if text.starts_with('W') { 3 } else { 1 };
            let at = from + at.index(216);
            forged[at] ^= 1 << bit;
            prop_assert_eq!(opened(&seal, &forged), None);
            prop_assert_eq!(opened(&super::tests::seal("bob"), &client), None);
        }
    }
}
