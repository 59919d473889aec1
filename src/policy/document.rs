//! A policy as it is written: the types that the parser fills and the JSON Schema comes from.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::capability::JwtAlgorithm;
use crate::policy::field::{Either, Field};

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
    /// What the rules would do to an answer is recorded, and answers pass unchanged. Requests are refused as in `enforce`.
    Observe,
}

/// Which tokens are accepted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "capability")]
pub(in crate::policy) struct CapabilityForm {
    /// Biscuits signed by one of these keys.
    #[serde(default)]
    pub(in crate::policy) biscuit: Field<BiscuitForm>,
    /// JSON Web Tokens of one issuer.
    #[serde(default)]
    pub(in crate::policy) jwt: Field<JwtForm>,
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
    /// The file with the issuer's public keys (RFC 7517), relative to the policy file.
    pub(in crate::policy) jwks: Field<String>,
    /// The algorithms that are accepted.
    pub(in crate::policy) algorithms: Field<Vec<Field<JwtAlgorithm>>>,
    /// The seconds by which clocks may differ: 60 at most, and unless said.
    #[serde(default)]
    #[schemars(range(max = 60))]
    pub(in crate::policy) leeway: Field<u8>,
    /// More claims to read, each with the subject's attribute that it fills.
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
}

/// Requests that may reach the app (or must not), and what of their answers may pass.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "route")]
pub(in crate::policy) struct RouteForm {
    /// Method and path: `GET /api/orders`, `* /admin/**`, `GET /api/users/{user}`, `GET /list?kind=a`.
    #[serde(rename = "match")]
    pub(in crate::policy) pattern: Field<String>,
    /// `anywhere`, or an RFC 9535 JSONPath: which parts of a JSON answer are records.
    #[serde(default)]
    pub(in crate::policy) records: Field<String>,
    /// Where a record names its owner, relative to the record (`$.customer.id`, or the bare name of a
    /// member; of a list, any may be the user); or `"{name}"`: the path itself must name the user.
    #[serde(default)]
    pub(in crate::policy) owner: Field<Either<Field<String>, Vec<Field<String>>>>,
    /// Where a record names its owner, on a route whose `owner` is in the path.
    #[serde(default)]
    pub(in crate::policy) record_owner: Field<Either<Field<String>, Vec<Field<String>>>>,
    /// What becomes of records that are not the user's: `drop` unless said.
    #[serde(default)]
    pub(in crate::policy) others: Field<OthersWord>,
    /// JSONPaths of members outside the records that may pass.
    #[serde(default)]
    pub(in crate::policy) also: Field<Vec<Field<String>>>,
    /// An answer in which `records` selects nothing passes, without its other members.
    #[serde(default)]
    pub(in crate::policy) optional: Field<bool>,
    /// What answers are read as, where the app's content type misleads.
    #[serde(default, rename = "as")]
    pub(in crate::policy) read_as: Field<KindWord>,
    /// Media types that pass unscanned where they can't be scanned: `image/*`, `application/pdf`.
    #[serde(default)]
    pub(in crate::policy) content: Field<Vec<Field<String>>>,
    /// Other origins whose pages may send these requests and read the answers.
    #[serde(default)]
    pub(in crate::policy) cors: Field<Vec<Field<String>>>,
    /// Other origins that the route's pages may turn to, beside the preview's own.
    #[serde(default)]
    pub(in crate::policy) csp: Field<CspForm>,
    /// The reason why these requests are blocked.
    #[serde(default)]
    pub(in crate::policy) deny: Field<String>,
    /// The reason why these answers are nobody's data.
    #[serde(default)]
    pub(in crate::policy) public: Field<String>,
    /// Biscuit Datalog that the capability must satisfy.
    #[serde(default)]
    pub(in crate::policy) authorize: Field<String>,
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
    /// One JSON document.
    Json,
    /// One JSON document a line.
    Ndjson,
    /// Text.
    Text,
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
    /// A block may name this embargo.
    #[serde(default)]
    pub(in crate::policy) disclose: Field<bool>,
}

/// The JSON Schema (draft 2020-12) of policy files.
pub(in crate::policy) fn schema() -> schemars::Schema {
    let mut schema = schemars::schema_for!(Document);
    schema.insert("title".to_owned(), "chaperone policy".into());
    schema
}
