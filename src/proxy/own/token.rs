//! Token exchange (RFC 8693): another issuer's token becomes a short capability for this preview.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::form::Form;
use super::{Asked, Own, Told, admit, unkept, unmintable};
use crate::audit::Event;
use crate::capability::possession::{Scheme, Shown};
use crate::types::{ReasonCode, Refusal, Secret};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
/// What a JSON Web Token may be called.
const SUBJECTS: [&str; 2] = [
    "urn:ietf:params:oauth:token-type:jwt",
    "urn:ietf:params:oauth:token-type:id_token",
];

/// RFC 8693 section 2.2.1.
#[derive(Serialize)]
struct Granted<'a> {
    access_token: &'a str,
    issued_token_type: &'static str,
    token_type: &'static str,
    expires_in: i64,
}

/// RFC 6749 section 5.2.
#[derive(Serialize)]
struct Denied<'a> {
    error: &'static str,
    error_description: &'a str,
}

/// An error's name, and why.
struct Error(&'static str, Refusal);

impl Own {
    /// Exchanges the token in the form. Who has no token has nothing here: cookies play no part.
    pub(super) async fn token(&self, mut asked: Asked<'_>) -> Result<Told, Refusal> {
        self.minter()?;
        let granted = match Form::read(&mut asked).await {
            Ok(form) => self.exchange(&asked, &form).await,
            Err(refusal) => Err(Error("invalid_request", refusal)),
        };
        match granted {
            Ok(told) => Ok(told),
            Err(Error(name, refusal)) => denied(name, refusal),
        }
    }

    async fn exchange(&self, asked: &Asked<'_>, form: &Form) -> Result<Told, Error> {
        let wrong = |name, why: &str| {
            let refusal = Refusal::new(ReasonCode::RequestMalformed).because(why);
            Err(Error(name, refusal))
        };
        match form.value("grant_type") {
            Some(EXCHANGE) => {}
            Some(_) => return wrong("unsupported_grant_type", "only tokens are exchanged here"),
            None => return wrong("invalid_request", "`grant_type` is missing"),
        }
        if form.value("actor_token").is_some() || form.value("actor_token_type").is_some() {
            return wrong(
                "invalid_request",
                "nobody acts for another here: leave `actor_token` out",
            );
        }
        if form.value("scope").is_some() {
            return wrong(
                "invalid_scope",
                "there are no scopes here: leave `scope` out",
            );
        }
        if form.value("resource").is_some()
            || form
                .value("audience")
                .is_some_and(|name| name != asked.preview)
        {
            return wrong(
                "invalid_target",
                "the one audience here is the preview's name",
            );
        }
        let wanted = form.value("requested_token_type");
        if wanted.is_some_and(|kind| kind != ACCESS) {
            return wrong("invalid_request", "only access tokens are made here");
        }
        let kind = form.value("subject_token_type").unwrap_or_default();
        if !SUBJECTS.contains(&kind) {
            return wrong(
                "invalid_request",
                "`subject_token_type` is not that of a JSON Web Token",
            );
        }
        let Some(token) = form.value("subject_token") else {
            return wrong("invalid_request", "`subject_token` is missing");
        };
        // RFC 8693 section 2.2.2: a token that is invalid, or unacceptable by policy, makes the request invalid.
        let invalid = |refusal| Error("invalid_request", refusal);
        let token = Secret::new(token.to_owned());
        let minter = self.minter().map_err(invalid)?;
        let judge = asked.judge;
        // The token is no credential of this request, so nothing is shown that could prove one that is bound.
        let nothing = Shown {
            scheme: Scheme::Named,
            proofs: &[],
            method: asked.method.as_str(),
            host: asked.host,
            target: asked.target,
            certificate: None,
        };
        let proving =
            asked
                .admission
                .prove(&judge.verifier, &token, &nothing, asked.client, asked.now);
        let shown = proving.await.map_err(invalid)?;
        judge
            .policy
            .revoked()
            .refuse(&shown, asked.now)
            .map_err(invalid)?;
        let minted = minter.exchange(&shown, asked.now);
        let minted = minted.map_err(|error| invalid(unmintable(&error)))?;
        let verified = admit(asked, &minted).map_err(invalid)?;
        let granted = Granted {
            access_token: minted.token.expose(),
            issued_token_type: ACCESS,
            token_type: "Bearer",
            expires_in: minted.expires.duration_since(asked.now).as_secs(),
        };
        let answer = json(StatusCode::OK, &granted);
        let told = Told::plain(answer).did(Event::TokenExchanged);
        Ok(told.acting_for(verified))
    }
}

/// The refusal in the form that OAuth's clients read.
fn denied(error: &'static str, refusal: Refusal) -> Result<Told, Refusal> {
    let said = match &refusal.detail {
        Some(detail) => format!("{}: {detail}", refusal.code),
        None => format!("{}: {}", refusal.code, refusal.code.summary()),
    };
    // RFC 6749 section 5.2: neither quotes nor backslashes.
    let said = said.replace(['"', '\\'], "'");
    let body = Denied {
        error,
        error_description: &said,
    };
    let mut told = Told::plain(json(StatusCode::BAD_REQUEST, &body));
    told.refusal = Some(refusal);
    Ok(told)
}

fn json(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    // Plain words and numbers always have a JSON form.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    unkept(headers);
    answer
}
