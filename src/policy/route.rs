//! The routes of a policy: which one a request falls under.
//!
//! The most specific route that matches wins. Paths are compared from the left: a literal segment
//! beats `{name}` and `*`, and those beat `**`. Between equal paths, more query parameters win, then more
//! of them with a given value; then a named method beats `*`. The compiler refuses two routes of which neither would win.

use std::sync::Arc;

use http::Method;

use crate::capability::Rule;
use crate::policy::Opening;
use crate::policy::descriptors::Call;
use crate::policy::pattern::Pattern;
use crate::policy::treatment::Treatment;
use crate::types::{Control, Level, Origin, Target};

/// The routes, the most specific first.
#[derive(Debug, Default)]
pub(in crate::policy) struct Table {
    routes: Vec<Arc<Route>>,
}

/// One route.
#[derive(Debug)]
pub(in crate::policy) struct Route {
    /// Which requests it covers.
    pub(in crate::policy) pattern: Pattern,
    /// Where it stands.
    pub(in crate::policy) origin: Origin,
    /// The Datalog that the capability must satisfy.
    pub(in crate::policy) rule: Option<Rule>,
    /// What becomes of its requests.
    pub(in crate::policy) effect: Effect,
    /// The level that it states; `Unreviewed` where all of its data is made up.
    pub(in crate::policy) level: Option<Level>,
}

impl Route {
    fn call(&self, target: &Target) -> Option<Arc<Call>> {
        match &self.effect {
            Effect::Treat { treatment, .. } => {
                treatment.grpc.as_ref()?.call(target.path()).cloned()
            }
            Effect::Deny(..) => None,
        }
    }
}

/// What becomes of a route's requests.
#[derive(Debug)]
pub(in crate::policy) enum Effect {
    /// They are blocked, for the reviewer's reason and the sake of a control.
    Deny(Box<str>, Control),
    /// They pass, with a treatment.
    Treat {
        /// The parameter that must name the subject.
        path_owner: Option<Box<str>>,
        /// What is done to request and answer.
        treatment: Arc<Treatment>,
    },
}

/// The route that one request falls under.
#[derive(Clone, Debug)]
pub struct Routed {
    route: Arc<Route>,
    claim: Claim,
    is_ambiguous: bool,
    is_read: bool,
    call: Option<Arc<Call>>,
}

/// Whom the request says it is about.
#[derive(Clone, Debug)]
enum Claim {
    /// The route asks for no one.
    Anyone,
    /// The one named in the path or query.
    Only(Option<Box<str>>),
}

impl Routed {
    /// The route's Datalog, to be held against the capability.
    #[must_use]
    pub fn rule(&self) -> Option<&Rule> {
        self.route.rule.as_ref().filter(|_| !self.is_ambiguous)
    }

    /// Where the route stands; its rule is the route's `match`.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.route.origin
    }

    /// The same for a request that opens a WebSocket: what is sent over it may change data, whatever the method says.
    #[must_use]
    pub fn as_write(mut self) -> Self {
        self.is_read = false;
        self
    }

    /// The level that reviewers must have granted, where the policy requires `usual`: reading needs
    /// that, and changing data all of their trust, unless the route says otherwise.
    pub(in crate::policy) fn needs(&self, usual: Level) -> Level {
        let by_method = if self.is_read { usual } else { Level::Cleared };
        self.route.level.unwrap_or(by_method)
    }

    /// The route says by itself which level it needs.
    pub(in crate::policy) fn states_level(&self) -> bool {
        self.route.level.is_some()
    }

    /// Pages of `origin` may send requests on this route and read the answers.
    #[must_use]
    pub fn is_shared_with(&self, origin: &str) -> bool {
        match &self.route.effect {
            Effect::Treat { treatment, .. } if !self.is_ambiguous => {
                treatment.cors.iter().any(|known| **known == *origin)
            }
            _ => false,
        }
    }

    /// The path (or query) names `id`, octet for octet, or the route asks for no one.
    pub(in crate::policy) fn is_about(&self, id: &str) -> bool {
        match &self.claim {
            Claim::Anyone => true,
            Claim::Only(named) => named.as_deref() == Some(id),
        }
    }

    /// A query parameter that some route looks at stands twice: which one the app takes is anyone's guess.
    pub(in crate::policy) fn is_ambiguous(&self) -> bool {
        self.is_ambiguous
    }

    /// The method of gRPC that is called, where the route's descriptor set has it.
    pub(in crate::policy) fn call(&self) -> Option<&Arc<Call>> {
        self.call.as_ref()
    }

    pub(in crate::policy) fn effect(&self) -> &Effect {
        &self.route.effect
    }
}

impl Table {
    /// A table of `routes`.
    pub(in crate::policy) fn new(mut routes: Vec<Arc<Route>>) -> Self {
        routes.sort_by(|a, b| b.pattern.rank().cmp(a.pattern.rank()));
        Self { routes }
    }

    /// The route for a request.
    pub(in crate::policy) fn find(&self, method: &Method, target: &Target) -> Option<Routed> {
        let mut best: Option<(&Arc<Route>, u8)> = None;
        for route in &self.routes {
            let pattern = &route.pattern;
            if best.is_some_and(|(winner, _)| pattern.rank() < winner.pattern.rank()) {
                break;
            }
            let Some(named) = pattern.covers_method(method) else {
                continue;
            };
            if !pattern.covers_path(target) {
                continue;
            }
            // Looked at before the values: a parameter sent twice must not slip to a weaker route.
            if pattern.sees_twice(target) {
                return Some(Routed {
                    route: Arc::clone(route),
                    claim: Claim::Only(None),
                    is_ambiguous: true,
                    is_read: is_read(method),
                    call: None,
                });
            }
            if pattern.covers_query(target) && best.is_none_or(|(_, winner)| named > winner) {
                best = Some((route, named));
            }
        }
        let (route, _) = best?;
        let claim = match &route.effect {
            Effect::Treat {
                path_owner: Some(name),
                ..
            } => Claim::Only(route.pattern.capture(name, target).map(Into::into)),
            _ => Claim::Anyone,
        };
        Some(Routed {
            route: Arc::clone(route),
            claim,
            is_ambiguous: false,
            is_read: is_read(method),
            call: route.call(target),
        })
    }

    /// The route, where there is exactly one that does not deny.
    pub(in crate::policy) fn only(&self) -> Option<Routed> {
        let mut open = self
            .routes
            .iter()
            .filter(|route| matches!(route.effect, Effect::Treat { .. }));
        let route = open.next().filter(|_| open.next().is_none())?;
        Some(Routed {
            route: Arc::clone(route),
            claim: Claim::Anyone,
            is_ambiguous: false,
            is_read: true,
            call: None,
        })
    }

    /// The routes that open what is closed unless said.
    pub(in crate::policy) fn openings(&self) -> impl Iterator<Item = Opening<'_>> {
        self.routes.iter().filter_map(|route| match &route.effect {
            Effect::Treat { treatment, .. } => {
                let is_open = !treatment.content.is_empty()
                    || !treatment.csp.is_empty()
                    || !treatment.cors.is_empty();
                is_open.then_some(Opening {
                    origin: &route.origin,
                    content: &treatment.content,
                    csp: &treatment.csp,
                    cors: &treatment.cors,
                })
            }
            Effect::Deny(..) => None,
        })
    }

    /// How many routes there are.
    pub(in crate::policy) fn len(&self) -> usize {
        self.routes.len()
    }
}

/// Methods that are safe (RFC 9110 section 9.2.1).
fn is_read(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}
