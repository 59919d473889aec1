//! The way of a request, top to bottom: each step consumes what the one before has proved.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ETAG, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use jiff::Timestamp;

use super::cors::{self, Preflight};
use super::exchange::Exchange;
use super::handshake::Handshake;
use super::identity::Copies;
use super::inbound::Inbound;
use super::judge;
use super::leash::{Held, Leash};
use super::own::{self, Endpoint};
use super::passed::Passed;
use super::relay::{self, Relay};
use super::respond;
use super::upload::Upload;
use super::upstream;
use super::validators::Validators;
use super::{confine, cookie, destination, fence, handshake, headers, identity, normalise};
use crate::capability::possession::Shown;
use crate::capability::{Acting, Capability, Facts};
use crate::filter::{self, Blocked, Context, Messages, Plan, Report, Side};
use crate::policy::{Decision, Permit, Policy, Routed};
use crate::transport::Peer;
use crate::types::{DecisionId, Level, ReasonCode, Refusal, Subject, Target};

impl Inbound {
    /// The way of a request.
    pub(super) async fn pipeline(
        &self,
        id: DecisionId,
        exchange: &mut Exchange,
        mut request: Request<Incoming>,
        peer: Peer,
    ) -> Result<Passed, Stop> {
        self.admit(exchange)?;
        let now = Timestamp::now();
        let snapshot = self.judge.snapshot();
        let judge = &snapshot.value;
        let (policy, verifier, gate) = (&judge.policy, &judge.verifier, &judge.gate);
        exchange.judged_by(snapshot.generation, policy.hash());

        let client = hyper::upgrade::on(&mut request);
        let (mut head, body) = request.into_parts();
        let method = head.method.clone();
        // The opening of a WebSocket is a request like any other: every gate below is its gate, too.
        let handshake = Handshake::take(&mut head)?;
        let target = normalise::normalise(&mut head, self.limits.head, self.limits.headers)?;
        exchange.asks_for(&target);
        // Apps ask for these inside of the pod, under whatever name reaches the sidecar there.
        if target.as_str() == KEYS && matches!(method, Method::GET | Method::HEAD) {
            return Err(Stop::Answered(respond::keys(self.pod.jwks(), id), None));
        }
        let endpoint = Endpoint::of(&target);
        let callback = self.own.callback_host.as_ref();
        if let Some(callback) = callback.filter(|it| it.is(host(&head.headers))) {
            exchange.serves(endpoint.unwrap_or(Endpoint::Unknown).address());
            let told = callback.forward(endpoint, &method, &target, &head.headers, now)?;
            return Err(tell(id, exchange, told));
        }
        if let Some(endpoint) = endpoint {
            exchange.serves(endpoint.address());
        }
        gate.serve(host(&head.headers), peer.server_name.as_deref())?;
        if let Some(endpoint) = endpoint {
            let asked = own::Asked {
                endpoint,
                method: &method,
                target: &target,
                headers: &head.headers,
                host: host(&head.headers),
                body: Upload::new(body, self.limits.body_time, Copies::none()),
                judge,
                admission: &self.admission,
                client: self.admission.hops.client(peer.address, &head.headers),
                preview: &self.ledger.preview,
                revision: self.ledger.revision.as_deref(),
                now,
            };
            // What few requests need has no room in all of them.
            return Err(Box::pin(self.serve_own(id, exchange, asked)).await?);
        }
        if let Some(preflight) = Preflight::of(&method, &head.headers)? {
            return Err(preflight_stop(id, exchange, policy, &preflight, &target));
        }
        let destination = destination::destination(&head.headers)?;
        fence::refuse_beyond(&head.headers)?;
        self.marker.refuse_outdated(&head.headers)?;

        let proofs = identity::proofs(&mut head.headers);
        let carried = identity::take(&mut head.headers)?;
        match (&handshake, carried.is_cookie) {
            (_, false) => {}
            (None, true) => cookie::fence(&method, &head.headers, host(&head.headers))?,
            (Some(_), true) => cookie::same_origin(&head.headers, host(&head.headers))?,
        }
        // A browser was led here from elsewhere: exempt is a GET, and nothing that an app could make of it.
        let is_led =
            carried.is_cookie && cookie::same_origin(&head.headers, host(&head.headers)).is_err();
        let shown = Shown {
            scheme: carried.scheme,
            proofs: &proofs,
            method: method.as_str(),
            host: host(&head.headers),
            target: &target,
            certificate: peer.certificate,
        };
        let token = Arc::new(carried.token);
        let address = self.admission.hops.client(peer.address, &head.headers);
        let proving = self.admission.prove(verifier, &token, &shown, address, now);
        let verified = proving.await?;
        if carried.is_cookie {
            cookie::bound(&verified, &self.ledger.preview)?;
        }
        let copies = Copies::of(&token);
        exchange.acts_for(verified.subject(), verified.token_id());
        let is_copied = |target: &Target| copies.are_in_target(target);
        if is_copied(&target) || destination.as_ref().is_some_and(is_copied) {
            exchange.keeps_target();
            let refusal = Refusal::new(ReasonCode::RequestFinding);
            return Err(refusal
                .because("the capability stands in its target")
                .into());
        }

        exchange.asked_by_right(&target);

        let level = gate.admit(policy, &verified, now)?;
        exchange.stands_at(level);
        let mut routed = policy.route(&method, &target);
        if let Some(routed) = &routed {
            exchange.falls_under(routed.origin());
        }
        if handshake.is_some() {
            routed = routed.map(Routed::as_write);
        }
        let facts = self.facts(&head, &target, now);
        let rule = routed.as_ref().and_then(|routed| routed.rule());
        let proven = verified.clone();
        let capability: Capability = verifier.authorize(verified, &facts, rule).await?;
        let permit: Permit = match policy.decide(routed, &capability, level) {
            Decision::Permit(permit) => permit,
            Decision::Deny(refusal) => return Err(gate.explain(refusal, policy, now).into()),
        };
        if handshake.is_some() && !self.app.may_switch() {
            return Err(handshake::framed(&permit).into());
        }
        if handshake.is_some() && !permit.treatment().websocket {
            return Err(handshake::unheard(&permit).into());
        }
        if gate.is_bound() {
            let may_share = policy.sharing().is_some() && level == Level::Cleared;
            Box::pin(self.pin.admit(permit.subject(), may_share)).await?;
        }
        let judged = judge::Asked {
            verified: &proven,
            method: &method,
            facts: &facts,
            level,
            switches: handshake.is_some(),
        };
        if let Some(destination) = &destination {
            Box::pin(judge.reaches(judged, destination)).await?;
        }
        // Its second target was judged for one method alone.
        let may_mean_another = destination.is_none()
            && !is_led
            && filter::may_name_method(&target, &head.headers, !body.is_end_stream());
        let methods = if may_mean_another {
            Box::pin(judge.alike(judged, &target, &permit)).await
        } else {
            vec![method.clone()]
        };
        let context = self.context(now);
        let held = Held {
            token: Arc::clone(&token),
            method: method.clone(),
            target: target.clone(),
            destination,
            facts,
            level,
            pin: Arc::clone(&self.pin),
            switches: handshake.is_some(),
            server_name: peer.server_name,
        };
        let mut leash = Leash::new(&self.judge, snapshot.generation, held);

        let origin = cors::origin(&head.headers);
        let subject = Arc::clone(permit.subject());
        copies.remove_cookies(&mut head.headers);
        copies.remove(&mut head.headers);
        headers::to_app(&mut head.headers, &subject)?;
        let setting = [&*self.ledger.preview, policy.hash()];
        let validators = Validators::take(&mut head.headers, &context.key, &setting, &permit, now);
        head.version = http::Version::HTTP_11;
        head.extensions.clear();
        let upload = Upload::new(body, self.limits.body_time, copies);
        let turn = upload.turn();
        let request = Request::from_parts(head, upload);
        let mut request = filter::request(&permit, &context, &target, &methods, request).await?;
        validators.put(request.headers_mut());
        self.attest(id, &subject, now, request.headers_mut())?;
        if let Some(handshake) = &handshake {
            handshake.ask(request.headers_mut());
        }
        let asked = request.body().watch();
        let before = request.body().report().clone();

        // Its body may have been long in coming, and may be longer.
        leash.hold().await?;
        let asking = upstream::ask(&self.app, subject.id(), request, Some(&turn));
        let (mut answer, lease) = tokio::select! {
            biased;
            answered = asking => answered?,
            refusal = leash.tears() => {
                exchange.found(&before);
                return Err(refusal.into());
            }
        };
        let status = answer.status();
        if let Some(handshake) = handshake.filter(|_| status == StatusCode::SWITCHING_PROTOCOLS) {
            exchange.found(&before);
            let app = hyper::upgrade::on(&mut answer);
            let mut answers = Messages::new(&permit, &context, Side::Response);
            let mut head = Response::new(Bytes::new());
            *head.status_mut() = status;
            *head.headers_mut() = std::mem::take(answer.headers_mut());
            handshake.agree(head.headers_mut())?;
            answers.head(head.headers_mut())?;
            leash.hold().await?;
            let kinds = kinds(&permit, answers.report());
            respond::sign(head.headers_mut(), id, &kinds, &permit.treatment().csp);
            let limits = &self.limits;
            return Err(Stop::Switched(Box::new(Relay {
                head,
                id,
                client,
                app,
                lease,
                requests: Messages::new(&permit, &context, Side::Request),
                answers,
                leash,
                drain: self.drain.clone(),
                budget: self.budget.clone(),
                bounds: relay::Bounds {
                    message: limits.filter.record,
                    idle: limits.idle,
                    time: limits.websocket_time,
                },
            })));
        }
        let narrowed = headers::from_app(answer.headers_mut())
            .and_then(|()| validators.seal(status, answer.headers_mut()));
        let tag = narrowed.inspect_err(|_| exchange.found(&before))?;
        let answer = filter::response(&permit, &context, &method, answer).await;
        let mut answer = answer.inspect_err(|_| exchange.found(&before))?;
        if let Err(refusal) = leash.hold().await {
            exchange.found(&before);
            return Err(refusal.into());
        }
        if answer.body().whole().is_none() {
            answer.body_mut().hold(Box::pin(leash.torn()));
        }
        if let Some(tag) = tag {
            answer.headers_mut().insert(ETAG, tag);
        }
        let kinds = kinds(&permit, answer.body().report());
        let treatment = permit.treatment();
        respond::sign(answer.headers_mut(), id, &kinds, &treatment.csp);
        confine::confine(answer.headers_mut(), &treatment.csp);
        cors::share(answer.headers_mut(), &treatment.cors, origin);
        Ok(Passed {
            answer,
            lease,
            upload: asked,
            method,
        })
    }

