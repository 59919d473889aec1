//! Names of query parameters and form fields, as forgiving apps read them.

/// A name as the most forgiving readers see it: white space before it, letter case, brackets behind it
/// and the characters that PHP turns into `_` make no difference, and nothing counts behind a zero byte.
#[must_use]
pub fn folded(name: &str) -> String {
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

/// Whether frameworks take another method than the request's own from a parameter of this name
/// (Rails, Laravel, Symfony, Spring and Express by `_method`).
#[must_use]
pub fn names_method(name: &str) -> bool {
    matches!(
        folded(name).as_str(),
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
    use super::{folded, names_method};

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
