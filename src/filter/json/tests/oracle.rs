//! An oracle that has the whole document: a tree with its whitespace, nodes located by another
//! implementation of RFC 9535, and the output printed from the tree.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::{Rule, feed, same};
use crate::policy::treatment::{Kind, Others};
use crate::types::ReasonCode;

#[derive(Clone, Debug)]
enum Tree {
    /// A scalar as it comes and as it leaves.
    Leaf(&'static str, &'static str),
    /// An object or array: its children, and the whitespace of an empty one.
    Branch(bool, Vec<Child>, &'static str),
}

#[derive(Clone, Debug)]
struct Child {
    /// The name as it comes and as it leaves, and decoded.
    name: (&'static str, &'static str, &'static str),
    before: &'static str,
    colon: &'static str,
    tree: Tree,
    after: &'static str,
}

const LEAVES: &[(&str, &str)] = &[
    ("1", "1"),
    ("-0.5e1", "-0.5e1"),
    ("null", "null"),
    ("true", "true"),
    ("\"\"", "\"\""),
    ("\"u-ann\"", "\"u-ann\""),
    ("\"\\u0075-ann\"", "\"\\u0075-ann\""),
    ("\"u-bob\"", "\"u-bob\""),
    ("\"EMP-12\"", "\"[redacted:emp]\""),
    (
        "\"é\\n\\u0045MP-12\\u00e9\"",
        "\"é\\n[redacted:emp]\\u00e9\"",
    ),
    ("17777", "\"1[redacted:seven]\""),
];
const NAMES: &[(&str, &str, &str)] = &[
    ("\"a\"", "\"a\"", "a"),
    ("\"\\u0062\"", "\"\\u0062\"", "b"),
    ("\"o\"", "\"o\"", "o"),
    ("\"\\u006f\"", "\"\\u006f\"", "o"),
    ("\"EMP-12\"", "\"[redacted:emp]\"", "EMP-12"),
];
const BLANKS: &[&str] = &["", "", "", " ", "\n\t"];

fn tree() -> impl Strategy<Value = Tree> {
    let blank = || prop::sample::select(BLANKS);
    let leaf = prop::sample::select(LEAVES).prop_map(|(comes, leaves)| Tree::Leaf(comes, leaves));
    leaf.prop_recursive(5, 48, 5, move |inner| {
        let child = (
            prop::sample::select(NAMES),
            blank(),
            blank(),
            inner,
            blank(),
        )
            .prop_map(|(name, before, colon, tree, after)| Child {
                name,
                before,
                colon,
                tree,
                after,
            });
        let owner = prop_oneof![3 => Just(None), 4 => Just(Some(5)), 2 => Just(Some(7))];
        (
            any::<bool>(),
            prop::collection::vec(child, 0..5),
            owner,
            blank(),
        )
            .prop_map(|(is_object, mut children, owner, blank)| {
                if let (true, Some(owner)) = (is_object, owner) {
                    let (comes, leaves) = LEAVES[owner];
                    children.push(Child {
                        name: NAMES[2],
                        before: " ",
                        colon: "",
                        tree: Tree::Leaf(comes, leaves),
                        after: "",
                    });
                }
                if is_object {
                    // The oracle knows nothing of names that stand twice: the table tests do.
                    let mut seen = BTreeSet::new();
                    children.retain(|child| seen.insert(child.name.2));
                }
                Tree::Branch(is_object, children, blank)
            })
    })
}

impl Tree {
    fn print(&self, out: &mut String) {
        match self {
            Self::Leaf(comes, _) => out.push_str(comes),
            Self::Branch(is_object, children, blank) => {
                out.push(if *is_object { '{' } else { '[' });
                for (index, child) in children.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    out.push_str(child.before);
                    if *is_object {
                        out.extend([child.name.0, child.colon, ":", child.colon]);
                    }
                    child.tree.print(out);
                    out.push_str(child.after);
                }
                if children.is_empty() {
                    out.push_str(blank);
                }
                out.push(if *is_object { '}' } else { ']' });
            }
        }
    }

