//! A route's `authorize:` rule: allow and deny policies in Biscuit Datalog, written by the policy's reviewers.
//!
//! They see the subject the same way whichever token it came with: `user("alice")`, and every attribute both
//! alone, `group("buyers")`, and beside the user, `group("alice", "buyers")`; and the request's [`super::Facts`].

use std::fmt;

use biscuit_auth::AuthorizerBuilder;
use biscuit_parser::builder as syntax;
use biscuit_parser::parser::parse_source;
use thiserror::Error;

/// A parsed rule.
#[derive(Clone)]
pub struct Rule {
    source: Box<str>,
    builder: AuthorizerBuilder,
    /// The names of the predicates that each query joins.
    queries: Vec<Vec<Box<str>>>,
}

impl Rule {
    /// Reads `allow if …` and `deny if …` policies; checks, rules and facts may stand beside them.
    ///
    /// # Errors
    /// Refuses what is no Datalog, names no `allow`, derives facts, or joins more than eight.
    pub fn parse(source: &str) -> Result<Self, RuleError> {
        let code = with_semicolon(source);
        let parsed = parse_source(&code).map_err(|errors| {
            let rest = errors.first().map_or("", |error| error.input);
            let said = errors.first().and_then(|error| error.message.as_deref());
            let offset = place(&code, rest).min(source.len());
            RuleError::at(offset, said.unwrap_or("not Biscuit Datalog"))
        })?;
        if !parsed
            .policies
            .iter()
            .any(|(_, policy)| policy.kind == syntax::PolicyKind::Allow)
        {
            return Err(RuleError::at(0, "a rule needs at least one `allow if`"));
        }
        let judged = parsed
            .policies
            .iter()
            .flat_map(|(_, policy)| &policy.queries);
        let judged = judged.chain(parsed.checks.iter().flat_map(|(_, check)| &check.queries));
        let names = |query: &syntax::Rule| {
            query
                .body
                .iter()
                .map(|predicate| predicate.name.as_str().into())
                .collect()
        };
        let queries: Vec<Vec<Box<str>>> = judged.map(names).collect();
        if queries.iter().any(|names| names.len() > JOINS) {
            return Err(RuleError::at(0, "a rule may join eight facts at most"));
        }
        if !parsed.rules.is_empty() {
            return Err(RuleError::at(
                0,
                "a rule can't derive facts; write the condition after `if`",
            ));
        }
        let builder = AuthorizerBuilder::new()
            .code(&code)
            .map_err(|_| RuleError::at(0, "a variable or parameter in the rule is not bound"))?;
        Ok(Self {
            source: source.into(),
            builder,
            queries,
        })
    }

    pub(super) fn builder(&self) -> AuthorizerBuilder {
        self.builder.clone()
    }

    /// The steps that judging it takes among `facts` facts, of which `named` bear a name: each predicate
    /// looks through all facts, once for every match of those before it.
    pub(super) fn cost(&self, facts: u64, named: impl Fn(&str) -> u64) -> u64 {
        let query = |names: &Vec<Box<str>>| {
            let mut rounds = 1_u64;
            let mut steps = 1_u64;
            for name in names {
                steps = steps.saturating_add(rounds.saturating_mul(facts));
                rounds = rounds.saturating_mul(named(name));
            }
            steps
        };
        self.queries.iter().map(query).fold(0, u64::saturating_add)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rule").field(&self.source).finish()
    }
}

/// Where `rest`, a part of `code`, begins in it.
fn place(code: &str, rest: &str) -> usize {
    (rest.as_ptr() as usize).saturating_sub(code.as_ptr() as usize)
}

/// Policy authors may leave out the last semicolon.
fn with_semicolon(source: &str) -> String {
    let mut code = source.to_owned();
    if !source.trim_end().ends_with(';') {
        code.push(';');
    }
    code
}

/// Predicates that one query of a rule may join.
const JOINS: usize = 8;

/// Why text is not a rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct RuleError {
    /// Where in the rule, in bytes.
    pub offset: usize,
    /// What is wrong there.
    pub message: String,
}

impl RuleError {
    fn at(offset: usize, message: &str) -> Self {
        Self {
            offset,
            message: message.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rule;

    #[test]
    fn reads_policies_with_and_without_the_last_semicolon() {
        Rule::parse(r#"allow if user($u), group($u, "buyers");"#).unwrap();
        Rule::parse("deny if method(\"DELETE\"); allow if user($u)\n").unwrap();
    }

    #[test]
    fn refuses_with_the_place() {
        let source = r#"allow if user($u); allow if grp("x"#;
        let error = Rule::parse(source).unwrap_err();
        assert!((18..=source.len()).contains(&error.offset), "{error:?}");
        for source in [
            "",
            "user(\"a\")",
            "deny if true",
            "g($u) <- user($u); allow if g($u)",
            "allow if a($a), b($a), c($a), d($a), e($a), f($a), g($a), h($a), i($a)",
        ] {
            Rule::parse(source).unwrap_err();
        }
    }
}
