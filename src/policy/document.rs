//! A policy as it is written: the types that the parser fills and the JSON Schema comes from.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::capability::JwtAlgorithm;
use crate::policy::field::{Either, Field, OneOrMany};
use crate::types::Control;

/// A chaperone policy: who may ask, what of the answers may pass, and what never does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "policy")]
pub(in crate::policy) struct Document {
    /// The version of this file's form: 1.
    #[schemars(range(min = 1, max = 1))]
    pub(in crate::policy) version: Field<u64>,
    /// The policy's name, as the log shows it.
    pub(in crate::policy) policy: Field<String>,
    /// Whether the rules on answers are enforced, or only recorded while answers pass unchanged.
    #[serde(default)]
    pub(in crate::policy) mode: Field<ModeWord>,
    /// Which tokens are accepted. Nothing is served without one.
    pub(in crate::policy) capability: Field<CapabilityForm>,
    /// The preview must be bound: its own token says what runs, whose change it is and who may use it.
    #[serde(default)]
    pub(in crate::policy) binding: Field<BindingForm>,
    /// Whose approval what runs needs before it meets data.
    #[serde(default)]
    pub(in crate::policy) review: Field<ReviewForm>,
    /// How many users one pod serves: `one` unless said.
    #[serde(default)]
    pub(in crate::policy) subjects: Field<Either<SubjectsWord, SubjectsForm>>,
    /// The user that a request acts for.
    #[serde(default)]
    pub(in crate::policy) subject: Field<SubjectForm>,
    /// The requests that may reach the app. The most specific route wins; what none names is blocked.
    pub(in crate::policy) routes: Field<Vec<Field<RouteForm>>>,
    /// What is taken out wherever it stands.
    #[serde(default)]
    pub(in crate::policy) detect: Field<Vec<Field<DetectForm>>>,
    /// Terms that nobody may see yet.
    #[serde(default)]
    pub(in crate::policy) embargo: Field<Vec<Field<EmbargoForm>>>,
}

/// Whether rules act.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "mode")]
pub(in crate::policy) enum ModeWord {
    /// The rules act.
    Enforce,
    /// What the rules on answers and on the bodies of requests would do is recorded, and both pass unchanged. Tokens,
    /// routes, `deny` and path owners refuse as in `enforce`.
    Observe,
}

/// Which tokens are accepted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "capability")]
pub(in crate::policy) struct CapabilityForm {
    /// Biscuits signed by one of these keys.
    #[serde(default)]
    pub(in crate::policy) biscuit: Field<BiscuitForm>,
    /// JSON Web Tokens of one issuer, or of several.
    #[serde(default)]
    pub(in crate::policy) jwt: Field<OneOrMany<Field<JwtForm>>>,
    /// Capabilities that no longer hold.
    #[serde(default)]
    pub(in crate::policy) revoked: Field<RevokedForm>,
}

/// Capabilities that no longer hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "revoked")]
pub(in crate::policy) struct RevokedForm {
    /// The list with one id a line: a file, relative to the policy file, or the URL where it is published.
    pub(in crate::policy) list: Field<Either<String, PublishedForm>>,
    /// The file with the Ed25519 public key that signs the list; a list without a good signature is refused then.
    #[serde(default)]
    pub(in crate::policy) key: Field<String>,
    /// How old a list from a file may be by its own date, such as `24h`: any age unless said.
    #[serde(default)]
    pub(in crate::policy) max_age: Field<String>,
}

/// What is published at an address.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "published")]
pub(in crate::policy) struct PublishedForm {
    /// The address: `https:`, or `http:` on the loopback.
    pub(in crate::policy) url: Field<String>,
    /// How often it is read: `5m` for keys and `1m` for revocations unless said.
    #[serde(default)]
    pub(in crate::policy) every: Field<String>,
    /// How long the last good answer holds: `24h` for keys and `1h` for revocations unless said. Then nothing that needs
    /// it is let in.
    #[serde(default)]
    pub(in crate::policy) max_age: Field<String>,
    /// The file with the certificates (PEM) that the server's must lead to, relative to the policy file; the public ones
    /// unless said.
    #[serde(default)]
    pub(in crate::policy) ca: Field<String>,
}

/// Who signs bindings.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "binding")]
pub(in crate::policy) struct BindingForm {
    /// Files with one Ed25519 public key each, relative to the policy file; those of `capability.biscuit` unless said.
    #[serde(default)]
    pub(in crate::policy) root_keys: Field<Vec<Field<String>>>,
}

