//! The keys that the design has and this version does not build: refused by name, never ignored.

/// What `key` of a mapping named `form` will do, where a later version builds it.
pub(in crate::policy) fn key(form: &str, key: &str) -> Option<&'static str> {
    KEYS.iter()
        .find(|(forms, name, _)| *name == key && forms.contains(&form))
        .map(|(_, _, what)| *what)
}

type Key = (&'static [&'static str], &'static str, &'static str);

const KEYS: &[Key] = &[
    (
        &["policy"],
        "outbound",
        "rules for what the app asks of shared services",
    ),
    (&["capability"], "header", "capabilities in another header"),
    (&["exception"], "group", "exceptions for groups"),
    (&["exception"], "level", "exceptions for reviewed code"),
    (&["detect rule"], "level", "rules for unreviewed code alone"),
    (
        &["detect rule"],
        "keyed_dictionary",
        "dictionaries of hashes",
    ),
];
