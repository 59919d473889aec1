//! An answer of the app on its way to the client.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body::Body;

use crate::filter::body::FilteredBody;
use crate::filter::charset::Charset;
use crate::filter::coding::Coding;
use crate::filter::flow::{Engine, Flow};
use crate::filter::grpc::Grpc;
use crate::filter::grpc::metadata::{self, Packing};
use crate::filter::media::{self, Media, Typed};
use crate::filter::{Blocked, Context, Inspector, Plan, Report, Side, Stream, headers, hold};
use crate::policy::permit::Permit;
use crate::policy::treatment::{Kind, Treatment};
use crate::types::{ReasonCode, Refusal};

/// Filters the app's answer to a request with `method`; waits until something of it may leave.
///
/// # Errors
/// Refuses an answer that the permit does not cover, as far as that shows before its first byte leaves.
pub async fn response<B>(
    permit: &Permit,
    context: &Context,
    method: &Method,
    answer: Response<B>,
) -> Result<Response<FilteredBody>, Box<Blocked>>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let plan = Arc::new(Plan::of(permit, context));
    let (mut parts, source) = answer.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(refused(ReasonCode::UpgradeRefused));
    }
    let is_empty = *method == Method::HEAD
        || parts.status == StatusCode::NO_CONTENT
        || parts.status == StatusCode::NOT_MODIFIED
        || source.is_end_stream();
    if plan.is_observing {
        let body = observe(&plan, &mut parts.headers, source, is_empty);
        return Ok(Response::from_parts(parts, body));
    }
    // Among them the status line's reason phrase: words of the app's own, which nobody reads but people.
    parts.extensions.clear();
    if plan.treatment.is_unread() {
        let engine = Engine::Pass(Bytes::new(), Box::default());
        let flow = Flow::new(source, engine, Side::Response, u64::MAX);
        let mut body = FilteredBody::new(flow);
        hold::briefly(&mut body).await?;
        return Ok(Response::from_parts(parts, body));
    }
    let reading = Reading::of(&plan, &parts.headers);
    let mut inspector = Inspector::new(&plan, Side::Response);
    if let Err(refusal) = headers::inspect(&mut parts.headers, &mut inspector) {
        return Err(Blocked::by(refusal, inspector.report()));
    }
    if metadata::is_grpc(&parts.headers)
        && let Err(refusal) = metadata::settle(&mut parts.headers, &mut inspector)
    {
        return Err(Blocked::by(refusal, inspector.report()));
    }
    if is_empty {
        headers::drop_stale(&mut parts.headers);
        let flow = Flow::empty(inspector.report().clone(), Side::Response);
        return Ok(Response::from_parts(parts, FilteredBody::new(flow)));
    }
    if parts.status == StatusCode::PARTIAL_CONTENT {
        let refusal = Refusal::new(ReasonCode::AnswerMalformed)
            .because("a partial answer that nobody asked for");
        return Err(Blocked::by(refusal, inspector.report()));
    }
    let before = inspector.report().clone();
    let stream = reading
        .and_then(|reading| reading.stream(inspector))
        .map_err(|refusal| Blocked::by(refusal, &before))?;
    headers::drop_stale(&mut parts.headers);
    parts.headers.remove(TRANSFER_ENCODING);
    let engine = Engine::Stream(Box::new(stream));
    let mut body = FilteredBody::new(Flow::new(source, engine, Side::Response, u64::MAX));
    hold::ahead(&mut body).await?;
    if let Some(length) = body.whole() {
        parts
            .headers
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(Response::from_parts(parts, body))
}

/// The filter for the body of an answer with these `headers`; none where the plan lets it pass unread.
///
/// # Errors
/// Refuses types and codings that can't be read or that the route's rules do not cover.
pub fn answer_stream(plan: &Arc<Plan>, headers: &HeaderMap) -> Result<Option<Stream>, Refusal> {
    if plan.treatment.is_unread() {
        return Ok(None);
    }
    let inspector = Inspector::new(plan, Side::Response);
    Reading::of(plan, headers)?.stream(inspector).map(Some)
}

/// How the body of an answer is read: as its fields say before any of them is taken out.
struct Reading {
    kind: Option<Kind>,
    charset: Charset,
    /// What stands between the parts of a multipart answer.
    boundary: Option<String>,
    /// The route lets answers of this type pass unscanned.
    is_open: bool,
    is_grpc: bool,
    /// The body is messages that the route's descriptor set explains, coded like this.
    packing: Option<Packing>,
    codings: Vec<Coding>,
}

