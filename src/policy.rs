//! Policy: the file in which reviewers say what may pass, and the decision about each request.
//!
//! [`load`] reads a file into a [`Policy`], or says everything that is wrong with it at once.
//! [`Policy::route`] and [`Policy::decide`] are pure: no clock, no I/O. A request is let through only
//! with the [`Permit`] that `decide` gives.

pub mod built_in;
mod compile;
mod decide;
mod decode;
pub mod descriptors;
mod diagnostic;
pub mod dictionary;
mod document;
mod field;
mod files;
mod later;
mod pattern;
pub mod permit;
mod route;
mod source;
mod suggest;
pub mod treatment;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::Method;
use jiff::Timestamp;

pub use decide::Decision;
pub use diagnostic::Diagnostic;
pub use permit::Permit;
pub use route::Routed;

use crate::capability::binding::Review;
use crate::capability::{self, Revocations, RevokedError, RootKey, Source};
use crate::policy::files::Inputs;
use crate::policy::route::Table;
use crate::policy::treatment::{DetectPlan, MediaRange};
use crate::types::{Origin, Target};

/// Whether rules act, or are only recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The rules act.
    Enforce,
    /// What the rules would do is recorded, and nothing is changed.
    Observe,
}

/// A route that opens what is closed unless said: lets bodies pass unscanned, pages turn to other
/// origins, or those of other origins read its answers.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The route; its rule is the route's `match`.
    pub origin: &'a Origin,
    /// The types that pass unscanned.
    pub content: &'a [MediaRange],
    /// The origins that pages may turn to, by the directive of the content security policy.
    pub csp: &'a [(&'static str, Vec<Box<str>>)],
    /// The origins whose pages may read the answers.
    pub cors: &'a [Box<str>],
}

/// A policy that was read, checked and compiled.
#[derive(Debug)]
pub struct Policy {
    name: Box<str>,
    inputs: Inputs,
    mode: Mode,
    capability: capability::Settings,
    detect: Arc<DetectPlan>,
    table: Table,
    bound: Option<Bound>,
    revoked: Revocations,
    warnings: Vec<Diagnostic>,
}

/// What a policy asks of the preview's binding.
#[derive(Debug)]
struct Bound {
    keys: Vec<RootKey>,
    review: Option<Review>,
    sharing: Option<Box<str>>,
}

/// Reads the policy at `path` and every file that it names.
///
/// # Errors
/// Gives every mistake at once, in the order of their places.
pub fn load(path: &Path) -> Result<Policy, Vec<Diagnostic>> {
    compile::load(path)
}

/// Reads a policy from its text, as if it stood at `path`; files that it names are read.
///
/// # Errors
/// Gives every mistake at once, in the order of their places.
pub fn parse(path: &Path, text: &str) -> Result<Policy, Vec<Diagnostic>> {
    compile::parse(path, text)
}

/// The JSON Schema of policy files, for completion in editors.
#[must_use]
pub fn schema() -> schemars::Schema {
    document::schema()
}

impl Policy {
    /// The name that the file gives it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The BLAKE3 hash (hexadecimal) of the policy file and every file that it reads.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.inputs.hash
    }

    /// Whether the files from which it was loaded, the first of them `path`, still hold the same. That costs a fraction of
    /// the time and memory of loading it again. A policy that was parsed from a text is never current.
    #[must_use]
    pub fn is_current(&self, path: &Path) -> bool {
        self.inputs.are_current(path)
    }

    /// Whether its rules act.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The tokens that it accepts.
    #[must_use]
    pub fn capability(&self) -> &capability::Settings {
        &self.capability
    }

    /// The detectors, dictionaries and embargoes: they hold on every route.
    #[must_use]
    pub fn detect(&self) -> &Arc<DetectPlan> {
        &self.detect
    }

    /// The preview must have a binding.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.bound.is_some()
    }

    /// The keys that may sign the preview's binding.
    #[must_use]
    pub fn binding_keys(&self) -> &[RootKey] {
        self.bound.as_ref().map_or(&[], |bound| &bound.keys)
    }

    /// Whose approval what runs needs; none where the policy asks for none.
    #[must_use]
    pub fn review(&self) -> Option<&Review> {
        self.bound.as_ref()?.review.as_ref()
    }

    /// Why one pod may serve several users, once it is cleared; otherwise it serves one.
    #[must_use]
    pub fn sharing(&self) -> Option<&str> {
        self.bound.as_ref()?.sharing.as_deref()
    }

    /// The capabilities that no longer hold.
    #[must_use]
    pub fn revoked(&self) -> &Revocations {
        &self.revoked
    }

    /// What it reads from addresses: key sets and revocations.
    #[must_use]
    pub fn published(&self) -> Vec<Arc<dyn Source>> {
        let keys = self.capability.published();
        keys.chain(self.revoked.source()).collect()
    }

    /// Takes over what `before`, the policy in force, has read from the same addresses.
    ///
    /// # Errors
    /// Refuses a list of revocations that was written before the one in force.
    pub fn follow(&self, before: &Self, now: Timestamp) -> Result<(), RevokedError> {
        let known = before.published();
        for source in self.published() {
            let is_same = |known: &&Arc<dyn Source>| {
                known.what() == source.what() && known.address().url == source.address().url
            };
            let last = known.iter().find(is_same).and_then(|known| known.last());
            if let Some((text, confirmed)) = last
                && let Err(error) = source.take(&text, confirmed.min(now))
            {
                let what = source.what();
                tracing::warn!(
                    error,
                    what,
                    "what was read before does not fit the changed policy"
                );
            }
        }
        match (self.revoked.fixed_list(), before.revoked.fixed_list()) {
            (Some(list), Some(old)) => list.clone().replaces(old).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// What is no mistake and may not be meant.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Every file that it was read from; a change of any is a change of the policy.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.inputs.paths
    }

    /// How many routes it has.
    #[must_use]
    pub fn routes(&self) -> usize {
        self.table.len()
    }

    /// The routes that open what is closed unless said, in the order of the file.
    #[must_use]
    pub fn openings(&self) -> Vec<Opening<'_>> {
        let mut openings: Vec<Opening<'_>> = self.table.openings().collect();
        openings.sort_by_key(|opening| opening.origin.line);
        openings
    }

    /// The route that a request falls under; none blocks it.
    #[must_use]
    pub fn route(&self, method: &Method, target: &Target) -> Option<Routed> {
        self.table.find(method, target)
    }

    /// The route, where exactly one lets anything pass.
    #[must_use]
    pub fn only_route(&self) -> Option<Routed> {
        self.table.only()
    }
}

#[cfg(test)]
mod tests;
