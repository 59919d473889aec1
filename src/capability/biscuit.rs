//! Biscuits: a chain of signed blocks. The first one, the issuer's, says who the user is; the others only narrow.
//!
//! Blocks are read from their signed bytes, never from their printed form: the crate prints strings without
//! escaping them, so that a value with a quote in it would print as a fact that nobody signed.

pub(super) mod shape;

use std::collections::BTreeMap;

use biscuit_auth::datalog::SymbolTable;
use biscuit_auth::format::schema::{self, op, op_binary, term};
use biscuit_auth::{Biscuit, UnverifiedBiscuit};
use jiff::{SignedDuration, Timestamp};
use prost::Message;

use super::Verified;
use super::possession::Confirmation;
use super::settings::BiscuitSettings;
use crate::types::{ReasonCode, Refusal, Subject};
use shape::Shape;

/// A Biscuit whose signatures and shape hold.
pub(super) struct Proven {
    pub(super) token: Biscuit,
    pub(super) shape: Shape,
    /// The preview and the revision that its issuer made it for.
    pub(super) preview: Option<Box<str>>,
    pub(super) revision: Option<Box<str>>,
    /// How many facts its issuer states under each name.
    names: BTreeMap<Box<str>, u64>,
}

impl Proven {
    /// How many facts the issuer states under `name`.
    pub(super) fn named(&self, name: &str) -> u64 {
        self.names.get(name).copied().unwrap_or_default()
    }
}

