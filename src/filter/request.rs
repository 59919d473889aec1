//! A client's request on its way to the app: refused where it holds what the app must not learn, else unchanged.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderMap, Method, Request};
use http_body::Body;

use crate::filter::body::FilteredBody;
use crate::filter::flow::{Engine, Flow};
use crate::filter::grpc::metadata::{self, Packing};
use crate::filter::grpc::{self, Grpc};
use crate::filter::media::Media;
use crate::filter::multipart::Multipart;
use crate::filter::overrides::{self, Fields, Guarded};
use crate::filter::untyped::Untyped;
use crate::filter::{
    Blocked, Context, Edit, Inspector, Place, Plan, Report, Side, Stream, headers, hold,
};
use crate::policy::permit::Permit;
use crate::policy::treatment::{Kind, RecordRule, Select};
use crate::types::{ReasonCode, Refusal, Target};

/// Looks through a request for `target`; its body goes on being looked through as it streams. Parameters may name one
/// of `methods`, for which the permit would be the same.
///
/// # Errors
/// Refuses a request that holds what the policy keeps from the app, or whose body can't be read.
pub async fn request<B>(
    permit: &Permit,
    context: &Context,
    target: &Target,
    methods: &[Method],
    request: Request<B>,
) -> Result<Request<FilteredBody>, Box<Blocked>>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let plan = Arc::new(Plan::of(permit, context));
    let limit = context.limits.request_body;
    let (mut parts, source) = request.into_parts();
    let unseen = |refusal| Blocked::by(refusal, &Report::default());
    if source.size_hint().lower() > limit {
        return Err(unseen(Refusal::new(ReasonCode::RequestTooLarge)));
    }
    let has_body = !source.is_end_stream() && source.size_hint().exact() != Some(0);
    let fields = if has_body {
        Fields::of(&parts.headers).map_err(unseen)?
    } else {
        None
    };
    overrides::check_query(target, methods).map_err(unseen)?;
    let is_call = plan.treatment.grpc.is_some() && metadata::is_messages(&parts.headers);
    if is_call && !plan.is_observing {
        grpc::called(plan.call.as_ref(), &plan.treatment).map_err(unseen)?;
    }
    let source = Guarded::new(Box::pin(source), fields.as_ref(), methods);
    let is_idle = plan.treatment.detect.automaton.is_none();
    let is_unread = is_idle && !plan.treatment.has_owner_rule();
    if !plan.is_observing && !is_unread {
        headers::ask_for_readable(&mut parts.headers);
        if is_call {
            metadata::ask_for_readable(&mut parts.headers);
        }
    }
    let mut inspector = Inspector::new(&plan, Side::Request);
    if !is_idle {
        head(target, &mut parts.headers, &mut inspector)?;
        if is_call && let Err(refusal) = metadata::settle(&mut parts.headers, &mut inspector) {
            return Err(Blocked::by(refusal, inspector.report()));
        }
    }
    let rule = plan.treatment.request.as_deref();
    if !has_body && let Some(rule) = rule {
        require_body(rule, &parts.method, &mut inspector)?;
    }
    let mut report = inspector.report().clone();
    if !has_body || (is_idle && rule.is_none() && fields.is_none()) {
        let engine = Engine::Pass(Bytes::new(), Box::new(report));
        let flow = Flow::new(source, engine, Side::Request, limit);
        return Ok(Request::from_parts(parts, FilteredBody::new(flow)));
    }
    let stream = if is_idle && rule.is_none() {
        Stream::with(inspector, None, &[])
    } else {
        reading(&parts.headers, fields, inspector)
    };
    let engine = match stream {
        Ok(stream) => Engine::Stream(Box::new(stream)),
        Err(refusal) if plan.is_observing => {
            report.refuse(&refusal);
            Engine::Pass(Bytes::new(), Box::new(report))
        }
        Err(refusal) => return Err(Blocked::by(refusal, &report)),
    };
    let mut body = FilteredBody::new(Flow::new(source, engine, Side::Request, limit));
    hold::ahead(&mut body).await?;
    Ok(Request::from_parts(parts, body))
}