impl Reading {
    fn of(plan: &Plan, headers: &HeaderMap) -> Result<Self, Refusal> {
        let (kind, charset) = kind(&plan.treatment, headers)?;
        Ok(Self {
            kind,
            charset,
            boundary: media::boundary(headers),
            is_open: is_open(&plan.treatment, headers),
            is_grpc: metadata::is_grpc(headers),
            packing: (plan.treatment.grpc.is_some() && metadata::is_messages(headers))
                .then(|| Packing::of(headers)),
            codings: Coding::of(headers, &plan.context.limits)?,
        })
    }

    fn stream(&self, inspector: Inspector) -> Result<Stream, Refusal> {
        if let (None, Some(packing)) = (self.kind, self.packing) {
            let messages = Grpc::answer(&inspector, packing)?;
            return Stream::of_messages(inspector, messages, &self.codings);
        }
        if self.is_open {
            return Stream::unscanned(inspector, &self.codings);
        }
        // Its messages name no fields: without their descriptors nobody can say what is whose. What a browser speaks
        // (gRPC-Web) and messages that are no protocol buffers have none.
        if self.kind.is_none() && self.is_grpc {
            return Err(Refusal::new(ReasonCode::TypeUnsupported)
                .by(&inspector.plan().treatment.origin)
                .because("gRPC messages can't be filtered"));
        }
        match (self.kind, &self.boundary) {
            (Some(Kind::Multipart), Some(boundary)) => {
                Stream::of_parts(inspector, boundary, &self.codings)
            }
            _ => Stream::of_answer(inspector, self.kind, self.charset, &self.codings),
        }
    }
}

/// How an answer with a body is read, and in which charset.
pub(super) fn kind(
    treatment: &Treatment,
    headers: &HeaderMap,
) -> Result<(Option<Kind>, Charset), Refusal> {
    let unclear = |detail: &str| {
        Refusal::new(ReasonCode::TypeUnsupported)
            .by(&treatment.origin)
            .because(detail)
    };
    let no_single =
        || unclear("no single content type, or a charset that can't be read in one way");
    let typed = Typed::of(headers).ok_or_else(no_single)?;
    let has_type = headers.contains_key(CONTENT_TYPE);
    let kind = match treatment.read_as {
        // `as: text` says that it is no records; clients go by its type all the same.
        Some(Kind::Text)
            if matches!(
                typed.kind,
                Some(Kind::Folded | Kind::Script | Kind::Style | Kind::Xml)
            ) =>
        {
            typed.kind
        }
        Some(kind) => Some(kind),
        // It may be records all the same: apps that write JSON by hand often leave the type out.
        None if !has_type && treatment.has_owner_rule() => {
            return Err(unclear("no content type on a route with records"));
        }
        // Without a type it is taken for text, which it must then be; `nosniff` binds the client to that.
        None if !has_type => Some(Kind::Text),
        None => typed.kind,
    };
    let charset = match kind {
        Some(kind) => Charset::of(&typed, kind).ok_or_else(no_single)?,
        // It is opened by `content`, or refused.
        None => Charset::UTF_8,
    };
    Ok((kind, charset))
}

/// Whether the route's `content` names the type of an answer that can't be scanned. What can be scanned is, whatever it says.
fn is_open(treatment: &Treatment, headers: &HeaderMap) -> bool {
    treatment.read_as.is_none()
        && Media::of(headers) == Media::Other
        && media::essence(headers).is_some_and(|essence| {
            let mut ranges = treatment.content.iter();
            ranges.any(|range| range.covers(&essence))
        })
}

/// Records what would happen and changes nothing.
fn observe<B>(plan: &Arc<Plan>, headers: &mut HeaderMap, source: B, is_empty: bool) -> FilteredBody
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let reading = Reading::of(plan, headers);
    let mut inspector = Inspector::new(plan, Side::Response);
    // When observing, a block is noted in the report and not returned.
    _ = headers::inspect(headers, &mut inspector);
    let mut report = inspector.report().clone();
    let engine = if is_empty || plan.treatment.is_unread() {
        Engine::Pass(Bytes::new(), Box::new(report))
    } else {
        match reading.and_then(|reading| reading.stream(inspector)) {
            Ok(stream) => Engine::Stream(Box::new(stream)),
            Err(refusal) => {
                report.refuse(&refusal);
                Engine::Pass(Bytes::new(), Box::new(report))
            }
        }
    };
    FilteredBody::new(Flow::new(source, engine, Side::Response, u64::MAX))
}

fn refused(code: ReasonCode) -> Box<Blocked> {
    Blocked::by(Refusal::new(code), &Report::default())
}

#[cfg(test)]
mod tests;