    fn owner(&self) -> Option<&'static str> {
        let Self::Branch(true, children, _) = self else {
            return None;
        };
        let owner = children.iter().find(|child| child.name.2 == "o")?;
        match owner.tree {
            Self::Leaf(comes, _) => Some(comes),
            Self::Branch(..) => Some(""),
        }
    }
}

/// What the rule names in one document, as normalized paths.
struct Named {
    records: Option<BTreeSet<String>>,
    also: BTreeSet<String>,
    /// Containers that are shown even when they are left empty.
    shown: BTreeSet<String>,
}

enum Printed {
    Kept(String),
    Dropped,
}

fn apply(
    named: &Named,
    others: Others,
    tree: &Tree,
    path: &str,
    passes: bool,
) -> Result<Printed, ReasonCode> {
    let is_record = match &named.records {
        Some(records) => records.contains(path),
        None => tree.owner().is_some(),
    };
    if is_record && !matches!(tree.owner(), Some("\"u-ann\"" | "\"\\u0075-ann\"")) {
        return match others {
            Others::Drop => Ok(Printed::Dropped),
            Others::Redact => Ok(Printed::Kept(match tree {
                Tree::Branch(true, ..) => r#"{"chaperone":"redacted"}"#.to_owned(),
                _ => r#""[redacted]""#.to_owned(),
            })),
            Others::Block => Err(ReasonCode::ForeignRecord),
            Others::Hide => Err(ReasonCode::Hidden),
        };
    }
    let passes = passes || is_record || named.records.is_none() || named.also.contains(path);
    let Tree::Branch(is_object, children, blank) = tree else {
        let Tree::Leaf(_, leaves) = tree else {
            unreachable!()
        };
        return Ok(if passes {
            Printed::Kept((*leaves).to_owned())
        } else {
            Printed::Dropped
        });
    };
    let below = format!("{path}[");
    let leads = |paths: &BTreeSet<String>| paths.iter().any(|other| other.starts_with(&below));
    let is_shown = passes
        || path == "$"
        || named.shown.contains(path)
        || named.shown.iter().any(|other| other.starts_with(&below))
        || named.records.as_ref().is_some_and(leads)
        || leads(&named.also);
    let mut kept = Vec::new();
    for (index, child) in children.iter().enumerate() {
        let place = if *is_object {
            format!("{path}['{}']", child.name.2)
        } else {
            format!("{path}[{index}]")
        };
        if let Printed::Kept(text) = apply(named, others, &child.tree, &place, passes)? {
            let name = if *is_object {
                [child.name.1, child.colon, ":", child.colon].concat()
            } else {
                String::new()
            };
            let after = if index + 1 == children.len() {
                ""
            } else {
                child.after
            };
            kept.push(format!("{}{name}{text}{after}", child.before));
        }
    }
    if !is_shown {
        return Ok(Printed::Dropped);
    }
    let (open, close) = if *is_object { ('{', '}') } else { ('[', ']') };
    let tail = children.last().map_or(*blank, |child| child.after);
    Ok(Printed::Kept(format!(
        "{open}{}{tail}{close}",
        kept.join(",")
    )))
}

/// A selector; the selector of the containers whose children it names by what they are; whether it
/// looks through all descendants; what else may pass.
type Choice = (
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    &'static [&'static str],
);
const CHOICES: &[Choice] = &[
    ("$", None, None, &[]),
    ("$[*]", Some("$"), None, &[]),
    ("$.a[*]", Some("$.a"), None, &["$.b"]),
    ("$.a", None, None, &["$.b[0]", "$.o"]),
    ("$[0:3:2]", Some("$"), None, &["$[1]"]),
    ("$.*.a", None, None, &["$.*.b"]),
    ("$..a", None, Some("$"), &["$.b"]),
    ("$..a..b", None, Some("$..a"), &["$..o"]),
    ("$..[*]", Some("$..*"), Some("$"), &[]),
    ("$[*][?@.a]", Some("$[*]"), None, &["$[0]['EMP-12']"]),
    (
        "$[?@.a == 1 || @.b].a",
        None,
        None,
        &["$[?@.o == 'u-ann'].b"],
    ),
    ("$.a['a','b'][?@.o]", Some("$.a['a','b']"), None, &[]),
    ("$..[?@.o, 0]", Some("$..*"), Some("$"), &[]),
];

