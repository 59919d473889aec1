//! What of a route widens the fence around pages in the browser: other origins, named one by one.

use std::net::Ipv4Addr;
use std::ops::Range;

use crate::policy::compile::Compiler;
use crate::policy::document::RouteForm;
use crate::policy::field::Field;

/// Origins, by the directive of the content security policy.
type Csp = Vec<(&'static str, Vec<Box<str>>)>;

impl Compiler {
    /// The origins that `csp` of a route names.
    pub(super) fn csp(&self, form: &RouteForm) -> Csp {
        let Some((form, span)) = form.csp.placed() else {
            return Csp::new();
        };
        let fields = [
            ("connect-src", &form.connect_src),
            ("font-src", &form.font_src),
            ("form-action", &form.form_action),
            ("frame-ancestors", &form.frame_ancestors),
            ("frame-src", &form.frame_src),
            ("img-src", &form.img_src),
            ("media-src", &form.media_src),
            ("navigate-to", &form.navigate_to),
            ("script-src", &form.script_src),
            ("style-src", &form.style_src),
        ];
        if fields.iter().all(|(_, field)| field.is_absent()) {
            let remedy = "name a directive and its origins: `{ img-src: [\"https://cdn.example\"] }`, or take it out";
            self.sink.at(&self.head(span), "an empty `csp`", remedy);
        }
        let fields = fields.into_iter().filter(|(_, field)| !field.is_absent());
        fields
            .map(|(directive, field)| (directive, self.origins(field)))
            .collect()
    }

    /// The origins of one list.
    pub(super) fn origins(&self, field: &Field<Vec<Field<String>>>) -> Vec<Box<str>> {
        let Some((texts, span)) = field.placed() else {
            return Vec::new();
        };
        if texts.is_empty() {
            let remedy = "name at least one, such as `https://cdn.example`, or take it out";
            self.sink.at(span, "an empty list of origins", remedy);
        }
        let mut origins: Vec<Box<str>> = Vec::new();
        for (text, span) in texts.iter().filter_map(Field::placed) {
            if !self.is_origin(text, span) {
                continue;
            }
            if origins.iter().any(|known| **known == **text) {
                let message = format!("`{text}` stands twice");
                self.sink.at(span, message, "keep one of the two");
                continue;
            }
            origins.push(text.as_str().into());
        }
        origins
    }

    /// Whether `text` is an origin as browsers write it (RFC 6454 section 6.2), which nobody on the way can take the place of.
    fn is_origin(&self, text: &str, span: &Range<usize>) -> bool {
        let parts = text.split_once("://");
        let authority = match parts {
            Some(("https", authority)) => host(authority, "443"),
            Some(("http", authority)) => host(authority, "80"),
            _ => None,
        };
        let Some(host) = authority else {
            let remedy = "write scheme, host and port as browsers do: `https://cdn.example`, in lower case, without a path, a `*` or a default port";
            self.sink.at(span, "not an origin", remedy);
            return false;
        };
        if text.starts_with("http:") && !is_loopback(host) {
            let remedy = "write `https`: anyone on the way can answer for this origin";
            self.sink.at(span, "an origin without TLS", remedy);
            return false;
        }
        true
    }
}

/// The host of `authority`, where that is a host and perhaps a port other than the default one.
fn host<'a>(authority: &'a str, default: &str) -> Option<&'a str> {
    let end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, rest) = authority.split_at_checked(end)?;
    let is_port = |port: &str| {
        port != default
            && port
                .parse::<u16>()
                .is_ok_and(|number| number > 0 && number.to_string() == port)
    };
    let is_label = |label: &str| {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(is_plain)
    };
    let is_host = host == "[::1]" || host.split('.').all(is_label);
    let is_rest = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
    (is_host && is_rest).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    let is_four = host
        .parse::<Ipv4Addr>()
        .is_ok_and(|address| address.is_loopback());
    is_four || matches!(host, "localhost" | "[::1]") || host.ends_with(".localhost")
}
