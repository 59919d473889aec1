//! What selectors look at: they are matched against tags as they are written, browsers undo character references.

/// The names and attributes in the selectors of a rule.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Classes and ids among them, in lower case.
    words: Vec<Box<str>>,
    /// Attributes whose values are compared, in lower case.
    attributes: Vec<Box<str>>,
    /// Escapes hide names.
    is_escaped: bool,
}

impl Looked {
    pub(super) fn new(selectors: &[&str]) -> Self {
        let mut looked = Self::default();
        for selector in selectors {
            let selector = selector.to_ascii_lowercase();
            let words = selector.split(|letter: char| {
                letter.is_ascii() && !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_')
            });
            let words = words.filter(|word| !word.is_empty());
            looked.words.extend(words.map(Box::from));
            for test in selector.split('[').skip(1) {
                if let Some((name, _)) = test.split_once('=') {
                    let name = name.trim_end_matches(['~', '|', '^', '$', '*']).trim();
                    looked.attributes.push(name.into());
                }
            }
            looked.is_escaped |= selector.contains('\\');
        }
        looked
    }

    /// Whether the value of an attribute, `raw` as it is written, may match otherwise when it is `decoded`.
    pub(super) fn is_veiled(&self, name: &str, raw: &[u8], decoded: &[u8]) -> bool {
        if raw == decoded {
            return false;
        }
        if self.attributes.iter().any(|attribute| **attribute == *name) {
            return true;
        }
        if !matches!(name, "class" | "id") {
            return false;
        }
        self.is_escaped
            || self
                .words
                .iter()
                .any(|word| has_word(raw, word) != has_word(decoded, word))
    }
}

fn has_word(text: &[u8], word: &str) -> bool {
    let mut words = text.split(u8::is_ascii_whitespace);
    words.any(|text| text.eq_ignore_ascii_case(word.as_bytes()))
}
