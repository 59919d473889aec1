//! From a binding's signed bytes to its meaning. What is not known here is not guessed: it voids the token.

use biscuit_auth::format::schema::{self, term};
use jiff::Timestamp;

use super::draft::{FORM, is_digest, is_host, is_name};
use super::{Approval, Audience, Binding, BindingError};
use crate::capability::RootKey;
use crate::capability::biscuit::{self, Blocks};
use crate::types::Level;

/// A fact's one value.
#[derive(Clone, Copy)]
enum Value<'b> {
    Text(&'b str),
    Number(i64),
    Date(Timestamp),
}

/// Reads the blocks in `bytes`; `signers` are the third parties behind them, by block.
pub(super) fn binding(bytes: &[u8], signers: &[Option<RootKey>]) -> Result<Binding, BindingError> {
    let blocks = Blocks::of_bytes(bytes).ok_or(BindingError("a block of it can't be read"))?;
    if blocks.blocks.len() != signers.len() {
        return Err(BindingError("a block of it can't be read"));
    }
    let mut draft = Reading::default();
    for (fact, value) in blocks.facts(0)? {
        draft.take(fact, value)?;
    }
    let mut expires: Option<Timestamp> = None;
    let mut approvals = Vec::new();
    for (index, signer) in signers.iter().enumerate() {
        for end in blocks.ends(index)? {
            expires = Some(expires.map_or(end, |known| known.min(end)));
        }
        if index > 0 {
            let is_known = blocks.facts(index);
            if let Some(key) = signer {
                // A stranger may add anything; what is no approval grants nothing.
                approvals.extend(is_known.ok().and_then(|facts| approval(*key, &facts)));
            }
        }
    }
    draft.finish(expires, approvals)
}

#[derive(Default)]
struct Reading<'b> {
    form: Option<i64>,
    preview: Option<&'b str>,
    revision: Option<&'b str>,
    originator: Option<&'b str>,
    hosts: Vec<&'b str>,
    images: Vec<&'b str>,
    audience: Vec<Audience>,
}

impl<'b> Reading<'b> {
    fn take(&mut self, fact: &'b str, value: Value<'b>) -> Result<(), BindingError> {
        match (fact, value) {
            ("chaperone_binding", Value::Number(form)) => only(&mut self.form, form),
            ("preview", Value::Text(name)) => only(&mut self.preview, name),
            ("revision", Value::Text(name)) => only(&mut self.revision, name),
            ("originator", Value::Text(name)) => only(&mut self.originator, name),
            ("host", Value::Text(host)) if is_host(host) => {
                self.hosts.push(host);
                Ok(())
            }
            ("image", Value::Text(image)) if is_digest(image) => {
                self.images.push(image);
                Ok(())
            }
            ("audience", Value::Text(audience)) => {
                let audience = audience
                    .parse()
                    .map_err(|_| BindingError("its audience is not known"))?;
                self.audience.push(audience);
                Ok(())
            }
            _ => Err(BindingError("its first block states what is not known")),
        }
    }

    fn finish(
        self,
        expires: Option<Timestamp>,
        approvals: Vec<Approval>,
    ) -> Result<Binding, BindingError> {
        if self.form != Some(FORM) {
            return Err(BindingError("it is no binding of form 1"));
        }
        let name = |name: Option<&str>, missing| {
            name.filter(|name| is_name(name))
                .map(Box::<str>::from)
                .ok_or(BindingError(missing))
        };
        if self.hosts.is_empty() || self.audience.is_empty() {
            return Err(BindingError("it names no host or no audience"));
        }
        Ok(Binding {
            preview: name(self.preview, "it names no preview")?,
            revision: name(self.revision, "it names no revision")?,
            originator: name(self.originator, "it names no originator")?,
            hosts: self.hosts.into_iter().map(Into::into).collect(),
            images: self.images.into_iter().map(Into::into).collect(),
            audience: self.audience,
            expires: expires.ok_or(BindingError("it never ends"))?,
            approvals,
        })
    }
}

/// The approval that a third party's block states; none where it states another thing, or two.
fn approval(key: RootKey, facts: &[(&str, Value<'_>)]) -> Option<Approval> {
    let mut said = None;
    let mut ends = None;
    for (fact, value) in facts {
        match (*fact, *value) {
            ("ok_to_test", Value::Text(revision)) => {
                only(&mut said, (Level::OkToTest, revision)).ok()?;
            }
            ("cleared", Value::Text(revision)) => {
                only(&mut said, (Level::Cleared, revision)).ok()?;
            }
            ("approval_ends", Value::Date(end)) => only(&mut ends, end).ok()?,
            _ => return None,
        }
    }
    let (level, revision) = said?;
    Some(Approval {
        key,
        level,
        revision: revision.into(),
        expires: ends?,
    })
}

fn only<T>(slot: &mut Option<T>, value: T) -> Result<(), BindingError> {
    if slot.replace(value).is_some() {
        return Err(BindingError("it says one thing twice"));
    }
    Ok(())
}

impl Blocks {
    /// The facts of one block, each of exactly one value of a known kind; a rule voids them.
    fn facts(&self, index: usize) -> Result<Vec<(&str, Value<'_>)>, BindingError> {
        const FORM: BindingError = BindingError("a block of it has facts of another form");
        let (block, symbols) = self.blocks.get(index).ok_or(FORM)?;
        if !block.rules.is_empty() {
            return Err(BindingError("a block of it has rules"));
        }
        let facts = block.facts.iter().map(|fact| {
            let name = symbols.get_symbol(fact.predicate.name).ok_or(FORM)?;
            let [term] = fact.predicate.terms.as_slice() else {
                return Err(FORM);
            };
            let value = match term.content {
                Some(term::Content::String(text)) => {
                    Value::Text(symbols.get_symbol(text).ok_or(FORM)?)
                }
                Some(term::Content::Integer(number)) => Value::Number(number),
                Some(term::Content::Date(date)) => {
                    let date = i64::try_from(date).ok();
                    let date = date.and_then(|date| Timestamp::from_second(date).ok());
                    Value::Date(date.ok_or(FORM)?)
                }
                _ => return Err(FORM),
            };
            Ok((name, value))
        });
        facts.collect()
    }

    /// The ends that the checks of one block set; any other check can't be judged and voids the token.
    fn ends(&self, index: usize) -> Result<Vec<Timestamp>, BindingError> {
        const OTHER: BindingError = BindingError("a check in it is no end");
        let (block, symbols) = self.blocks.get(index).ok_or(OTHER)?;
        let ends = block.checks.iter().map(|check| {
            let is_plain =
                |query: &schema::Rule| query.expressions.len() == 1 && query.scope.is_empty();
            if !check.queries.iter().all(is_plain) {
                return Err(OTHER);
            }
            biscuit::expiry(check, symbols).ok_or(OTHER)
        });
        ends.collect()
    }
}
