//! What a binding and its approvals are worth: each forgery beside the honest one that it imitates.

use std::collections::BTreeSet;
use std::sync::Arc;

use biscuit_auth::builder::{BiscuitBuilder, BlockBuilder};
use biscuit_auth::{Biscuit, PrivateKey, UnverifiedBiscuit};
use jiff::{SignedDuration, Timestamp};

use super::{
    Approve, ApproveError, Audience, Binding, Draft, Review, ReviewError, Reviewer, Running,
};
use crate::capability::mint::{Grant, JwtStamp, SigningKey};
use crate::capability::{
    BiscuitSettings, JwtAlgorithm, JwtSettings, KeySet, Limits, Settings, Verified, Verifier,
};
use crate::types::{Level, ReasonCode, Secret};

type Change = fn(&mut Running);

const DAY: SignedDuration = SignedDuration::from_hours(24);
const IMAGE: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const OTHER: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn key() -> SigningKey {
    SigningKey::generate().unwrap()
}

fn draft() -> Draft {
    Draft {
        preview: "pr-1".to_owned(),
        hosts: vec!["pr-1.preview.example".to_owned()],
        revision: "aaa".to_owned(),
        images: vec![IMAGE.to_owned()],
        originator: "alice".to_owned(),
        audience: vec![Audience::Originator],
        expires: now() + DAY,
    }
}

fn running() -> Running {
    Running {
        preview: Arc::from("pr-1"),
        revision: Arc::from("aaa"),
        images: BTreeSet::from([IMAGE.into()]),
    }
}

fn approve() -> Approve {
    Approve {
        revision: "aaa".to_owned(),
        level: Level::OkToTest,
        expires: now() + DAY,
    }
}

/// A deployer, two reviewers, the originator (a reviewer, too) and a stranger.
struct Cast {
    deployer: SigningKey,
    carol: SigningKey,
    dave: SigningKey,
    alice: SigningKey,
    stranger: SigningKey,
    binding: Secret<String>,
}

impl Cast {
    fn new() -> Self {
        let deployer = key();
        let binding = draft().sign(&deployer).unwrap();
        Self {
            deployer,
            carol: key(),
            dave: key(),
            alice: key(),
            stranger: key(),
            binding,
        }
    }

    fn reviewers(&self) -> Vec<Reviewer> {
        [
            (&self.carol, "carol"),
            (&self.dave, "dave"),
            (&self.alice, "alice"),
        ]
        .map(|(key, user)| Reviewer::parse(&format!("{} {user}", key.public())).unwrap())
        .into()
    }

    fn review(&self, approvals: usize) -> Review {
        Review::new(Level::OkToTest, self.reviewers(), approvals).unwrap()
    }

    fn prove(&self, binding: &Secret<String>) -> Result<Binding, &'static str> {
        Binding::prove(binding.expose(), &[self.deployer.public()]).map_err(|error| error.0)
    }

    fn level(&self, binding: &Secret<String>, approvals: usize) -> Level {
        let binding = self.prove(binding).unwrap();
        self.review(approvals).level(&binding, now())
    }

    fn signed(&self, key: &SigningKey, approve: &Approve) -> Secret<String> {
        approve.sign_blindly(self.binding.expose(), key).unwrap()
    }
}

fn private(key: &SigningKey) -> PrivateKey {
    PrivateKey::from_pem(key.pem().expose()).unwrap()
}

/// A binding with a first block of one's own making.
fn forged(key: &SigningKey, code: &str) -> Secret<String> {
    let builder = BiscuitBuilder::new().code(code).unwrap();
    let token = builder.build(&key.pair().unwrap()).unwrap();
    Secret::new(token.to_base64().unwrap())
}

fn append(token: &Secret<String>, code: &str) -> Secret<String> {
    let token = UnverifiedBiscuit::from_base64(token.expose()).unwrap();
    let block = BlockBuilder::new().code(code).unwrap();
    Secret::new(token.append(block).unwrap().to_base64().unwrap())
}