fn locate(selector: &str, value: &Value) -> BTreeSet<String> {
    serde_json_path::JsonPath::parse(selector)
        .unwrap()
        .query_located(value)
        .locations()
        .map(ToString::to_string)
        .collect()
}

fn expected(
    rule: &Rule,
    choice: Option<&Choice>,
    tree: &Tree,
    text: &str,
) -> Result<String, ReasonCode> {
    let value: Value = serde_json::from_str(text).unwrap();
    let mut named = Named {
        records: None,
        also: BTreeSet::new(),
        shown: BTreeSet::new(),
    };
    if let Some((selector, parents, descends, also)) = choice {
        named.records = Some(locate(selector, &value));
        named.also = also.iter().flat_map(|also| locate(also, &value)).collect();
        let is_slice = selector.contains(':');
        for (from, is_loose) in [(parents, true), (descends, false)] {
            let Some(from) = from else { continue };
            let mut places = locate(from, &value);
            if !is_loose {
                places.extend(
                    places
                        .clone()
                        .iter()
                        .flat_map(|place| locate(&format!("{place}..*"), &value)),
                );
            } else if *from == "$..*" {
                places.insert("$".to_owned());
            }
            for place in places {
                let node = serde_json_path::JsonPath::parse(&place).unwrap();
                let is_shown = match node.query(&value).exactly_one().unwrap() {
                    Value::Array(elements) => is_loose || elements.is_empty(),
                    Value::Object(members) => {
                        if is_loose {
                            !is_slice
                        } else {
                            members.is_empty()
                        }
                    }
                    _ => false,
                };
                if is_shown {
                    named.shown.insert(place);
                }
            }
        }
    }
    let printed = apply(&named, rule.others, tree, "$", false)?;
    let is_matched = named
        .records
        .is_none_or(|records| !records.is_empty() || !named.shown.is_empty());
    if !is_matched && !rule.is_optional {
        return Err(ReasonCode::NothingSelected);
    }
    match printed {
        Printed::Kept(text) => Ok(text),
        Printed::Dropped if locate(choice.map_or("$", |choice| choice.0), &value).contains("$") => {
            Err(ReasonCode::ForeignRecord)
        }
        Printed::Dropped => Ok("null".to_owned()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn filters_like_the_oracle(
        tree in tree(),
        choice in prop::option::weighted(0.8, prop::sample::select(CHOICES)),
        others in prop::sample::select(&[Others::Drop, Others::Drop, Others::Redact, Others::Block, Others::Hide][..]),
        is_optional in any::<bool>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut text = String::new();
        tree.print(&mut text);
        let rule = Rule {
            select: choice.map(|choice| choice.0),
            owner: vec!["$.o"],
            others,
            also: choice.map_or(Vec::new(), |choice| choice.3.to_vec()),
            is_optional,
        };
        let plan = rule.plan();
        let whole = feed(&plan, Kind::Json, &[text.as_bytes()]);
        let found = whole.0.clone().map_err(|refusal| refusal.code);
        prop_assert_eq!(&found, &expected(&rule, choice.as_ref(), &tree, &text), "{}", text);
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        places.sort_unstable();
        let mut pieces = Vec::new();
        let mut rest = text.as_bytes();
        for place in places.iter().rev() {
            let (front, back) = rest.split_at(*place);
            pieces.push(back);
            rest = front;
        }
        pieces.push(rest);
        pieces.reverse();
        same(&whole, &feed(&plan, Kind::Json, &pieces), text.as_bytes(), 0);
        let line = format!("{text}\n").replace("\n\t", " \t").replace("\n", "") + "\n";
        if whole.0.is_ok() && !text.contains('\n') {
            let lines = feed(&plan, Kind::Ndjson, &[line.as_bytes()]).0;
            prop_assert_eq!(lines.unwrap(), format!("{}\n", found.unwrap()));
        }
    }
}