/// The subject and the restrictions of a Biscuit that one of the root keys signed.
pub(super) fn prove(
    bytes: &[u8],
    settings: &BiscuitSettings,
    hash: &blake3::Hash,
) -> Result<Verified, Refusal> {
    let claimed =
        UnverifiedBiscuit::from(bytes).map_err(|_| invalid("it is not a well-formed Biscuit"))?;
    // Before the signatures: each block costs one or two verifications.
    if claimed.block_count() > shape::BLOCKS {
        return Err(shape::too_large("it has too many blocks"));
    }
    let token = settings
        .root_keys()
        .iter()
        .find_map(|root| claimed.clone().verify(root.key()).ok())
        .ok_or_else(|| invalid("its signature does not hold"))?;

    let blocks = Blocks::read(&token).ok_or_else(|| invalid("a block of it can't be read"))?;
    let shape = Shape::measure(&blocks)?;
    let mut preview = None;
    let mut revision = None;
    let (mut bound_key, mut bound_certificate) = (None, None);
    let mut users = Vec::new();
    let mut attributes = Vec::new();
    for (name, value) in blocks.authority_facts()? {
        match name {
            "preview" => only(&mut preview, value)?,
            "revision" => only(&mut revision, value)?,
            KEY => only(&mut bound_key, value)?,
            CERTIFICATE => only(&mut bound_certificate, value)?,
            _ => {
                if name == "user" && !users.contains(&value) {
                    users.push(value);
                }
                attributes.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    let [user] = users.as_slice() else {
        return Err(invalid("its first block does not name exactly one `user`"));
    };
    let subject = Subject::new(user, attributes)
        .ok_or_else(|| invalid("its `user` is empty or holds control characters"))?;
    let revocation_ids = token
        .revocation_identifiers()
        .iter()
        .map(|id| hex::encode(id).into())
        .collect();
    let names = blocks.authority_names();
    // A binding in a form that nobody reads would be none.
    let is_lost = |name: &str, found: bool| !found && names.contains_key(name);
    if is_lost(KEY, bound_key.is_some()) || is_lost(CERTIFICATE, bound_certificate.is_some()) {
        return Err(invalid("what it is bound to is not one string"));
    }
    let bound = Confirmation::of_facts(bound_key.as_deref(), bound_certificate.as_deref())
        .ok_or_else(|| invalid("what it is bound to is no SHA-256 hash in base64url"))?;
    let proven = Proven {
        names,
        shape,
        preview,
        revision,
        token,
    };
    Ok(Verified::of_biscuit(
        hash,
        subject,
        blocks.expires(),
        revocation_ids,
        bound,
        proven,
    ))
}

/// Keeps the one value that a fact about the whole token may have.
fn only(slot: &mut Option<Box<str>>, value: &str) -> Result<(), Refusal> {
    match slot {
        Some(known) if known.as_ref() != value => Err(invalid(
            "its first block names two previews, revisions or bindings",
        )),
        _ => {
            *slot = Some(value.into());
            Ok(())
        }
    }
}

/// A token's blocks, decoded, each with the table that its strings are in.
pub(super) struct Blocks {
    pub(super) blocks: Vec<(schema::Block, SymbolTable)>,
}

impl Blocks {
    pub(super) fn read(token: &Biscuit) -> Option<Self> {
        Self::of(&token.container().to_proto())
    }

    /// The blocks in a token's bytes, whose signatures are for others to prove.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        Self::of(&schema::Biscuit::decode(bytes).ok()?)
    }

    fn of(container: &schema::Biscuit) -> Option<Self> {
        let signed = std::iter::once(&container.authority).chain(&container.blocks);
        let mut shared = SymbolTable::new();
        let mut decoded = Vec::new();
        for signed in signed {
            let block = schema::Block::decode(signed.block.as_slice()).ok()?;
            let own = SymbolTable::from(block.symbols.clone()).ok()?;
            // A third party's block knows only its own strings.
            let is_foreign = signed.external_signature.is_some();
            if !is_foreign {
                shared.extend(&own).ok()?;
            }
            decoded.push((block, is_foreign.then_some(own)));
        }
        let blocks = decoded
            .into_iter()
            .map(|(block, own)| (block, own.unwrap_or_else(|| shared.clone())))
            .collect();
        Some(Self { blocks })
    }

    /// The names and values of the issuer's facts of one string.
    fn authority_facts(&self) -> Result<Vec<(&str, &str)>, Refusal> {
        let Some((authority, symbols)) = self.blocks.first() else {
            return Err(invalid("it has no block"));
        };
        let mut facts = Vec::new();
        for fact in &authority.facts {
            let name = symbols
                .get_symbol(fact.predicate.name)
                .ok_or_else(|| invalid("a name in it is not in its table"))?;
            // The issuer's facts are visible to the checks of every holder, who means the request's.
            if AMBIENT.contains(&name) {
                return Err(invalid("its first block states facts about the request"));
            }
            if let [term] = fact.predicate.terms.as_slice()
                && let Some(term::Content::String(index)) = term.content
            {
                let value = symbols
                    .get_symbol(index)
                    .ok_or_else(|| invalid("a string in it is not in its table"))?;
                facts.push((name, value));
            }
        }
        Ok(facts)
    }

    fn authority_names(&self) -> BTreeMap<Box<str>, u64> {
        let mut names = BTreeMap::new();
        for (authority, symbols) in self.blocks.iter().take(1) {
            for fact in &authority.facts {
                if let Some(name) = symbols.get_symbol(fact.predicate.name) {
                    *names.entry(name.into()).or_default() += 1;
                }
            }
        }
        names
    }

    /// The earliest end that its checks on `time` alone set.
    fn expires(&self) -> Option<Timestamp> {
        self.blocks
            .iter()
            .flat_map(|(block, symbols)| {
                block
                    .checks
                    .iter()
                    .filter_map(|check| expiry(check, symbols))
            })
            .min()
    }
}

/// The end that a check of the form `check if time($t), $t < END` sets.
pub(super) fn expiry(check: &schema::Check, symbols: &SymbolTable) -> Option<Timestamp> {
    use op::Content::{Binary, Value};
    use op_binary::Kind::{GreaterOrEqual, GreaterThan, LessOrEqual, LessThan};
    use term::Content::{Date, Variable};

    let [query] = check.queries.as_slice() else {
        return None;
    };
    let [predicate] = query.body.as_slice() else {
        return None;
    };
    let [term] = predicate.terms.as_slice() else {
        return None;
    };
    let Some(Variable(time)) = term.content else {
        return None;
    };
    let is_demanded = check.kind.unwrap_or_default() != schema::check::Kind::Reject as i32;
    if !is_demanded || symbols.get_symbol(predicate.name) != Some("time") {
        return None;
    }
    let ends = query.expressions.iter().filter_map(|expression| {
        let contents: Vec<_> = expression
            .ops
            .iter()
            .filter_map(|op| op.content.as_ref())
            .collect();
        let [Value(left), Value(right), Binary(binary)] = contents.as_slice() else {
            return None;
        };
        let kind = schema_kind(binary.kind)?;
        let (date, is_inclusive) = match (&left.content, &right.content, kind) {
            (Some(Variable(name)), Some(Date(date)), LessThan) if *name == time => (date, false),
            (Some(Variable(name)), Some(Date(date)), LessOrEqual) if *name == time => (date, true),
            (Some(Date(date)), Some(Variable(name)), GreaterThan) if *name == time => (date, false),
            (Some(Date(date)), Some(Variable(name)), GreaterOrEqual) if *name == time => {
                (date, true)
            }
            _ => return None,
        };
        let end = Timestamp::from_second(i64::try_from(*date).ok()?).ok()?;
        // `time` has whole seconds: the last one counts to its end.
        if is_inclusive {
            end.checked_add(SignedDuration::from_secs(1)).ok()
        } else {
            Some(end)
        }
    });
    ends.min()
}

/// Whether an attribute can't have this name: it means the user, the request or the whole token.
pub(super) fn is_reserved(name: &str) -> bool {
    AMBIENT.contains(&name) || ["user", "preview", "revision", KEY, CERTIFICATE].contains(&name)
}

pub(super) fn schema_kind(kind: i32) -> Option<op_binary::Kind> {
    op_binary::Kind::from_i32(kind)
}

/// The thumbprint (RFC 7638) of the key that its sender must have, as `jkt` is a JSON Web Token's.
pub(super) const KEY: &str = "bound_key";
/// The hash of the client certificate that its sender must show, as `x5t#S256` is a JSON Web Token's.
pub(super) const CERTIFICATE: &str = "bound_certificate";

/// Facts that describe the request; only this sidecar states them.
const AMBIENT: [&str; 6] = ["host", "method", "operation", "path", "resource", "time"];

fn invalid(detail: &'static str) -> Refusal {
    Refusal::new(ReasonCode::CapabilityInvalid).because(detail)
}
