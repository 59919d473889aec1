//! XML as its readers put it together: references undone, sections opened, comments and instructions left out.

use memchr::memmem;

use super::{Step, reference};
use crate::types::{ReasonCode, Refusal};

/// Where in a document the reader stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Xml {
    #[default]
    Text,
    Comment,
    Instruction,
    Section,
}

/// What begins something else than an element.
const OPENINGS: [(&[u8], Xml); 3] = [
    (b"<!--", Xml::Comment),
    (b"<?", Xml::Instruction),
    (b"<![CDATA[", Xml::Section),
];
const ENTITY: &[u8] = b"<!ENTITY";
/// The longest declaration of an entity that is read.
const DECLARATION: usize = 1024;

impl Xml {
    /// Where the next thing may begin that does not stand for itself.
    pub(super) fn mark(self, text: &[u8]) -> Option<usize> {
        match self {
            Self::Text => memchr::memchr2(b'&', b'<', text),
            Self::Section => memchr::memchr(b']', text),
            Self::Comment | Self::Instruction => (!text.is_empty()).then_some(0),
        }
    }

    pub(super) fn step(
        &mut self,
        text: &[u8],
        is_last: bool,
        out: &mut Vec<u8>,
    ) -> Result<Step, Refusal> {
        match self {
            Self::Text if text.first() == Some(&b'&') => {
                reference::reference(text, false, is_last, out)
            }
            Self::Text => self.open(text, is_last),
            Self::Section if text.starts_with(b"]]>") => {
                *self = Self::Text;
                Ok(Step::Escape(3))
            }
            Self::Section if b"]]>".starts_with(text) && !is_last => Ok(Step::More),
            Self::Section => Ok(Step::Plain(1)),
            Self::Comment => Ok(self.skip(b"-->", text, is_last)),
            Self::Instruction => Ok(self.skip(b"?>", text, is_last)),
        }
    }

    fn open(&mut self, text: &[u8], is_last: bool) -> Result<Step, Refusal> {
        if let Some(rest) = text.strip_prefix(ENTITY) {
            return match is_public(rest) {
                Some(true) => Ok(Step::Plain(ENTITY.len())),
                None if !is_last && rest.len() < DECLARATION => Ok(Step::More),
                _ => Err(Refusal::new(ReasonCode::AnswerMalformed)
                    .because("a document type that declares entities")),
            };
        }
        for (opening, state) in OPENINGS {
            if text.starts_with(opening) {
                *self = state;
                return Ok(Step::Escape(opening.len()));
            }
        }
        let mut all = OPENINGS.iter().map(|(opening, _)| *opening).chain([ENTITY]);
        if !is_last && all.any(|opening| opening.starts_with(text)) {
            return Ok(Step::More);
        }
        Ok(Step::Plain(1))
    }

    /// Leaves out what stands before `end`, and it.
    fn skip(&mut self, end: &[u8], text: &[u8], is_last: bool) -> Step {
        match memmem::find(text, end) {
            Some(0) => {
                *self = Self::Text;
                Step::Escape(end.len())
            }
            Some(at) => Step::Escape(at),
            None if is_last => Step::Escape(text.len()),
            None => match text.len().saturating_sub(end.len() - 1) {
                0 => Step::More,
                length => Step::Escape(length),
            },
        }
    }
}

/// Whether an entity is declared by a public name alone, which says nothing: who goes to its address shows no capability
/// there. None where more bytes decide. `rest` is what stands behind `<!ENTITY`.
fn is_public(rest: &[u8]) -> Option<bool> {
    let end = memchr::memchr(b'>', rest)?;
    let declaration = rest.get(..end)?.to_ascii_lowercase();
    let words = declaration.split(u8::is_ascii_whitespace);
    let mut words = words.filter(|word| !word.is_empty() && *word != b"%");
    let (_, kind) = (words.next(), words.next());
    let holds_text = memmem::find(&declaration, b"data:").is_some();
    Some(kind == Some(b"public") && !holds_text)
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn tells_public_names_from_entities_that_say_something() {
        for (declaration, is) in [
            (
                " % l PUBLIC '-//A//B' 'http://a.example/b.ent'>",
                Some(true),
            ),
            (" l PUBLIC \"-//A//B\" \"b.ent\">", Some(true)),
            (" l \"bob\">", Some(false)),
            (" PUBLIC \"bob\">", Some(false)),
            (" % PUBLIC 'bob'>", Some(false)),
            (" l SYSTEM \"b.ent\">", Some(false)),
            (" l PUBLIC 'a' 'DATA:text/plain,bob'>", Some(false)),
            (" l PUBLIC", None),
            ("", None),
        ] {
            assert_eq!(is_public(declaration.as_bytes()), is, "{declaration}");
        }
    }
}
