//! The charset of an answer: it is read as browsers read it (WHATWG Encoding), and leaves in the same charset.
//!
//! Formats see UTF-8 alone. What they let pass is encoded again, so that only what was taken out changes;
//! a body that would not come out as it came is refused, and so is one that its readers may decode in two ways.

mod declared;
mod decoded;
mod transcoder;

use encoding_rs::Encoding;

use self::declared::Document;
pub(super) use self::declared::{Document as DocumentType, SEEN, is_hiding, read as read_label};
use self::decoded::Decoded;
use crate::filter::decode::Language;
use crate::filter::media::Typed;
use crate::filter::{Format, Inspector};
use crate::policy::treatment::Kind;

/// What a `Content-Type` says about the charset of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Label {
    /// ASCII, which browsers take for windows-1252: nobody agrees about any other byte.
    Ascii,
    /// An encoding other than UTF-8.
    Encoding(&'static Encoding),
    /// Nothing.
    Unsaid,
    /// UTF-16 of an order that the byte order mark has to say.
    Utf16,
    /// UTF-8.
    Utf8,
}

impl Label {
    /// Reads a label (WHATWG Encoding, section 4.2); none where the charset can't be read in one way.
    ///
    /// ISO-2022-JP is none: which bytes are letters depends on escapes that not everybody follows.
    pub(super) fn named(text: &str) -> Option<Self> {
        let is = |known: &str| text.eq_ignore_ascii_case(known);
        if is("ascii") || is("us-ascii") || is("ansi_x3.4-1968") {
            return Some(Self::Ascii);
        }
        let encoding = Encoding::for_label_no_replacement(text.as_bytes())?;
        if encoding == encoding_rs::UTF_8 {
            Some(Self::Utf8)
        } else if encoding == encoding_rs::ISO_2022_JP || encoding == encoding_rs::X_USER_DEFINED {
            None
        } else if is_utf16(encoding) && !is("utf-16le") && !is("utf-16be") {
            Some(Self::Utf16)
        } else {
            Some(Self::Encoding(encoding))
        }
    }
}

/// How the bytes of one answer become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charset {
    label: Label,
    document: Document,
    /// The format is UTF-8, whatever its label says.
    is_fixed: bool,
    /// What its readers undo in it.
    language: Language,
}

impl Charset {
    /// UTF-8, which the format holds the body to.
    pub(super) const UTF_8: Self = Self {
        label: Label::Unsaid,
        document: Document::Other,
        is_fixed: true,
        language: Language::Plain,
    };

    /// The charset of an answer that is read as `kind`; none where it can't be read in one way.
    pub(super) fn of(typed: &Typed, kind: Kind) -> Option<Self> {
        let is_fixed = match kind {
            // RFC 8259 section 8.1; WHATWG HTML section 9.2.5; the parts of a multipart say their own.
            Kind::Events | Kind::Json | Kind::JsonSequence | Kind::Multipart | Kind::Ndjson => true,
            Kind::Csv
            | Kind::Folded
            | Kind::Form
            | Kind::Html
            | Kind::Script
            | Kind::Style
            | Kind::Text
            | Kind::Tsv
            | Kind::Xml => false,
        };
        let label = match typed.label? {
            // Whoever follows the label and whoever does not read the same ASCII.
            Label::Encoding(encoding) if is_fixed && !is_utf16(encoding) => Label::Ascii,
            Label::Encoding(_) | Label::Utf16 if is_fixed => return None,
            label => label,
        };
        let document = match kind {
            Kind::Html => Document::Html,
            Kind::Script | Kind::Style | Kind::Text | Kind::Xml => typed.document,
            _ => Document::Other,
        };
        let language = match kind {
            Kind::Html => Language::Inner,
            Kind::Script => Language::Script,
            Kind::Style => Language::Style,
            Kind::Xml => Language::Xml,
            Kind::Folded => Language::Folded,
            Kind::Csv | Kind::Text | Kind::Tsv => Language::Text,
            _ => Language::Plain,
        };
        Some(Self {
            label,
            document,
            is_fixed,
            language,
        })
    }

    /// `format`, which reads UTF-8, for a body in this charset.
    pub(super) fn over(self, format: Box<dyn Format>, inspector: &Inspector) -> Box<dyn Format> {
        let is_plain = match self.label {
            // What is not UTF-8 is refused by the format itself.
            Label::Unsaid => self.is_fixed,
            Label::Utf8 => self.document == Document::Other,
            Label::Ascii | Label::Encoding(_) | Label::Utf16 => false,
        };
        if is_plain {
            return format;
        }
        Box::new(Decoded::new(format, self, inspector))
    }
}

fn is_utf16(encoding: &'static Encoding) -> bool {
    encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE
}

#[cfg(test)]
mod tests;
