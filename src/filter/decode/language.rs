//! The languages that a text can be in, by the escapes that their readers undo.

use super::{Coding, Spec};

/// What a text is to those who read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::filter) enum Language {
    /// A text that scripts may take for an address, for markup, or for a document in a string.
    Address,
    /// The value of a page's attribute: any of them may hold an address, a script, a style or a page.
    Attribute,
    /// Lines that go on behind a break and a blank: calendars and cards.
    Folded,
    /// A name or a value of a form.
    Form,
    /// Text that is markup to some readers, or the content of a `data:` URL.
    Inner,
    /// The value of an attribute that is an address to browsers.
    Link,
    /// Text of a page.
    Markup,
    /// Nothing is undone.
    Plain,
    Script,
    Style,
    /// A text without a language of its own: whoever is handed it as a string may read it as JSON, as a script, as markup.
    Text,
    Xml,
}

const fn layer(coding: Coding, under: usize) -> Spec {
    super::layer(coding, under)
}

const fn nested(coding: Coding, under: usize) -> Spec {
    Spec {
        coding,
        under,
        is_nested: true,
    }
}

impl Language {
    pub(in crate::filter) fn layers(self) -> &'static [Spec] {
        use Coding::{
            Attribute, Base64, Break, Fold, Form, Percent, Reference, Script, Style, Unseen, Xml,
        };
        const SCRIPT: &[Spec] = &[
            layer(Script, 0),
            layer(Reference, 1),
            layer(Percent, 2),
            layer(Base64, 3),
            nested(Script, 3),
            nested(Reference, 4),
            nested(Script, 4),
            // A document in a string: `JSON.parse("…")`.
            nested(Script, 1),
            layer(Unseen, 2),
        ];
        const ADDRESS: &[Spec] = &[
            layer(Percent, 0),
            layer(Base64, 1),
            nested(Percent, 1),
            nested(Percent, 2),
            layer(Reference, 0),
            layer(Script, 0),
            nested(Reference, 6),
            layer(Unseen, 5),
        ];
        const FOLDED: &[Spec] = &[
            layer(Fold, 0),
            layer(Script, 1),
            layer(Reference, 2),
            layer(Percent, 3),
            layer(Base64, 4),
            layer(Unseen, 3),
        ];
        const FORM: &[Spec] = &[
            layer(Form, 0),
            nested(Percent, 1),
            nested(Reference, 1),
            nested(Script, 1),
            layer(Unseen, 1),
        ];
        const MARKUP: &[Spec] = &[
            layer(Reference, 0),
            layer(Script, 1),
            nested(Reference, 2),
            layer(Unseen, 2),
        ];
        const STYLE: &[Spec] = &[
            layer(Style, 0),
            layer(Percent, 1),
            layer(Base64, 2),
            layer(Reference, 2),
            nested(Reference, 3),
            nested(Style, 3),
            nested(Style, 2),
            layer(Unseen, 1),
        ];
        const XML: &[Spec] = &[
            layer(Xml, 0),
            layer(Reference, 0),
            nested(Reference, 1),
            layer(Script, 3),
            layer(Style, 3),
            layer(Percent, 4),
            layer(Base64, 6),
            nested(Reference, 7),
            layer(Unseen, 3),
        ];
        const fn page(first: Coding) -> [Spec; 12] {
            [
                layer(first, 0),
                layer(Script, 1),
                layer(Style, 1),
                layer(Reference, 2),
                layer(Percent, 4),
                layer(Base64, 5),
                nested(Script, 5),
                nested(Reference, 5),
                nested(Reference, 6),
                nested(Script, 6),
                nested(Script, 2),
                layer(Unseen, 4),
            ]
        }
        // The same behind what is taken out of an address, and a form's spaces.
        const LINK: &[Spec] = &[
            layer(Attribute, 0),
            layer(Break, 1),
            layer(Script, 2),
            layer(Style, 2),
            layer(Reference, 3),
            layer(Percent, 5),
            layer(Base64, 6),
            nested(Script, 6),
            nested(Reference, 6),
            nested(Reference, 7),
            nested(Script, 7),
            nested(Script, 3),
            layer(Unseen, 5),
            layer(Form, 2),
        ];
        match self {
            Self::Address => ADDRESS,
            Self::Attribute => const { &page(Attribute) },
            Self::Folded => FOLDED,
            Self::Form => FORM,
            Self::Inner => const { &page(Reference) },
            Self::Link => LINK,
            Self::Markup => MARKUP,
            Self::Plain => &[],
            Self::Script | Self::Text => SCRIPT,
            Self::Style => STYLE,
            Self::Xml => XML,
        }
    }
}