/// Refuses a request without a body that should write records (RFC 9110 section 9.3: these methods carry what they write).
fn require_body(
    rule: &RecordRule,
    method: &Method,
    inspector: &mut Inspector,
) -> Result<(), Box<Blocked>> {
    let writes = [Method::POST, Method::PUT, Method::PATCH].contains(method);
    let needs_record = matches!(rule.select, Select::Path(_)) && !rule.is_optional;
    if !writes || !needs_record {
        return Ok(());
    }
    let refusal = Refusal::new(ReasonCode::RequestForeignRecord)
        .by(&rule.origin)
        .because("it has no body");
    if inspector.plan().is_observing {
        inspector.report_mut().refuse(&refusal);
        return Ok(());
    }
    Err(Blocked::by(refusal, inspector.report()))
}

/// The engine for a request's body, by what its fields say it is.
fn reading(
    headers: &HeaderMap,
    fields: Option<Fields>,
    inspector: Inspector,
) -> Result<Stream, Refusal> {
    let rule = inspector.plan().treatment.request.clone();
    let kind = kind(headers)?;
    if inspector.plan().treatment.grpc.is_some() && metadata::is_messages(headers) {
        let messages = Grpc::request(&inspector, Packing::of(headers))?;
        return Stream::of_messages(inspector, messages, &[]);
    }
    match (rule, fields) {
        (Some(rule), _) if is_patch(headers) => Err(Refusal::new(ReasonCode::RequestUnreadable)
            .by(&rule.origin)
            .because("a patch by paths can't be held against the route's `request` rule")),
        // RFC 9110 section 14.5: what the app puts together of it is more than what can be read here.
        (Some(rule), _) if headers.contains_key(CONTENT_RANGE) => {
            Err(Refusal::new(ReasonCode::RequestUnreadable)
                .by(&rule.origin)
                .because("a part of a record can't be held against the route's `request` rule"))
        }
        (None, Some(Fields::Parts(boundary))) => {
            let format = Box::new(Multipart::new(&boundary));
            Stream::over(inspector, format, &[])
        }
        (None, Some(Fields::Pairs | Fields::Untyped)) if kind.is_none() => {
            let format = Box::new(Untyped::new(&inspector));
            Stream::over(inspector, format, &[])
        }
        _ => Stream::with(inspector, kind, &[]),
    }
}

/// A JSON Patch (RFC 6902) says in strings which members it changes.
fn is_patch(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_TYPE).iter().any(|value| {
        let value = value.as_bytes().to_ascii_lowercase();
        memchr::memmem::find(&value, b"json-patch").is_some()
    })
}

/// Looks through the target and the header fields.
fn head(
    target: &Target,
    headers: &mut HeaderMap,
    inspector: &mut Inspector,
) -> Result<(), Box<Blocked>> {
    let mut edits: Vec<Edit> = Vec::new();
    // Whether nothing was found; when observing, that is no reason to stop.
    let mut look = |text: &str, place: Place<'_>| {
        let found = inspector.report().found();
        match inspector.inspect(text.as_bytes(), &place, &mut edits) {
            Ok(()) => Ok(inspector.report().found() == found),
            Err(refusal) => Err(Blocked::by(refusal, inspector.report())),
        }
    };
    for (index, segment) in target.segments().iter().enumerate() {
        look(segment, Place::Segment(index))?;
    }
    let mut is_found = false;
    for (name, value) in target.query() {
        let is_clean = look(name, Place::Query("*"))?;
        is_found |= !look(value, Place::Query(if is_clean { name } else { "*" }))? || !is_clean;
    }
    // As apps read it that end parameters at `;`, or for which `+` is no space.
    if !is_found {
        look(target.raw_query(), Place::Query("*"))?;
    }
    headers::inspect(headers, inspector).map_err(|refusal| Blocked::by(refusal, inspector.report()))
}

/// How a request's body is read.
fn kind(headers: &HeaderMap) -> Result<Option<Kind>, Refusal> {
    let unreadable = |detail: &str| Refusal::new(ReasonCode::RequestUnreadable).because(detail);
    let is_plain = |value: &http::HeaderValue| {
        value.as_bytes().is_empty() || value.as_bytes().eq_ignore_ascii_case(b"identity")
    };
    if !headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
        return Err(unreadable("it has a content coding"));
    }
    match Media::of(headers) {
        Media::Known(kind) => Ok(Some(kind)),
        Media::Absent | Media::Other => Ok(None),
        Media::Unclear => Err(unreadable("no single content type in UTF-8")),
    }
}

#[cfg(test)]
mod tests;
