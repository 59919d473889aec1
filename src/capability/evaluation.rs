//! Holding one token against one request: in place when it is cheap, on threads of its own when it is not.
//!
//! The evaluator can't be interrupted. So what is dear runs on few dedicated threads behind a short
//! queue, and whoever waits gives up at a deadline: a token that keeps the threads busy makes other
//! dear tokens undecided, and nothing else.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use biscuit_auth::builder::{Fact, Term, string};
use biscuit_auth::error::{FailedCheck, Logic, Token as TokenError};
use biscuit_auth::{AuthorizerBuilder, AuthorizerLimits};
use tokio::sync::oneshot;

use super::biscuit::shape;
use super::{Facts, Rule, Verified};
use crate::types::{ReasonCode, Refusal};

/// One token, one request and perhaps one rule, ready to be judged.
pub(super) struct Case {
    verified: Verified,
    builder: AuthorizerBuilder,
    is_cheap: bool,
}

impl Case {
    /// The case, unless there is nothing to judge: a JSON Web Token on a route without a rule.
    pub(super) fn new(
        verified: &Verified,
        facts: &Facts,
        rule: Option<&Rule>,
    ) -> Result<Option<Self>, Refusal> {
        let biscuit = verified.biscuit();
        if let Some(biscuit) = biscuit {
            let is_for = |made_for: &Option<Box<str>>, here: &Option<String>| {
                made_for.is_none() || made_for.as_deref() == here.as_deref()
            };
            if !is_for(&biscuit.preview, &facts.preview)
                || !is_for(&biscuit.revision, &facts.revision)
            {
                return Err(Refusal::new(ReasonCode::CapabilityForbids)
                    .because("it was made for another preview or revision"));
            }
        } else if rule.is_none() {
            return Ok(None);
        }

        let stated = Stated::new(verified, facts, rule.is_some());
        let count = stated.0.len() as u64;
        let known = biscuit
            .map_or(0, |biscuit| biscuit.shape.facts())
            .saturating_add(count);
        let named =
            |name: &str| stated.named(name) + biscuit.map_or(0, |biscuit| biscuit.named(name));
        let rule_cost = rule.map_or(0, |rule| rule.cost(known, named));
        let builder = match rule {
            Some(rule) => Some(rule.builder()),
            None => ALLOW.clone(),
        };
        let builder = builder
            .and_then(|builder| stated.add_to(builder).ok())
            .ok_or_else(|| Refusal::new(ReasonCode::Internal))?
            .set_limits(AuthorizerLimits {
                max_facts: 4096,
                max_iterations: 32,
                max_time: Duration::from_millis(50),
            });
        let is_cheap = biscuit.is_none_or(|biscuit| biscuit.shape.is_cheap(count))
            && rule_cost <= shape::CHEAP;
        let checks_cost = biscuit.map_or(0, |biscuit| biscuit.shape.cost(count));
        if checks_cost.max(rule_cost) > MOST {
            return Err(Refusal::new(ReasonCode::CapabilityTooLarge)
                .because("its facts and checks take too many steps on this route"));
        }
        Ok(Some(Self {
            verified: verified.clone(),
            builder,
            is_cheap,
        }))
    }

    pub(super) fn is_cheap(&self) -> bool {
        self.is_cheap
    }

    /// Judges here and now.
    pub(super) fn judge(self) -> Result<(), Refusal> {
        let biscuit = self.verified.biscuit();
        let builder = self.builder;
        let judged = catch_unwind(AssertUnwindSafe(|| {
            let mut authorizer = match biscuit {
                Some(biscuit) => builder.build(&biscuit.token)?,
                None => builder.build_unauthenticated()?,
            };
            authorizer.authorize()
        }));
        match judged {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refusal(&error, biscuit.is_some())),
            Err(_) => Err(undecided("its evaluation failed")),
        }
    }
}

/// What is judged where a route has no rule: the token's own checks.
static ALLOW: LazyLock<Option<AuthorizerBuilder>> =
    LazyLock::new(|| AuthorizerBuilder::new().policy("allow if true").ok());

/// The facts that a request and its subject bring.
struct Stated(Vec<Fact>);

