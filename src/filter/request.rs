//! A client's request on its way to the app: refused where it holds what the app must not learn, else unchanged.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, Request};
use http_body::Body;

use crate::filter::body::FilteredBody;
use crate::filter::flow::{Engine, Flow};
use crate::filter::media::Media;
use crate::filter::{
    Blocked, Context, Edit, Inspector, Place, Plan, Report, Side, Stream, headers, hold,
};
use crate::policy::permit::Permit;
use crate::policy::treatment::Kind;
use crate::types::{ReasonCode, Refusal, Target};

/// Looks through a request for `target`; its body goes on being looked through as it streams.
///
/// # Errors
/// Refuses a request that holds what the policy keeps from the app, or whose body can't be read.
pub async fn request<B>(
    permit: &Permit,
    context: &Context,
    target: &Target,
    request: Request<B>,
) -> Result<Request<FilteredBody>, Box<Blocked>>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let plan = Arc::new(Plan::of(permit, context));
    let limit = context.limits.request_body;
    let (mut parts, source) = request.into_parts();
    if source.size_hint().lower() > limit {
        let refusal = Refusal::new(ReasonCode::RequestTooLarge);
        return Err(Blocked::by(refusal, &Report::default()));
    }
    let is_idle = plan.treatment.detect.automaton.is_none();
    let is_unread = is_idle && !plan.treatment.has_owner_rule();
    if !plan.is_observing && !is_unread {
        headers::ask_for_readable(&mut parts.headers);
    }
    if is_idle || source.is_end_stream() {
        let report = if is_idle {
            Report::default()
        } else {
            let mut inspector = Inspector::new(&plan, Side::Request);
            head(target, &mut parts.headers, &mut inspector)?;
            inspector.report().clone()
        };
        let engine = Engine::Pass(Bytes::new(), Box::new(report));
        let flow = Flow::new(source, engine, Side::Request, limit);
        return Ok(Request::from_parts(parts, FilteredBody::new(flow)));
    }
    let mut inspector = Inspector::new(&plan, Side::Request);
    head(target, &mut parts.headers, &mut inspector)?;
    let mut report = inspector.report().clone();
    let stream = kind(&parts.headers).and_then(|kind| Stream::with(inspector, kind, &[]));
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
    for (name, value) in target.query() {
        let is_clean = look(name, Place::Query("*"))?;
        look(value, Place::Query(if is_clean { name } else { "*" }))?;
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