/// Whose approval what runs needs before it meets data.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "review")]
pub(in crate::policy) struct ReviewForm {
    /// The level that routes need where they say none: `ok-to-test` unless said.
    #[serde(default)]
    pub(in crate::policy) require: Field<LevelWord>,
    /// Files with one reviewer a line, `ed25519/HEX USER`, relative to the policy file.
    pub(in crate::policy) reviewers: Field<Vec<Field<String>>>,
    /// How many reviewers must agree: 1 unless said. The change's originator never counts.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub(in crate::policy) approvals: Field<u64>,
}

/// A level that reviewers grant.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "level")]
pub(in crate::policy) enum LevelWord {
    /// The user's own data.
    OkToTest,
    /// What the user's own data, embargo rules and shared pods need beyond that.
    Cleared,
}

/// How many users one pod serves.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "subjects")]
pub(in crate::policy) enum SubjectsWord {
    /// The first one that it lets in, for its lifetime.
    One,
    /// Several: needs its reason, `{ shared: "why" }`.
    Shared,
}

/// How many users one pod serves, with the reason.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "shared subjects")]
pub(in crate::policy) struct SubjectsForm {
    /// Why this app may serve several users from one pod, once it is cleared.
    pub(in crate::policy) shared: Field<String>,
}

/// One of the four controls.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "control")]
pub(in crate::policy) enum ControlWord {
    /// Tokens, keys, secrets get out.
    Credential,
    /// Data is changed or deleted.
    Delete,
    /// Others' or embargoed data gets out.
    Leak,
    /// Content that users loaded is served on.
    Redistribute,
}

impl ControlWord {
    pub(in crate::policy) fn control(self) -> Control {
        match self {
            Self::Credential => Control::Credential,
            Self::Delete => Control::Delete,
            Self::Leak => Control::Leak,
            Self::Redistribute => Control::Redistribute,
        }
    }
}

/// The issuers of Biscuits.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "biscuit")]
pub(in crate::policy) struct BiscuitForm {
    /// Files with one Ed25519 public key each, relative to the policy file.
    pub(in crate::policy) root_keys: Field<Vec<Field<String>>>,
}

/// The issuer of JSON Web Tokens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "jwt")]
pub(in crate::policy) struct JwtForm {
    /// What `iss` must say.
    pub(in crate::policy) issuer: Field<String>,
    /// What `aud` must say.
    pub(in crate::policy) audience: Field<String>,
    /// The issuer's public keys (RFC 7517): a file, relative to the policy file, or the URL where they are published.
    pub(in crate::policy) jwks: Field<Either<String, PublishedForm>>,
    /// The algorithms that are accepted.
    pub(in crate::policy) algorithms: Field<Vec<Field<JwtAlgorithm>>>,
    /// The seconds by which clocks may differ: 60 at most, and unless said.
    #[serde(default)]
    #[schemars(range(max = 60))]
    pub(in crate::policy) leeway: Field<u8>,
    /// What is put before every `sub`, so that users of two issuers can't be one: nothing unless said.
    #[serde(default)]
    pub(in crate::policy) prefix: Field<String>,
    /// More claims to read, by name or by path (`$.realm_access.roles`), each with the subject's attribute that it fills.
    #[serde(default)]
    pub(in crate::policy) claims: Field<BTreeMap<String, Field<String>>>,
}

/// The user that a request acts for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "subject")]
pub(in crate::policy) struct SubjectForm {
    /// What names the user in a token: `user`.
    #[serde(default)]
    pub(in crate::policy) id: Field<String>,
    /// The attributes whose values detectors leave alone, because they are the user's own.
    #[serde(default)]
    pub(in crate::policy) own: Field<Vec<Field<String>>>,
    /// The attributes that owners are compared with whatever the ASCII letter case.
    #[serde(default)]
    pub(in crate::policy) fold_case: Field<Vec<Field<String>>>,
}

/// One owner, or several of which any may be the user.
pub(in crate::policy) type OwnersForm = OneOrMany<Field<Either<String, OwnerForm>>>;

/// Where a record names an owner, and what of the user must stand there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "named owner")]
pub(in crate::policy) struct OwnerForm {
    /// The place: what a plain `owner` says.
    pub(in crate::policy) at: Field<String>,
    /// The user's attribute that must stand there (`email`, `group`): `user`, the id, unless said.
    #[serde(default)]
    pub(in crate::policy) is: Field<String>,
}