    /// Tells the app for whom it acts, in a form that it can prove.
    fn attest(
        &self,
        id: DecisionId,
        subject: &Subject,
        now: Timestamp,
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal> {
        if !self.attests {
            return Ok(());
        }
        let acting = Acting {
            subject,
            preview: &self.ledger.preview,
            revision: self.ledger.revision.as_deref(),
            decision: id,
            now,
        };
        let token = self.pod.attest(acting).ok();
        let value = token.and_then(|token| HeaderValue::try_from(token).ok());
        let mut value = value.ok_or_else(|| Refusal::new(ReasonCode::Internal))?;
        value.set_sensitive(true);
        headers.insert(identity::CAPABILITY, value);
        Ok(())
    }

    /// Answers a request for one of the sidecar's own addresses.
    async fn serve_own(
        &self,
        id: DecisionId,
        exchange: &mut Exchange,
        asked: own::Asked<'_>,
    ) -> Result<Stop, Refusal> {
        let told = self.own.answer(asked).await?;
        Ok(tell(id, exchange, told))
    }

    /// Whether the sidecar takes requests at all just now.
    fn admit(&self, exchange: &mut Exchange) -> Result<(), Refusal> {
        if self.drain.is_draining() {
            return Err(Refusal::new(ReasonCode::Draining));
        }
        if !self.ledger.writer.is_healthy() {
            return Err(unwritten());
        }
        let place = Arc::clone(&self.room).try_acquire_owned();
        exchange.hold(place.map_err(|_| Refusal::new(ReasonCode::Overloaded))?);
        Ok(())
    }

    fn facts(&self, head: &http::request::Parts, target: &Target, now: Timestamp) -> Facts {
        Facts {
            method: head.method.as_str().to_owned(),
            path: target.decoded_path(),
            host: host(&head.headers).to_owned(),
            preview: Some(self.ledger.preview.to_string()),
            revision: self.ledger.revision.as_deref().map(str::to_owned),
            now,
        }
    }

    fn context(&self, now: Timestamp) -> Context {
        Context {
            now,
            preview: Arc::clone(&self.ledger.preview),
            key: self.ledger.naming.key().clone(),
            limits: self.limits.filter,
            budget: self.budget.clone(),
        }
    }
}

/// What the sidecar itself says, written down.
fn tell(id: DecisionId, exchange: &mut Exchange, mut told: own::Told) -> Stop {
    exchange.did(told.event);
    if let Some(verified) = &told.verified {
        exchange.acts_for(verified.subject(), verified.token_id());
    }
    respond::sign(told.answer.headers_mut(), id, &respond::NO_FILTER, &[]);
    Stop::Answered(told.answer, told.refusal.map(Box::new))
}

/// Why a request goes no further.
pub(super) enum Stop {
    /// The sidecar itself answers it; what it refuses in words of its own, for this reason.
    Answered(Response<Bytes>, Option<Box<Refusal>>),
    /// It has become a WebSocket.
    Switched(Box<Relay>),
    /// It is refused, and this is what the filter had found by then.
    Refused(Refusal, Option<Box<Report>>),
}

/// Where the public keys are.
const KEYS: &str = "/.well-known/chaperone/keys.json";

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal, None)
    }
}

