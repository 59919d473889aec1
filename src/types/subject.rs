//! The user that a request acts for.

use std::collections::BTreeMap;

/// A user and the values that the token's issuer vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    id: Box<str>,
    attributes: BTreeMap<Box<str>, Vec<Box<str>>>,
}

impl Subject {
    /// A subject named `id`; none when `id` is empty or holds a control character.
    ///
    /// Attribute values that are empty or hold a control character are left out: they could
    /// neither own a record nor travel in a header.
    #[must_use]
    pub fn new(id: &str, attributes: impl IntoIterator<Item = (String, String)>) -> Option<Self> {
        let fits = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
        if !fits(id) {
            return None;
        }
        let mut map: BTreeMap<Box<str>, Vec<Box<str>>> = BTreeMap::new();
        for (name, value) in attributes {
            if fits(&name) && fits(&value) {
                map.entry(name.into()).or_default().push(value.into());
            }
        }
        Some(Self {
            id: id.into(),
            attributes: map,
        })
    }

    /// The user's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The values of one attribute (`email`, `group`, ...); empty where the issuer gave none.
    #[must_use]
    pub fn values(&self, attribute: &str) -> &[Box<str>] {
        self.attributes.get(attribute).map_or(&[], Vec::as_slice)
    }

    /// Every attribute's name and values, in the order of their names.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &[Box<str>])> {
        self.attributes
            .iter()
            .map(|(name, values)| (name.as_ref(), values.as_slice()))
    }
}