/// A third party's block of one's own making.
fn vouch(token: &Secret<String>, key: &SigningKey, code: &str) -> Secret<String> {
    let token = UnverifiedBiscuit::from_base64(token.expose()).unwrap();
    let block = BlockBuilder::new().code(code).unwrap();
    let request = token.third_party_request().unwrap();
    let block = request.create_block(&private(key), block).unwrap();
    let token = token
        .append_third_party(&block.serialize().unwrap())
        .unwrap();
    Secret::new(token.to_base64().unwrap())
}

const WHOLE: &str = "chaperone_binding(1); preview(\"pr-1\"); host(\"h\"); revision(\"aaa\"); \
                     originator(\"alice\"); audience(\"originator\"); \
                     check if time($t), $t < 2027-02-01T00:00:00Z;";

#[test]
fn reads_back_what_was_signed() {
    let cast = Cast::new();
    let binding = cast.prove(&cast.binding).unwrap();
    assert_eq!(binding.preview(), "pr-1");
    assert_eq!(binding.revision(), "aaa");
    assert_eq!(binding.originator(), "alice");
    assert_eq!(binding.audience(), [Audience::Originator]);
    assert_eq!(binding.expires(), now() + DAY);
    assert_eq!(binding.fits(&running(), now()), Ok(()));
    assert!(binding.approvals().is_empty());
    assert_eq!(Binding::inspect(cast.binding.expose()).unwrap(), binding);
}

#[test]
fn refuses_what_is_no_binding() {
    let cast = Cast::new();
    let prove = |token: &Secret<String>| cast.prove(token).map(|_| ());
    assert_eq!(prove(&forged(&cast.deployer, WHOLE)), Ok(()));
    let without = |fact: &str| {
        assert!(WHOLE.contains(fact), "{fact}");
        WHOLE.replace(fact, "")
    };
    let with = |more: &str| format!("{WHOLE} {more}");
    for code in [
        without("chaperone_binding(1);"),
        WHOLE.replace("binding(1)", "binding(2)"),
        WHOLE.replace("binding(1)", "binding(\"1\")"),
        without("preview(\"pr-1\");"),
        without("host(\"h\");"),
        without("revision(\"aaa\");"),
        without("originator(\"alice\");"),
        without("audience(\"originator\");"),
        without("check if time($t), $t < 2027-02-01T00:00:00Z;"),
        WHOLE.replace("\"pr-1\"", "\"\""),
        WHOLE.replace("\"pr-1\"", "7"),
        WHOLE.replace("\"originator\"", "\"everybody\""),
        WHOLE.replace("\"originator\"", "\"user:\""),
        WHOLE.replace("\"h\"", "\"a@h\""),
        with("preview(\"pr-2\");"),
        with("revision(\"bbb\");"),
        with("originator(\"eve\");"),
        with("image(\"latest\");"),
        with("user(\"alice\");"),
        with("ok_to_test(\"aaa\");"),
        with("host(\"a\", \"b\");"),
        with("check if true;"),
        with("check if preview(\"pr-1\");"),
        with("check if time($t), $t < 2027-02-01T00:00:00Z or true;"),
        with("check if time($t), $t < 2027-02-01T00:00:00Z, $t > 2026-01-01T00:00:00Z;"),
        with("reject if time($t), $t < 2027-02-01T00:00:00Z;"),
        with("audience($x) <- preview($x);"),
    ] {
        prove(&forged(&cast.deployer, &code)).expect_err(&code);
    }
    for text in ["", "x", "AAAA", "a.b.c", "%%%"] {
        prove(&Secret::new(text.to_owned())).expect_err(text);
    }
    prove(&Secret::new("A".repeat(64 * 1024))).unwrap_err();
}

#[test]
fn refuses_a_binding_of_another_key_and_a_tampered_one() {
    let cast = Cast::new();
    for (token, holds) in [
        (cast.binding.clone(), true),
        (draft().sign(&cast.stranger).unwrap(), false),
        (draft().sign(&cast.carol).unwrap(), false),
        (Grant::new("alice").biscuit(&cast.deployer).unwrap(), false),
    ] {
        assert_eq!(cast.prove(&token).is_ok(), holds);
    }
    let text = cast.binding.expose();
    for at in [20, text.len() / 2, text.len() - 40] {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        cast.prove(&Secret::new(String::from_utf8(bytes).unwrap()))
            .unwrap_err();
    }
}

