//! What a token's checks may ask about the request it comes with.

use jiff::Timestamp;

/// One request, as checks and rules see it.
///
/// Checks know it as `time($t)`, `method("GET")`, `operation("read")` (or `"write"`), `path("/a")`,
/// `resource("/a")`, `host("..")`, and, where they are configured, `preview("..")` and `revision("..")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The request's method.
    pub method: String,
    /// The normalised path, without the query, its percent-escapes undone: one spelling for one path.
    pub path: String,
    /// The host that the client asked for.
    pub host: String,
    /// The preview that this sidecar serves, where it is named.
    pub preview: Option<String>,
    /// The revision that runs, where it is named.
    pub revision: Option<String>,
    /// The time of the request.
    pub now: Timestamp,
}

impl Facts {
    /// `read` for methods that are safe (RFC 9110), otherwise `write`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        match self.method.as_str() {
            "GET" | "HEAD" | "OPTIONS" | "TRACE" => "read",
            _ => "write",
        }
    }
}
