//! A route's `match`: `METHOD /path/{param}/*/**?name=value`, and what it covers.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::types::{Target, parameter};

/// Which requests a route covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Pattern {
    method: Option<Method>,
    segments: Vec<Segment>,
    has_rest: bool,
    query: Vec<(Box<str>, Segment)>,
    rank: Rank,
}

/// One path segment, or the value of one query parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// This text, once decoded.
    Literal(Box<str>),
    /// Any text, under a name.
    Param(Box<str>),
    /// Any text.
    Any,
}

/// How specific a pattern is, but for its method; the greater wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Rank {
    path: Vec<u8>,
    parameters: usize,
    values: usize,
}

/// What is wrong with a `match`, at which byte of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct PatternError {
    /// The byte offset in the text.
    pub(in crate::policy) offset: usize,
    /// What is wrong.
    pub(in crate::policy) message: String,
    /// What to write instead.
    pub(in crate::policy) remedy: String,
}

/// The methods of the IANA registry that a proxied app may know (RFC 9110 section 16.1.1).
const METHODS: &[&str] = &[
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "QUERY",
    "ACL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "ORDERPATCH",
    "PROPFIND",
    "PROPPATCH",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

impl Pattern {
    /// Reads a `match`.
    pub(in crate::policy) fn parse(text: &str) -> Result<Self, PatternError> {
        let Some((method, rest)) = text.split_once(' ') else {
            let remedy = format!("write `GET {}`, or `* {0}` for every method", text.trim());
            return Err(error(0, "a match needs a method and a path", remedy));
        };
        let method_width = method.len();
        let method = read_method(method)?;
        let target = rest.trim_start();
        let start = method_width + 1 + (rest.len() - target.len());
        if let Some(space) = target.find(char::is_whitespace) {
            let remedy = "one method and one path; write a space in a path as `%20`";
            return Err(error(start + space, "a space inside the path", remedy));
        }
        if let Some(hash) = target.find('#') {
            let remedy = "leave it out: a fragment never reaches a server";
            return Err(error(start + hash, "a fragment", remedy));
        }
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let mut pattern = Self {
            method,
            segments: Vec::new(),
            has_rest: false,
            query: Vec::new(),
            rank: Rank {
                path: Vec::new(),
                parameters: 0,
                values: 0,
            },
        };
        pattern.read_path(path, start)?;
        if let Some(query) = query {
            pattern.read_query(query, start + path.len() + 1)?;
        }
        pattern.rank = pattern.ranked();
        Ok(pattern)
    }

    fn read_path(&mut self, path: &str, start: usize) -> Result<(), PatternError> {
        let Some(inner) = path.strip_prefix('/') else {
            let remedy = format!("write `/{path}`");
            return Err(error(start, "a path begins with a slash", remedy));
        };
        if inner.is_empty() {
            return Ok(());
        }
        let mut at = start + 1;
        let mut parts = inner.split('/').peekable();
        while let Some(part) = parts.next() {
            let is_last = parts.peek().is_none();
            if part == "**" {
                if !is_last {
                    let remedy = "use `*` for one segment; `**` covers everything behind it";
                    return Err(error(at, "`**` stands before the end", remedy));
                }
                self.has_rest = true;
            } else if part.is_empty() {
                let (message, remedy) = if is_last {
                    ("a slash at the end", "leave it out: `/a` covers `/a/` too")
                } else {
                    (
                        "an empty segment",
                        "no request with `//` is ever let in: write one slash",
                    )
                };
                return Err(error(at, message, remedy));
            } else {
                let segment = self.read_segment(part, at)?;
                self.segments.push(segment);
            }
            at += part.len() + 1;
        }
        Ok(())
    }

    fn read_segment(&self, part: &str, at: usize) -> Result<Segment, PatternError> {
        if part == "*" {
            return Ok(Segment::Any);
        }
        if let Some(name) = part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            return self.read_name(name, at);
        }
        if let Some(brace) = part.find(['{', '}', '*']) {
            let remedy = "a segment is a text, `{name}` or `*` as a whole";
            return Err(error(at + brace, "a placeholder inside a segment", remedy));
        }
        let text = decode(part, at)?;
        if (text.starts_with('.') && text.trim_end_matches(['.', ' ']).is_empty())
            || text.contains(['/', '\\', '%', ';'])
        {
            let remedy = "requests with dot segments, `;`, or an encoded slash, backslash or percent sign are refused before any route";
            return Err(error(at, "no request can have this segment", remedy));
        }
        Ok(Segment::Literal(text.into()))
    }

    fn read_name(&self, name: &str, at: usize) -> Result<Segment, PatternError> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_word) {
            let remedy = "a name has letters, digits and `_`, as in `{user}`";
            return Err(error(at, "a placeholder without a plain name", remedy));
        }
        if self.params().any(|known| known == name) {
            let message = format!("`{{{name}}}` stands twice");
            return Err(error(at, message, "give each placeholder its own name"));
        }
        Ok(Segment::Param(name.into()))
    }

    fn read_query(&mut self, query: &str, start: usize) -> Result<(), PatternError> {
        let mut at = start;
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let braced = name.strip_prefix('{').and_then(|n| n.strip_suffix('}'));
            let (name, segment) = match braced {
                Some(braced) => (braced.to_owned(), self.read_name(braced, at)?),
                None if name.is_empty() => {
                    let remedy = "write `?name=value`, `?name=*` or `?name={word}`";
                    return Err(error(at, "a query parameter without a name", remedy));
                }
                None => {
                    let name_text = decode(&name.replace('+', " "), at)?;
                    let value_at = at + name.len() + 1;
                    let word = value.strip_prefix('{').and_then(|v| v.strip_suffix('}'));
                    let segment = match word {
                        Some(word) => self.read_name(word, value_at)?,
                        None if value == "*" => Segment::Any,
                        None => {
                            Segment::Literal(decode(&value.replace('+', " "), value_at)?.into())
                        }
                    };
                    (name_text, segment)
                }
            };
            if self.query.iter().any(|(known, _)| **known == *name) {
                let message = format!("the parameter `{name}` stands twice");
                return Err(error(at, message, "keep one of the two"));
            }
            self.query.push((name.into(), segment));
            at += pair.len() + 1;
        }
        Ok(())
    }

    fn ranked(&self) -> Rank {
        let kinds = self.segments.iter().map(|segment| match segment {
            Segment::Literal(_) => 3,
            Segment::Param(_) | Segment::Any => 2,
        });
        let end = if self.has_rest { 1 } else { 2 };
        let values = self.query.iter();
        Rank {
            path: kinds.chain([end]).collect(),
            parameters: self.query.len(),
            values: values
                .filter(|(_, value)| matches!(value, Segment::Literal(_)))
                .count(),
        }
    }

    /// The names of its placeholders.
    pub(in crate::policy) fn params(&self) -> impl Iterator<Item = &str> {
        let values = self.query.iter().map(|(_, value)| value);
        let segments = self.segments.iter().chain(values);
        segments.filter_map(|segment| match segment {
            Segment::Param(name) => Some(name.as_ref()),
            _ => None,
        })
    }

    /// How specific it is, but for the method.
    pub(in crate::policy) fn rank(&self) -> &Rank {
        &self.rank
    }

    /// How closely it names the method: 2 by name, 1 as `GET` for `HEAD`, 0 as `*`.
    pub(in crate::policy) fn covers_method(&self, method: &Method) -> Option<u8> {
        match &self.method {
            // It asks the app to send back what the app alone is told: a route for it says so.
            None => (method != Method::TRACE).then_some(0),
            Some(named) if named == method => Some(2),
            Some(named) if named == Method::GET && method == Method::HEAD => Some(1),
            Some(_) => None,
        }
    }

    /// The path fits; a slash at its end makes no difference.
    pub(in crate::policy) fn covers_path(&self, target: &Target) -> bool {
        let path = plain(target);
        let fits = if self.has_rest {
            path.len() >= self.segments.len()
        } else {
            path.len() == self.segments.len()
        };
        fits && self.segments.iter().zip(path).all(|(a, b)| a.covers(b))
    }

    /// Every parameter it names is there with a value that fits.
    pub(in crate::policy) fn covers_query(&self, target: &Target) -> bool {
        self.query.iter().all(|(name, value)| {
            let mut sent = target.query().iter().filter(|(sent, _)| sent == name);
            sent.next().is_some_and(|(_, sent)| value.covers(sent))
        })
    }

    /// The request has a parameter that it names more than once, or that apps read in two ways:
    /// under another spelling of its name, or ended at a `;`.
    pub(in crate::policy) fn sees_twice(&self, target: &Target) -> bool {
        self.query.iter().any(|(name, _)| {
            let is_meant = |sent: &&(Box<str>, Box<str>)| parameter::may_be_same(&sent.0, name);
            let plain = target.query().iter().filter(is_meant);
            let split = target.split_query().iter().filter(is_meant);
            split.clone().count() > 1 || plain.ne(split)
        })
    }

    /// What stands in a request where this pattern has `{name}`.
    pub(in crate::policy) fn capture<'t>(&self, name: &str, target: &'t Target) -> Option<&'t str> {
        let is_named = |segment: &Segment| matches!(segment, Segment::Param(n) if **n == *name);
        let in_path = self.segments.iter().zip(plain(target));
        if let Some((_, text)) = in_path.into_iter().find(|(segment, _)| is_named(segment)) {
            return Some(text);
        }
        let (parameter, _) = self.query.iter().find(|(_, value)| is_named(value))?;
        let mut sent = target.query().iter().filter(|(sent, _)| sent == parameter);
        let (_, text) = sent.next()?;
        sent.next().is_none().then_some(text)
    }

    /// There are requests that both cover and neither wins.
    pub(in crate::policy) fn is_ambiguous_with(&self, other: &Self) -> bool {
        let values_meet = |a: &Segment, b: &Segment| match (a, b) {
            (Segment::Literal(a), Segment::Literal(b)) => a == b,
            _ => true,
        };
        self.method == other.method
            && self.rank == other.rank
            && self
                .segments
                .iter()
                .zip(&other.segments)
                .all(|(a, b)| values_meet(a, b))
            && self.query.iter().all(|(name, value)| {
                let mut twin = other.query.iter().filter(|(known, _)| known == name);
                twin.all(|(_, other)| values_meet(value, other))
            })
    }

    /// Every request that it covers falls under one of `others`, each more specific than it.
    pub(in crate::policy) fn is_shadowed_by(&self, others: &[&Self]) -> bool {
        if !self.has_rest || !self.query.is_empty() {
            return false;
        }
        let stronger = |has_rest: bool, more: usize| {
            others.iter().any(|other| {
                (other.method.is_none() || other.method == self.method)
                    && other.query.is_empty()
                    && other.has_rest == has_rest
                    && other.segments.len() == self.segments.len() + more
                    && other
                        .segments
                        .iter()
                        .skip(self.segments.len())
                        .all(Segment::is_open)
                    && self
                        .segments
                        .iter()
                        .zip(&other.segments)
                        .all(|(a, b)| a == b || b.is_open() && a.is_open())
            })
        };
        stronger(false, 0) && stronger(true, 1)
    }
}

