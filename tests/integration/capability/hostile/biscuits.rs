//! Biscuits that must fail.

#![expect(
    clippy::string_slice,
    reason = "tokens are ASCII, and a test ends where it can't go on"
)]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use biscuit_auth::builder::{Algorithm, BiscuitBuilder, BlockBuilder};
use biscuit_auth::format::schema;
use biscuit_auth::{Biscuit, KeyPair, PrivateKey, UnverifiedBiscuit};
use chaperone::capability::mint::{Grant, SigningKey};
use prost::Message as _;

use super::{Case, EXPIRED, FORBIDS, INVALID, TOO_LARGE, UNPROVEN};

/// `token` with a block of its holder.
pub(super) fn attenuated(token: &str, code: &str) -> String {
    let block = BlockBuilder::new().code(code).unwrap();
    let token = UnverifiedBiscuit::from_base64(token).unwrap();
    token.append(block).unwrap().to_base64().unwrap()
}

fn pair(key: &SigningKey) -> KeyPair {
    KeyPair::from(&PrivateKey::from_pem(key.pem().expose()).unwrap())
}

/// A token whose first block says `code`.
fn stating(key: &SigningKey, code: &str) -> String {
    let builder = BiscuitBuilder::new().code(code).unwrap();
    builder.build(&pair(key)).unwrap().to_base64().unwrap()
}

fn proto(token: &str) -> schema::Biscuit {
    schema::Biscuit::decode(URL_SAFE.decode(token).unwrap().as_slice()).unwrap()
}

fn text(token: &schema::Biscuit) -> String {
    URL_SAFE.encode(token.encode_to_vec())
}

fn changed(token: &str, change: impl FnOnce(&mut schema::Biscuit)) -> String {
    let mut token = proto(token);
    change(&mut token);
    text(&token)
}

/// A first block of another version, signed by the issuer as version 0 of the signature wants it.
fn of_version(key: &SigningKey, version: Option<u32>) -> String {
    let mut token = proto(&stating(key, "user(\"ada\")"));
    let mut block = schema::Block::decode(token.authority.block.as_slice()).unwrap();
    block.version = version;
    token.authority.block = block.encode_to_vec();
    let mut message = token.authority.block.clone();
    message.extend((token.authority.next_key.algorithm).to_le_bytes());
    message.extend(&token.authority.next_key.key);
    token.authority.signature = pair(key).sign(&message).unwrap().to_bytes().to_vec();
    token.authority.version = None;
    text(&token)
}

pub(super) fn cases(key: &SigningKey) -> Vec<Case> {
    let mut cases = Vec::new();
    issued(key, &mut cases);
    narrowed(key, &mut cases);
    costly(key, &mut cases);
    forged(key, &mut cases);
    cases
}

