//! Whose a record is: the comparison rules of an owner path.
//!
//! Decoded text against one attribute of the subject, octet for octet; a number by its literal text.
//! Null, booleans, containers and the empty string are nobody's, and so is a record on whose owner
//! path a name stands twice.

use std::collections::HashSet;

use crate::json::{Child, Document, States, Text, TokenKind};
use crate::policy::treatment::{Attribute, Owner, RecordRule};
use crate::types::Subject;

/// Whether the record at `record` is the subject's.
pub(super) fn is_owned(
    owners: &[Owner],
    subject: &Subject,
    document: Document<'_>,
    record: usize,
) -> bool {
    let mut is_owned = false;
    for owner in owners {
        match look(owner, subject, document, record, owner.at.at_root()) {
            Found::Ambiguous => return false,
            Found::Nobody => {}
            Found::Subject => is_owned = true,
        }
    }
    is_owned
}

/// Whether an object has a member that names an owner, for `records: anywhere`; `in_any_case` also one
/// that does to readers without letter case.
pub(super) fn has_owner(
    rule: &RecordRule,
    document: Document<'_>,
    object: usize,
    in_any_case: bool,
) -> bool {
    document.children(object).any(
        |(child, _)| matches!(child, Child::Name(name) if is_owner_name(rule, name, in_any_case)),
    )
}

/// Whether a name is one that owners have under `records: anywhere`. An owner that is no bare name
/// (policies with one are refused) makes every object a record.
pub(super) fn is_owner_name(rule: &RecordRule, name: Text<'_>, in_any_case: bool) -> bool {
    rule.owner.iter().any(|owner| {
        owner
            .at
            .single_name()
            .is_none_or(|wanted| name.is(wanted.as_bytes()) || in_any_case && is_twin(name, wanted))
    })
}

/// Whether a member on an owner's path below `node` has a name that is the path's but for its letter
/// case: many readers take either, and the last.
pub(super) fn has_twin(owners: &[Owner], document: Document<'_>, node: usize) -> bool {
    let twin = |owner: &Owner| has_twin_at(owner, document, node, owner.at.at_root(), 0);
    owners.iter().any(twin)
}

fn has_twin_at(
    owner: &Owner,
    document: Document<'_>,
    node: usize,
    states: States,
    depth: usize,
) -> bool {
    document.children(node).any(|(child, index)| {
        let mut names = owner.at.names_at(depth);
        if let Child::Name(name) = child
            && names.any(|wanted| is_twin(name, wanted))
        {
            return true;
        }
        let reach = owner.at.child(states, child).states;
        !reach.is_empty() && has_twin_at(owner, document, index, reach, depth + 1)
    })
}

/// Another name, that is the same whatever the letter case.
fn is_twin(name: Text<'_>, wanted: &str) -> bool {
    if name.is(wanted.as_bytes()) {
        return false;
    }
    if !name.is_escaped && name.raw.is_ascii() && wanted.is_ascii() {
        return name.raw.eq_ignore_ascii_case(wanted.as_bytes());
    }
    let mut decoded = Vec::new();
    name.decode_into(&mut decoded);
    // Upper case first: it also brings `ſ` and the Kelvin sign to their letters.
    let fold = |text: &str| text.to_uppercase().to_lowercase();
    fold(&String::from_utf8_lossy(&decoded)) == fold(wanted)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Nobody,
    Ambiguous,
    Subject,
}

/// What `owner` names at and below `node`; as deep as its path is long.
fn look(
    owner: &Owner,
    subject: &Subject,
    document: Document<'_>,
    node: usize,
    states: States,
) -> Found {
    if owner.at.selects(states) {
        return if names(&owner.is, document, node, subject) {
            Found::Subject
        } else {
            Found::Nobody
        };
    }
    let is_singular = owner.at.is_singular();
    let mut found = Found::Nobody;
    let mut has_child = false;
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    for (child, index) in document.children(node) {
        let reach = owner.at.child(states, child).states;
        if reach.is_empty() {
            continue;
        }
        if is_singular {
            if std::mem::replace(&mut has_child, true) {
                return Found::Ambiguous;
            }
        } else if let Child::Name(name) = child {
            let mut decoded = Vec::new();
            name.decode_into(&mut decoded);
            if !seen.insert(decoded) {
                return Found::Ambiguous;
            }
        }
        match look(owner, subject, document, index, reach) {
            Found::Ambiguous => return Found::Ambiguous,
            Found::Subject => found = Found::Subject,
            Found::Nobody => {}
        }
    }
    found
}

fn names(is: &Attribute, document: Document<'_>, node: usize, subject: &Subject) -> bool {
    match document.token(node).map(|token| token.kind) {
        Some(TokenKind::String { is_escaped: false }) => document
            .text(node)
            .is_some_and(|text| is.names(subject, text.raw)),
        Some(TokenKind::String { is_escaped: true }) => document.text(node).is_some_and(|text| {
            let mut decoded = Vec::new();
            text.decode_into(&mut decoded);
            is.names(subject, &decoded)
        }),
        Some(TokenKind::Number) => is.names(subject, document.bytes(node)),
        _ => false,
    }
}
