//! Each claim of the demo holds, and fails once its guard is taken out of the policy.

use std::collections::BTreeSet;

use super::stage::{POLICY, Stage};
use super::{story, walk};

/// What guards each claim: the part of the policy, and what stands there once it is gone.
const GUARDS: &[(&[&str], &str, &str)] = &[
    (
        &["forged-token"],
        "root_keys: [keys/issuer.pub]",
        "root_keys: [keys/issuer.pub, keys/stranger.pub]",
    ),
    (
        &["orders-alice", "orders-bob", "orders-outside"],
        "records: \"$.orders[*]\"\n    owner: \"$.customer.id\"\n    others: drop\n    also: [$.page]",
        "public: Without its guard.",
    ),
    (
        &["orders-own-values"],
        "own: [email, phone]",
        "own: [phone]",
    ),
    (
        &["orders-others-values", "messages-values"],
        "use: [pii, secrets]",
        "use: [secrets]",
    ),
    (
        &["messages-alice"],
        "records: \"$[*]\"\n    owner: [\"$.sender\", \"$.recipient\"]\n    others: drop",
        "public: Without its guard.",
    ),
    (
        &["search-alice"],
        "records: anywhere\n    owner: owner_id\n    others: redact",
        "public: Without its guard.",
    ),
    (
        &["profile-bob"],
        "owner: \"{user}\"\n    records: \"$\"\n    record_owner: \"$.id\"\n    others: hide",
        "public: Without its guard.",
    ),
    (
        &["profile-alice"],
        "subject: { id: user, own: [email, phone] }",
        "subject: { id: user, own: [phone] }",
    ),
    (
        &["order-alice"],
        "    authorize: allow if user($u), group($u, \"buyers\");\n",
        "",
    ),
    (
        &["order-in-alices-name"],
        "    request: { records: \"$\", owner: \"$.customer.id\" }\n",
        "",
    ),
    (
        &["order-bob", "order-in-alices-name"],
        "group($u, \"buyers\")",
        "group($u, \"nobody\")",
    ),
    (
        &["export-alice"],
        "records: \"$\"\n    owner: \"$.customer\"\n    others: drop",
        "public: Without its guard.",
    ),
    (
        &["embargo", "embargo-request"],
        "terms: [Falcon IX]",
        "terms: [Condor X]",
    ),
    (
        &["admin"],
        "deny: Admin pages act on everybody's data.",
        "public: Without its guard.",
    ),
    (
        &["debug"],
        "  - match: GET /api/messages",
        "  - match: GET /api/debug\n    public: Without its guard.\n  - match: GET /api/messages",
    ),
];

/// No policy can open the door to nobody: this claim has no guard to take out.
const UNGUARDED: &[&str] = &["no-token"];

/// The names of the claims that fail under `policy`.
async fn failing(policy: &str) -> BTreeSet<&'static str> {
    let stage = Stage::set(policy).await.unwrap();
    let mut failing = BTreeSet::new();
    for scene in story::SCENES {
        let played = walk::play(&stage, scene).await.unwrap();
        let failed = played.verdicts.iter().filter(|(_, doubt)| doubt.is_some());
        failing.extend(failed.map(|(claim, _)| claim.name));
    }
    stage.strike().await.unwrap();
    failing
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_claim_holds_and_the_log_tells_it() {
    let stage = Stage::set(POLICY).await.unwrap();
    let mut all = Vec::new();
    for scene in story::SCENES {
        let played = walk::play(&stage, scene).await.unwrap();
        for (claim, doubt) in &played.verdicts {
            assert_eq!(*doubt, None, "{}", claim.name);
        }
        all.push(played);
    }
    assert_eq!(walk::doubt_log(&stage.log().unwrap(), &all), None);
    stage.strike().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_claim_fails_without_its_guard() {
    for (claims, guard, gone) in GUARDS {
        assert_eq!(POLICY.matches(guard).count(), 1, "the guard of {claims:?}");
        let failing = failing(&POLICY.replace(guard, gone)).await;
        for claim in *claims {
            assert!(failing.contains(claim), "{claim} holds without its guard");
        }
    }
}

#[test]
fn every_claim_has_a_guard() {
    let claims = story::SCENES.iter().flat_map(|scene| scene.claims);
    let told: BTreeSet<_> = claims.map(|claim| claim.name).collect();
    let guarded = GUARDS.iter().flat_map(|(claims, _, _)| claims.iter());
    let known: BTreeSet<_> = guarded.chain(UNGUARDED).copied().collect();
    assert_eq!(told, known);
}
