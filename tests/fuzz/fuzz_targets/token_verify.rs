//! Whatever is presented is judged without a panic and in bounded steps, and no holder's block changes who the user is.
//!
//! The first byte chooses: the rest is a token's text, the bytes of a block that a holder signs and adds, or
//! the claims of a JSON Web Token that the issuer signs.

#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use biscuit_auth::{Biscuit, KeyPair};
use chaperone::capability::inspect::Inspection;
use chaperone::capability::mint::{Grant, SigningKey};
use chaperone::capability::{
    BiscuitSettings, Facts, JwtAlgorithm, JwtSettings, KeySet, Limits, Settings, Verifier,
};
use chaperone::types::Secret;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

struct World {
    key: SigningKey,
    verifier: Verifier,
    token: Biscuit,
    holder: KeyPair,
    runtime: tokio::runtime::Runtime,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let key = SigningKey::generate().expect("there is randomness");
    let biscuit = BiscuitSettings::new(vec![key.public()]).expect("it is one key");
    let keys = KeySet::parse(&key.jwks(Some("k"))).expect("it is our own");
    let jwt = JwtSettings::new("i", "a", vec![JwtAlgorithm::EdDSA], keys).expect("it is complete");
    let settings = Settings {
        biscuit: Some(biscuit),
        jwt: vec![jwt],
    };
    let minted = Grant::new("ada").biscuit(&key).expect("it is a good grant");
    let pair = KeyPair::from_private_key_pem(key.pem().expose()).expect("it is our own");
    World {
        verifier: Verifier::new(settings, Limits::default()).expect("it accepts something"),
        token: Biscuit::from_base64(minted.expose(), pair.public()).expect("it was just minted"),
        holder: KeyPair::new(),
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("it starts"),
        key,
    }
});

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else {
        return;
    };
    let world = &*WORLD;
    let Some(text) = (match kind % 3 {
        0 => Some(String::from_utf8_lossy(data).into_owned()),
        1 => with_block(world, data),
        _ => Some(web_token(world, data)),
    }) else {
        return;
    };
    // Looking may fail, never panic.
    let _ = Inspection::of(&text);
    let now = Timestamp::from_second(1_800_000_000).expect("it is a date");
    let Ok(verified) = world.verifier.verify(&Secret::new(text), now) else {
        return;
    };
    if kind % 3 == 1 {
        assert_eq!(verified.subject().id(), "ada");
        assert_eq!(verified.subject().attributes().count(), 1);
    }
    let facts = Facts {
        method: "GET".to_owned(),
        path: "/a".to_owned(),
        host: "h".to_owned(),
        preview: None,
        revision: None,
        now,
    };
    let _ = world
        .runtime
        .block_on(world.verifier.authorize(verified, &facts, None));
});

fn with_block(world: &World, block: &[u8]) -> Option<String> {
    let container = world.token.container();
    let signed = container
        .append_serialized(&world.holder, block.to_vec(), None)
        .ok()?;
    Some(URL_SAFE.encode(signed.to_vec().ok()?))
}

fn web_token(world: &World, claims: &[u8]) -> String {
    let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"EdDSA","kid":"k"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let key = jsonwebtoken::EncodingKey::from_ed_pem(world.key.pem().expose().as_bytes());
    let key = key.expect("it is our own");
    let algorithm = jsonwebtoken::Algorithm::EdDSA;
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, algorithm);
    format!("{signed}.{}", signature.expect("it signs"))
}