#[test]
fn refuses_a_binding_as_a_capability() {
    let cast = Cast::new();
    let settings = Settings {
        biscuit: Some(BiscuitSettings::new(vec![cast.deployer.public()]).unwrap()),
        jwt: Vec::new(),
    };
    let verifier = Verifier::new(settings, Limits::default()).unwrap();
    let honest = Grant::new("alice").biscuit(&cast.deployer).unwrap();
    verifier.verify(&honest, now()).unwrap();
    let refusal = verifier.verify(&cast.binding, now()).unwrap_err();
    assert_eq!(refusal.code, ReasonCode::CapabilityInvalid);
}

#[test]
fn refuses_to_fit_what_does_not_run() {
    let cast = Cast::new();
    let fits = |draft: &Draft, change: fn(&mut Running), at: Timestamp| {
        let mut running = running();
        change(&mut running);
        let binding = cast.prove(&draft.sign(&cast.deployer).unwrap()).unwrap();
        binding.fits(&running, at).map_err(|refusal| refusal.code)
    };
    let bare = Draft {
        images: Vec::new(),
        ..draft()
    };
    let two = Draft {
        images: vec![IMAGE.to_owned(), OTHER.to_owned()],
        ..draft()
    };
    let mismatch = Err(ReasonCode::RevisionMismatch);
    let invalid = Err(ReasonCode::BindingInvalid);
    let last = now() + DAY - SignedDuration::from_secs(1);
    let cases: [(&Draft, Change, Timestamp, _); 14] = [
        (&draft(), |_| (), now(), Ok(())),
        (&draft(), |_| (), last, Ok(())),
        (&draft(), |_| (), now() + DAY, invalid),
        (
            &draft(),
            |it| it.preview = Arc::from("pr-2"),
            now(),
            invalid,
        ),
        (
            &draft(),
            |it| it.preview = Arc::from("PR-1"),
            now(),
            invalid,
        ),
        (
            &draft(),
            |it| it.revision = Arc::from("bbb"),
            now(),
            mismatch,
        ),
        (
            &draft(),
            |it| it.revision = Arc::from("aa"),
            now(),
            mismatch,
        ),
        (&draft(), |it| it.images = BTreeSet::new(), now(), mismatch),
        (
            &draft(),
            |it| it.images = BTreeSet::from([OTHER.into()]),
            now(),
            mismatch,
        ),
        (
            &draft(),
            |it| _ = it.images.insert(OTHER.into()),
            now(),
            mismatch,
        ),
        (&bare, |it| it.images = BTreeSet::new(), now(), Ok(())),
        (&bare, |_| (), now(), mismatch),
        (&two, |it| _ = it.images.insert(OTHER.into()), now(), Ok(())),
        (&two, |_| (), now(), mismatch),
    ];
    for (number, (draft, change, at, expected)) in cases.into_iter().enumerate() {
        assert_eq!(fits(draft, change, at), expected, "case {number}");
    }
}

#[test]
fn refuses_other_hosts() {
    let cast = Cast::new();
    let hosts = ["pr-1.preview.example", "127.0.0.1:8080", "[::1]:8080"];
    let draft = Draft {
        hosts: hosts.map(str::to_owned).to_vec(),
        ..draft()
    };
    let binding = cast.prove(&draft.sign(&cast.deployer).unwrap()).unwrap();
    for (host, is_served) in [
        ("pr-1.preview.example", true),
        ("PR-1.Preview.Example", true),
        ("pr-1.preview.example:8443", true),
        ("127.0.0.1:8080", true),
        ("[::1]:8080", true),
        ("127.0.0.1", false),
        ("127.0.0.1:8081", false),
        ("[::1]", false),
        ("pr-2.preview.example", false),
        ("preview.example", false),
        ("x.pr-1.preview.example", false),
        ("pr-1.preview.example.", false),
        ("pr-1.preview.example.evil.example", false),
        ("alice@pr-1.preview.example", false),
        ("pr-1.preview.example/", false),
        ("", false),
    ] {
        assert_eq!(binding.serves(host), is_served, "{host}");
    }
}

