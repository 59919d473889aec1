//! Names of query parameters and form fields, as forgiving apps read them.

/// A name as the most forgiving readers see it: white space before it, letter case, brackets behind it
/// and the characters that PHP turns into `_` make no difference, and nothing counts behind a zero byte.
#[must_use]
fn folded(name: &str) -> String {
    let name = name.split('\0').next().unwrap_or_default();
    let name = name.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let stem = match name.split_once('[') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    };
    let fold = |c: char| match c {
        '.' | ' ' | '[' | '-' => '_',
        other => other.to_ascii_lowercase(),
    };
    let folded: String = stem.chars().map(fold).collect();
    folded.trim_end_matches(['_', ']']).to_owned()
}

/// The names that readers may see in `name`: as it is folded, and without the brackets before and around it,
/// as Rack up to 2.2 takes it (`]by` and `[by]` are `by`).
fn readings(name: &str) -> [String; 2] {
    let is_space = |c: char| c.is_ascii_whitespace() || c == '\u{b}';
    let bare = name.trim_start_matches(|c: char| is_space(c) || matches!(c, '[' | ']'));
    let bare = bare.split(['[', ']']).next().unwrap_or_default();
    [folded(name), folded(bare)]
}

/// Whether some reader takes the one name for the other.
#[must_use]
pub fn may_be_same(a: &str, b: &str) -> bool {
    let known = readings(b);
    readings(a).iter().any(|reading| known.contains(reading))
}

/// Whether frameworks take another method than the request's own from a parameter of this name
/// (Rails, Laravel, Symfony, Spring and Express by `_method`).
#[must_use]
pub fn names_method(name: &str) -> bool {
    readings(name).iter().any(|name| is_method_name(name))
}

fn is_method_name(folded: &str) -> bool {
    matches!(
        folded,
        "_method"
            | "__method"
            | "_http_method"
            | "_http_method_override"
            | "_method_override"
            | "http_method_override"
            | "method_override"
            | "x_http_method"
            | "x_http_method_override"
            | "x_method_override"
    )
}

#[cfg(test)]
mod tests {
    use super::{folded, may_be_same, names_method};

    #[test]
    fn reads_names_as_forgiving_apps_do() {
        for (name, expected) in [
            ("user_id", "user_id"),
            ("User.Id", "user_id"),
            (" user id", "user_id"),
            ("user_id[]", "user_id"),
            ("user_id[x][y]", "user_id"),
            ("user_id\0.png", "user_id"),
            ("[user", "_user"),
            ("", ""),
        ] {
            assert_eq!(folded(name), expected, "{name:?}");
            assert_eq!(folded(&folded(name)), folded(name), "{name:?}");
        }
    }

    #[test]
    fn takes_bracketed_names_for_the_bare_one() {
        for name in [
            "by", "By[]", "]by", "[by]", "[]by", " [ ]by]x", "]by[x]", "by]x",
        ] {
            assert!(may_be_same(name, "by"), "{name:?}");
        }
        for name in ["bye", "x[by]", "[x]by", "b]y", "", "[]"] {
            assert!(!may_be_same(name, "by"), "{name:?}");
        }
    }

    #[test]
    fn knows_the_names_of_methods() {
        for name in [
            "_method",
            "_METHOD",
            ".method",
            "[method",
            " _method",
            "\t_method",
            "_method[]",
            "_method\0x",
            "-method",
            "X-HTTP-Method-Override",
            "x_http_method",
            "_method_",
            "]_method",
            "[]_method",
            "[_method]",
            " ][_method]x",
        ] {
            assert!(names_method(name), "{name:?}");
        }
        for name in [
            "method",
            "payment_method",
            "_methods",
            "user[_method]",
            "a_method",
            "",
            "_",
        ] {
            assert!(!names_method(name), "{name:?}");
        }
    }
}
