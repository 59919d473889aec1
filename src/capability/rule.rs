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
    joins: usize,
    queries: usize,
}

impl Rule {
    /// Reads `allow if …` and `deny if …` policies; checks, rules and facts may stand beside them.
    ///
    /// # Errors
    /// Refuses what is no Datalog, names no `allow`, or asks for more than four joined predicates.
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
        let mut joins = 0;
        let mut queries = 0;
        let all = parsed
            .policies
            .iter()
            .flat_map(|(_, policy)| &policy.queries);
        let all = all.chain(parsed.checks.iter().flat_map(|(_, check)| &check.queries));
        for rule in all.chain(parsed.rules.iter().map(|(_, rule)| rule)) {
            joins = joins.max(rule.body.len());
            queries += 1;
        }
        if joins > 4 {
            return Err(RuleError::at(0, "a rule may join four predicates at most"));
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
            joins,
            queries,
        })
    }

    pub(super) fn builder(&self) -> AuthorizerBuilder {
        self.builder.clone()
    }

    /// The steps that judging it among `facts` facts may take.
    pub(super) fn cost(&self, facts: u64) -> u64 {
        let joins = u32::try_from(self.joins).unwrap_or(u32::MAX);
        facts
            .saturating_pow(joins)
            .saturating_mul(self.queries as u64)
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
            "allow if a($a), b($a), c($a), d($a), e($a)",
        ] {
            Rule::parse(source).unwrap_err();
        }
    }
}