/// What the issuer signed and should not have, or signed for somewhere else.
fn issued(key: &SigningKey, cases: &mut Vec<Case>) {
    let print = URL_SAFE_NO_PAD.encode([7; 32]);
    for (name, twin, code, expected) in [
        (
            "another preview",
            "user(\"ada\"); preview(\"test\")",
            "user(\"ada\"); preview(\"other\")",
            FORBIDS,
        ),
        (
            "two previews",
            "user(\"ada\"); preview(\"test\")",
            "user(\"ada\"); preview(\"test\"); preview(\"other\")",
            INVALID,
        ),
        (
            "another revision",
            "user(\"ada\"); version(\"aaa\")",
            "user(\"ada\"); revision(\"aaa\")",
            FORBIDS,
        ),
        ("no user", "user(\"ada\")", "name(\"ada\")", INVALID),
        (
            "two users",
            "user(\"ada\"); user2(\"bob\")",
            "user(\"ada\"); user(\"bob\")",
            INVALID,
        ),
        ("an empty user", "user(\"ada\")", "user(\"\")", INVALID),
        ("a numbered user", "user(\"7\")", "user(7)", INVALID),
        (
            "a user of two terms",
            "user(\"ada\")",
            "user(\"ada\", \"bob\")",
            INVALID,
        ),
        (
            "a user of bytes",
            "user(\"ada\")",
            "user(hex:616461)",
            INVALID,
        ),
        (
            "a user with a line break",
            "user(\"ada\")",
            "user(\"ada\\nx\")",
            INVALID,
        ),
        (
            "a path of its own",
            "user(\"ada\"); route(\"/open/a\")",
            "user(\"ada\"); path(\"/open/a\")",
            INVALID,
        ),
        (
            "a method of its own",
            "user(\"ada\")",
            "user(\"ada\"); method(\"GET\")",
            INVALID,
        ),
        (
            "a host of its own",
            "user(\"ada\")",
            "user(\"ada\"); host(\"app.test\")",
            INVALID,
        ),
        (
            "a time of its own",
            "user(\"ada\"); times(2020-01-01T00:00:00Z)",
            "user(\"ada\"); time(2020-01-01T00:00:00Z)",
            INVALID,
        ),
        (
            "an operation of its own",
            "user(\"ada\")",
            "user(\"ada\"); operation(\"read\")",
            INVALID,
        ),
        (
            "a resource of its own",
            "user(\"ada\")",
            "user(\"ada\"); resource(\"x\")",
            INVALID,
        ),
        (
            "expired",
            "user(\"ada\"); check if time($t), $t < 2100-01-01T00:00:00Z",
            "user(\"ada\"); check if time($t), $t < 2020-01-01T00:00:00Z",
            EXPIRED,
        ),
        (
            "not yet valid",
            "user(\"ada\"); check if time($t), $t > 2020-01-01T00:00:00Z",
            "user(\"ada\"); check if time($t), $t > 2100-01-01T00:00:00Z",
            FORBIDS,
        ),
        (
            "another user's check",
            "user(\"ada\"); check if user(\"ada\")",
            "user(\"ada\"); check if user(\"bob\")",
            FORBIDS,
        ),
        (
            "two keys",
            "user(\"ada\")",
            &format!(
                "user(\"ada\"); bound_key(\"{print}\"); bound_key(\"{}\")",
                URL_SAFE_NO_PAD.encode([8; 32])
            ),
            INVALID,
        ),
        (
            "a key of no text",
            "user(\"ada\")",
            "user(\"ada\"); bound_key(7)",
            INVALID,
        ),
        (
            "a key that is none",
            "user(\"ada\")",
            "user(\"ada\"); bound_key(\"short\")",
            INVALID,
        ),
        (
            "a key without proof",
            "user(\"ada\")",
            &format!("user(\"ada\"); bound_key(\"{print}\")"),
            UNPROVEN,
        ),
        (
            "a certificate without TLS",
            "user(\"ada\")",
            &format!("user(\"ada\"); bound_certificate(\"{print}\")"),
            UNPROVEN,
        ),
    ] {
        cases.push(Case::new(
            format!("issued {name}"),
            stating(key, twin),
            stating(key, code),
            expected,
        ));
    }
}

/// What holders added.
fn narrowed(key: &SigningKey, cases: &mut Vec<Case>) {
    let token = Grant::new("ada")
        .with("group", "buyers")
        .biscuit(key)
        .unwrap();
    let token = token.expose();
    for (name, twin, code, expected) in [
        ("to nothing", "check if true", "check if false", FORBIDS),
        ("by a reject", "reject if false", "reject if true", FORBIDS),
        (
            "to another method",
            "check if method(\"GET\")",
            "check if method(\"POST\")",
            FORBIDS,
        ),
        (
            "to another path",
            "check if path($p), $p.starts_with(\"/open/\")",
            "check if path($p), $p.starts_with(\"/orders\")",
            FORBIDS,
        ),
        (
            "to another host",
            "check if host(\"app.test\")",
            "check if host(\"other.test\")",
            FORBIDS,
        ),
        (
            "to another group",
            "check if group(\"buyers\")",
            "check if group(\"admins\")",
            FORBIDS,
        ),
        (
            "until yesterday",
            "check if time($t), $t < 2100-01-01T00:00:00Z",
            "check if time($t), $t < 2020-01-01T00:00:00Z",
            EXPIRED,
        ),
        (
            "to a fact that nobody states",
            "check if user($u)",
            "check if approved($u)",
            FORBIDS,
        ),
        (
            "to a user that it shadows, of the issuer",
            "user(\"bob\"); check if user(\"ada\")",
            "user(\"bob\"); check if user(\"bob\"), false",
            FORBIDS,
        ),
        (
            "by all, one of which fails",
            "check all user($u), $u == \"ada\"",
            "user(\"bob\"); check all user($u), $u == \"ada\"",
            FORBIDS,
        ),
        (
            "by a rule",
            "check if user($u)",
            "admin($u) <- user($u)",
            TOO_LARGE,
        ),
        (
            "by a division by zero",
            "check if 4 / 2 == 2",
            "check if 1 / 0 == 0",
            FORBIDS,
        ),
        (
            "by an overflow",
            "check if 1 + 1 == 2",
            "check if 9223372036854775807 + 1 > 0",
            FORBIDS,
        ),
    ] {
        cases.push(Case::new(
            format!("narrowed {name}"),
            attenuated(token, twin),
            attenuated(token, code),
            expected,
        ));
    }
}

