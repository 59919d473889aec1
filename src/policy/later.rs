//! The keys that the design has and this version does not build: refused by name, never ignored.

/// What `key` of a mapping named `form` will do, where a later version builds it.
pub(in crate::policy) fn key(form: &str, key: &str) -> Option<&'static str> {
    KEYS.iter()
        .find(|(forms, name, _)| *name == key && forms.contains(&form))
        .map(|(_, _, what)| *what)
}

type Key = (&'static [&'static str], &'static str, &'static str);

const KEYS: &[Key] = &[
    (&["policy"], "binding", "tokens bound to one preview"),
    (
        &["policy"],
        "outbound",
        "rules for what the app asks of shared services",
    ),
    (&["policy"], "pod", "one subject a pod"),
    (&["policy"], "review", "reviewers' approvals"),
    (&["policy"], "subjects", "pods that several users share"),
    (&["capability"], "binding", "tokens bound to one preview"),
    (&["capability"], "cookie", "capabilities in a cookie"),
    (&["capability"], "header", "capabilities in another header"),
    (&["capability"], "login", "login of browsers"),
    (&["capability"], "revoked", "revocation lists"),
    (&["jwt"], "jwks_url", "key sets fetched from a URL"),
    (
        &["subject"],
        "fold_case",
        "owners compared without letter case",
    ),
    (&["route"], "html", "owner rules for HTML"),
    (&["route"], "level", "routes for reviewed code alone"),
    (&["route"], "request", "owner rules for request bodies"),
    (&["route"], "rows", "owner rules for CSV"),
    (&["route"], "synthetic", "routes with made-up data alone"),
    (&["route"], "websocket", "owner rules for WebSocket frames"),
    (&["embargo"], "except", "embargoes that open for some first"),
    (&["exception"], "group", "exceptions for groups"),
    (&["exception"], "level", "exceptions for reviewed code"),
    (&["detect rule"], "level", "rules for unreviewed code alone"),
    (
        &["detect rule"],
        "keyed_dictionary",
        "dictionaries of hashes",
    ),
];
