//! The reviewers that a policy names, and what their approvals of one binding come to.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use super::{Approval, Binding};
use crate::capability::RootKey;
use crate::types::Level;

/// An approval that ends later than this counts for nothing: approvals are renewed, not kept.
const LONGEST: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Whether `end` is near enough for an approval.
pub(super) fn is_near(end: Timestamp, now: Timestamp) -> bool {
    now.checked_add(LONGEST).is_ok_and(|latest| end <= latest)
}

/// One reviewer: whose key it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewer {
    key: RootKey,
    user: Box<str>,
}

impl Reviewer {
    /// Reads `ed25519/HEX USER`, a line of a file of reviewers.
    ///
    /// # Errors
    /// Refuses lines without a user: the originator's own approval could not be told apart.
    pub fn parse(line: &str) -> Result<Self, ReviewError> {
        let (key, user) = line
            .trim()
            .split_once(char::is_whitespace)
            .ok_or(ReviewError::User)?;
        let key = RootKey::parse(key).map_err(|_| ReviewError::Key)?;
        let user = user.trim();
        if !key.is_ed25519() {
            return Err(ReviewError::Key);
        }
        if !super::is_name(user) || user.contains(char::is_whitespace) {
            return Err(ReviewError::User);
        }
        Ok(Self {
            key,
            user: user.into(),
        })
    }
}

/// Which level routes need where they say none, who grants levels, and how many must agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    require: Level,
    reviewers: Vec<Reviewer>,
    approvals: usize,
}

impl Review {
    /// The demands of a policy.
    ///
    /// # Errors
    /// Refuses fewer people than must agree, a key of two people, and a review that asks for nothing.
    pub fn new(
        require: Level,
        reviewers: Vec<Reviewer>,
        approvals: usize,
    ) -> Result<Self, ReviewError> {
        if require == Level::Unreviewed || approvals == 0 {
            return Err(ReviewError::Nothing);
        }
        for (at, reviewer) in reviewers.iter().enumerate() {
            let mut others = reviewers.iter().skip(at + 1);
            if others.any(|it| it.key == reviewer.key && !is_same(&it.user, &reviewer.user)) {
                return Err(ReviewError::Twice);
            }
        }
        let mut users = Vec::new();
        for reviewer in &reviewers {
            add_user(&mut users, &reviewer.user);
        }
        if users.len() < approvals {
            return Err(ReviewError::Few);
        }
        Ok(Self {
            require,
            reviewers,
            approvals,
        })
    }

    /// The level that routes need where they say none.
    #[must_use]
    pub fn require(&self) -> Level {
        self.require
    }

    /// How far reviewers trust what `binding` is about.
    #[must_use]
    pub fn level(&self, binding: &Binding, now: Timestamp) -> Level {
        [Level::Cleared, Level::OkToTest]
            .into_iter()
            .find(|level| self.users(binding, *level, now).len() >= self.approvals)
            .unwrap_or(Level::Unreviewed)
    }

    /// The instant at which the level may fall by itself: the next end of an approval.
    #[must_use]
    pub fn changes(&self, binding: &Binding, now: Timestamp) -> Option<Timestamp> {
        let ends = binding.approvals().iter().map(Approval::expires);
        ends.filter(|end| *end > now).min()
    }

    /// What is missing for `level`, and the command that a maintainer runs.
    #[must_use]
    pub fn missing(&self, binding: &Binding, level: Level, now: Timestamp) -> String {
        let word = level.as_str();
        let mut text = format!(
            "revision {} of {} has {} of {} approvals `{word}`",
            binding.revision(),
            binding.preview(),
            self.users(binding, level, now).len(),
            self.approvals,
        );
        let mut notes: Vec<&str> = Vec::new();
        for approval in binding.approvals() {
            if let Err(note) = self.user(binding, approval, level, now)
                && !notes.contains(&note)
            {
                notes.push(note);
            }
        }
        for note in notes {
            let _ = write!(text, "; {note}");
        }
        let _ = write!(
            text,
            "; a maintainer runs: chaperone approve --binding FILE --revision {} --level {word} --key KEY",
            binding.revision(),
        );
        text
    }

    fn users(&self, binding: &Binding, level: Level, now: Timestamp) -> Vec<&str> {
        let mut users = Vec::new();
        for approval in binding.approvals() {
            if let Ok(user) = self.user(binding, approval, level, now) {
                add_user(&mut users, user);
            }
        }
        users
    }

    /// Whose approval counts for `level`, or why it does not.
    fn user(
        &self,
        binding: &Binding,
        approval: &Approval,
        level: Level,
        now: Timestamp,
    ) -> Result<&str, &'static str> {
        let reviewer = self
            .reviewers
            .iter()
            .find(|reviewer| reviewer.key == approval.key())
            .ok_or("an approval is by a key that the policy does not name")?;
        if is_same(&reviewer.user, binding.originator()) {
            return Err("the originator's own approval does not count");
        }
        if approval.revision() != binding.revision() {
            return Err("an approval is for another revision");
        }
        if now >= approval.expires() {
            return Err("an approval has ended");
        }
        if !is_near(approval.expires(), now) {
            return Err("an approval would hold for more than 90 days");
        }
        if approval.level() < level {
            return Err("an approval is for a lower level");
        }
        Ok(&reviewer.user)
    }
}

/// Forges fold the letter case of names; what could be one person counts as one.
fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn add_user<'u>(users: &mut Vec<&'u str>, user: &'u str) {
    if !users.iter().any(|known| is_same(known, user)) {
        users.push(user);
    }
}

/// What is wrong with the reviewers of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReviewError {
    /// More must agree than there are.
    #[error("there are fewer reviewers than must agree")]
    Few,
    /// A line without an Ed25519 public key.
    #[error("not an Ed25519 public key; write `ed25519/HEX USER`")]
    Key,
    /// Nothing is asked for.
    #[error("a review asks for a level and at least one approval")]
    Nothing,
    /// One key under two names.
    #[error("one key stands there under two names")]
    Twice,
    /// A key of nobody in particular.
    #[error(
        "a reviewer's key without its user; write `ed25519/HEX USER`: nobody approves their own change"
    )]
    User,
}