/// One of several collections of records in the same answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "collection")]
pub(in crate::policy) struct CollectionForm {
    /// An RFC 9535 JSONPath: which parts of the answer are records.
    pub(in crate::policy) at: Field<String>,
    /// Where such a record names its owner.
    pub(in crate::policy) owner: Field<OwnersForm>,
    /// What becomes of such records that are not the user's: as the route says.
    #[serde(default)]
    pub(in crate::policy) others: Field<OthersWord>,
    /// An answer without such records passes: as the route says.
    #[serde(default)]
    pub(in crate::policy) optional: Field<bool>,
}

/// Whose the elements of a page are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "html")]
pub(in crate::policy) struct HtmlForm {
    /// A CSS selector: which elements are records.
    pub(in crate::policy) records: Field<String>,
    /// The attribute of such an element that names its owner, or a CSS selector of the element inside
    /// whose text does; of a list, any may be the user.
    pub(in crate::policy) owner: Field<OwnersForm>,
}

/// Whose the rows of a table are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "rows")]
pub(in crate::policy) struct RowsForm {
    /// The column that names a row's owner, as the first row spells it; of a list, any may be the user.
    pub(in crate::policy) owner: Field<OwnersForm>,
    /// What stands between cells, where the media type misleads: `,` in CSV and a tab in TSV unless said.
    #[serde(default)]
    pub(in crate::policy) delimiter: Field<String>,
}

/// Requests that may reach the app (or must not), and what of their answers may pass.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "route")]
pub(in crate::policy) struct RouteForm {
    /// Method and path: `GET /api/orders`, `* /admin/**`, `GET /api/users/{user}`, `GET /list?kind=a`.
    #[serde(rename = "match")]
    pub(in crate::policy) pattern: Field<String>,
    /// `anywhere`, or an RFC 9535 JSONPath: which parts of a JSON answer are records; or a list of
    /// collections, each with a JSONPath and an owner.
    #[serde(default)]
    pub(in crate::policy) records: Field<Either<String, Vec<Field<CollectionForm>>>>,
    /// Where a record names its owner, relative to the record (`$.customer.id`, or the bare name of a
    /// member; of a list, any may be the user); or `"{name}"`: the path itself must name the user.
    #[serde(default)]
    pub(in crate::policy) owner: Field<OwnersForm>,
    /// Where a record names its owner, on a route whose `owner` is in the path.
    #[serde(default)]
    pub(in crate::policy) record_owner: Field<OwnersForm>,
    /// Whose the elements of a page are.
    #[serde(default)]
    pub(in crate::policy) html: Field<HtmlForm>,
    /// Whose the rows of a CSV or TSV answer are.
    #[serde(default)]
    pub(in crate::policy) rows: Field<RowsForm>,
    /// What becomes of records that are not the user's: `drop` unless said.
    #[serde(default)]
    pub(in crate::policy) others: Field<OthersWord>,
    /// JSONPaths of members outside the records that may pass.
    #[serde(default)]
    pub(in crate::policy) also: Field<Vec<Field<String>>>,
    /// An answer in which the owner rule selects nothing passes, without what else is in it.
    #[serde(default)]
    pub(in crate::policy) optional: Field<bool>,
    /// What answers are read as, where the app's content type misleads.
    #[serde(default, rename = "as")]
    pub(in crate::policy) read_as: Field<KindWord>,
    /// The owner rule for the bodies of these requests, which must be JSON, NDJSON or (with `grpc`) gRPC then.
    #[serde(default)]
    pub(in crate::policy) request: Field<RequestForm>,
    /// Media types that pass unscanned where they can't be scanned: `image/*`, `application/pdf`.
    #[serde(default)]
    pub(in crate::policy) content: Field<Vec<Field<String>>>,
    /// Other origins whose pages may send these requests and read the answers.
    #[serde(default)]
    pub(in crate::policy) cors: Field<Vec<Field<String>>>,
    /// Other origins that the route's pages may turn to, beside the preview's own.
    #[serde(default)]
    pub(in crate::policy) csp: Field<CspForm>,
    /// Requests may switch to WebSocket: each message is held against the route's rules by itself.
    #[serde(default)]
    pub(in crate::policy) websocket: Field<bool>,
    /// The descriptor set that gRPC messages are read by: a file, relative to the policy file.
    #[serde(default)]
    pub(in crate::policy) grpc: Field<String>,
    /// The reason why these requests are blocked.
    #[serde(default)]
    pub(in crate::policy) deny: Field<String>,
    /// The reason why these answers are nobody's data.
    #[serde(default)]
    pub(in crate::policy) public: Field<String>,
    /// Biscuit Datalog that the capability must satisfy.
    #[serde(default)]
    pub(in crate::policy) authorize: Field<String>,
    /// The level that reviewers must have granted, for every method; unless said, what `review` requires, and
    /// `cleared` for methods that change data.
    #[serde(default)]
    pub(in crate::policy) level: Field<LevelWord>,
    /// All data here is made up: code that nobody reviewed may serve it.
    #[serde(default)]
    pub(in crate::policy) synthetic: Field<bool>,
    /// The control that `deny` serves: `delete` unless said.
    #[serde(default)]
    pub(in crate::policy) control: Field<ControlWord>,
}

