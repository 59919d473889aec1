//! The `websocket` of a route: whether its requests may switch, and that its rules cover messages.

use http::Method;

use crate::policy::compile::Compiler;
use crate::policy::document::RouteForm;
use crate::policy::pattern::Pattern;

impl Compiler {
    /// Whether requests of the route may switch to WebSocket.
    pub(super) fn websocket(&self, form: &RouteForm, pattern: Option<&Pattern>) -> bool {
        let Some((true, span)) = form.websocket.placed() else {
            return false;
        };
        if pattern.is_some_and(|pattern| pattern.covers_method(&Method::GET).is_none()) {
            let remedy = "write `GET` before the path: a WebSocket begins with no other method";
            self.sink.at(
                &self.head(span),
                "`websocket` on a route without `GET`",
                remedy,
            );
        }
        if form.records.is_absent() && form.public.is_absent() {
            let remedy = "add `records` and `owner`, which each message is held against, or `public` with the reason";
            self.sink
                .at(&self.head(span), "no rule on messages", remedy);
        }
        if form.read_as.span().is_some() {
            let remedy = "a message is read as what it is: keep one of the two";
            self.sink
                .at(&self.head(span), "`websocket` beside `as`", remedy);
        }
        true
    }
}