impl From<Box<Blocked>> for Stop {
    fn from(blocked: Box<Blocked>) -> Self {
        Self::Refused(blocked.refusal, Some(Box::new(blocked.report)))
    }
}

/// What becomes of a preflight: that is up to the route of the request to come.
fn preflight_stop(
    id: DecisionId,
    exchange: &mut Exchange,
    policy: &Policy,
    preflight: &Preflight,
    target: &Target,
) -> Stop {
    let routed = policy.route(&preflight.method, target);
    if let Some(routed) = &routed {
        exchange.falls_under(routed.origin());
    }
    if routed.is_some_and(|routed| routed.is_shared_with(preflight.origin())) {
        Stop::Answered(respond::preflight(preflight, id), None)
    } else {
        Preflight::refused().into()
    }
}

/// The host that was asked for; none where it can't be read.
fn host(headers: &HeaderMap) -> &str {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    host.unwrap_or_default()
}

/// The refusal where no record can be written.
pub(super) fn unwritten() -> Refusal {
    Refusal::new(ReasonCode::AuditUnavailable)
}

fn kinds(permit: &Permit, report: &Report) -> HeaderValue {
    let kinds = if report.is_unscanned() {
        vec!["content"]
    } else {
        Plan::kinds(permit.treatment())
    };
    if kinds.is_empty() {
        return respond::NO_FILTER.clone();
    }
    HeaderValue::try_from(kinds.join(", ")).unwrap_or_else(|_| respond::NO_FILTER.clone())
}
