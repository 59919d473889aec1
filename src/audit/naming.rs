//! How much of who asked for what the log may say.

use crate::types::FingerprintKey;

/// How the log names a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectForm {
    /// By a keyed hash.
    Keyed,
    /// By the user's id as it is.
    Plain,
}

/// How the log names a request's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathForm {
    /// By the route's `match` alone.
    Route,
    /// Also by the raw path, byte for byte.
    Raw,
}

/// The configured forms and the key behind them.
#[derive(Clone, Debug)]
pub struct Naming {
    key: FingerprintKey,
    subject: SubjectForm,
    path: PathForm,
}

impl Naming {
    /// Names in these forms under `key`.
    #[must_use]
    pub fn new(key: FingerprintKey, subject: SubjectForm, path: PathForm) -> Self {
        Self { key, subject, path }
    }

    /// The key, for fingerprints of matched values.
    #[must_use]
    pub fn key(&self) -> &FingerprintKey {
        &self.key
    }

    /// What the log writes for the user `id`.
    #[must_use]
    pub fn subject(&self, id: &str) -> String {
        match self.subject {
            SubjectForm::Keyed => {
                format!("keyed:{}", self.key.name("audit subject", &[id.as_bytes()]))
            }
            SubjectForm::Plain => id.to_owned(),
        }
    }

    /// What the log writes for the request target `raw`.
    #[must_use]
    pub fn path(&self, raw: &str) -> Option<String> {
        match self.path {
            PathForm::Route => None,
            PathForm::Raw => Some(raw.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(subject: SubjectForm, path: PathForm) -> Naming {
        Naming::new(FingerprintKey::from_material(b"k"), subject, path)
    }

    #[test]
    fn names_nobody_unless_told() {
        let quiet = naming(SubjectForm::Keyed, PathForm::Route);
        let name = quiet.subject("u-alice");
        assert!(name.starts_with("keyed:") && !name.contains("alice"));
        assert_eq!(name, quiet.subject("u-alice"));
        assert_ne!(name, quiet.subject("u-bob"));
        assert_eq!(quiet.path("/x?y=1"), None);
        let open = naming(SubjectForm::Plain, PathForm::Raw);
        assert_eq!(open.subject("u-alice"), "u-alice");
        assert_eq!(open.path("/x?y=1").as_deref(), Some("/x?y=1"));
    }
}