impl Stated {
    fn new(verified: &Verified, facts: &Facts, for_rule: bool) -> Self {
        let mut stated = Self(Vec::with_capacity(16));
        let seconds = u64::try_from(facts.now.as_second()).unwrap_or_default();
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        stated.add("time", vec![biscuit_auth::builder::date(&time)]);
        stated.say("method", &facts.method);
        stated.say("operation", facts.operation());
        stated.say("path", &facts.path);
        stated.say("resource", &facts.path);
        stated.say("host", &facts.host);
        for (name, value) in [("preview", &facts.preview), ("revision", &facts.revision)] {
            if let Some(value) = value {
                stated.say(name, value);
            }
        }
        if for_rule {
            stated.subject(verified);
        }
        stated
    }

    /// Attributes beside their user, so that rules read alike for both kinds of token; alone, too,
    /// where no block states them.
    fn subject(&mut self, verified: &Verified) {
        let subject = verified.subject();
        let is_jwt = verified.biscuit().is_none();
        for (name, values) in subject.attributes() {
            for value in values {
                if is_jwt {
                    self.say(name, value);
                }
                if name != "user" {
                    self.add(name, vec![string(subject.id()), string(value)]);
                }
            }
        }
    }

    /// How many of them bear a name.
    fn named(&self, name: &str) -> u64 {
        self.0
            .iter()
            .filter(|fact| fact.predicate.name == name)
            .count() as u64
    }

    fn say(&mut self, name: &str, value: &str) {
        self.add(name, vec![string(value)]);
    }

    fn add(&mut self, name: &str, terms: Vec<Term>) {
        self.0.push(Fact::new(name.to_owned(), terms));
    }

    fn add_to(self, builder: AuthorizerBuilder) -> Result<AuthorizerBuilder, TokenError> {
        self.0
            .into_iter()
            .try_fold(builder, AuthorizerBuilder::fact)
    }
}

/// What an evaluation's end means to the client.
fn refusal(error: &TokenError, is_biscuit: bool) -> Refusal {
    match error {
        TokenError::FailedLogic(
            Logic::Unauthorized { checks, .. } | Logic::NoMatchingPolicy { checks },
        ) => {
            let failed = checks.iter().find_map(|check| match check {
                FailedCheck::Block(check) => Some((check.check_id, check.block_id)),
                FailedCheck::Authorizer(_) => None,
            });
            match failed {
                Some((check, block)) => Refusal::new(ReasonCode::CapabilityForbids).because(
                    format!("check {} of block {block} does not hold", check + 1),
                ),
                None => Refusal::new(ReasonCode::NotAuthorized),
            }
        }
        TokenError::RunLimit(_) => undecided("it reached the limits of its evaluation"),
        TokenError::Execution(_) if is_biscuit => Refusal::new(ReasonCode::CapabilityForbids)
            .because("an expression in a check can't be evaluated"),
        TokenError::Execution(_) => Refusal::new(ReasonCode::NotAuthorized)
            .because("an expression in the rule can't be evaluated"),
        _ => Refusal::new(ReasonCode::CapabilityInvalid).because("its blocks don't fit together"),
    }
}

/// Steps that are begun at all, the rule's included.
const MOST: u64 = 4 * shape::DEAREST;

fn undecided(detail: &'static str) -> Refusal {
    Refusal::new(ReasonCode::CapabilityUndecided).because(detail)
}

/// The threads that judge what is dear.
pub(super) struct Pool {
    queue: SyncSender<Job>,
    deadline: Duration,
}

type Job = (Case, oneshot::Sender<Result<(), Refusal>>);

impl Pool {
    pub(super) fn new(threads: usize, deadline: Duration) -> io::Result<Self> {
        let threads = threads.max(1);
        let (queue, jobs) = sync_channel(threads * 8);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new()
                .name(format!("capability-{number}"))
                .spawn(move || work(&jobs))?;
        }
        Ok(Self { queue, deadline })
    }

    /// Judges on one of the threads, or gives up at the deadline.
    pub(super) async fn judge(&self, case: Case) -> Result<(), Refusal> {
        let (answer, judged) = oneshot::channel();
        self.queue
            .try_send((case, answer))
            .map_err(|_| undecided("too many costly tokens wait"))?;
        match tokio::time::timeout(self.deadline, judged).await {
            Ok(Ok(judged)) => judged,
            Ok(Err(_)) | Err(_) => Err(undecided("it took too long")),
        }
    }
}

/// Works until every sender is gone.
fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((case, answer)) = next else {
            return;
        };
        // Whoever gave up needs no answer.
        if !answer.is_closed() {
            let _ = answer.send(case.judge());
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