fn capability(cast: &Cast, grant: &Grant) -> Verified {
    let settings = Settings {
        biscuit: Some(BiscuitSettings::new(vec![cast.deployer.public()]).unwrap()),
        jwt: Vec::new(),
    };
    let verifier = Verifier::new(settings, Limits::default()).unwrap();
    let token = grant.biscuit(&cast.deployer).unwrap();
    verifier.verify(&token, now()).unwrap()
}

fn web_token(cast: &Cast, grant: Grant) -> Verified {
    let keys = KeySet::parse(&cast.deployer.jwks(None)).unwrap();
    let jwt = JwtSettings::new("id", "shop", vec![JwtAlgorithm::EdDSA], keys).unwrap();
    let settings = Settings {
        biscuit: None,
        jwt: vec![jwt],
    };
    let verifier = Verifier::new(settings, Limits::default()).unwrap();
    let stamp = JwtStamp {
        issuer: "id",
        audience: "shop",
        key_id: None,
        issued: now(),
    };
    let token = grant
        .until(now() + DAY)
        .jwt(&cast.deployer, &stamp)
        .unwrap();
    verifier.verify(&token, now()).unwrap()
}

#[test]
fn refuses_whoever_is_not_in_the_audience() {
    let cast = Cast::new();
    let for_preview = |user: &str, group: &str, preview: Option<&str>| Grant {
        preview: preview.map(str::to_owned),
        ..Grant::new(user).with("group", group)
    };
    let outside = Err(ReasonCode::NotInAudience);
    let forbidden = Err(ReasonCode::CapabilityForbids);
    let here = Some("pr-1");
    for (audience, user, group, preview, expected) in [
        ("originator", "alice", "staff", here, Ok(())),
        ("originator", "bob", "staff", here, outside),
        ("originator", "Alice", "staff", here, outside),
        ("originator", "alice", "staff", Some("pr-2"), forbidden),
        ("originator", "alice", "staff", None, forbidden),
        ("user:bob", "bob", "staff", here, Ok(())),
        ("user:bob", "alice", "staff", here, outside),
        ("user:bob", "bobby", "staff", here, outside),
        ("group:staff", "eve", "staff", here, Ok(())),
        ("group:staff", "eve", "staff2", here, outside),
        ("group:staff", "staff", "buyers", here, outside),
        ("group:staff", "eve", "staff", Some("pr-2"), forbidden),
        ("opt-in", "eve", "buyers", here, Ok(())),
        ("opt-in", "eve", "buyers", Some("pr-2"), forbidden),
        ("opt-in", "eve", "buyers", None, forbidden),
    ] {
        let draft = Draft {
            audience: vec![audience.parse().unwrap()],
            ..draft()
        };
        let binding = cast.prove(&draft.sign(&cast.deployer).unwrap()).unwrap();
        let verified = capability(&cast, &for_preview(user, group, preview));
        let admitted = binding.admit(&verified).map_err(|refusal| refusal.code);
        assert_eq!(admitted, expected, "{audience} {user} {group} {preview:?}");
    }
    // A JSON Web Token says who, for any preview: having one is no wish to use this one.
    for (audience, expected) in [
        ("originator", Ok(())),
        ("user:bob", outside),
        ("opt-in", outside),
    ] {
        let draft = Draft {
            audience: vec![audience.parse().unwrap()],
            ..draft()
        };
        let binding = cast.prove(&draft.sign(&cast.deployer).unwrap()).unwrap();
        let verified = web_token(&cast, Grant::new("alice"));
        let admitted = binding.admit(&verified).map_err(|refusal| refusal.code);
        assert_eq!(admitted, expected, "{audience}");
    }
}

