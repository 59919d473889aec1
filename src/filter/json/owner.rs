//! Whose a record is: the comparison rules of an owner path.
//!
//! Decoded text against the subject's id, octet for octet; a number by its literal text. Null,
//! booleans, containers and the empty string are nobody's, and so is a record on whose owner path a
//! name stands twice.

use crate::json::{Child, Document, Selector, TokenKind};
use crate::policy::treatment::RecordRule;

/// Whether the record at `record` is the subject's.
pub(super) fn is_owned(
    rule: &RecordRule,
    subject: &str,
    document: Document<'_>,
    record: usize,
) -> bool {
    let mut is_owned = false;
    for owner in &rule.owner {
        match value(owner, document, record) {
            Owner::Ambiguous => return false,
            Owner::Missing => {}
            Owner::At(node) => is_owned |= names(document, node, subject),
        }
    }
    is_owned
}

/// Whether an object has a member that names an owner, for `records: anywhere`.
pub(super) fn has_owner(rule: &RecordRule, document: Document<'_>, object: usize) -> bool {
    document
        .children(object)
        .any(|(child, _)| matches!(child, Child::Name(name) if is_owner_name(rule, name)))
}

/// Whether a name is one that owners have under `records: anywhere`. An owner that is no bare name
/// (policies with one are refused) makes every object a record.
pub(super) fn is_owner_name(rule: &RecordRule, name: crate::json::Text<'_>) -> bool {
    rule.owner.iter().any(|owner| {
        owner
            .single_name()
            .is_none_or(|wanted| name.is(wanted.as_bytes()))
    })
}

enum Owner {
    Missing,
    Ambiguous,
    At(usize),
}

fn value(owner: &Selector, document: Document<'_>, record: usize) -> Owner {
    let mut states = owner.at_root();
    let mut node = record;
    while !owner.selects(states) {
        let mut found = None;
        for (child, index) in document.children(node) {
            let reach = owner.child(states, child).states;
            if !reach.is_empty() && found.replace((reach, index)).is_some() {
                return Owner::Ambiguous;
            }
        }
        match found {
            Some((reach, index)) => (states, node) = (reach, index),
            None => return Owner::Missing,
        }
    }
    Owner::At(node)
}

fn names(document: Document<'_>, node: usize, subject: &str) -> bool {
    if subject.is_empty() {
        return false;
    }
    match document.token(node).map(|token| token.kind) {
        Some(TokenKind::String { .. }) => document
            .text(node)
            .is_some_and(|text| text.is(subject.as_bytes())),
        Some(TokenKind::Number) => document.bytes(node) == subject.as_bytes(),
        _ => false,
    }
}