/// What costs more than any honest token.
fn costly(key: &SigningKey, cases: &mut Vec<Case>) {
    let token = Grant::new("ada").biscuit(key).unwrap();
    let token = token.expose();
    let numbers = |count: u32| {
        (0..count)
            .map(|number| format!("n({number});"))
            .collect::<String>()
    };
    let few = attenuated(
        token,
        &format!("{} check if n($a), n($b), $a + $b > 0", numbers(4)),
    );
    for (name, code) in [
        (
            "six joins",
            format!(
                "{} check if n($a), n($b), n($c), n($d), n($e), n($f), $a + $b + $c + $d + $e + $f < 0",
                numbers(40)
            ),
        ),
        (
            "hundreds of facts",
            format!("{} check if n($a), n($b), $a < $b", numbers(700)),
        ),
        (
            "a long sum",
            format!("check if {} > 0", vec!["1"; 80].join(" + ")),
        ),
        (
            "a wide pattern",
            "check if path($p), $p.matches(\"(a{1000}){1000}\")".to_owned(),
        ),
        (
            "a pattern of the request",
            "check if path($p), method($m), $p.matches($m)".to_owned(),
        ),
        (
            "nested closures",
            "check if {1, 2}.any($a -> {1, 2}.any($b -> {1, 2}.any($c -> $a + $b + $c > 9)))"
                .to_owned(),
        ),
        (
            "deep terms",
            format!("check if {}1{} != 1", "[".repeat(20), "]".repeat(20)),
        ),
        (
            "a host function",
            "check if \"a\".extern::test(\"a\")".to_owned(),
        ),
    ] {
        cases.push(Case::new(
            format!("costly {name}"),
            few.clone(),
            attenuated(token, &code),
            TOO_LARGE,
        ));
    }
    let mut many = token.clone();
    for _ in 0..17 {
        many = attenuated(&many, "check if true");
    }
    cases.push(Case::new(
        "costly blocks",
        attenuated(token, "check if true"),
        many,
        TOO_LARGE,
    ));
    let long = stating(
        key,
        &format!("user(\"ada\"); note(\"{}\")", "x".repeat(9000)),
    );
    let short = stating(
        key,
        &format!("user(\"ada\"); note(\"{}\")", "x".repeat(900)),
    );
    cases.push(Case::new("costly length", short, long, TOO_LARGE));
}