#[test]
fn counts_honest_approvals() {
    let cast = Cast::new();
    assert_eq!(cast.level(&cast.binding, 1), Level::Unreviewed);
    let once = cast.signed(&cast.carol, &approve());
    assert_eq!(cast.level(&once, 1), Level::OkToTest);
    assert_eq!(cast.level(&once, 2), Level::Unreviewed);
    let twice = approve().sign(&once, &cast.dave, now()).unwrap();
    assert_eq!(cast.level(&twice, 2), Level::OkToTest);
    let clear = Approve {
        level: Level::Cleared,
        ..approve()
    };
    let cleared = clear.sign(&once, &cast.dave, now()).unwrap();
    assert_eq!(cast.level(&cleared, 1), Level::Cleared);
    // Who clears a revision thinks it fit to be tested, too.
    assert_eq!(cast.level(&cleared, 2), Level::OkToTest);
}

#[test]
fn refuses_to_count_other_approvals() {
    let cast = Cast::new();
    let honest = approve();
    let other_revision = Approve {
        revision: "bbb".to_owned(),
        ..approve()
    };
    let over = Approve {
        expires: now(),
        ..approve()
    };
    let endless = Approve {
        expires: now() + SignedDuration::from_hours(24 * 91),
        ..approve()
    };
    let end = "approval_ends(2027-01-16T00:00:00Z)";
    let signed = |key: &SigningKey, approve: &Approve| cast.signed(key, approve);
    let vouched = |code: &str| vouch(&cast.binding, &cast.carol, code);
    for (name, token, expected) in [
        ("honest", signed(&cast.carol, &honest), Level::OkToTest),
        (
            "stranger",
            signed(&cast.stranger, &honest),
            Level::Unreviewed,
        ),
        (
            "deployer",
            signed(&cast.deployer, &honest),
            Level::Unreviewed,
        ),
        (
            "originator",
            signed(&cast.alice, &honest),
            Level::Unreviewed,
        ),
        (
            "revision",
            signed(&cast.carol, &other_revision),
            Level::Unreviewed,
        ),
        ("over", signed(&cast.carol, &over), Level::Unreviewed),
        ("endless", signed(&cast.carol, &endless), Level::Unreviewed),
        (
            "written by hand",
            vouched(&format!("ok_to_test(\"aaa\"); {end};")),
            Level::OkToTest,
        ),
        (
            "without end",
            vouched("ok_to_test(\"aaa\");"),
            Level::Unreviewed,
        ),
        (
            "two revisions",
            vouched(&format!("ok_to_test(\"aaa\"); ok_to_test(\"bbb\"); {end};")),
            Level::Unreviewed,
        ),
        (
            "derived",
            vouched(&format!("ok_to_test($r) <- revision($r); {end};")),
            Level::Unreviewed,
        ),
        (
            "with more",
            vouched(&format!("ok_to_test(\"aaa\"); revision(\"aaa\"); {end};")),
            Level::Unreviewed,
        ),
        (
            "no text",
            vouched(&format!("ok_to_test(true); {end};")),
            Level::Unreviewed,
        ),
        (
            "holder's own block",
            append(&cast.binding, &format!("ok_to_test(\"aaa\"); {end};")),
            Level::Unreviewed,
        ),
        (
            "holder's own block that says what is what",
            append(&cast.binding, "revision(\"bbb\"); originator(\"eve\");"),
            Level::Unreviewed,
        ),
    ] {
        assert_eq!(cast.level(&token, 1), expected, "{name}");
    }
}

