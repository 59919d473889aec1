//! The built-in detectors, in packs by purpose: readable files under policies/detectors/, embedded.

use std::sync::LazyLock;

use serde::Deserialize;

use super::Strength;
use super::tail::TailKind;

/// Detectors that serve one purpose.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pack {
    /// The name that policies use it by.
    pub name: Box<str>,
    /// What it is for.
    pub description: Box<str>,
    /// What it finds are credentials, not personal data.
    #[serde(default)]
    pub is_credential: bool,
    /// What it finds.
    pub detectors: Vec<Detector>,
}

/// One thing to find: how it looks, how a candidate is checked, and examples of both.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Detector {
    /// The name that findings and placeholders show.
    pub name: Box<str>,
    /// What it claims to find, and what it leaves out.
    pub description: Box<str>,
    /// The specification it follows.
    pub source: Box<str>,
    /// Its forms: Rust regex syntax over bytes with ASCII classes; each is searched on its own.
    /// The hit is the group `value` where there is one, else the match.
    #[serde(default)]
    pub patterns: Vec<Box<str>>,
    /// The check that a candidate must pass, by name.
    #[serde(default)]
    pub validator: Option<Box<str>>,
    /// How a match goes on after the pattern, without a bound.
    #[serde(default)]
    pub continues: Option<TailKind>,
    /// Words before a match that make it one, or make it surer.
    #[serde(default)]
    pub context: Option<Context>,
    /// How much a hit says by itself.
    pub strength: Strength,
    /// Texts that show what it does; tested.
    pub examples: Examples,
}

impl Detector {
    /// Every form, and whether it is a hit only behind a word of the context.
    pub(super) fn forms(&self) -> impl Iterator<Item = (&str, bool)> {
        let weak = self.context.iter().flat_map(|context| &context.patterns);
        let forms = self.patterns.iter().map(|pattern| (&**pattern, false));
        forms.chain(weak.map(|pattern| (&**pattern, true)))
    }
}

/// Words that tell what a number or name is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Context {
    /// The words, in any case (of ASCII), not inside longer words. A space stands for up to three
    /// bytes that are neither letters nor digits, so that `tax id` is found in `tax_id` and `taxId`.
    pub words: Vec<Box<str>>,
    /// How many bytes before the match they may begin.
    #[serde(default = "within")]
    pub within: usize,
    /// Forms that are hits only behind one of the words. The other forms are so without, and a step
    /// stronger with one.
    #[serde(default)]
    pub patterns: Vec<Box<str>>,
}

/// Texts that a detector must and must not find something in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Examples {
    /// The match stands between `«` and `»`.
    pub finds: Vec<Box<str>>,
    /// Nothing is found here.
    pub ignores: Vec<Box<str>>,
}

/// The built-in pack of that name: `pii`, `pii-context`, `pii-eu`, `pii-us`, `pii-apac`, `secrets`, `network` or
/// `crypto`.
///
/// ```
/// let pack = chaperone::scan::pack("pii").unwrap();
/// assert!(pack.detectors.iter().any(|detector| &*detector.name == "iban"));
/// ```
#[must_use]
pub fn pack(name: &str) -> Option<&'static Pack> {
    PACKS.iter().find(|pack| &*pack.name == name)
}

/// Every built-in pack.
#[must_use]
pub fn packs() -> &'static [Pack] {
    &PACKS
}

/// A key and its neighbour, or half a sentence.
const fn within() -> usize {
    48
}

pub(super) const FILES: [&str; 8] = [
    include_str!("../../policies/detectors/pii.yaml"),
    include_str!("../../policies/detectors/pii-context.yaml"),
    include_str!("../../policies/detectors/pii-eu.yaml"),
    include_str!("../../policies/detectors/pii-us.yaml"),
    include_str!("../../policies/detectors/pii-apac.yaml"),
    include_str!("../../policies/detectors/secrets.yaml"),
    include_str!("../../policies/detectors/network.yaml"),
    include_str!("../../policies/detectors/crypto.yaml"),
];

// A file that doesn't parse is a pack that doesn't exist: a policy that names it is refused.
// The test in tests.rs holds that every file parses.
static PACKS: LazyLock<Vec<Pack>> = LazyLock::new(|| {
    FILES
        .iter()
        .filter_map(|file| serde_saphyr::from_str(file).ok())
        .collect()
});