impl Segment {
    fn covers(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal) => **literal == *text,
            Self::Param(_) | Self::Any => true,
        }
    }

    fn is_open(&self) -> bool {
        !matches!(self, Self::Literal(_))
    }
}

/// The decoded segments without the empty one behind a slash at the end.
fn plain(target: &Target) -> &[Box<str>] {
    match target.segments() {
        [path @ .., last] if last.is_empty() => path,
        path => path,
    }
}

fn read_method(text: &str) -> Result<Option<Method>, PatternError> {
    if text == "*" {
        return Ok(None);
    }
    if METHODS.contains(&text)
        && let Ok(method) = Method::from_bytes(text.as_bytes())
    {
        return Ok(Some(method));
    }
    let upper = text.to_uppercase();
    let remedy = if METHODS.contains(&upper.as_str()) {
        format!("write `{upper}`")
    } else if text.contains(['|', ',']) {
        "write one route a method, or `*` for every method".to_owned()
    } else if text == "CONNECT" {
        "tunnels are refused before any route: take this one out".to_owned()
    } else if let Some(near) = crate::policy::suggest::nearest(&upper, METHODS) {
        format!("did you mean `{near}`?")
    } else {
        "write a method such as `GET`, or `*` for every method".to_owned()
    };
    Err(error(0, format!("`{text}` is no method"), remedy))
}

fn decode(text: &str, at: usize) -> Result<String, PatternError> {
    let mut rest = text;
    let mut offset = at;
    while let Some((before, escape)) = rest.split_once('%') {
        offset += before.len();
        let digits = escape.as_bytes().get(..2).unwrap_or_default();
        if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            let remedy = "write two hexadecimal digits behind `%`; a percent sign itself is `%25`";
            return Err(error(offset, "a broken escape", remedy));
        }
        rest = escape;
        offset += 1;
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(text) if !text.chars().any(char::is_control) => Ok(text.into_owned()),
        _ => Err(error(
            at,
            "an escape that is not text",
            "requests with control characters or bytes that are not UTF-8 are refused before any route",
        )),
    }
}

fn error(offset: usize, message: impl Into<String>, remedy: impl Into<String>) -> PatternError {
    PatternError {
        offset,
        message: message.into(),
        remedy: remedy.into(),
    }
}

#[cfg(test)]
mod tests;
