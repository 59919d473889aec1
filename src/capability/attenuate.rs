//! Narrowing a Biscuit: anyone who holds one can add a block of checks, offline and without any key.

use std::collections::{BTreeSet, HashMap};

use biscuit_auth::UnverifiedBiscuit;
use biscuit_auth::builder::{BlockBuilder, Term, string};
use biscuit_parser::parser::parse_block_source;
use jiff::Timestamp;
use thiserror::Error;

use super::claimed;
use crate::types::Secret;

/// What the narrowed token may still be used for; nothing named, nothing narrowed.
#[derive(Clone, Debug, Default)]
pub struct Restrictions {
    /// Checks in Biscuit Datalog (`check if …`).
    pub checks: Vec<String>,
    /// The end.
    pub expires: Option<Timestamp>,
    /// The methods that stay allowed.
    pub methods: Vec<String>,
    /// The paths that stay allowed, without percent-escapes: exact, or everything below with `/**` at the end.
    pub paths: Vec<String>,
}

impl Restrictions {
    /// The token with one block more.
    ///
    /// # Errors
    /// Refuses what is no Biscuit, a sealed one, and what is no check.
    pub fn attenuate(&self, token: &Secret<String>) -> Result<Secret<String>, AttenuateError> {
        let bytes = claimed::biscuit_bytes(token.expose().trim()).ok_or(AttenuateError::Token)?;
        let claimed = UnverifiedBiscuit::from(bytes).map_err(|_| AttenuateError::Token)?;
        let narrowed = claimed
            .append(self.block()?)
            .map_err(AttenuateError::Append)?;
        narrowed
            .to_base64()
            .map(Secret::new)
            .map_err(AttenuateError::Append)
    }

    fn block(&self) -> Result<BlockBuilder, AttenuateError> {
        let mut block = BlockBuilder::new();
        let mut is_empty = true;
        for check in &self.checks {
            let parsed = parse_block_source(check).map_err(|_| AttenuateError::Check)?;
            if parsed.checks.is_empty() || !parsed.facts.is_empty() || !parsed.rules.is_empty() {
                return Err(AttenuateError::Check);
            }
            block = block.code(check).map_err(|_| AttenuateError::Check)?;
            is_empty = false;
        }
        let mut add = |code: &str, name: &str, value: Term| {
            is_empty = false;
            let values = HashMap::from([(name.to_owned(), value)]);
            let grown = std::mem::take(&mut block).code_with_params(code, values, HashMap::new());
            grown
                .map(|grown| block = grown)
                .map_err(AttenuateError::Append)
        };
        if let Some(end) = self.expires {
            let end = u64::try_from(end.as_second()).map_err(|_| AttenuateError::Expires)?;
            add(
                "check if time($time), $time < {end}",
                "end",
                Term::Date(end),
            )?;
        }
        if !self.methods.is_empty() {
            let methods: BTreeSet<Term> =
                self.methods.iter().map(|method| string(method)).collect();
            add(
                "check if method($method), {methods}.contains($method)",
                "methods",
                Term::Set(methods),
            )?;
        }
        if !self.paths.is_empty() {
            // One check per request: exact paths in a set, each prefix an alternative.
            let mut alternatives = Vec::new();
            let mut values = HashMap::new();
            for (number, path) in self.paths.iter().enumerate() {
                let name = format!("path{number}");
                let code = match path.strip_suffix("/**") {
                    Some(_) => format!("path($path), $path.starts_with({{{name}}})"),
                    None => format!("path({{{name}}})"),
                };
                alternatives.push(code);
                values.insert(name, string(path.strip_suffix("**").unwrap_or(path)));
            }
            let code = format!("check if {}", alternatives.join(" or "));
            is_empty = false;
            block = block
                .code_with_params(code, values, HashMap::new())
                .map_err(AttenuateError::Append)?;
        }
        if is_empty {
            Err(AttenuateError::Nothing)
        } else {
            Ok(block)
        }
    }
}

/// Why a token was not narrowed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AttenuateError {
    /// The block can't be added.
    #[error("can't add a block; perhaps the token is sealed")]
    Append(#[source] biscuit_auth::error::Token),
    /// A check that is none.
    #[error("not a check in Biscuit Datalog; write `check if …`, without facts or rules beside it")]
    Check,
    /// An end before 1970.
    #[error("no token ends before 1970")]
    Expires,
    /// No restriction.
    #[error("nothing to restrict; name a check, an end, a method or a path")]
    Nothing,
    /// The token is no Biscuit.
    #[error("not a Biscuit; only Biscuits can be attenuated")]
    Token,
}
