//! THE closed list of reasons for a block: response, metric label, audit record, `explain` and docs use it.

mod browser;
mod token;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Control;

/// Why something was blocked.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonCode {
    /// The request can be read in two ways.
    AmbiguousRequest,
    /// The app's answer is not what its type says.
    AnswerMalformed,
    /// The app's answer nests deeper than the limit.
    AnswerTooDeep,
    /// The app's answer broke off.
    AnswerTruncated,
    /// The app's answer is not valid HTTP.
    AppProtocol,
    /// The app did not answer in time.
    AppTimeout,
    /// The app can't be reached.
    AppUnreachable,
    /// No reviewer approved what runs at the level that the route needs.
    ApprovalMissing,
    /// The audit log can't be written.
    AuditUnavailable,
    /// The preview has no binding that holds.
    BindingInvalid,
    /// Two capabilities were sent and they differ.
    CapabilityConflict,
    /// The capability has expired.
    CapabilityExpired,
    /// A check inside the capability does not hold for this request.
    CapabilityForbids,
    /// The capability can't be verified.
    CapabilityInvalid,
    /// No capability was sent.
    CapabilityMissing,
    /// The capability was revoked.
    CapabilityRevoked,
    /// The capability is larger or more complex than the limit.
    CapabilityTooLarge,
    /// The capability could not be judged in bounded time.
    CapabilityUndecided,
    /// The app's answer grows beyond the ratio when decompressed.
    CodingBomb,
    /// The app's answer has a content coding that can't be undone.
    CodingUnsupported,
    /// A cookie proves the request, and it did not come from the preview's own pages.
    CrossOriginRequest,
    /// The policy denies this route.
    DeniedRoute,
    /// The answer holds what a detector blocks.
    DetectorBlock,
    /// The sidecar is stopping.
    Draining,
    /// The answer holds embargoed data.
    Embargo,
    /// The sidecar has nothing under an address of its own.
    EndpointUnknown,
    /// The answer holds another user's record.
    ForeignRecord,
    /// The request's head is larger than the limit.
    HeadTooLarge,
    /// Not found.
    Hidden,
    /// The sidecar failed.
    Internal,
    /// A login did not end well.
    LoginFailed,
    /// The login's provider can't be asked.
    LoginUnavailable,
    /// The request names a host that is not the preview's.
    Misdirected,
    /// The issuer's published keys could not be read for too long.
    IssuerKeysStale,
    /// No route of the policy covers this request.
    NoRoute,
    /// The route's `authorize` rule does not allow this user.
    NotAuthorized,
    /// The user is not in the preview's audience.
    NotInAudience,
    /// The path names another user.
    NotOwner,
    /// The route's `records` selector matched nothing in the answer.
    NothingSelected,
    /// Too many requests or too many held bytes at once.
    Overloaded,
    /// A page of an earlier revision asks.
    PageOutdated,
    /// The pod serves another user.
    PodPinned,
    /// Another origin asks whether it may send a request.
    PreflightRefused,
    /// The request does not prove that its sender has the key that the capability is bound to.
    ProofInvalid,
    /// One record, or an answer that must be held whole, is larger than the limit.
    RecordTooLarge,
    /// The request holds what the policy keeps from the app.
    RequestFinding,
    /// The request writes a record that is not its user's.
    RequestForeignRecord,
    /// The request's body is not what its type says.
    RequestMalformed,
    /// The request did not arrive in time.
    RequestTimeout,
    /// The request's body is larger than the limit.
    RequestTooLarge,
    /// The request's body can't be scanned.
    RequestUnreadable,
    /// The list of revocations is too old.
    RevocationsStale,
    /// What runs is not what the binding is about.
    RevisionMismatch,
    /// A browser asks for a service worker.
    ServiceWorkerRefused,
    /// One string of the app's answer is longer than the limit.
    StringTooLong,
    /// The request's target is longer than the limit.
    TargetTooLong,
    /// A ticket does not hold.
    TicketInvalid,
    /// A ticket was spent before.
    TicketSpent,
    /// Spent tickets can't be remembered.
    TicketUnavailable,
    /// The client has sent too many capabilities that do not hold.
    TooManyFailures,
    /// Answers of this type can't be scanned on this route.
    TypeUnsupported,
    /// This protocol can't be filtered.
    UpgradeRefused,
    /// This version of HTTP is not spoken here.
    VersionUnsupported,
    /// The route changes data, and reviewers approved reading alone.
    WriteNotCleared,
}