impl RouteForm {
    /// Some rule says whose something is: the route serves or takes people's data.
    pub(in crate::policy) fn has_owners(&self) -> bool {
        let is_absent = self.records.is_absent()
            && self.owner.is_absent()
            && self.html.is_absent()
            && self.rows.is_absent()
            && self.request.is_absent();
        !is_absent
    }
}

/// The owner rule for the bodies of requests: what is not the user's own is refused before the app sees any of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "request rule")]
pub(in crate::policy) struct RequestForm {
    /// `anywhere`, or an RFC 9535 JSONPath: which parts of a body are records. All of them must be the user's.
    pub(in crate::policy) records: Field<String>,
    /// Where a record names its owner, relative to the record; of a list, any may be the user.
    pub(in crate::policy) owner: Field<OwnersForm>,
    /// JSONPaths of members that may stand outside the records; any other is refused.
    #[serde(default)]
    pub(in crate::policy) also: Field<Vec<Field<String>>>,
    /// A request without a body, and a body in which `records` selects nothing, pass.
    #[serde(default)]
    pub(in crate::policy) optional: Field<bool>,
}

/// Origins that a route's pages may turn to, by the directive of the content security policy.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", rename = "csp")]
pub(in crate::policy) struct CspForm {
    /// Where scripts may send requests and open connections.
    #[serde(default)]
    pub(in crate::policy) connect_src: Field<Vec<Field<String>>>,
    /// Where fonts may come from.
    #[serde(default)]
    pub(in crate::policy) font_src: Field<Vec<Field<String>>>,
    /// Where forms may be sent.
    #[serde(default)]
    pub(in crate::policy) form_action: Field<Vec<Field<String>>>,
    /// Which pages may frame these.
    #[serde(default)]
    pub(in crate::policy) frame_ancestors: Field<Vec<Field<String>>>,
    /// What may be framed.
    #[serde(default)]
    pub(in crate::policy) frame_src: Field<Vec<Field<String>>>,
    /// Where images may come from.
    #[serde(default)]
    pub(in crate::policy) img_src: Field<Vec<Field<String>>>,
    /// Where sound and video may come from.
    #[serde(default)]
    pub(in crate::policy) media_src: Field<Vec<Field<String>>>,
    /// Where pages may lead the user, by a link or a script.
    #[serde(default)]
    pub(in crate::policy) navigate_to: Field<Vec<Field<String>>>,
    /// Where scripts may come from.
    #[serde(default)]
    pub(in crate::policy) script_src: Field<Vec<Field<String>>>,
    /// Where style sheets may come from.
    #[serde(default)]
    pub(in crate::policy) style_src: Field<Vec<Field<String>>>,
}

/// What becomes of a record that is not the user's.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "others")]
pub(in crate::policy) enum OthersWord {
    /// The whole answer is blocked.
    Block,
    /// It is left out.
    Drop,
    /// The answer is a 404, as if there were nothing.
    Hide,
    /// A placeholder stands in its place.
    Redact,
}

/// What an answer is read as.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "kind")]
pub(in crate::policy) enum KindWord {
    /// Rows of cells between commas.
    Csv,
    /// Server-sent events, the data of each one JSON document.
    Events,
    /// A page.
    Html,
    /// One JSON document.
    Json,
    /// One JSON document behind each record separator.
    JsonSeq,
    /// One JSON document a line.
    Ndjson,
    /// Text.
    Text,
    /// Rows of cells between tabs.
    Tsv,
}

