//! Where a claim stands: a name, or the way to it through objects (`$.realm_access.roles`).

use serde_json::{Map, Value};

/// The names from a token's claims down to one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClaimPath(Vec<Box<str>>);

impl ClaimPath {
    /// Reads a name, or `$` and then `.name` or `['name']` once or more (the singular queries of RFC 9535 without
    /// indices). A name that does not begin with `$` is one claim's, whatever stands in it: `https://id.example/roles`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let Some(mut rest) = text.strip_prefix('$') else {
            return (!text.is_empty()).then(|| Self(vec![text.into()]));
        };
        let mut names = Vec::new();
        while !rest.is_empty() {
            let name;
            (name, rest) = if let Some(quoted) = rest.strip_prefix("['") {
                quoted.split_once("']")?
            } else {
                let plain = rest.strip_prefix('.')?;
                plain.split_at_checked(plain.find(['.', '[']).unwrap_or(plain.len()))?
            };
            let is_strange = |c: char| c.is_control() || matches!(c, '\'' | '\\' | '*' | ']');
            if name.is_empty() || name.contains(is_strange) {
                return None;
            }
            names.push(name.into());
        }
        (1..=DEEPEST).contains(&names.len()).then_some(Self(names))
    }

    /// The one claim at the top that this is, if it is one.
    pub(super) fn top(&self) -> Option<&str> {
        match self.0.as_slice() {
            [name] => Some(name),
            _ => None,
        }
    }

    /// What stands there.
    pub(super) fn find<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        let (last, way) = self.0.split_last()?;
        let mut members = claims;
        for name in way {
            members = members.get(&**name)?.as_object()?;
        }
        members.get(&**last)
    }
}

/// Names in one path.
const DEEPEST: usize = 8;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ClaimPath;

    #[test]
    fn finds_nested_claims() {
        let claims = json!({"a": {"b.c": {"d": ["x"]}, "e": 1}, "https://id/r": "y", "$f": 2});
        let claims = claims.as_object().unwrap();
        for (path, found) in [
            ("$.a['b.c'].d", Some(json!(["x"]))),
            ("$['a'].e", Some(json!(1))),
            ("https://id/r", Some(json!("y"))),
            ("$['https://id/r']", Some(json!("y"))),
            ("$.a.e.f", None),
            ("$.a.x", None),
            ("a.e", None),
        ] {
            let path = ClaimPath::parse(path).unwrap();
            assert_eq!(path.find(claims).cloned(), found, "{path:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_path() {
        for text in [
            "",
            "$",
            "$.",
            "$a",
            "$..a",
            "$.a.",
            "$.a[0]",
            "$.a[*]",
            "$.*",
            "$['a'",
            "$['a\\'b']",
            "$.a.b.c.d.e.f.g.h.i",
        ] {
            assert_eq!(ClaimPath::parse(text), None, "{text}");
        }
    }
}
