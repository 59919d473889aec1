//! The gate before evaluation: anyone may append a block, so what a token asks the evaluator to do is bounded here.
//!
//! The crate looks at its clock only between queries, and a query joins its predicates by trying every
//! combination of facts. A token of 2.5 KB can ask for hours. So each query is priced before it runs: facts to
//! the power of joined predicates, times its operations. What is cheap runs in place, what is dear on
//! threads of its own, and what could outlast them is refused.

use biscuit_auth::datalog::SymbolTable;
use biscuit_auth::format::schema::{self, op, op_binary, op_unary, term};

use super::{Blocks, schema_kind};
use crate::types::{ReasonCode, Refusal};

/// What a token asks of the evaluator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::capability) struct Shape {
    facts: u64,
    symbols: usize,
    /// What its queries cost: with none, one and two joined predicates.
    weights: [u64; 3],
    has_rules: bool,
}

impl Shape {
    /// Measures every block; refuses what no honest token needs.
    pub(super) fn measure(blocks: &Blocks) -> Result<Self, Refusal> {
        let mut meter = Meter::default();
        let mut symbols = 0;
        for (index, (block, table)) in blocks.blocks.iter().enumerate() {
            symbols += block.symbols.len() + block.public_keys.len();
            if index > 0 && !block.rules.is_empty() {
                return Err(too_large("a block that its holder added has rules"));
            }
            meter.block(block)?;
            meter.queries(block, table)?;
        }
        if symbols > SYMBOLS {
            return Err(too_large("it has too many strings"));
        }
        let shape = Self {
            facts: meter.facts,
            symbols,
            weights: meter.price(),
            has_rules: meter.rules > 0,
        };
        if shape.cost(0) > DEAREST {
            return Err(too_large("its checks take too many steps"));
        }
        Ok(shape)
    }

    /// How many facts it states.
    pub(in crate::capability) fn facts(&self) -> u64 {
        self.facts
    }

    /// The steps of its checks beside `more` facts of the request.
    pub(in crate::capability) fn cost(&self, more: u64) -> u64 {
        let facts = self
            .facts
            .saturating_add(more)
            .saturating_add(REQUEST_FACTS);
        let [none, one, two] = self.weights;
        none.saturating_add(one.saturating_mul(facts))
            .saturating_add(two.saturating_mul(facts).saturating_mul(facts))
    }

    /// Whether it may be judged in place.
    pub(in crate::capability) fn is_cheap(&self, more: u64) -> bool {
        !self.has_rules && self.symbols <= 128 && self.facts <= 64 && self.cost(more) <= CHEAP
    }
}

#[derive(Default)]
struct Meter {
    facts: u64,
    rules: usize,
    queries: Vec<Query>,
    /// Single values in facts, sets, arrays and maps: no collection can hold more.
    values: u64,
}

/// One query: its joined predicates, its plain operations, and those that walk a collection.
struct Query {
    joins: usize,
    plain: u64,
    walking: u64,
}

impl Meter {
    fn block(&mut self, block: &schema::Block) -> Result<(), Refusal> {
        self.facts += block.facts.len() as u64;
        self.rules += block.rules.len();
        if self.facts > FACTS {
            return Err(too_large("it has too many facts"));
        }
        if self.rules > RULES {
            return Err(too_large("it has too many rules"));
        }
        for fact in &block.facts {
            for term in &fact.predicate.terms {
                self.term(term, 0)?;
            }
        }
        Ok(())
    }

    fn queries(&mut self, block: &schema::Block, symbols: &SymbolTable) -> Result<(), Refusal> {
        let checked = block.checks.iter().flat_map(|check| &check.queries);
        for query in checked.chain(&block.rules) {
            if query.body.len() > 2 {
                return Err(too_large("a check in it joins more than two facts"));
            }
            for term in query
                .body
                .iter()
                .chain([&query.head])
                .flat_map(|it| &it.terms)
            {
                self.term(term, 0)?;
            }
            let mut price = Query {
                joins: query.body.len(),
                plain: 1,
                walking: 0,
            };
            for expression in &query.expressions {
                let mut operations = 0;
                self.operations(
                    &expression.ops,
                    symbols,
                    &mut price,
                    Inside::default(),
                    &mut operations,
                )?;
            }
            self.queries.push(price);
        }
        if self.queries.len() > QUERIES {
            return Err(too_large("it has too many checks"));
        }
        Ok(())
    }