#[test]
fn counts_one_reviewer_once() {
    let cast = Cast::new();
    let once = cast.signed(&cast.carol, &approve());
    let twice = approve().sign(&once, &cast.carol, now()).unwrap();
    assert_eq!(cast.prove(&twice).unwrap().approvals().len(), 2);
    assert_eq!(cast.level(&twice, 1), Level::OkToTest);
    assert_eq!(cast.level(&twice, 2), Level::Unreviewed);
    let honest = approve().sign(&once, &cast.dave, now()).unwrap();
    assert_eq!(cast.level(&honest, 2), Level::OkToTest);
    // One person with two keys, under two spellings.
    let reviewers = [(&cast.carol, "carol"), (&cast.dave, "Carol")];
    let reviewers =
        reviewers.map(|(key, user)| Reviewer::parse(&format!("{} {user}", key.public())).unwrap());
    let few = Review::new(Level::OkToTest, reviewers.to_vec(), 2);
    assert_eq!(few, Err(ReviewError::Few));
    let review = Review::new(Level::OkToTest, reviewers.to_vec(), 1).unwrap();
    let binding = cast.prove(&honest).unwrap();
    assert_eq!(review.level(&binding, now()), Level::OkToTest);
}

#[test]
fn refuses_the_originator_in_any_spelling() {
    let cast = Cast::new();
    let token = cast.signed(&cast.alice, &approve());
    let binding = cast.prove(&token).unwrap();
    for (user, expected) in [
        ("alicia", Level::OkToTest),
        ("alice", Level::Unreviewed),
        ("ALICE", Level::Unreviewed),
    ] {
        let reviewer = Reviewer::parse(&format!("{} {user}", cast.alice.public())).unwrap();
        let review = Review::new(Level::OkToTest, vec![reviewer], 1).unwrap();
        assert_eq!(review.level(&binding, now()), expected, "{user}");
    }
}

#[test]
fn refuses_an_approval_on_another_binding() {
    let cast = Cast::new();
    let approved = cast.signed(&cast.carol, &approve());
    assert_eq!(cast.level(&approved, 1), Level::OkToTest);
    let taken = UnverifiedBiscuit::from_base64(approved.expose()).unwrap();
    // The request is answered for one binding, and the answer carried to another.
    let block = BlockBuilder::new()
        .code("ok_to_test(\"aaa\"); approval_ends(2027-01-16T00:00:00Z);")
        .unwrap();
    let honest = UnverifiedBiscuit::from_base64(cast.binding.expose()).unwrap();
    let request = honest.third_party_request().unwrap();
    let block = request.create_block(&private(&cast.carol), block).unwrap();
    let block = block.serialize().unwrap();
    let level = |token: &UnverifiedBiscuit| {
        let grown = token.append_third_party(&block).ok()?;
        let text = Secret::new(grown.to_base64().ok()?);
        let binding = cast.prove(&text).ok()?;
        Some(cast.review(1).level(&binding, now()))
    };
    assert_eq!(level(&honest), Some(Level::OkToTest));
    for other in [
        draft(),
        Draft {
            images: vec![OTHER.to_owned()],
            ..draft()
        },
        Draft {
            preview: "pr-2".to_owned(),
            ..draft()
        },
    ] {
        let other = other.sign(&cast.deployer).unwrap();
        let other = UnverifiedBiscuit::from_base64(other.expose()).unwrap();
        assert_eq!(level(&other), None);
    }
    // Nor does it count a second time on its own binding.
    assert_eq!(level(&taken), None);
}

#[test]
fn ends_a_binding_earlier_by_a_holders_word_alone() {
    let cast = Cast::new();
    let soon = append(
        &cast.binding,
        "check if time($t), $t < 2027-01-15T08:30:00Z;",
    );
    let end: Timestamp = "2027-01-15T08:30:00Z".parse().unwrap();
    assert!(end > now());
    assert_eq!(cast.prove(&soon).unwrap().expires(), end);
    let late = append(
        &cast.binding,
        "check if time($t), $t < 2099-01-01T00:00:00Z;",
    );
    assert_eq!(cast.prove(&late).unwrap().expires(), now() + DAY);
    for code in [
        "check if user(\"alice\");",
        "check if true;",
        "reject if false;",
    ] {
        cast.prove(&append(&cast.binding, code)).unwrap_err();
        cast.prove(&vouch(&cast.binding, &cast.stranger, code))
            .unwrap_err();
    }
}

#[test]
fn refuses_more_blocks_than_it_verifies() {
    let cast = Cast::new();
    let grow = |count: usize| {
        (0..count).fold(cast.binding.clone(), |token, _| {
            append(&token, "check if time($t), $t < 2099-01-01T00:00:00Z;")
        })
    };
    cast.prove(&grow(31)).unwrap();
    cast.prove(&grow(32)).unwrap_err();
}