/// What nobody signed in this form.
fn forged(key: &SigningKey, cases: &mut Vec<Case>) {
    let token = Grant::new("ada").biscuit(key).unwrap();
    let token = token.expose().clone();
    let narrow = attenuated(
        &attenuated(&token, "check if true"),
        "check if user(\"ada\")",
    );
    let sealed = Biscuit::from_base64(&narrow, pair(key).public()).unwrap();
    let sealed = sealed.seal().unwrap().to_base64().unwrap();
    let stranger = SigningKey::generate().unwrap();
    let foreign = Grant::new("ada").biscuit(&stranger).unwrap();
    let secp = KeyPair::new_with_algorithm(Algorithm::Secp256r1);
    let secp = BiscuitBuilder::new()
        .code("user(\"ada\")")
        .unwrap()
        .build(&secp)
        .unwrap();
    let other = stating(key, "user(\"bob\")");
    let bytes = URL_SAFE.decode(&token).unwrap();
    let mut add = |name: &str, twin: &str, hostile: String| {
        cases.push(Case::new(format!("forged {name}"), twin, hostile, INVALID));
    };
    add("by a stranger", &token, foreign.expose().clone());
    add("by another algorithm", &token, secp.to_base64().unwrap());
    add(
        "without its last block",
        &narrow,
        changed(&narrow, |token| drop(token.blocks.pop())),
    );
    add(
        "without its first narrowing",
        &narrow,
        changed(&narrow, |token| drop(token.blocks.remove(0))),
    );
    add(
        "without any narrowing",
        &narrow,
        changed(&narrow, |token| token.blocks.clear()),
    );
    add(
        "with its blocks swapped",
        &narrow,
        changed(&narrow, |token| token.blocks.swap(0, 1)),
    );
    add(
        "with a block twice",
        &narrow,
        changed(&narrow, |token| token.blocks.push(token.blocks[0].clone())),
    );
    add(
        "sealed, without its last block",
        &sealed,
        changed(&sealed, |token| drop(token.blocks.pop())),
    );
    add(
        "sealed, without any narrowing",
        &sealed,
        changed(&sealed, |token| token.blocks.clear()),
    );
    add(
        "with another's first block",
        &token,
        changed(&token, |token| token.authority = proto(&other).authority),
    );
    add(
        "with another's proof",
        &token,
        changed(&token, |token| token.proof = proto(&other).proof),
    );
    add(
        "without a proof",
        &token,
        changed(&token, |token| token.proof.content = None),
    );
    add(
        "with a changed block",
        &token,
        changed(&token, |token| {
            let place = token
                .authority
                .block
                .windows(3)
                .position(|word| word == b"ada")
                .unwrap();
            token.authority.block[place..place + 3].copy_from_slice(b"bob");
        }),
    );
    add(
        "with a changed signature",
        &token,
        changed(&token, |token| token.authority.signature[9] ^= 1),
    );
    add(
        "with a short signature",
        &token,
        changed(&token, |token| token.authority.signature.truncate(63)),
    );
    add(
        "with an empty signature",
        &token,
        changed(&token, |token| token.authority.signature.clear()),
    );
    add(
        "with zeros for a signature",
        &token,
        changed(&token, |token| token.authority.signature.fill(0)),
    );
    add(
        "with a weak next key",
        &narrow,
        changed(&narrow, |token| token.authority.next_key.key.fill(0)),
    );
    add(
        "with an unknown algorithm",
        &token,
        changed(&token, |token| token.authority.next_key.algorithm = 9),
    );
    let current = of_version(key, Some(3));
    for version in [None, Some(0), Some(2), Some(7), Some(99), Some(u32::MAX)] {
        add(
            &format!("of version {version:?}"),
            &current,
            of_version(key, version),
        );
    }
    add("cut", &token, URL_SAFE.encode(&bytes[..bytes.len() - 5]));
    add(
        "with a byte behind",
        &token,
        format!("{}A", token.trim_end_matches('=')),
    );
    add(
        "with a field behind",
        &token,
        URL_SAFE.encode([bytes.as_slice(), b"\x0a\x00"].concat()),
    );
    add(
        "in another alphabet",
        &token,
        format!("+/{}", STANDARD.encode(&bytes)),
    );
    add(
        "with a space inside",
        &token,
        format!("{} {}", &token[..20], &token[20..]),
    );
    add(
        "with its prefix twice",
        &token,
        format!("biscuit:biscuit:{token}"),
    );
    add(
        "with another prefix",
        &format!("biscuit:{token}"),
        format!("EB:{token}"),
    );
    add("of a prefix alone", &token, "biscuit:".to_owned());
    add("of one letter", &token, "A".to_owned());
    add("of zeros", &token, URL_SAFE.encode([0; 300]));
    add(
        "of a huge length",
        &token,
        URL_SAFE.encode([0x12, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    );
    add(
        "of hexadecimal digits",
        &token,
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    );
}
