//! The verdict of `chaperone token verify` on any well-formed token, in bounded time.
//!
//! Unlike [`super::Verifier`] it has no shape gate and takes every key and block that the formats allow: what a
//! token says is for the authorizer beside it to judge. A Biscuit is evaluated on a thread of its own that is
//! left behind when it takes too long.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use biscuit_auth::builder::Term;
use biscuit_auth::datalog::ExternFunc;
use biscuit_auth::{AuthorizerBuilder, AuthorizerLimits, Biscuit};
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use super::jwt::{self, Compact, Demands};
use super::settings::JwtAlgorithm;
use super::{KeySet, RootKey, claimed, json};
use crate::types::Subject;

/// Judges a JSON Web Signature: its form, its header and its key, not what it says.
///
/// # Errors
/// Says why the token is rejected.
pub fn jws(keys: &KeySet, token: &str) -> Result<(), Rejection> {
    payload(keys, token).map(|_| ())
}

/// Judges a JSON Web Token: as [`jws`], and its claims.
///
/// # Errors
/// Says why the token is rejected.
pub fn jwt(
    keys: &KeySet,
    issuer: Option<&str>,
    audience: Option<&str>,
    token: &str,
    now: Timestamp,
) -> Result<(), Rejection> {
    let payload = payload(keys, token)?;
    let claims =
        json::object(&payload).ok_or(Rejection::Token("its claims are not one JSON object"))?;
    let times = Demands { issuer, audience }
        .hold(&claims)
        .map_err(Rejection::Token)?;
    if claims.contains_key("cnf") {
        return Err(Rejection::Token(
            "it is bound to a key, and its proof can't be checked here",
        ));
    }
    let subject = claims
        .get("sub")
        .and_then(|sub| sub.as_str())
        .unwrap_or_default();
    if Subject::new(subject, []).is_none() {
        return Err(Rejection::Token(
            "its `sub` is missing, empty or holds control characters",
        ));
    }
    let leeway = SignedDuration::from_secs(60);
    if times
        .expires
        .checked_add(leeway)
        .is_ok_and(|end| now >= end)
    {
        return Err(Rejection::Token("it has expired"));
    }
    let latest = now.checked_add(leeway).unwrap_or(now);
    if times.not_before.is_some_and(|start| latest < start) {
        return Err(Rejection::Token("it is not valid yet"));
    }
    Ok(())
}

fn payload(keys: &KeySet, token: &str) -> Result<Vec<u8>, Rejection> {
    let compact = Compact::split(token).ok_or(Rejection::Token(
        "it is not a JSON Web Signature in compact form",
    ))?;
    jwt::verify(&compact, keys, JwtAlgorithm::ALL).map_err(Rejection::Token)
}

/// The Datalog that a Biscuit is held against.
#[derive(Clone, Debug)]
pub struct Authorizer(AuthorizerBuilder);

impl Authorizer {
    /// Reads facts, rules, checks and policies.
    ///
    /// # Errors
    /// Says where it is no Datalog.
    pub fn parse(code: &str) -> Result<Self, AuthorizerError> {
        AuthorizerBuilder::new()
            .code(code)
            .map(|builder| Self(builder.register_extern_func("test".to_owned(), sample_function())))
            .map_err(AuthorizerError)
    }
}

/// Text that is no authorizer.
#[derive(Debug, Error)]
#[error("not Biscuit Datalog")]
pub struct AuthorizerError(#[source] biscuit_auth::error::Token);

/// Judges a Biscuit, in base64 or as bytes, within `limit`.
///
/// # Errors
/// Says why the token is rejected.
pub fn biscuit(
    root: &RootKey,
    authorizer: Authorizer,
    token: &[u8],
    limit: Duration,
) -> Result<(), Rejection> {
    let root = root.key();
    let bytes = biscuit_bytes(token);
    let (answer, judged) = mpsc::channel();
    let work = move || {
        let verdict = Biscuit::from(bytes, root)
            .map_err(|_| Rejection::Token("its form or its signature does not hold"))
            .and_then(|token| authorize(authorizer, &token, limit));
        // Whoever waited may have given up.
        let _ = answer.send(verdict);
    };
    thread::Builder::new()
        .name("judge".to_owned())
        .spawn(work)
        .map_err(Rejection::Thread)?;
    match judged.recv_timeout(limit) {
        Ok(verdict) => verdict,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(Rejection::Undecided),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(Rejection::Token("its evaluation failed")),
    }
}

fn authorize(authorizer: Authorizer, token: &Biscuit, limit: Duration) -> Result<(), Rejection> {
    let limits = AuthorizerLimits {
        max_facts: 1000,
        max_iterations: 100,
        max_time: limit,
    };
    let mut authorizer = authorizer
        .0
        .set_limits(limits)
        .build(token)
        .map_err(|_| Rejection::Token("its blocks don't fit together"))?;
    authorizer
        .authorize()
        .map(|_| ())
        .map_err(Rejection::Authorizer)
}

/// The bytes of a token that came as text, in either alphabet, or as itself.
fn biscuit_bytes(token: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(token)
        .map(str::trim)
        .unwrap_or_default();
    claimed::biscuit_bytes(text)
        .or_else(|| STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty()))
        .unwrap_or_else(|| token.to_vec())
}

/// The one host function that the specification's samples call. `run` offers none and refuses such checks.
fn sample_function() -> ExternFunc {
    ExternFunc::new(Arc::new(|left, right| match (left, right) {
        (value, None) => Ok(value),
        (Term::Str(left), Some(Term::Str(right))) => {
            let equality = if left == right { "equal" } else { "different" };
            Ok(Term::Str(format!("{equality} strings")))
        }
        _ => Err("unsupported operands".to_owned()),
    }))
}

/// Why a token is rejected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The authorizer or a check does not allow it.
    #[error("the authorizer or a check does not allow it")]
    Authorizer(#[source] biscuit_auth::error::Token),
    /// No thread could be had to judge it on.
    #[error("can't start a thread that judges it")]
    Thread(#[source] std::io::Error),
    /// The token itself does not hold.
    #[error("{0}")]
    Token(&'static str),
    /// It can't be judged in time.
    #[error("it can't be judged in bounded time")]
    Undecided,
}