/// One kind of thing that is taken out wherever it stands: exactly one of `use`, `pattern` and `dictionary`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "detect rule")]
pub(in crate::policy) struct DetectForm {
    /// The rule's name, which placeholders and the log show (own patterns and dictionaries).
    #[serde(default)]
    pub(in crate::policy) id: Field<String>,
    /// Built-in packs (`pii`, `pii-context`, `pii-eu`, `pii-us`, `pii-apac`, `secrets`, `network`, `crypto`) or
    /// single detectors (`iban`).
    #[serde(default, rename = "use")]
    pub(in crate::policy) packs: Field<Vec<Field<String>>>,
    /// A regular expression whose matches have a longest length.
    #[serde(default)]
    pub(in crate::policy) pattern: Field<String>,
    /// A file with one term a line, relative to the policy file.
    #[serde(default)]
    pub(in crate::policy) dictionary: Field<String>,
    /// What becomes of a match: `redact` unless said.
    #[serde(default)]
    pub(in crate::policy) action: Field<Either<ActionWord, ActionForm>>,
    /// Values that are left alone.
    #[serde(default)]
    pub(in crate::policy) except: Field<Vec<Field<ExceptForm>>>,
    /// A block may name this dictionary (own patterns and detectors are always named).
    #[serde(default)]
    pub(in crate::policy) disclose: Field<bool>,
    /// The control that an own pattern or dictionary serves: `leak` unless said.
    #[serde(default)]
    pub(in crate::policy) control: Field<ControlWord>,
}

/// What becomes of a match.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "action")]
pub(in crate::policy) enum ActionWord {
    /// The whole answer is blocked.
    Block,
    /// Its letters and digits become `*`.
    Mask,
    /// A name stands in its place, the same for the same value.
    Pseudonymize,
    /// `[redacted:<detector>]` stands in its place.
    Redact,
}

/// What becomes of a match, with details.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "detailed action")]
pub(in crate::policy) struct ActionForm {
    /// Letters and digits become `*`, but for the last few.
    pub(in crate::policy) mask: Field<MaskForm>,
}

/// How to mask.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "mask")]
pub(in crate::policy) struct MaskForm {
    /// How many characters at the end stay; never more than half of the match.
    #[serde(default)]
    pub(in crate::policy) keep_last: Field<u8>,
    /// Numbers in JSON stay numbers, with `1` for each digit, instead of becoming strings.
    #[serde(default)]
    pub(in crate::policy) number: Field<bool>,
}

/// A value that detectors leave alone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "exception")]
pub(in crate::policy) struct ExceptForm {
    /// The value; letter case makes no difference.
    pub(in crate::policy) value: Field<String>,
    /// Why it may pass.
    pub(in crate::policy) reason: Field<String>,
    /// The last day (`2027-06-30`, in UTC) or instant (`2027-06-30T12:00:00Z`) of the exception.
    #[serde(default)]
    pub(in crate::policy) until: Field<String>,
}

/// Terms that nobody may see yet.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "embargo")]
pub(in crate::policy) struct EmbargoForm {
    /// The embargo's name, which the log shows.
    pub(in crate::policy) id: Field<String>,
    /// The instant (`2027-03-01T09:00:00Z`) at which it opens by itself; without one it never does.
    #[serde(default)]
    pub(in crate::policy) until: Field<String>,
    /// The terms; letter case makes no difference.
    pub(in crate::policy) terms: Field<Vec<Field<String>>>,
    /// What becomes of a match: `block` unless said.
    #[serde(default)]
    pub(in crate::policy) action: Field<Either<ActionWord, ActionForm>>,
    /// Who may see the terms before.
    #[serde(default)]
    pub(in crate::policy) except: Field<GrantForm>,
    /// A block may name this embargo.
    #[serde(default)]
    pub(in crate::policy) disclose: Field<bool>,
}

/// Who may see embargoed terms before: users of a group, before code of a level.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "embargo exception")]
pub(in crate::policy) struct GrantForm {
    /// The level that reviewers must have granted to what runs: `cleared`.
    pub(in crate::policy) level: Field<LevelWord>,
    /// The group that the user must belong to.
    pub(in crate::policy) group: Field<String>,
}

/// The JSON Schema (draft 2020-12) of policy files.
pub(in crate::policy) fn schema() -> schemars::Schema {
    let mut schema = schemars::schema_for!(Document);
    schema.insert("title".to_owned(), "chaperone policy".into());
    schema
}
