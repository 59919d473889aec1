//! Reads a filter's logical expression and types its functions.

use super::error::SelectorError;
use super::query;
use super::reader::Reader;
use super::{Comparison, Operand, Pattern, Segment, Test, is_singular};

/// Reads a logical expression.
pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Test, SelectorError> {
    let mut any = vec![conjunction(reader)?];
    while operator(reader, "||") {
        any.push(conjunction(reader)?);
    }
    Ok(single_or(any, Test::Any))
}

fn conjunction(reader: &mut Reader<'_>) -> Result<Test, SelectorError> {
    let mut all = vec![basic(reader)?];
    while operator(reader, "&&") {
        all.push(basic(reader)?);
    }
    Ok(single_or(all, Test::All))
}

fn single_or(mut tests: Vec<Test>, wrap: impl FnOnce(Vec<Test>) -> Test) -> Test {
    match tests.pop() {
        Some(only) if tests.is_empty() => only,
        Some(last) => {
            tests.push(last);
            wrap(tests)
        }
        None => wrap(tests),
    }
}

/// Eats blanks, `sign` and blanks; eats nothing where `sign` does not follow.
fn operator(reader: &mut Reader<'_>, sign: &str) -> bool {
    let start = reader.offset();
    reader.blanks();
    if reader.eat(sign) {
        reader.blanks();
        return true;
    }
    reader.rewind(start);
    false
}

fn basic(reader: &mut Reader<'_>) -> Result<Test, SelectorError> {
    let start = reader.offset();
    let is_negated = reader.eat("!");
    reader.blanks();
    let test = if reader.eat("(") {
        reader.enter()?;
        reader.blanks();
        let inner = parse(reader)?;
        reader.blanks();
        if !reader.eat(")") {
            return Err(reader.invalid("expected `)`"));
        }
        reader.leave();
        inner
    } else {
        let offset = reader.offset();
        let term = term(reader)?;
        match comparison(reader) {
            Some(_) if is_negated => {
                return Err(Reader::invalid_at(
                    start,
                    "`!` before a comparison needs parentheses",
                ));
            }
            Some(sign) => {
                let left = operand(offset, term)?;
                let offset = reader.offset();
                let right = self::term(reader)?;
                Test::Compare(left, sign, operand(offset, right)?)
            }
            None => as_test(offset, term)?,
        }
    };
    Ok(if is_negated {
        Test::Not(Box::new(test))
    } else {
        test
    })
}

/// Reads a comparison operator with the blanks around it; none, and nothing eaten, without one.
fn comparison(reader: &mut Reader<'_>) -> Option<Comparison> {
    const SIGNS: [(&str, Comparison); 6] = [
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];
    SIGNS
        .into_iter()
        .find_map(|(sign, comparison)| operator(reader, sign).then_some(comparison))
}

/// What can stand on a side of a comparison, in a call, or alone.
enum Term {
    Literal(Operand),
    Nodes(Vec<Segment>),
    Value(Operand),
    Logical(Test),
}

fn term(reader: &mut Reader<'_>) -> Result<Term, SelectorError> {
    let offset = reader.offset();
    match reader.peek() {
        Some('@') => {
            reader.eat("@");
            query::segments(reader).map(Term::Nodes)
        }
        Some('$') => {
            reader.eat("$");
            query::refuse_absolute(reader, offset);
            query::segments(reader).map(Term::Nodes)
        }
        Some('\'' | '"') => Ok(Term::Literal(Operand::Text(reader.string()?))),
        Some('-' | '0'..='9') => Ok(Term::Literal(Operand::Number(reader.number()?))),
        Some('a'..='z') => word(reader),
        _ => Err(reader.invalid("expected `@`, a literal, a function or `(`")),
    }
}

