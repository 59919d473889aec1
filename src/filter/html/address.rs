//! Addresses in attributes: what else their text says.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode;

/// What browsers take for base64 (WHATWG Infra, forgiving-base64).
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What an address says beside its own text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// The same with its percent-encoding undone.
    Decoded(Vec<u8>),
    /// The content of a `data:` URL, and whether it is markup.
    Content { text: Vec<u8>, is_markup: bool },
    /// Content that is no text (a picture).
    Binary,
}

/// Reads an address (RFC 3986; RFC 2397 for `data:`); none where it says nothing else.
pub(super) fn read(address: &[u8]) -> Option<Address> {
    // Browsers take out line breaks and tabs, and controls and spaces around it.
    let plain: Vec<u8> = address
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b'\t' | b'\n' | b'\r'))
        .collect();
    let start = plain.iter().position(|byte| *byte > b' ').unwrap_or(0);
    let plain = plain.get(start..).unwrap_or_default();
    let scheme = plain.get(..5).unwrap_or_default();
    let rest = plain.get(5..).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case(b"data:") {
        let has_escape = memchr::memchr(b'%', address).is_some();
        return has_escape.then(|| Address::Decoded(percent_decode(address).collect()));
    }
    let comma = memchr::memchr(b',', rest)?;
    let (head, body) = rest.split_at_checked(comma)?;
    let head: Vec<u8> = percent_decode(head).collect();
    let head = head.to_ascii_lowercase();
    let head = head.trim_ascii();
    let mut text: Vec<u8> = percent_decode(body.get(1..).unwrap_or_default()).collect();
    let kind = head.split(|byte| *byte == b';').next().unwrap_or_default();
    if is_binary(kind.trim_ascii()) {
        return Some(Address::Binary);
    }
    let coding = head.rsplit(|byte| *byte == b';').next().unwrap_or_default();
    if coding.trim_ascii() == b"base64" && memchr::memchr(b';', head).is_some() {
        text.retain(|byte| !byte.is_ascii_whitespace());
        text = FORGIVING.decode(&text).ok()?;
    }
    let marks: [&[u8]; 3] = [b"html", b"svg", b"xml"];
    let is_markup = marks
        .iter()
        .any(|mark| memchr::memmem::find(kind, mark).is_some());
    Some(Address::Content { text, is_markup })
}

/// Types whose bytes are no text, whatever they hold.
fn is_binary(kind: &[u8]) -> bool {
    let families: [&[u8]; 4] = [b"audio/", b"font/", b"image/", b"video/"];
    let is_family = families.iter().any(|family| kind.starts_with(family));
    is_family && !kind.ends_with(b"xml")
}

#[cfg(test)]
mod tests {
    use super::{Address, read};

    fn content(text: &str, is_markup: bool) -> Option<Address> {
        let text = text.into();
        Some(Address::Content { text, is_markup })
    }

    #[test]
    fn reads_the_content_of_data_urls() {
        for address in [
            "data:,a%40b",
            "data:;base64,YUBi",
            " DATA:text/plain;charset=utf-8;BASE64,YU%42i\n",
            "da\nta:text/plain; base64 ,YUB i",
            "data:application/json,a@b",
        ] {
            assert_eq!(read(address.as_bytes()), content("a@b", false), "{address}");
        }
        assert_eq!(read(b"data:text/html,<p>"), content("<p>", true));
        assert_eq!(read(b"data:image/svg+xml,<g>"), content("<g>", true));
        assert_eq!(read(b"data:base64,YUBi"), content("YUBi", false));
        assert_eq!(read(b"data:image/png;base64,YUBi"), Some(Address::Binary));
        assert_eq!(read(b"data:;base64,!"), None);
        assert_eq!(read(b"data:;base64,YUBi="), None);
    }

    #[test]
    fn undoes_percent_encoding() {
        assert_eq!(
            read(b"/u?m=a%40b"),
            Some(Address::Decoded(b"/u?m=a@b".to_vec()))
        );
        assert_eq!(read(b"/u?m=a@b"), None);
    }
}