#[test]
fn refuses_to_approve_blindly() {
    let cast = Cast::new();
    let sign = |approve: Approve| approve.sign(&cast.binding, &cast.carol, now()).map(|_| ());
    assert!(sign(approve()).is_ok());
    let revision = Approve {
        revision: "bbb".to_owned(),
        ..approve()
    };
    assert!(matches!(sign(revision), Err(ApproveError::Revision(it)) if it == "aaa"));
    for expires in [
        now(),
        now() - DAY,
        now() + SignedDuration::from_hours(24 * 91),
    ] {
        let approve = Approve {
            expires,
            ..approve()
        };
        assert!(matches!(sign(approve), Err(ApproveError::Expires)));
    }
    let nothing = Approve {
        level: Level::Unreviewed,
        ..approve()
    };
    assert!(matches!(sign(nothing), Err(ApproveError::Level)));
    let capability = Grant::new("alice").biscuit(&cast.deployer).unwrap();
    let signed = approve().sign(&capability, &cast.carol, now());
    assert!(matches!(signed, Err(ApproveError::Binding(_))));
    let sealed = Biscuit::from_base64(cast.binding.expose(), cast.deployer.public().key());
    let sealed = sealed.unwrap().seal().unwrap().to_base64().unwrap();
    let signed = approve().sign(&Secret::new(sealed), &cast.carol, now());
    assert!(matches!(signed, Err(ApproveError::Append(_))));
}

#[test]
fn refuses_to_sign_what_no_sidecar_reads() {
    let key = key();
    draft().sign(&key).unwrap();
    let changes: [fn(&mut Draft); 9] = [
        |it| it.preview.clear(),
        |it| it.revision = "a\nb".to_owned(),
        |it| it.originator = "x".repeat(300),
        |it| it.hosts.clear(),
        |it| it.hosts.push("a b".to_owned()),
        |it| it.hosts.push("user@host".to_owned()),
        |it| it.images.push("latest".to_owned()),
        |it| it.images.push(IMAGE.to_ascii_uppercase()),
        |it| it.audience.clear(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut draft = draft();
        change(&mut draft);
        assert!(draft.sign(&key).is_err(), "change {number}");
    }
}

#[test]
fn refuses_reviewers_without_a_name_or_a_key() {
    let line = format!("{} carol", key().public());
    Reviewer::parse(&line).unwrap();
    let bare = key().public().to_string();
    for line in [
        "",
        "carol",
        "carol ed25519/00",
        "rsa/00 carol",
        bare.as_str(),
        &format!("{bare} carol dave"),
        &format!("{} carol", bare.replace("ed25519", "secp256r1")),
    ] {
        Reviewer::parse(line).expect_err(line);
    }
    let one = key();
    let twice =
        ["carol", "dave"].map(|user| Reviewer::parse(&format!("{} {user}", one.public())).unwrap());
    let review = |level, approvals| Review::new(level, twice.to_vec(), approvals);
    assert_eq!(review(Level::OkToTest, 1), Err(ReviewError::Twice));
    assert_eq!(review(Level::OkToTest, 0), Err(ReviewError::Nothing));
    assert_eq!(review(Level::Unreviewed, 1), Err(ReviewError::Nothing));
}

#[test]
fn tells_what_is_missing() {
    let cast = Cast::new();
    let token = cast.signed(&cast.alice, &approve());
    let token = approve().sign(&token, &cast.stranger, now()).unwrap();
    let binding = cast.prove(&token).unwrap();
    let text = cast.review(2).missing(&binding, Level::OkToTest, now());
    insta::assert_snapshot!(text, @"revision aaa of pr-1 has 0 of 2 approvals `ok-to-test`; the originator's own approval does not count; an approval is by a key that the policy does not name; a maintainer runs: chaperone approve --binding FILE --revision aaa --level ok-to-test --key KEY");
}