fn word(reader: &mut Reader<'_>) -> Result<Term, SelectorError> {
    let offset = reader.offset();
    let rest = reader.rest();
    let end = rest
        .find(|letter: char| {
            !letter.is_ascii_lowercase() && !letter.is_ascii_digit() && letter != '_'
        })
        .unwrap_or(rest.len());
    let name = rest.get(..end).unwrap_or_default();
    reader.eat(name);
    if reader.eat("(") {
        return call(reader, offset, name);
    }
    Ok(Term::Literal(match name {
        "true" => Operand::Bool(true),
        "false" => Operand::Bool(false),
        "null" => Operand::Null,
        _ => {
            return Err(Reader::invalid_at(
                offset,
                "expected `@`, a literal or a function call",
            ));
        }
    }))
}

fn call(reader: &mut Reader<'_>, offset: usize, name: &str) -> Result<Term, SelectorError> {
    reader.enter()?;
    let arguments = arguments(reader)?;
    reader.leave();
    let wrong = || {
        Reader::invalid_at(
            offset,
            "the function's arguments are not of the types it takes",
        )
    };
    let mut arguments = arguments.into_iter();
    let first = arguments.next();
    let second = arguments.next();
    if arguments.next().is_some() {
        return Err(wrong());
    }
    match (name, first, second) {
        ("length", Some((at, term)), None) => {
            Ok(Term::Value(Operand::Length(Box::new(operand(at, term)?))))
        }
        ("count", Some((_, Term::Nodes(query))), None) => Ok(Term::Value(Operand::Count(query))),
        ("value", Some((_, Term::Nodes(query))), None) => Ok(Term::Value(Operand::Value(query))),
        ("match" | "search", Some((at, subject)), Some((pattern_at, pattern))) => {
            let subject = operand(at, subject)?;
            let pattern = match operand(pattern_at, pattern)? {
                Operand::Text(text) => Pattern::new(&text, name == "match"),
                Operand::Null | Operand::Bool(_) | Operand::Number(_) => Pattern::never(),
                _ => {
                    reader.unsupported(pattern_at, "the pattern must be a literal");
                    Pattern::never()
                }
            };
            Ok(Term::Logical(Test::Matches { subject, pattern }))
        }
        ("length" | "count" | "value" | "match" | "search", ..) => Err(wrong()),
        _ => Err(Reader::invalid_at(
            offset,
            "unknown function: there are length, count, match, search and value",
        )),
    }
}

fn arguments(reader: &mut Reader<'_>) -> Result<Vec<(usize, Term)>, SelectorError> {
    let mut arguments = Vec::new();
    reader.blanks();
    if reader.eat(")") {
        return Ok(arguments);
    }
    loop {
        reader.blanks();
        let offset = reader.offset();
        arguments.push((offset, term(reader)?));
        reader.blanks();
        if reader.eat(")") {
            return Ok(arguments);
        }
        if !reader.eat(",") {
            return Err(
                reader.invalid("expected `,` or `)`: no function takes a logical expression")
            );
        }
    }
}

/// The term as one value: a literal, a singular query or a function that gives a value.
fn operand(offset: usize, term: Term) -> Result<Operand, SelectorError> {
    match term {
        Term::Literal(operand) | Term::Value(operand) => Ok(operand),
        Term::Nodes(query) if is_singular(&query) => Ok(Operand::Query(query)),
        Term::Nodes(_) => Err(Reader::invalid_at(
            offset,
            "a query that can give several nodes is not a value",
        )),
        Term::Logical(_) => Err(Reader::invalid_at(
            offset,
            "a function that gives true or false is not a value",
        )),
    }
}

fn as_test(offset: usize, term: Term) -> Result<Test, SelectorError> {
    match term {
        Term::Nodes(query) => Ok(Test::Exists(query)),
        Term::Logical(test) => Ok(test),
        Term::Literal(_) => Err(Reader::invalid_at(
            offset,
            "a literal alone is no test: compare it",
        )),
        Term::Value(_) => Err(Reader::invalid_at(
            offset,
            "the function gives a value: compare it",
        )),
    }
}