    fn operations(
        &mut self,
        operations: &[schema::Op],
        symbols: &SymbolTable,
        price: &mut Query,
        inside: Inside,
        count: &mut usize,
    ) -> Result<(), Refusal> {
        use op_binary::Kind::{All, Any, Contains, Equal, Ffi, HeterogeneousEqual};
        use op_binary::Kind::{HeterogeneousNotEqual, Intersection, NotEqual, Regex, Union};

        if inside.depth > DEPTH {
            return Err(too_large("an expression in it nests too deep"));
        }
        let mut before: Option<&schema::Term> = None;
        for operation in operations {
            *count += 1;
            if *count > OPERATIONS {
                return Err(too_large("an expression in it has too many operations"));
            }
            let mut add = |plain: u64, walking: u64| {
                // What stands in a closure runs once for each element.
                if inside.is_closure {
                    price.walking += plain + walking;
                    price.plain += 0;
                } else {
                    price.plain += plain;
                    price.walking += walking;
                }
            };
            let value = before.take();
            match operation.content.as_ref() {
                Some(op::Content::Value(term)) => {
                    add(1, 0);
                    self.term(term, 0)?;
                    before = Some(term);
                }
                Some(op::Content::Unary(unary)) => {
                    if unary.kind == op_unary::Kind::Ffi as i32 {
                        return Err(too_large("a check in it calls a foreign function"));
                    }
                    add(1, 0);
                }
                Some(op::Content::Binary(binary)) => match schema_kind(binary.kind) {
                    Some(Ffi) | None => {
                        return Err(too_large("a check in it calls a foreign function"));
                    }
                    Some(Regex) => {
                        if inside.is_closure {
                            return Err(too_large("a check in it matches a pattern in a closure"));
                        }
                        literal_pattern(value, symbols)?;
                        add(REGEX, 0);
                    }
                    Some(
                        All
                        | Any
                        | Contains
                        | Equal
                        | NotEqual
                        | Intersection
                        | Union
                        | HeterogeneousEqual
                        | HeterogeneousNotEqual,
                    ) => {
                        // Comparing collections inside a closure would square them.
                        add(
                            1,
                            if inside.is_closure {
                                self.values.max(1)
                            } else {
                                1
                            },
                        );
                    }
                    Some(_) => add(1, 0),
                },
                Some(op::Content::Closure(closure)) => {
                    let walks = !closure.params.is_empty();
                    if walks && inside.is_closure {
                        return Err(too_large("a check in it nests closures"));
                    }
                    let inside = Inside {
                        is_closure: inside.is_closure || walks,
                        depth: inside.depth + 1,
                    };
                    self.operations(&closure.ops, symbols, price, inside, count)?;
                }
                None => return Err(too_large("an operation in it is unknown")),
            }
        }
        Ok(())
    }

    fn term(&mut self, term: &schema::Term, depth: usize) -> Result<(), Refusal> {
        if depth > DEPTH {
            return Err(too_large("a value in it nests too deep"));
        }
        self.values += 1;
        if self.values > VALUES {
            return Err(too_large("it has too many values"));
        }
        let next = depth + 1;
        match term.content.as_ref() {
            Some(term::Content::Set(set)) => set.set.iter().try_for_each(|it| self.term(it, next)),
            Some(term::Content::Array(array)) => {
                array.array.iter().try_for_each(|it| self.term(it, next))
            }
            Some(term::Content::Map(map)) => map
                .entries
                .iter()
                .try_for_each(|entry| self.term(&entry.value, next)),
            _ => Ok(()),
        }
    }

    /// The price of all queries by their joins, now that the number of values is known.
    fn price(&self) -> [u64; 3] {
        let mut weights = [0_u64; 3];
        for query in &self.queries {
            let weight = query
                .walking
                .saturating_mul(self.values)
                .saturating_add(query.plain);
            if let Some(slot) = weights.get_mut(query.joins) {
                *slot = slot.saturating_add(weight);
            }
        }
        weights
    }
}

#[derive(Clone, Copy, Default)]
struct Inside {
    is_closure: bool,
    depth: usize,
}

/// Patterns are compiled at every evaluation: only short, literal ones that compile small may run.
fn literal_pattern(value: Option<&schema::Term>, symbols: &SymbolTable) -> Result<(), Refusal> {
    let Some(term::Content::String(index)) = value.and_then(|term| term.content.as_ref()) else {
        return Err(too_large(
            "a check in it matches a pattern that is not literal",
        ));
    };
    let pattern = symbols.get_symbol(*index).unwrap_or_default();
    let compiled = regex::RegexBuilder::new(pattern)
        .size_limit(PATTERN_COMPILED)
        .nest_limit(16)
        .build();
    if pattern.len() > PATTERN || compiled.is_err() {
        return Err(too_large("a pattern in it is too large or malformed"));
    }
    Ok(())
}

pub(super) fn too_large(detail: &'static str) -> Refusal {
    Refusal::new(ReasonCode::CapabilityTooLarge).because(detail)
}

/// Blocks in a token.
pub(super) const BLOCKS: usize = 16;
/// Facts in all its blocks.
const FACTS: u64 = 512;
/// Rules in the issuer's block.
const RULES: usize = 8;
/// Queries in all its checks and rules.
const QUERIES: usize = 128;
/// Operations in one expression.
const OPERATIONS: usize = 64;
/// Nesting of values and closures.
const DEPTH: usize = 8;
/// Single values in all its blocks.
const VALUES: u64 = 2048;
/// Strings and keys in its tables: adding one compares it with all others.
const SYMBOLS: usize = 512;
/// Bytes of a pattern, and of what it compiles to.
const PATTERN: usize = 256;
const PATTERN_COMPILED: usize = 64 * 1024;
/// A pattern's compilation, in steps.
const REGEX: u64 = 500;
/// Facts that every request brings.
const REQUEST_FACTS: u64 = 8;
/// Steps that run in place: well under a millisecond.
pub(in crate::capability) const CHEAP: u64 = 3_000;
/// Steps that run at all.
pub(in crate::capability) const DEAREST: u64 = 150_000;