/// What one code says: its name, its control, what happened, what to do next.
struct Text(&'static str, Control, &'static str, &'static str);

impl ReasonCode {
    /// Every code, in the order of their names.
    pub const ALL: &'static [Self] = &[
        Self::AmbiguousRequest,
        Self::AnswerMalformed,
        Self::AnswerTooDeep,
        Self::AnswerTruncated,
        Self::AppProtocol,
        Self::AppTimeout,
        Self::AppUnreachable,
        Self::ApprovalMissing,
        Self::AuditUnavailable,
        Self::BindingInvalid,
        Self::CapabilityConflict,
        Self::CapabilityExpired,
        Self::CapabilityForbids,
        Self::CapabilityInvalid,
        Self::CapabilityMissing,
        Self::CapabilityRevoked,
        Self::CapabilityTooLarge,
        Self::CapabilityUndecided,
        Self::CodingBomb,
        Self::CodingUnsupported,
        Self::CrossOriginRequest,
        Self::DeniedRoute,
        Self::DetectorBlock,
        Self::Draining,
        Self::Embargo,
        Self::EndpointUnknown,
        Self::ForeignRecord,
        Self::HeadTooLarge,
        Self::Hidden,
        Self::Internal,
        Self::LoginFailed,
        Self::LoginUnavailable,
        Self::IssuerKeysStale,
        Self::Misdirected,
        Self::NoRoute,
        Self::NotAuthorized,
        Self::NotInAudience,
        Self::NotOwner,
        Self::NothingSelected,
        Self::Overloaded,
        Self::PageOutdated,
        Self::PodPinned,
        Self::PreflightRefused,
        Self::ProofInvalid,
        Self::RecordTooLarge,
        Self::RequestFinding,
        Self::RequestForeignRecord,
        Self::RequestMalformed,
        Self::RequestTimeout,
        Self::RequestTooLarge,
        Self::RequestUnreadable,
        Self::RevocationsStale,
        Self::RevisionMismatch,
        Self::ServiceWorkerRefused,
        Self::StringTooLong,
        Self::TargetTooLong,
        Self::TicketInvalid,
        Self::TicketSpent,
        Self::TicketUnavailable,
        Self::TooManyFailures,
        Self::TypeUnsupported,
        Self::UpgradeRefused,
        Self::VersionUnsupported,
        Self::WriteNotCleared,
    ];

    /// The code as response, log and metrics write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.text().0
    }

    /// The control it belongs to.
    #[must_use]
    pub fn control(self) -> Control {
        self.text().1
    }

    /// What happened, in one lower-case clause.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.text().2
    }

    /// What to do next, in one lower-case clause.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        self.text().3
    }

    fn text(self) -> Text {
        use Control::{Credential, Delete, Leak};
        match self {
            Self::AmbiguousRequest => Text(
                "ambiguous-request",
                Leak,
                "the request can be read in two ways",
                "send one plain form: no dot segments, empty segments, encoded slashes or control characters in the path, no field in two spellings, no other method than the request's own",
            ),
            Self::AnswerMalformed => Text(
                "answer-malformed",
                Leak,
                "the app's answer is not what its type says",
                "mend the app's answer, or declare its true type in the policy with `as`",
            ),
            Self::AnswerTooDeep => Text(
                "answer-too-deep",
                Leak,
                "the app's answer nests deeper than the limit",
                "raise `limits.depth`, or answer with a flatter document",
            ),
            Self::AnswerTruncated => Text(
                "answer-truncated",
                Leak,
                "the app's answer broke off",
                "look into the app's own log: it closed the connection inside its answer",
            ),
            Self::AppProtocol => Text(
                "app-protocol",
                Leak,
                "the app's answer is not valid HTTP",
                "look into the app's own log",
            ),
            Self::AppTimeout => Text(
                "app-timeout",
                Leak,
                "the app did not answer in time",
                "look into the app's own log, or raise `limits.upstream_time`",
            ),
            Self::AppUnreachable => Text(
                "app-unreachable",
                Leak,
                "the app can't be reached",
                "wait until the app listens, or correct `upstream.url`",
            ),
            Self::ApprovalMissing => Text(
                "approval-missing",
                Leak,
                "no reviewer approved what runs at the level that this route needs",
                "ask a maintainer to review this revision and to approve it with `chaperone approve`",
            ),
            Self::AuditUnavailable => Text(
                "audit-unavailable",
                Leak,
                "the audit log can't be written",
                "free the disk or correct `audit.file`; requests pass again by themselves",
            ),
            Self::BindingInvalid => Text(
                "binding-invalid",
                Leak,
                "the preview has no binding that holds",
                "ask whoever deployed the preview: `chaperone binding create` makes one, `chaperone binding verify` tests it",
            ),
            Self::CapabilityConflict => Text(
                "capability-conflict",
                Credential,
                "two capabilities were sent and they differ",
                "send one",
            ),
            Self::CapabilityExpired => Text(
                "capability-expired",
                Credential,
                "the capability has expired",
                "get a new one",
            ),
            Self::CapabilityForbids => Text(
                "capability-forbids",
                Credential,
                "a check inside the capability does not hold for this request",
                "use a capability that is not restricted to something else",
            ),
            Self::CapabilityInvalid => Text(
                "capability-invalid",
                Credential,
                "the capability can't be verified",
                "get one from the issuer that the policy names",
            ),
            Self::CapabilityMissing => Text(
                "capability-missing",
                Credential,
                "no capability was sent",
                "open a link that `chaperone ticket` made, or send a capability as `Authorization: Bearer`",
            ),
            Self::CapabilityRevoked => Text(
                "capability-revoked",
                Credential,
                "the capability was revoked",
                "get a new one",
            ),
            Self::CapabilityTooLarge => Text(
                "capability-too-large",
                Credential,
                "the capability is larger or more complex than the limit",
                "attenuate it less, or raise `limits.token`",
            ),
            Self::CapabilityUndecided => Text(
                "capability-undecided",
                Credential,
                "the capability could not be judged in bounded time",
                "attenuate it with simpler checks",
            ),
            Self::CodingBomb => Text(
                "coding-bomb",
                Leak,
                "the app's answer grows beyond the ratio when decompressed",
                "answer uncompressed, or raise `limits.ratio`",
            ),
            Self::CodingUnsupported => Text(
                "coding-unsupported",
                Leak,
                "the app's answer has a content coding that can't be undone",
                "answer with gzip, deflate, br or zstd, or uncompressed",
            ),
            Self::CrossOriginRequest => browser::CROSS_ORIGIN_REQUEST,
            Self::DeniedRoute => Text(
                "denied-route",
                Delete,
                "the policy denies this route",
                "ask the policy's owners if it should be open",
            ),
            Self::DetectorBlock => Text(
                "detector-block",
                Leak,
                "the answer holds what a detector blocks",
                "ask the reviewer named in the policy file",
            ),
            Self::Draining => Text("draining", Leak, "the sidecar is stopping", "try again"),
            Self::Embargo => Text(
                "embargo",
                Leak,
                "the answer holds embargoed data",
                "wait until the embargo ends",
            ),
            Self::EndpointUnknown => browser::ENDPOINT_UNKNOWN,
            Self::ForeignRecord => Text(
                "foreign-record",
                Leak,
                "the answer holds another user's record",
                "ask for your own data",
            ),
            Self::HeadTooLarge => Text(
                "head-too-large",
                Leak,
                "the request's head is larger than the limit",
                "send fewer or shorter headers, or raise `limits.head`",
            ),
            Self::Hidden => Text("hidden", Leak, "not found", "check the address"),
            Self::Internal => Text(
                "internal",
                Leak,
                "the sidecar failed",
                "report this with the decision id",
            ),
            Self::LoginFailed => browser::LOGIN_FAILED,
            Self::LoginUnavailable => browser::LOGIN_UNAVAILABLE,
            Self::IssuerKeysStale => token::ISSUER_KEYS_STALE,
            Self::Misdirected => Text(
                "misdirected",
                Credential,
                "this preview is not reached under that host",
                "use the address that the preview was announced with",
            ),
            Self::NoRoute => Text(
                "no-route",
                Leak,
                "no route of the policy covers this request",
                "add a route to the policy",
            ),
            Self::NotAuthorized => Text(
                "not-authorized",
                Delete,
                "the route's `authorize` rule does not allow this user",
                "ask the policy's owners for the right",
            ),
            Self::NotInAudience => Text(
                "not-in-audience",
                Leak,
                "this preview is not open to you",
                "ask the change's originator or a maintainer: the preview's binding lists its audience",
            ),
            Self::NotOwner => Text(
                "not-owner",
                Leak,
                "the path names another user",
                "ask for your own data",
            ),
            Self::NothingSelected => Text(
                "nothing-selected",
                Leak,
                "the route's `records` selector matched nothing in the answer",
                "correct the selector, or mark the route `optional: true`",
            ),
            Self::Overloaded => Text(
                "overloaded",
                Leak,
                "too many requests or too many held bytes at once",
                "try again, or raise `limits.requests` or `limits.buffered`",
            ),
            Self::PageOutdated => Text(
                "page-outdated",
                Leak,
                "a page of an earlier revision asks",
                "load the page anew",
            ),
            Self::PodPinned => Text(
                "pod-pinned",
                Leak,
                "this pod already serves another user",
                "ask for a preview of your own: one app must not carry data from user to user",
            ),
            Self::PreflightRefused => Text(
                "preflight-refused",
                Leak,
                "another origin asks whether it may send a request",
                "call the preview from its own origin, or have the route's `cors` name yours",
            ),
            Self::ProofInvalid => token::PROOF_INVALID,
            Self::RecordTooLarge => Text(
                "record-too-large",
                Leak,
                "one record, or an answer that must be held whole, is larger than the limit",
                "raise `limits.record`, or answer in smaller records",
            ),
            Self::RequestFinding => Text(
                "request-finding",
                Leak,
                "the request holds what the policy keeps from the app",
                "leave it out of the request",
            ),
            Self::RequestForeignRecord => Text(
                "request-foreign-record",
                Delete,
                "the request writes a record that is not its user's",
                "write records in your own name alone, and nothing beside them",
            ),
            Self::RequestMalformed => Text(
                "request-malformed",
                Leak,
                "the request's body is not what its type says",
                "correct the body or its content type",
            ),
            Self::RequestTimeout => Text(
                "request-timeout",
                Leak,
                "the request did not arrive in time",
                "send it without pauses, or raise `limits.head_time` or `limits.body_time`",
            ),
            Self::RequestTooLarge => Text(
                "request-too-large",
                Leak,
                "the request's body is larger than the limit",
                "send less, or raise `limits.request_body`",
            ),
            Self::RequestUnreadable => Text(
                "request-unreadable",
                Leak,
                "the request's body can't be scanned",
                "send it uncoded, in UTF-8",
            ),
            Self::RevocationsStale => token::REVOCATIONS_STALE,
            Self::RevisionMismatch => Text(
                "revision-mismatch",
                Leak,
                "what runs is not what the preview's binding is about",
                "deploy with a binding of the revision and the images that run, and have that approved",
            ),
            Self::ServiceWorkerRefused => Text(
                "service-worker-refused",
                Leak,
                "a service worker would outlive this revision in the browser",
                "use the page without it: it must work where none can be registered",
            ),
            Self::StringTooLong => Text(
                "string-too-long",
                Leak,
                "one string of the app's answer is longer than the limit",
                "raise `limits.string`, or answer with shorter strings",
            ),
            Self::TargetTooLong => Text(
                "target-too-long",
                Leak,
                "the request's target is longer than the limit",
                "ask for a shorter address, or raise `limits.head`",
            ),
            Self::TicketInvalid => browser::TICKET_INVALID,
            Self::TicketSpent => browser::TICKET_SPENT,
            Self::TicketUnavailable => browser::TICKET_UNAVAILABLE,
            Self::TooManyFailures => token::TOO_MANY_FAILURES,
            Self::TypeUnsupported => Text(
                "type-unsupported",
                Leak,
                "answers of this type can't be scanned on this route",
                "answer with a type that the route's rules cover, or declare it with `as`",
            ),
            Self::UpgradeRefused => Text(
                "upgrade-refused",
                Leak,
                "this protocol can't be filtered here",
                "use plain HTTP, or have the route say `websocket`",
            ),
            Self::VersionUnsupported => Text(
                "version-unsupported",
                Leak,
                "this version of HTTP is not spoken here",
                "use HTTP/1.1 or HTTP/2",
            ),
            Self::WriteNotCleared => Text(
                "write-not-cleared",
                Delete,
                "reviewers approved this revision for reading alone",
                "ask a maintainer to approve it with `chaperone approve --level cleared`, or the policy's owners to give the route a `level`",
            ),
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::ReasonCode;

    #[test]
    fn writes_one_name_everywhere() {
        for code in ReasonCode::ALL {
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(json, format!("\"{code}\""));
        }
    }
}
